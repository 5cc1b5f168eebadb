/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One guest's side of the protocol, as dom0 sees it: writes the keys it may read, reads what it
 * wrote through core/msg.h and nothing else, and keeps a guest that storms from hurting others.
 * Used by pair_run.c.
 */
#ifndef XHS_XHSD_GUEST_H
#define XHS_XHSD_GUEST_H

#include <stdint.h>

#include "core/msg.h"
#include "core/pair.h"
#include "core/paths.h"

struct host;
struct runner;
struct guest;

/* Watch a guest's keys. */
struct guest *guest_new(struct runner *r, int member, uint32_t domid);

/* What is there already, as events: so a restarted daemon knows it before it decides. */
void guest_read(struct guest *g);

void guest_free(struct guest *g); /* NULL is fine */

/* Write what a new domain must find when it boots: format, pair, member, epoch. */
void guest_introduce(struct runner *r, int member, uint32_t domid);
void guest_tell(struct guest *g, enum path_id key, uint64_t value); /* a key of PATH_G_... */

/* A request; a start request comes with its run grant, written first. */
void guest_ask(struct guest *g, uint64_t id, const struct msg_req *req);
void guest_forget(struct guest *g, uint64_t id);
void guest_revoke(struct guest *g, const char *job, uint64_t id);

/* For the watch callback of host->guests: token as given to store_watch. */
void guest_watch_fired(struct host *h, const char *path, const char *token);

#endif
