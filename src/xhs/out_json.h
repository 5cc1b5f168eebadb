/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Results as JSON on stdout, for programs. What the members mean: wire/proto.h.
 * Not the protocol's own lines. Used by ask.c and cmd_events.c.
 */
#ifndef XHS_XHS_OUT_JSON_H
#define XHS_XHS_OUT_JSON_H

#include "wire/json.h"

void out_json(const struct jval *v);      /* indented */
void out_json_line(const struct jval *v); /* in one line */

#endif
