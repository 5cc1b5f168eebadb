/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole daemon (libxhsd) over the simulated host, in a directory of its own: it is started and
 * killed, time passes, guests with agents live on its domains, clients talk to its real socket, and
 * what must hold is checked at every instant. Not the stories: test_xhsd*.c, which use this.
 *
 * A daemon's exit() ends only the daemon, and so does a kill in the midst of its work: daemon_run
 * returns false then, and daemon_start begins another one, as systemd would.
 */
#ifndef XHS_TESTS_UNIT_DAEMON_H
#define XHS_TESTS_UNIT_DAEMON_H

#include <check.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/msg.h"
#include "fake.h"
#include "wire/json.h"

#define MIB UINT64_C(1024)
#define SECONDS 1000 /* daemon_run counts ms */

/* The host of daemon_setup, MiB: what dom0 leaves, and what xhs.cfg says. */
#define HOST_MIB 3328
#define POOL_MIB 2560
#define RESERVE_MIB 128

/* The pair that pair_form forms, MiB. */
#define ACTIVE_MIB 1024
#define STANDBY_MIB 160

struct host;

struct daemon {
    struct evloop *loop;
    struct host *host; /* NULL: no daemon runs */
    char dir[64], socket[96], cfg[96];
    int status;        /* what the last one called exit with; -1: nothing */
    unsigned calls;    /* of adapters, by the daemon, so far */
    unsigned die_at;   /* it is killed instead of making this one; 0: never */
    unsigned hurry_at; /* just before this one agents_hurry is called; 0: never */
    int step_ms;       /* between two checks; 5 from the start */
    uint64_t host_mib; /* what dom0 leaves */
    bool failed_calls; /* fake_fail is at work: errors in the log are no surprise */
    bool torn; /* killed between two calls: max pages may be raised and not claimed for yet */
    bool meddled; /* somebody else sets what domains may have */
    uint64_t extra_kb; /* used by others, or by a standby that boots with more than it owns */
    unsigned alerts, errors; /* events of type alert; log lines of LOG_ERR and worse */
    char alert[240];         /* the last one */
    char error[240];
};
extern struct daemon d;

/* ---- daemon.c: its life ---- */

void daemon_setup(void); /* a host, and an xhs.cfg; no daemon yet */
void daemon_setup_host(uint64_t mib, const char *cfg); /* of this size, with this xhs.cfg */
void daemon_teardown(void);
void daemon_start(void);
/* -1: it did not come up, with its error or (err NONE) by exit. */
int daemon_try_start(struct xhs_error *err);
/* As by SIGKILL: all that is only in memory is lost. */
void daemon_kill(void);
/* false: it called exit, or came to d.die_at, and is gone. */
bool daemon_run(int ms);
/* Runs until the pair's stored state is this word; false when it is not within ms. */
bool daemon_until(const char *pair, const char *state, int ms);

void xhs_cfg(const char *text);
/* Writes NAME.cfg and NAME-a.cfg, NAME-b.cfg; returns the first one's path. more: further settings
 * of the pair's file; NULL: 1024, 160 and max_memory 1760 MiB. */
const char *pair_file(const char *name, const char *more);
/* A file of this text beside them. */
const char *text_file(const char *name, const char *text);
/* Created, protected, both members of it defining job web (128 MiB, 64 to start), which runs. */
void pair_form(const char *name);
/* The same of a pair's file written before; with the answer that xhs would get. */
void pair_create(const char *file);

/* ---- daemon.c: clients ---- */

struct client;
struct client *client_new(void);
void client_free(struct client *c);
void client_bytes(struct client *c, const char *bytes, size_t n);
void client_send(struct client *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The next line that came, or NULL. Valid until the next call. Reads nothing when told not to. */
const char *client_line(struct client *c);
bool client_closed(struct client *c); /* by the daemon, and all it sent was taken */
int client_fd(struct client *c);
/* Runs until an answer is there, within ms: progress is skipped. json_free. NULL: none came. */
struct jval *client_answer(struct client *c, int ms);
/* One request on a connection of its own; fails the test unless the answer is ok. json_free. */
struct jval *ask_ok(int ms, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for one that is refused with this code, and this in the text. */
void ask_fails(int ms, const char *code, const char *text, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- daemon_agent.c: guests ---- */

void agents_start(void);
void agents_free(void);
struct agent_job {
    char name[MSG_NAME_MAX + 1];
    uint64_t kb, min_kb;
    uint64_t ask_kb; /* of kb, what its agent says that its OS does not own or cannot spare */
    uint64_t priority, wait_s;
    bool plain, force;
    bool boot; /* each boot asks for it; else it is defined, until somebody does (job_asks) */
};
/* A domain of this name has this job, in place of what had its name before: it says so when it
 * writes the job's line next, with its next boot at the latest. */
void agent_has(const char *domain, const struct agent_job *job);
/* The same for a hot-standby job that each boot asks for, and that waits for ever. */
void agent_defines(const char *domain, const char *job, uint64_t kb, uint64_t min_kb);
/* From now on agents of domains with this name do nothing any more, or (false) are as ever. */
void agent_silent(const char *domain, bool silent);
/* Starts that are under way end at once, with the answer to dom0. */
void agents_hurry(void);
/* What its agent answers a start with: "" starts, else "failed" with this text. */
void agent_refuses(const char *domain, const char *text);
/* How often the job was executed; where it runs (0: nowhere). Two copies at once fail the test. */
unsigned job_starts(const char *pair, const char *job);
uint32_t job_runs_in(const char *pair, const char *job);
/* The job's processes end by themselves. */
void job_ends(const char *pair, const char *job, bool well);
/* Somebody in the domain of this name asks to run the job; ends it, or wants it no more. */
void job_asks(const char *domain, const char *job);
void job_stops(const char *domain, const char *job);
/* What its agent has seen of the job since the domain's boot. */
struct job_seen {
    unsigned starts, denials;
    uint64_t start_kb; /* of the last request to start it */
    uint64_t deny_kb;  /* of the last denial, and its text */
    char deny_text[MSG_TEXT_MAX + 1];
    bool runs, busy; /* busy: neither that nor at rest */
};
const struct job_seen *job_seen(const char *domain, const char *job);
const char *agent_boot_id(uint32_t domid); /* NULL: no agent came up there */

/* ---- daemon_check.c: what dom0 and the hypervisor show ---- */

/* A key's value, "" when there is none. Four of them are valid at a time. */
const char *key(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t key_u64(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
unsigned keys_below(const char *path);

/* A word of the pair's open intent, as "heir"; "" when there is none. */
const char *intent(const char *pair, const char *word);
uint64_t intent_u64(const char *pair, const char *word);

uint32_t domain_of(const char *pair, char member); /* by the book; 0: none */
uint64_t owned_kb(const char *pair, const char *owner);
uint64_t tot_kb(uint32_t domid);
uint64_t max_kb(uint32_t domid);
uint64_t claim_kb(uint32_t domid);
uint64_t holder_kb(void); /* the reserve's claim */
bool domain_lives(uint32_t domid);

void check_instant(void); /* holds always; daemon_run calls it */
void check_book(void);    /* every key is one of xhs-paths.md, with a value of its type */
/* The pair is at rest, protected, this member active: memory, claims, keys, and job web's one copy
 * runs there; nothing is left of anything. */
void check_rest(const char *pair, char active);
void check_forget(void);

/* ---- daemon_request.c: requests for memory, and what they leave in the tables ---- */

/* Parts of check_instant. Members, reserve and unused add up to the pool: members_kb of tables in
 * the book. The rows of a pair's table, and its jobs: who holds a grant has an area, who is over
 * none. */
void check_pool(uint64_t members_kb);
void check_areas(const char *pair);
/* An agent is asked to start a job with kb: they are its area, and the domain has what it owns, but
 * for what jobs can do without. */
void check_start(uint32_t domid, const char *job, bool plain, uint64_t kb);
/* Nothing of the pair is under way, whatever jobs run: its members have what they own, may have no
 * more, owe the pool nothing, wait for nothing and have no request open. */
void check_calm(const char *pair);

/* Asks for a plain job's area, all of it of the pool's unused memory; runs for 50 ms. */
struct wish {
    const char *domain, *job;
    uint64_t mib, min_mib, priority, wait_s;
};
void wants(const struct wish *w);
#define WANTS(...) wants(&(struct wish){ .domain = __VA_ARGS__ })
#define FOR_EVER ((uint64_t)MSG_WAIT_FOREVER)
/* Ends it, and runs until its memory is back. */
void job_back(const char *pair, const char *domain, const char *job, const char *job_key);
/* Runs until the job of this key (NAME, NAME@a) is in this state in the book, within ms. */
bool job_until(const char *pair, const char *job, const char *state, int ms);
/* Runs until no member of the pair owes the pool anything, within ms. */
bool back_until(const char *pair, int ms);
uint64_t area_kb(const char *pair, const char *job, const char *figure); /* 0: it has none */
uint64_t unused_kb(void); /* by the daemon's own book */
unsigned queued(void);
/* The n-th of the queue that `table` shows: "JOB of DOMAIN, priority P, MIN to WANT MiB, left S";
 * "" when there are not so many. S -1: for ever. */
const char *queue_line(unsigned n);
/* The n-th difference that `table` with audit shows; "" when there are not so many. */
const char *difference(unsigned n);

/* A daemon, with so much of the pool unused beside pair shop (1184 MiB), or beside shop and mail
 * (640). */
#define SHOP "/tool/xhs/pair/shop"
#define MAIL "/tool/xhs/pair/mail"
#define UNUSED_MIB 512
void begin_asking(void);
void begin_sharing(void);
void begin_sharing_less(void); /* its max_memory is 1024, not 1760 */
/* All but so much of it is in use, by job hog of mail-a. */
void leave_unused(uint64_t mib);

/* ---- the program ---- */

/* A case of the suite; each of its tests may take so long, also with sanitizers on a busy machine
 * (one that XHS_TEST_STEP_MS makes finer: ten minutes). */
TCase *daemon_case(Suite *s, const char *name, void (*setup)(void), void (*teardown)(void),
                   int timeout_s);
/* Runs and frees it; returns the program's exit status. */
int daemon_run_suite(Suite *s);

#endif
