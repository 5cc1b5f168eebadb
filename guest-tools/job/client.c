/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xhs-job's end of the agent's socket: see client.h. */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

FILE *client_ask(const char *socket_path, const struct proto_request *r, struct xhs_error *e)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    char line[PROTO_LINE_MAX];
    size_t len = proto_format(line, r);
    FILE *f = NULL;

    if (strlen(socket_path) >= sizeof addr.sun_path) {
        xhs_fail(e, XHS_E_USAGE, "%s: too long", socket_path);
        return NULL;
    }
    strcpy(addr.sun_path, socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        xhs_fail_errno(e, XHS_E_SYSTEM, errno, "cannot reach xhs-agent at %s", socket_path);
    else if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len || !(f = fdopen(fd, "r")))
        xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", socket_path);
    if (!f && fd >= 0)
        close(fd);
    return f;
}

int client_wait(FILE *f, int timeout_ms)
{
    struct pollfd p = { .fd = fileno(f), .events = POLLIN };

    return poll(&p, 1, timeout_ms) != 0;
}

enum client_line client_next(FILE *f, struct client_answer *out)
{
    char line[PROTO_LINE_MAX];

    if (!fgets(line, sizeof line, f))
        return CLIENT_LOST;
    line[strcspn(line, "\n")] = '\0';
    char *rest = line, *word = strsep(&rest, " ");
    if (!rest)
        rest = line + strlen(line);
    if (strcmp(word, "job") == 0) {
        char *name = strsep(&rest, " ");
        if (!rest || !msg_valid_name(name) ||
            msg_parse_job(rest, strlen(rest), &out->line) != MSG_OK)
            return CLIENT_LOST;
        strcpy(out->name, name);
        return CLIENT_JOB;
    }
    if (strcmp(word, "setting") == 0)
        return proto_parse_setting(rest, &out->setting) ? CLIENT_SETTING : CLIENT_LOST;
    if (strcmp(word, "facts") == 0)
        return proto_parse_facts(rest, &out->facts) ? CLIENT_FACTS : CLIENT_LOST;
    strcpy(out->text, rest);
    if (strcmp(word, "ok") == 0)
        return CLIENT_OK;
    return strcmp(word, "failed") == 0 ? CLIENT_FAILED : CLIENT_LOST;
}
