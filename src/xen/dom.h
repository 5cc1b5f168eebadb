/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains through libxl, asynchronously: build, watch for their end, clean up; and xl.cfg files,
 * parsed by xl itself into libxl's JSON. Not the hypervisor's own calls: hyp.h. All callbacks come
 * from the loop, none from within the function that asked for it.
 * Used by xhsd; tests/fake/fake_dom.c has the same functions over the simulated host.
 */
#ifndef XHS_XEN_DOM_H
#define XHS_XEN_DOM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "xen/evloop.h"

struct dom;

/* Something happened to a domain that dom_create made or dom_adopt took: look at the hypervisor. */
typedef void dom_event_fn(void *arg, uint32_t domid);

int dom_open(struct dom **out, struct evloop *loop, dom_event_fn *fn, void *arg,
             struct xhs_error *err);
void dom_close(struct dom *d); /* NULL is fine; operations under way are given up; it waits for
                               * domains that are being built */

/* What xhs must know of a member's xl.cfg. */
struct dom_summary {
    char name[128];
    uint8_t uuid[16];
    char type[8]; /* "pv", "pvh", "hvm" */
    uint64_t memory_kb;
    unsigned vcpus;
    unsigned pci_devices;
};

/* Runs `xl create -n -d FILE`. json (malloc'ed by dom, freed after fn) is NULL on error. */
typedef void dom_parsed_fn(void *arg, const char *json, const struct dom_summary *sum,
                           const struct xhs_error *err);
void dom_parse(struct dom *d, const char *file, dom_parsed_fn *fn, void *arg);

/* The same facts from a JSON kept earlier. */
int dom_summarize(struct dom *d, const char *json, struct dom_summary *sum, struct xhs_error *err);

/* err->code is XHS_E_NONE when it went well. */
typedef void dom_done_fn(void *arg, uint32_t domid, const struct xhs_error *err);

/*
 * Build from json with these overrides: uuid, on_* = preserve, boot memory, maxmem, memory claimed
 * while building. Then watch for its end, look once whether it is dead already (an event follows),
 * and unpause. on_born runs as soon as the domid is known and before the unpause, so that keys can
 * be written which the guest needs at boot. A failed build leaves nothing behind; the error is
 * MEMORY when the host has not boot_kb unclaimed.
 */
void dom_create(struct dom *d, const char *json, const uint8_t uuid[16], uint64_t boot_kb,
                uint64_t max_kb, void (*on_born)(void *arg, uint32_t domid), dom_done_fn *fn,
                void *arg);

/* Watch for the end of a domain that an earlier xhsd made. An event follows if it is dead. */
int dom_adopt(struct dom *d, uint32_t domid, struct xhs_error *err);

/*
 * Destroy and clean up: devices, backends, xenstore, userdata. Also for what a raw destroy left
 * (hyp_hold keeps the body), and for a domain that vanished without clean-up: then an empty
 * stand-in with the same domid and uuid is made first, for libxl to clean up after. Nothing of it
 * left in xenstore and hypervisor: done, without error.
 */
void dom_destroy(struct dom *d, uint32_t domid, const uint8_t uuid[16], dom_done_fn *fn, void *arg);

/* Exists a domain of this name? -1 unknown. *domid and uuid are set when it does. */
int dom_find(struct dom *d, const char *name, uint32_t *domid, uint8_t uuid[16],
             struct xhs_error *err);

/* True when an `xl` process waits for the end of the domain of this name, to act on it as well. */
bool dom_has_xl_monitor(const char *name);

#endif
