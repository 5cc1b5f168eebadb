/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxl's context and its events, and questions about domains. Domains' lives are in dom_life.c,
 * xl.cfg files in dom_parse.c. Called by xhsd; see dom.h.
 */
#include "xen/dom.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>
#include <xenstore.h>

#include "xen/dom_internal.h"
#include "xen/osevent.h"
#include "xen/thread.h"
#include "xen/xtl.h"

struct dom_death {
    struct dom *d;
    uint32_t domid;
    libxl_evgen_domain_death *event;
    struct evloop_timer *look;
    struct dom_death *next;
};

int dom_fail(struct xhs_error *err, int rc, unsigned mark, const char *fmt, ...)
{
    char what[160], why[220];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (xtl_error_since(mark, why, sizeof why)[0] == '\0') {
        const char *name = libxl_error_to_string(rc);
        snprintf(why, sizeof why, "libxl: %s", name ? name : "unknown error");
    }
    return xhs_fail(err, rc == ERROR_NOMEM ? XHS_E_MEMORY : XHS_E_XEN, "%s: %s", what, why);
}

static void event_occurs(void *user, libxl_event *event)
{
    struct dom *d = user;
    uint32_t domid = event->domid;
    bool end = event->type == LIBXL_EVENT_TYPE_DOMAIN_SHUTDOWN ||
               event->type == LIBXL_EVENT_TYPE_DOMAIN_DEATH;

    libxl_event_free(d->ctx, event);
    if (end)
        d->fn(d->arg, domid);
}

/* Without this hook libxl would call exit(-1). Deaths still show by @releaseDomain. */
static void disaster(void *user, libxl_event_type type, const char *msg, int errnoval)
{
    (void)user;
    xtl_say(LOG_CRIT, "libxl gave up on events of type %s: %s: %s",
            type ? libxl_event_type_to_string(type) : "any", msg, strerror(errnoval));
}

/* libxl keeps pointers to both. */
static const libxl_event_hooks event_hooks = {
    .event_occurs_mask = LIBXL_EVENTMASK_ALL,
    .event_occurs = event_occurs,
    .disaster = disaster,
};

/* libxl owns SIGCHLD and reaps its own children; dom_parse.c reaps its own by waitpid. */
static const libxl_childproc_hooks childproc_hooks = {
    .chldowner = libxl_sigchld_owner_libxl_always_selective_reap,
};

int dom_open(struct dom **out, struct evloop *loop, dom_event_fn *fn, void *arg,
             struct xhs_error *err)
{
    struct dom *d = calloc(1, sizeof *d);
    unsigned mark = xtl_mark();
    int rc;

    *out = NULL;
    if (!d)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "libxl");
    d->loop = loop;
    d->fn = fn;
    d->arg = arg;
    if (hyp_open(&d->hyp, err) != 0)
        goto out;
    rc = libxl_ctx_alloc(&d->ctx, LIBXL_VERSION, 0, xtl_logger());
    if (rc != 0) {
        dom_fail(err, rc, mark, "cannot open libxl");
        goto out;
    }
    d->osevent = osevent_new(loop, d->ctx);
    d->threads = threads_new(loop);
    libxl_childproc_setmode(d->ctx, &childproc_hooks, d);
    libxl_event_register_callbacks(d->ctx, &event_hooks, d);
    *out = d;
    return 0;
out:
    dom_close(d);
    return -1;
}

void dom_close(struct dom *d)
{
    if (!d)
        return;
    d->closing = true;
    threads_free(d->threads);
    dom_parse_abort(d);
    dom_life_abort(d);
    while (d->deaths)
        dom_forget(d, d->deaths->domid);
    /* libxl_ctx_free asserts that nothing is under way: then the context stays, as garbage. */
    if (d->ops == 0)
        libxl_ctx_free(d->ctx);
    osevent_free(d->osevent);
    hyp_close(d->hyp);
    free(d);
}

void dom_forget(struct dom *d, uint32_t domid)
{
    struct dom_death **at = &d->deaths, *w;

    while ((w = *at) && w->domid != domid)
        at = &w->next;
    if (!w)
        return;
    *at = w->next;
    libxl_evdisable_domain_death(d->ctx, w->event);
    evloop_timer_free(w->look);
    free(w);
}

static void look_once(void *arg)
{
    struct dom_death *w = arg;
    struct dom *d = w->d;
    struct hyp_dom now;

    if (hyp_get(d->hyp, w->domid, &now, NULL) != HYP_YES || now.shutdown || now.dying)
        d->fn(d->arg, w->domid);
}

/*
 * libxl learns of deaths from @releaseDomain, by one watch for all domains. Only the first
 * evenable makes the watch fire at once: a later one, for a domain that is dead already, may
 * stay silent. So look once, afterwards: what dies from then on makes an event.
 */
int dom_adopt(struct dom *d, uint32_t domid, struct xhs_error *err)
{
    struct dom_death *w = calloc(1, sizeof *w);
    unsigned mark = xtl_mark();
    int rc;

    if (!w)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "domain %u", domid);
    dom_forget(d, domid);
    rc = libxl_evenable_domain_death(d->ctx, domid, 0, &w->event);
    if (rc != 0) {
        free(w);
        return dom_fail(err, rc, mark, "cannot watch for the end of domain %u", domid);
    }
    w->d = d;
    w->domid = domid;
    w->next = d->deaths;
    d->deaths = w;
    w->look = evloop_timer_new(d->loop, look_once, w);
    evloop_timer_at(w->look, 0);
    return 0;
}

/* Has the domain this name in xenstore? -1 unknown. */
static int has_name(struct xs_handle *xs, const char *domid, const char *name)
{
    char path[64];
    unsigned len;

    snprintf(path, sizeof path, "/local/domain/%s/name", domid);
    char *value = xs_read(xs, XBT_NULL, path, &len);
    if (!value)
        return errno == ENOENT ? 0 : -1;
    int same = strcmp(value, name) == 0;
    free(value);
    return same;
}

/*
 * Not libxl_name_to_domid: to it a name that it could not read is another name. A name whose
 * domain is gone is what a destroy without clean-up left: no domain.
 */
int dom_find(struct dom *d, const char *name, uint32_t *domid, uint8_t uuid[16],
             struct xhs_error *err)
{
    struct xs_handle *xs = xs_open(0);
    unsigned n = 0;
    char **ids = xs ? xs_directory(xs, XBT_NULL, "/local/domain", &n) : NULL;
    int found = 0;

    if (!ids)
        found = xhs_fail_errno(err, XHS_E_XEN, errno, "cannot look for domain %s", name);
    for (unsigned i = 0; i < n && ids && found == 0; i++) {
        struct hyp_dom there = { 0 };
        enum hyp_answer is = HYP_NO;
        int same = has_name(xs, ids[i], name);

        if (same < 0)
            found = xhs_fail_errno(err, XHS_E_XEN, errno, "cannot read domain %s's name", ids[i]);
        if (same > 0)
            is = hyp_get(d->hyp, strtoul(ids[i], NULL, 10), &there, err);
        if (is == HYP_UNKNOWN)
            found = -1;
        if (is == HYP_YES) {
            *domid = there.domid;
            memcpy(uuid, there.uuid, sizeof there.uuid);
            found = 1;
        }
    }
    free(ids);
    xs_close(xs);
    return found;
}

/* Does this process write xl-<name>.log? */
static bool writes_log(const char *pid, const char *name)
{
    char want[160], path[300], target[PATH_MAX];

    snprintf(want, sizeof want, "/xl-%s.log", name);
    for (int fd = 1; fd <= 2; fd++) {
        snprintf(path, sizeof path, "/proc/%s/fd/%d", pid, fd);
        ssize_t n = readlink(path, target, sizeof target - 1);
        if (n <= 0)
            continue;
        target[n] = '\0';
        char *at = strrchr(target, '/');
        size_t len = strlen(want);
        /* A log that was rotated since (".log.1") or deleted is the same monitor's. */
        if (at && strncmp(at, want, len) == 0 && strchr(". ", at[len]))
            return true;
    }
    return false;
}

static bool is_xl(const char *pid)
{
    char path[300], comm[32] = "";
    FILE *f;

    snprintf(path, sizeof path, "/proc/%s/comm", pid);
    f = fopen(path, "re");
    if (!f)
        return false;
    if (!fgets(comm, sizeof comm, f))
        comm[0] = '\0';
    fclose(f);
    return strcmp(comm, "xl\n") == 0;
}

/*
 * xl leaves no pid file. After a create, restore or migrate it stays, as a daemon whose output is
 * /var/log/xen/xl-<name>.log, and carries out on_crash and its like. (xl create -F, which stays in
 * the foreground, has no such log and is not found.)
 */
bool dom_has_xl_monitor(const char *name)
{
    DIR *proc = opendir("/proc");
    struct dirent *e;
    bool found = false;

    if (!proc)
        return false;
    while (!found && (e = readdir(proc)) != NULL) {
        if (isdigit((unsigned char)e->d_name[0]))
            found = is_xl(e->d_name) && writes_log(e->d_name, name);
    }
    closedir(proc);
    return found;
}
