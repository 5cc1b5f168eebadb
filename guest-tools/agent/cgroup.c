/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job's cgroup: see cgroup.h.
 * Not for cgroup v1: a guest with a hybrid setup has no memory controller here, and is told so.
 * Called by xhs-agent.
 */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <linux/magic.h>
#include <unistd.h>

#include "core/msg.h"
#include "file.h"

static const char *file_in(char buf[PATH_MAX], const char *dir, const char *file)
{
    snprintf(buf, PATH_MAX, "%s/%s", dir, file);
    return buf;
}

/* 0, or -1 with errno. */
static int write_file(const char *dir, const char *file, const char *text)
{
    char path[PATH_MAX];

    return file_write(file_in(path, dir, file), text);
}

static int find_root(char root[CGROUP_PATH_MAX], struct xhs_error *e)
{
    static const char *const places[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };

    for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct statfs fs;
        if (statfs(places[i], &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC) {
            strcpy(root, places[i]);
            return 0;
        }
    }
    strcpy(root, places[0]);
    return xhs_fail(e, XHS_E_SYSTEM, "no cgroup2 file system on %s", places[0]);
}

int cgroup_prepare(char base[CGROUP_PATH_MAX], struct xhs_error *e)
{
    char root[CGROUP_PATH_MAX];
    int rc = find_root(root, e);

    snprintf(base, CGROUP_PATH_MAX, "%.*s/xhs", CGROUP_PATH_MAX - 8, root);
    if (rc < 0)
        return -1;
    if (mkdir(base, 0755) < 0 && errno != EEXIST)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", base);
    if (write_file(root, "cgroup.subtree_control", "+memory") < 0 ||
        write_file(base, "cgroup.subtree_control", "+memory") < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "no memory controller in %s", root);
    return 0;
}

const char *cgroup_path(char buf[CGROUP_PATH_MAX], const char *base, const char *job)
{
    snprintf(buf, CGROUP_PATH_MAX, "%s/%s", base, job);
    return buf;
}

/* A limit as the kernel takes it. kb 0: none. */
static int write_limit(const char *path, const char *file, uint64_t kb)
{
    char bytes[24] = "max";

    if (kb)
        snprintf(bytes, sizeof bytes, "%" PRIu64, kb * 1024);
    return write_file(path, file, bytes);
}

int cgroup_create(const char *path, uint64_t kb, uint64_t high_kb, struct xhs_error *e)
{
    bool old = mkdir(path, 0755) < 0;

    if (old && errno == EEXIST && rmdir(path) == 0) /* its limits and counts are old ones */
        old = mkdir(path, 0755) < 0;
    if (old && errno != EEXIST && errno != EBUSY)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", path);
    if (write_limit(path, "memory.max", kb) < 0 && kb)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "no limit of memory in %s", path);
    if (high_kb || old)
        write_limit(path, "memory.high", high_kb);
    /* A job that lost one of its processes to a full area is a failed job, not half a job. */
    write_file(path, "memory.oom.group", "1");
    return 0;
}

int cgroup_enter(const char *path, pid_t pid, struct xhs_error *e)
{
    char text[24];

    snprintf(text, sizeof text, "%ld", (long)pid);
    if (write_file(path, "cgroup.procs", text) < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "cannot enter %s", path);
    return 0;
}

void cgroup_set_high(const char *path, uint64_t kb)
{
    write_limit(path, "memory.high", kb);
}

void cgroup_freeze(const char *path, bool freeze)
{
    write_file(path, "cgroup.freeze", freeze ? "1" : "0");
}

int cgroup_open_events(const char *path)
{
    char file[PATH_MAX];

    return open(file_in(file, path, "cgroup.events"), O_RDONLY | O_CLOEXEC);
}

/* The number after key at a line's beginning; -1 when there is none. */
static long flat_value(const char *text, const char *key)
{
    size_t len = strlen(key);

    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, len) == 0 && line[len] == ' ')
            return strtol(line + len, NULL, 10);
    }
    return -1;
}

int cgroup_populated(int events_fd)
{
    char text[256];
    ssize_t n = pread(events_fd, text, sizeof text - 1, 0);

    if (n < 0)
        return errno == ENODEV ? 0 : -1; /* ENODEV: the cgroup was removed, so it was empty */
    text[n] = '\0';
    long value = flat_value(text, "populated");
    return value < 0 ? -1 : value > 0;
}

static bool read_file(const char *dir, const char *name, char *text, size_t size)
{
    char file[PATH_MAX];

    return file_read(file_in(file, dir, name), text, size) >= 0;
}

/* A file that holds one number of bytes. */
static bool read_kb(const char *dir, const char *name, uint64_t *kb)
{
    char text[32];

    if (!read_file(dir, name, text, sizeof text))
        return false;
    text[strcspn(text, "\n")] = '\0';
    if (!msg_parse_u64(text, MSG_KB_MAX * 1024, kb))
        return false;
    *kb /= 1024;
    return true;
}

uint64_t cgroup_high(const char *path)
{
    uint64_t kb;

    return read_kb(path, "memory.high", &kb) ? kb : 0;
}

bool cgroup_used(const char *path, uint64_t *kb)
{
    return read_kb(path, "memory.current", kb);
}

bool cgroup_usage(const char *path, struct area_usage *out)
{
    struct area_usage u = { 0 };
    char text[256];

    if (!cgroup_used(path, &u.used_kb) ||
        !read_file(path, "memory.events", text, sizeof text))
        return false;
    long kills = flat_value(text, "oom_kill");
    u.oom_kills = kills > 0 ? (uint64_t)kills : 0;
    if (!read_kb(path, "memory.peak", &u.peak_kb))
        u.peak_kb = 0;
    *out = u;
    return true;
}

uint64_t cgroup_cache_kb(const char *path)
{
    char text[4096];

    if (!read_file(path, "memory.stat", text, sizeof text))
        return 0;
    long active = flat_value(text, "active_file"), inactive = flat_value(text, "inactive_file");
    return active < 0 || inactive < 0 ? 0 : ((uint64_t)active + (uint64_t)inactive) / 1024;
}

void cgroup_signal(const char *path, int sig)
{
    char file[PATH_MAX];
    long pid;
    FILE *f = fopen(file_in(file, path, "cgroup.procs"), "re");

    if (!f)
        return;
    while (fscanf(f, "%ld", &pid) == 1) {
        if (pid > 0)
            kill((pid_t)pid, sig);
    }
    fclose(f);
}

void cgroup_kill(const char *path)
{
    if (write_file(path, "cgroup.kill", "1") < 0)
        cgroup_signal(path, SIGKILL);
}

static int remove_dir(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type == FTW_DP)
        rmdir(path);
    return 0;
}

void cgroup_remove(const char *path)
{
    nftw(path, remove_dir, 8, FTW_DEPTH | FTW_PHYS);
}
