/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How xhs-job explain shows what xhs-agent has answered: a table or JSON, on stdout.
 * Not where it comes from. Called by xhs-job.
 */
#ifndef JOB_EXPLAIN_H
#define JOB_EXPLAIN_H

#include "proto.h"

#define EXPLAIN_MAX (SETTING_COUNT * SOURCE_COUNT)

struct explanation {
    struct proto_setting setting[EXPLAIN_MAX]; /* in the order of agent/proto.h */
    unsigned n;
    struct proto_facts facts;
};

void explain_table(const struct explanation *x);

/*
 * {"name", "settings": [{"setting", "value", "source", "text", "overruled": [{"value", "source",
 * "text"}]}], "spare_kb", "available_kb", "kept_kb", "margin_kb", "ask_kb"}
 * spare_kb is null when dom0 has not said, the value of wait_s is null for "forever".
 */
void explain_json(const char *job, const struct explanation *x);

#endif
