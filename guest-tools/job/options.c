/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of xhs-job run: see options.h. */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "size.h"

#define EXIT_USAGE 2

int complain(const char *what, const char *word)
{
    fprintf(stderr, "xhs-job: %s%s%s\n", what, *word ? ": " : "", word);
    return EXIT_USAGE;
}

static bool wrong(const char *what, const char *word)
{
    complain(what, word);
    return false;
}

static bool read_environment(struct job_params *p)
{
    const char *hot = getenv("XHS_HOT_STANDBY"), *memory = getenv("XHS_MEMORY");

    if (hot && *hot && !params_choice(hot, &p->env_hot_standby))
        return wrong("XHS_HOT_STANDBY is yes or no, not", hot);
    if (memory && *memory && !size_parse(memory, &p->env_memory_kb))
        return wrong("XHS_MEMORY is no size", memory);
    return true;
}

static bool take_option(int c, struct proto_request *r, bool *json)
{
    struct job_params *p = &r->params;

    switch (c) {
    case 'h':
        p->hot_standby = YES;
        return true;
    case 'm':
        return size_parse(optarg, &p->memory_kb) || wrong("--memory is no size", optarg);
    case 'i':
        return size_parse(optarg, &p->memory_min_kb) || wrong("--memory-min is no size", optarg);
    case 'p':
        return params_priority(optarg, &p->priority) ||
               wrong("--priority is 0 to 1000, not", optarg);
    case 'w':
        return params_wait(optarg, &p->wait_s) ||
               wrong("--wait is a number of seconds or forever, not", optarg);
    case 'f':
        p->force = true;
        return true;
    case 'n':
        r->no_wait = true;
        return true;
    case 'j':
        *json = true;
        return true;
    }
    return false;
}

bool run_options(int argc, char **argv, struct proto_request *r, bool *json)
{
    const struct option options[] = {
        { "hot-standby", no_argument, NULL, 'h' },
        { "memory", required_argument, NULL, 'm' },
        { "memory-min", required_argument, NULL, 'i' },
        { "priority", required_argument, NULL, 'p' },
        { "wait", required_argument, NULL, 'w' },
        { "force", no_argument, NULL, 'f' },
        { "no-wait", no_argument, NULL, 'n' },
        { json ? "json" : NULL, no_argument, NULL, 'j' },
        { NULL, 0, NULL, 0 },
    };
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take_option(c, r, json))
            return false;
    }
    return read_environment(&r->params);
}
