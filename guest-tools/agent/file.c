/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files as a whole: see file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void close_keep_errno(int fd)
{
    int errnum = errno;

    close(fd);
    errno = errnum;
}

ssize_t file_read(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -1;
    ssize_t n = read(fd, buf, size - 1);
    close_keep_errno(fd);
    if (n >= 0)
        buf[n] = '\0';
    return n;
}

int file_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    close_keep_errno(fd);
    return n < 0 ? -1 : 0;
}

int file_replace(const char *dir, const char *name, mode_t mode, const char *text, size_t len,
                 struct xhs_error *e)
{
    char path[PATH_MAX], tmp[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    snprintf(tmp, sizeof tmp, "%s/.%s", dir, name); /* no job has such a name */
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
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
