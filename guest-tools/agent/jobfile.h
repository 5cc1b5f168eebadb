/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Job files, /etc/xhs/jobs.d/NAME.job: what a job is, on this member. Strict: a file with one wrong
 * line defines nothing. Not a job's state: that is jobs.h.
 * Called by xhs-agent when it loads, and by xhs-job run through the agent.
 *
 *   # a comment
 *   start       = /usr/sbin/httpd -DFOREGROUND     run by /bin/sh -c; needed
 *   stop        = /usr/sbin/httpd -k stop          run by /bin/sh -c
 *   memory      = 128                              size.h: the job's area; estimated when not said
 *   memory_min  = 64M                              it can start with this much
 *   hot_standby = yes                              yes or no; no when not said anywhere
 *   autostart   = no                               yes or no; yes when not said
 *   priority    = 10                               0 to 1000; 0 when not said
 *   wait        = 60                               seconds, or forever; not said: settings.h
 */
#ifndef AGENT_JOBFILE_H
#define AGENT_JOBFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/error.h"
#include "params.h"

#define JOBFILE_MAX 65536        /* bytes in a job file */
#define JOBFILE_COMMAND_MAX 1024 /* bytes in a command, with its NUL */

struct jobdef {
    char start[JOBFILE_COMMAND_MAX];
    char stop[JOBFILE_COMMAND_MAX]; /* "": SIGTERM instead */
    uint64_t memory_kb;             /* 0: not said */
    uint64_t memory_min_kb;         /* 0: not said; never more than memory_kb */
    enum choice hot_standby;
    bool autostart;
    struct optional priority;
    struct optional wait_s; /* MSG_WAIT_FOREVER: forever */
};

/* Parse len bytes of text. An error is XHS_E_CONFIG, its text begins with "file:line: ". */
int jobfile_parse(const char *file, const char *text, size_t len, struct jobdef *out,
                  struct xhs_error *e);

/* Read and parse one. NOENT: there is no such file. */
int jobfile_read(const char *file, struct jobdef *out, struct xhs_error *e);

/* The job's name of a file's name: "web" of "web.job". False for a file of another kind, which is
 * nobody's mistake. *valid says whether the name can be a job's (msg_valid_name). */
bool jobfile_name(const char *file, char *name, size_t size, bool *valid);

#endif
