/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives the daemon: see persist.h. Configuration files: persist_config.c. */
#include "xhsd/persist.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/paths.h"
#include "xhsd/uuid.h"

#define LINES_MAX (32 + RMT_AREAS_MAX * 6 + RMT_JOBS_MAX * 4)
#define INTENT_MAX (128 + RMT_JOBS_MAX * (MSG_NAME_MAX + 24))

struct line {
    char path[XHS_PATH_MAX];
    char value[224];
};

struct stored {
    char intent[INTENT_MAX];
    struct line line[LINES_MAX];
    unsigned n;
};

struct stored *stored_new(void)
{
    struct stored *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    return s;
}

void stored_free(struct stored *s)
{
    free(s);
}

/* ---- writing ---- */

#define put(s, fmt, val, ...)                                     \
    do {                                                          \
        struct line *l_ = &(s)->line[(s)->n++];                   \
        path_build(l_->path, __VA_ARGS__);                        \
        snprintf(l_->value, sizeof l_->value, fmt, val);          \
    } while (0)

static const char *member_word(int member)
{
    return member == MEMBER_NONE ? "-" : rmt_owner_word((enum owner)member);
}

static void put_members(struct stored *s, const struct pair *p)
{
    for (int i = 0; i < MEMBERS; i++) {
        char uuid[UUID_TEXT];
        uuid_to_text(uuid, p->m[i].uuid);
        put(s, "%s", uuid, PATH_MEMBER_UUID, p->name, member_word(i));
        put(s, "%" PRId64, p->m[i].domid, PATH_MEMBER_DOMID, p->name, member_word(i));
    }
}

static void put_areas(struct stored *s, const struct pair *p)
{
    for (unsigned i = 0; i < p->rmt.n; i++) {
        const struct area *a = &p->rmt.area[i];
        put(s, "%s", "memory", PATH_AREA_RESOURCE, p->name, a->name);
        put(s, "%" PRIu64, a->size_kb, PATH_AREA_SIZE, p->name, a->name);
        put(s, "%" PRIu64, a->have_kb, PATH_AREA_HAVE, p->name, a->name);
        put(s, "%" PRIu64, a->granted_kb, PATH_AREA_GRANTED, p->name, a->name);
        put(s, "%s", rmt_owner_word(a->owner), PATH_AREA_OWNER, p->name, a->name);
        put(s, "%s", rmt_owner_word(a->on_fault), PATH_AREA_ON_FAULT, p->name, a->name);
    }
}

static void put_jobs(struct stored *s, const struct pair *p)
{
    for (unsigned i = 0; i < p->jobs; i++) {
        const struct job *j = &p->job[i];
        put(s, "%s", job_state_word(j->state), PATH_JOB_STATE, p->name, j->key);
        put(s, "%s", member_word(j->owner), PATH_JOB_OWNER, p->name, j->key);
        put(s, "%" PRIu64, j->min_kb, PATH_JOB_MIN, p->name, j->key);
        put(s, "%" PRIu64, j->request, PATH_JOB_REQUEST, p->name, j->key);
    }
}

/* The run grants that a takeover gives are part of what it set out to do: whatever becomes of this
 * daemon, a job that one of them may have started is started under no other. */
static void intent_text(char buf[INTENT_MAX], const struct pair *p)
{
    const struct intent *in = &p->intent;
    int n;

    buf[0] = '\0';
    if (!in->id)
        return;
    n = snprintf(buf, INTENT_MAX, "id=%" PRIu64 " tries=%u victim=%s heir=%s loan_kb=%" PRIu64,
                 in->id, in->tries, member_word(in->victim), member_word(in->heir), in->loan_kb);
    for (unsigned i = 0; i < p->jobs && in->heir != MEMBER_NONE; i++) {
        const struct job *j = &p->job[i];
        if (job_hot(j) && job_live(j) && j->owner == in->heir)
            n += snprintf(buf + n, INTENT_MAX - (size_t)n, " %s:%" PRIu64, j->key, j->request);
    }
}

/* recovering is where a daemon begins, not where a pair stands: the stored state is kept */
static enum pair_state lasting_state(const struct pair *p)
{
    return p->state == PAIR_RECOVERING ? p->resume : p->state;
}

static void put_pair(struct stored *s, const struct pair *p)
{
    s->n = 0;
    put(s, "%s", pair_state_word(lasting_state(p)), PATH_PAIR_STATE, p->name);
    put(s, "%s", p->reason, PATH_PAIR_REASON, p->name);
    put(s, "%" PRIu64, p->epoch, PATH_PAIR_EPOCH, p->name);
    put(s, "%" PRIu64, p->version, PATH_PAIR_VERSION, p->name);
    put(s, "%s", member_word(p->active), PATH_PAIR_ACTIVE, p->name);
    put_members(s, p);
    put_areas(s, p);
    put_jobs(s, p);
    intent_text(s->intent, p);
}

/* All is written again at the first change, and what that has no more is removed. */
void persist_remember(struct stored *s, const struct pair *p)
{
    put_pair(s, p);
    for (unsigned i = 0; i < s->n; i++)
        snprintf(s->line[i].value, sizeof s->line[i].value, "?");
    snprintf(s->intent, sizeof s->intent, "?");
}

static const struct line *find(const struct stored *s, const char *path)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (strcmp(s->line[i].path, path) == 0)
            return &s->line[i];
    }
    return NULL;
}

/* A key that is no more takes its directory along when nothing else is left in there. */
static void cut_to_gone(char *path, const struct stored *now)
{
    size_t len;
    char *slash = strrchr(path, '/');

    if (!slash)
        return;
    len = (size_t)(slash - path) + 1;
    for (unsigned i = 0; i < now->n; i++) {
        if (strncmp(now->line[i].path, path, len) == 0)
            return;
    }
    *slash = '\0';
}

/* What the pair is now, and what brings xenstore there: too large for a stack. */
static struct stored now;
static struct store_change change[2 * LINES_MAX + 1];

/* All differences but the intent's; s is of no more use then. */
static size_t compare(struct stored *s, const struct pair *p)
{
    size_t n = 0;

    put_pair(&now, p);
    for (unsigned i = 0; i < s->n; i++) {
        if (!find(&now, s->line[i].path)) {
            cut_to_gone(s->line[i].path, &now);
            change[n++] = (struct store_change){ s->line[i].path, NULL };
        }
    }
    for (unsigned i = 0; i < now.n; i++) {
        const struct line *old = find(s, now.line[i].path);
        if (!old || strcmp(old->value, now.line[i].value) != 0)
            change[n++] = (struct store_change){ now.line[i].path, now.line[i].value };
    }
    return n;
}

int persist_pair(struct store *st, struct stored *s, const struct pair *p, struct xhs_error *err)
{
    char intent[XHS_PATH_MAX];
    size_t n = compare(s, p);

    if (strcmp(s->intent, now.intent) != 0)
        change[n++] = (struct store_change){ path_build(intent, PATH_INTENT, p->name),
                                             now.intent[0] ? now.intent : NULL };
    if (n && store_apply(st, change, n, err) != 0)
        return -1;
    *s = now;
    return 0;
}

/* Not the intent: an older one would be written over a newer one that persist_intent wrote. */
int persist_later(struct writer *w, struct stored *s, const struct pair *p, writer_done_fn *fn,
                  void *arg, struct xhs_error *err)
{
    size_t n = compare(s, p);

    if (n && writer_apply(w, change, n, fn, arg, err) != 0)
        return -1;
    memcpy(now.intent, s->intent, sizeof now.intent);
    *s = now;
    return n > 0;
}

int persist_intent(struct store *st, struct stored *s, const struct pair *p, struct xhs_error *err)
{
    char path[XHS_PATH_MAX], text[INTENT_MAX];

    intent_text(text, p);
    if ((p->intent.heir == MEMBER_NONE && !p->intent.tries) || strcmp(s->intent, text) == 0)
        return 0;
    memcpy(s->intent, text, sizeof text);
    return store_write(st, path_build(path, PATH_INTENT, p->name), text, err);
}

int persist_forget(struct store *st, struct stored *s, const char *pair, struct xhs_error *err)
{
    char path[XHS_PATH_MAX];

    s->n = 0;
    return store_remove(st, path_build(path, PATH_PAIR, pair), err);
}

/* ---- reading ---- */

/* An absent key is no error by itself: who asks knows whether it may be. */
static bool read_text(struct store *st, const char *path, char *buf, size_t size,
                      struct xhs_error *err)
{
    struct xhs_error why = { 0 };
    long n = store_read(st, path, buf, size, &why);

    if (n < 0 && why.code != XHS_E_NOENT)
        xhs_fail(err, why.code, "%s", why.text);
    return n >= 0 && (size_t)n < size;
}

bool persist_read_u64(struct store *st, const char *path, uint64_t *out, struct xhs_error *err)
{
    char buf[32];

    return read_text(st, path, buf, sizeof buf, err) && msg_parse_u64(buf, UINT64_MAX, out);
}

static int broken(const char *path, struct xhs_error *err)
{
    return xhs_fail(err, XHS_E_PROTOCOL, "%s is missing or damaged", path);
}

static bool member_parse(const char *word, int *out)
{
    enum owner o;

    if (strcmp(word, "-") == 0)
        *out = MEMBER_NONE;
    else if (rmt_owner_parse(word, &o) && (o == OWNER_A || o == OWNER_B))
        *out = (int)o;
    else
        return false;
    return true;
}

static int load_members(struct store *st, struct pair *p, struct xhs_error *err)
{
    char path[XHS_PATH_MAX], buf[64];

    for (int i = 0; i < MEMBERS; i++) {
        uint8_t uuid[16];
        uint64_t domid;

        path_build(path, PATH_MEMBER_UUID, p->name, member_word(i));
        if (!read_text(st, path, buf, sizeof buf, err) || !uuid_from_text(buf, uuid))
            return broken(path, err);
        if (memcmp(uuid, p->m[i].uuid, sizeof uuid) != 0)
            return xhs_fail(err, XHS_E_STATE, "%s differs from the kept configuration", path);
        path_build(path, PATH_MEMBER_DOMID, p->name, member_word(i));
        if (!read_text(st, path, buf, sizeof buf, err))
            return broken(path, err);
        p->m[i].domid = msg_parse_u64(buf, 32767, &domid) ? (int64_t)domid : -1;
    }
    return 0;
}

static int load_area(struct store *st, struct pair *p, const char *name, struct xhs_error *err)
{
    char path[XHS_PATH_MAX], buf[64];
    struct area a = { 0 };

    snprintf(a.name, sizeof a.name, "%s", name);
    if (!persist_read_u64(st, path_build(path, PATH_AREA_SIZE, p->name, name), &a.size_kb, err) ||
        !persist_read_u64(st, path_build(path, PATH_AREA_HAVE, p->name, name), &a.have_kb, err) ||
        !persist_read_u64(st, path_build(path, PATH_AREA_GRANTED, p->name, name), &a.granted_kb,
                          err))
        return broken(path, err);
    path_build(path, PATH_AREA_OWNER, p->name, name);
    if (!read_text(st, path, buf, sizeof buf, err) || !rmt_owner_parse(buf, &a.owner))
        return broken(path, err);
    path_build(path, PATH_AREA_ON_FAULT, p->name, name);
    if (!read_text(st, path, buf, sizeof buf, err) || !rmt_owner_parse(buf, &a.on_fault))
        return broken(path, err);
    return rmt_restore(&p->rmt, &a, err);
}

static int load_areas(struct store *st, struct pair *p, struct xhs_error *err)
{
    char path[XHS_PATH_MAX];
    unsigned n = 0;
    char **name = store_list(st, path_build(path, PATH_AREAS, p->name), &n, err);
    int rc = name ? 0 : -1;

    p->rmt.n = 0;
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = load_area(st, p, name[i], err);
    store_free_list(name);
    if (rc == 0 && !rmt_sound(&p->rmt))
        return xhs_fail(err, XHS_E_STATE, "the areas of %s are damaged, or less than the %" PRIu64
                        " KiB that it was made with", p->name, p->rmt.nominal_kb);
    return rc;
}

static int load_job(struct store *st, struct pair *p, const char *key, struct xhs_error *err)
{
    char path[XHS_PATH_MAX], buf[64];
    struct job *j = &p->job[p->jobs];
    const struct area *a = rmt_find_job(&p->rmt, key);

    if (p->jobs == RMT_JOBS_MAX)
        return broken(path_build(path, PATH_JOBS, p->name), err);
    memset(j, 0, sizeof *j);
    if (!job_key_parse(key, j))
        return broken(path_build(path, PATH_JOBS, p->name), err);
    path_build(path, PATH_JOB_STATE, p->name, key);
    if (!read_text(st, path, buf, sizeof buf, err) || !job_state_parse(buf, &j->state))
        return broken(path, err);
    path_build(path, PATH_JOB_OWNER, p->name, key);
    if (!read_text(st, path, buf, sizeof buf, err) || !member_parse(buf, &j->owner))
        return broken(path, err);
    if (!persist_read_u64(st, path_build(path, PATH_JOB_MIN, p->name, key), &j->min_kb, err) ||
        !persist_read_u64(st, path_build(path, PATH_JOB_REQUEST, p->name, key), &j->request,
                          err))
        return broken(path, err);
    j->memory_kb = a ? a->size_kb : 0;
    p->jobs++;
    return 0;
}

static int load_jobs(struct store *st, struct pair *p, struct xhs_error *err)
{
    char path[XHS_PATH_MAX];
    unsigned n = 0;
    struct xhs_error why = { 0 };
    char **name = store_list(st, path_build(path, PATH_JOBS, p->name), &n, &why);
    int rc = 0;

    if (!name && why.code != XHS_E_NOENT)
        return xhs_fail(err, why.code, "%s", why.text);
    for (unsigned i = 0; i < n && rc == 0; i++)
        rc = load_job(st, p, name[i], err);
    store_free_list(name);
    return rc;
}

/* " NAME:REQUEST ...": jobs that the heir was granted. */
static bool load_grants(struct pair *p, char *text)
{
    char *save;

    for (char *name = strtok_r(text, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
        char *number = strchr(name, ':');
        struct job *j;
        if (!number)
            return false;
        *number++ = '\0';
        j = pair_job(p, name);
        if (!j || !job_hot(j) || !msg_parse_u64(number, UINT64_MAX, &j->request))
            return false;
        if (!job_live(j) || j->owner != p->intent.heir)
            j->state = JOB_STARTING;
        j->owner = p->intent.heir;
    }
    return true;
}

static int load_intent(struct store *st, struct pair *p, struct xhs_error *err)
{
    char path[XHS_PATH_MAX], text[INTENT_MAX], victim[2], heir[2];
    struct intent *in = &p->intent;
    int end = 0;

    path_build(path, PATH_INTENT, p->name);
    if (!read_text(st, path, text, sizeof text, err))
        return 0; /* none, or err says why it could not be read */
    if (sscanf(text, "id=%" SCNu64 " tries=%u victim=%1s heir=%1s loan_kb=%" SCNu64 "%n", &in->id,
               &in->tries, victim, heir, &in->loan_kb, &end) != 5 || in->id == 0 ||
        !member_parse(victim, &in->victim) || in->victim == MEMBER_NONE ||
        !member_parse(heir, &in->heir) || !load_grants(p, text + end))
        return broken(path, err);
    return 0;
}

int persist_load_state(struct store *st, struct pair *p, enum pair_state *state,
                       struct xhs_error *err)
{
    char path[XHS_PATH_MAX], buf[64];

    path_build(path, PATH_PAIR_STATE, p->name);
    if (!read_text(st, path, buf, sizeof buf, err) || !pair_state_parse(buf, state))
        return broken(path, err);
    read_text(st, path_build(path, PATH_PAIR_REASON, p->name), p->reason, sizeof p->reason, err);
    if (!persist_read_u64(st, path_build(path, PATH_PAIR_EPOCH, p->name), &p->epoch, err) ||
        !persist_read_u64(st, path_build(path, PATH_PAIR_VERSION, p->name), &p->version, err))
        return broken(path, err);
    path_build(path, PATH_PAIR_ACTIVE, p->name);
    if (!read_text(st, path, buf, sizeof buf, err) || !member_parse(buf, &p->active) ||
        p->active == MEMBER_NONE)
        return broken(path, err);
    if (load_members(st, p, err) != 0 || load_areas(st, p, err) != 0 ||
        load_jobs(st, p, err) != 0 || load_intent(st, p, err) != 0)
        return -1;
    return err->code == XHS_E_NONE ? 0 : -1;
}
