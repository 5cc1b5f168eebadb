/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection of the control socket: whole lines in, bytes out, nothing ever blocks. A client
 * that sends too long a line, or does not read what it is sent, is dropped. Used by control.c.
 */
#ifndef XHS_XHSD_CONN_H
#define XHS_XHSD_CONN_H

#include <stddef.h>

#include "xen/evloop.h"

#define CONN_UNREAD_MAX (1024 * 1024) /* bytes kept for a client that reads slowly */

struct conn;

typedef void conn_line_fn(void *arg, const char *line, size_t len);
/* The connection is over, and freed when this returns. */
typedef void conn_closed_fn(void *arg);

/* fd: non-blocking; closed with the connection. */
struct conn *conn_new(struct evloop *loop, int fd, conn_line_fn *line, conn_closed_fn *closed,
                      void *arg);

/* Sends text and a newline. Errors show later, as closed: conn is valid until then. */
void conn_send(struct conn *c, const char *text, size_t len);

/* Calls closed. */
void conn_close(struct conn *c);

#endif
