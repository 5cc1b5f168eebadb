/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xhs-job and xhs-agent say to each other over PROTO_SOCKET (a stream; root only).
 * Not dom0's protocol: that is core/msg.h. Used by both ends; no I/O here.
 *
 * One request a connection, one line:
 *   run NAME [OPTION...]
 *   explain NAME [OPTION...]
 *   stop NAME [wait=no]
 *   status NAME
 *   list
 * OPTION is hot_standby=yes|no, memory_kb=N, memory_min_kb=N, env_hot_standby=yes|no,
 * env_memory_kb=N, priority=N, wait_s=N, force=yes|no or wait=no. The answer is any number of lines
 *   job NAME LINE                    LINE: a job line (core/msg.h); list and status
 *   setting KEY VALUE SOURCE [TEXT]  explain: what one source says of one setting, and where or by
 *                                    what arithmetic. KEY and SOURCE: settings.h; hot_standby is 0
 *                                    or 1. Of each KEY all that say something, the one that counts
 *                                    first, the others by precedence
 *   facts [spare_kb=N] available_kb=N kept_kb=N ask_kb=N
 *                                    explain: ask.h; no spare_kb when dom0 has not said
 * and a last one, after which the agent closes:
 *   ok TEXT
 *   failed TEXT
 * run and stop are answered when the job runs or has stopped, however long that takes; with wait=no
 * at once. explain changes nothing.
 */
#ifndef AGENT_PROTO_H
#define AGENT_PROTO_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/msg.h"
#include "params.h"
#include "settings.h"

#define PROTO_RUN_DIR "/run/xhs-agent"
#define PROTO_SOCKET PROTO_RUN_DIR "/agent.sock"
#define PROTO_LINE_MAX 512 /* bytes in a line of either side, with its newline */

#define PROTO_VERBS(V)  \
    V(RUN, "run")       \
    V(STOP, "stop")     \
    V(STATUS, "status") \
    V(LIST, "list")     \
    V(EXPLAIN, "explain")

enum proto_verb {
#define V(id, word) PROTO_##id,
    PROTO_VERBS(V)
#undef V
};

struct proto_request {
    enum proto_verb verb;
    char job[MSG_NAME_MAX + 1]; /* "" for list */
    struct job_params params;   /* run, explain */
    bool no_wait;               /* run, stop */
};

#define PROTO_TEXT_MAX 400 /* bytes of a setting's TEXT, with a NUL */

struct proto_setting {
    enum setting key;
    uint64_t value;
    enum source from;
    char text[PROTO_TEXT_MAX];
};

struct proto_facts {
    struct optional spare_kb;
    uint64_t available_kb, kept_kb, ask_kb;
};

/* line: without its newline. An error is XHS_E_PROTOCOL. */
int proto_parse(const char *line, struct proto_request *out, struct xhs_error *e);

/* A line that proto_parse reads, with its newline; returns its length. */
size_t proto_format(char buf[PROTO_LINE_MAX], const struct proto_request *r);

/* The same for two lines of explain's answer. The parsers take what follows the first word, and
 * change it; false: it is not understood. */
size_t proto_format_setting(char buf[PROTO_LINE_MAX], const struct proto_setting *s);
bool proto_parse_setting(char *rest, struct proto_setting *out);
size_t proto_format_facts(char buf[PROTO_LINE_MAX], const struct proto_facts *f);
bool proto_parse_facts(char *rest, struct proto_facts *out);

#endif
