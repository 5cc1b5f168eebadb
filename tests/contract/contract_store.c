/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of xen/store.h: reads, batches, watches. All keys are below /tool/xhs-contract.
 * Called by contract.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "contract.h"

#define ROOT "/tool/xhs-contract"
#define STORM (4 * STORE_EVENTS_PER_ROUND)

/* What on_watch saw. */
static struct {
    unsigned n;     /* events with the token asked for */
    char path[256]; /* of the last of them */
    unsigned in_portion, most_in_portion;
    const char *rewrite; /* a key that the callback itself writes, once */
} seen;
static const char *want_token;
static struct evloop_timer *portion_ends; /* while a case counts portions */

static void next_portion(void *arg)
{
    (void)arg;
    seen.in_portion = 0;
}

void on_watch(void *arg, const char *path, const char *token)
{
    (void)arg;
    if (!want_token || strcmp(token, want_token) != 0)
        return;
    seen.n++;
    snprintf(seen.path, sizeof seen.path, "%s", path);
    /* A time in the past, not a short while: dom0's clock has been seen to stand still for 2 ms. */
    if (portion_ends && seen.in_portion == 0)
        evloop_timer_at(portion_ends, 0);
    if (++seen.in_portion > seen.most_in_portion)
        seen.most_in_portion = seen.in_portion;
    if (seen.rewrite) {
        const char *key = seen.rewrite;
        seen.rewrite = NULL;
        store_write(ct.store, key, "from the callback", no_err());
    }
}

static void expect(const char *token)
{
    memset(&seen, 0, sizeof seen);
    want_token = token;
}

static bool some(void *arg)
{
    (void)arg;
    return seen.n > 0;
}

static bool got_event(void)
{
    return wait_until(some, NULL, 2000);
}

/* ---- keys ---- */

static void reads_are_bounded_and_terminated(void)
{
    char buf[8];

    CHECK(store_write(ct.store, ROOT "/a", "0123456789", no_err()) == 0);
    memset(buf, 'x', sizeof buf);
    CHECK(store_read(ct.store, ROOT "/a", buf, sizeof buf, no_err()) == 10);
    CHECK(strcmp(buf, "0123456") == 0);
    CHECK(store_read(ct.store, ROOT "/a", buf, 0, no_err()) == 10);
    CHECK(store_write(ct.store, ROOT "/a", "", no_err()) == 0);
    CHECK(store_read(ct.store, ROOT "/a", buf, sizeof buf, no_err()) == 0 && buf[0] == '\0');
    CHECK(store_read(ct.store, ROOT "/none", buf, sizeof buf, no_err()) == -1);
    CHECK(ct_err.code == XHS_E_NOENT);
    CHECK(store_read(ct.store, "no//path", buf, sizeof buf, no_err()) == -1);
}

static void too_long_a_value_is_refused_and_no_more(void)
{
    static char big[STORE_VALUE_MAX + 1], buf[STORE_VALUE_MAX];

    memset(big, 'v', STORE_VALUE_MAX);
    CHECK(store_write(ct.store, ROOT "/big", big, no_err()) == -1 && ct_err.code == XHS_E_XEN);
    big[STORE_VALUE_MAX - 64] = '\0';
    CHECK(store_write(ct.store, ROOT "/big", big, no_err()) == 0);
    CHECK(store_read(ct.store, ROOT "/big", buf, sizeof buf, no_err()) == STORE_VALUE_MAX - 64);
    CHECK(store_alive(ct.store));
}

static void lists_and_removes(void)
{
    unsigned n = 99;
    char **names;

    CHECK(store_write(ct.store, ROOT "/d/one/deep", "1", no_err()) == 0);
    CHECK(store_write(ct.store, ROOT "/d/two", "2", no_err()) == 0);
    names = store_list(ct.store, ROOT "/d", &n, no_err());
    CHECK(names && n == 2);
    bool both = (strcmp(names[0], "one") == 0) + (strcmp(names[1], "one") == 0) == 1;
    store_free_list(names);
    CHECK(both);
    names = store_list(ct.store, ROOT "/d/two", &n, no_err());
    CHECK(names && n == 0);
    store_free_list(names);
    CHECK(!store_list(ct.store, ROOT "/none", &n, no_err()) && ct_err.code == XHS_E_NOENT);
    CHECK(store_remove(ct.store, ROOT "/d", no_err()) == 0); /* with all below */
    CHECK(key_is(NULL, ROOT "/d/one/deep"));
    CHECK(store_remove(ct.store, ROOT "/d", no_err()) == 0);
    CHECK(store_remove(ct.store, ROOT "/no/such/parent", no_err()) == 0);
}

static void a_batch_is_all_or_nothing(void)
{
    static const struct store_change good[] = {
        { ROOT "/b/x", "1" },     { ROOT "/b/y", "2" }, { ROOT "/b/x", NULL },
        { ROOT "/b/none", NULL }, { ROOT "/b/x", "3" }, /* in order: it is back */
    };
    static const struct store_change bad[] = {
        { ROOT "/b/x", "4" },
        { "not a path", "5" },
        { ROOT "/b/y", NULL },
    };

    CHECK(store_apply(ct.store, good, sizeof good / sizeof good[0], no_err()) == 0);
    CHECK(key_is("3", ROOT "/b/x") && key_is("2", ROOT "/b/y"));
    CHECK(store_apply(ct.store, bad, sizeof bad / sizeof bad[0], no_err()) == -1);
    CHECK(ct_err.code != XHS_E_NONE);
    CHECK(key_is("3", ROOT "/b/x") && key_is("2", ROOT "/b/y"));
    CHECK(store_apply(ct.store, NULL, 0, no_err()) == 0);
}

/* ---- watches ---- */

static void a_watch_fires_at_once_and_for_changes_below(void)
{
    expect("t1");
    CHECK(store_watch(ct.store, ROOT "/w", "t1", no_err()) == 0); /* of a key that is not there */
    CHECK(seen.n == 0);                                           /* not from within */
    CHECK(got_event() && strcmp(seen.path, ROOT "/w") == 0);

    expect("t1");
    CHECK(store_write(ct.store, ROOT "/w/sub/key", "1", no_err()) == 0);
    CHECK(got_event() && strcmp(seen.path, ROOT "/w/sub/key") == 0);

    expect("t1");
    CHECK(store_write(ct.store, ROOT "/wide", "1", no_err()) == 0); /* not below /w */
    pass_ms(100);
    CHECK(seen.n == 0);
    CHECK(store_remove(ct.store, ROOT "/w/sub", no_err()) == 0);
    CHECK(got_event());

    expect("t1");
    store_unwatch(ct.store, ROOT "/w", "t1");
    CHECK(store_write(ct.store, ROOT "/w", "2", no_err()) == 0);
    pass_ms(100);
    CHECK(seen.n == 0);
}

static void a_watch_fires_when_what_it_is_on_goes_with_its_parent(void)
{
    CHECK(store_write(ct.store, ROOT "/p/q/r", "1", no_err()) == 0);
    expect("t2");
    CHECK(store_watch(ct.store, ROOT "/p/q/r", "t2", no_err()) == 0 && got_event());
    expect("t2");
    CHECK(store_remove(ct.store, ROOT "/p", no_err()) == 0);
    CHECK(got_event());
    store_unwatch(ct.store, ROOT "/p/q/r", "t2");
}

static void a_watchs_function_may_use_the_store(void)
{
    expect("t3");
    CHECK(store_watch(ct.store, ROOT "/c", "t3", no_err()) == 0 && got_event());
    expect("t3");
    seen.rewrite = ROOT "/c/second";
    CHECK(store_write(ct.store, ROOT "/c/first", "1", no_err()) == 0);
    pass_ms(200);
    CHECK(seen.n >= 2 && strcmp(seen.path, ROOT "/c/second") == 0);
    store_unwatch(ct.store, ROOT "/c", "t3");
}

static bool last_came(void *arg)
{
    return strcmp(seen.path, arg) == 0;
}

/* The other things in the loop get their turn while many events come in; none gets lost. */
static void a_storm_is_delivered_in_portions(void)
{
    char path[64];
    bool all;

    expect("t4");
    CHECK(store_watch(ct.store, ROOT "/s", "t4", no_err()) == 0 && got_event());
    expect("t4");
    for (int i = 0; i < STORM; i++) {
        snprintf(path, sizeof path, ROOT "/s/%d", i);
        CHECK(store_write(ct.store, path, "1", no_err()) == 0);
    }
    CHECK(seen.n == 0);
    portion_ends = evloop_timer_new(ct.loop, next_portion, NULL);
    all = wait_until(last_came, path, 10000);
    evloop_timer_free(portion_ends);
    portion_ends = NULL;
    CHECK(all && seen.n == STORM);
    /* The timer is due in the next round, where the next portion may come before it: two. */
    CHECK(seen.most_in_portion <= 2 * STORE_EVENTS_PER_ROUND);
    store_unwatch(ct.store, ROOT "/s", "t4");
}

static void what_was_queued_for_a_watch_ends_with_it(void)
{
    char path[64];

    expect("t5");
    CHECK(store_watch(ct.store, ROOT "/u", "t5", no_err()) == 0 && got_event());
    expect("t5");
    for (int i = 0; i < STORM; i++) {
        snprintf(path, sizeof path, ROOT "/u/%d", i);
        CHECK(store_write(ct.store, path, "1", no_err()) == 0);
    }
    store_unwatch(ct.store, ROOT "/u", "t5");
    pass_ms(300);
    CHECK(seen.n == 0);
}

static void one_connections_watches_are_its_own(void)
{
    struct store *other;

    expect("t6");
    CHECK(store_open(&other, ct.loop, on_watch, NULL, no_err()) == 0);
    CHECK(store_watch(ct.store, ROOT "/o", "t6", no_err()) == 0 && got_event());
    expect("t6");
    CHECK(store_write(other, ROOT "/o", "1", no_err()) == 0);
    CHECK(got_event());
    pass_ms(100);
    CHECK(seen.n == 1);
    CHECK(key_is("1", ROOT "/o"));
    store_unwatch(ct.store, ROOT "/o", "t6");
    CHECK(store_watch(other, ROOT "/o", "t6", no_err()) == 0);
    store_close(other); /* with an event under way */
    pass_ms(50);
}

/* @releaseDomain names no domain: on shutdown, and on destruction. */
static void release_domain_fires_for_a_crash_and_a_destroy(void)
{
    struct guest g = make_guest("ct-release", SMALL_MB * MB, SMALL_MB * MB);

    CHECK(g.domid);
    expect("t7");
    CHECK(store_watch(ct.store, "@releaseDomain", "t7", no_err()) == 0 && got_event());
    pass_ms(200);
    expect("t7");
    CHECK(hyp_fence(ct.hyp, g.domid, g.uuid, no_err()) == HYP_YES);
    CHECK(got_event() && strcmp(seen.path, "@releaseDomain") == 0);
    pass_ms(200);
    expect("t7");
    CHECK(destroy(&g));
    CHECK(got_event());
    store_unwatch(ct.store, "@releaseDomain", "t7");
}

const struct case_ store_cases[] = {
    { "reads are bounded and terminated", reads_are_bounded_and_terminated },
    { "too long a value is refused, and no more", too_long_a_value_is_refused_and_no_more },
    { "lists, and removes with all below", lists_and_removes },
    { "a batch is in order, all or nothing", a_batch_is_all_or_nothing },
    { "a watch fires at once, and for changes below", a_watch_fires_at_once_and_for_changes_below },
    { "a watch fires when its key goes with its parent",
      a_watch_fires_when_what_it_is_on_goes_with_its_parent },
    { "a watch's function may use the store", a_watchs_function_may_use_the_store },
    { "a storm is delivered in portions, all of it", a_storm_is_delivered_in_portions },
    { "what was queued for a watch ends with it", what_was_queued_for_a_watch_ends_with_it },
    { "a connection's watches are its own", one_connections_watches_are_its_own },
    { "@releaseDomain fires for a crash and a destroy",
      release_domain_fires_for_a_crash_and_a_destroy },
    { NULL, NULL },
};
