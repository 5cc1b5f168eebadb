/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an agent leaves to the next one: see state.h. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int state_write(const char *dir, const char *name, const char *boot_id, const struct msg_job *line,
                struct xhs_error *e)
{
    char path[PATH_MAX], tmp[PATH_MAX], text[MSG_BOOT_ID_LEN + 2 + MSG_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "%s\n", boot_id);

    len += msg_format_job(text + len, line);
    text[len++] = '\n';
    /* A dot: no job has such a name, and a directory listing skips it. */
    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(tmp, sizeof tmp, "%s/.%s", dir, name);
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", tmp);
    ssize_t n = write(fd, text, len);
    int errnum = n < 0 ? errno : ENOSPC;
    close(fd);
    if (n != (ssize_t)len)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errnum, "%s", tmp);
    if (rename(tmp, path) < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", path);
    return 0;
}

int state_read(const char *dir, const char *name, const char *boot_id, struct msg_job *line,
               struct xhs_error *e)
{
    char path[PATH_MAX], text[MSG_BOOT_ID_LEN + 2 + MSG_MAX];
    const size_t head = MSG_BOOT_ID_LEN + 1;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return xhs_fail_errno(e, errno == ENOENT ? XHS_E_NOENT : XHS_E_SYSTEM, errno, "%s", path);
    ssize_t n = read(fd, text, sizeof text);
    int errnum = errno;
    close(fd);
    if (n < 0)
        return xhs_fail_errno(e, XHS_E_SYSTEM, errnum, "%s", path);
    if ((size_t)n <= head || memcmp(text, boot_id, MSG_BOOT_ID_LEN) != 0)
        return xhs_fail(e, XHS_E_PROTOCOL, "%s is not of this boot", path);
    enum msg_error bad = msg_parse_job(text + head, (size_t)n - head, line);
    if (bad)
        return xhs_fail(e, XHS_E_PROTOCOL, "%s %s", path, msg_error_text(bad));
    return 0;
}

void state_remove(const char *dir, const char *name)
{
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    unlink(path);
}
