/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xhs-job and xhs-agent say to each other over PROTO_SOCKET (a stream; root only).
 * Not dom0's protocol: that is core/msg.h. Used by both ends; no I/O here.
 *
 * One request a connection, one line:
 *   run NAME [hot_standby=yes|no] [memory_kb=N] [memory_min_kb=N] [env_hot_standby=yes|no]
 *            [env_memory_kb=N] [wait=no]
 *   stop NAME [wait=no]
 *   status NAME
 *   list
 * The answer is any number of lines
 *   job NAME LINE                LINE: a job line (core/msg.h); list and status only
 * and a last one, after which the agent closes:
 *   ok TEXT
 *   failed TEXT
 * run and stop are answered when the job runs or has stopped, however long that takes; with wait=no
 * at once.
 */
#ifndef AGENT_PROTO_H
#define AGENT_PROTO_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/msg.h"
#include "params.h"

#define PROTO_RUN_DIR "/run/xhs-agent"
#define PROTO_SOCKET PROTO_RUN_DIR "/agent.sock"
#define PROTO_LINE_MAX 512 /* bytes in a line of either side, with its newline */

#define PROTO_VERBS(V)  \
    V(RUN, "run")       \
    V(STOP, "stop")     \
    V(STATUS, "status") \
    V(LIST, "list")

enum proto_verb {
#define V(id, word) PROTO_##id,
    PROTO_VERBS(V)
#undef V
};

struct proto_request {
    enum proto_verb verb;
    char job[MSG_NAME_MAX + 1]; /* "" for list */
    struct job_params params;   /* run */
    bool no_wait;               /* run, stop */
};

/* line: without its newline. An error is XHS_E_PROTOCOL. */
int proto_parse(const char *line, struct proto_request *out, struct xhs_error *e);

/* A line that proto_parse reads, with its newline; returns its length. */
size_t proto_format(char buf[PROTO_LINE_MAX], const struct proto_request *r);

#endif
