/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * list: all pairs, one line each.
 * Not the details: show has them.
 * Called by main.c, through the table of commands.
 */
#include <string.h>

#include "xhs/cli.h"
#include "xhs/out_text.h"

/* The member that is, or is not, the active one; NULL when there is none. */
static const struct jval *member(const struct jval *pair, bool active)
{
    const struct jval *members = json_get(pair, "members");
    const char *letter = json_str(pair, "active", NULL);

    for (size_t i = 0; letter && i < json_len(members); i++) {
        const struct jval *m = json_at(members, i);
        bool is_active = strcmp(json_str(m, "member", ""), letter) == 0;
        if (is_active == active && strcmp(json_str(m, "role", "none"), "none") != 0)
            return m;
    }
    return NULL;
}

static void print_pair(struct out_table *t, const struct jval *pair)
{
    const struct jval *active = member(pair, true), *standby = member(pair, false);

    out_cell_word(t, pair, "name");
    out_cell_state(t, out_word(pair, "state"));
    out_cell_word(t, active, "name");
    out_cell_mib(t, active, "memory_kb");
    out_cell_word(t, standby, "name");
    out_cell_mib(t, standby, "memory_kb");
    out_cell_number(t, pair, "epoch");
    out_cell(t, "%s", json_str(pair, "reason", ""));
}

static void print_list(const struct cli *cli, const struct jval *result)
{
    static const char *const heads[] = { "NAME", "STATE", "ACTIVE", ">MEMORY", "STANDBY",
                                         ">MEMORY", ">EPOCH", "REASON", NULL };
    const struct jval *pairs = json_get(result, "pairs");
    struct out_table *t = out_table_new("", heads);

    (void)cli;
    for (size_t i = 0; i < json_len(pairs); i++)
        print_pair(t, json_at(pairs, i));
    out_table_end(t);
}

int cmd_list(const struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return ask(cli, request("list", NULL), print_list, NULL);
}
