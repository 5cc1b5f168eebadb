/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Raw settings to checked values, for xhs.cfg and a pair's file. See config.h.
 * Not a reader of files (cfgfile.h), and no judge of whether the host has the memory (host.c).
 * Used by xhsd; xhs uses config_nearest.
 */
#include "core/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#define SIZE_MAX_MIB (UINT64_C(16) * 1024 * 1024) /* 16 TiB: more is a slip of the unit */
#define HANG_MIN_MS 100
#define HANG_MAX_MS 60000
#define HANG_DEFAULT_MS 1000

/* A setting that a file may have, and a line that shows how it is written. */
struct key {
    const char *name;
    bool required, is_list;
    const char *example;
};

static const struct key host_keys[] = {
    { "pool", true, false, "pool = 4096" },
    { "reserve", false, false, "reserve = 128" },
    { "socket_group", false, false, "socket_group = \"xhs\"" },
    { "log", false, false, "log = \"syslog\"" },
};

static const struct key pair_keys[] = {
    { "name", true, false, "name = \"shop\"" },
    { "members", true, true, "members = [ \"/etc/xen/shop-a.cfg\", \"/etc/xen/shop-b.cfg\" ]" },
    { "memory", true, false, "memory = 1024" },
    { "standby_memory", true, false, "standby_memory = 160" },
    { "max_memory", false, false, "max_memory = 1760" },
    { "surplus", false, false, "surplus = \"follow\"" },
    { "hang_timeout_ms", false, false, "hang_timeout_ms = 1000" },
};

static const char *const surplus_words[] = {
#define S(id, word) [SURPLUS_##id] = word,
    SURPLUS_POLICIES(S)
#undef S
};

const char *surplus_word(enum surplus_policy policy)
{
    return surplus_words[policy];
}

bool surplus_parse(const char *word, enum surplus_policy *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(surplus_words); i++) {
        if (strcmp(word, surplus_words[i]) == 0) {
            *out = (enum surplus_policy)i;
            return true;
        }
    }
    return false;
}

void config_raw_free(struct config_raw *raw)
{
    for (unsigned i = 0; i < raw->n; i++) {
        struct config_setting *s = &raw->setting[i];
        for (unsigned v = 0; v < s->n; v++)
            free(s->value[v]);
        free(s->value);
        free(s->name);
    }
    raw->n = 0;
}

/* ---- the nearest word ---- */

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Edits (insert, delete, replace, swap two neighbours) that make b of a. */
static unsigned distance(const char *a, const char *b)
{
    unsigned d[WORD_MAX + 1][WORD_MAX + 1];
    size_t na = strlen(a), nb = strlen(b);

    if (na > WORD_MAX || nb > WORD_MAX)
        return UINT_MAX;
    for (size_t i = 0; i <= na; i++) {
        for (size_t k = 0; k <= nb; k++) {
            unsigned best = (unsigned)(i + k);
            if (i > 0 && k > 0) {
                best = least(d[i - 1][k - 1] + (a[i - 1] != b[k - 1]),
                             least(d[i - 1][k], d[i][k - 1]) + 1);
            }
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1])
                best = least(best, d[i - 2][k - 2] + 1);
            d[i][k] = best;
        }
    }
    return d[na][nb];
}

const char *config_nearest(const char *word, const char *const *known, unsigned n)
{
    size_t len = strlen(word);
    unsigned best = (unsigned)(len / 4) + 2; /* from here on it is another word */
    const char *found = NULL;

    for (unsigned i = 0; i < n; i++) {
        bool begun = len >= 3 && strncmp(word, known[i], len) == 0;
        unsigned d = begun ? 1 : distance(word, known[i]);
        if (d < best) {
            best = d;
            found = known[i];
        }
    }
    return found;
}

/* ---- one setting ---- */

/* "FILE:LINE: what"; line 0 leaves the line out. Returns -1. */
__attribute__((format(printf, 4, 5)))
static int fail_at(const struct config_raw *raw, unsigned line, struct xhs_error *err,
                   const char *fmt, ...)
{
    char what[sizeof err->text];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    if (line == 0)
        return xhs_fail(err, XHS_E_CONFIG, "%s: %s", raw->file, what);
    return xhs_fail(err, XHS_E_CONFIG, "%s:%u: %s", raw->file, line, what);
}

static const struct config_setting *find(const struct config_raw *raw, const char *name)
{
    for (unsigned i = 0; i < raw->n; i++) {
        if (strcmp(raw->setting[i].name, name) == 0)
            return &raw->setting[i];
    }
    return NULL;
}

static unsigned line_of(const struct config_raw *raw, const char *name)
{
    const struct config_setting *s = find(raw, name);

    return s ? s->line : 0;
}

static int unknown_key(const struct config_raw *raw, const struct config_setting *s,
                       const struct key *keys, unsigned n, struct xhs_error *err)
{
    const char *names[ARRAY_LEN(pair_keys)];
    char list[160] = "";

    for (unsigned i = 0; i < n; i++) {
        size_t used = strlen(list);
        names[i] = keys[i].name;
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", keys[i].name);
    }
    const char *nearest = config_nearest(s->name, names, n);
    if (nearest)
        return fail_at(raw, s->line, err, "unknown key '%.40s': did you mean '%s'?", s->name,
                       nearest);
    return fail_at(raw, s->line, err, "unknown key '%.40s': remove it; this file may have %s",
                   s->name, list);
}

/* Every setting is known, of the right kind and there once; all that must be there is. */
static int check_keys(const struct config_raw *raw, const struct key *keys, unsigned n,
                      struct xhs_error *err)
{
    for (unsigned i = 0; i < raw->n; i++) {
        const struct config_setting *s = &raw->setting[i];
        const struct key *key = NULL;
        for (unsigned k = 0; k < n && !key; k++)
            key = strcmp(s->name, keys[k].name) == 0 ? &keys[k] : NULL;
        if (!key)
            return unknown_key(raw, s, keys, n, err);
        const struct config_setting *first = find(raw, s->name);
        if (first != s)
            return fail_at(raw, s->line, err, "%s is set in line %u already: remove one of them",
                           s->name, first->line);
        if (s->is_list != key->is_list)
            return fail_at(raw, s->line, err, "%s must be %s, such as %s", s->name,
                           key->is_list ? "a list" : "one value, no list", key->example);
    }
    for (unsigned k = 0; k < n; k++) {
        if (keys[k].required && !find(raw, keys[k].name))
            return fail_at(raw, 0, err, "%s is missing: add a line such as %s", keys[k].name,
                           keys[k].example);
    }
    return 0;
}

/* A whole decimal number; *out stays as it is when the file does not set name. */
static int get_number(const struct config_raw *raw, const char *name, const char *unit,
                      uint64_t min, uint64_t max, uint64_t *out, struct xhs_error *err)
{
    const struct config_setting *s = find(raw, name);

    if (!s)
        return 0;
    const char *text = s->value[0];
    size_t digits = strspn(text, "0123456789");
    uint64_t value = 0;
    if (text[0] == '-' && isdigit((unsigned char)text[1]))
        return fail_at(raw, s->line, err, "%s = %.40s is negative: give a whole number of %s",
                       name, text, unit);
    if (digits == 0 || text[digits] != '\0' || (text[0] == '0' && digits > 1))
        return fail_at(raw, s->line, err, "%s = '%.40s' is no number: give a whole decimal number "
                       "of %s", name, text, unit);
    if (!msg_parse_u64(text, max, &value) || value < min)
        return fail_at(raw, s->line, err, "%s = %.40s is out of range: it is in %s, %" PRIu64
                       " to %" PRIu64, name, text, unit, min, max);
    *out = value;
    return 0;
}

static int get_size(const struct config_raw *raw, const char *name, uint64_t *kb,
                    struct xhs_error *err)
{
    uint64_t mib = *kb / 1024;

    if (get_number(raw, name, "MiB", 0, SIZE_MAX_MIB, &mib, err) < 0)
        return -1;
    *kb = mib * 1024;
    return 0;
}

/* Copies a string; *buf stays as it is when the file does not set name. */
static int get_string(const struct config_raw *raw, const char *name, char *buf, size_t size,
                      struct xhs_error *err)
{
    const struct config_setting *s = find(raw, name);

    if (!s)
        return 0;
    if (strlen(s->value[0]) >= size)
        return fail_at(raw, s->line, err, "%s is longer than %zu bytes: shorten it", name,
                       size - 1);
    strcpy(buf, s->value[0]);
    return 0;
}

/* ---- xhs.cfg ---- */

int config_host(const struct config_raw *raw, struct host_config *out, struct xhs_error *err)
{
    struct host_config hc = { 0 };

    if (check_keys(raw, host_keys, ARRAY_LEN(host_keys), err) < 0 ||
        get_size(raw, "pool", &hc.pool_kb, err) < 0 ||
        get_size(raw, "reserve", &hc.reserve_kb, err) < 0 ||
        get_string(raw, "socket_group", hc.socket_group, sizeof hc.socket_group, err) < 0)
        return -1;
    if (hc.pool_kb == 0)
        return fail_at(raw, line_of(raw, "pool"), err,
                       "pool = 0 leaves nothing to manage: give the MiB that pairs may use");
    if (hc.reserve_kb >= hc.pool_kb)
        return fail_at(raw, line_of(raw, "reserve"), err, "reserve = %" PRIu64
                       " must be less than pool = %" PRIu64 ": it is a part of it",
                       hc.reserve_kb / 1024, hc.pool_kb / 1024);

    const struct config_setting *log = find(raw, "log");
    if (log && strcmp(log->value[0], "stderr") != 0 && strcmp(log->value[0], "syslog") != 0)
        return fail_at(raw, log->line, err, "log = '%.40s': write \"stderr\" or \"syslog\"",
                       log->value[0]);
    if (log)
        strcpy(hc.log, log->value[0]);
    *out = hc;
    return 0;
}

/* ---- a pair's file ---- */

uint64_t config_min_boot_kb(const struct pair_config *pc)
{
    uint64_t part_kb = CONFIG_BOOT_RATIO * UINT64_C(1024);
    uint64_t boot_kb = (pc->max_memory_kb + part_kb - 1) / part_kb * 1024;

    return boot_kb > pc->standby_memory_kb ? boot_kb : pc->standby_memory_kb;
}

/* An absolute path as it is, another one beside the pair's own file. */
static int member_path(const struct config_raw *raw, unsigned line, const char *value,
                       char out[CONFIG_PATH_MAX], struct xhs_error *err)
{
    const char *slash = strrchr(raw->file, '/');
    int dir_len = 0;

    while (strncmp(value, "./", 2) == 0)
        value += 2;
    if (!value[0])
        return fail_at(raw, line, err, "an empty file name: give the path of an xl.cfg file");
    if (value[0] != '/') {
        if (raw->file[0] != '/')
            return fail_at(raw, line, err, "'%s': give a path that begins with /", value);
        dir_len = (int)(slash + 1 - raw->file);
    }
    if (dir_len + strlen(value) >= CONFIG_PATH_MAX)
        return fail_at(raw, line, err, "a path longer than %d bytes: use a shorter one",
                       CONFIG_PATH_MAX - 1);
    snprintf(out, CONFIG_PATH_MAX, "%.*s%s", dir_len, raw->file, value);
    return 0;
}

static int get_members(const struct config_raw *raw, struct pair_config *pc,
                       struct xhs_error *err)
{
    const struct config_setting *s = find(raw, "members");

    if (s->n != 2)
        return fail_at(raw, s->line, err, "a pair has two members, and this list has %u: name two "
                       "xl.cfg files", s->n);
    for (unsigned i = 0; i < 2; i++) {
        if (member_path(raw, s->line, s->value[i], pc->member_file[i], err) < 0)
            return -1;
    }
    if (strcmp(pc->member_file[0], pc->member_file[1]) == 0)
        return fail_at(raw, s->line, err, "both members are %s: each needs an xl.cfg file of its "
                       "own", pc->member_file[0]);
    return 0;
}

/* The sizes fit each other, and a guest that boots with `memory` can grow to max_memory. */
static int check_sizes(const struct config_raw *raw, const struct pair_config *pc,
                       struct xhs_error *err)
{
    uint64_t memory = pc->memory_kb / 1024, standby = pc->standby_memory_kb / 1024;
    uint64_t max = pc->max_memory_kb / 1024;

    if (pc->standby_memory_kb < CONFIG_MIN_GUEST_KB)
        return fail_at(raw, pc->line_standby, err, "standby_memory = %" PRIu64
                       " is too little for a guest to live: give at least %d", standby,
                       CONFIG_MIN_GUEST_KB / 1024);
    if (standby >= memory)
        return fail_at(raw, pc->line_standby, err, "standby_memory = %" PRIu64
                       " must be less than memory = %" PRIu64 " (line %u)", standby, memory,
                       pc->line_memory);
    if (max < memory)
        return fail_at(raw, pc->line_max, err, "max_memory = %" PRIu64
                       " must not be less than memory = %" PRIu64 " (line %u)", max, memory,
                       pc->line_memory);
    if (config_min_boot_kb(pc) > pc->memory_kb)
        return fail_at(raw, pc->line_max, err, "max_memory = %" PRIu64 " is more than %d times "
                       "memory = %" PRIu64 ", and a PV guest cannot grow so far: lower it to %"
                       PRIu64 " or raise memory to %" PRIu64, max, CONFIG_BOOT_RATIO, memory,
                       memory * CONFIG_BOOT_RATIO, config_min_boot_kb(pc) / 1024);
    return 0;
}

static int get_surplus(const struct config_raw *raw, enum surplus_policy *out,
                       struct xhs_error *err)
{
    const struct config_setting *s = find(raw, "surplus");

    *out = SURPLUS_FOLLOW;
    if (s && !surplus_parse(s->value[0], out))
        return fail_at(raw, s->line, err, "surplus = '%.40s': write \"follow\" (it goes to the "
                       "heir) or \"stay\" (it stays with the member that failed)", s->value[0]);
    return 0;
}

int config_pair(const struct config_raw *raw, struct pair_config *out, struct xhs_error *err)
{
    struct pair_config pc = { 0 };
    uint64_t hang_ms = HANG_DEFAULT_MS;

    if (check_keys(raw, pair_keys, ARRAY_LEN(pair_keys), err) < 0)
        return -1;
    snprintf(pc.file, sizeof pc.file, "%s", raw->file);
    pc.line_name = line_of(raw, "name");
    pc.line_members = line_of(raw, "members");
    pc.line_memory = line_of(raw, "memory");
    pc.line_standby = line_of(raw, "standby_memory");
    pc.line_max = line_of(raw, "max_memory");

    const char *name = find(raw, "name")->value[0];
    if (!msg_valid_name(name))
        return fail_at(raw, pc.line_name, err, "name = '%.60s': use 1 to %d of the characters "
                       "A-Z a-z 0-9 _ -", name, MSG_NAME_MAX);
    snprintf(pc.name, sizeof pc.name, "%s", name);
    if (get_members(raw, &pc, err) < 0 ||
        get_size(raw, "memory", &pc.memory_kb, err) < 0 ||
        get_size(raw, "standby_memory", &pc.standby_memory_kb, err) < 0)
        return -1;
    pc.max_memory_kb = pc.memory_kb + pc.standby_memory_kb;
    if (get_size(raw, "max_memory", &pc.max_memory_kb, err) < 0 ||
        check_sizes(raw, &pc, err) < 0 ||
        get_surplus(raw, &pc.surplus, err) < 0 ||
        get_number(raw, "hang_timeout_ms", "milliseconds", HANG_MIN_MS, HANG_MAX_MS, &hang_ms,
                   err) < 0)
        return -1;
    pc.hang_timeout_ms = (unsigned)hang_ms;
    *out = pc;
    return 0;
}
