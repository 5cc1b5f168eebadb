/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * create, destroy, recover: a pair comes, goes, and leaves the state failed.
 * Not a reader of the pair's file: xhsd reads it, and only its path goes there.
 * Called by main.c, through the table of commands.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xhs/cli.h"
#include "xhs/out_text.h"

/* xhsd runs in another directory. Links are kept, so that messages name what the user typed. */
static char *absolute_path(const char *file, struct xhs_error *err)
{
    char *path = NULL, *cwd = NULL;
    int rc;

    if (file[0] == '/') {
        rc = asprintf(&path, "%s", file);
    } else {
        cwd = getcwd(NULL, 0);
        if (!cwd) {
            xhs_fail_errno(err, XHS_E_SYSTEM, errno, "cannot tell the current directory");
            return NULL;
        }
        rc = asprintf(&path, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, file);
    }
    free(cwd);
    if (rc < 0)
        abort();
    return path;
}

/* "shop: protected"; the state is left out where xhsd does not tell it. */
static void print_state(const struct cli *cli, const struct jval *result)
{
    const char *state = json_str(result, "state", NULL);

    (void)cli;
    out_line(stdout, "%s: %s", out_word(result, "pair"), state ? state : "done");
}

static int pair_status(const struct cli *cli, const struct jval *result)
{
    (void)cli;
    return strcmp(json_str(result, "state", ""), "failed") == 0 ? FAILED : DONE;
}

static void print_created(const struct cli *cli, const struct jval *result)
{
    const struct jval *plan = json_get(result, "plan");

    if (!cli->dry_run) {
        print_state(cli, result);
        return;
    }
    for (size_t i = 0; i < json_len(plan); i++)
        out_line(stdout, "%s", json_string(json_at(plan, i), "-"));
}

static void print_destroyed(const struct cli *cli, const struct jval *result)
{
    (void)cli;
    out_line(stdout, "%s: destroyed", out_word(result, "pair"));
}

int cmd_create(const struct cli *cli, int argc, char **argv)
{
    struct xhs_error err = { 0 };
    char *path = absolute_path(argv[0], &err);
    struct jout *req;

    (void)argc;
    if (!path)
        return complain(&err);
    req = request("create", NULL);
    jout_str(req, "file", path);
    jout_bool(req, "dry_run", cli->dry_run);
    free(path);
    return ask(cli, req, print_created, pair_status);
}

int cmd_destroy(const struct cli *cli, int argc, char **argv)
{
    (void)argc;
    return ask(cli, request("destroy", argv[0]), print_destroyed, NULL);
}

int cmd_recover(const struct cli *cli, int argc, char **argv)
{
    (void)argc;
    return ask(cli, request("recover", argv[0]), print_state, pair_status);
}
