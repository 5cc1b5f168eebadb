/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people: lines, "key: value" lines and tables with aligned columns. Colour only when
 * stdout is a terminal and NO_COLOR is not set. Control characters are printed as '?', since texts
 * may come from guests. Not JSON (out_json.h). Used by the commands.
 */
#ifndef XHS_XHS_OUT_TEXT_H
#define XHS_XHS_OUT_TEXT_H

#include <stdint.h>
#include <stdio.h>

#include "wire/json.h"

void out_line(FILE *to, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "key:   value", the values aligned. */
void out_key(const char *key, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void out_key_state(const char *key, const char *state);

/* A size as people read it: whole MiB, or with one decimal where it is none. buf is returned. */
#define OUT_MIB_LEN 32
const char *out_mib(char buf[OUT_MIB_LEN], int64_t kb);

/* The member's text; "-" when it is absent, null or empty. */
const char *out_word(const struct jval *object, const char *key);

struct out_table;

/* heads end in NULL; the column of a head that begins with '>' is aligned to the right. */
struct out_table *out_table_new(const char *indent, const char *const *heads);

/* The next cell, row by row. */
void out_cell(struct out_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void out_cell_word(struct out_table *t, const struct jval *object, const char *key);
void out_cell_number(struct out_table *t, const struct jval *object, const char *key);
void out_cell_mib(struct out_table *t, const struct jval *object, const char *key);
void out_cell_state(struct out_table *t, const char *state); /* a pair's, coloured */

/* Print and free the table. */
void out_table_end(struct out_table *t);

#endif
