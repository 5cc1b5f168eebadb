/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show: all that is known of one pair.
 * Not the history: events has that.
 * Called by main.c, through the table of commands.
 */
#include <inttypes.h>
#include <string.h>

#include "xhs/cli.h"
#include "xhs/rows.h"

#define INDENT "  "

/* "1024 MiB", or "-" */
static void mib_key(const char *name, const struct jval *object, const char *key)
{
    char buf[OUT_MIB_LEN];
    int64_t kb = json_i64(object, key, -1);

    if (kb < 0)
        out_key(name, "-");
    else
        out_key(name, "%s MiB", out_mib(buf, kb));
}

static void print_head(const struct jval *pair)
{
    const struct jval *config = json_get(pair, "config");
    const char *reason = json_str(pair, "reason", "");

    out_key("name", "%s", out_word(pair, "name"));
    out_key_state("state", out_word(pair, "state"));
    if (reason[0])
        out_key("reason", "%s", reason);
    out_key("last trigger", "%s", out_word(pair, "trigger"));
    out_key("epoch", "%" PRId64, json_i64(pair, "epoch", 0));
    out_key("takeovers", "%" PRId64, json_i64(pair, "takeovers", 0));
    out_key("file", "%s", out_word(config, "file"));
    mib_key("memory", config, "memory_kb");
    mib_key("standby memory", config, "standby_memory_kb");
    mib_key("max memory", config, "max_memory_kb");
    out_key("surplus", "%s", out_word(config, "surplus"));
    out_key("hang timeout", "%" PRId64 " ms", json_i64(config, "hang_timeout_ms", 0));
}

static void print_members(const struct jval *pair)
{
    static const char *const heads[] = { "MEMBER", "NAME", "ROLE", ">DOMID", "DOMAIN", "AGENT",
                                         ">MEMORY", ">TARGET", ">OWNED", "UUID", NULL };
    const struct jval *members = json_get(pair, "members");
    struct out_table *t = out_table_new(INDENT, heads);

    puts("\nmembers:");
    for (size_t i = 0; i < json_len(members); i++) {
        const struct jval *m = json_at(members, i);
        out_cell_word(t, m, "member");
        out_cell_word(t, m, "name");
        out_cell_word(t, m, "role");
        out_cell_number(t, m, "domid");
        out_cell_word(t, m, "domain");
        out_cell(t, "%s", json_bool(m, "agent", false) ? "yes" : "no");
        out_cell_mib(t, m, "memory_kb");
        out_cell_mib(t, m, "target_kb");
        out_cell_mib(t, m, "owned_kb");
        out_cell_word(t, m, "uuid");
    }
    out_table_end(t);
}

/* When each phase ended, in ms after the fault was known, and how long it took. */
static void print_takeover(const struct jval *takeover)
{
    static const char *const heads[] = { "PHASE", ">MS", ">DELTA", NULL };
    const struct jval *phases = json_get(takeover, "phases");
    double before = 0;

    if (!json_get(takeover, "request")) {
        puts("\nlast takeover: none");
        return;
    }
    putchar('\n');
    out_line(stdout, "last takeover: request %" PRId64 ", from %s to %s%s",
             json_i64(takeover, "request", 0), out_word(takeover, "victim"),
             out_word(takeover, "heir"), json_bool(takeover, "done", false) ? "" : ", under way");
    struct out_table *t = out_table_new(INDENT, heads);
    for (size_t i = 0; i < json_len(phases); i++) {
        const struct jval *phase = json_at(phases, i);
        double ms = json_num(phase, "ms", 0);
        out_cell_word(t, phase, "phase");
        out_cell(t, "%.1f", ms);
        out_cell(t, "%.1f", ms - before);
        before = ms;
    }
    out_table_end(t);
}

static void print_show(const struct cli *cli, const struct jval *pair)
{
    const struct jval *jobs = json_get(pair, "jobs");

    (void)cli;
    print_head(pair);
    print_members(pair);
    puts("\nareas:");
    struct out_table *t = areas_table(INDENT);
    areas_rows(t, json_get(pair, "areas"));
    out_table_end(t);
    if (json_len(jobs) > 0) {
        puts("\njobs:");
        print_jobs(INDENT, jobs);
    } else {
        puts("\njobs: none");
    }
    print_takeover(json_get(pair, "takeover"));
}

int cmd_show(const struct cli *cli, int argc, char **argv)
{
    (void)argc;
    return ask(cli, request("show", argv[0]), print_show, NULL);
}
