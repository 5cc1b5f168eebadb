/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory this guest has: see memory.h. */
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "file.h"

#define NS_PER_MS UINT64_C(1000000)
#define ARRIVE_LEAST_NS (5 * NS_PER_MS)
#define ARRIVE_MOST_NS (50 * NS_PER_MS)
#define KB_PER_MS 8192 /* no balloon is faster: 8 GiB/s */

#define SLOW_NS UINT64_C(30000000000)

#define BALLOON_DIR "/sys/devices/system/xen_memory/xen_memory0"

static const char meminfo_file[] = "/proc/meminfo";
static const char current_kb_file[] = BALLOON_DIR "/info/current_kb";
static const char target_kb_file[] = BALLOON_DIR "/target_kb";

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

    if (file_read(meminfo_file, text, sizeof text) < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", meminfo_file);
    if (!memory_parse(text, out))
        return xhs_fail(e, XHS_E_SYSTEM, "%s: no MemTotal and MemAvailable",
                        meminfo_file);
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

uint64_t memory_arrives_ns(uint64_t missing_kb)
{
    uint64_t ns = missing_kb * NS_PER_MS / KB_PER_MS;

    return ns < ARRIVE_LEAST_NS ? ARRIVE_LEAST_NS : ns > ARRIVE_MOST_NS ? ARRIVE_MOST_NS : ns;
}

int memory_current_kb(uint64_t *kb, struct xhs_error *e)
{
    char text[64];

    if (file_read(current_kb_file, text, sizeof text) < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", current_kb_file);
    text[strcspn(text, "\n")] = '\0';
    if (!msg_parse_u64(text, MSG_KB_MAX, kb))
        return xhs_fail(e, XHS_E_SYSTEM, "%s: no number", current_kb_file);
    return 0;
}

int memory_set_target_kb(uint64_t kb, struct xhs_error *e)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRIu64, kb);
    if (file_write(target_kb_file, text) < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", target_kb_file);
    return 0;
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
        if (file_read(path, comm, sizeof comm) < 0)
            continue;
        for (unsigned i = 0; i < sizeof threads / sizeof threads[0]; i++) {
            if (strcmp(comm, threads[i].comm) == 0)
                setpriority(PRIO_PROCESS, (id_t)pid, threads[i].nice);
        }
    }
    if (proc)
        closedir(proc);
}
