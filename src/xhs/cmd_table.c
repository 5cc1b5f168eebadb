/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table: the resource management table, every area with its owner and where it goes on fault, and
 * the jobs that wait for memory.
 * Not a judge of the rows, but it adds them up: the sum of the host's must be its pool. It is xhsd
 * that audits.
 * Called by main.c, through the table of commands, and by cmd_show.c for a pair's areas.
 */
#include <inttypes.h>

#include "xhs/cli.h"
#include "xhs/rows.h"

struct out_table *areas_table(const char *indent)
{
    static const char *const heads[] = { "PAIR", "AREA", "RESOURCE", ">SIZE", ">HAVE", ">USED",
                                         "OWNER", "ON-FAULT", NULL };

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
        out_cell_mib(t, area, "used_kb");
        owner_cell(t, area, "owner_domain", "owner");
        owner_cell(t, area, "on_fault_domain", "on_fault");
    }
}

/* A row that is no area's; without an owner it is the total. */
static void host_row(struct out_table *t, const char *area, int64_t size_kb, int64_t have_kb,
                     const char *owner)
{
    const char *none = owner[0] ? "-" : "";
    char buf[OUT_MIB_LEN];

    out_cell(t, "-");
    out_cell(t, "%s", area);
    out_cell(t, "memory");
    out_cell(t, "%s", out_mib(buf, size_kb));
    out_cell(t, "%s", out_mib(buf, have_kb));
    out_cell(t, "%s", none);
    out_cell(t, "%s", owner);
    out_cell(t, "%s", none);
}

static int64_t sum_kb(const struct jval *areas, const char *key)
{
    int64_t sum = 0;

    for (size_t i = 0; i < json_len(areas); i++)
        sum += json_i64(json_at(areas, i), key, 0);
    return sum;
}

static int64_t host_size_kb(const struct jval *result)
{
    return sum_kb(json_get(result, "areas"), "size_kb") + json_i64(result, "reserve_kb", 0) +
           json_i64(result, "unused_kb", 0);
}

/* The jobs that wait for memory, in the order in which they are served; nothing when none does. */
static void print_queue(const struct jval *queue)
{
    static const char *const heads[] = { "PAIR", "JOB", "DOMAIN", ">PRIORITY", ">LEAST", ">WANTS",
                                         "LEFT", NULL };

    if (json_len(queue) == 0)
        return;
    putchar('\n');
    struct out_table *t = out_table_new("", heads);
    for (size_t i = 0; i < json_len(queue); i++) {
        const struct jval *waiting = json_at(queue, i);
        int64_t left_s = json_i64(waiting, "left_s", -1);
        out_cell_word(t, waiting, "pair");
        out_cell_word(t, waiting, "job");
        out_cell_word(t, waiting, "domain");
        out_cell_number(t, waiting, "priority");
        out_cell_mib(t, waiting, "min_kb");
        out_cell_mib(t, waiting, "want_kb");
        if (left_s < 0)
            out_cell(t, "-");
        else
            out_cell(t, "%" PRId64 " s", left_s);
    }
    out_table_end(t);
}

static void print_audit(const struct jval *differences)
{
    if (!differences)
        return;
    putchar('\n');
    if (json_len(differences) == 0)
        puts("the hypervisor agrees");
    for (size_t i = 0; i < json_len(differences); i++)
        out_line(stdout, "audit: %s", json_string(json_at(differences, i), "-"));
}

static void print_pair_table(const struct cli *cli, const struct jval *result)
{
    const struct jval *areas = json_get(result, "areas");
    struct out_table *t = areas_table("");

    (void)cli;
    areas_rows(t, areas);
    host_row(t, "total", sum_kb(areas, "size_kb"), sum_kb(areas, "have_kb"), "");
    out_table_end(t);
    print_queue(json_get(result, "queue"));
    print_audit(json_get(result, "differences"));
}

static void print_host_table(const struct cli *cli, const struct jval *result)
{
    const struct jval *areas = json_get(result, "areas");
    int64_t reserve_have_kb = json_i64(result, "reserve_have_kb", 0);
    int64_t unused_kb = json_i64(result, "unused_kb", 0);
    struct out_table *t = areas_table("");

    (void)cli;
    areas_rows(t, areas);
    host_row(t, "reserve", json_i64(result, "reserve_kb", 0), reserve_have_kb, "monitor");
    host_row(t, "unused", unused_kb, unused_kb, "unused");
    host_row(t, "total", host_size_kb(result),
             sum_kb(areas, "have_kb") + reserve_have_kb + unused_kb, "");
    out_table_end(t);
    print_queue(json_get(result, "queue"));
    print_audit(json_get(result, "differences"));
}

/* No answer to the question is not "it agrees": an xhsd that does not know it leaves it out. */
static int audit_status(const struct cli *cli, const struct jval *result)
{
    const struct jval *differences = json_get(result, "differences");
    struct xhs_error err = { 0 };

    if (cli->audit && !differences) {
        xhs_fail(&err, XHS_E_PROTOCOL, "xhsd made no audit: is it older than xhs?");
        return complain(&err);
    }
    return json_len(differences) > 0 ? FAILED : DONE;
}

/* Every byte of the pool has one owner: a sum that differs is an error worth an exit status. */
static int host_status(const struct cli *cli, const struct jval *result)
{
    int64_t size_kb = host_size_kb(result), pool_kb = json_i64(result, "pool_kb", 0);
    struct xhs_error err = { 0 };
    char sum[OUT_MIB_LEN], pool[OUT_MIB_LEN];

    if (size_kb == pool_kb)
        return audit_status(cli, result);
    xhs_fail(&err, XHS_E_STATE, "the areas add up to %s MiB, but the pool is %s MiB: see xhs "
             "events", out_mib(sum, size_kb), out_mib(pool, pool_kb));
    return complain(&err);
}

int cmd_table(const struct cli *cli, int argc, char **argv)
{
    struct jout *req = request("table", argc > 0 ? argv[0] : NULL);

    if (cli->audit)
        jout_bool(req, "audit", true);
    if (argc == 0)
        return ask(cli, req, print_host_table, host_status);
    return ask(cli, req, print_pair_table, audit_status);
}
