/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an estimate is made of: see measure.h. */
#include "measure.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/msg.h"
#include "file.h"

uint64_t measure_peak(const char *dir, const char *name)
{
    char path[PATH_MAX], text[32];
    uint64_t kb;

    snprintf(path, sizeof path, "%s/%s.peak", dir, name);
    ssize_t n = file_read(path, text, sizeof text);
    if (n <= 0 || n == sizeof text - 1)
        return 0;
    n -= text[n - 1] == '\n';
    text[n] = '\0';
    return strlen(text) == (size_t)n && msg_parse_u64(text, MSG_KB_MAX, &kb) ? kb : 0;
}

int measure_keep_peak(const char *dir, const char *name, uint64_t kb, struct xhs_error *e)
{
    char file[NAME_MAX], text[32];
    int len = snprintf(text, sizeof text, "%" PRIu64 "\n", kb);

    snprintf(file, sizeof file, "%s.peak", name);
    return file_replace(dir, file, 0644, text, (size_t)len, e);
}

/* Its size in whole KiB, when it can be executed. */
static bool executable_kb(const char *file, uint64_t *kb)
{
    struct stat st;

    if (stat(file, &st) < 0 || !S_ISREG(st.st_mode) || !(st.st_mode & 0111) || st.st_size <= 0)
        return false;
    *kb = ((uint64_t)st.st_size + 1023) / 1024;
    return true;
}

uint64_t measure_program(const char *command, const char *path)
{
    char word[PATH_MAX], file[PATH_MAX];
    uint64_t kb;

    if (!estimate_program(command, word, sizeof word))
        return 0;
    if (strchr(word, '/')) { /* commands run in / */
        int n = snprintf(file, sizeof file, "%s%s", word[0] == '/' ? "" : "/", word);
        return n < (int)sizeof file && executable_kb(file, &kb) ? kb : 0;
    }
    for (const char *dir = path; *dir;) {
        size_t len = strcspn(dir, ":");
        int n = snprintf(file, sizeof file, "%.*s/%s", (int)len, dir, word);
        if (n < (int)sizeof file && executable_kb(file, &kb))
            return kb;
        dir += len + (dir[len] == ':');
    }
    return 0;
}

struct estimate measure_job(const char *dir, const char *name, const char *command)
{
    const char *path = getenv("PATH");

    if (!path)
        path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    return estimate_make(measure_peak(dir, name), measure_program(command, path));
}
