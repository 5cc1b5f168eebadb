/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: the resource management table, every area with its owner and where it goes on fault.
 * Not a judge of the rows, but it adds them up: the sum of the host's must be its pool.
 * Called by main.c, through the table of commands, and by cmd_show.c for a pair's areas.
 */
#include <inttypes.h>

#include "xhs/cli.h"
#include "xhs/rows.h"

struct out_table *areas_table(const char *indent)
{
    static const char *const heads[] = { "PAIR", "AREA", "RESOURCE", ">SIZE", ">HAVE", "OWNER",
                                         "ON-FAULT", NULL };

    return out_table_new(indent, heads);
}

/* An owner as the domain's name, where it is a domain. */
static void owner_cell(struct out_table *t, const struct jval *area, const char *domain_key,
                       const char *word_key)
{
    const char *domain = json_str(area, domain_key, NULL);

    out_cell(t, "%s", domain ? domain : out_word(area, word_key));
}

void areas_rows(struct out_table *t, const struct jval *areas)
{
    for (size_t i = 0; i < json_len(areas); i++) {
        const struct jval *area = json_at(areas, i);
        out_cell_word(t, area, "pair");
        out_cell_word(t, area, "area");
        out_cell_word(t, area, "resource");
        out_cell_mib(t, area, "size_kb");
        out_cell_mib(t, area, "have_kb");
        owner_cell(t, area, "owner_domain", "owner");
        owner_cell(t, area, "on_fault_domain", "on_fault");
    }
}

static void host_row(struct out_table *t, const char *area, int64_t size_kb, int64_t have_kb,
                     const char *owner)
{
    char buf[OUT_MIB_LEN];

    out_cell(t, "-");
    out_cell(t, "%s", area);
    out_cell(t, "memory");
    out_cell(t, "%s", out_mib(buf, size_kb));
    out_cell(t, "%s", out_mib(buf, have_kb));
    out_cell(t, "%s", owner);
    out_cell(t, "%s", owner[0] ? "-" : "");
}

static int64_t sum_kb(const struct jval *areas, const char *key)
{
    int64_t sum = 0;

    for (size_t i = 0; i < json_len(areas); i++)
        sum += json_i64(json_at(areas, i), key, 0);
    return sum;
}

static int print_pair_table(const struct cli *cli, const struct jval *result)
{
    const struct jval *areas = json_get(result, "areas");
    struct out_table *t = areas_table("");

    (void)cli;
    areas_rows(t, areas);
    host_row(t, "total", sum_kb(areas, "size_kb"), sum_kb(areas, "have_kb"), "");
    out_table_end(t);
    return DONE;
}

/* Every byte of the pool has one owner: a sum that differs is an error worth an exit status. */
static int print_host_table(const struct cli *cli, const struct jval *result)
{
    const struct jval *areas = json_get(result, "areas");
    int64_t pool_kb = json_i64(result, "pool_kb", 0);
    int64_t reserve_kb = json_i64(result, "reserve_kb", 0);
    int64_t reserve_have_kb = json_i64(result, "reserve_have_kb", 0);
    int64_t unused_kb = json_i64(result, "unused_kb", 0);
    int64_t size_kb = sum_kb(areas, "size_kb") + reserve_kb + unused_kb;
    int64_t have_kb = sum_kb(areas, "have_kb") + reserve_have_kb + unused_kb;
    struct out_table *t = areas_table("");
    struct xhs_error err = { 0 };
    char sum[OUT_MIB_LEN], pool[OUT_MIB_LEN];

    (void)cli;
    areas_rows(t, areas);
    host_row(t, "reserve", reserve_kb, reserve_have_kb, "monitor");
    host_row(t, "unused", unused_kb, unused_kb, "unused");
    host_row(t, "total", size_kb, have_kb, "");
    out_table_end(t);
    if (size_kb == pool_kb)
        return DONE;
    xhs_fail(&err, XHS_E_STATE, "the areas add up to %s MiB, but the pool is %s MiB: see xhs "
             "events", out_mib(sum, size_kb), out_mib(pool, pool_kb));
    return complain(&err);
}

int cmd_table(const struct cli *cli, int argc, char **argv)
{
    if (argc == 0)
        return ask(cli, request("table", NULL), print_host_table);
    return ask(cli, request("table", argv[0]), print_pair_table);
}
