/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table against the hypervisor: what a member's domain has and may have, and what the host has
 * free, beside what the tables and the pool say. Nothing is put right here: pair_memory.c and
 * host.c see to that; what stays different is somebody else's doing, or a fault.
 * Used by xhsd: xhs table --audit, and its own audit once a second.
 */
#ifndef XHS_CORE_AUDIT_H
#define XHS_CORE_AUDIT_H

#include "core/pair.h"

#define AUDIT_TEXT 200

enum audit_kind {
    AUDIT_PAGES, /* what the domain has */
    AUDIT_MAX,   /* what it may have: its root can take that much */
    AUDIT_KINDS,
};

/* True: text says, for people, what differs. */
bool audit_member(const struct pair *p, int member, enum audit_kind kind, char text[AUDIT_TEXT]);

/* free_kb: the hypervisor's; claimed_kb: of that, for others than members, as the reserve. What is
 * left must do for the pool's unused memory, and for missing_kb, what members have not got yet. */
bool audit_host(const struct pool *pool, uint64_t free_kb, uint64_t claimed_kb,
                uint64_t missing_kb, char text[AUDIT_TEXT]);

/* What this pair's domains have not got yet of what they own. */
uint64_t audit_missing_kb(const struct pair *p);

#endif
