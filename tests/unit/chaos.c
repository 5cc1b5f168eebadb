/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random faults for the simulated world: domains, daemon, jobs, owners, guests that lie; and their
 * repair. Not what has to hold under them: test_pair_random.c, which calls this.
 */
#include "tests/unit/chaos.h"

#include <string.h>

static void fault_domain(struct sim *s, int m)
{
    static const int reason[] = { SHUT_CRASH, SHUT_CRASH, SHUT_CRASH, SHUT_WATCHDOG, SHUT_REBOOT,
                                  SHUT_REBOOT, SHUT_SUSPEND, SHUT_POWEROFF };

    switch (sim_random(s, 14)) {
    case 0:
        sim_destroy(s, m);
        break;
    case 1:
        if (s->dom[m].there && !s->dom[m].shutdown)
            s->dom[m].paused = !s->dom[m].paused && s->op[m].op == OP_NONE;
        break;
    case 2:
        s->dom[m].mute = !s->dom[m].mute;
        break;
    case 3:
        s->balloon_stuck[m] = !s->balloon_stuck[m];
        break;
    case 4:
        s->balloon_deaf[m] = !s->balloon_deaf[m];
        break;
    case 5:
        s->free_hangs[m] = !s->free_hangs[m];
        break;
    default:
        sim_shutdown(s, m, reason[sim_random(s, sizeof reason / sizeof reason[0])]);
    }
}

static void fault_daemon(struct sim *s, int m)
{
    switch (sim_random(s, 10)) {
    case 0:
    case 1:
        sim_daemon_dies(s, sim_random(s, 20000) * SIM_MS);
        break;
    case 2:
    case 3:
        s->kill_action = 1 + sim_random(s, 12);
        break;
    case 4:
        s->no_build[m] = !s->no_build[m];
        break;
    case 5:
        s->stranger[m] = s->stranger[m] >= 0 || s->dom[m].there ? -1 : s->next_domid++;
        break;
    case 6: /* another toolstack takes memory, beyond what the pool leaves it */
        s->host_kb = s->whole_kb - sim_random(s, 2) * sim_random(s, 192) * MIB_KB;
        break;
    case 7:
        s->defines[m][sim_random(s, SIM_JOBS)] ^= true;
        break;
    case 8: /* another pair has failed as well */
        s->urgent_until_ns = s->now_ns + sim_random(s, 2000) * SIM_MS;
        break;
    default:
        sim_look(s);
    }
}

static void ask_anew(struct sim *s, int m, int k)
{
    struct msg_job *line = &s->dom[m].job[k].line;

    sim_job_line(s, m, k, MSG_JOB_WAITING);
    line->ask_kb = sim_chance(s, 30) ? line->memory_kb / 2 : 0;
    line->priority = sim_random(s, 3);
    line->wait_s = sim_chance(s, 50) ? MSG_WAIT_FOREVER : sim_random(s, 20);
    line->force = sim_chance(s, 20);
}

/* A job's end, or its owner's wish, by the agent's rules. */
static void fault_job(struct sim *s, int m)
{
    int k = (int)sim_random(s, SIM_JOBS);
    const struct sim_job *j = &s->dom[m].job[k];

    if (!sim_dom_runs(&s->dom[m]) || !s->dom[m].agent || !j->defined)
        return;
    if (j->line.state == MSG_JOB_RUNNING)
        sim_job_line(s, m, k, sim_random(s, 2) ? MSG_JOB_FAILED : MSG_JOB_STOPPED);
    else if (j->line.state == MSG_JOB_WAITING)
        sim_job_line(s, m, k, MSG_JOB_STOPPED);
    else if (!sim_job_active(j))
        ask_anew(s, m, k);
}

static void ask_something(struct sim *s)
{
    static const enum pair_ask ask[] = { ASK_START, ASK_START, ASK_RECOVER, ASK_RECOVER,
                                         ASK_RECOVER, ASK_SWITCH, ASK_STOP };

    sim_ask(s, ask[sim_random(s, sizeof ask / sizeof ask[0])]);
}

/* A guest that writes what is not so, or an answer to what was never asked. */
static void lie(struct sim *s, int m)
{
    struct pair_event ev = { .member = m };
    int k;
    struct msg_job line = { .state = (enum msg_job_state)sim_random(s, MSG_JOB_FAILED + 1),
                            .hot_standby = sim_random(s, 4),
                            .memory_kb = sim_random(s, 2048) * MIB_KB,
                            .priority = sim_random(s, 5),
                            .wait_s = sim_random(s, 100),
                            .force = sim_random(s, 2),
                            .request = sim_random(s, (unsigned)s->pool.next_request) };

    line.memory_min_kb = line.memory_kb / (1 + sim_random(s, 4));
    line.ask_kb = line.memory_kb / (1 + sim_random(s, 9));
    ev.domid = (uint32_t)s->dom[m].domid - (sim_random(s, 4) == 0);
    ev.request = line.request;
    ev.reply.ok = sim_random(s, 2);
    memcpy(ev.reply.boot_id, s->dom[m].boot_id, sizeof ev.reply.boot_id);
    k = (int)sim_random(s, SIM_JOBS);
    ev.job = sim_job_name[k];
    ev.report = sim_random(s, 8) ? &line : NULL;
    ev.boot_id = sim_random(s, 3) ? "" : "11111111-2222-4333-8444-555555555555";
    ev.memory.total_kb = (1024 + sim_random(s, 4096)) * MIB_KB;
    ev.memory.available_kb = sim_random(s, 4096) * MIB_KB;
    switch (sim_random(s, 6)) {
    case 0:
    case 1:
        ev.type = EV_REPLY;
        break;
    case 2:
        ev.type = EV_JOB;
        s->dom[m].job[k].called_plain |= k < SIM_HOT && ev.report && !line.hot_standby;
        break;
    case 3:
        ev.type = EV_MEMORY;
        break;
    case 4:
        ev.type = EV_AGENT;
        break;
    default:
        ev.type = EV_HANG;
    }
    s->lies++;
    sim_feed(s, &ev);
}

void chaos_fault(struct sim *s)
{
    int m = (int)sim_random(s, MEMBERS);
    unsigned what = sim_random(s, 100);

    if (what < 45)
        fault_domain(s, m);
    else if (what < 60)
        fault_daemon(s, m);
    else if (what < 80)
        fault_job(s, m);
    else if (what < 88)
        ask_something(s);
    else
        lie(s, m);
}

void chaos_odds(struct sim *s)
{
    unsigned worst = sim_random(s, 3) ? 30 : 5;
    struct sim_faults *f = &s->faults;

    for (int op = OP_FENCE; op <= OP_CREATE; op++)
        f->op_fail[op] = sim_random(s, 2) ? sim_random(s, worst) : 0;
    f->late = sim_random(s, worst);
    f->lost_reply = sim_random(s, worst);
    f->lost_req = sim_random(s, worst);
    f->start_fails = sim_random(s, worst);
    f->no_agent = sim_random(s, worst);
    f->blind = sim_random(s, 2) ? sim_random(s, worst) : 0;
}

void chaos_end_lies(struct sim *s)
{
    for (int k = SIM_HOT; k < SIM_JOBS; k++) {
        const struct job *j = pair_job(&s->pair, sim_job_name[k]);
        if (j && job_live(j) && !s->down)
            sim_job_line(s, j->owner, k, MSG_JOB_STOPPED);
    }
}

void chaos_mend(struct sim *s)
{
    s->host_kb = s->whole_kb;
    for (int i = 0; i < MEMBERS; i++) {
        struct sim_dom *d = &s->dom[i];

        s->no_build[i] = s->balloon_stuck[i] = s->balloon_deaf[i] = d->mute = false;
        s->stranger[i] = -1;
        if (s->op[i].op == OP_NONE)
            d->paused = false;
        if (d->there && d->shutdown && d->reason == SHUT_SUSPEND && !d->fenced)
            d->shutdown = false; /* resumed */
        if (d->there && !d->agent)
            d->agent_ns = s->now_ns + SIM_SECOND;
        d->told = false;
        for (int k = 0; k < SIM_JOBS; k++) {
            s->defines[i][k] = true;
            d->job[k].defined = true;
            d->job[k].told = false;
        }
    }
}
