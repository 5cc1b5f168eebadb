/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables and their pool under a million random operations, sensible and senseless ones: what must
 * always hold is checked after each. Not whole pairs: test_pair_random.c drives those.
 * Run by make check; XHS_RANDOM_EVENTS and XHS_SEED set length and start.
 */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pool.h"
#include "core/rmt.h"

#define MIB(n) ((uint64_t)(n) * 1024)
#define PAIRS 5
#define JOBS 20
#define LIFE 4000 /* steps in a world, so that what fails is soon repeated */

/* What is done. Each has to do something now and then, else the walk would show little. */
#define OPS(O)    \
    O(GRANT)      \
    O(SERVE)      \
    O(RELEASE)    \
    O(RETURNED)   \
    O(KEEP)       \
    O(FAULT)      \
    O(ARRIVED)    \
    O(COMMIT)     \
    O(HAVE)       \
    O(RESTORE)    \
    O(RELOAD)     \
    O(PAIR)       \
    O(ASK)        \
    O(UNASK)      \
    O(ALL_SERVED) \
    O(LEND)       \
    O(REQUEST)    \
    O(RESIZE)

enum op {
#define O(id) OP_##id,
    OPS(O)
#undef O
    OP_COUNT,
};

static const char *const op_words[] = {
#define O(id) [OP_##id] = #id,
    OPS(O)
#undef O
};

struct world {
    struct rmt table[PAIRS];
    bool there[PAIRS];
    struct pool pool;
};

static struct world w, was;
static unsigned long long seed;
static unsigned long step;
static enum op op;
static uint64_t rnd;
static unsigned long done[OP_COUNT], refused[OP_COUNT];

#define must(cond, ...)                 \
    do {                                \
        if (!(cond))                    \
            broken(#cond, __VA_ARGS__); \
    } while (0)

static void broken(const char *what, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void broken(const char *what, const char *fmt, ...)
{
    char text[200];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    ck_abort_msg("XHS_SEED=%llu, step %lu, %s: not %s: %s", seed, step, op_words[op], what, text);
}

/* ---- chance ---- */

/* xorshift64: the same walk on every machine. */
static uint64_t random_next(void)
{
    rnd ^= rnd << 13;
    rnd ^= rnd >> 7;
    rnd ^= rnd << 17;
    return rnd;
}

static unsigned dice(unsigned sides)
{
    return (unsigned)(random_next() % sides);
}

/* An amount around this one: mostly less, some exactly so or a little more, some senseless. */
static uint64_t around(uint64_t kb)
{
    switch (dice(16)) {
    case 0:
        return 0;
    case 1:
        return kb;
    case 2:
        return kb + 1;
    case 3:
        return UINT64_MAX - dice(3);
    case 4:
        return random_next();
    default:
        return kb ? random_next() % kb : dice(3);
    }
}

static void any_key(char key[RMT_KEY_MAX + 1])
{
    static const char *const of[] = { "", "@a", "@b" };

    snprintf(key, RMT_KEY_MAX + 1, "j%u%s", dice(JOBS), of[dice(3)]);
}

/* A job's that has an area, if chance wills. */
static void likely_key(const struct rmt *t, char key[RMT_KEY_MAX + 1])
{
    const struct area *a = &t->area[dice(t->n)];

    if (strncmp(a->name, "job-", 4) == 0)
        snprintf(key, RMT_KEY_MAX + 1, "%s", a->name + 4);
    else
        any_key(key);
}

static void pair_name(unsigned i, char name[MSG_NAME_MAX + 1])
{
    snprintf(name, MSG_NAME_MAX + 1, "p%u", i);
}

/* One that is there; PAIRS when none is. */
static unsigned any_pair(void)
{
    unsigned i = dice(PAIRS), tries = PAIRS;

    while (tries > 0 && !w.there[i]) {
        i = (i + 1) % PAIRS;
        tries--;
    }
    return tries ? i : PAIRS;
}

/* ---- what always holds ---- */

static void check_book(void)
{
    const struct pool *p = &w.pool;
    uint64_t sum = 0;

    for (unsigned i = 0; i < PAIRS; i++) {
        must(!w.there[i] || rmt_sound(&w.table[i]), "pair %u", i);
        if (w.there[i])
            sum += rmt_total_kb(&w.table[i]);
    }
    must(sum == p->members_kb, "%llu KiB, the book has %llu", (unsigned long long)sum,
         (unsigned long long)p->members_kb);
    must(p->members_kb <= p->pool_kb && p->reserve_kb <= p->pool_kb - p->members_kb,
         "%llu and %llu of %llu", (unsigned long long)p->members_kb,
         (unsigned long long)p->reserve_kb, (unsigned long long)p->pool_kb);
    must(p->lent_kb <= p->reserve_kb, "%llu lent", (unsigned long long)p->lent_kb);
}

static void check_queue(void)
{
    const struct pool *p = &w.pool;

    must(p->asks <= POOL_ASKS_MAX, "%u ask", p->asks);
    for (unsigned i = 1; i < p->asks; i++) {
        const struct pool_ask *x = &p->ask[i - 1], *y = &p->ask[i];
        must(x->priority > y->priority || (x->priority == y->priority && x->seq < y->seq),
             "%s/%s before %s/%s", x->pair, x->job, y->pair, y->job);
    }
}

/* All turns together: each from its minimum to what it wants, and no more than is unused. */
static void check_turns(void)
{
    const struct pool *p = &w.pool;
    uint64_t sum = 0;

    for (unsigned i = 0; i < p->asks; i++) {
        const struct pool_ask *a = &p->ask[i];
        uint64_t kb;

        if (!pool_allot(p, a->pair, a->job, &kb))
            continue;
        must(kb >= a->min_kb && kb <= a->want_kb, "%s/%s gets %llu", a->pair, a->job,
             (unsigned long long)kb);
        sum += kb;
    }
    must(sum <= pool_unused_kb(p), "%llu KiB allotted", (unsigned long long)sum);
}

/* Only what this owner had may have changed, and what is on its way back from that member. */
static void check_others(unsigned pair, int owner, int back)
{
    char back_name[] = { 'b', 'a', 'c', 'k', '-', (char)('a' + back), '\0' };

    for (unsigned i = 0; i < PAIRS; i++)
        must(i == pair || memcmp(&w.table[i], &was.table[i], sizeof w.table[i]) == 0, "pair %u", i);
    if (pair == PAIRS)
        return;
    for (unsigned i = 0; i < was.table[pair].n; i++) {
        const struct area *x = &was.table[pair].area[i];
        const struct area *y = rmt_find(&w.table[pair], x->name);
        if ((int)x->owner != owner && (back == MEMBER_NONE || strcmp(x->name, back_name) != 0))
            must(y && memcmp(x, y, sizeof *x) == 0, "%s of %s", x->name, rmt_owner_word(x->owner));
    }
}

static void check_total(unsigned pair)
{
    must(rmt_total_kb(&w.table[pair]) == rmt_total_kb(&was.table[pair]), "pair %u", pair);
}

/* rc of an operation. One that failed has a reason, and changed nothing. */
static bool worked(int rc, const struct xhs_error *err)
{
    if (rc == 0)
        return true;
    must(err->code != XHS_E_NONE && err->text[0], "code %d", err->code);
    must(memcmp(&w, &was, sizeof w) == 0, "%s", err->text);
    return false;
}

/* ---- the table's operations ---- */

/* The pool's share of an area was taken before; the area may be refused. */
static bool grant(unsigned pair, const char *key, uint64_t own, uint64_t more, int member, bool hot)
{
    struct xhs_error err = { 0 };
    struct rmt *t = &w.table[pair], before = *t;

    if (rmt_grant(t, key, own + more, own, member, hot, &err) != 0) {
        must(err.code != XHS_E_NONE && err.text[0], "code %d", err.code);
        must(memcmp(t, &before, sizeof before) == 0, "%s", err.text);
        pool_give(&w.pool, more);
        check_others(pair, -1, MEMBER_NONE);
        return false;
    }
    const struct area *a = rmt_find_job(t, key);
    must(a && a->size_kb == own + more && a->granted_kb == more, "%s", key);
    must(a->owner == (enum owner)member && a->have_kb <= own, "%s", key);
    must(a->on_fault == (hot ? (enum owner)(1 - member) : OWNER_MONITOR), "%s", key);
    check_others(pair, member, MEMBER_NONE);
    return true;
}

static bool do_grant(unsigned pair)
{
    struct xhs_error err = { 0 };
    int member = (int)dice(MEMBERS);
    uint64_t own = around(rmt_spare_kb(&w.table[pair], member));
    uint64_t more = dice(3) ? around(pool_unused_kb(&w.pool) / 4) : 0;
    char key[RMT_KEY_MAX + 1];

    any_key(key);
    if (!worked(pool_take(&w.pool, more, &err), &err))
        return false;
    return grant(pair, key, own, more, member, dice(2));
}

/* One who asks, when its turn has come, gets a part of what is unused. */
static bool do_serve(unsigned pair)
{
    const struct pool_ask *ask;
    struct pool_ask a;
    uint64_t kb;

    (void)pair;
    if (w.pool.asks == 0)
        return false;
    ask = &w.pool.ask[dice(w.pool.asks)];
    a = *ask;
    pair = (unsigned)(a.pair[1] - '0');
    must(w.there[pair], "pair %u asks", pair);
    if (!pool_allot(&w.pool, a.pair, a.job, &kb))
        return false;
    must(pool_take(&w.pool, kb, NULL) == 0, "%llu KiB", (unsigned long long)kb);
    pool_unask(&w.pool, a.pair, a.job);
    return grant(pair, a.job, 0, kb, (int)dice(MEMBERS), dice(2));
}

static bool do_release(unsigned pair)
{
    struct rmt *t = &w.table[pair];
    struct xhs_error err = { 0 };
    const struct area *a; /* as it was */
    char key[RMT_KEY_MAX + 1];
    uint64_t returning;

    likely_key(t, key);
    a = rmt_find_job(&was.table[pair], key);
    if (!worked(rmt_release(t, key, &err), &err)) {
        must(!a ? err.code == XHS_E_NOENT : err.code == XHS_E_STATE && a->owner == OWNER_TRANSIT,
             "%s", err.text);
        return false;
    }
    must(a && !rmt_find_job(t, key), "%s", key);
    returning = rmt_returning_kb(&was.table[pair], (int)a->owner);
    must(rmt_returning_kb(t, (int)a->owner) == returning + a->granted_kb, "%s", key);
    check_others(pair, (int)a->owner, (int)a->owner);
    check_total(pair);
    return true;
}

static bool do_returned(unsigned pair)
{
    int member = (int)dice(MEMBERS);
    uint64_t owes = rmt_returning_kb(&w.table[pair], member);
    uint64_t held = dice(2) ? 0 : around(owes);
    uint64_t kb = rmt_returned(&w.table[pair], member, held);

    must(kb == (held ? 0 : owes), "%llu of %llu", (unsigned long long)kb,
         (unsigned long long)owes);
    must(rmt_returning_kb(&w.table[pair], member) == owes - kb, "%llu held",
         (unsigned long long)held);
    pool_give(&w.pool, kb);
    check_others(pair, -1, member);
    return kb > 0;
}

static bool do_keep(unsigned pair)
{
    int member = (int)dice(MEMBERS);
    const struct area *s = rmt_find(&w.table[pair], "surplus");

    rmt_keep(&w.table[pair], member, around(s ? s->size_kb : MIB(100)));
    check_others(pair, member, MEMBER_NONE);
    check_total(pair);
    return true;
}

static bool do_fault(unsigned pair)
{
    int victim = (int)dice(MEMBERS);
    struct rmt *t = &w.table[pair];

    rmt_fault(t, victim);
    check_others(pair, victim, victim);
    check_total(pair);
    for (unsigned i = 0; i < t->n; i++) {
        const struct area *a = &t->area[i];
        if (a->owner == (enum owner)victim)
            must(a->have_kb == 0 && a->on_fault == (enum owner)victim, "%s", a->name);
    }
    return true;
}

static bool do_arrived(unsigned pair)
{
    rmt_arrived(&w.table[pair], around(rmt_owned_kb(&w.table[pair], OWNER_TRANSIT)));
    check_others(pair, OWNER_TRANSIT, MEMBER_NONE);
    check_total(pair);
    return true;
}

static bool do_commit(unsigned pair)
{
    bool jobs_only = dice(2);

    rmt_commit(&w.table[pair], (int)dice(MEMBERS), jobs_only);
    check_others(pair, OWNER_TRANSIT, MEMBER_NONE);
    check_total(pair);
    must(jobs_only || rmt_owned_kb(&w.table[pair], OWNER_TRANSIT) == 0, "pair %u", pair);
    return true;
}

static bool do_have(unsigned pair)
{
    int member = (int)dice(MEMBERS);

    rmt_have(&w.table[pair], member, around(rmt_owned_kb(&w.table[pair], (enum owner)member)));
    check_others(pair, member, MEMBER_NONE);
    check_total(pair);
    return true;
}

/* An area that is there, once more. */
static bool do_restore(unsigned pair)
{
    struct rmt *t = &w.table[pair];
    struct area a = t->area[dice(t->n)];
    struct xhs_error err = { 0 };

    a.size_kb = around(a.size_kb);
    must(!worked(rmt_restore(t, &a, &err), &err), "%s", a.name);
    must(err.code == (t->n == RMT_AREAS_MAX ? XHS_E_STATE : XHS_E_EXISTS), "%s", err.text);
    return false;
}

/* The whole table from its areas, as a restarted daemon reads them: in any order. */
static bool do_reload(unsigned pair)
{
    struct rmt *t = &w.table[pair];
    const struct rmt *stored = &was.table[pair];
    unsigned first = dice(stored->n);

    t->n = 0;
    for (unsigned i = 0; i < stored->n; i++) {
        const struct area *a = &stored->area[(first + i) % stored->n];
        must(rmt_restore(t, a, NULL) == 0, "%s", a->name);
    }
    check_others(pair, -1, MEMBER_NONE);
    return true;
}

/* ---- pairs, and the pool's operations ---- */

/* A pair goes, or comes. */
static bool do_pair(unsigned pair)
{
    struct xhs_error err = { 0 };
    struct pair_config pc;
    char name[MSG_NAME_MAX + 1];

    pair = dice(PAIRS);
    pair_name(pair, name);
    if (w.there[pair]) {
        if (dice(8)) /* they shall live for a while */
            return false;
        pool_unask(&w.pool, name, NULL);
        pool_give(&w.pool, rmt_total_kb(&w.table[pair]));
        w.there[pair] = false;
        return true;
    }
    memset(&pc, 0, sizeof pc);
    pc.standby_memory_kb = MIB(32 + dice(200)) + 4 * dice(256);
    pc.memory_kb = pc.standby_memory_kb + (dice(8) ? MIB(dice(2000)) : 0);
    pc.surplus = dice(3) ? SURPLUS_FOLLOW : SURPLUS_STAY;
    if (!worked(pool_take(&w.pool, pc.memory_kb + pc.standby_memory_kb, &err), &err))
        return false;
    memset(&w.table[pair], 0, sizeof w.table[pair]);
    rmt_init(&w.table[pair], &pc);
    w.there[pair] = true;
    return true;
}

static bool do_ask(unsigned pair)
{
    struct xhs_error err = { 0 };
    struct pool_ask a = { .priority = dice(4), .seq = random_next(), .until_ns = INT64_MAX };
    unsigned place = 0;

    pair_name(pair, a.pair);
    any_key(a.job);
    a.min_kb = around(pool_unused_kb(&w.pool) / 4);
    a.want_kb = a.min_kb > UINT64_MAX - MIB(64) ? UINT64_MAX : a.min_kb + MIB(dice(64));
    while (place < w.pool.asks && (strcmp(w.pool.ask[place].pair, a.pair) != 0 ||
                                   strcmp(w.pool.ask[place].job, a.job) != 0))
        place++;
    if (!worked(pool_ask(&w.pool, &a, &err), &err)) {
        must(err.code == XHS_E_STATE && place == POOL_ASKS_MAX, "%s", err.text);
        return false;
    }
    must(w.pool.asks == was.pool.asks + (place == was.pool.asks), "%u ask", w.pool.asks);
    return true;
}

static bool do_unask(unsigned pair)
{
    char name[MSG_NAME_MAX + 1], job[RMT_KEY_MAX + 1];
    bool all = dice(16) == 0;

    pair_name(pair, name);
    any_key(job);
    pool_unask(&w.pool, name, all ? NULL : job);
    for (unsigned i = 0; i < w.pool.asks; i++)
        must(strcmp(w.pool.ask[i].pair, name) != 0 || (!all && strcmp(w.pool.ask[i].job, job) != 0),
             "%s/%s", name, job);
    return w.pool.asks < was.pool.asks;
}

/* Everybody whose turn it is takes what it gets, in any order: it is what it would get first. */
static bool do_all_served(unsigned pair)
{
    unsigned left = w.pool.asks;
    uint64_t sum = 0, kb, at_first;

    (void)pair;
    if (dice(32)) /* the queue shall fill */
        return false;
    for (unsigned i = dice(POOL_ASKS_MAX); left > 0; left--, i += 7) { /* 7: a stride through it */
        const struct pool_ask *a = &was.pool.ask[i % was.pool.asks];
        bool first = pool_allot(&was.pool, a->pair, a->job, &at_first);
        if (pool_allot(&w.pool, a->pair, a->job, &kb)) {
            must(first && kb == at_first, "%s/%s gets %llu", a->pair, a->job,
                 (unsigned long long)kb);
            must(pool_take(&w.pool, kb, NULL) == 0, "%s/%s", a->pair, a->job);
            pool_unask(&w.pool, a->pair, a->job);
            sum += kb;
        }
    }
    pool_give(&w.pool, sum); /* nobody has an area for it here */
    return w.pool.asks < was.pool.asks;
}

static bool do_lend(unsigned pair)
{
    uint64_t there = w.pool.reserve_kb - w.pool.lent_kb, kb = around(there), got;

    (void)pair;
    if (dice(2)) {
        pool_repay(&w.pool, around(w.pool.lent_kb));
        return true;
    }
    got = pool_lend(&w.pool, kb);
    must(got == (kb < there ? kb : there), "%llu KiB", (unsigned long long)got);
    must(pool_unused_kb(&w.pool) == pool_unused_kb(&was.pool), "%llu lent",
         (unsigned long long)got);
    return true;
}

static bool do_request(unsigned pair)
{
    (void)pair;
    must(pool_request(&w.pool) == was.pool.next_request, "not the next");
    must(w.pool.next_request == was.pool.next_request + 1, "not used up");
    return true;
}

/* Sizes that a configuration may have: to 16 TiB. */
static bool do_resize(unsigned pair)
{
    struct xhs_error err = { 0 };
    uint64_t limit = UINT64_C(16) << 30, pool = around(MIB(12000)), reserve = around(MIB(300));

    (void)pair;
    if (pool > limit)
        pool = limit;
    if (reserve > limit)
        reserve = limit;
    return worked(pool_resize(&w.pool, pool, reserve, &err), &err);
}

static bool (*const run[])(unsigned pair) = {
    [OP_GRANT] = do_grant,       [OP_SERVE] = do_serve,     [OP_RELEASE] = do_release,
    [OP_RETURNED] = do_returned, [OP_KEEP] = do_keep,       [OP_FAULT] = do_fault,
    [OP_ARRIVED] = do_arrived,   [OP_COMMIT] = do_commit,   [OP_HAVE] = do_have,
    [OP_RESTORE] = do_restore,   [OP_RELOAD] = do_reload,   [OP_PAIR] = do_pair,
    [OP_ASK] = do_ask,           [OP_UNASK] = do_unask,     [OP_ALL_SERVED] = do_all_served,
    [OP_LEND] = do_lend,         [OP_REQUEST] = do_request, [OP_RESIZE] = do_resize,
};

/* Grants and requests most often, so that tables and queue fill; faults not so often that nothing
 * is ever at rest. */
static enum op any_op(void)
{
    static const enum op often[] = {
        OP_GRANT, OP_GRANT, OP_GRANT, OP_ASK, OP_ASK, OP_RELEASE, OP_RELEASE, OP_SERVE, OP_COMMIT,
    };
    unsigned i = dice(2 * OP_COUNT);

    if (i < OP_COUNT && i != OP_FAULT)
        return (enum op)i;
    if (dice(20) == 0)
        return OP_FAULT;
    return often[dice(sizeof often / sizeof often[0])];
}

static void new_world(void)
{
    memset(&w, 0, sizeof w);
    rnd = UINT64_C(0x9e3779b97f4a7c15) * (seed + 1);
    w.pool = (struct pool){ .pool_kb = MIB(12000), .reserve_kb = MIB(300) };
}

static unsigned long number(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);

    return text && *text ? strtoul(text, NULL, 10) : otherwise;
}

static void take_step(void)
{
    unsigned pair = any_pair();

    op = pair == PAIRS ? OP_PAIR : any_op();
    memcpy(&was, &w, sizeof w);
    if (run[op](pair))
        done[op]++;
    else
        refused[op]++;
    check_book();
    check_queue();
    if (step % 64 == 0)
        check_turns();
}

START_TEST(survives)
{
    unsigned long events = number("XHS_RANDOM_EVENTS", 1000000), all = 0;

    for (seed = number("XHS_SEED", 1); all < events; seed++) {
        new_world();
        for (step = 0; step < LIFE && all < events; step++, all++)
            take_step();
    }
    printf("%lu operations, those that did something / refused or void:\n", all);
    for (unsigned i = 0; i < OP_COUNT; i++) {
        printf("  %-10s %7lu / %lu\n", op_words[i], done[i], refused[i]);
        ck_assert_msg(events < 100000 || i == OP_RESTORE || done[i] > events / 2000,
                      "%s hardly ever did anything", op_words[i]);
    }
    fflush(stdout);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rmt, random");
    TCase *t = tcase_create("random");

    tcase_set_timeout(t, 3600);
    tcase_add_test(t, survives);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
