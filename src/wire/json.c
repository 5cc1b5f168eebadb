/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON over yajl: yajl_gen writes, yajl_tree reads. See json.h for the contract.
 * Not a validator of the protocol: it knows values, not messages.
 * Used by xhsd (control.c) and xhs.
 */
#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#define DEPTH_MAX 32

struct jout {
    yajl_gen gen;
};

static void *must(void *p)
{
    if (!p) {
        fputs("json: out of memory\n", stderr);
        abort();
    }
    return p;
}

/* yajl does not check what its allocator returns. */
static void *gen_malloc(void *ctx, size_t size)
{
    (void)ctx;
    return must(malloc(size));
}

static void *gen_realloc(void *ctx, void *p, size_t size)
{
    (void)ctx;
    return must(realloc(p, size));
}

static void gen_free(void *ctx, void *p)
{
    (void)ctx;
    free(p);
}

static const yajl_alloc_funcs gen_alloc = { gen_malloc, gen_realloc, gen_free, NULL };

/* ---- writing ---- */

struct jout *jout_new(bool pretty)
{
    struct jout *j = must(malloc(sizeof *j));

    j->gen = must(yajl_gen_alloc(&gen_alloc));
    yajl_gen_config(j->gen, yajl_gen_beautify, (int)pretty);
    yajl_gen_config(j->gen, yajl_gen_indent_string, "  ");
    return j;
}

void jout_free(struct jout *j)
{
    if (!j)
        return;
    yajl_gen_free(j->gen);
    free(j);
}

void jout_clear(struct jout *j)
{
    yajl_gen_clear(j->gen);
    yajl_gen_reset(j->gen, NULL);
}

/* yajl refuses only what the caller must not do: a second top value, a value without a key. */
static void wrote(yajl_gen_status status)
{
    if (status != yajl_gen_status_ok) {
        fprintf(stderr, "json: misuse of the writer (yajl status %d)\n", (int)status);
        abort();
    }
}

/* Bytes in the well-formed UTF-8 character at s, which ends in NUL; 0 if there is none. */
static size_t utf8_char(const unsigned char *s)
{
    static const struct {
        unsigned char mask, lead;
        uint32_t min;
    } kind[] = { { 0x80, 0x00, 0 }, { 0xe0, 0xc0, 0x80 }, { 0xf0, 0xe0, 0x800 },
                 { 0xf8, 0xf0, 0x10000 } };

    for (size_t n = 1; n <= 4; n++) {
        if ((s[0] & kind[n - 1].mask) != kind[n - 1].lead)
            continue;
        uint32_t code = s[0] & (unsigned char)~kind[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if ((s[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (s[i] & 0x3f);
        }
        bool surrogate = code >= 0xd800 && code <= 0xdfff;
        return code < kind[n - 1].min || code > 0x10ffff || surrogate ? 0 : n;
    }
    return 0;
}

/*
 * A file name or a library's message may hold any bytes, and one bad byte would make the reader
 * refuse the whole line: each becomes U+FFFD.
 */
static void put_string(struct jout *j, const char *value)
{
    const unsigned char *s = (const unsigned char *)value;
    unsigned char *clean = must(malloc(3 * strlen(value) + 1));
    size_t used = 0;

    while (*s) {
        size_t n = utf8_char(s);
        memcpy(clean + used, n ? s : (const unsigned char *)"\xef\xbf\xbd", n ? n : 3);
        used += n ? n : 3;
        s += n ? n : 1;
    }
    wrote(yajl_gen_string(j->gen, clean, used));
    free(clean);
}

static void put_key(struct jout *j, const char *key)
{
    if (key)
        put_string(j, key);
}

static void put_number(struct jout *j, const char *key, const char *digits)
{
    put_key(j, key);
    wrote(yajl_gen_number(j->gen, digits, strlen(digits)));
}

void jout_object(struct jout *j, const char *key)
{
    put_key(j, key);
    wrote(yajl_gen_map_open(j->gen));
}

void jout_array(struct jout *j, const char *key)
{
    put_key(j, key);
    wrote(yajl_gen_array_open(j->gen));
}

void jout_end_object(struct jout *j)
{
    wrote(yajl_gen_map_close(j->gen));
}

void jout_end_array(struct jout *j)
{
    wrote(yajl_gen_array_close(j->gen));
}

void jout_str(struct jout *j, const char *key, const char *value)
{
    put_key(j, key);
    if (value)
        put_string(j, value);
    else
        wrote(yajl_gen_null(j->gen));
}

void jout_u64(struct jout *j, const char *key, uint64_t value)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRIu64, value);
    put_number(j, key, digits);
}

void jout_i64(struct jout *j, const char *key, int64_t value)
{
    char digits[24];

    snprintf(digits, sizeof digits, "%" PRId64, value);
    put_number(j, key, digits);
}

/* In whole numbers: printf's %f would follow the locale's decimal point. */
void jout_ms(struct jout *j, const char *key, int64_t ns)
{
    char digits[32];
    int64_t us = ns / 1000;
    uint64_t abs_us = us < 0 ? -(uint64_t)us : (uint64_t)us;

    snprintf(digits, sizeof digits, "%s%" PRIu64 ".%03u", us < 0 ? "-" : "", abs_us / 1000,
             (unsigned)(abs_us % 1000));
    put_number(j, key, digits);
}

void jout_bool(struct jout *j, const char *key, bool value)
{
    put_key(j, key);
    wrote(yajl_gen_bool(j->gen, value));
}

const char *jout_text(struct jout *j, size_t *len)
{
    const unsigned char *text = NULL;
    size_t n = 0;

    wrote(yajl_gen_get_buf(j->gen, &text, &n));
    if (len)
        *len = n;
    return (const char *)text;
}

/* ---- reading ---- */

static int refuse(struct xhs_error *err, const char *why)
{
    return xhs_fail(err, XHS_E_PROTOCOL, "this is no JSON for xhs: %s", why);
}

/*
 * What yajl_tree would let through: nesting of any depth (it frees recursively), comments, and
 * NUL inside strings, which would cut them short unseen.
 */
static int check_text(const char *text, size_t len, struct xhs_error *err)
{
    bool in_string = false;
    unsigned depth = 0;

    if (memchr(text, '\0', len))
        return refuse(err, "a NUL byte");
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\') {
                if (len - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0)
                    return refuse(err, "a NUL in a string");
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '/') {
            return refuse(err, "a comment");
        } else if (c == '[' || c == '{') {
            if (++depth > DEPTH_MAX)
                return refuse(err, "it nests too deep");
        } else if ((c == ']' || c == '}') && depth > 0) {
            depth--;
        }
    }
    return 0;
}

struct jval *json_parse(const char *text, size_t len, struct xhs_error *err)
{
    char why[256] = "";
    char *copy = NULL;
    yajl_val root = NULL;

    if (check_text(text, len, err) < 0)
        goto out;
    copy = must(malloc(len + 1)); /* yajl_tree wants a NUL at the end */
    memcpy(copy, text, len);
    copy[len] = '\0';
    root = yajl_tree_parse(copy, why, sizeof why);
    if (!root) {
        /* yajl_tree's own callbacks cancel the parse only when malloc fails. */
        must(strstr(why, "cancel") ? NULL : why);
        why[strcspn(why, "\n")] = '\0';
        refuse(err, why);
    }
out:
    free(copy);
    return (struct jval *)root;
}

void json_free(struct jval *root)
{
    yajl_tree_free((yajl_val)root);
}

/* struct jval is never defined: it is yajl's value under a name that keeps yajl in this file. */
static yajl_val tree(const struct jval *v)
{
    return (yajl_val)(uintptr_t)v;
}

const struct jval *json_get(const struct jval *v, const char *key)
{
    yajl_val t = tree(v);

    if (!YAJL_IS_OBJECT(t))
        return NULL;
    for (size_t i = 0; i < t->u.object.len; i++) {
        if (strcmp(t->u.object.keys[i], key) == 0)
            return (const struct jval *)t->u.object.values[i];
    }
    return NULL;
}

const struct jval *json_at(const struct jval *v, size_t index)
{
    if (index >= json_len(v))
        return NULL;
    return (const struct jval *)tree(v)->u.array.values[index];
}

size_t json_len(const struct jval *v)
{
    return YAJL_IS_ARRAY(tree(v)) ? tree(v)->u.array.len : 0;
}

const char *json_string(const struct jval *v, const char *or_else)
{
    return YAJL_IS_STRING(tree(v)) ? tree(v)->u.string : or_else;
}

const char *json_str(const struct jval *v, const char *key, const char *or_else)
{
    return json_string(json_get(v, key), or_else);
}

int64_t json_i64(const struct jval *v, const char *key, int64_t or_else)
{
    yajl_val t = tree(json_get(v, key));

    return YAJL_IS_INTEGER(t) ? YAJL_GET_INTEGER(t) : or_else;
}

double json_num(const struct jval *v, const char *key, double or_else)
{
    yajl_val t = tree(json_get(v, key));

    return YAJL_IS_DOUBLE(t) ? YAJL_GET_DOUBLE(t) : or_else;
}

bool json_bool(const struct jval *v, const char *key, bool or_else)
{
    yajl_val t = tree(json_get(v, key));

    if (YAJL_IS_TRUE(t))
        return true;
    return YAJL_IS_FALSE(t) ? false : or_else;
}

void json_print(struct jout *j, const char *key, const struct jval *v)
{
    yajl_val t = tree(v);

    switch (t ? t->type : yajl_t_null) {
    case yajl_t_string:
        jout_str(j, key, t->u.string);
        break;
    case yajl_t_number:
        put_number(j, key, YAJL_GET_NUMBER(t)); /* as it came: no digit is lost */
        break;
    case yajl_t_object:
        jout_object(j, key);
        for (size_t i = 0; i < t->u.object.len; i++)
            json_print(j, t->u.object.keys[i], (const struct jval *)t->u.object.values[i]);
        jout_end_object(j);
        break;
    case yajl_t_array:
        jout_array(j, key);
        for (size_t i = 0; i < t->u.array.len; i++)
            json_print(j, NULL, (const struct jval *)t->u.array.values[i]);
        jout_end_array(j);
        break;
    case yajl_t_true:
    case yajl_t_false:
        jout_bool(j, key, t->type == yajl_t_true);
        break;
    case yajl_t_null:
    case yajl_t_any:
        jout_str(j, key, NULL);
        break;
    }
}
