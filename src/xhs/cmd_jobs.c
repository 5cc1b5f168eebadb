/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * jobs: what the guests run, and whether it would survive.
 * Not control of jobs: xhs-job does that, in the guest.
 * Called by main.c, through the table of commands, and by cmd_show.c for a pair's jobs.
 */
#include "xhs/cli.h"
#include "xhs/rows.h"

void print_jobs(const char *indent, const struct jval *jobs)
{
    static const char *const heads[] = { "PAIR", "JOB", "STATE", "OWNER", "HOT", ">PRIO",
                                         ">MEMORY", ">LEAST", ">USED", ">PEAK", ">OOM", ">REQ",
                                         "REASON", NULL };
    struct out_table *t = out_table_new(indent, heads);

    for (size_t i = 0; i < json_len(jobs); i++) {
        const struct jval *job = json_at(jobs, i);
        out_cell_word(t, job, "pair");
        out_cell_word(t, job, "job");
        out_cell_word(t, job, "state");
        out_cell_word(t, job, "owner_domain");
        out_cell(t, "%s", json_bool(job, "hot_standby", false) ? "yes" : "no");
        out_cell_number(t, job, "priority");
        out_cell_mib(t, job, "memory_kb");
        out_cell_mib(t, job, "min_kb");
        out_cell_mib(t, job, "used_kb");
        out_cell_mib(t, job, "peak_kb");
        out_cell_number(t, job, "oom_kills");
        out_cell_number(t, job, "request");
        out_cell(t, "%s", json_str(job, "reason", ""));
    }
    out_table_end(t);
}

static void print_result(const struct cli *cli, const struct jval *result)
{
    (void)cli;
    print_jobs("", json_get(result, "jobs"));
}

int cmd_jobs(const struct cli *cli, int argc, char **argv)
{
    return ask(cli, request("jobs", argc > 0 ? argv[0] : NULL), print_result, NULL);
}
