/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xhs, the command line of xhsd: options, the table of commands, exit status.
 * Not a tool of its own: every command is a request to xhsd, and nothing here knows Xen.
 * Run by people and scripts.
 */
#include <config.h>

#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/proto.h"
#include "xhs/cli.h"
#include "xhs/out_text.h"

const struct command commands[] = {
    { "create", cmd_create, 1, 1, "n", "[-n] PAIR.cfg",
      "start a pair of domains from its configuration file",
      "Returns when the pair is protected or unprotected, or could not be formed.\n\n"
      "  -n, --dry-run  check the file and print what would be done\n" },
    { "destroy", cmd_destroy, 1, 1, "", "PAIR", "destroy both domains of a pair", "" },
    { "list", cmd_list, 0, 0, "", "", "list all pairs", "Memory is in MiB.\n" },
    { "show", cmd_show, 1, 1, "", "PAIR",
      "show a pair: members, areas, jobs, last takeover", "Memory is in MiB.\n" },
    { "table", cmd_table, 0, 1, "a", "[-a] [PAIR]",
      "show who owns each area of memory, and where it goes on fault",
      "Memory is in MiB. USED is of a running job's area, as its guest reports it.\n"
      "Jobs that wait for memory follow, in the order in which they are served: LEAST is\n"
      "what they can start with, WANTS what they ask for, LEFT the time until they are\n"
      "refused, or - for never.\n\n"
      "  -a, --audit    compare it with what the hypervisor shows; exits 1 when it differs\n" },
    { "check", cmd_check, 0, 1, "", "[PAIR]",
      "tell for each fault whether a takeover would succeed now",
      "Memory is in MiB: what the takeover needs, and what there is for it.\n"
      "Exits 1 when a takeover is not possible.\n" },
    { "jobs", cmd_jobs, 0, 1, "", "[PAIR]", "list the jobs in the guests",
      "Memory is in MiB. HOT: a hot-standby job, which continues on the other member after\n"
      "a fault. PRIO: its priority; higher ones get memory first. LEAST is what it can\n"
      "start with after a takeover. USED is what it takes of its area now; PEAK is the most,\n"
      "and OOM how many of its processes were killed for want of memory, since it was\n"
      "started: its guest reports all three. REQ is the request under which it runs.\n" },
    { "events", cmd_events, 0, 1, "f", "[-f] [PAIR]", "show what happened",
      "\n  -f, --follow   go on with what happens, until ^C\n" },
    { "recover", cmd_recover, 1, 1, "", "PAIR", "try a failed pair again", "" },
    { "reload", cmd_reload, 0, 0, "", "", "make xhsd read xhs.cfg again", "" },
    { "version", cmd_version, 0, 0, "", "", "show the versions of xhs, xhsd and Xen", "" },
    { "help", cmd_help, 0, 1, "", "[COMMAND]", "show this text, or a command's", "" },
    { 0 },
};

enum { OPT_JSON = 256 };

static int bad_option(const char *command, char **argv)
{
    char letter[] = { '-', (char)optopt, '\0' };
    const char *what = optopt > 0 && optopt < OPT_JSON ? letter : argv[optind - 1];

    if (optopt == 's')
        out_line(stderr, "xhs: option -s needs the path of a socket");
    else if (command)
        out_line(stderr, "xhs %s: unknown option %s: see xhs help %s", command, what, command);
    else
        out_line(stderr, "xhs: unknown option %s: see xhs help", what);
    return USAGE;
}

static bool has_option(const struct command *c, int letter)
{
    return strchr(c->options, letter) != NULL;
}

/* The options and arguments after the command's name, argv[0]. */
static int run_command(const struct command *c, struct cli *cli, int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, OPT_JSON },
                                             { "help", no_argument, NULL, 'h' },
                                             { "audit", no_argument, NULL, 'a' },
                                             { "dry-run", no_argument, NULL, 'n' },
                                             { "follow", no_argument, NULL, 'f' },
                                             { 0 } };
    int opt;

    optind = 0; /* glibc and musl: a new argv */
    while ((opt = getopt_long(argc, argv, "hanf", options, NULL)) != -1) {
        if (opt == OPT_JSON) {
            cli->json = true;
        } else if (opt == 'h') {
            print_usage(c);
            return DONE;
        } else if (opt == '?' || !has_option(c, opt)) {
            optopt = opt == '?' ? optopt : opt;
            return bad_option(c->name, argv);
        } else {
            cli->audit = cli->audit || opt == 'a';
            cli->dry_run = cli->dry_run || opt == 'n';
            cli->follow = cli->follow || opt == 'f';
        }
    }
    argc -= optind;
    if (argc < c->min_args || argc > c->max_args) {
        out_line(stderr, "usage: xhs %s%s%s", c->name, c->args[0] ? " " : "", c->args);
        return USAGE;
    }
    return c->run(cli, argc, argv + optind);
}

static int run(int argc, char **argv)
{
    static const struct option options[] = { { "json", no_argument, NULL, OPT_JSON },
                                             { "help", no_argument, NULL, 'h' },
                                             { "version", no_argument, NULL, 'V' },
                                             { 0 } };
    const char *env = getenv("XHS_SOCKET");
    struct cli cli = { .socket = env && env[0] ? env : PROTO_SOCKET };
    const struct command *c;
    int opt;

    opterr = 0;
    while ((opt = getopt_long(argc, argv, "+s:vhV", options, NULL)) != -1) {
        switch (opt) {
        case 's':
            cli.socket = optarg;
            break;
        case 'v':
            cli.verbose = true;
            break;
        case OPT_JSON:
            cli.json = true;
            break;
        case 'h':
            print_usage(NULL);
            return DONE;
        case 'V':
            puts("xhs " PACKAGE_VERSION);
            return DONE;
        default:
            return bad_option(NULL, argv);
        }
    }
    if (optind == argc) {
        out_line(stderr, "usage: xhs [OPTION...] COMMAND [ARGUMENT...]: see xhs help");
        return USAGE;
    }
    c = find_command(argv[optind]);
    return c ? run_command(c, &cli, argc - optind, argv + optind) : USAGE;
}

/* Asked of the pipe itself: errno of the write that failed may be long gone. */
static bool reader_is_gone(void)
{
    struct pollfd out = { .fd = STDOUT_FILENO };

    return poll(&out, 1, 0) > 0 && (out.revents & POLLERR);
}

int main(int argc, char **argv)
{
    int status;

    signal(SIGPIPE, SIG_IGN);
    status = run(argc, argv);
    /* A reader that has seen enough (xhs events | head) is no failure; a full disk is. */
    if ((fflush(stdout) != 0 || ferror(stdout)) && !reader_is_gone()) {
        fputs("xhs: cannot write the result\n", stderr);
        return FAILED;
    }
    return status;
}
