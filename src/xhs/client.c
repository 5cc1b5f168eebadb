/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection to xhsd: see client.h. Blocking, without a time limit: forming a pair takes as
 * long as its guests take to boot, and ^C is at hand.
 * Used by ask.c and cmd_events.c.
 */
#include <config.h>

#include "xhs/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "xhs/out_text.h"

static int cannot_connect(const char *path, int errnum, struct xhs_error *err)
{
    if (errnum == ENOENT || errnum == ECONNREFUSED)
        return xhs_fail(err, XHS_E_SYSTEM,
                        "cannot reach xhsd at %s: is it running? systemctl status xhsd", path);
    if (errnum == EACCES || errnum == EPERM)
        return xhs_fail(err, XHS_E_SYSTEM, "not permitted to talk to xhsd at %s: be root, or in "
                        "the group that socket_group in xhs.cfg names", path);
    return xhs_fail_errno(err, XHS_E_SYSTEM, errnum, "cannot reach xhsd at %s", path);
}

int client_open(struct client *c, const struct cli *cli, struct xhs_error *err)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };

    *c = (struct client){ .cli = cli, .fd = -1 };
    if (strlen(cli->socket) >= sizeof sa.sun_path)
        return xhs_fail(err, XHS_E_USAGE, "the path of xhsd's socket is longer than %zu bytes",
                        sizeof sa.sun_path - 1);
    strcpy(sa.sun_path, cli->socket);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&sa, sizeof sa) < 0)
        return cannot_connect(cli->socket, errno, err);
    c->in = fdopen(c->fd, "r");
    if (!c->in)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot read from xhsd");
    return 0;
}

void client_close(struct client *c)
{
    if (c->in)
        fclose(c->in);
    else if (c->fd >= 0)
        close(c->fd);
    free(c->line);
    *c = (struct client){ .fd = -1 };
}

int client_send(struct client *c, struct jout *req, struct xhs_error *err)
{
    struct msghdr msg = { 0 };
    struct iovec part[2];
    size_t len;

    jout_end_object(req);
    part[0].iov_base = (void *)(uintptr_t)jout_text(req, &len);
    part[0].iov_len = len;
    part[1] = (struct iovec){ .iov_base = (void *)(uintptr_t)"\n", .iov_len = 1 };
    msg.msg_iov = part;
    msg.msg_iovlen = 2;
    if (c->cli->verbose)
        fprintf(stderr, "> %s\n", jout_text(req, NULL));
    /* The socket blocks, so a request goes out whole or not at all. */
    if (sendmsg(c->fd, &msg, MSG_NOSIGNAL) < 0 && errno != EPIPE && errno != ECONNRESET)
        return xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot write to xhsd");
    return 0; /* xhsd may have hung up with a last word, which is still to be read */
}

struct jval *client_receive(struct client *c, struct xhs_error *err)
{
    ssize_t len = getline(&c->line, &c->size, c->in);

    if (len <= 0) {
        xhs_fail(err, XHS_E_SYSTEM, "xhsd closed the connection: see journalctl -u xhsd");
        return NULL;
    }
    if (c->cli->verbose)
        fprintf(stderr, "< %s", c->line);
    return json_parse(c->line, (size_t)len, err);
}

static void refused(const struct jval *answer, struct xhs_error *err)
{
    enum xhs_code code;

    if (!xhs_code_parse(json_str(answer, "code", ""), &code) || code == XHS_E_NONE)
        code = XHS_E_PROTOCOL;
    xhs_fail(err, code, "%s", json_str(answer, "error", "xhsd sent neither result nor error"));
}

struct jval *client_answer(struct client *c, struct xhs_error *err)
{
    struct jval *v;

    while ((v = client_receive(c, err)) != NULL) {
        const char *progress = json_str(v, "progress", NULL);
        if (progress) {
            out_line(stderr, "%s", progress);
        } else if (json_bool(v, "ok", false)) {
            return v;
        } else {
            refused(v, err);
            json_free(v);
            return NULL;
        }
        json_free(v);
    }
    return NULL;
}
