/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xhs-job: a guest's root asks its own xhs-agent to run, stop and show jobs.
 * Not dom0's tool: that is xhs. It runs nothing itself.
 * Called by people, and by scripts; exit status 0 done, 1 failed, 2 wrong usage.
 */
#include "config.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "explain.h"
#include "options.h"
#include "show.h"

#define PATIENCE_MS 2000 /* of silence, before a word of what is waited for */

enum { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

static const char *socket_path = PROTO_SOCKET;

static int usage(FILE *to)
{
    fprintf(to,
            "usage: xhs-job [--socket PATH] COMMAND\n"
            "  run [OPTION...] NAME\n"
            "                 run a job of " SYSCONFDIR "/xhs/jobs.d/NAME.job; options go before\n"
            "                 what the file says, and that before XHS_HOT_STANDBY (yes or no)\n"
            "                 and XHS_MEMORY; without any, memory is estimated\n"
            "    --hot-standby        go on on the other member after a fault\n"
            "    --memory SIZE        its area, in MiB, or with a K, M or G\n"
            "    --memory-min SIZE    it can start with so little\n"
            "    --priority N         0 to 1000; higher ones get memory first\n"
            "    --wait SECONDS|forever\n"
            "                         how long to wait for memory; 0 if not said\n"
            "    --force              also if it leaves a hot-standby job unprotected\n"
            "    --no-wait            return at once\n"
            "  explain [--json] [OPTION...] NAME\n"
            "                 what run would ask for, and why; nothing is changed\n"
            "  stop [--no-wait] NAME\n"
            "  list [--json]  all jobs of this guest\n"
            "  status [--json] NAME\n"
            "  help, --version\n");
    return to == stderr ? EXIT_USAGE : EXIT_DONE;
}

static FILE *ask(const struct proto_request *r)
{
    struct xhs_error err = { 0 };
    FILE *f = client_ask(socket_path, r, &err);

    if (!f)
        fprintf(stderr, "xhs-job: %s\n", err.text);
    return f;
}

/* Send r and wait for its end, with a word to the user when that takes long. */
static int carry_out(const struct proto_request *r, const char *waiting)
{
    struct client_answer a;
    FILE *f = ask(r);
    int status = EXIT_FAILED;

    if (!f)
        return EXIT_FAILED;
    if (!client_wait(f, PATIENCE_MS))
        fprintf(stderr, "xhs-job: %s\n", waiting);
    switch (client_next(f, &a)) {
    case CLIENT_OK:
        printf("%s: %s\n", r->job, a.text);
        status = EXIT_DONE;
        break;
    case CLIENT_FAILED:
        fprintf(stderr, "xhs-job: %s: %s\n", r->job, a.text);
        break;
    case CLIENT_JOB:
    case CLIENT_SETTING:
    case CLIENT_FACTS:
    case CLIENT_LOST:
        fprintf(stderr, "xhs-job: xhs-agent went away; the job is as it was asked to be\n");
        break;
    }
    fclose(f);
    return status;
}

/* The jobs r asks for, into *jobs (the caller's to free); their number, or -1. */
static int fetch(const struct proto_request *r, struct show_job **jobs)
{
    struct client_answer a;
    int n = 0;
    FILE *f = ask(r);

    *jobs = NULL;
    if (!f)
        return -1;
    for (;;) {
        enum client_line got = client_next(f, &a);
        if (got == CLIENT_OK)
            break;
        struct show_job *more = NULL;
        if (got == CLIENT_JOB)
            more = realloc(*jobs, (size_t)(n + 1) * sizeof *more);
        if (!more) {
            fprintf(stderr, "xhs-job: %s\n",
                    got == CLIENT_FAILED ? a.text : "the answer of xhs-agent broke off");
            n = -1;
            break;
        }
        *jobs = more;
        strcpy(more[n].name, a.name);
        more[n++].line = a.line;
    }
    fclose(f);
    return n;
}

static int explain(const struct proto_request *r, bool json)
{
    struct client_answer a;
    struct explanation x = { 0 };
    int status = EXIT_FAILED;
    FILE *f = ask(r);

    if (!f)
        return EXIT_FAILED;
    for (;;) {
        enum client_line got = client_next(f, &a);
        if (got == CLIENT_SETTING && x.n < EXPLAIN_MAX) {
            x.setting[x.n++] = a.setting;
            continue;
        }
        if (got == CLIENT_FACTS) {
            x.facts = a.facts;
            continue;
        }
        if (got == CLIENT_OK)
            status = EXIT_DONE;
        else
            fprintf(stderr, "xhs-job: %s: %s\n", r->job,
                    got == CLIENT_FAILED ? a.text : "the answer of xhs-agent broke off");
        break;
    }
    fclose(f);
    if (status == EXIT_DONE && json)
        explain_json(r->job, &x);
    else if (status == EXIT_DONE)
        explain_table(&x);
    return status;
}

static int show(const struct proto_request *r, bool json)
{
    struct show_job *jobs;
    int n = fetch(r, &jobs);

    if (n >= 0)
        (json ? show_json : show_table)(jobs, (unsigned)n);
    free(jobs);
    return n >= 0 ? EXIT_DONE : EXIT_FAILED;
}

/* The one NAME of a command. */
static int take_name(struct proto_request *r, int argc, char **argv)
{
    if (optind != argc - 1)
        return complain(optind < argc ? "more than one job" : "no name of a job", "");
    if (!msg_valid_name(argv[optind]))
        return complain("no name for a job (1 to 40 of A-Za-z0-9_-)", argv[optind]);
    strcpy(r->job, argv[optind]);
    return EXIT_DONE;
}

static int cmd_run(int argc, char **argv)
{
    struct proto_request r = { .verb = PROTO_RUN };

    if (!run_options(argc, argv, &r, NULL) || take_name(&r, argc, argv) != EXIT_DONE)
        return EXIT_USAGE;
    return carry_out(&r, "waiting for dom0's run grant");
}

static int cmd_explain(int argc, char **argv)
{
    struct proto_request r = { .verb = PROTO_EXPLAIN };
    bool json = false;

    if (!run_options(argc, argv, &r, &json) || take_name(&r, argc, argv) != EXIT_DONE)
        return EXIT_USAGE;
    return explain(&r, json);
}

/* The only option that a command has: --name. False: there was another one. */
static bool take_flag(int argc, char **argv, const char *name, bool *set)
{
    const struct option options[] = { { name, no_argument, NULL, 'f' }, { NULL, 0, NULL, 0 } };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c != 'f')
            return false;
        *set = true;
    }
    return true;
}

static int cmd_stop(int argc, char **argv)
{
    struct proto_request r = { .verb = PROTO_STOP };

    if (!take_flag(argc, argv, "no-wait", &r.no_wait) || take_name(&r, argc, argv) != EXIT_DONE)
        return EXIT_USAGE;
    return carry_out(&r, "waiting for the job to stop");
}

static int cmd_list(int argc, char **argv)
{
    const struct proto_request r = { .verb = PROTO_LIST };
    bool json = false;

    if (!take_flag(argc, argv, "json", &json))
        return EXIT_USAGE;
    if (optind != argc)
        return complain("list takes no name; see status", "");
    return show(&r, json);
}

static int cmd_status(int argc, char **argv)
{
    struct proto_request r = { .verb = PROTO_STATUS };
    bool json = false;

    if (!take_flag(argc, argv, "json", &json) || take_name(&r, argc, argv) != EXIT_DONE)
        return EXIT_USAGE;
    return show(&r, json);
}

static int cmd_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return usage(stdout);
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "run", cmd_run },   { "explain", cmd_explain }, { "stop", cmd_stop },
    { "list", cmd_list }, { "status", cmd_status },   { "help", cmd_help },
};

int main(int argc, char **argv)
{
    static const struct option options[] = { { "socket", required_argument, NULL, 's' },
                                             { "help", no_argument, NULL, 'h' },
                                             { "version", no_argument, NULL, 'V' },
                                             { NULL, 0, NULL, 0 } };
    int c;

    /* "+": options behind the command are the command's. */
    while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        switch (c) {
        case 's':
            socket_path = optarg;
            break;
        case 'h':
            return usage(stdout);
        case 'V':
            printf("xhs-job " PACKAGE_VERSION "\n");
            return EXIT_DONE;
        default:
            return usage(stderr);
        }
    }
    argc -= optind;
    argv += optind;
    for (size_t i = 0; argc > 0 && i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(argv[0], commands[i].name) == 0) {
            optind = 0; /* GNU getopt: begin anew, with argv[0] for the command's name */
            return commands[i].run(argc, argv);
        }
    }
    return usage(stderr);
}
