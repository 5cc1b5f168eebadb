/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection of the control socket: see conn.h. */
#include "xhsd/conn.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LINE_IN_MAX 8192 /* a request; answers are longer */

struct conn {
    struct evloop_fd *ev;
    int fd;
    conn_line_fn *line;
    conn_closed_fn *closed;
    void *arg;
    char in[LINE_IN_MAX];
    size_t nin;
    char *out;
    size_t nout, cap;
    bool broken; /* closed at the next event, not under the feet of whoever sends */
};

static void flush(struct conn *c)
{
    size_t done = 0;

    while (done < c->nout) {
        ssize_t n = send(c->fd, c->out + done, c->nout - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN)
            c->broken = true;
        if (n < 0)
            break;
        done += (size_t)n;
    }
    memmove(c->out, c->out + done, c->nout - done);
    c->nout -= done;
    if (c->nout > CONN_UNREAD_MAX)
        c->broken = true;
    if (c->broken)
        shutdown(c->fd, SHUT_RDWR); /* makes the fd readable: the loop closes it */
    evloop_fd_set(c->ev, EV_LOOP_READ | (c->nout && !c->broken ? EV_LOOP_WRITE : 0));
}

static void take_lines(struct conn *c)
{
    char *end;

    while (!c->broken && (end = memchr(c->in, '\n', c->nin)) != NULL) {
        size_t len = (size_t)(end - c->in);

        c->line(c->arg, c->in, len);
        c->nin -= len + 1;
        memmove(c->in, end + 1, c->nin);
    }
}

static void ready(void *arg, int fd, int what)
{
    struct conn *c = arg;
    ssize_t n;

    if (what & EV_LOOP_WRITE)
        flush(c);
    if (!(what & EV_LOOP_READ))
        return;
    n = read(fd, c->in + c->nin, sizeof c->in - c->nin);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || c->broken) {
        conn_close(c);
        return;
    }
    c->nin += (size_t)n;
    take_lines(c);
    if (c->nin == sizeof c->in) /* no request is so long */
        conn_close(c);
}

struct conn *conn_new(struct evloop *loop, int fd, conn_line_fn *line, conn_closed_fn *closed,
                      void *arg)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c)
        abort();
    c->fd = fd;
    c->line = line;
    c->closed = closed;
    c->arg = arg;
    c->ev = evloop_fd_add(loop, fd, EV_LOOP_READ, ready, c);
    return c;
}

void conn_send(struct conn *c, const char *text, size_t len)
{
    if (c->broken)
        return;
    if (c->nout + len + 1 > c->cap) {
        c->cap = (c->nout + len + 1) * 2;
        c->out = realloc(c->out, c->cap);
        if (!c->out)
            abort();
    }
    memcpy(c->out + c->nout, text, len);
    c->out[c->nout + len] = '\n';
    c->nout += len + 1;
    flush(c);
}

void conn_close(struct conn *c)
{
    c->closed(c->arg);
    evloop_fd_del(c->ev);
    close(c->fd);
    free(c->out);
    free(c);
}
