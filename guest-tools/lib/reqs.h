/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of dom0's requests stand, and which of them the caller has heard of. No I/O.
 * Not the requests' contents: those are read when their turn comes.
 * Called by libxhsguest.
 */
#ifndef XHSG_REQS_H
#define XHSG_REQS_H

#include <stdbool.h>
#include <stdint.h>

#define REQS_MAX 64

struct reqs {
    unsigned n;
    struct {
        uint64_t id;
        bool here; /* was there in the last listing */
        bool told; /* reqs_next_new has returned it */
    } e[REQS_MAX];
};

/* A new listing of xhs/req. A name that is no id is ignored; so is one more than REQS_MAX, until
 * there is room in a later listing. */
void reqs_list(struct reqs *r, char *const *names, unsigned n);

/* These were told, by an earlier process: of those that are listed, only the end is left to tell. */
void reqs_mark_told(struct reqs *r, char *const *names, unsigned n);

/* Take out a request that is not listed any more; false when there is none. One that was never
 * told goes without a word. */
bool reqs_next_gone(struct reqs *r, uint64_t *id);

/* The lowest id not told yet, told from now on; false when there is none. */
bool reqs_next_new(struct reqs *r, uint64_t *id);

#endif
