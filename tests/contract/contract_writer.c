/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of xen/writer.h: batches that are carried out later, in order, or when somebody waits
 * for them. All keys are below /tool/xhs-contract/writer. Called by contract.c.
 */
#include <stdio.h>

#include "contract.h"

#define ROOT "/tool/xhs-contract/writer"
#define BATCHES 8

/* What comes back of the batches of one arg. */
struct answers {
    unsigned n, failed;
    unsigned as_nth; /* of all answers, the last one of these */
};
static unsigned answered;
static struct writer *w;

static void over(void *arg, const struct xhs_error *err)
{
    struct answers *a = arg;

    a->n++;
    a->failed += err->code != XHS_E_NONE;
    a->as_nth = ++answered;
}

static bool all_answered(void *arg)
{
    (void)arg;
    return answered == BATCHES;
}

static bool write_later(const char *key, const char *value, struct answers *a)
{
    char path[80], text[16];
    struct store_change change[] = { { path, text }, { ROOT "/none", NULL } };

    snprintf(path, sizeof path, ROOT "/%s", key);
    snprintf(text, sizeof text, "%s", value);
    return writer_apply(w, change, 2, over, a, no_err()) == 0; /* path and text are no more then */
}

static void begin(void)
{
    answered = 0;
    writer_open(&w, ct.loop, no_err());
}

static void batches_are_carried_out_in_order(void)
{
    struct answers a = { 0 };
    char value[8];

    begin();
    CHECK(w);
    for (int i = 1; i <= BATCHES; i++) {
        snprintf(value, sizeof value, "%d", i);
        CHECK(write_later("x", value, &a));
    }
    CHECK(a.n == 0); /* not from within */
    CHECK(wait_until(all_answered, NULL, 5000));
    CHECK(key_is("8", ROOT "/x"));
    CHECK(a.n == BATCHES && a.failed == 0);
    writer_close(w);
}

static void some_can_be_waited_for(void)
{
    struct answers mine = { 0 }, others = { 0 };

    begin();
    CHECK(w);
    for (int i = 0; i < BATCHES - 2; i++)
        CHECK(write_later("others", "1", &others));
    CHECK(write_later("mine", "1", &mine) && write_later("mine", "2", &mine));
    writer_finish(w, &mine);
    CHECK(mine.n == 2 && mine.failed == 0);
    CHECK(mine.as_nth <= 3); /* one of the others' was under way at most */
    CHECK(key_is("2", ROOT "/mine"));
    writer_finish(w, &mine); /* there are none */
    CHECK(wait_until(all_answered, NULL, 5000));
    CHECK(others.n == BATCHES - 2 && others.failed == 0);
    writer_close(w);
}

static void one_that_fails_says_so(void)
{
    static const struct store_change bad[] = { { ROOT "/y", "1" }, { "not a path", "2" } };
    struct answers a = { 0 };

    begin();
    CHECK(w);
    CHECK(writer_apply(w, bad, 2, over, &a, no_err()) == 0);
    CHECK(write_later("z", "1", &a));
    writer_finish(w, &a);
    CHECK(a.n == 2 && a.failed == 1);
    CHECK(key_is(NULL, ROOT "/y") && key_is("1", ROOT "/z"));
    writer_close(w);
}

static void nobody_is_called_after_the_end(void)
{
    struct answers a = { 0 };

    begin();
    CHECK(w);
    CHECK(write_later("x", "1", &a) && write_later("x", "2", &a) && write_later("x", "3", &a));
    writer_close(w);
    pass_ms(100);
    CHECK(a.n == 0);
    CHECK(!key_is("3", ROOT "/x"));
}

const struct case_ writer_cases[] = {
    { "batches are carried out in order", batches_are_carried_out_in_order },
    { "some can be waited for, and go first", some_can_be_waited_for },
    { "one that fails says so, and writes nothing", one_that_fails_says_so },
    { "nobody is called after the end", nobody_is_called_after_the_end },
    { NULL, NULL },
};
