/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a pair's file to a pair: read it, have xl parse the members, check all of it against the
 * host, and only then make anything. Used by control.c.
 */
#ifndef XHS_XHSD_CREATE_H
#define XHS_XHSD_CREATE_H

#include <stdbool.h>

#include "core/error.h"

struct host;
struct runner;
struct create;

#define CREATE_PLAN_LINES 8

/* name: the pair's. r: the pair, now forming; NULL for a dry run or an error. plan: lines for
 * people, n of them. */
typedef void create_fn(void *arg, const char *name, struct runner *r, const char *const *plan,
                       unsigned n, const struct xhs_error *err);

/* file: absolute path. fn may run before this returns. */
struct create *create_begin(struct host *h, const char *file, bool dry_run, create_fn *fn,
                            void *arg);

/* Nobody waits for the answer any more; the pair is made all the same. */
void create_abandon(struct create *c);

#endif
