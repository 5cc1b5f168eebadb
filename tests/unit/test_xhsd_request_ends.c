/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ends a request for memory on its way: the guest dies, or wants it no more, while it waits,
 * while its domain grows, when it has its grant; its size changes; its memory does not come. All of
 * it is back afterwards, and nothing of it waits. Over the simulated host.
 */
#include "tests/unit/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIR "/tool/xhs/pair/shop"

/* ---- how far it is ---- */

enum far { WAITS, GROWS, GRANTED };

static const struct {
    char member;
    bool plain;
    const char *domain, *key;
} who[] = {
    { 'a', true, "shop-a", "db@a" },
    { 'b', true, "shop-b", "db@b" },
    { 'a', false, "shop-a", "db" },
};

/* Each of them in each state, for loop tests. */
#define CASES 9
#define WHO(i) who[(i) % 3]
#define FAR(i) ((enum far)((i) / 3))

static void asks_until(int i)
{
    struct agent_job j = { .name = "db", .kb = (FAR(i) == WAITS ? 600 : 400) * MIB,
                           .wait_s = MSG_WAIT_FOREVER, .plain = WHO(i).plain };
    const char *job = WHO(i).key;

    j.ask_kb = j.kb;
    agent_has("shop-a", &j);
    agent_has("shop-b", &j);
    if (!j.plain)
        job_stops("shop-b", "db"); /* it is known there */
    d.step_ms = 1;
    job_asks(WHO(i).domain, "db");
    if (FAR(i) == WAITS) {
        daemon_run(300);
        ck_assert_uint_eq(queued(), 1);
        ck_assert_uint_eq(area_kb("shop", job, "size_kb"), 0);
    } else if (FAR(i) == GROWS) {
        daemon_run(150);
        ck_assert_uint_eq(area_kb("shop", job, "size_kb"), 400 * MIB);
        ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 400) * MIB);
    } else {
        ck_assert(job_until("shop", job, "starting", 2 * SECONDS));
    }
    ck_assert_str_eq(key(PAIR "/job/%s/state", job), FAR(i) == GRANTED ? "starting" : "waiting");
    d.step_ms = 5;
}

/* The pair is at rest, and one second later it holds nothing that was granted. */
static void check_all_back(int i, char active)
{
    ck_assert(daemon_until("shop", "protected", 20 * SECONDS));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(area_kb("shop", WHO(i).key, "size_kb"), 0);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    ck_assert_uint_eq(queued(), 0);
    check_calm("shop");
    daemon_run(1 * SECONDS);
    check_rest("shop", active);
}

/* ---- the guest dies ---- */

static void crashes(uint32_t id)
{
    fake_guest_crash(id);
}

static void reboots(uint32_t id)
{
    fake_guest_shutdown(id, 1);
}

static void (*const deaths[])(uint32_t id) = { crashes, fake_xl_destroy, fake_raw_destroy,
                                               reboots };
#define DEATHS ((int)(sizeof deaths / sizeof deaths[0]))

/* A hot-standby job that had its grant is taken over like any other; a rebooted guest keeps its
 * role, and its job waits until somebody asks for it again. */
START_TEST(the_guest_dies)
{
    int i = _i % CASES;
    bool reboot = deaths[_i / CASES] == reboots;
    char active = WHO(i).member == 'a' && !reboot ? 'b' : 'a';

    asks_until(i);
    deaths[_i / CASES](domain_of("shop", WHO(i).member));
    daemon_run(100);
    if (!WHO(i).plain && FAR(i) == GRANTED && !reboot) {
        ck_assert(daemon_until("shop", "protected", 20 * SECONDS));
        ck_assert_uint_eq(job_runs_in("shop", "db"), domain_of("shop", 'b'));
        job_stops("shop-b", "db");
        ck_assert(job_until("shop", "db", "stopped", 1 * SECONDS));
    }
    check_all_back(i, active);
    ck_assert_uint_le(job_starts("shop", "db"), 1);
}
END_TEST

/* Nothing of it has come yet: it is claimed for a domain that is dead, until that is cleaned up. */
START_TEST(the_guest_dies_before_its_domain_has_grown)
{
    fake_guest_refuse_balloon(domain_of("shop", WHO(_i % 3).member), true);
    asks_until(3 + _i % 3); /* GROWS */
    d.step_ms = 1;
    if (_i < 3)
        crashes(domain_of("shop", WHO(_i % 3).member));
    else
        reboots(domain_of("shop", WHO(_i % 3).member));
    daemon_run(400);
    d.step_ms = 5;
    check_all_back(_i, WHO(_i % 3).member == 'a' && _i < 3 ? 'b' : 'a');
}
END_TEST

START_TEST(both_members_die)
{
    asks_until(_i);
    fake_guest_crash(domain_of("shop", 'a'));
    fake_guest_crash(domain_of("shop", 'b'));
    daemon_run(100);
    check_all_back(_i, 'a');
    ck_assert_uint_eq(job_starts("shop", "db"), 0);
}
END_TEST

/* The heir first begins to take over, with what it is granted on its way. */
START_TEST(both_members_die_one_after_the_other)
{
    int i = _i % CASES;

    asks_until(i);
    fake_guest_balloon_rate(domain_of("shop", 'b'), 20);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(_i < CASES ? 30 : 300);
    fake_guest_crash(domain_of("shop", 'b'));
    daemon_run(100);
    ck_assert(daemon_until("shop", "protected", 20 * SECONDS));
    ck_assert_uint_le(job_starts("shop", "db"), 1);
    check_all_back(i, job_runs_in("shop", "web") == domain_of("shop", 'a') ? 'a' : 'b');
}
END_TEST

/* Its heir has other things to do than to wait for what it asked for as a standby. */
START_TEST(the_other_member_dies)
{
    char dies = WHO(_i).member == 'a' ? 'b' : 'a';
    bool runs = FAR(_i) != WAITS;

    asks_until(_i);
    fake_guest_crash(domain_of("shop", dies));
    daemon_run(100);
    ck_assert(daemon_until("shop", "protected", 20 * SECONDS));
    if (runs) {
        ck_assert(job_until("shop", WHO(_i).key, "running", 2 * SECONDS));
        ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - 400) * MIB);
        ck_assert_uint_eq(job_seen(WHO(_i).domain, "db")->starts, 1);
    } else {
        ck_assert_uint_eq(queued(), 1);
    }
    check_book();
    job_stops(WHO(_i).domain, "db");
    ck_assert(job_until("shop", WHO(_i).key, runs ? "stopped" : "waiting", 1 * SECONDS));
    check_all_back(_i, WHO(_i).member);
}
END_TEST

/* ---- the guest wants it no more ---- */

static void stops(int i)
{
    job_stops(WHO(i).domain, "db");
}

static void loses_its_key(int i)
{
    fake_guest_remove(domain_of("shop", WHO(i).member), "data/xhs/job/db");
}

static void has_it_defined_only(int i)
{
    char line[96];

    snprintf(line, sizeof line, "defined hot_standby=%s memory_kb=1024",
             WHO(i).plain ? "no" : "yes");
    fake_guest_write(domain_of("shop", WHO(i).member), "data/xhs/job/db", line);
}

static void loses_its_agent(int i)
{
    fake_guest_remove(domain_of("shop", WHO(i).member), "data/xhs/agent/version");
}

static void says_nothing_at_all(int i)
{
    fake_guest_remove(domain_of("shop", WHO(i).member), "data/xhs");
}

static void (*const changes[])(int i) = { stops, loses_its_key, has_it_defined_only,
                                          loses_its_agent, says_nothing_at_all };
#define CHANGES ((int)(sizeof changes / sizeof changes[0]))

/* Not of one that has its grant: it may have been executed by now. A guest whose agent is gone grows
 * no more; it may have to be there again before it shrinks. */
START_TEST(the_guest_withdraws)
{
    int i = _i % 6; /* WAITS and GROWS */
    bool agent = changes[_i / 6] != loses_its_agent && changes[_i / 6] != says_nothing_at_all;
    bool asks = changes[_i / 6] == loses_its_agent; /* again, when its agent is back */
    uint32_t id;

    asks_until(i);
    id = domain_of("shop", WHO(i).member);
    changes[_i / 6](i);
    daemon_run(50);
    ck_assert_uint_eq(queued(), 0);
    ck_assert_uint_eq(area_kb("shop", WHO(i).key, "size_kb"), 0);
    daemon_run(1 * SECONDS);
    if (agent) {
        ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
        check_calm("shop");
    }
    ck_assert_uint_eq(job_starts("shop", "db"), 0);
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/db/run", id), "");
    fake_guest_write(id, "data/xhs/agent/boot_id", agent_boot_id(id));
    fake_guest_write(id, "data/xhs/agent/version", "1");
    daemon_run(3 * SECONDS);
    ck_assert_uint_eq(queued(), asks && FAR(i) == WAITS);
    ck_assert_uint_eq(unused_kb(), (UNUSED_MIB - (asks && FAR(i) == GROWS ? 400 : 0)) * MIB);
}
END_TEST

/* ---- it wants another size ---- */

static void asks_for(int i, uint64_t mib, uint64_t min_mib)
{
    struct agent_job j = { .name = "db", .kb = mib * MIB, .min_kb = min_mib * MIB,
                           .ask_kb = mib * MIB, .wait_s = MSG_WAIT_FOREVER,
                           .plain = WHO(i).plain };

    agent_has(WHO(i).domain, &j);
    job_asks(WHO(i).domain, "db");
}

static const struct {
    uint64_t mib, min_mib;
} sizes[] = { { 200, 200 }, { 500, 500 }, { 450, 100 }, { 100, 50 } };
#define SIZES ((int)(sizeof sizes / sizeof sizes[0]))

/* It gets what it asked for last, if need be when what it had before is back; at least that much
 * which it says is enough. */
START_TEST(the_size_changes_on_the_way)
{
    int i = _i % 6; /* WAITS and GROWS */
    uint64_t kb;

    asks_until(i);
    asks_for(i, sizes[_i / 6].mib, sizes[_i / 6].min_mib);
    daemon_run(3 * SECONDS);
    kb = area_kb("shop", WHO(i).key, "size_kb");
    ck_assert_str_eq(key(PAIR "/job/%s/state", WHO(i).key), "running");
    ck_assert_uint_le(kb, sizes[_i / 6].mib * MIB);
    ck_assert_uint_ge(kb, sizes[_i / 6].min_mib * MIB);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB - kb);
    ck_assert_uint_eq(job_seen(WHO(i).domain, "db")->start_kb, kb);
    check_calm("shop");
    job_stops(WHO(i).domain, "db");
    daemon_run(100);
    check_all_back(i, 'a');
}
END_TEST

/* ---- it does not start, or fails ---- */

START_TEST(the_agent_refuses_to_start_it)
{
    asks_until(3 + _i); /* GROWS */
    agent_refuses(WHO(_i).domain, "no such user");
    ck_assert(job_until("shop", WHO(_i).key, "failed", 2 * SECONDS));
    check_all_back(_i, 'a');
    ck_assert_uint_eq(job_starts("shop", "db"), 0);
}
END_TEST

/* What it would have found out later: its memory is gone, and the job must not start any more. */
START_TEST(the_agent_does_not_answer)
{
    asks_until(6 + _i);
    agent_silent(WHO(_i).domain, true);
    d.step_ms = 20;
    daemon_run(29 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/%s/state", WHO(_i).key), "starting");
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/%s/state", WHO(_i).key), "failed");
    ck_assert_str_eq(key("/local/domain/%u/xhs/job/db/run", domain_of("shop", WHO(_i).member)), "");
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    agent_silent(WHO(_i).domain, false);
    fake_guest_write(domain_of("shop", WHO(_i).member), "data/xhs/job/db",
                     "failed hot_standby=no memory_kb=1024");
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(job_starts("shop", "db"), 0);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
}
END_TEST

START_TEST(the_job_fails)
{
    asks_until(6 + _i);
    ck_assert(job_until("shop", WHO(_i).key, "running", 1 * SECONDS));
    job_ends("shop", "db", false);
    ck_assert(job_until("shop", WHO(_i).key, "failed", 1 * SECONDS));
    check_all_back(_i, 'a');
    ck_assert_uint_eq(job_starts("shop", "db"), 1);
}
END_TEST

/* Its end is the guest's will, not a fault. */
START_TEST(the_standby_is_powered_off)
{
    asks_until(1 + 3 * _i);
    fake_guest_shutdown(domain_of("shop", 'b'), 0);
    daemon_run(3 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "unprotected");
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
    ck_assert_uint_eq(queued(), 0);
    json_free(ask_ok(10 * SECONDS, "{\"op\":\"recover\",\"pair\":\"shop\"}"));
    check_all_back(1, 'a');
}
END_TEST

/* The pair keeps what it is made of, and what was granted beyond that is the pool's again. */
START_TEST(the_active_is_powered_off)
{
    asks_until(_i);
    if (FAR(_i) == GRANTED)
        ck_assert(job_until("shop", WHO(_i).key, "running", 1 * SECONDS));
    fake_guest_shutdown(domain_of("shop", 'a'), 0);
    ck_assert(daemon_until("shop", "stopped", 5 * SECONDS));
    daemon_run(1 * SECONDS);
    ck_assert_uint_eq(queued(), 0);
    ck_assert_uint_eq(unused_kb(), UNUSED_MIB * MIB);
}
END_TEST

/* ---- its memory does not come ---- */

START_TEST(a_guest_that_does_not_grow_is_denied)
{
    uint32_t id = domain_of("shop", WHO(_i).member);
    uint64_t had = tot_kb(id);

    fake_guest_refuse_balloon(id, true);
    asks_until(3 + _i); /* GROWS */
    d.step_ms = 20;
    daemon_run(9 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/%s/state", WHO(_i).key), "waiting");
    daemon_run(2 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/%s/state", WHO(_i).key), "failed");
    ck_assert_uint_eq(job_seen(WHO(_i).domain, "db")->denials, 1);
    ck_assert_ptr_nonnull(strstr(job_seen(WHO(_i).domain, "db")->deny_text, "no more comes"));
    ck_assert_uint_eq(tot_kb(id), had);
    fake_guest_refuse_balloon(id, false);
    check_all_back(_i, 'a');
}
END_TEST

/* What is unused is in nobody's hands, and another toolstack may be faster. */
START_TEST(what_others_took_from_the_host_is_missed_and_said)
{
    uint64_t taken = (HOST_MIB - 1312 - 200) * MIB; /* 200 are left */
    static const uint8_t uuid[16] = { 9 };

    d.extra_kb = taken;
    ck_assert_uint_ne(fake_stranger("other", uuid, taken), 0);
    asks_until(3 + _i);
    d.step_ms = 20;
    daemon_run(5 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/%s/state", WHO(_i).key), "waiting");
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    daemon_run(8 * SECONDS);
    ck_assert_str_eq(key(PAIR "/job/%s/state", WHO(_i).key), "failed");
    ck_assert_ptr_nonnull(strstr(job_seen(WHO(_i).domain, "db")->deny_text, "no more comes"));
    check_all_back(_i, 'a');
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd and requests that end early");
    TCase *c = daemon_case(s, "deaths", begin_asking, daemon_teardown, 20);

    tcase_add_loop_test(c, the_guest_dies, 0, CASES * DEATHS);
    tcase_add_loop_test(c, the_guest_dies_before_its_domain_has_grown, 0, 6);
    tcase_add_loop_test(c, both_members_die, 0, CASES);
    tcase_add_loop_test(c, both_members_die_one_after_the_other, 0, 2 * CASES);
    tcase_add_loop_test(c, the_other_member_dies, 0, CASES);

    c = daemon_case(s, "changes", begin_asking, daemon_teardown, 20);
    tcase_add_loop_test(c, the_guest_withdraws, 0, 6 * CHANGES);
    tcase_add_loop_test(c, the_size_changes_on_the_way, 0, 6 * SIZES);

    c = daemon_case(s, "no start", begin_asking, daemon_teardown, 20);
    tcase_add_loop_test(c, the_agent_refuses_to_start_it, 0, 3);
    tcase_add_loop_test(c, the_agent_does_not_answer, 0, 3);
    tcase_add_loop_test(c, the_job_fails, 0, 3);
    tcase_add_loop_test(c, the_standby_is_powered_off, 0, 3);
    tcase_add_loop_test(c, the_active_is_powered_off, 0, CASES);

    c = daemon_case(s, "no memory", begin_asking, daemon_teardown, 20);
    tcase_add_loop_test(c, a_guest_that_does_not_grow_is_denied, 0, 3);
    tcase_add_loop_test(c, what_others_took_from_the_host_is_missed_and_said, 0, 3);

    return daemon_run_suite(s);
}
