/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration that a pair was created with, in files below /run/xhs, with SHA-256 sums in
 * xenstore: a rebuild never parses the user's files again. See persist.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/paths.h"
#include "wire/json.h"
#include "xhsd/persist.h"
#include "xhsd/uuid.h"

#define CONFIG_BYTES_MAX (1024 * 1024)
#define FILES 3

static const char *const file_name[FILES] = { "a.json", "b.json", "pair.json" };

static void file_path(char *buf, size_t size, const char *dir, const char *pair, int file)
{
    snprintf(buf, size, "%s/%s/%s", dir, pair, file_name[file]);
}

static const char *sum_path(char buf[XHS_PATH_MAX], const char *pair, int file)
{
    if (file < MEMBERS)
        return path_build(buf, PATH_MEMBER_CONFIG_SHA, pair,
                          rmt_owner_word((enum owner)file));
    return path_build(buf, PATH_PAIR_CONFIG_SHA, pair);
}

static void sum(char out[SHA256_DIGEST_STRING_LENGTH], const char *text, size_t len)
{
    SHA256Data((const uint8_t *)text, len, out);
}

/* Whole, or not at all: under another name first. */
static int write_file(const char *path, const char *text, struct xhs_error *err)
{
    char tmp[CONFIG_PATH_MAX + 64];
    size_t len = strlen(text), done = 0;
    int fd, rc = -1;

    snprintf(tmp, sizeof tmp, "%s.new", path);
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot write %s", tmp);
    while (done < len) {
        ssize_t n = write(fd, text + done, len - done);
        if (n < 0 && errno != EINTR)
            goto out;
        done += n > 0 ? (size_t)n : 0;
    }
    rc = rename(tmp, path);
out:
    if (rc != 0)
        xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot write %s", path);
    close(fd);
    return rc;
}

static char *read_file(const char *path, struct xhs_error *err)
{
    FILE *f = fopen(path, "re");
    char *text = NULL;
    size_t n;

    if (!f) {
        xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot read %s", path);
        return NULL;
    }
    text = malloc(CONFIG_BYTES_MAX + 1);
    if (!text)
        abort();
    n = fread(text, 1, CONFIG_BYTES_MAX, f);
    text[n] = '\0';
    fclose(f);
    return text;
}

static void pair_json(struct jout *j, const struct pair *p)
{
    const struct pair_config *c = &p->cfg;

    jout_object(j, NULL);
    jout_str(j, "name", c->name);
    jout_str(j, "file", c->file);
    jout_str(j, "member_file_a", c->member_file[MEMBER_A]);
    jout_str(j, "member_file_b", c->member_file[MEMBER_B]);
    jout_str(j, "member_a", p->m[MEMBER_A].name);
    jout_str(j, "member_b", p->m[MEMBER_B].name);
    for (int i = 0; i < MEMBERS; i++) {
        char uuid[UUID_TEXT];
        uuid_to_text(uuid, p->m[i].uuid);
        jout_str(j, i == MEMBER_A ? "uuid_a" : "uuid_b", uuid);
    }
    jout_u64(j, "memory_kb", c->memory_kb);
    jout_u64(j, "standby_memory_kb", c->standby_memory_kb);
    jout_u64(j, "max_memory_kb", c->max_memory_kb);
    jout_str(j, "surplus", surplus_word(c->surplus));
    jout_u64(j, "hang_timeout_ms", c->hang_timeout_ms);
    jout_end_object(j);
}

static int pair_from_json(struct pair *p, const char *text, struct xhs_error *err)
{
    struct jval *v = json_parse(text, strlen(text), err);
    const char *name[MEMBERS];
    uint8_t uuid[MEMBERS][16];
    struct pair_config c = { 0 };
    int rc = -1;

    if (!v)
        return -1;
    snprintf(c.name, sizeof c.name, "%s", json_str(v, "name", ""));
    snprintf(c.file, sizeof c.file, "%s", json_str(v, "file", ""));
    snprintf(c.member_file[0], CONFIG_PATH_MAX, "%s", json_str(v, "member_file_a", ""));
    snprintf(c.member_file[1], CONFIG_PATH_MAX, "%s", json_str(v, "member_file_b", ""));
    c.memory_kb = (uint64_t)json_i64(v, "memory_kb", 0);
    c.standby_memory_kb = (uint64_t)json_i64(v, "standby_memory_kb", 0);
    c.max_memory_kb = (uint64_t)json_i64(v, "max_memory_kb", 0);
    c.hang_timeout_ms = (unsigned)json_i64(v, "hang_timeout_ms", 0);
    name[MEMBER_A] = json_str(v, "member_a", "");
    name[MEMBER_B] = json_str(v, "member_b", "");
    if (!msg_valid_name(c.name) || !surplus_parse(json_str(v, "surplus", ""), &c.surplus) ||
        !uuid_from_text(json_str(v, "uuid_a", ""), uuid[MEMBER_A]) ||
        !uuid_from_text(json_str(v, "uuid_b", ""), uuid[MEMBER_B]) ||
        c.memory_kb <= c.standby_memory_kb) {
        xhs_fail(err, XHS_E_CONFIG, "the kept configuration lacks a field");
        goto out;
    }
    pair_init(p, &c, name, (const uint8_t(*)[16])uuid);
    rc = 0;
out:
    json_free(v);
    return rc;
}

int persist_config(struct store *st, const char *dir, const struct pair *p,
                   char *const json[MEMBERS], struct xhs_error *err)
{
    char path[CONFIG_PATH_MAX], key[FILES][XHS_PATH_MAX];
    char value[FILES][SHA256_DIGEST_STRING_LENGTH];
    struct store_change change[FILES];
    struct jout *j = jout_new(true);
    int rc = -1;

    snprintf(path, sizeof path, "%s/%s", dir, p->name);
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot make %s", path);
        goto out;
    }
    pair_json(j, p);
    for (int i = 0; i < FILES; i++) {
        const char *text = i < MEMBERS ? json[i] : jout_text(j, NULL);
        file_path(path, sizeof path, dir, p->name, i);
        if (write_file(path, text, err) != 0)
            goto out;
        sum(value[i], text, strlen(text));
        change[i] = (struct store_change){ sum_path(key[i], p->name, i), value[i] };
    }
    rc = store_apply(st, change, FILES, err);
out:
    jout_free(j);
    return rc;
}

void persist_forget_config(const char *dir, const char *pair)
{
    char path[CONFIG_PATH_MAX];

    for (int i = 0; i < FILES; i++) {
        file_path(path, sizeof path, dir, pair, i);
        unlink(path);
    }
    snprintf(path, sizeof path, "%s/%s", dir, pair);
    rmdir(path);
}

static char *read_checked(struct store *st, const char *dir, const char *pair, int file,
                          struct xhs_error *err)
{
    char path[CONFIG_PATH_MAX], key[XHS_PATH_MAX];
    char kept[SHA256_DIGEST_STRING_LENGTH + 1], real[SHA256_DIGEST_STRING_LENGTH];
    char *text;

    file_path(path, sizeof path, dir, pair, file);
    text = read_file(path, err);
    if (!text)
        return NULL;
    sum(real, text, strlen(text));
    if (store_read(st, sum_path(key, pair, file), kept, sizeof kept, err) < 0 ||
        strcmp(kept, real) != 0) {
        xhs_fail(err, XHS_E_CONFIG, "%s was changed since the pair was created", path);
        free(text);
        return NULL;
    }
    return text;
}

int persist_load(struct store *st, const char *dir, const char *pair, struct pair *out,
                 enum pair_state *state, char *json[MEMBERS], struct xhs_error *err)
{
    char *own = read_checked(st, dir, pair, MEMBERS, err);
    int rc = -1;

    json[MEMBER_A] = json[MEMBER_B] = NULL;
    if (!own || pair_from_json(out, own, err) != 0)
        goto out;
    for (int i = 0; i < MEMBERS; i++) {
        json[i] = read_checked(st, dir, pair, i, err);
        if (!json[i])
            goto out;
    }
    rc = persist_load_state(st, out, state, err);
out:
    free(own);
    if (rc != 0) {
        free(json[MEMBER_A]);
        free(json[MEMBER_B]);
    }
    return rc;
}
