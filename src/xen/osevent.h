/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libxl's descriptors and timeouts on the event loop (libxl_osevent_hooks). Nothing of domains.
 * Used by dom.c alone.
 */
#ifndef XHS_XEN_OSEVENT_H
#define XHS_XEN_OSEVENT_H

#include "xen/evloop.h"

struct libxl__ctx;
struct osevent;

/* To be called once, right after libxl_ctx_alloc. Ends the process when memory runs out. */
struct osevent *osevent_new(struct evloop *loop, struct libxl__ctx *ctx);

/* After libxl_ctx_free, or when ctx is left as it is: libxl is not called again. NULL is fine. */
void osevent_free(struct osevent *o);

#endif
