/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Bookkeeping of requests: see reqs.h. A small table, searched in line.
 * Not a queue: the order is that of the ids, whatever order xenstore lists them in.
 * Called by libxhsguest.
 */
#include "reqs.h"

#include "core/msg.h"

static unsigned find(const struct reqs *r, uint64_t id)
{
    unsigned i = 0;

    while (i < r->n && r->e[i].id != id)
        i++;
    return i;
}

void reqs_list(struct reqs *r, char *const *names, unsigned n)
{
    for (unsigned i = 0; i < r->n; i++)
        r->e[i].here = false;
    for (unsigned k = 0; k < n; k++) {
        uint64_t id;
        if (!msg_parse_u64(names[k], UINT64_MAX, &id))
            continue;
        unsigned i = find(r, id);
        if (i == REQS_MAX)
            continue;
        if (i == r->n) {
            r->e[i].id = id;
            r->e[i].told = false;
            r->n++;
        }
        r->e[i].here = true;
    }
}

void reqs_mark_told(struct reqs *r, char *const *names, unsigned n)
{
    for (unsigned k = 0; k < n; k++) {
        uint64_t id;
        unsigned i = msg_parse_u64(names[k], UINT64_MAX, &id) ? find(r, id) : r->n;
        if (i < r->n)
            r->e[i].told = true;
    }
}

bool reqs_next_gone(struct reqs *r, uint64_t *id)
{
    for (unsigned i = 0; i < r->n;) {
        if (r->e[i].here) {
            i++;
            continue;
        }
        bool told = r->e[i].told;
        *id = r->e[i].id;
        r->e[i] = r->e[--r->n];
        if (told)
            return true;
    }
    return false;
}

bool reqs_next_new(struct reqs *r, uint64_t *id)
{
    unsigned lowest = REQS_MAX;

    for (unsigned i = 0; i < r->n; i++) {
        if (!r->e[i].told && (lowest == REQS_MAX || r->e[i].id < r->e[lowest].id))
            lowest = i;
    }
    if (lowest == REQS_MAX)
        return false;
    r->e[lowest].told = true;
    *id = r->e[lowest].id;
    return true;
}
