/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text for people: see out_text.h.
 * Not aware of what it prints: the commands choose columns and words.
 * Used by the commands.
 */
#include <config.h>

#include "xhs/out_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_WIDTH 16
#define COLUMN_GAP 2
#define COLUMNS_MAX 16

struct cell {
    char *text;
    const char *colour; /* NULL for none */
};

struct out_table {
    const char *indent;
    const char *head[COLUMNS_MAX];
    bool right[COLUMNS_MAX];
    unsigned columns;
    struct cell *cell;
    size_t n, room;
};

static void *must(void *p)
{
    if (!p) {
        fputs("xhs: out of memory\n", stderr);
        abort();
    }
    return p;
}

__attribute__((format(printf, 1, 0)))
static char *clean_text(const char *fmt, va_list ap)
{
    char *text;

    if (vasprintf(&text, fmt, ap) < 0)
        text = must(NULL);
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (*p < ' ' || *p == 0x7f)
            *p = '?';
    }
    return text;
}

/* ---- colour ---- */

static bool use_colour(void)
{
    const char *no = getenv("NO_COLOR"); /* set and not empty: no-color.org */

    return isatty(STDOUT_FILENO) && !(no && no[0]);
}

static const char *state_colour(const char *state)
{
    if (!use_colour() || strcmp(state, "stopped") == 0 || strcmp(state, "-") == 0)
        return NULL;
    if (strcmp(state, "protected") == 0)
        return "\033[32m";
    return strcmp(state, "failed") == 0 ? "\033[31m" : "\033[33m";
}

static void put(const char *text, const char *colour)
{
    printf("%s%s%s", colour ? colour : "", text, colour ? "\033[0m" : "");
}

/* ---- lines ---- */

void out_line(FILE *to, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *text = clean_text(fmt, ap);
    va_end(ap);
    fprintf(to, "%s\n", text);
    free(text);
}

static void put_key(const char *key)
{
    int pad = KEY_WIDTH - (int)strlen(key) - 1;

    printf("%s:%*s", key, pad > 1 ? pad : 1, "");
}

void out_key(const char *key, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *text = clean_text(fmt, ap);
    va_end(ap);
    put_key(key);
    puts(text);
    free(text);
}

void out_key_state(const char *key, const char *state)
{
    put_key(key);
    put(state, state_colour(state));
    putchar('\n');
}

const char *out_mib(char buf[OUT_MIB_LEN], int64_t kb)
{
    if (kb % 1024 == 0)
        snprintf(buf, OUT_MIB_LEN, "%" PRId64, kb / 1024);
    else
        snprintf(buf, OUT_MIB_LEN, "%.1f", (double)kb / 1024);
    return buf;
}

const char *out_word(const struct jval *object, const char *key)
{
    const char *text = json_str(object, key, "-");

    return text[0] ? text : "-";
}

/* ---- tables ---- */

struct out_table *out_table_new(const char *indent, const char *const *heads)
{
    struct out_table *t = must(calloc(1, sizeof *t));

    t->indent = indent;
    for (; heads[t->columns] && t->columns < COLUMNS_MAX; t->columns++) {
        t->right[t->columns] = heads[t->columns][0] == '>';
        t->head[t->columns] = heads[t->columns] + t->right[t->columns];
    }
    return t;
}

static struct cell *next_cell(struct out_table *t)
{
    if (t->n == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        t->cell = must(realloc(t->cell, t->room * sizeof *t->cell));
    }
    t->cell[t->n] = (struct cell){ 0 };
    return &t->cell[t->n++];
}

void out_cell(struct out_table *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    next_cell(t)->text = clean_text(fmt, ap);
    va_end(ap);
}

void out_cell_word(struct out_table *t, const struct jval *object, const char *key)
{
    out_cell(t, "%s", out_word(object, key));
}

void out_cell_number(struct out_table *t, const struct jval *object, const char *key)
{
    int64_t number = json_i64(object, key, INT64_MIN);

    if (number == INT64_MIN)
        out_cell(t, "-");
    else
        out_cell(t, "%" PRId64, number);
}

void out_cell_mib(struct out_table *t, const struct jval *object, const char *key)
{
    char buf[OUT_MIB_LEN];
    int64_t kb = json_i64(object, key, -1);

    out_cell(t, "%s", kb < 0 ? "-" : out_mib(buf, kb));
}

void out_cell_state(struct out_table *t, const char *state)
{
    out_cell(t, "%s", state);
    t->cell[t->n - 1].colour = state_colour(state);
}

/* One row; nothing is printed after the last text, so that lines have no spaces at their end. */
static void print_row(const struct out_table *t, const struct cell *row, const int *width)
{
    int pending = 0; /* spaces before the next text */

    fputs(t->indent, stdout);
    for (unsigned i = 0; i < t->columns; i++) {
        int pad = width[i] - (int)strlen(row[i].text);
        if (row[i].text[0]) {
            printf("%*s", pending + (t->right[i] ? pad : 0), "");
            put(row[i].text, row[i].colour);
            pending = t->right[i] ? 0 : pad;
        } else {
            pending += width[i];
        }
        pending += COLUMN_GAP;
    }
    putchar('\n');
}

void out_table_end(struct out_table *t)
{
    struct cell head[COLUMNS_MAX] = { 0 };
    int width[COLUMNS_MAX];

    for (unsigned i = 0; i < t->columns; i++) {
        head[i].text = (char *)(uintptr_t)t->head[i];
        width[i] = (int)strlen(t->head[i]);
        for (size_t k = i; k < t->n; k += t->columns) {
            int len = (int)strlen(t->cell[k].text);
            width[i] = len > width[i] ? len : width[i];
        }
    }
    print_row(t, head, width);
    for (size_t k = 0; k + t->columns <= t->n; k += t->columns)
        print_row(t, t->cell + k, width);
    for (size_t k = 0; k < t->n; k++)
        free(t->cell[k].text);
    free(t->cell);
    free(t);
}
