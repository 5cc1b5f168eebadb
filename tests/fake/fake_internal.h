/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fakes share: the simulated host's domains and how they change with time.
 * Not for tests: fake.h.
 */
#ifndef XHS_FAKE_INTERNAL_H
#define XHS_FAKE_INTERNAL_H

#include "fake.h"

#define HOLD_KB 8 /* what a held body keeps: 2 pages */

/* A domain, as the hypervisor sees it, and its guest's OS. */
struct sim {
    uint32_t domid;
    uint8_t uuid[16];
    char name[128];
    uint64_t tot_kb, max_kb, outstanding_kb;
    unsigned pauses; /* the toolstack's pause count */
    bool shutdown;
    int reason;
    bool killed;     /* being destroyed: loses its memory, bit by bit */
    bool dead;       /* has lost it: what Xen shows as dying */
    unsigned holds;  /* mappings of its pages: as a dead body it stays listed until they are gone */
    bool introduced; /* xenstored knows it, and fires @releaseDomain for it */

    uint64_t stuck_kb; /* with so much left its destroy hangs; 0: it does not */

    bool booted, hung, refuse, greedy, deaf;
    uint64_t rate_kb, floor_kb;
    uint64_t own_kb;   /* a deaf balloon's target, by its own root; 0: none */
    uint64_t goal_kb; /* the balloon's, when it looked last */
    int64_t retry_at;
    int backoff_s;
    int64_t born;
    struct evloop_timer *boot, *let_go;
    struct sim *next; /* ascending domids */
};

struct sim_host {
    struct evloop *loop;
    uint64_t total_kb;
    struct sim *sims;
    uint32_t rover;
    struct evloop_timer *tick;
    bool ticking;
    int64_t ticked;
    fake_boot_fn *boot_fn;
    void *boot_arg;
    struct sim *thief; /* takes what is unclaimed, up to its max_kb; NULL: nobody does */
};
extern struct sim_host host;

/* fake_host.c */
void *fake_alloc(size_t size);
struct sim *sim_find(uint32_t domid);
struct sim *sim_by_uuid(const uint8_t uuid[16]); /* not one that is dead */
/* domid 0: the next free one. NULL when it is taken. */
struct sim *sim_new(uint32_t domid, const uint8_t uuid[16]);
uint64_t host_free_kb(void);
uint64_t host_unclaimed_kb(void);
bool sim_runs(const struct sim *s);
/* XENMEM_claim_pages: 0, EINVAL or ENOMEM. */
int sim_claim(struct sim *s, uint64_t total_kb);
/* Memory that the domain gains, as far as max_pages, claims and the host allow. */
uint64_t sim_grow(struct sim *s, uint64_t want_kb);
void sim_shutdown(struct sim *s, int reason);
/* Start the hypervisor's destroy; it goes on by the tick until s->dead, or s is gone. */
void sim_kill(struct sim *s);
/* All of it, now. */
void sim_kill_now(struct sim *s);
void sim_release(struct sim *s); /* one hold less; a dead body without holds goes */
void sim_unpause(struct sim *s);
void host_wake(void); /* something may be able to move again */
void host_rob(void);  /* the thief's turn, if there is one */

/* fake_fail.c: is this call to fail? Counts it. */
bool fake_failing(enum fake_call call, struct xhs_error *err);
void fake_failures_reset(void);

/* fake_tree.c: changes never fail, and fire watches */
char *tree_strdup(const char *s);
bool tree_below(const char *dir, const char *path); /* or the same */
void tree_write(const char *path, const char *value, uint32_t owner);
void tree_remove(const char *path);
const char *tree_value(const char *path); /* NULL: none */
char **tree_children(const char *path, unsigned *n);
unsigned tree_owned(uint32_t owner);
void tree_fire(const char *path); /* as for a change; "@releaseDomain" too */
void tree_free(void);

/* fake_store.c: queue an event of path for those who watch it, or (exact) it alone */
void stores_fire(const char *path, bool exact);

/* fake_guest.c */
void guest_boots(struct sim *s);
void guest_resumes(uint32_t domid); /* deliver what came while it stood still */
void guest_ends(uint32_t domid);
void guest_tree_changed(const char *path);
void guest_free_all(void);

/* fake_dom.c, fake_dom_parse.c */
void dom_sim_changed(uint32_t domid); /* it shut down, or died */
void dom_fake_parse_abort(struct dom *d);

/* fake_keys.c */
void fake_uuid_text(char buf[37], const uint8_t uuid[16]);
void dom_write_keys(const struct sim *s, uint64_t target_kb, uint64_t static_max_kb);
void dom_remove_keys(uint32_t domid, const uint8_t uuid[16]);

#endif
