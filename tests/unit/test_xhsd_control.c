/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's control socket, as wire/proto.h says: a real unix socket, good clients and bad ones,
 * refusals of create and reload. Over the simulated host. What xhs makes of it: test_cli.sh.
 */
#include "tests/unit/daemon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define PAIR "/tool/xhs/pair/shop"

static void begin(void)
{
    daemon_setup();
    fake_speed.boot_ns = 400 * FAKE_MS;
    fake_speed.create_ns = 200 * FAKE_MS;
    daemon_start();
    daemon_run(10);
}

static void begin_with_shop(void)
{
    begin();
    pair_form("shop");
}

/* Still there, and in its senses. */
static void answers(void)
{
    json_free(ask_ok(50, "{\"op\":\"version\"}"));
}

static void check_refusal(struct client *c, const char *code)
{
    struct jval *v = client_answer(c, 50);

    ck_assert_ptr_nonnull(v);
    ck_assert(!json_bool(v, "ok", true));
    ck_assert_str_eq(json_str(v, "code", ""), code);
    ck_assert_str_ne(json_str(v, "error", ""), "");
    json_free(v);
}

static void check_ok(struct client *c)
{
    struct jval *v = client_answer(c, 20 * SECONDS);

    ck_assert_msg(json_bool(v, "ok", false), "%s", json_str(v, "error", "no answer"));
    json_free(v);
}

/* ---- answers ---- */

START_TEST(only_its_owner_may_talk_to_it)
{
    struct stat st;

    ck_assert_int_eq(stat(d.socket, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

static void has(const struct jval *v, const char *const *names)
{
    for (; *names; names++)
        ck_assert_msg(json_get(v, *names) != NULL, "no member %s", *names);
}

#define HAS(v, ...) has(v, (const char *const[]){ __VA_ARGS__, NULL })

START_TEST(answers_have_the_members_of_the_protocol)
{
    struct jval *v = ask_ok(50, "{\"op\":\"version\"}");
    const struct jval *p;

    HAS(json_get(v, "result"), "version", "xen", "pid", "uptime_ms");
    json_free(v);

    v = ask_ok(50, "{\"op\":\"list\"}");
    p = json_at(json_get(json_get(v, "result"), "pairs"), 0);
    HAS(p, "name", "state", "reason", "trigger", "epoch", "protected", "active", "takeovers");
    ck_assert_uint_eq(json_len(json_get(p, "members")), 2);
    HAS(json_at(json_get(p, "members"), 1), "member", "name", "domid", "uuid", "role", "domain",
        "agent", "memory_kb", "target_kb", "owned_kb");
    ck_assert_str_eq(json_str(json_at(json_get(p, "members"), 1), "role", ""), "standby");
    ck_assert_int_eq(json_i64(json_at(json_get(p, "members"), 1), "memory_kb", 0),
                     STANDBY_MIB * MIB);
    json_free(v);

    v = ask_ok(50, "{\"op\":\"show\",\"pair\":\"shop\"}");
    p = json_get(v, "result");
    HAS(p, "name", "state", "config", "areas", "jobs", "takeover");
    HAS(json_get(p, "config"), "file", "members", "memory_kb", "standby_memory_kb",
        "max_memory_kb", "surplus", "hang_timeout_ms");
    ck_assert_uint_eq(json_len(json_get(p, "areas")), 4);
    ck_assert_uint_eq(json_len(json_get(p, "jobs")), 1);
    json_free(v);

    v = ask_ok(50, "{\"op\":\"table\"}");
    p = json_get(v, "result");
    HAS(p, "pool_kb", "reserve_kb", "reserve_have_kb", "unused_kb");
    ck_assert_int_eq(json_i64(p, "unused_kb", 0),
                     (POOL_MIB - RESERVE_MIB - ACTIVE_MIB - STANDBY_MIB) * MIB);
    HAS(json_at(json_get(p, "areas"), 3), "pair", "area", "resource", "size_kb", "have_kb", "owner",
        "owner_domain", "on_fault", "on_fault_domain");
    json_free(v);

    v = ask_ok(50, "{\"op\":\"jobs\",\"pair\":\"shop\"}");
    p = json_at(json_get(json_get(v, "result"), "jobs"), 0);
    HAS(p, "pair", "job", "state", "owner", "owner_domain", "hot_standby", "memory_kb", "min_kb",
        "request", "reason");
    json_free(v);
}
END_TEST

START_TEST(tells_the_story_of_a_takeover)
{
    static const char *const phases[] = { "detect", "fence",  "plan",  "move",
                                          "commit", "start",  "memory", "after" };
    struct jval *v;
    const struct jval *t;

    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(5 * SECONDS);
    v = ask_ok(50, "{\"op\":\"show\",\"pair\":\"shop\"}");
    t = json_get(json_get(v, "result"), "takeover");
    HAS(t, "request", "victim", "heir", "done", "phases");
    ck_assert_str_eq(json_str(t, "heir", ""), "shop-b");
    ck_assert(json_bool(t, "done", false));
    ck_assert_uint_eq(json_len(json_get(t, "phases")), 8);
    for (size_t i = 0; i < 8; i++) {
        const struct jval *p = json_at(json_get(t, "phases"), i);
        ck_assert_str_eq(json_str(p, "phase", ""), phases[i]);
        ck_assert(i == 0 || json_num(p, "ms", 0) >=
                                json_num(json_at(json_get(t, "phases"), i - 1), "ms", -1));
    }
    ck_assert_str_eq(json_str(json_get(v, "result"), "active", ""), "b");
    json_free(v);
}
END_TEST

START_TEST(follows_the_events_of_one_pair)
{
    struct client *c = client_new();
    struct jval *v;
    int64_t seq = 0;
    unsigned states = 0, phases = 0;

    client_send(c, "{\"op\":\"events\",\"pair\":\"shop\",\"follow\":true}");
    v = client_answer(c, 50);
    ck_assert_uint_gt(json_len(json_get(json_get(v, "result"), "events")), 3);
    json_free(v);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(5 * SECONDS);
    while ((v = client_answer(c, 1)) != NULL) {
        const struct jval *e = json_get(v, "event");
        HAS(e, "seq", "time", "mono_ms", "pair", "type", "text");
        ck_assert_str_eq(json_str(e, "pair", ""), "shop");
        ck_assert_int_gt(json_i64(e, "seq", 0), seq);
        seq = json_i64(e, "seq", 0);
        states += strcmp(json_str(e, "type", ""), "state") == 0;
        phases += strcmp(json_str(e, "type", ""), "phase") == 0;
        json_free(v);
    }
    ck_assert_uint_eq(states, 5);
    ck_assert_uint_eq(phases, 8);
    client_free(c);
    daemon_run(10);
    answers();
}
END_TEST

/* ---- bad clients ---- */

static const struct {
    const char *line, *code;
} bad_lines[] = {
    { "", "protocol" },
    { " ", "protocol" },
    { "hello", "protocol" },
    { "{", "protocol" },
    { "{\"op\":\"list\"", "protocol" },
    { "{\"op\":\"list\"}}", "protocol" },
    { "{\"op\":\"\\u0000list\"}", "protocol" },
    { "{\"op\":\"\xff\xfe\"}", "protocol" },
    { "/* list */ {\"op\":\"list\"}", "protocol" },
    { "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "protocol" },
    { "[]", "unsupported" },
    { "null", "unsupported" },
    { "\"list\"", "unsupported" },
    { "{}", "unsupported" },
    { "{\"op\":7}", "unsupported" },
    { "{\"op\":{\"op\":\"list\"}}", "unsupported" },
    { "{\"op\":\"LIST\"}", "unsupported" },
    { "{\"op\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9\"}", "unsupported" },
    { "{\"op\":\"show\"}", "usage" },
    { "{\"op\":\"show\",\"pair\":7}", "usage" },
    { "{\"op\":\"show\",\"pair\":\"../shop\"}", "not-found" },
    { "{\"op\":\"show\",\"pair\":\"\"}", "not-found" },
    { "{\"op\":\"table\",\"pair\":\"none\"}", "not-found" },
    { "{\"op\":\"destroy\"}", "usage" },
    { "{\"op\":\"destroy\",\"pair\":\"none\"}", "not-found" },
    { "{\"op\":\"recover\",\"pair\":\"none\"}", "not-found" },
    { "{\"op\":\"recover\",\"pair\":\"shop\"}", "state" },
    { "{\"op\":\"create\"}", "usage" },
    { "{\"op\":\"create\",\"file\":\"shop.cfg\"}", "usage" },
    { "{\"op\":\"create\",\"file\":[\"/tmp\"]}", "usage" },
    { "{\"op\":\"create\",\"file\":\"/nonexistent/shop.cfg\"}", "config" },
};

/* All over one connection: a bad line ends nothing. */
START_TEST(answers_bad_lines_with_an_error)
{
    struct client *c = client_new();

    for (size_t i = 0; i < sizeof bad_lines / sizeof bad_lines[0]; i++) {
        struct jval *v;
        client_send(c, "%s", bad_lines[i].line);
        v = client_answer(c, 50);
        ck_assert_msg(v != NULL, "no answer to %s", bad_lines[i].line);
        ck_assert_msg(!json_bool(v, "ok", true), "%s is taken", bad_lines[i].line);
        ck_assert_msg(strcmp(json_str(v, "code", ""), bad_lines[i].code) == 0, "%s: %s, %s",
                      bad_lines[i].line, json_str(v, "code", ""), json_str(v, "error", ""));
        json_free(v);
    }
    client_bytes(c, "{\"op\":\0\"list\"}\n", 15);
    check_refusal(c, "protocol");
    client_send(c, "{\"op\":\"list\"}");
    check_ok(c);
    client_free(c);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
}
END_TEST

START_TEST(drops_who_sends_too_long_a_line)
{
    struct client *c = client_new(), *fits = client_new();
    static char line[9000];

    memset(line, ' ', sizeof line);
    memcpy(line, "{\"op\":\"list\"}", 13);
    line[8190] = '\n';
    client_bytes(fits, line, 8191); /* as long as one may be */
    check_ok(fits);
    client_free(fits);
    line[8190] = ' ';
    client_bytes(c, line, sizeof line);
    daemon_run(10);
    ck_assert(client_closed(c));
    client_free(c);
    answers();
}
END_TEST

START_TEST(takes_a_line_in_pieces_and_lines_in_one)
{
    static const char line[] = "{\"op\":\"list\"}\n";
    struct client *c = client_new();

    for (size_t i = 0; i < sizeof line - 1; i++) {
        client_bytes(c, line + i, 1);
        daemon_run(1);
    }
    check_ok(c);
    client_send(c, "{\"op\":\"list\"}\n{\"op\":\"show\"}\n{\"op\":\"version\"}");
    check_ok(c);
    check_refusal(c, "usage");
    check_ok(c);
    client_free(c);
}
END_TEST

START_TEST(a_second_request_does_not_cost_the_first_its_answer)
{
    struct client *c = client_new();
    const char *file = pair_file("shop", NULL);

    client_send(c, "{\"op\":\"create\",\"file\":\"%s\"}", file);
    daemon_run(20); /* being parsed */
    client_send(c, "{\"op\":\"list\"}");
    check_refusal(c, "usage");
    daemon_run(300); /* being built */
    client_send(c, "{\"op\":\"list\"}");
    check_refusal(c, "usage");
    check_ok(c);
    client_send(c, "{\"op\":\"destroy\",\"pair\":\"shop\"}\n{\"op\":\"list\"}");
    check_refusal(c, "usage");
    check_ok(c);
    client_free(c);
    daemon_run(10);
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
}
END_TEST

/* At each of these ms it hangs up; what it asked for is done all the same. */
static const int hang_up_at[] = { 0, 5, 50, 101, 150, 400, 700 };

START_TEST(does_what_a_client_asked_that_is_gone)
{
    struct client *c = client_new();

    client_send(c, "{\"op\":\"create\",\"file\":\"%s\"}", pair_file("shop", NULL));
    daemon_run(hang_up_at[_i] + 1);
    client_free(c);
    daemon_run(3 * SECONDS);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    c = client_new();
    client_send(c, "{\"op\":\"destroy\",\"pair\":\"shop\"}");
    daemon_run(hang_up_at[_i] + 1);
    client_free(c);
    daemon_run(3 * SECONDS);
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
    answers();
}
END_TEST

START_TEST(a_client_that_hangs_up_hears_of_nothing_more)
{
    struct client *c = client_new();

    client_send(c, "{\"op\":\"events\",\"follow\":true}");
    daemon_run(10);
    shutdown(client_fd(c), SHUT_RDWR);
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(5 * SECONDS);
    check_rest("shop", 'b');
    client_free(c);
}
END_TEST

/* It asks and asks and does not read: it is dropped before it costs much, and costs nobody. */
START_TEST(drops_who_does_not_read)
{
    struct client *c = client_new(), *other = client_new();

    for (int i = 0; i < 2000; i++) {
        static const char line[] = "{\"op\":\"show\",\"pair\":\"shop\"}\n";
        if (send(client_fd(c), line, sizeof line - 1, MSG_NOSIGNAL) != sizeof line - 1)
            break;
        if (i % 100 == 0) {
            daemon_run(5);
            client_send(other, "{\"op\":\"list\"}");
            check_ok(other);
        }
    }
    daemon_run(10);
    ck_assert_int_eq(send(client_fd(c), "\n", 1, MSG_NOSIGNAL), -1);
    ck_assert_int_eq(errno, EPIPE);
    client_free(c);
    client_free(other);
    answers();
}
END_TEST

START_TEST(gives_a_slow_reader_all_it_asked_for)
{
    struct client *c = client_new();
    unsigned n = 0;

    for (int i = 0; i < 300; i++) {
        client_send(c, "{\"op\":\"show\",\"pair\":\"shop\"}");
        daemon_run(1);
    }
    for (int i = 0; i < 100 && n < 300; i++) {
        while (client_line(c))
            n++;
        daemon_run(5);
    }
    ck_assert_uint_eq(n, 300);
    client_free(c);
}
END_TEST

START_TEST(serves_many_at_once)
{
    struct client *c[14]; /* the socket's backlog */
    int n = sizeof c / sizeof c[0];

    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < n; i++) {
            c[i] = client_new();
            client_send(c[i], "{\"op\":\"events\",\"follow\":true}");
        }
        daemon_run(10);
        for (int i = 0; i < n; i++)
            check_ok(c[i]);
        for (int i = 0; i < n; i++)
            client_free(c[i]);
    }
    daemon_run(10);
    answers();
}
END_TEST

/* ---- two of them ---- */

START_TEST(only_one_of_two_creates_it)
{
    struct client *c = client_new(), *e = client_new();
    const char *file = pair_file("shop", NULL);

    client_send(c, "{\"op\":\"create\",\"file\":\"%s\"}", file);
    client_send(e, "{\"op\":\"create\",\"file\":\"%s\"}", file);
    daemon_run(150);
    check_refusal(e, "exists");
    check_ok(c);
    ck_assert_str_eq(key(PAIR "/state"), "protected");
    client_free(c);
    client_free(e);
}
END_TEST

START_TEST(both_of_two_hear_that_it_is_destroyed)
{
    struct client *c = client_new(), *e = client_new();

    client_send(c, "{\"op\":\"destroy\",\"pair\":\"shop\"}");
    daemon_run(50);
    client_send(e, "{\"op\":\"destroy\",\"pair\":\"shop\"}");
    check_ok(c);
    check_ok(e);
    client_free(c);
    client_free(e);
}
END_TEST

START_TEST(a_pair_is_destroyed_while_it_is_formed)
{
    struct client *c = client_new();

    client_send(c, "{\"op\":\"create\",\"file\":\"%s\"}", pair_file("shop", NULL));
    daemon_run(_i * 60);
    json_free(ask_ok(5 * SECONDS, "{\"op\":\"destroy\",\"pair\":\"shop\"}"));
    check_refusal(c, "xen");
    client_free(c);
    daemon_run(2 * SECONDS);
    check_book();
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
    ck_assert_uint_eq(keys_below("/libxl"), 0);
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
}
END_TEST

START_TEST(a_pair_is_destroyed_in_a_takeover)
{
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(_i * 50);
    json_free(ask_ok(5 * SECONDS, "{\"op\":\"destroy\",\"pair\":\"shop\"}"));
    daemon_run(2 * SECONDS);
    check_book();
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
    ck_assert_uint_eq(keys_below("/libxl"), 0);
    ck_assert_uint_eq(holder_kb(), RESERVE_MIB * MIB);
    ck_assert_uint_eq(job_runs_in("shop", "web"), 0);
}
END_TEST

/* ---- refusals of create ---- */

static void refused(const char *code, const char *text, const char *file)
{
    ask_fails(2 * SECONDS, code, text, "{\"op\":\"create\",\"file\":\"%s\"}", file);
    ck_assert_uint_eq(fake_calls(FAKE_DOM_CREATE), 0);
    ck_assert_uint_eq(keys_below("/tool/xhs/pair"), 0);
}

START_TEST(refuses_a_pairs_file_with_its_line)
{
    refused("config", "shop.cfg:4: unknown key 'memroy'",
            pair_file("shop", "standby_memory = 160\nmemroy = 1024"));
    refused("config", "memory is missing", pair_file("shop", "standby_memory = 160"));
    refused("config", "shop.cfg:4: standby_memory = 2000 must be less than memory",
            pair_file("shop", "memory = 1024\nstandby_memory = 2000"));
    refused("config", "No such file", "/nonexistent/x.cfg");
    refused("config", "shop.cfg", text_file("shop.cfg", "name = \n = ["));
}
END_TEST

START_TEST(refuses_a_members_file)
{
    const char *file = pair_file("shop", NULL);
    char pair[160];

    snprintf(pair, sizeof pair, "%s", file);
    text_file("shop-b.cfg", "name = \"shop-b\"\ntype = \"pv\"\npci = [ \"01:00.0\" ]\n");
    refused("config", "shop-b.cfg:3: pci: a passed-through device", pair);
    text_file("shop-b.cfg", "name = \"shop-b\"\n\ntype = \"hvm\"\n");
    refused("config", "shop-b.cfg:3: type is hvm", pair);
    text_file("shop-b.cfg", "name = \"shop-a\"\ntype = \"pv\"\n");
    refused("config", "shop.cfg:2: both members have the name shop-a", pair);
    text_file("shop-b.cfg", "type = \"pv\"\n");
    refused("config", "shop-b.cfg: xl:", pair);
    text_file("shop-b.cfg", "name = \"shop-b\"\ntype = \"pv\"\n");
    fake_fail(FAKE_DOM_PARSE, 1, 1);
    refused("config", "shop-b.cfg: DOM_PARSE failed", pair);
    fake_fail(FAKE_DOM_PARSE, 0, 2);
    refused("config", "shop-a.cfg: DOM_PARSE failed", pair);
}
END_TEST

START_TEST(refuses_what_has_no_room)
{
    static const uint8_t uuid[16] = { 0xee };
    uint32_t stranger;

    refused("memory", "shop.cfg:3: the pair needs 2460 MiB, the pool has 2432 MiB unused",
            pair_file("shop", "memory = 2300\nstandby_memory = 160"));
    refused("config", "shop.cfg:4: a standby boots with max_memory/11 = 300 MiB, 140 more than",
            pair_file("shop", "memory = 1024\nstandby_memory = 160\nmax_memory = 3300"));
    d.extra_kb = 2100 * MIB;
    stranger = fake_stranger("filler", uuid, 2099 * MIB);
    refused("memory", "the pair needs 1184 MiB, the host has 1101 MiB free and unclaimed",
            pair_file("shop", NULL));
    fake_xl_destroy(stranger);
    fake_stranger("shop-b", uuid, 64 * MIB);
    refused("exists", "domain shop-b exists already", pair_file("shop", NULL));
}
END_TEST

START_TEST(refuses_another_pair_with_the_same_member)
{
    const char *file = text_file("mail.cfg", "name = \"mail\"\n"
                                             "members = [ \"shop-b.cfg\", \"mail-b.cfg\" ]\n"
                                             "memory = 512\nstandby_memory = 128\n");
    char mail[160];

    snprintf(mail, sizeof mail, "%s", file);
    text_file("mail-b.cfg", "name = \"mail-b\"\ntype = \"pv\"\n");
    ask_fails(2 * SECONDS, "config", "mail.cfg:2: domain shop-b is a member of pair shop already",
              "{\"op\":\"create\",\"file\":\"%s\"}", mail);
    ask_fails(2 * SECONDS, "exists", "pair shop exists already: it is protected",
              "{\"op\":\"create\",\"file\":\"%s\"}", pair_file("shop", NULL));
    daemon_run(500);
    check_rest("shop", 'a');
}
END_TEST

/* ---- reload ---- */

static void reload_refused(const char *cfg, const char *code, const char *text)
{
    xhs_cfg(cfg);
    ask_fails(100, code, text, "{\"op\":\"reload\"}");
    daemon_run(100);
    ck_assert_uint_eq(key_u64("/tool/xhs/host/pool_kb"), POOL_MIB * MIB);
    ck_assert_uint_eq(key_u64("/tool/xhs/host/reserve_kb"), RESERVE_MIB * MIB);
    check_rest("shop", 'a');
}

START_TEST(refuses_a_reload_as_a_whole)
{
    reload_refused("pool = 1300\nreserve = 128\n", "memory", "pairs hold 1184 MiB");
    reload_refused("pool = 2560\nreserve = 2560\n", "config", "xhs.cfg:2: reserve = 2560 must be");
    reload_refused("pool = 2560\nreserv = 64\n", "config", "did you mean 'reserve'");
    reload_refused("pool = ", "config", "xhs.cfg");
    remove(d.cfg);
    ask_fails(100, "config", "xhs.cfg", "{\"op\":\"reload\"}");
}
END_TEST

START_TEST(refuses_a_reload_that_takes_back_what_is_lent)
{
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(20);
    xhs_cfg("pool = 2560\nreserve = 63\n");
    ask_fails(100, "memory", "a takeover under way has 64 MiB of the reserve",
              "{\"op\":\"reload\"}");
    daemon_run(5 * SECONDS);
    json_free(ask_ok(100, "{\"op\":\"reload\"}"));
    daemon_run(100);
    ck_assert_uint_eq(holder_kb(), 63 * MIB);
}
END_TEST

START_TEST(refuses_a_reserve_that_a_standby_cannot_boot_with)
{
    d.extra_kb = 96 * MIB;
    pair_create(pair_file("shop", "memory = 1024\nstandby_memory = 160\nmax_memory = 2816"));
    xhs_cfg("pool = 2560\nreserve = 90\n");
    ask_fails(100, "memory", "the standby of pair shop boots with 96 MiB more than it owns",
              "{\"op\":\"reload\"}");
    xhs_cfg("pool = 2560\nreserve = 96\n");
    json_free(ask_ok(100, "{\"op\":\"reload\"}"));
}
END_TEST

START_TEST(reloads)
{
    xhs_cfg("pool = 3000\nreserve = 256\n");
    json_free(ask_ok(100, "{\"op\":\"reload\"}"));
    daemon_run(100);
    check_book();
    ck_assert_uint_eq(key_u64("/tool/xhs/host/pool_kb"), 3000 * MIB);
    ck_assert_uint_eq(key_u64("/tool/xhs/host/reserve_kb"), 256 * MIB);
    check_rest("shop", 'a');
    fake_guest_crash(domain_of("shop", 'a'));
    daemon_run(20);
    ck_assert_uint_eq(holder_kb(), (256 - 64) * MIB);
    daemon_run(5 * SECONDS);
    check_rest("shop", 'b');
}
END_TEST

int main(void)
{
    Suite *s = suite_create("xhsd's socket");
    TCase *c = daemon_case(s, "with a pair", begin_with_shop, daemon_teardown, 20);

    tcase_add_test(c, only_its_owner_may_talk_to_it);
    tcase_add_test(c, answers_have_the_members_of_the_protocol);
    tcase_add_test(c, tells_the_story_of_a_takeover);
    tcase_add_test(c, follows_the_events_of_one_pair);
    tcase_add_test(c, answers_bad_lines_with_an_error);
    tcase_add_test(c, drops_who_sends_too_long_a_line);
    tcase_add_test(c, takes_a_line_in_pieces_and_lines_in_one);
    tcase_add_test(c, a_client_that_hangs_up_hears_of_nothing_more);
    tcase_add_test(c, drops_who_does_not_read);
    tcase_add_test(c, gives_a_slow_reader_all_it_asked_for);
    tcase_add_test(c, serves_many_at_once);
    tcase_add_test(c, both_of_two_hear_that_it_is_destroyed);
    tcase_add_loop_test(c, a_pair_is_destroyed_in_a_takeover, 0, 20);
    tcase_add_test(c, refuses_another_pair_with_the_same_member);
    tcase_add_test(c, refuses_a_reload_as_a_whole);
    tcase_add_test(c, refuses_a_reload_that_takes_back_what_is_lent);
    tcase_add_test(c, reloads);

    c = daemon_case(s, "without", begin, daemon_teardown, 20);
    tcase_add_test(c, a_second_request_does_not_cost_the_first_its_answer);
    tcase_add_loop_test(c, does_what_a_client_asked_that_is_gone, 0,
                        sizeof hang_up_at / sizeof hang_up_at[0]);
    tcase_add_test(c, only_one_of_two_creates_it);
    tcase_add_loop_test(c, a_pair_is_destroyed_while_it_is_formed, 2, 12);
    tcase_add_test(c, refuses_a_pairs_file_with_its_line);
    tcase_add_test(c, refuses_a_members_file);
    tcase_add_test(c, refuses_what_has_no_room);
    tcase_add_test(c, refuses_a_reserve_that_a_standby_cannot_boot_with);

    return daemon_run_suite(s);
}
