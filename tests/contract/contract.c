/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs the contract suites and reports in TAP. Arguments name suites (hyp, store, dom; all when
 * none); a case that failed does not keep the next from running. Called by make check and the lab.
 */
#include "contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct contract ct;
struct xhs_error ct_err;

static char failure[512], skipped[128];

struct xhs_error *no_err(void)
{
    ct_err = (struct xhs_error){ 0 };
    return &ct_err;
}

void contract_failed(const char *file, int line, const char *what)
{
    const char *base = strrchr(file, '/');

    if (failure[0])
        return;
    snprintf(failure, sizeof failure, "%s:%d: %s%s%s", base ? base + 1 : file, line, what,
             ct_err.code != XHS_E_NONE ? ": " : "", ct_err.text);
}

void contract_skip(const char *why)
{
    snprintf(skipped, sizeof skipped, "%s", why);
}

/* ---- time ---- */

static void on_timer(void *arg)
{
    (void)arg;
    evloop_quit(ct.loop);
}

void pass_ms(int ms)
{
    struct evloop_timer *t = evloop_timer_new(ct.loop, on_timer, NULL);

    evloop_timer_at(t, evloop_now(ct.loop) + ms * INT64_C(1000000));
    evloop_run(ct.loop);
    evloop_timer_free(t);
}

bool wait_until(bool (*cond)(void *arg), void *arg, int ms)
{
    int64_t end = evloop_now(ct.loop) + ms * INT64_C(1000000);

    while (!cond(arg)) {
        if (evloop_now(ct.loop) >= end)
            return false;
        pass_ms(10);
    }
    return true;
}

/* ---- cases ---- */

static int run_case(int number, const char *suite, const struct case_ *c)
{
    int64_t start = evloop_now(ct.loop);

    failure[0] = skipped[0] = '\0';
    no_err();
    clear_events();
    c->run();
    cleanup();
    printf("%sok %d - %s: %s", failure[0] ? "not " : "", number, suite, c->name);
    if (failure[0])
        printf(" # %s", failure);
    else if (skipped[0])
        printf(" # SKIP %s", skipped);
    printf("\n# %lld ms\n", (long long)(evloop_now(ct.loop) - start) / 1000000);
    fflush(stdout);
    return failure[0] ? 1 : 0;
}

static bool wanted(const char *suite, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], suite) == 0)
            return true;
    }
    return argc < 2;
}

static void open_all(void)
{
    struct xhs_error *err = no_err();

    ct.loop = evloop_new();
    env_open(ct.loop);
    if (hyp_open(&ct.hyp, err) != 0 || store_open(&ct.store, ct.loop, on_watch, NULL, err) != 0 ||
        dom_open(&ct.dom, ct.loop, on_dom_event, NULL, err) != 0) {
        printf("Bail out! %s\n", err->text);
        exit(1);
    }
    ct.worker = worker_new(ct.loop, ct.hyp);
}

static void close_all(void)
{
    worker_free(ct.worker);
    dom_close(ct.dom);
    store_close(ct.store);
    hyp_close(ct.hyp);
    env_close();
    evloop_free(ct.loop);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        const struct case_ *cases;
    } suites[] = {
        { "hyp", hyp_cases },
        { "store", store_cases },
        { "writer", writer_cases },
        { "dom", dom_cases },
        { "hyp", hyp_guest_cases },
    };
    int number = 0, failed = 0;

    open_all();
    for (size_t i = 0; i < sizeof suites / sizeof suites[0]; i++) {
        for (const struct case_ *c = suites[i].cases; c->name; c++) {
            if (wanted(suites[i].name, argc, argv))
                failed += run_case(++number, suites[i].name, c);
        }
    }
    printf("1..%d\n", number);
    close_all();
    return failed ? 1 : 0;
}
