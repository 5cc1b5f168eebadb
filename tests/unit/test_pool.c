/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host's book: taking and giving, lending and repaying, request ids, a new configuration, and
 * who of those who ask for unused memory gets how much.
 * Not the claim that holds the reserve in the hypervisor: that is xhsd's.
 * Run by make check.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/pool.h"

#define MIB(n) ((uint64_t)(n) * 1024)
#define NOTHING UINT64_MAX /* its turn has not come */

static struct pool p, before;
static struct xhs_error err;

/* The design's example: a pair of 160 + 32, 32 in reserve, 32 unused. */
static void start(void)
{
    p = (struct pool){ .pool_kb = MIB(256), .reserve_kb = MIB(32), .next_request = 7 };
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(pool_take(&p, MIB(192), NULL), 0);
}

static void refused_by(int rc, enum xhs_code code, const struct pool *was)
{
    ck_assert_int_eq(rc, -1);
    ck_assert_int_eq(err.code, code);
    ck_assert_uint_gt(strlen(err.text), 0);
    ck_assert_mem_eq(&p, was, sizeof p);
    memset(&err, 0, sizeof err);
}

static void refused(int rc, const struct pool *was)
{
    refused_by(rc, XHS_E_MEMORY, was);
}

START_TEST(adds_up)
{
    ck_assert_uint_eq(p.members_kb, MIB(192));
    ck_assert_uint_eq(pool_unused_kb(&p), MIB(32));
    ck_assert_uint_eq(p.members_kb + p.reserve_kb + pool_unused_kb(&p), p.pool_kb);
    p.pool_kb = MIB(100); /* less than what is held: nothing unused, not a huge number */
    ck_assert_uint_eq(pool_unused_kb(&p), 0);
}
END_TEST

START_TEST(takes_what_is_unused)
{
    ck_assert_int_eq(pool_take(&p, 0, &err), 0);
    ck_assert_int_eq(pool_take(&p, MIB(32), &err), 0);
    ck_assert_uint_eq(pool_unused_kb(&p), 0);
    before = p;
    refused(pool_take(&p, 1, &err), &before);
    refused(pool_take(&p, UINT64_MAX, &err), &before);
    pool_give(&p, MIB(224));
    ck_assert_uint_eq(p.members_kb, 0);
    before = p;
    refused(pool_take(&p, MIB(224) + 1, &err), &before); /* never the reserve */
    ck_assert_int_eq(pool_take(&p, MIB(224), &err), 0);
}
END_TEST

START_TEST(says_how_much_is_missing)
{
    ck_assert_int_eq(pool_take(&p, MIB(48), &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "needs 48 MiB"));
    ck_assert_ptr_nonnull(strstr(err.text, "32 MiB unused"));
}
END_TEST

START_TEST(gives_no_more_than_it_has)
{
    pool_give(&p, MIB(1000));
    ck_assert_uint_eq(p.members_kb, 0);
    ck_assert_uint_eq(pool_unused_kb(&p), MIB(224));
}
END_TEST

START_TEST(lends_what_the_reserve_has)
{
    ck_assert_uint_eq(pool_lend(&p, MIB(20)), MIB(20));
    ck_assert_uint_eq(pool_lend(&p, MIB(20)), MIB(12));
    ck_assert_uint_eq(pool_lend(&p, MIB(20)), 0);
    ck_assert_uint_eq(p.lent_kb, MIB(32));
    ck_assert_uint_eq(pool_unused_kb(&p), MIB(32)); /* a loan is still of the reserve */
    pool_repay(&p, MIB(20));
    ck_assert_uint_eq(pool_lend(&p, MIB(100)), MIB(20));
    pool_repay(&p, MIB(1000));
    ck_assert_uint_eq(p.lent_kb, 0);
}
END_TEST

START_TEST(lends_nothing_without_a_reserve)
{
    p.reserve_kb = 0;
    ck_assert_uint_eq(pool_lend(&p, MIB(1)), 0);
    p.lent_kb = MIB(5); /* lent by an earlier daemon, under a larger reserve */
    ck_assert_uint_eq(pool_lend(&p, MIB(1)), 0);
    ck_assert_uint_eq(p.lent_kb, MIB(5));
}
END_TEST

START_TEST(numbers_requests)
{
    ck_assert_uint_eq(pool_request(&p), 7);
    ck_assert_uint_eq(pool_request(&p), 8);
    pool_take(&p, MIB(1), NULL);
    ck_assert_uint_eq(pool_request(&p), 9);
    ck_assert_uint_eq(p.next_request, 10);
}
END_TEST

START_TEST(resizes)
{
    ck_assert_int_eq(pool_resize(&p, MIB(512), MIB(64), &err), 0);
    ck_assert_uint_eq(pool_unused_kb(&p), MIB(256));
    ck_assert_int_eq(pool_resize(&p, MIB(192), 0, &err), 0); /* the least that still fits */
    ck_assert_uint_eq(pool_unused_kb(&p), 0);
    ck_assert_uint_eq(p.members_kb, MIB(192));
    ck_assert_uint_eq(p.next_request, 7);
}
END_TEST

START_TEST(resize_refuses)
{
    before = p;
    refused(pool_resize(&p, MIB(192), MIB(1), &err), &before);
    refused(pool_resize(&p, MIB(191), 0, &err), &before);
    pool_lend(&p, MIB(20));
    before = p;
    refused(pool_resize(&p, MIB(256), MIB(19), &err), &before);
    ck_assert_int_eq(pool_resize(&p, MIB(256), MIB(20), &err), 0);
}
END_TEST

START_TEST(resize_refuses_what_wraps)
{
    before = p;
    refused(pool_resize(&p, MIB(256), UINT64_MAX, &err), &before);
}
END_TEST

/* ---- those who ask ---- */

static int ask(const char *pair, const char *job, unsigned priority, unsigned min, unsigned want)
{
    struct pool_ask a = { .priority = priority, .seq = 12345, .min_kb = MIB(min),
                          .want_kb = MIB(want), .until_ns = INT64_MAX };

    snprintf(a.pair, sizeof a.pair, "%s", pair);
    snprintf(a.job, sizeof a.job, "%s", job);
    return pool_ask(&p, &a, &err);
}

static void asks(const char *pair, const char *job, unsigned priority, unsigned min,
                 unsigned want)
{
    ck_assert_msg(ask(pair, job, priority, min, want) == 0, "%s", err.text);
}

/* In KiB; NOTHING when it is not its turn. */
static uint64_t turn(const char *pair, const char *job)
{
    uint64_t kb = NOTHING;

    return pool_allot(&p, pair, job, &kb) ? kb : NOTHING;
}

static void gets(const char *pair, const char *job, unsigned mib)
{
    ck_assert_uint_eq(turn(pair, job), MIB(mib));
}

static void waits(const char *pair, const char *job)
{
    ck_assert_uint_eq(turn(pair, job), NOTHING);
}

/* The queue, as pair/job words in the order in which they are served. */
static void queue_is(const char *order)
{
    char text[400] = "";

    for (unsigned i = 0; i < p.asks; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s/%s", i ? " " : "",
                 p.ask[i].pair, p.ask[i].job);
    ck_assert_str_eq(text, order);
}

START_TEST(one_who_asks_gets_it)
{
    waits("shop", "web"); /* it has not asked */
    asks("shop", "web", 0, 10, 20);
    gets("shop", "web", 20);
    waits("shop", "we");
    waits("shop", "web@a");
    waits("mail", "web");
    asks("shop", "web", 0, 10, 1000);
    gets("shop", "web", 32); /* what there is, and never the reserve */
    asks("shop", "web", 0, 32, 32);
    gets("shop", "web", 32);
    asks("shop", "web", 0, 33, 1000);
    waits("shop", "web");
    ck_assert_uint_eq(p.members_kb, MIB(192)); /* asking takes nothing */
}
END_TEST

START_TEST(a_minimum_of_nothing_is_always_there)
{
    pool_take(&p, MIB(32), NULL);
    asks("shop", "web", 0, 0, 20);
    gets("shop", "web", 0);
    pool_give(&p, MIB(5));
    gets("shop", "web", 5);
}
END_TEST

/* Senseless figures, as they must not cost the others: never more than it asked for. */
START_TEST(nobody_gets_more_than_it_asks_for)
{
    if (ask("shop", "web", 0, 10, 5) == 0)
        ck_assert(turn("shop", "web") == NOTHING || turn("shop", "web") <= MIB(10));
}
END_TEST

START_TEST(higher_priority_first)
{
    asks("a", "low", 1, 10, 40);
    asks("b", "high", 1000, 10, 20);
    asks("c", "middle", 5, 10, 12);
    queue_is("b/high c/middle a/low");
    gets("b", "high", 20); /* all it wants, before the others' minimum */
    gets("c", "middle", 12);
    waits("a", "low");
    pool_unask(&p, "b", "high");
    gets("c", "middle", 12);
    gets("a", "low", 20);
}
END_TEST

START_TEST(everybodys_minimum_before_anybodys_more)
{
    asks("a", "one", 5, 8, 100);
    asks("b", "two", 5, 8, 100);
    asks("c", "three", 5, 8, 100);
    asks("d", "below", 4, 1, 100);
    gets("a", "one", 8 + 8); /* then first come */
    gets("b", "two", 8);
    gets("c", "three", 8);
    waits("d", "below");
    asks("a", "one", 5, 8, 10);
    gets("a", "one", 10);
    gets("b", "two", 14);
    gets("c", "three", 8);
    asks("b", "two", 5, 8, 8);
    gets("c", "three", 14);
    asks("c", "three", 5, 8, 9);
    gets("d", "below", 5);
}
END_TEST

START_TEST(first_come_first_served)
{
    asks("a", "one", 5, 20, 20);
    asks("b", "two", 5, 20, 20);
    gets("a", "one", 20);
    waits("b", "two");
    pool_unask(&p, "a", "one");
    gets("b", "two", 20);
    asks("a", "one", 5, 20, 20); /* left, and came again: behind */
    gets("b", "two", 20);
    waits("a", "one");
}
END_TEST

/* Memory that nobody can use yet is not held back. */
START_TEST(passes_over_whose_minimum_is_not_there)
{
    asks("a", "large", 9, 33, 100);
    asks("b", "first", 5, 20, 20);
    asks("c", "larger", 5, 13, 13);
    asks("d", "small", 5, 12, 50);
    asks("e", "none", 1, 1, 1);
    waits("a", "large");
    gets("b", "first", 20);
    waits("c", "larger");
    gets("d", "small", 12);
    waits("e", "none");
    pool_give(&p, MIB(1)); /* now its minimum is there, and takes all */
    gets("a", "large", 33);
    waits("b", "first");
    waits("d", "small");
}
END_TEST

START_TEST(asking_again_keeps_the_place)
{
    asks("a", "one", 5, 20, 20);
    asks("b", "two", 5, 20, 20);
    asks("c", "three", 5, 20, 20);
    asks("a", "one", 5, 10, 30); /* other figures */
    queue_is("a/one b/two c/three");
    ck_assert_uint_eq(p.asks, 3);
    gets("a", "one", 12);
    gets("b", "two", 20);
    asks("a", "one", 4, 10, 30); /* another priority, and back: still first among its equals */
    queue_is("b/two c/three a/one");
    asks("c", "three", 6, 20, 20);
    asks("a", "one", 5, 10, 30);
    queue_is("c/three a/one b/two");
    asks("c", "three", 5, 20, 20);
    queue_is("a/one b/two c/three");
    for (unsigned i = 1; i < p.asks; i++)
        ck_assert_uint_lt(p.ask[i - 1].seq, p.ask[i].seq); /* its own, not the caller's */
}
END_TEST

/* It is done at every look: if that woke the others, they would wake each other for ever. */
START_TEST(asking_the_same_again_is_nothing_new)
{
    asks("a", "one", 5, 20, 20);
    asks("b", "two", 5, 20, 20);
    before = p;
    asks("a", "one", 5, 20, 20);
    asks("b", "two", 5, 20, 20);
    ck_assert_uint_eq(p.changes, before.changes);
    ck_assert_mem_eq(p.ask, before.ask, sizeof p.ask[0] * 2);
    ck_assert_uint_eq(p.asks, 2);
}
END_TEST

/* A job of one name may ask in each pair, and a plain one for each member. */
START_TEST(keeps_asks_apart)
{
    asks("a", "web", 1, 1, 1);
    asks("b", "web", 1, 2, 2);
    asks("a", "web@a", 1, 3, 3);
    asks("a", "web@b", 1, 4, 4);
    gets("a", "web", 1);
    gets("b", "web", 2);
    gets("a", "web@a", 3);
    gets("a", "web@b", 4);
    pool_unask(&p, "a", "web");
    queue_is("b/web a/web@a a/web@b");
    pool_unask(&p, "a", NULL);
    queue_is("b/web");
}
END_TEST

START_TEST(unask_moves_the_others_up)
{
    char job[16];
    uint64_t changes;

    for (unsigned i = 0; i < 9; i++) {
        snprintf(job, sizeof job, "j%u", i);
        asks(i % 3 ? "b" : "a", job, i / 3, 1, 1);
    }
    queue_is("a/j6 b/j7 b/j8 a/j3 b/j4 b/j5 a/j0 b/j1 b/j2");
    changes = p.changes;
    pool_unask(&p, "b", "j5");
    queue_is("a/j6 b/j7 b/j8 a/j3 b/j4 a/j0 b/j1 b/j2");
    ck_assert_uint_gt(p.changes, changes);
    pool_unask(&p, "a", NULL);
    queue_is("b/j7 b/j8 b/j4 b/j1 b/j2");
    before = p;
    pool_unask(&p, "b", "j0"); /* the other pair's */
    pool_unask(&p, "a", NULL);
    pool_unask(&p, "c", NULL);
    ck_assert_mem_eq(&p, &before, sizeof p); /* also: nobody might get more */
    pool_unask(&p, "b", NULL);
    ck_assert_uint_eq(p.asks, 0);
}
END_TEST

START_TEST(queue_may_be_full)
{
    char job[16];

    for (unsigned i = 0; i < POOL_ASKS_MAX; i++) {
        snprintf(job, sizeof job, "j%u", i);
        asks("a", job, i % 7, 1, 1);
    }
    before = p;
    refused_by(ask("a", "one-more", 1000, 1, 1), XHS_E_STATE, &before);
    refused_by(ask("b", "j1", 0, 1, 1), XHS_E_STATE, &before);
    asks("a", "j1", 1000, 2, 2); /* who stands there may still ask again */
    ck_assert_str_eq(p.ask[0].job, "j1");
    ck_assert_uint_eq(p.asks, POOL_ASKS_MAX);
    pool_unask(&p, "a", "j2");
    asks("b", "one-more", 0, 1, 1);
    ck_assert_str_eq(p.ask[POOL_ASKS_MAX - 1].job, "one-more");
}
END_TEST

/* Whenever somebody might get more, those who ask are to be looked at. */
START_TEST(says_when_there_is_more)
{
    uint64_t was = p.changes;

    asks("a", "one", 5, 20, 20);
    pool_take(&p, MIB(1), NULL);
    pool_lend(&p, MIB(1));
    pool_repay(&p, MIB(1));
    ck_assert_uint_eq(p.changes, was);
    pool_give(&p, MIB(1));
    ck_assert_uint_gt(p.changes, was);
    was = p.changes;
    ck_assert_int_eq(pool_resize(&p, MIB(300), MIB(32), &err), 0);
    ck_assert_uint_gt(p.changes, was);
}
END_TEST

/* One who asks for less, or for more than there is, lets others before it. */
START_TEST(says_when_one_steps_back)
{
    uint64_t was;

    asks("a", "one", 5, 20, 20);
    asks("b", "two", 5, 20, 20);
    waits("b", "two");
    was = p.changes;
    asks("a", "one", 5, 40, 40);
    gets("b", "two", 20);
    ck_assert_uint_gt(p.changes, was);
}
END_TEST

/* ---- the same result whatever order they are looked at in ---- */

/* xorshift64: the same queues on every machine. */
static unsigned dice(uint64_t *state, unsigned sides)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (unsigned)(*state % sides);
}

static void random_queue(uint64_t *rnd, unsigned n)
{
    start();
    for (unsigned i = 0; i < n; i++) {
        char job[16];
        unsigned min = dice(rnd, 14);
        snprintf(job, sizeof job, "j%u", i);
        asks("a", job, dice(rnd, 3), min, min + dice(rnd, 14));
    }
}

START_TEST(any_order_gives_the_same)
{
    uint64_t rnd = UINT64_C(0x9e3779b97f4a7c15), kb[POOL_ASKS_MAX];
    char job[POOL_ASKS_MAX][16];

    for (unsigned round = 0; round < 3000; round++) {
        unsigned n = 1 + dice(&rnd, 9);
        uint64_t sum = 0;

        random_queue(&rnd, n);
        for (unsigned i = 0; i < n; i++) {
            snprintf(job[i], sizeof job[i], "j%u", i);
            kb[i] = turn("a", job[i]);
            sum += kb[i] == NOTHING ? 0 : kb[i];
        }
        ck_assert_uint_le(sum, MIB(32));
        for (unsigned left = n; left > 0; left--) { /* each takes what it gets, and leaves */
            unsigned i = dice(&rnd, left);
            ck_assert_uint_eq(turn("a", job[i]), kb[i]);
            if (kb[i] != NOTHING) {
                ck_assert_int_eq(pool_take(&p, kb[i], &err), 0);
                pool_unask(&p, "a", job[i]);
            }
            kb[i] = kb[left - 1];
            memcpy(job[i], job[left - 1], sizeof job[i]);
        }
        ck_assert_uint_eq(p.reserve_kb, MIB(32));
        ck_assert_uint_eq(p.members_kb, MIB(192) + sum);
    }
}
END_TEST

static void add_book(Suite *s)
{
    TCase *c = tcase_create("book");

    tcase_add_checked_fixture(c, start, NULL);
    tcase_add_test(c, adds_up);
    tcase_add_test(c, takes_what_is_unused);
    tcase_add_test(c, says_how_much_is_missing);
    tcase_add_test(c, gives_no_more_than_it_has);
    tcase_add_test(c, lends_what_the_reserve_has);
    tcase_add_test(c, lends_nothing_without_a_reserve);
    tcase_add_test(c, numbers_requests);
    tcase_add_test(c, resizes);
    tcase_add_test(c, resize_refuses);
    tcase_add_test(c, resize_refuses_what_wraps);
    suite_add_tcase(s, c);
}

static void add_queue(Suite *s)
{
    TCase *c = tcase_create("queue");

    tcase_add_checked_fixture(c, start, NULL);
    tcase_add_test(c, one_who_asks_gets_it);
    tcase_add_test(c, a_minimum_of_nothing_is_always_there);
    tcase_add_test(c, nobody_gets_more_than_it_asks_for);
    tcase_add_test(c, higher_priority_first);
    tcase_add_test(c, everybodys_minimum_before_anybodys_more);
    tcase_add_test(c, first_come_first_served);
    tcase_add_test(c, passes_over_whose_minimum_is_not_there);
    tcase_add_test(c, asking_again_keeps_the_place);
    tcase_add_test(c, asking_the_same_again_is_nothing_new);
    tcase_add_test(c, keeps_asks_apart);
    tcase_add_test(c, unask_moves_the_others_up);
    tcase_add_test(c, queue_may_be_full);
    tcase_add_test(c, says_when_there_is_more);
    tcase_add_test(c, says_when_one_steps_back);
    tcase_add_test(c, any_order_gives_the_same);
    suite_add_tcase(s, c);
}

int main(void)
{
    Suite *s = suite_create("pool");

    add_book(s);
    add_queue(s);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
