/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a job is what it is, and what xhs-job run would ask dom0 for: the agent's answer to
 * xhs-job explain. Not a rehearsal: nothing is decided, changed or told to dom0 here.
 * Called by sock.c.
 */
#include "agent.h"

#include <stdio.h>
#include <string.h>

#include "measure.h"

/* Where a source is, or how it came by its value. */
static void source_text(const struct agent *a, const struct job *j, enum setting key,
                        enum source from, char buf[PROTO_TEXT_MAX])
{
    static const char *const options[] = {
        [SETTING_HOT_STANDBY] = "--hot-standby", [SETTING_MEMORY] = "--memory",
        [SETTING_MEMORY_MIN] = "--memory-min",   [SETTING_PRIORITY] = "--priority",
        [SETTING_WAIT] = "--wait",
    };
    char estimate[ESTIMATE_TEXT_MAX];

    buf[0] = '\0';
    switch (from) {
    case SOURCE_COMMAND_LINE:
        snprintf(buf, PROTO_TEXT_MAX, "%s", options[key]);
        break;
    case SOURCE_JOB_FILE:
        snprintf(buf, PROTO_TEXT_MAX, "%s/%s.job", a->jobs_dir, j->name);
        break;
    case SOURCE_ENVIRONMENT:
        snprintf(buf, PROTO_TEXT_MAX, "%s",
                 key == SETTING_HOT_STANDBY ? "XHS_HOT_STANDBY" : "XHS_MEMORY");
        break;
    case SOURCE_ESTIMATE:
        estimate_text(&j->estimate, estimate);
        snprintf(buf, PROTO_TEXT_MAX, "%s", estimate);
        break;
    case SOURCE_DEFAULT:
        if (key == SETTING_MEMORY_MIN)
            snprintf(buf, PROTO_TEXT_MAX, "all of its memory");
        else if (key == SETTING_WAIT && j->def.autostart)
            snprintf(buf, PROTO_TEXT_MAX, "of a run by hand; forever when it starts by itself");
        break;
    case SOURCE_COUNT:
        break;
    }
}

static bool send_settings(const struct agent *a, struct client *c, const struct job *j,
                          const struct settings *all)
{
    for (unsigned key = 0; key < SETTING_COUNT; key++) {
        enum source counts = settings_source(all, (enum setting)key);
        for (unsigned from = 0; from < SOURCE_COUNT; from++) {
            struct proto_setting s = { .key = (enum setting)key, .from = (enum source)from };
            char line[PROTO_LINE_MAX];
            /* A default is overruled by anything, which is not worth a word. */
            if (!all->by[key][from].said || (from == SOURCE_DEFAULT && from != counts))
                continue;
            s.value = all->by[key][from].value;
            source_text(a, j, s.key, s.from, s.text);
            if (!agent_sock_send(c, line, proto_format_setting(line, &s)))
                return false;
        }
    }
    return true;
}

static bool send_facts(struct agent *a, struct client *c, uint64_t memory_kb)
{
    const struct ask_facts facts = agent_ask_facts(a);
    const struct proto_facts f = {
        .spare_kb = { a->spare_said, a->spare_kb },
        .available_kb = facts.available_kb,
        .kept_kb = facts.kept_kb,
        .ask_kb = ask_kb(memory_kb, &facts),
    };
    char line[PROTO_LINE_MAX];

    return agent_sock_send(c, line, proto_format_facts(line, &f));
}

int agent_explain(struct agent *a, struct client *c, const struct proto_request *r,
                  struct xhs_error *e)
{
    struct job j = { .usable = true }; /* not the agent's own, which stays as it is */
    struct settings all;
    char path[AGENT_PATH_MAX];

    strcpy(j.name, r->job);
    snprintf(path, sizeof path, "%s/%s.job", a->jobs_dir, j.name);
    if (jobfile_read(path, &j.def, e) < 0)
        return -1;
    j.estimate = measure_job(a->peak_dir, j.name, j.def.start);
    job_settings(&j, &r->params, &all);
    if (!send_settings(a, c, &j, &all) ||
        !send_facts(a, c, settings_value(&all, SETTING_MEMORY)))
        return xhs_fail(e, XHS_E_SYSTEM, "the answer was not read");
    const char *wrong = settings_wrong(&all);
    return wrong ? xhs_fail(e, XHS_E_CONFIG, "%s", wrong) : 0;
}
