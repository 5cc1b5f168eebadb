/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reload, version: of xhsd itself, not of a pair.
 * Not start and stop of xhsd: systemctl does that.
 * Called by main.c, through the table of commands.
 */
#include <config.h>

#include <inttypes.h>
#include <string.h>

#include "xhs/cli.h"
#include "xhs/out_text.h"

static void print_reloaded(const struct cli *cli, const struct jval *result)
{
    (void)cli;
    (void)result;
    puts("configuration reloaded");
}

int cmd_reload(const struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return ask(cli, request("reload", NULL), print_reloaded, NULL);
}

static void print_version(const struct cli *cli, const struct jval *result)
{
    int64_t s = (int64_t)(json_num(result, "uptime_ms", 0) / 1000);

    (void)cli;
    out_key("xhsd", "%s", out_word(result, "version"));
    out_key("xen", "%s", out_word(result, "xen"));
    if (json_get(result, "libxl"))
        out_key("libxl", "%s", out_word(result, "libxl"));
    out_key("pid", "%" PRId64, json_i64(result, "pid", 0));
    out_key("uptime", "%" PRId64 "d %02d:%02d:%02d", s / 86400, (int)(s / 3600 % 24),
            (int)(s / 60 % 60), (int)(s % 60));
}

/* xhs's own version comes first, so that it is told even when xhsd cannot be reached. */
int cmd_version(const struct cli *cli, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (!cli->json)
        out_key("xhs", "%s", PACKAGE_VERSION);
    return ask(cli, request("version", NULL), print_version, NULL);
}
