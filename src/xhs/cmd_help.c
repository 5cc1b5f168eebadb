/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * help, and the usage lines of xhs and of its commands, all from the table of commands.
 * Not the manual: xhs(1).
 * Called by main.c.
 */
#include <stdio.h>
#include <string.h>

#include "core/config.h"
#include "wire/proto.h"
#include "xhs/cli.h"
#include "xhs/out_text.h"

const struct command *find_command(const char *name)
{
    const char *names[32];
    unsigned n = 0;

    for (const struct command *c = commands; c->name; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
        if (n < sizeof names / sizeof names[0])
            names[n++] = c->name;
    }
    const char *nearest = config_nearest(name, names, n);
    if (nearest)
        out_line(stderr, "xhs: unknown command '%s': did you mean '%s'?", name, nearest);
    else
        out_line(stderr, "xhs: unknown command '%s': xhs help lists them all", name);
    return NULL;
}

void print_usage(const struct command *c)
{
    if (c) {
        printf("usage: xhs [OPTION...] %s%s%s\n\n%s.\n%s", c->name, c->args[0] ? " " : "",
               c->args, c->summary, c->more);
        return;
    }
    puts("usage: xhs [OPTION...] COMMAND [ARGUMENT...]\n\nCommands:");
    for (c = commands; c->name; c++)
        printf("  %-8s %-18s %s\n", c->name, c->args, c->summary);
    puts("\nOptions:\n"
         "  -s SOCKET      where xhsd listens (" PROTO_SOCKET ", or $XHS_SOCKET)\n"
         "  --json         print the result as JSON; also after the command\n"
         "  -v             show what is said to xhsd, and what it answers, on stderr\n"
         "  -h, --help     this text; after a command, the command's\n"
         "  -V, --version  the version of xhs");
}

int cmd_help(const struct cli *cli, int argc, char **argv)
{
    const struct command *c = argc > 0 ? find_command(argv[0]) : NULL;

    (void)cli;
    if (argc > 0 && !c)
        return USAGE;
    print_usage(c);
    return DONE;
}
