/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every implementation of src/xen/{hyp,store,dom,worker,writer}.h must do. The suites run on
 * the fakes (make check) and on a real Xen host (as root in dom0), where they make small domains and
 * keys of their own, named "ct-..." and below /tool/xhs-contract, and remove them again.
 * Not a test of xhsd.
 */
#ifndef XHS_CONTRACT_H
#define XHS_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "xen/dom.h"
#include "xen/evloop.h"
#include "xen/hyp.h"
#include "xen/store.h"
#include "xen/worker.h"
#include "xen/writer.h"

#define MB UINT64_C(1024) /* in KiB */
#define SMALL_MB 128      /* a guest that boots and can still give something back */

struct case_ {
    const char *name;
    void (*run)(void);
};
extern const struct case_ hyp_cases[], hyp_guest_cases[], store_cases[], dom_cases[],
    writer_cases[];

/* ---- contract.c ---- */

/* The one set of adapters. */
struct contract {
    struct evloop *loop;
    struct hyp *hyp;
    struct store *store;
    struct dom *dom;
    struct worker *worker;
};
extern struct contract ct;

/* End the case as failed; or as skipped. */
#define CHECK(cond)                                     \
    do {                                                \
        if (!(cond)) {                                  \
            contract_failed(__FILE__, __LINE__, #cond); \
            return;                                     \
        }                                               \
    } while (0)
#define SKIP(why)           \
    do {                    \
        contract_skip(why); \
        return;             \
    } while (0)
void contract_failed(const char *file, int line, const char *what);
void contract_skip(const char *why);

/* The error of the last adapter call that went wrong; a failed CHECK shows it. */
extern struct xhs_error ct_err;
struct xhs_error *no_err(void); /* cleared */

void pass_ms(int ms); /* run the loop */
bool wait_until(bool (*cond)(void *arg), void *arg, int ms);

/* ---- helpers, contract_help.c ---- */

void new_uuid(uint8_t uuid[16]);
void uuid_text(char buf[37], const uint8_t uuid[16]);

struct guest {
    uint32_t domid;
    uint8_t uuid[16];
    char name[32];
};

/* An empty domain with a fresh uuid, removed at the case's end. domid 0 on error. */
struct guest make_empty(uint64_t max_kb);

/* A guest, built and unpaused; wait for its OS with env_wait_up. domid 0 on error. */
struct guest make_guest(const char *name, uint64_t boot_kb, uint64_t max_kb);

/* Several callbacks at work at once; ->done when over. */
struct result {
    bool done;
    uint32_t domid;
    struct xhs_error err;
};
void on_result(void *result, uint32_t domid, const struct xhs_error *err);
bool wait_result(struct result *r, int ms);

bool destroy(const struct guest *g);     /* dom_destroy, waited for */
bool raw_destroy(const struct guest *g); /* by the worker, waited for */
/*
 * Has the domain left the hypervisor's list? It may take a moment: xenstored and xenconsoled have
 * pages of it mapped, and learn of its end like everyone else.
 */
bool gone(uint32_t domid);
bool anything_left(const struct guest *g); /* in xenstore or the hypervisor, once it is gone */
struct hyp_dom look(uint32_t domid);       /* domid 0 in it: there is none */
uint64_t unclaimed_kb(void);
bool key_is(const char *value, const char *fmt, ...) /* NULL: absent */
    __attribute__((format(printf, 2, 3)));
void cleanup(void); /* what cases have made */

/* store_watch_fn, in contract_store.c: records. */
void on_watch(void *arg, const char *path, const char *token);

/* dom events seen since clear_events. */
void clear_events(void);
bool event_seen(uint32_t domid);
void on_dom_event(void *arg, uint32_t domid);
bool wait_event(uint32_t domid, int ms);

/* ---- where it runs: contract_fake.c or contract_lab.c ---- */

extern const bool env_is_fake;
void env_open(struct evloop *loop); /* before the adapters are opened */
void env_close(void);

/* Write an xl.cfg file for a small PV guest; its path. */
const char *env_config(const char *name, uint64_t mb);
bool env_wait_up(uint32_t domid); /* its OS runs and takes balloon targets */
void env_crash(uint32_t domid);
void env_reboot(uint32_t domid);
void env_poweroff(uint32_t domid);

/* Another toolstack makes a domain, and stays to act on its end. False: cannot. */
bool env_others_create(const char *name, uint64_t mb);
void env_others_destroy(const char *name);

#endif
