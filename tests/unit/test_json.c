/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON in and out: what is written, what is read back, and why hostile text is refused.
 * Not a test of yajl, nor of the control protocol.
 * Run by make check; with --enable-sanitizers a read past a text's end, or a leak, shows.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/json.h"

/* Parse a copy of exactly len bytes, so that the sanitizer sees a read beyond them. */
static struct jval *parse_n(const char *text, size_t len, struct xhs_error *err)
{
    char *copy = malloc(len ? len : 1);
    struct jval *v;

    memcpy(copy, text, len);
    memset(err, 0, sizeof *err);
    v = json_parse(copy, len, err);
    free(copy);
    return v;
}

static struct jval *parse(const char *text)
{
    struct xhs_error err;
    struct jval *v = parse_n(text, strlen(text), &err);

    ck_assert_msg(v != NULL, "%s: %s", text, err.text);
    return v;
}

/* What a value is when written again. */
static void expect_again(const char *text, const char *again)
{
    struct jout *j = jout_new(false);
    struct jval *v = parse(text);

    json_print(j, NULL, v);
    ck_assert_str_eq(jout_text(j, NULL), again);
    json_free(v);
    jout_free(j);
}

static void write_all_kinds(struct jout *j)
{
    jout_object(j, NULL);
    jout_str(j, "s", "a\"b\\c\n\x01");
    jout_str(j, "none", NULL);
    jout_u64(j, "u", UINT64_MAX);
    jout_i64(j, "i", INT64_MIN);
    jout_ms(j, "ms", 1234567);
    jout_bool(j, "b", true);
    jout_array(j, "list");
    jout_str(j, NULL, "x");
    jout_object(j, NULL);
    jout_end_object(j);
    jout_end_array(j);
    jout_end_object(j);
}

START_TEST(writes)
{
    static const char expected[] =
        "{\"s\":\"a\\\"b\\\\c\\n\\u0001\",\"none\":null,\"u\":18446744073709551615,"
        "\"i\":-9223372036854775808,\"ms\":1.234,\"b\":true,\"list\":[\"x\",{}]}";
    struct jout *j = jout_new(false);
    size_t len;

    write_all_kinds(j);
    ck_assert_str_eq(jout_text(j, &len), expected);
    ck_assert_uint_eq(len, strlen(expected));
    jout_clear(j);
    ck_assert_str_eq(jout_text(j, &len), "");
    write_all_kinds(j);
    ck_assert_str_eq(jout_text(j, NULL), expected);
    jout_free(j);
    jout_free(NULL);
}
END_TEST

START_TEST(writes_pretty)
{
    struct jout *j = jout_new(true);

    jout_object(j, NULL);
    jout_array(j, "list");
    jout_u64(j, NULL, 1);
    jout_end_array(j);
    jout_end_object(j);
    ck_assert_str_eq(jout_text(j, NULL), "{\n  \"list\": [\n    1\n  ]\n}\n");
    jout_free(j);
}
END_TEST

static const struct {
    int64_t ns;
    const char *text;
} times[] = {
    { 0, "0.000" },
    { 999, "0.000" },
    { 1000, "0.001" },
    { 1500000000, "1500.000" },
    { -1000, "-0.001" },
    { -1500000, "-1.500" },
    { INT64_MAX, "9223372036854.775" },
    { INT64_MIN, "-9223372036854.775" },
};

START_TEST(writes_ms)
{
    struct jout *j = jout_new(false);

    jout_ms(j, NULL, times[_i].ns);
    ck_assert_str_eq(jout_text(j, NULL), times[_i].text);
    jout_free(j);
}
END_TEST

/* What is written must be readable, whatever bytes a file name or a message has. */
static const struct {
    const char *in, *out;
} strings[] = {
    { "", "" },
    { "\xc3\xbc \xe2\x82\xac \xf0\x9f\x90\xa7", "\xc3\xbc \xe2\x82\xac \xf0\x9f\x90\xa7" },
    { "a\xff", "a\xef\xbf\xbd" },
    { "\xc3", "\xef\xbf\xbd" },                             /* cut short */
    { "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" },             /* cut short */
    { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },             /* overlong */
    { "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* a surrogate */
    { "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, /* too high */
};

START_TEST(writes_any_bytes)
{
    struct jout *j = jout_new(false);
    struct jval *v;

    jout_object(j, NULL);
    jout_str(j, "k", strings[_i].in);
    jout_end_object(j);
    v = parse(jout_text(j, NULL));
    ck_assert_str_eq(json_str(v, "k", NULL), strings[_i].out);
    json_free(v);
    jout_free(j);
}
END_TEST

START_TEST(reads)
{
    struct jval *v = parse(" {\"s\":\"x\\u00fc\",\"i\":-5,\"d\":2.5,\"t\":true,\"f\":false,"
                           "\"n\":null,\"l\":[\"a\",1,{\"k\":2}],\"s\":\"second\"} \n");
    const struct jval *l = json_get(v, "l");

    ck_assert_str_eq(json_str(v, "s", "?"), "x\xc3\xbc"); /* the first one counts */
    ck_assert_int_eq(json_i64(v, "i", 0), -5);
    ck_assert_double_eq(json_num(v, "i", 0), -5);
    ck_assert_double_eq(json_num(v, "d", 0), 2.5);
    ck_assert(json_bool(v, "t", false));
    ck_assert(!json_bool(v, "f", true));
    ck_assert_uint_eq(json_len(l), 3);
    ck_assert_str_eq(json_string(json_at(l, 0), "?"), "a");
    ck_assert_int_eq(json_i64(json_at(l, 2), "k", 0), 2);
    json_free(v);
    json_free(NULL);
}
END_TEST

START_TEST(gives_defaults)
{
    struct jval *v = parse("{\"s\":\"x\",\"d\":2.5,\"big\":9223372036854775808,\"huge\":1e999,"
                           "\"n\":null,\"l\":[]}");

    ck_assert_str_eq(json_str(v, "d", "?"), "?");
    ck_assert_str_eq(json_str(v, "n", "?"), "?");
    ck_assert_str_eq(json_str(v, "absent", "?"), "?");
    ck_assert_str_eq(json_str(NULL, "s", "?"), "?");
    ck_assert_int_eq(json_i64(v, "s", 7), 7);
    ck_assert_int_eq(json_i64(v, "d", 7), 7);
    ck_assert_int_eq(json_i64(v, "big", 7), 7);
    ck_assert_double_eq(json_num(v, "huge", 7), 7);
    ck_assert(json_bool(v, "s", true));
    ck_assert_ptr_null(json_get(json_get(v, "l"), "k"));
    ck_assert_ptr_null(json_at(json_get(v, "l"), 0));
    ck_assert_ptr_null(json_at(v, 0));
    ck_assert_uint_eq(json_len(v), 0);
    ck_assert_str_eq(json_string(NULL, "?"), "?");
    json_free(v);
}
END_TEST

START_TEST(writes_again)
{
    expect_again("{\"a\" : [1, 2.50, -3e2, \"\\u00e9/\"], \"b\":{\"c\":null,\"d\":[true,false]}}",
                 "{\"a\":[1,2.50,-3e2,\"\xc3\xa9/\"],\"b\":{\"c\":null,\"d\":[true,false]}}");
    expect_again("18446744073709551615", "18446744073709551615");
    expect_again("\"\\\"[[[[//\"", "\"\\\"[[[[//\"");
}
END_TEST

static const struct {
    const char *text, *why;
} hostile[] = {
    { "", "EOF" },
    { "  \n", "EOF" },
    { "{", "" },
    { "{\"a\":1", "" },
    { "[1,", "" },
    { "[1,]", "" },
    { "{\"a\"}", "" },
    { "{a:1}", "" },
    { "{} {}", "" },
    { "]", "" },
    { "}}}}]]]]", "" },
    { "\"open", "" },
    { "\"open\\", "" },
    { "\"\\u12\"", "" },
    { "\"\\q\"", "" },
    { "\"a\nb\"", "" },
    { "nul", "" },
    { "01", "" },
    { "+1", "" },
    { "NaN", "" },
    { "\"\xff\"", "" },
    { "\"\xc3\"", "" },
    { "{\"a\":1} // more", "comment" },
    { "/* \" */ {\"a\":1} /* \" */", "comment" },
    { "\"a\\u0000b\"", "NUL" },
    { "{\"k\\u0000\":1}", "NUL" },
    { "{\"a\":[{\"b\":\"x\"},{\"c\":", "" }, /* much is built already, and must be freed */
};

START_TEST(refuses)
{
    struct xhs_error err;

    ck_assert_ptr_null(parse_n(hostile[_i].text, strlen(hostile[_i].text), &err));
    ck_assert_int_eq(err.code, XHS_E_PROTOCOL);
    ck_assert_msg(strstr(err.text, hostile[_i].why) != NULL, "%s", err.text);
    ck_assert_ptr_null(strchr(err.text, '\n'));
    ck_assert_msg(err.text[strlen(err.text) - 1] != ' ', "'%s' gives no reason", err.text);
}
END_TEST

START_TEST(refuses_nul)
{
    struct xhs_error err;

    ck_assert_ptr_null(parse_n("{}\0", 3, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "NUL"));
    ck_assert_ptr_null(parse_n("\"\\\0\"", 4, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "NUL"));
}
END_TEST

START_TEST(limits_depth)
{
    static const char *const pair[] = { "[]", "{}" };
    struct xhs_error err;
    char text[200001];
    struct jval *v;

    memset(text, '[', 32);
    memset(text + 32, ']', 32);
    v = parse_n(text, 64, &err);
    ck_assert_ptr_nonnull(v);
    json_free(v);
    for (int kind = 0; kind < 2; kind++) {
        for (size_t depth = 33; depth <= 100000; depth += 99967) {
            memset(text, pair[kind][0], depth);
            memset(text + depth, pair[kind][1], depth);
            ck_assert_ptr_null(parse_n(text, 2 * depth, &err));
            ck_assert_ptr_nonnull(strstr(err.text, "deep"));
        }
    }
}
END_TEST

/* xorshift: the same bytes at every run */
static unsigned random_next(unsigned *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* With a few bytes changed: refused, or understood; and what is understood survives a copy. */
START_TEST(survives_mutations)
{
    static const char seed[] = "{\"a\":[1,-2.5e3,\"x\\u00fc\\\\\"],\"b\":{\"c\":null,\"d\":true}}";
    static const char bytes[] = "{}[]\",:\\/u0e.-+ tfn\xff\x80\x01";
    unsigned rnd = 1, understood = 0;

    for (int round = 0; round < 20000; round++) {
        struct xhs_error err;
        char text[sizeof seed];
        size_t len = 1 + random_next(&rnd) % (sizeof seed - 1);
        memcpy(text, seed, sizeof seed);
        if (random_next(&rnd) % 2)
            len = sizeof seed - 1;
        for (unsigned n = random_next(&rnd) % 3; n > 0; n--)
            text[random_next(&rnd) % len] = bytes[random_next(&rnd) % (sizeof bytes - 1)];
        struct jval *v = parse_n(text, len, &err);
        if (!v)
            continue;
        struct jout *j = jout_new(false);
        json_print(j, NULL, v);
        json_free(v);
        json_free(parse(jout_text(j, NULL)));
        jout_free(j);
        understood++;
    }
    ck_assert_uint_gt(understood, 1000);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("json");
    TCase *t = tcase_create("json");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, writes);
    tcase_add_test(t, writes_pretty);
    tcase_add_loop_test(t, writes_ms, 0, sizeof times / sizeof times[0]);
    tcase_add_loop_test(t, writes_any_bytes, 0, sizeof strings / sizeof strings[0]);
    tcase_add_test(t, reads);
    tcase_add_test(t, gives_defaults);
    tcase_add_test(t, writes_again);
    tcase_add_loop_test(t, refuses, 0, sizeof hostile / sizeof hostile[0]);
    tcase_add_test(t, refuses_nul);
    tcase_add_test(t, limits_depth);
    tcase_add_test(t, survives_mutations);
    suite_add_tcase(s, t);

    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
