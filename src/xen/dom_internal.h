/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What dom.c, dom_parse.c and dom_life.c share. Not for anyone else: it shows libxl's types.
 */
#ifndef XHS_XEN_DOM_INTERNAL_H
#define XHS_XEN_DOM_INTERNAL_H

#define LIBXL_API_VERSION 0x041400
#include <libxl.h>
#include <libxl_event.h>

#include "xen/dom.h"
#include "xen/hyp.h"

struct osevent;
struct dom_death;
struct dom_parse_op;
struct life;

struct dom {
    struct evloop *loop;
    dom_event_fn *fn;
    void *arg;
    libxl_ctx *ctx;
    struct osevent *osevent;
    struct hyp *hyp; /* a handle of its own: to look before it touches */
    struct dom_death *deaths;
    struct dom_parse_op *parses;
    struct threads *threads; /* building domains */
    bool closing;
    struct life *lives; /* each dom_create and dom_destroy whose result is still to come */
    unsigned ops; /* libxl's operations under way, each from its call to its callback */
};

/* "<what>: <the first error line since mark>", or libxl's name for rc when there was none. */
int dom_fail(struct xhs_error *err, int rc, unsigned mark, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Stop watching for the end of a domain. */
void dom_forget(struct dom *d, uint32_t domid);

/* End all parsing, creating and destroying, without calling back. */
void dom_parse_abort(struct dom *d);
void dom_life_abort(struct dom *d);

#endif
