/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One connection to xhsd: a request goes out, JSON lines come in. See wire/proto.h.
 * Not what the answers mean to a person: the commands print them.
 * Used by ask.c and cmd_events.c.
 */
#ifndef XHS_XHS_CLIENT_H
#define XHS_XHS_CLIENT_H

#include <stdio.h>

#include "xhs/cli.h"

struct client {
    const struct cli *cli;
    int fd;
    FILE *in;
    char *line;
    size_t size;
};

/* Connect to cli->socket. client_close in any case; twice is fine. */
int client_open(struct client *c, const struct cli *cli, struct xhs_error *err);
void client_close(struct client *c);

/* Close the request's object and send it; req is not freed. */
int client_send(struct client *c, struct jout *req, struct xhs_error *err);

/* The next line, for json_free. NULL and *err when there is none or it is no JSON. */
struct jval *client_receive(struct client *c, struct xhs_error *err);

/*
 * The answer to the request, for json_free: its "result" is what was asked for. Progress is shown
 * on stderr meanwhile. NULL and *err when xhsd refuses; *err is xhsd's own then.
 */
struct jval *client_answer(struct client *c, struct xhs_error *err);

#endif
