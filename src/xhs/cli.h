/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xhs's commands share: the options, the table of commands, the way to ask xhsd.
 * Not the protocol (wire/proto.h), nor the layout of text (out_text.h).
 * Used by every file of xhs.
 */
#ifndef XHS_XHS_CLI_H
#define XHS_XHS_CLI_H

#include <stdbool.h>

#include "core/error.h"
#include "wire/json.h"

/* Exit statuses. */
enum { DONE = 0, FAILED = 1, USAGE = 2 };

struct cli {
    const char *socket;
    bool json;    /* print xhsd's result as it is */
    bool verbose; /* show the talk with xhsd on stderr */
    bool dry_run; /* create -n */
    bool follow;  /* events -f */
    bool audit;   /* table -a */
};

struct command {
    const char *name;
    /* argv[0..argc-1] are the arguments without options, min to max of them. An exit status. */
    int (*run)(const struct cli *cli, int argc, char **argv);
    int min_args, max_args;
    const char *options; /* letters of its own options: "a", "n", "f" */
    const char *args;    /* as in the usage line */
    const char *summary; /* one line */
    const char *more;    /* for help COMMAND; "" for nothing */
};

/* In the order of help; the last one has no name. */
extern const struct command commands[];

/* NULL, after a message with the nearest command's name, when there is none. */
const struct command *find_command(const char *name);

void print_usage(const struct command *c); /* of one command, or of xhs when c is NULL */

/* Print "xhs: text" on stderr; the exit status that belongs to the error. */
int complain(const struct xhs_error *err);

/* An open object {"op": op, "pair": pair}; without pair when it is NULL. */
struct jout *request(const char *op, const char *pair);

/* Print a result as text. */
typedef void print_fn(const struct cli *cli, const struct jval *result);

/*
 * The exit status that a result means, asked after it was printed, as text or as JSON; it may
 * complain.
 */
typedef int status_fn(const struct cli *cli, const struct jval *result);

/*
 * Send the request (which is freed), wait for the answer, print its result. An exit status: that of
 * the error, or what status says; DONE when status is NULL.
 */
int ask(const struct cli *cli, struct jout *req, print_fn *text, status_fn *status);

int cmd_check(const struct cli *cli, int argc, char **argv);
int cmd_create(const struct cli *cli, int argc, char **argv);
int cmd_destroy(const struct cli *cli, int argc, char **argv);
int cmd_events(const struct cli *cli, int argc, char **argv);
int cmd_help(const struct cli *cli, int argc, char **argv);
int cmd_jobs(const struct cli *cli, int argc, char **argv);
int cmd_list(const struct cli *cli, int argc, char **argv);
int cmd_recover(const struct cli *cli, int argc, char **argv);
int cmd_reload(const struct cli *cli, int argc, char **argv);
int cmd_show(const struct cli *cli, int argc, char **argv);
int cmd_table(const struct cli *cli, int argc, char **argv);
int cmd_version(const struct cli *cli, int argc, char **argv);

#endif
