/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory this guest has: see memory.h. */
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SLOW_NS UINT64_C(30000000000)

#define BALLOON_DIR "/sys/devices/system/xen_memory/xen_memory0"

static const char current_kb_file[] = BALLOON_DIR "/info/current_kb";
static const char target_kb_file[] = BALLOON_DIR "/target_kb";

static int read_text(const char *file, char *buf, size_t size, struct xhs_error *e)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);
    int errnum = errno;

    if (fd >= 0)
        close(fd);
    if (n < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errnum, "%s", file);
    buf[n] = '\0';
    return 0;
}

/* "KEY:   123 kB" at a line's beginning. */
static bool meminfo_kb(const char *text, const char *key, uint64_t *kb)
{
    const char *at = strstr(text, key);
    char *end;

    if (!at || (at != text && at[-1] != '\n'))
        return false;
    errno = 0;
    *kb = strtoull(at + strlen(key), &end, 10);
    return errno == 0 && strncmp(end, " kB", 3) == 0 && *kb <= MSG_KB_MAX;
}

bool memory_parse(const char *text, struct msg_memory *out)
{
    struct msg_memory m;

    if (!meminfo_kb(text, "MemTotal:", &m.total_kb) ||
        !meminfo_kb(text, "MemAvailable:", &m.available_kb))
        return false;
    *out = m;
    return true;
}

int memory_read(struct msg_memory *out, struct xhs_error *e)
{
    char text[4096];

    if (read_text("/proc/meminfo", text, sizeof text, e) < 0)
        return -1;
    if (!memory_parse(text, out))
        return xhs_fail(e, XHS_E_SYSTEM, "/proc/meminfo: no MemTotal and MemAvailable");
    return 0;
}

static bool moved_a_sixteenth(uint64_t was, uint64_t is)
{
    return (was > is ? was - is : is - was) >= was / 16;
}

bool memory_due(const struct msg_memory *last, uint64_t last_ns, const struct msg_memory *now,
                uint64_t now_ns)
{
    if (last->total_kb == now->total_kb && last->available_kb == now->available_kb)
        return false;
    if (moved_a_sixteenth(last->total_kb, now->total_kb) ||
        moved_a_sixteenth(last->available_kb, now->available_kb))
        return true;
    return now_ns - last_ns >= SLOW_NS;
}

int memory_current_kb(uint64_t *kb, struct xhs_error *e)
{
    char text[64];

    if (read_text(current_kb_file, text, sizeof text, e) < 0)
        return -1;
    text[strcspn(text, "\n")] = '\0';
    if (!msg_parse_u64(text, MSG_KB_MAX, kb))
        return xhs_fail(e, XHS_E_SYSTEM, "%s: no number", current_kb_file);
    return 0;
}

int memory_set_target_kb(uint64_t kb, struct xhs_error *e)
{
    char text[24];
    size_t len = (size_t)snprintf(text, sizeof text, "%" PRIu64, kb);
    int fd = open(target_kb_file, O_WRONLY | O_CLOEXEC);
    bool set = fd >= 0 && write(fd, text, len) == (ssize_t)len;
    int errnum = errno;

    if (fd >= 0)
        close(fd);
    return set ? 0 : xhs_fail_errno(e, XHS_E_SYSTEM, errnum, "%s", target_kb_file);
}

void memory_hurry_kernel(void)
{
    static const struct {
        const char *comm;
        int nice;
    } threads[] = { { "xenbus\n", -20 }, { "xenwatch\n", -20 }, { "xen-balloon\n", -5 } };
    DIR *proc = opendir("/proc");
    const struct dirent *d;

    while (proc && (d = readdir(proc))) {
        char path[NAME_MAX + 16], comm[32];
        uint64_t pid;
        if (!msg_parse_u64(d->d_name, INT32_MAX, &pid))
            continue;
        snprintf(path, sizeof path, "/proc/%s/comm", d->d_name);
        if (read_text(path, comm, sizeof comm, NULL) < 0)
            continue;
        for (unsigned i = 0; i < sizeof threads / sizeof threads[0]; i++) {
            if (strcmp(comm, threads[i].comm) == 0)
                setpriority(PRIO_PROCESS, (id_t)pid, threads[i].nice);
        }
    }
    if (proc)
        closedir(proc);
}
