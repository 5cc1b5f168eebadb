/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The simulated host's own knobs: what the contract suites, which know no fakes, cannot reach.
 * A program for make check: it aborts at the first thing that is not so.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define MB UINT64_C(1024)
#define MUST(cond)                                                     \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

static const char json[] = "{\"fake\":1,\"name\":\"a\",\"uuid\":\"01020304-0506-0708-090a-"
                           "0b0c0d0e0f10\",\"type\":\"pv\",\"memory_kb\":1024,\"vcpus\":1,"
                           "\"pci\":0}";

static struct evloop *loop;
static struct hyp *hyp;
static struct store *store;
static struct dom *dom;
static uint32_t guest;
static unsigned boots, requests, events;

static void on_watch(void *arg, const char *path, const char *token)
{
    (void)arg;
    (void)path;
    (void)token;
}

static void on_event(void *arg, uint32_t domid)
{
    (void)arg;
    events += domid == guest;
}

static void on_request(void *arg, uint32_t domid, const char *path)
{
    char line[64];

    (void)arg;
    MUST(strcmp(path, "xhs/req/1") == 0);
    requests++;
    if (fake_guest_read(domid, path, line, sizeof line) > 0)
        MUST(fake_guest_write(domid, "data/xhs/reply/1", line) == 0);
}

static void on_boot(void *arg, uint32_t domid, const char *name)
{
    (void)arg;
    MUST(strcmp(name, "a") == 0);
    boots++;
    fake_guest_watch(domid, "xhs/req/1", on_request, NULL);
}

static void on_done(void *arg, uint32_t domid, const struct xhs_error *err)
{
    *(uint32_t *)arg = err->code == XHS_E_NONE ? domid : 0;
}

static void run_ms(int ms)
{
    fake_clock_run_for(loop, ms * FAKE_MS);
    fake_host_check();
}

static struct hyp_dom look(void)
{
    struct hyp_dom d = { 0 };

    hyp_get(hyp, guest, &d, NULL);
    return d;
}

static void write_key(const char *name, const char *value)
{
    char path[96];

    snprintf(path, sizeof path, "/local/domain/%u/%s", guest, name);
    MUST(store_write(store, path, value, NULL) == 0);
}

static void set_target(uint64_t kb)
{
    char text[32];

    snprintf(text, sizeof text, "%llu", (unsigned long long)kb);
    write_key("memory/target", text);
}

static void open_all(void)
{
    static const uint8_t uuid[16] = { 1, 2 };

    loop = evloop_new();
    fake_host_new(loop, 4096 * MB, 768 * MB);
    fake_on_boot(on_boot, NULL);
    MUST(hyp_open(&hyp, NULL) == 0 && store_open(&store, loop, on_watch, NULL, NULL) == 0 &&
         dom_open(&dom, loop, on_event, NULL, NULL) == 0);
    dom_create(dom, json, uuid, 256 * MB, 2048 * MB, NULL, on_done, &guest);
    run_ms(10000);
    MUST(guest && boots == 1 && requests == 1); /* a watch's first event */
}

static void the_agents_xenstore_has_a_guests_rights(void)
{
    char path[64], line[16], name[32];
    int i = 0;

    write_key("xhs/req/1", "hello");
    run_ms(100);
    MUST(requests == 2);
    snprintf(path, sizeof path, "/local/domain/%u/data/xhs/reply/1", guest);
    MUST(store_read(store, path, line, sizeof line, NULL) == 5 && strcmp(line, "hello") == 0);
    MUST(fake_guest_write(guest, "xhs/req/1", "mine") == -1 && errno == EACCES);
    do
        snprintf(name, sizeof name, "data/k%d", i);
    while (fake_guest_write(guest, name, "1") == 0 && i++ < 2000);
    MUST(errno == ENOSPC && i > 900 && i < 1001);
}

/* As Linux does: no memory, no more tries until the target changes. */
static void a_balloon_without_memory_backs_off(void)
{
    set_target(512 * MB);
    run_ms(1000);
    MUST(look().tot_kb == look().max_kb);
    MUST(hyp_set_max(hyp, guest, 1024 * MB, NULL) == 0);
    run_ms(500);
    MUST(look().tot_kb < 300 * MB);
    set_target(600 * MB);
    run_ms(1000);
    MUST(look().tot_kb == 600 * MB);
}

static void guests_hang_pause_and_grab(void)
{
    fake_guest_hang(guest, true);
    set_target(300 * MB);
    write_key("xhs/req/1", "hung?");
    run_ms(1000);
    MUST(look().tot_kb == 600 * MB && requests == 2 && !look().shutdown);
    fake_guest_hang(guest, false);
    run_ms(1000);
    MUST(look().tot_kb == 300 * MB && requests == 3);

    fake_guest_greedy(guest, true);
    run_ms(3000);
    MUST(look().tot_kb == 1024 * MB);
    fake_guest_greedy(guest, false);
    run_ms(3000);
    MUST(look().tot_kb == 300 * MB);

    fake_pause(guest, true);
    set_target(350 * MB);
    run_ms(100);
    MUST(look().tot_kb == 300 * MB && look().paused);
    fake_pause(guest, false);
    run_ms(100);
    MUST(look().tot_kb == 350 * MB);

    fake_guest_refuse_balloon(guest, true);
    set_target(400 * MB);
    run_ms(1000);
    MUST(look().tot_kb == 350 * MB);
    fake_guest_refuse_balloon(guest, false);
    run_ms(1000);

    fake_guest_deaf(guest, true);
    set_target(350 * MB);
    run_ms(1000);
    MUST(look().tot_kb == 400 * MB);
    fake_guest_target(guest, 350 * MB);
    run_ms(1000);
    MUST(look().tot_kb == 350 * MB);
    fake_guest_deaf(guest, false);
}

static void calls_fail_when_asked(void)
{
    unsigned before = fake_calls(FAKE_HYP_FENCE);

    fake_fail(FAKE_HYP_FENCE, 0, 1);
    MUST(hyp_fence(hyp, guest, look().uuid, NULL) == HYP_UNKNOWN && !look().shutdown);
    MUST(fake_calls(FAKE_HYP_FENCE) == before + 1);
    fake_fail(FAKE_HYP_SET_MAX, 1, 2);
    MUST(hyp_set_max(hyp, guest, 1024 * MB, NULL) == 0);
    MUST(hyp_set_max(hyp, guest, 1024 * MB, NULL) == -1);
    MUST(hyp_set_max(hyp, guest, 1024 * MB, NULL) == -1);
    MUST(hyp_set_max(hyp, guest, 1024 * MB, NULL) == 0);
}

static void too_low_a_target_kills_and_memory_comes_back_slowly(void)
{
    struct worker *w = worker_new(loop, hyp);
    uint32_t destroyed = 0;

    fake_guest_floor(guest, 320 * MB);
    set_target(200 * MB);
    run_ms(1000);
    MUST(look().shutdown && look().shutdown_reason == 3 && events == 1);
    fake_destroy_hangs(guest, 200 * MB);
    MUST(worker_destroy(w, guest, on_done, &destroyed, NULL) == 0);
    run_ms(20);
    MUST(!destroyed && look().tot_kb > 200 * MB && look().tot_kb < 320 * MB && !look().dying);
    run_ms(60000);
    MUST(!destroyed && look().tot_kb == 200 * MB && !look().dying);
    fake_destroy_hangs(guest, 0);
    run_ms(500);
    MUST(destroyed == guest && look().domid == 0);
    worker_free(w);
}

static void a_late_clock_and_strangers(void)
{
    static const uint8_t uuid[16] = { 9 };
    int64_t before = evloop_now(loop);
    uint32_t stranger = fake_stranger("x", uuid, 100 * MB);

    MUST(stranger && fake_domid(uuid) == stranger);
    fake_clock_jump(loop, 5000 * FAKE_MS);
    MUST(evloop_now(loop) == before + 5000 * FAKE_MS);
    fake_xl_destroy(stranger);
    run_ms(100);
    MUST(fake_domid(uuid) == 0);
    MUST(fake_stranger("y", uuid, 1 << 30) == 0); /* more than there is */
}

/* Whatever is unclaimed: also what is so only between two calls. */
static void a_thief_takes_what_nobody_claims(void)
{
    static const uint8_t holder_uuid[16] = { 10 }, thief_uuid[16] = { 11 };
    uint64_t free_kb, claimed_kb;
    uint32_t holder = 0, thief;

    MUST(hyp_memory(hyp, &free_kb, &claimed_kb, NULL) == 0 && claimed_kb == 0);
    MUST(hyp_create_empty(hyp, &holder, holder_uuid, free_kb, NULL) == 0);
    MUST(hyp_claim(hyp, holder, 64 * MB, NULL) == 0);
    thief = fake_thief(thief_uuid, free_kb - 32 * MB);
    MUST(hyp_claim(hyp, holder, 64 * MB, NULL) == 0); /* given up and taken within the call */
    MUST(hyp_memory(hyp, &free_kb, &claimed_kb, NULL) == 0 && free_kb == claimed_kb);
    MUST(hyp_claim(hyp, holder, 0, NULL) == 0);
    MUST(hyp_claim(hyp, holder, 64 * MB, NULL) != 0); /* 32 of it are gone by now */
    MUST(hyp_memory(hyp, &free_kb, &claimed_kb, NULL) == 0 && free_kb == 32 * MB);
    fake_thief(thief_uuid, 0);
    fake_raw_destroy(thief);
    MUST(hyp_claim(hyp, holder, 64 * MB, NULL) == 0);
}

int main(void)
{
    open_all();
    the_agents_xenstore_has_a_guests_rights();
    a_balloon_without_memory_backs_off();
    guests_hang_pause_and_grab();
    calls_fail_when_asked();
    too_low_a_target_kills_and_memory_comes_back_slowly();
    a_late_clock_and_strangers();
    a_thief_takes_what_nobody_claims();
    dom_close(dom);
    store_close(store);
    hyp_close(hyp);
    fake_host_free();
    evloop_free(loop);
    return 0;
}
