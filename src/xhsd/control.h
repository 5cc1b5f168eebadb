/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket: requests of xhs in, answers and events out (wire/proto.h). Decides nothing
 * about pairs: it asks the host. Used by main.c.
 */
#ifndef XHS_XHSD_CONTROL_H
#define XHS_XHSD_CONTROL_H

#include "core/error.h"

struct control;
struct host;

/* Listens at path; group "" for root only. Sets the host's on_event, on_change and on_gone. */
int control_open(struct control **out, struct host *h, const char *path, const char *group,
                 struct xhs_error *err);
void control_close(struct control *c); /* NULL is fine */

#endif
