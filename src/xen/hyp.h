/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xhs asks of the hypervisor itself, through libxenctrl: who lives, who has how much memory,
 * stop this domain, let that one grow. Not the toolstack's work: domains are built and cleaned up
 * in dom.h. Everything here returns at once except hyp_destroy, which belongs in a worker.
 * Used by xhsd; tests/fake/fake_hyp.c has the same functions over a simulated host.
 */
#ifndef XHS_XEN_HYP_H
#define XHS_XEN_HYP_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"

#define HYP_SLACK_KB 1024 /* what tools see in max_pages above a domain's target */

struct hyp;

struct hyp_dom {
    uint32_t domid;
    uint8_t uuid[16];
    bool shutdown; /* the OS has shut down, for shutdown_reason (SHUTDOWN_* of xen/sched.h: 0-5) */
    bool dying;    /* destroyed, and its memory all freed: not yet set while that goes on */
    bool paused;
    int shutdown_reason; /* 255 while there is none */
    uint64_t tot_kb; /* pages the domain has now */
    uint64_t max_kb; /* it cannot have more than this */
    uint64_t outstanding_kb; /* claimed and not yet taken */
    uint64_t cpu_ns;
};

enum hyp_answer { HYP_NO, HYP_YES, HYP_UNKNOWN }; /* UNKNOWN: the call failed; never read as NO */

int hyp_open(struct hyp **out, struct xhs_error *err);
void hyp_close(struct hyp *h); /* NULL is fine */

/* "4.17" and the like; belongs to h. */
const char *hyp_version(struct hyp *h);

/* All domains, dom0 included, ascending; at most max of them. Returns their number, -1 on error. */
int hyp_list(struct hyp *h, struct hyp_dom *out, int max, struct xhs_error *err);

/* Exactly this domid: xc_domain_getinfolist answers with the next one when it is gone. */
enum hyp_answer hyp_get(struct hyp *h, uint32_t domid, struct hyp_dom *out, struct xhs_error *err);

/* Free memory of the host, and how much of it is claimed (outstanding), KiB. */
int hyp_memory(struct hyp *h, uint64_t *free_kb, uint64_t *outstanding_kb, struct xhs_error *err);

/*
 * Fence: crash the domain, wait until no vCPU of it runs, then look. YES only when the hypervisor
 * shows this domid with this uuid as shut down (or dying), or shows no domain of this uuid at all
 * but bodies that are dying. A domid that now belongs to another uuid is left alone (then YES only
 * if the uuid is nowhere).
 */
enum hyp_answer hyp_fence(struct hyp *h, uint32_t domid, const uint8_t uuid[16],
                          struct xhs_error *err);

/* Max pages. Below what the domain has is allowed: it can then only shrink. */
int hyp_set_max(struct hyp *h, uint32_t domid, uint64_t max_kb, struct xhs_error *err);

/*
 * Claim so that the domain can grow to total_kb in all; replaces an earlier claim. total_kb at or
 * below what it has now cancels. Error MEMORY: the host has not that much unclaimed memory (the
 * earlier claim is then restored as far as possible).
 */
int hyp_claim(struct hyp *h, uint32_t domid, uint64_t total_kb, struct xhs_error *err);

/* An empty domain without vCPU that can hold a claim of up to max_kb. domid 0: any free one. */
int hyp_create_empty(struct hyp *h, uint32_t *domid, const uint8_t uuid[16], uint64_t max_kb,
                     struct xhs_error *err);

/* Blocks until the hypervisor has freed the domain's memory. No such domain: 0. Thread-safe. */
int hyp_destroy(struct hyp *h, uint32_t domid, struct xhs_error *err);

/*
 * Keep one page of a domain mapped, so that after hyp_destroy it stays listed as dying, its domid
 * cannot be used anew, and libxl can still clean up after it. NULL on error. PV only: other
 * domains get an error UNSUPPORTED.
 */
struct hyp_hold;
struct hyp_hold *hyp_hold(struct hyp *h, uint32_t domid, struct xhs_error *err);
void hyp_release(struct hyp *h, struct hyp_hold *hold); /* NULL is fine */

#endif
