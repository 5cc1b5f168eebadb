/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xhs.cfg and pairs' files, from text to checked values: every refusal with its line and advice.
 * Not a test of libxlutil, nor of members' xl.cfg files.
 * Run by make check; files are made in a directory of their own below TMPDIR.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/config.h"
#include "xen/cfgfile.h"

static char dir[128];
static char file[160];
static struct config_raw raw;
static struct xhs_error err;

static void set_up(void)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(dir, sizeof dir, "%.80s/xhs-config-XXXXXX", tmp ? tmp : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/t.cfg", dir);
    memset(&err, 0, sizeof err);
}

static void tear_down(void)
{
    config_raw_free(&raw);
    config_raw_free(&raw);
    unlink(file);
    rmdir(dir);
}

static void write_file(const char *text, size_t len)
{
    FILE *f = fopen(file, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(text, 1, len, f), len);
    ck_assert_int_eq(fclose(f), 0);
}

static int read_text(const char *text)
{
    config_raw_free(&raw);
    memset(&err, 0, sizeof err);
    write_file(text, strlen(text));
    return cfgfile_read(file, &raw, &err);
}

static int pair(const char *text, struct pair_config *pc)
{
    return read_text(text) < 0 ? -1 : config_pair(&raw, pc, &err);
}

static int host(const char *text, struct host_config *hc)
{
    return read_text(text) < 0 ? -1 : config_host(&raw, hc, &err);
}

/* The error is of code CONFIG, begins with the file, and has :LINE: (none for 0) and the text. */
static void expect_error(const char *text, unsigned line, const char *says)
{
    char start[200];

    ck_assert_msg(err.code == XHS_E_CONFIG, "accepted: %s", text);
    if (line)
        snprintf(start, sizeof start, "%s:%u: ", file, line);
    else
        snprintf(start, sizeof start, "%s: ", file);
    ck_assert_msg(strncmp(err.text, start, strlen(start)) == 0, "%s", err.text);
    ck_assert_msg(strstr(err.text, says) != NULL, "%s", err.text);
}

#define NAME "name = \"shop\"\n"
#define MEMBERS "members = [ \"/x/a.cfg\", \"/x/b.cfg\" ]\n"
#define SIZES "memory = 1024\nstandby_memory = 160\n"

START_TEST(reads_pair)
{
    struct pair_config pc;

    ck_assert_int_eq(pair("# a pair\n" NAME "members = [ \"./a.cfg\", # beside\n"
                          "            '/x/b.cfg' ]; memory = 1024\n\n"
                          "standby_memory=160\nmax_memory = 1760\nsurplus = 'stay'\n"
                          "hang_timeout_ms = 250 # no newline", &pc), 0);
    char beside[200];
    snprintf(beside, sizeof beside, "%s/a.cfg", dir);
    ck_assert_str_eq(pc.name, "shop");
    ck_assert_str_eq(pc.file, file);
    ck_assert_str_eq(pc.member_file[0], beside);
    ck_assert_str_eq(pc.member_file[1], "/x/b.cfg");
    ck_assert_uint_eq(pc.memory_kb, 1024 * 1024);
    ck_assert_uint_eq(pc.standby_memory_kb, 160 * 1024);
    ck_assert_uint_eq(pc.max_memory_kb, 1760 * 1024);
    ck_assert_int_eq(pc.surplus, SURPLUS_STAY);
    ck_assert_uint_eq(pc.hang_timeout_ms, 250);
    ck_assert_uint_eq(pc.line_name, 2);
    ck_assert_uint_eq(pc.line_members, 3);
    ck_assert_uint_eq(pc.line_memory, 4);
    ck_assert_uint_eq(pc.line_standby, 6);
    ck_assert_uint_eq(pc.line_max, 7);
}
END_TEST

START_TEST(has_defaults)
{
    struct pair_config pc;
    struct host_config hc;

    ck_assert_int_eq(pair(NAME MEMBERS SIZES, &pc), 0);
    ck_assert_uint_eq(pc.max_memory_kb, 1184 * 1024);
    ck_assert_uint_eq(pc.line_max, 0);
    ck_assert_int_eq(pc.surplus, SURPLUS_FOLLOW);
    ck_assert_uint_eq(pc.hang_timeout_ms, 1000);

    ck_assert_int_eq(host("pool = 4096\n", &hc), 0);
    ck_assert_uint_eq(hc.pool_kb, 4096 * 1024);
    ck_assert_uint_eq(hc.reserve_kb, 0);
    ck_assert_str_eq(hc.log, "");
    ck_assert_str_eq(hc.socket_group, "");
    ck_assert_int_eq(host("pool=4096; reserve=128; socket_group='ops'; log=\"syslog\"\n", &hc), 0);
    ck_assert_uint_eq(hc.reserve_kb, 128 * 1024);
    ck_assert_str_eq(hc.log, "syslog");
    ck_assert_str_eq(hc.socket_group, "ops");
}
END_TEST

static const struct {
    const char *text;
    unsigned line;
    const char *says;
} bad_pairs[] = {
    { "", 0, "name is missing: add a line such as name = \"shop\"" },
    { MEMBERS SIZES, 0, "name is missing" },
    { NAME SIZES, 0, "add a line such as members = [ \"/etc/xen/shop-a.cfg\"" },
    { NAME MEMBERS "standby_memory = 160\n", 0, "memory = 1024" },
    { NAME MEMBERS "memory = 1024\n", 0, "standby_memory = 160" },
    { NAME MEMBERS "memroy = 1024\n", 3, "unknown key 'memroy': did you mean 'memory'?" },
    { NAME "standbymemory = 1\n", 2, "did you mean 'standby_memory'?" },
    { NAME "vcpus = 2\n", 2, "unknown key 'vcpus': remove it; this file may have name, members," },
    { NAME "\n" MEMBERS SIZES "name = 'x'\n", 6, "name is set in line 1 already" },
    { NAME MEMBERS SIZES "memory += 24\n", 5, "memory is set in line 3 already" },
    { "name = [ \"shop\" ]\n", 1, "name must be one value, no list, such as name = " },
    { NAME "members = \"/x/a.cfg\"\n", 2, "members must be a list, such as members = [" },
    { NAME "members = [ \"/x/a.cfg\", [ \"/x/b.cfg\" ] ]\n", 2, "members has a list inside" },
    { NAME SIZES "members = [ ]\n", 4, "a pair has two members, and this list has 0" },
    { NAME SIZES "members = [ \"/x/a.cfg\" ]\n", 4, "this list has 1" },
    { NAME SIZES "members = [ '/a', '/b' ]\nmembers += [ '/c' ]\n", 4, "this list has 3" },
    { NAME SIZES "members = [ 'a.cfg', './a.cfg' ]\n", 4, "both members are " },
    { NAME SIZES "members = [ 'a.cfg', '' ]\n", 4, "an empty file name" },
    { "name = \"a b\"\n" MEMBERS SIZES, 1, "use 1 to 40 of the characters" },
    { "name = \"\"\n" MEMBERS SIZES, 1, "use 1 to 40 of the characters" },
    { NAME MEMBERS "standby_memory = 160\nmemory = \"1G\"\n", 4, "is no number: give a whole" },
    { NAME MEMBERS "standby_memory = 160\nmemory = \"\"\n", 4, "is no number" },
    { NAME MEMBERS "standby_memory = 160\nmemory = 0x400\n", 4, "is no number" },
    { NAME MEMBERS "standby_memory = 160\nmemory = 01024\n", 4, "is no number" },
    { NAME MEMBERS "standby_memory = 160\nmemory = \"-5\"\n", 4, "-5 is negative" },
    { NAME MEMBERS "standby_memory = 160\nmemory = 16777217\n", 4, "in MiB, 0 to 16777216" },
    { NAME MEMBERS "standby_memory = 1\nmemory = 99999999999999999999\n", 4, "out of range" },
    { NAME MEMBERS "memory = 1024\nstandby_memory = 95\n", 4, "give at least 96" },
    { NAME MEMBERS "memory = 160\nstandby_memory = 160\n", 4, "less than memory = 160 (line 3)" },
    { NAME MEMBERS SIZES "max_memory = 1023\n", 5, "not be less than memory = 1024 (line 3)" },
    { NAME MEMBERS SIZES "max_memory = 11265\n", 5,
      "lower it to 11264 or raise memory to 1025" },
    { NAME MEMBERS SIZES "surplus = 'go'\n", 5, "surplus = 'go': write \"follow\"" },
    { NAME MEMBERS SIZES "hang_timeout_ms = 99\n", 5, "in milliseconds, 100 to 60000" },
    { NAME MEMBERS SIZES "hang_timeout_ms = 60001\n", 5, "in milliseconds, 100 to 60000" },
};

START_TEST(refuses_pair)
{
    struct pair_config pc = { .name = "untouched" };

    ck_assert_int_eq(pair(bad_pairs[_i].text, &pc), -1);
    expect_error(bad_pairs[_i].text, bad_pairs[_i].line, bad_pairs[_i].says);
    ck_assert_str_eq(pc.name, "untouched");
}
END_TEST

static const struct {
    const char *text;
    unsigned line;
    const char *says;
} bad_hosts[] = {
    { "reserve = 1\n", 0, "pool is missing: add a line such as pool = 4096" },
    { "pool = 0\n", 1, "leaves nothing to manage" },
    { "pool = 64\nreserve = 64\n", 2, "reserve = 64 must be less than pool = 64" },
    { "pool = 64\nlog = 'file'\n", 2, "write \"stderr\" or \"syslog\"" },
    { "pool = 64\nsocket_groups = 'x'\n", 2, "did you mean 'socket_group'?" },
    { "pool = 64\nsocket_group = "
      "'0123456789012345678901234567890123456789012345678901234567890123'\n",
      2, "longer than 63 bytes" },
};

START_TEST(refuses_host)
{
    struct host_config hc;

    ck_assert_int_eq(host(bad_hosts[_i].text, &hc), -1);
    expect_error(bad_hosts[_i].text, bad_hosts[_i].line, bad_hosts[_i].says);
}
END_TEST

static const struct {
    const char *text;
    unsigned line;
} bad_syntax[] = {
    { "pool 4096\n", 1 },
    { "pool = \n", 1 },
    { "\n\npool = \n", 3 },
    { "\npool = # what?\n", 2 },
    { "pool = 1\nname = \"open\n", 2 },
    { "pool = 1\nlist = [ 'a',\n 'b'\n", 3 },
    { "pool = 1 reserve = 2\n", 1 },
    { "pool = -1\n", 1 },
    { "Pool = 1\n", 1 },
    { "pool = 1\nl = [ 1 ]\nl += 'x'\n", 3 },
    { "pool = 1\r\n", 1 },
    { "\033[31m = 1\n", 1 },
};

START_TEST(refuses_syntax)
{
    ck_assert_int_eq(read_text(bad_syntax[_i].text), -1);
    expect_error(bad_syntax[_i].text, bad_syntax[_i].line, "xl.cfg(5)");
    for (const char *p = err.text; *p; p++)
        ck_assert(*p >= ' ' && *p <= '~');
}
END_TEST

/* Names and lines come from xhs's own scanner, and must follow libxlutil through all of this. */
START_TEST(finds_lines)
{
    static const char text[] = "a1 = 1; b.c = '# no \\' comment; x = 1' # d = 4\n"
                               ";;\n"
                               "\te = [ \"]\", 'f = 1', # g = 1 ' \"\n"
                               "   0x1f, ] \n"
                               "h=12ab;i=\"\\\"\";j += [ 'z' ]\n"
                               "e\t+= [ 'k' ]";
    static const struct {
        const char *name, *value;
        unsigned n, line;
    } expected[] = {
        { "a1", "1", 1, 1 }, { "b.c", "# no ' comment; x = 1", 1, 1 },
        { "e", "]", 4, 3 },  { "h", "12ab", 1, 5 },
        { "i", "\"", 1, 5 }, { "j", "z", 1, 5 },
    };

    ck_assert_msg(read_text(text) == 0, "%s", err.text);
    ck_assert_uint_eq(raw.n, sizeof expected / sizeof expected[0]);
    for (unsigned i = 0; i < raw.n; i++) {
        ck_assert_str_eq(raw.setting[i].name, expected[i].name);
        ck_assert_str_eq(raw.setting[i].value[0], expected[i].value);
        ck_assert_uint_eq(raw.setting[i].n, expected[i].n);
        ck_assert_uint_eq(raw.setting[i].line, expected[i].line);
    }
    ck_assert(raw.setting[2].is_list);
    ck_assert_str_eq(raw.setting[2].value[3], "k");
}
END_TEST

START_TEST(limits_settings)
{
    char text[2000] = "";

    for (int i = 0; i <= CONFIG_SETTINGS_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "k%d = 1\n", i);
    ck_assert_int_eq(read_text(text), -1);
    expect_error(text, CONFIG_SETTINGS_MAX + 1, "more than 64 settings");
}
END_TEST

START_TEST(refuses_files)
{
    static char big[1024 * 1024 + 1];

    ck_assert_int_eq(cfgfile_read(file, &raw, &err), -1);
    expect_error("no file", 0, "No such file or directory");

    write_file("pool = 1\n\0\n", 11);
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(cfgfile_read(file, &raw, &err), -1);
    expect_error("NUL", 2, "a NUL byte");

    memset(big, '\n', sizeof big);
    write_file(big, sizeof big);
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(cfgfile_read(file, &raw, &err), -1);
    expect_error("big", 0, "larger than 1 MiB");
    write_file(big, sizeof big - 1);
    ck_assert_int_eq(cfgfile_read(file, &raw, &err), 0);
    ck_assert_uint_eq(raw.n, 0);

    unlink(file);
    ck_assert_int_eq(mkfifo(file, 0600), 0);
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(cfgfile_read(file, &raw, &err), -1);
    expect_error("FIFO", 0, "is no regular file");

    memset(&err, 0, sizeof err);
    ck_assert_int_eq(cfgfile_read(dir, &raw, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "is a directory"));

    memset(big, 'x', 300);
    big[300] = '\0';
    memset(&err, 0, sizeof err);
    ck_assert_int_eq(cfgfile_read(big, &raw, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "longer than 255 bytes"));
}
END_TEST

START_TEST(knows_boot_memory)
{
    struct pair_config pc = { .memory_kb = 1024 * 1024, .standby_memory_kb = 100 * 1024 };

    pc.max_memory_kb = 1760 * 1024; /* 11 * 160 */
    ck_assert_uint_eq(config_min_boot_kb(&pc), 160 * 1024);
    pc.max_memory_kb = 1761 * 1024;
    ck_assert_uint_eq(config_min_boot_kb(&pc), 161 * 1024);
    pc.max_memory_kb = 1024 * 1024;
    ck_assert_uint_eq(config_min_boot_kb(&pc), 100 * 1024);
}
END_TEST

START_TEST(finds_nearest)
{
    static const char *const known[] = { "list", "show", "destroy", "standby_memory" };
    static const struct {
        const char *word, *nearest;
    } words[] = {
        { "lsit", "list" }, { "lits", "list" },       { "sohw", "show" }, { "dest", "destroy" },
        { "s", NULL },      { "destory", "destroy" }, { "", NULL },       { "frobnicate", NULL },
        { "standby-memory", "standby_memory" },
        { "a-word-much-longer-than-any-that-is-known-here", NULL },
    };

    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        const char *nearest = config_nearest(words[i].word, known, 4);
        ck_assert_pstr_eq(nearest, words[i].nearest);
    }
}
END_TEST

START_TEST(knows_words)
{
    enum surplus_policy policy = SURPLUS_STAY;

    ck_assert(surplus_parse("follow", &policy));
    ck_assert_str_eq(surplus_word(policy), "follow");
    ck_assert(!surplus_parse("Follow", &policy));
}
END_TEST

#define LEN(a) (int)(sizeof(a) / sizeof((a)[0]))

int main(void)
{
    Suite *s = suite_create("config");
    TCase *t = tcase_create("config");

    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, reads_pair);
    tcase_add_test(t, has_defaults);
    tcase_add_loop_test(t, refuses_pair, 0, LEN(bad_pairs));
    tcase_add_loop_test(t, refuses_host, 0, LEN(bad_hosts));
    tcase_add_loop_test(t, refuses_syntax, 0, LEN(bad_syntax));
    tcase_add_test(t, finds_lines);
    tcase_add_test(t, limits_settings);
    tcase_add_test(t, refuses_files);
    tcase_add_test(t, knows_boot_memory);
    tcase_add_test(t, finds_nearest);
    tcase_add_test(t, knows_words);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
