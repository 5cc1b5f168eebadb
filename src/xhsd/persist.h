/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the daemon: a pair's state in xenstore, in one transaction a change, and its
 * configuration in files below /run/xhs, with checksums in xenstore.
 * Not when to store: pair_run.c does that before it acts. Used by pair_run.c and host.c.
 */
#ifndef XHS_XHSD_PERSIST_H
#define XHS_XHSD_PERSIST_H

#include "core/pair.h"
#include "xen/store.h"
#include "xen/writer.h"

/* What xenstore holds of one pair, so that only what differs is written. */
struct stored;

struct stored *stored_new(void);
void stored_free(struct stored *s);

/* What stands in the store already: a pair as it was loaded. */
void persist_remember(struct stored *s, const struct pair *p);

/* Bring xenstore to what the pair is now. */
int persist_pair(struct store *st, struct stored *s, const struct pair *p, struct xhs_error *err);
/* The same later, but for what a takeover set out to do. 1: fn will be called; 0: nothing differs;
 * -1: it could not be begun. Before the next persist_pair: writer_finish. */
int persist_later(struct writer *w, struct stored *s, const struct pair *p, writer_done_fn *fn,
                  void *arg, struct xhs_error *err);
/* Only what a takeover set out to do: one key, at once. */
int persist_intent(struct store *st, struct stored *s, const struct pair *p, struct xhs_error *err);
int persist_forget(struct store *st, struct stored *s, const char *pair, struct xhs_error *err);

/* Write pair.json, a.json and b.json into dir/PAIR, and their checksums into xenstore. */
int persist_config(struct store *st, const char *dir, const struct pair *p,
                   char *const json[MEMBERS], struct xhs_error *err);
void persist_forget_config(const char *dir, const char *pair);

/*
 * A pair as an earlier daemon left it: configuration from the files, checked against the
 * checksums, the rest from xenstore. json[] is malloc'ed for the caller. *state: what was stored.
 * Error XEN: xenstored did not answer, and who knows what stands there; else the pair is damaged.
 */
int persist_load(struct store *st, const char *dir, const char *pair, struct pair *out,
                 enum pair_state *state, char *json[MEMBERS], struct xhs_error *err);

/* The part of persist_load that reads xenstore; out has been through pair_init. */
int persist_load_state(struct store *st, struct pair *p, enum pair_state *state,
                       struct xhs_error *err);

/* Used by others as well: a number. False when absent or none; err when it could not be read. */
bool persist_read_u64(struct store *st, const char *path, uint64_t *out, struct xhs_error *err);

#endif
