/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hypervisor through libxenctrl and libxenforeignmemory. It decides nothing, and it keeps
 * nothing about a domain: each answer is asked anew. Called by xhsd; see hyp.h.
 *
 * One handle serves the loop and the threads of worker.c: the handle is opened without
 * XC_OPENFLAG_NON_REENTRANT, so libxencall guards its cache of hypercall buffers by a mutex, and
 * the calls themselves keep nothing else. What is not safe is the handle's last error
 * (xc_get_last_error): errno, one a thread, is all that is used here.
 */
#include "xen/hyp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "xen/xtl.h"

#define KB_PER_PAGE (XC_PAGE_SIZE / 1024)

struct hyp {
    xc_interface *xc;
    xenforeignmemory_handle *fmem;
    char version[16];
};

int hyp_open(struct hyp **out, struct xhs_error *err)
{
    struct hyp *h = calloc(1, sizeof *h);
    int v;

    *out = NULL;
    if (!h)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "hypervisor");
    h->xc = xc_interface_open(xtl_logger(), xtl_logger(), 0);
    if (!h->xc) {
        xhs_fail_errno(err, XHS_E_XEN, errno, "cannot open the hypervisor's interface");
        goto out;
    }
    h->fmem = xenforeignmemory_open(xtl_logger(), 0);
    if (!h->fmem) {
        xhs_fail_errno(err, XHS_E_XEN, errno, "cannot open the foreign memory interface");
        goto out;
    }
    v = xc_version(h->xc, XENVER_version, NULL);
    if (v < 0) {
        xhs_fail_errno(err, XHS_E_XEN, errno, "no hypervisor answers");
        goto out;
    }
    snprintf(h->version, sizeof h->version, "%d.%d", v >> 16, v & 0xffff);
    *out = h;
    return 0;
out:
    hyp_close(h);
    return -1;
}

void hyp_close(struct hyp *h)
{
    if (!h)
        return;
    xenforeignmemory_close(h->fmem);
    xc_interface_close(h->xc);
    free(h);
}

const char *hyp_version(struct hyp *h)
{
    return h->version;
}

static void fill(struct hyp_dom *d, const xc_domaininfo_t *i)
{
    *d = (struct hyp_dom){
        .domid = i->domain,
        .shutdown = i->flags & XEN_DOMINF_shutdown,
        .dying = i->flags & XEN_DOMINF_dying,
        .paused = i->flags & XEN_DOMINF_paused,
        .shutdown_reason = (i->flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask,
        .tot_kb = (uint64_t)i->tot_pages * KB_PER_PAGE,
        .max_kb = (uint64_t)i->max_pages * KB_PER_PAGE,
        .outstanding_kb = (uint64_t)i->outstanding_pages * KB_PER_PAGE,
        .cpu_ns = i->cpu_time,
    };
    memcpy(d->uuid, i->handle, sizeof d->uuid);
}

int hyp_list(struct hyp *h, struct hyp_dom *out, int max, struct xhs_error *err)
{
    enum { BATCH = 64 };
    xc_domaininfo_t info[BATCH];
    uint32_t first = 0;
    int n = 0;

    while (n < max) {
        int got = xc_domain_getinfolist(h->xc, first, BATCH, info);
        if (got < 0)
            return xhs_fail_errno(err, XHS_E_XEN, errno, "cannot list the domains");
        for (int i = 0; i < got && n < max; i++)
            fill(&out[n++], &info[i]);
        if (got < BATCH)
            break;
        first = info[got - 1].domain + 1;
    }
    return n;
}

static enum hyp_answer get_info(struct hyp *h, uint32_t domid, xc_domaininfo_t *info,
                                struct xhs_error *err)
{
    int got = xc_domain_getinfolist(h->xc, domid, 1, info);

    if (got < 0) {
        xhs_fail_errno(err, XHS_E_XEN, errno, "cannot ask for domain %u", domid);
        return HYP_UNKNOWN;
    }
    /* The list starts at the first domid that is not below ours: it may be another domain's. */
    return got == 1 && info->domain == domid ? HYP_YES : HYP_NO;
}

enum hyp_answer hyp_get(struct hyp *h, uint32_t domid, struct hyp_dom *out, struct xhs_error *err)
{
    xc_domaininfo_t info;
    enum hyp_answer there = get_info(h, domid, &info, err);

    if (there == HYP_YES)
        fill(out, &info);
    return there;
}

int hyp_memory(struct hyp *h, uint64_t *free_kb, uint64_t *outstanding_kb, struct xhs_error *err)
{
    xc_physinfo_t info = { 0 };

    if (xc_physinfo(h->xc, &info) != 0)
        return xhs_fail_errno(err, XHS_E_XEN, errno, "cannot ask for the host's memory");
    *free_kb = info.free_pages * KB_PER_PAGE;
    *outstanding_kb = info.outstanding_pages * KB_PER_PAGE;
    return 0;
}

/*
 * Is any domain's uuid this one? Bodies do not count: what shows as dying has lost its memory, and
 * stays listed only until the last mapping of its pages is gone, xenstored's and xenconsoled's too.
 */
static enum hyp_answer uuid_lives(struct hyp *h, const uint8_t uuid[16], struct xhs_error *err)
{
    enum { BATCH = 64 };
    xc_domaininfo_t info[BATCH];
    uint32_t first = 0;

    for (;;) {
        int got = xc_domain_getinfolist(h->xc, first, BATCH, info);
        if (got < 0) {
            xhs_fail_errno(err, XHS_E_XEN, errno, "cannot list the domains");
            return HYP_UNKNOWN;
        }
        for (int i = 0; i < got; i++) {
            if (!(info[i].flags & XEN_DOMINF_dying) &&
                memcmp(info[i].handle, uuid, sizeof info[i].handle) == 0)
                return HYP_YES;
        }
        if (got < BATCH)
            return HYP_NO;
        first = info[got - 1].domain + 1;
    }
}

/* The answer of a fence for a domid that is gone or another's: the domain must be nowhere. */
static enum hyp_answer fenced_if_nowhere(struct hyp *h, uint32_t domid, const uint8_t uuid[16],
                                         struct xhs_error *err)
{
    switch (uuid_lives(h, uuid, err)) {
    case HYP_NO:
        return HYP_YES;
    case HYP_YES:
        xhs_fail(err, XHS_E_STATE, "domain %u is gone, but its uuid lives under another domid",
                 domid);
        return HYP_NO;
    case HYP_UNKNOWN:
        break;
    }
    return HYP_UNKNOWN;
}

/* YES: this domid is this uuid's. NO: it is not, or not any more. */
static enum hyp_answer is_ours(struct hyp *h, uint32_t domid, const uint8_t uuid[16],
                               struct hyp_dom *d, struct xhs_error *err)
{
    enum hyp_answer there = hyp_get(h, domid, d, err);

    if (there == HYP_YES && memcmp(d->uuid, uuid, sizeof d->uuid) != 0)
        return HYP_NO;
    return there;
}

/*
 * SCHEDOP_remote_shutdown pauses the vCPUs without waiting (vcpu_pause_nosync): the shutdown flag
 * can precede the guest's last instruction. XEN_DOMCTL_pausedomain waits for each vCPU to be off
 * its CPU. A domain being destroyed shows dying only when all its memory is free (DOMDYING_dead);
 * until then it is the shutdown flag that tells, and it can still be set.
 */
enum hyp_answer hyp_fence(struct hyp *h, uint32_t domid, const uint8_t uuid[16],
                          struct xhs_error *err)
{
    struct hyp_dom d;
    enum hyp_answer ours;

    if (domid == 0) { /* shutting down dom0 is shutting down the host */
        xhs_fail(err, XHS_E_STATE, "dom0 is not to be fenced");
        return HYP_NO;
    }
    ours = is_ours(h, domid, uuid, &d, err);
    if (ours == HYP_UNKNOWN)
        return HYP_UNKNOWN;
    if (ours == HYP_NO)
        return fenced_if_nowhere(h, domid, uuid, err);

    /* An earlier reason stays: Xen keeps the first. ESRCH: it vanished meanwhile; look again. */
    if (xc_domain_shutdown(h->xc, domid, SHUTDOWN_crash) != 0 && errno != ESRCH) {
        xhs_fail_errno(err, XHS_E_XEN, errno, "cannot crash domain %u", domid);
        return HYP_UNKNOWN;
    }
    /* EOVERFLOW: paused 255 times already, by fences that were repeated. */
    if (xc_domain_pause(h->xc, domid) != 0 && errno != ESRCH && errno != EOVERFLOW) {
        xhs_fail_errno(err, XHS_E_XEN, errno, "cannot pause domain %u", domid);
        return HYP_UNKNOWN;
    }
    ours = is_ours(h, domid, uuid, &d, err);
    if (ours == HYP_NO)
        return fenced_if_nowhere(h, domid, uuid, err);
    if (ours == HYP_YES && !d.shutdown && !d.dying) {
        xhs_fail(err, XHS_E_XEN, "domain %u does not show as shut down", domid);
        return HYP_NO;
    }
    return ours;
}

int hyp_set_max(struct hyp *h, uint32_t domid, uint64_t max_kb, struct xhs_error *err)
{
    if (xc_domain_setmaxmem(h->xc, domid, max_kb) != 0)
        return xhs_fail_errno(err, XHS_E_XEN, errno, "cannot set domain %u's maximum to %llu KiB",
                              domid, (unsigned long long)max_kb);
    return 0;
}

/* What is neither used nor claimed, in pages; 0 when that cannot be told. */
static uint64_t unclaimed_pages(struct hyp *h)
{
    uint64_t free_kb, outstanding_kb;

    if (hyp_memory(h, &free_kb, &outstanding_kb, NULL) != 0 || free_kb < outstanding_kb)
        return 0;
    return (free_kb - outstanding_kb) / KB_PER_PAGE;
}

/* Put back, after a claim failed, what was claimed before it, or as much of it as there is. */
static void reclaim(struct hyp *h, uint32_t domid, uint64_t outstanding_pages)
{
    xc_domaininfo_t info;
    uint64_t avail = unclaimed_pages(h);

    if (avail < outstanding_pages)
        outstanding_pages = avail;
    if (outstanding_pages > 0 && get_info(h, domid, &info, NULL) == HYP_YES)
        xc_domain_claim_pages(h->xc, domid, info.tot_pages + outstanding_pages);
}

/*
 * XENMEM_claim_pages: the number is the total wanted, tot_pages < n <= max_pages, else EINVAL; all
 * or nothing (ENOMEM); one claim a domain, so an old one is cancelled (0) first; no such domain is
 * EINVAL as well. What the domain gains uses the claim up. It outlives its maker.
 */
int hyp_claim(struct hyp *h, uint32_t domid, uint64_t total_kb, struct xhs_error *err)
{
    uint64_t want = total_kb / KB_PER_PAGE;
    xc_domaininfo_t before, now;
    int rc, why;

    switch (get_info(h, domid, &before, err)) {
    case HYP_YES:
        break;
    case HYP_NO:
        return xhs_fail(err, XHS_E_NOENT, "no domain %u to claim memory for", domid);
    case HYP_UNKNOWN:
        return -1;
    }
    if (before.outstanding_pages > 0 && xc_domain_claim_pages(h->xc, domid, 0) != 0)
        return xhs_fail_errno(err, XHS_E_XEN, errno, "cannot cancel domain %u's claim", domid);
    if (want <= before.tot_pages)
        return 0;

    rc = xc_domain_claim_pages(h->xc, domid, want);
    why = errno;
    if (rc == 0)
        return 0;
    if (why == EINVAL && get_info(h, domid, &now, NULL) == HYP_YES && want <= now.tot_pages)
        return 0; /* it has grown meanwhile, all the way */
    reclaim(h, domid, before.outstanding_pages);
    return xhs_fail_errno(err, why == ENOMEM ? XHS_E_MEMORY : XHS_E_XEN, why,
                          "cannot claim memory for domain %u to have %llu KiB", domid,
                          (unsigned long long)total_kb);
}

/*
 * A PV domain as libxl__domain_make creates one, with the least of everything. Its one vCPU is a
 * number only: vCPUs are made by XEN_DOMCTL_max_vcpus, which nobody calls.
 */
int hyp_create_empty(struct hyp *h, uint32_t *domid, const uint8_t uuid[16], uint64_t max_kb,
                     struct xhs_error *err)
{
    struct xen_domctl_createdomain cfg = {
        .max_vcpus = 1,
        .max_evtchn_port = 1023,
        .max_grant_frames = 1, /* INITIAL_NR_GRANT_FRAMES: fewer is refused */
        .max_maptrack_frames = 0,
        .grant_opts = XEN_DOMCTL_GRANT_version(1),
    };
    uint32_t id = *domid;

    memcpy(cfg.handle, uuid, sizeof cfg.handle);
    if (xc_domain_create(h->xc, &id, &cfg) != 0)
        return xhs_fail_errno(err, errno == EEXIST ? XHS_E_EXISTS : XHS_E_XEN, errno,
                              "cannot create an empty domain");
    if (hyp_set_max(h, id, max_kb, err) != 0) {
        xc_domain_destroy(h->xc, id);
        return -1;
    }
    *domid = id;
    return 0;
}

/*
 * Xen 4.17 does it in slices, all under its one domctl lock: meanwhile other calls take longer
 * (hyp_set_max up to 8 ms, seen while 1.5 GiB were freed within 270 ms under emulation).
 */
int hyp_destroy(struct hyp *h, uint32_t domid, struct xhs_error *err)
{
    if (xc_domain_destroy(h->xc, domid) != 0 && errno != ESRCH)
        return xhs_fail_errno(err, XHS_E_XEN, errno, "cannot destroy domain %u", domid);
    return 0;
}

/*
 * privcmd maps with VM_DONTCOPY: children that libxl forks do not hold the page. The mapping pins
 * it as a live reference to the domain, which then cannot leave the list.
 */
struct hyp_hold *hyp_hold(struct hyp *h, uint32_t domid, struct xhs_error *err)
{
    xc_domaininfo_t info;
    xen_pfn_t frame;
    void *page;

    switch (get_info(h, domid, &info, err)) {
    case HYP_YES:
        break;
    case HYP_NO:
        xhs_fail(err, XHS_E_NOENT, "no domain %u to hold", domid);
        return NULL;
    case HYP_UNKNOWN:
        return NULL;
    }
    if (info.flags & XEN_DOMINF_hvm_guest) { /* its shared info frame is not one dom0 can name */
        xhs_fail(err, XHS_E_UNSUPPORTED, "domain %u is no PV domain: cannot be held", domid);
        return NULL;
    }
    frame = info.shared_info_frame;
    page = xenforeignmemory_map(h->fmem, domid, PROT_READ, 1, &frame, NULL);
    if (!page)
        xhs_fail_errno(err, XHS_E_XEN, errno, "cannot map domain %u's shared info page", domid);
    return page; /* struct hyp_hold is never defined: the page is the hold */
}

void hyp_release(struct hyp *h, struct hyp_hold *hold)
{
    if (hold)
        xenforeignmemory_unmap(h->fmem, hold, 1);
}
