/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Domains made and cleaned up through libxl, asynchronously. Nobody is called back from within
 * dom_create or dom_destroy. Called by xhsd; see dom.h.
 *
 * A domain is built in a thread, with a context of libxl's that is the thread's own: whatever
 * ao_how says, libxl loads the kernel and fills a PV domain's memory before its call returns, in
 * 0.4-1.5 s for 128-1536 MiB in the lab. All else is asynchronous (libxl_domain_destroy: at most 30 ms).
 *
 * libxl may end an operation, and call back, before the call that began it returns: after such a
 * call returned 0, the operation's memory may be gone already.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <syslog.h>
#include <xenstore.h>

#include "xen/dom_internal.h"
#include "xen/thread.h"
#include "xen/xtl.h"

#define NO_DOMID (~(uint32_t)0) /* libxl's INVALID_DOMID */

/* The operation of one dom_create or one dom_destroy. */
struct life {
    struct dom *d;
    uint32_t domid;
    uint8_t uuid[16];
    unsigned mark;
    bool again;              /* destroy: the second try */
    libxl_domain_config cfg; /* create: libxl uses it until it is done */
    char *json;              /* create: what to build; */
    uint64_t boot_kb, max_kb;
    int rc;                  /* and how that ended */
    void (*on_born)(void *arg, uint32_t domid);
    struct xhs_error err;
    struct evloop_timer *result;
    dom_done_fn *fn;
    void *arg;
    struct life *next;
};

static void life_free(struct life *l)
{
    libxl_domain_config_dispose(&l->cfg);
    free(l->json);
    free(l);
}

static void life_unlink(struct life *l)
{
    struct life **at = &l->d->lives;

    while (*at != l)
        at = &(*at)->next;
    *at = l->next;
    evloop_timer_free(l->result);
}

static void give_result(void *arg)
{
    struct life *l = arg;

    life_unlink(l);
    l->fn(l->arg, l->domid, &l->err);
    life_free(l);
}

/* While libxl is at work it may still use what it was given: then that stays, with its context. */
void dom_life_abort(struct dom *d)
{
    while (d->lives) {
        struct life *l = d->lives;
        life_unlink(l);
        if (d->ops == 0)
            life_free(l);
    }
}

/* In the next round: the caller may still be inside dom_create, or libxl inside a callback. */
static void finish(struct life *l)
{
    evloop_timer_at(l->result, 0);
}

static struct life *life_new(struct dom *d, uint32_t domid, const uint8_t uuid[16], dom_done_fn *fn,
                             void *arg)
{
    struct life *l = calloc(1, sizeof *l);

    if (!l)
        abort();
    l->d = d;
    l->domid = domid;
    memcpy(l->uuid, uuid, sizeof l->uuid);
    l->mark = xtl_mark();
    libxl_domain_config_init(&l->cfg);
    l->result = evloop_timer_new(d->loop, give_result, l);
    l->fn = fn;
    l->arg = arg;
    l->next = d->lives;
    d->lives = l;
    return l;
}

/* ---- create ---- */

static void removed_unborn(void *arg, uint32_t domid, const struct xhs_error *err)
{
    struct life *l = arg;

    if (err->code != XHS_E_NONE)
        xtl_say(LOG_ERR, "domain %u was left behind by a failed creation: %s", domid, err->text);
    finish(l);
}

/*
 * libxl has destroyed what it could not build, and may still give its domid. It keeps a domain
 * whose creation was aborted. dom_destroy looks before it touches, so it is right for all cases.
 */
static void create_failed(struct life *l)
{
    uint32_t domid = l->domid;

    l->domid = NO_DOMID;
    if (domid == NO_DOMID)
        finish(l);
    else
        dom_destroy(l->d, domid, l->uuid, removed_unborn, l);
}

static void unpaused(libxl_ctx *ctx, int rc, void *arg)
{
    struct life *l = arg;

    (void)ctx;
    l->d->ops--;
    if (rc != 0) {
        dom_fail(&l->err, rc, l->mark, "cannot start domain %u", l->domid);
        create_failed(l);
        return;
    }
    finish(l);
}

/* libxl has one code for all that can go wrong; by now it has freed what it had taken. */
static bool too_little_memory(const struct life *l)
{
    uint64_t free_kb, claimed_kb;

    return hyp_memory(l->d->hyp, &free_kb, &claimed_kb, NULL) == 0 &&
           free_kb < claimed_kb + l->cfg.b_info.target_memkb + HYP_SLACK_KB;
}

/* What is xhs's to say; all else stays as xl made it. */
static void override(struct life *l, uint64_t boot_kb, uint64_t max_kb)
{
    libxl_domain_config *cfg = &l->cfg;

    memcpy(libxl_uuid_bytearray(&cfg->c_info.uuid), l->uuid, sizeof l->uuid);
    cfg->b_info.target_memkb = boot_kb;
    cfg->b_info.max_memkb = max_kb;
    libxl_defbool_set(&cfg->b_info.claim_mode, true);
    cfg->on_poweroff = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    cfg->on_reboot = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    cfg->on_watchdog = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    cfg->on_crash = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
    cfg->on_soft_reset = LIBXL_ACTION_ON_SHUTDOWN_PRESERVE;
}

/* In the thread: nothing here touches what the loop uses. */
static void build(void *arg)
{
    static const libxl_childproc_hooks hooks = {
        .chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
    };
    struct life *l = arg;
    libxl_ctx *ctx = NULL;

    l->rc = libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, xtl_logger());
    if (l->rc != 0)
        return;
    libxl_childproc_setmode(ctx, &hooks, NULL);
    l->rc = libxl_domain_config_from_json(ctx, &l->cfg, l->json);
    if (l->rc == 0) {
        override(l, l->boot_kb, l->max_kb);
        l->rc = libxl_domain_create_new(ctx, &l->cfg, &l->domid, NULL, NULL);
    }
    libxl_ctx_free(ctx);
}

static void built(void *arg)
{
    struct life *l = arg;
    libxl_asyncop_how how = { .callback = unpaused, .u.for_callback = l };
    int rc;

    if (l->d->closing) /* the next daemon finds the domain, if there is one */
        return;
    if (l->rc != 0) {
        dom_fail(&l->err, l->rc, l->mark, "cannot create domain %s",
                 l->cfg.c_info.name ? l->cfg.c_info.name : "by its kept configuration");
        if (too_little_memory(l))
            l->err.code = XHS_E_MEMORY;
        create_failed(l);
        return;
    }
    if (l->on_born)
        l->on_born(l->arg, l->domid);
    if (dom_adopt(l->d, l->domid, &l->err) != 0) {
        create_failed(l);
        return;
    }
    l->d->ops++;
    rc = libxl_domain_unpause(l->d->ctx, l->domid, &how);
    if (rc != 0)
        unpaused(l->d->ctx, rc, l);
}

void dom_create(struct dom *d, const char *json, const uint8_t uuid[16], uint64_t boot_kb,
                uint64_t max_kb, void (*on_born)(void *arg, uint32_t domid), dom_done_fn *fn,
                void *arg)
{
    struct life *l = life_new(d, NO_DOMID, uuid, fn, arg);

    l->on_born = on_born;
    l->boot_kb = boot_kb;
    l->max_kb = max_kb;
    l->json = strdup(json);
    if (!l->json)
        abort();
    if (threads_run(d->threads, build, built, l, &l->err) != 0)
        finish(l);
}

/* ---- destroy ---- */

/* Does libxl keep anything of the uuid under the domid? 1 yes, 0 no, -1 unknown. */
static int vm_is_ours(struct xs_handle *xs, const struct life *l)
{
    char path[64], vm[64];
    const uint8_t *u = l->uuid;
    unsigned len;
    char *value;
    int ours;

    snprintf(vm, sizeof vm,
             "/vm/%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0], u[1],
             u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14],
             u[15]);
    snprintf(path, sizeof path, "/local/domain/%u/vm", l->domid);
    value = xs_read(xs, XBT_NULL, path, &len);
    if (value) {
        ours = strcasecmp(value, vm) == 0;
        free(value);
        return ours;
    }
    if (errno != ENOENT)
        return -1;
    /* The domid is nobody's in the hypervisor, so what libxl keeps under it is nobody else's. */
    snprintf(path, sizeof path, "/libxl/%u", l->domid);
    value = xs_read(xs, XBT_NULL, path, &len);
    ours = value ? 1 : errno == ENOENT ? 0 : -1;
    free(value);
    return ours;
}

/* Did a domain that is gone leave keys behind? On a connection of its own: libxl's is libxl's. */
static int left_behind(struct life *l)
{
    struct xs_handle *xs = xs_open(0);
    int ours = xs ? vm_is_ours(xs, l) : -1;

    if (ours < 0)
        xhs_fail_errno(&l->err, XHS_E_XEN, errno, "cannot see what domain %u left behind",
                       l->domid);
    xs_close(xs);
    return ours;
}

static void look_and_destroy(struct life *l);

static void destroyed(libxl_ctx *ctx, int rc, void *arg)
{
    struct life *l = arg;

    (void)ctx;
    l->d->ops--;
    if (rc == 0) {
        dom_forget(l->d, l->domid);
    } else if (!l->again) {
        /* A raw destroy may have taken the domain away in the middle of it: look again. */
        l->again = true;
        look_and_destroy(l);
        return;
    } else {
        dom_fail(&l->err, rc, l->mark, "cannot destroy domain %u", l->domid);
    }
    finish(l);
}

/*
 * libxl refuses to clean up after a domain that does not exist ("Non-existant domain"): if it left
 * keys, an empty domain takes its place. libxl finds userdata by domid and uuid, so both are its.
 */
static void look_and_destroy(struct life *l)
{
    libxl_asyncop_how how = { .callback = destroyed, .u.for_callback = l };
    struct dom *d = l->d;
    struct hyp_dom there;
    bool work = false;
    int rc;

    switch (hyp_get(d->hyp, l->domid, &there, &l->err)) {
    case HYP_UNKNOWN:
        break;
    case HYP_YES: /* another's by now: nothing under this domid is ours */
        work = memcmp(there.uuid, l->uuid, sizeof l->uuid) == 0;
        break;
    case HYP_NO:
        dom_forget(d, l->domid);
        work = left_behind(l) == 1 && hyp_create_empty(d->hyp, &l->domid, l->uuid, 0, &l->err) == 0;
        break;
    }
    if (!work) {
        finish(l);
        return;
    }
    d->ops++;
    rc = libxl_domain_destroy(d->ctx, l->domid, &how);
    if (rc != 0)
        destroyed(d->ctx, rc, l);
}

void dom_destroy(struct dom *d, uint32_t domid, const uint8_t uuid[16], dom_done_fn *fn, void *arg)
{
    look_and_destroy(life_new(d, domid, uuid, fn, arg));
}
