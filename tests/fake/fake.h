/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A simulated Xen host: every function of src/xen/{evloop,hyp,store,dom,worker,writer}.h over one virtual
 * clock, and the knobs below for what a test wants to happen. Not a model of speed: rates and
 * delays are round figures in the right order. Used by the contract suites and by xhsd's own tests.
 *
 * One host a process. fake_host_new first, then the code under test opens its adapters as ever.
 * Time passes only inside evloop_run and fake_clock_run_until; nothing else waits.
 */
#ifndef XHS_FAKE_H
#define XHS_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xen/dom.h"
#include "xen/evloop.h"
#include "xen/hyp.h"
#include "xen/store.h"
#include "xen/worker.h"
#include "xen/writer.h"

#define FAKE_MS INT64_C(1000000) /* ns */

/* ---- clock ---- */

/* Run all that is due until the clock shows ns, and leave it there; or until evloop_quit. */
void fake_clock_run_until(struct evloop *loop, int64_t ns);
void fake_clock_run_for(struct evloop *loop, int64_t ns);

/* The host is starved: the clock jumps, and what was due meanwhile is late. */
void fake_clock_jump(struct evloop *loop, int64_t ns);

/* fn runs in the loop, once, delay_ns from now. */
void fake_post(struct evloop *loop, int64_t delay_ns, evloop_fn *fn, void *arg);

/* As if the signal had come. */
void fake_signal(struct evloop *loop, int signo);

/* ---- host ---- */

struct fake_speed {
    int64_t create_ns;       /* dom_create, until the domain is complete (and paused) */
    int64_t boot_ns;         /* from the unpause until the guest's OS and agent run */
    int64_t parse_ns;        /* dom_parse */
    int64_t devices_ns;      /* dom_destroy, before the hypervisor frees anything */
    uint64_t free_kb_per_ms; /* the hypervisor, when a domain is destroyed */
    uint64_t balloon_kb_per_ms;
    int64_t store_ns; /* from a change until its watch event */
    int64_t writer_ns; /* writer_apply, a batch */
};
extern struct fake_speed fake_speed; /* fake_host_new sets it to the defaults */

void fake_host_new(struct evloop *loop, uint64_t total_kb, uint64_t dom0_kb);
void fake_host_free(void); /* after all adapters are closed */

/* Panics, with a message, when pages are lost or claims do not add up. Cheap; call it often. */
void fake_host_check(void);

/* ---- failures ---- */

#define FAKE_CALLS(C)                                                                         \
    C(HYP_LIST)                                                                               \
    C(HYP_GET)                                                                                \
    C(HYP_MEMORY) C(HYP_FENCE) C(HYP_SET_MAX) C(HYP_CLAIM) C(HYP_CREATE_EMPTY) C(HYP_DESTROY) \
        C(HYP_HOLD) C(STORE_READ) C(STORE_LIST) C(STORE_WRITE) C(STORE_APPLY) C(STORE_WATCH)  \
            C(STORE_ALIVE) C(DOM_PARSE) C(DOM_CREATE) C(DOM_DESTROY) C(DOM_ADOPT) C(DOM_FIND) \
                C(WORKER_DESTROY)

enum fake_call {
#define C(id) FAKE_##id,
    FAKE_CALLS(C)
#undef C
        FAKE_CALL_COUNT,
};

/*
 * Let `times` calls fail after `skip` more that work. What fails has no effect; a fence answers
 * UNKNOWN. DOM_* and WORKER_DESTROY report the failure by their callback.
 */
void fake_fail(enum fake_call call, unsigned skip, unsigned times);
unsigned fake_calls(enum fake_call call); /* so far, failed ones included */

/* ---- domains ---- */

/* A domain of someone else's, complete and running, with name and memory. 0: no memory. */
uint32_t fake_stranger(const char *name, const uint8_t uuid[16], uint64_t kb);

/* What others do: an operator's `xl pause` and unpause, `xl destroy`; a destroy without clean-up.
 */
void fake_pause(uint32_t domid, bool pause);
void fake_xl_destroy(uint32_t domid);
void fake_raw_destroy(uint32_t domid);

/* The hypervisor's destroy of this domain stops when it has kb left, until this is said with 0. */
void fake_destroy_hangs(uint32_t domid, uint64_t kb);

/*
 * A domain of someone else's that takes what is unclaimed, up to kb in all: whatever comes free, as
 * it comes, between any two calls of hypervisor or xenstore. 0: no more from now on, what it has it
 * keeps. fake_xl_destroy gives it back.
 */
uint32_t fake_thief(const uint8_t uuid[16], uint64_t kb);

/* An xl that would act when this domain ends (dom_has_xl_monitor). */
void fake_xl_monitor(const char *name, bool there);

/* The domid that has this uuid, and is not dying; 0 when there is none. */
uint32_t fake_domid(const uint8_t uuid[16]);

/* ---- guests ---- */

/* The OS ends: reason as in xen/sched.h (0 poweroff ... 3 crash, 4 watchdog, 5 soft reset). */
void fake_guest_shutdown(uint32_t domid, int reason);
void fake_guest_crash(uint32_t domid);

/* The whole guest stands still but is not shut down: no balloon, no agent. */
void fake_guest_hang(uint32_t domid, bool hung);

/* Its balloon ignores the target. */
void fake_guest_refuse_balloon(uint32_t domid, bool refuse);

/* Its balloon does not hear of targets that dom0 sets, and follows what its own root sets (sysfs).
 */
void fake_guest_deaf(uint32_t domid, bool deaf);
void fake_guest_target(uint32_t domid, uint64_t kb);

/* Below this it runs out of memory and crashes. 0, the default: never. */
void fake_guest_floor(uint32_t domid, uint64_t kb);

/* KiB a ms; 0: fake_speed's. */
void fake_guest_balloon_rate(uint32_t domid, uint64_t kb_per_ms);

/* Its root takes whatever max_pages allows, whatever dom0's target says. */
void fake_guest_greedy(uint32_t domid, bool greedy);

/* fn runs each time a guest has booted: the place to start a simulated agent. */
typedef void fake_boot_fn(void *arg, uint32_t domid, const char *name);
void fake_on_boot(fake_boot_fn *fn, void *arg);

/*
 * The simulated agent's xenstore. Paths are relative ("xhs/req", "data/xhs/job"), rights and
 * quotas are a guest's: it may read what is below its directory and write below data/. A watch
 * fires at once, and then for changes, while the guest runs; it ends with the guest.
 */
typedef void fake_guest_fn(void *arg, uint32_t domid, const char *path);
void fake_guest_watch(uint32_t domid, const char *path, fake_guest_fn *fn, void *arg);
long fake_guest_read(uint32_t domid, const char *path, char *buf, size_t size); /* -1: none */
int fake_guest_write(uint32_t domid, const char *path, const char *value); /* -1: EACCES, ENOSPC */
int fake_guest_remove(uint32_t domid, const char *path);

#endif
