/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xhs-job's end of the agent's socket: one request, and its answer line by line.
 * Not the meaning of the lines: that is agent/proto.h. Called by xhs-job.
 */
#ifndef JOB_CLIENT_H
#define JOB_CLIENT_H

#include <stdio.h>

#include "core/error.h"
#include "proto.h"

/* Connect and send. The stream is the caller's, for fclose. NULL with an error. */
FILE *client_ask(const char *socket_path, const struct proto_request *r, struct xhs_error *e);

/* Wait for the answer to begin: 1 when there is something to read, 0 after timeout_ms. */
int client_wait(FILE *f, int timeout_ms);

enum client_line {
    CLIENT_JOB,
    CLIENT_SETTING,
    CLIENT_FACTS,
    CLIENT_OK,
    CLIENT_FAILED,
    CLIENT_LOST,
};

/* The next line. Filled in: name and line for JOB, setting, facts, text for OK and FAILED. */
struct client_answer {
    char name[MSG_NAME_MAX + 1];
    struct msg_job line;
    struct proto_setting setting;
    struct proto_facts facts;
    char text[PROTO_LINE_MAX];
};
enum client_line client_next(FILE *f, struct client_answer *out);

#endif
