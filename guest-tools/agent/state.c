/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an agent leaves to the next one: see state.h. */
#include "state.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

int state_write(const char *dir, const char *name, const char *boot_id, const struct msg_job *line,
                struct xhs_error *e)
{
    char text[MSG_BOOT_ID_LEN + 2 + MSG_MAX];
    size_t len = (size_t)snprintf(text, sizeof text, "%s\n", boot_id);

    len += msg_format_job(text + len, line);
    text[len++] = '\n';
    return file_replace(dir, name, 0600, text, len, e);
}

int state_read(const char *dir, const char *name, const char *boot_id, struct msg_job *line,
               struct xhs_error *e)
{
    char path[PATH_MAX], text[MSG_BOOT_ID_LEN + 2 + MSG_MAX + 1];
    const size_t head = MSG_BOOT_ID_LEN + 1;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    ssize_t n = file_read(path, text, sizeof text);
    if (n < 0)
        return xhs_fail_errno(e, errno == ENOENT ? XHS_E_NOENT : XHS_E_SYSTEM, errno, "%s", path);
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
