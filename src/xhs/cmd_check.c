/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check: whether a takeover would succeed now, for each fault that a pair can have, and why not.
 * Not the judgement, which is xhsd's: nothing is computed here.
 * Called by main.c, through the table of commands.
 */
#include "xhs/cli.h"
#include "xhs/out_text.h"

static void possible_cell(struct out_table *t, const struct jval *object)
{
    bool yes = json_bool(object, "possible", false);

    /* neither: this fault is not meant to have a takeover */
    if (yes == json_bool(object, "possible", true))
        out_cell(t, "%s", yes ? "yes" : "no");
    else
        out_cell(t, "-");
}

static void fault_row(struct out_table *t, const struct jval *pair, const struct jval *fault)
{
    out_cell_word(t, pair, "name");
    out_cell_word(t, fault, "fault");
    out_cell_word(t, fault, "domain");
    out_cell_word(t, fault, "job");
    possible_cell(t, fault);
    out_cell_mib(t, fault, "need_kb");
    out_cell_mib(t, fault, "have_kb");
    out_cell(t, "%s", json_str(fault, "text", ""));
}

/* A pair without faults to judge has its row too, so that an exit status of 1 is explained. */
static void pair_row(struct out_table *t, const struct jval *pair)
{
    out_cell_word(t, pair, "name");
    for (int i = 0; i < 3; i++)
        out_cell(t, "-");
    possible_cell(t, pair);
    out_cell(t, "-");
    out_cell(t, "-");
    out_cell(t, "the pair is %s", out_word(pair, "state"));
}

static void print_check(const struct cli *cli, const struct jval *result)
{
    static const char *const heads[] = { "PAIR", "FAULT", "DOMAIN", "JOB", "POSSIBLE", ">NEED",
                                         ">HAVE", "WHY", NULL };
    const struct jval *pairs = json_get(result, "pairs");
    struct out_table *t = out_table_new("", heads);

    (void)cli;
    for (size_t i = 0; i < json_len(pairs); i++) {
        const struct jval *pair = json_at(pairs, i), *faults = json_get(pair, "faults");
        for (size_t k = 0; k < json_len(faults); k++)
            fault_row(t, pair, json_at(faults, k));
        if (json_len(faults) == 0)
            pair_row(t, pair);
    }
    out_table_end(t);
}

static int check_status(const struct cli *cli, const struct jval *result)
{
    (void)cli;
    return json_bool(result, "possible", false) ? DONE : FAILED;
}

int cmd_check(const struct cli *cli, int argc, char **argv)
{
    return ask(cli, request("check", argc > 0 ? argv[0] : NULL), print_check, check_status);
}
