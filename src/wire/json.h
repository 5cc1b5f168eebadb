/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON text in and out, over yajl. The only file pair of xhs that names yajl.
 * Not the protocol: what the objects mean is in proto.h.
 * Used by xhsd (control.c) and xhs.
 */
#ifndef XHS_WIRE_JSON_H
#define XHS_WIRE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"

/* ---- writing ---- */

/* A JSON text being written. Running out of memory ends the process, as it does all over xhs. */
struct jout;

struct jout *jout_new(bool pretty);
void jout_free(struct jout *j);
void jout_clear(struct jout *j); /* forget all text, ready for the next document */

/* key is the member's name inside an object, NULL inside an array and at the top. */
void jout_object(struct jout *j, const char *key);
void jout_array(struct jout *j, const char *key);
void jout_end_object(struct jout *j);
void jout_end_array(struct jout *j);
void jout_str(struct jout *j, const char *key, const char *value); /* NULL: null */
void jout_u64(struct jout *j, const char *key, uint64_t value);
void jout_i64(struct jout *j, const char *key, int64_t value);
void jout_ms(struct jout *j, const char *key, int64_t ns); /* as milliseconds, 3 decimals */
void jout_bool(struct jout *j, const char *key, bool value);

/* The text so far, NUL-terminated; valid until the next call with j. */
const char *jout_text(struct jout *j, size_t *len);

/* ---- reading ---- */

/* A parsed value. Every child belongs to the root; only the root is freed. */
struct jval;

/* NULL and *err (PROTOCOL) when text is no JSON, or nests deeper than 32. */
struct jval *json_parse(const char *text, size_t len, struct xhs_error *err);
void json_free(struct jval *root);

/* A member of an object, an element of an array; NULL when there is none, or v is NULL. */
const struct jval *json_get(const struct jval *v, const char *key);
const struct jval *json_at(const struct jval *v, size_t index);
size_t json_len(const struct jval *v); /* elements of an array; 0 for anything else */

/* A member's value, or the given default when it is absent or of another type. */
const char *json_str(const struct jval *v, const char *key, const char *or_else);
int64_t json_i64(const struct jval *v, const char *key, int64_t or_else);
double json_num(const struct jval *v, const char *key, double or_else);
bool json_bool(const struct jval *v, const char *key, bool or_else);

/* The string itself, for elements of an array; or_else when v is no string. */
const char *json_string(const struct jval *v, const char *or_else);

/* Write a parsed value again (xhs --json prints xhsd's answer so). */
void json_print(struct jout *j, const char *key, const struct jval *v);

#endif
