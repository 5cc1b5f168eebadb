/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xenstore through libxenstore: bounded reads, batches in one transaction, watches delivered by the
 * event loop. Paths are full paths (core/paths.h builds them).
 * Used by xhsd, with two of them, and by writer.c; tests/fake/fake_store.c has the same functions in memory.
 */
#ifndef XHS_XEN_STORE_H
#define XHS_XEN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "xen/evloop.h"

#define STORE_VALUE_MAX 4096 /* XENSTORE_PAYLOAD_MAX: no value is longer */

struct store;

/* path: the key that changed (or something above it); token: as given to store_watch. */
typedef void store_watch_fn(void *arg, const char *path, const char *token);

/* fn: NULL when there will be no watches. */
int store_open(struct store **out, struct evloop *loop, store_watch_fn *fn, void *arg,
               struct xhs_error *err);
void store_close(struct store *s); /* NULL is fine */

/* At most this many watch events are delivered in one round of the loop, so that a storm on one
 * connection cannot keep the loop from the others. */
#define STORE_EVENTS_PER_ROUND 64

/* Value into buf, always NUL-terminated, at most size-1 bytes. Returns its full length (>= size
 * means: cut off), or -1 with err NOENT when there is no such key, XEN for anything else. */
long store_read(struct store *s, const char *path, char *buf, size_t size, struct xhs_error *err);

/* Names below path. Free with store_free_list. NULL with NOENT or XEN; *n = 0 for an empty one. */
char **store_list(struct store *s, const char *path, unsigned *n, struct xhs_error *err);
void store_free_list(char **names);

int store_write(struct store *s, const char *path, const char *value, struct xhs_error *err);
int store_remove(struct store *s, const char *path, struct xhs_error *err); /* absent: 0 */

/*
 * Many changes as one: in order, all or nothing, in one transaction retried on conflict (at most
 * 20 times, then AGAIN). A NULL value removes the path (absent is fine).
 */
struct store_change {
    const char *path;
    const char *value;
};
int store_apply(struct store *s, const struct store_change *change, size_t n,
                struct xhs_error *err);

/* Only these, and what lies below, fire. The first event comes at once, as xenstore does. */
int store_watch(struct store *s, const char *path, const char *token, struct xhs_error *err);
void store_unwatch(struct store *s, const char *path, const char *token);

/* True when xenstored answers: it dying shows on no fd. */
bool store_alive(struct store *s);

#endif
