/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The one door for what guests write: bounded bytes in, a typed value or a named error out.
 * Also the writer of the same lines, so that both ends agree. No I/O.
 * Used by xhsd (guest.c), by xhs-agent and by libxhsguest.
 *
 * A message is one line in one xenstore key, words separated by single spaces:
 *   job     STATE [hot_standby=yes|no] [memory_kb=N] [memory_min_kb=N] [ask_kb=N] [priority=N]
 *           [wait_s=N] [force=yes|no] [used_kb=N] [peak_kb=N] [oom_kills=N] [request=ID]
 *           [reason=TEXT]
 *   reply   ok|failed BOOT_ID [TEXT]
 *   memory  total_kb=N available_kb=N
 *   req     OP JOB|- KB [NEED_KB|TEXT]
 * TEXT runs to the end of the line; what is beyond MSG_TEXT_MAX is cut off. A final newline is
 * allowed, so that a shell can write it. Fields stand in any order; neither memory_min_kb nor ask_kb
 * may exceed memory_kb; start, stop and deny name a job, balloon names none, and only deny has a
 * TEXT.
 */
#ifndef XHS_CORE_MSG_H
#define XHS_CORE_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XHS_FORMAT 1        /* version of the guest protocol: keys and lines */
#define MSG_MAX 512         /* bytes in a message; longer ones are refused unread */
#define MSG_NAME_MAX 40     /* bytes in a pair's or job's name, without NUL */
#define MSG_TEXT_MAX 120    /* bytes in a TEXT, without NUL */
#define MSG_BOOT_ID_LEN 36  /* a boot id is written as a UUID */
#define MSG_KB_MAX (UINT64_C(1) << 40) /* 1 PiB: more is taken for garbage */
#define MSG_PRIORITY_MAX 1000
#define MSG_WAIT_FOREVER UINT64_C(1000000000) /* the largest wait_s */

#define MSG_ERRORS(E)                                  \
    E(OK, "ok")                                        \
    E(TOO_LONG, "longer than 512 bytes")               \
    E(BAD_BYTES, "has bytes that are not printable")   \
    E(BAD_WORD, "has an unknown word")                 \
    E(BAD_NUMBER, "has a number that is none or out of range") \
    E(BAD_NAME, "has a name with bytes outside A-Za-z0-9_-") \
    E(BAD_BOOT_ID, "has a boot id that is no UUID")    \
    E(MISSING, "lacks a field")                        \
    E(TWICE, "has a field twice")

enum msg_error {
#define E(id, text) MSG_##id,
    MSG_ERRORS(E)
#undef E
};

/* A job's state as its guest reports it. "defined": known here, nobody asked to run it. */
#define MSG_JOB_STATES(S) \
    S(DEFINED, "defined") \
    S(WAITING, "waiting") \
    S(STARTING, "starting") \
    S(RUNNING, "running") \
    S(STOPPING, "stopping") \
    S(STOPPED, "stopped") \
    S(FAILED, "failed")

enum msg_job_state {
#define S(id, word) MSG_JOB_##id,
    MSG_JOB_STATES(S)
#undef S
};

struct msg_job {
    enum msg_job_state state;
    bool hot_standby;
    uint64_t memory_kb;     /* the area it wants; 0: none of its own */
    uint64_t memory_min_kb; /* it can start with this much; 0: memory_kb */
    uint64_t ask_kb;        /* of memory_kb, what its OS does not own or cannot spare */
    uint64_t priority;      /* higher ones are served first */
    uint64_t wait_s;        /* how long a request may wait for memory; 0: not at all */
    bool force;             /* also when it leaves a hot-standby job unprotected */
    uint64_t used_kb;       /* of its area, now */
    uint64_t peak_kb;       /* and at most since it was started */
    uint64_t oom_kills;     /* since it was started */
    uint64_t request;       /* the run grant it runs under; 0: none */
    char reason[MSG_TEXT_MAX + 1];
};

struct msg_reply {
    bool ok;
    char boot_id[MSG_BOOT_ID_LEN + 1];
    char text[MSG_TEXT_MAX + 1];
};

struct msg_memory {
    uint64_t total_kb;     /* MemTotal */
    uint64_t available_kb; /* MemAvailable */
};

/* start: the job, with an area of KB, once the domain has NEED_KB in all. stop: the job. deny: its
 * request for memory is refused; KB is what it could have now, TEXT says why. balloon: set the
 * balloon driver's target to KB. */
#define MSG_OPS(O) \
    O(START, "start") \
    O(STOP, "stop") \
    O(DENY, "deny") \
    O(BALLOON, "balloon")

enum msg_op {
#define O(id, word) MSG_OP_##id,
    MSG_OPS(O)
#undef O
};

struct msg_req {
    enum msg_op op;
    char job[MSG_NAME_MAX + 1]; /* "" for none */
    uint64_t kb;
    uint64_t need_kb;            /* of start; 0: it need not wait */
    char text[MSG_TEXT_MAX + 1]; /* of deny */
};

const char *msg_error_text(enum msg_error err);
const char *msg_job_state_word(enum msg_job_state state);
const char *msg_op_word(enum msg_op op);

/* A name may stand in a path and in a line: 1 to MSG_NAME_MAX bytes of A-Za-z0-9_- , not "-". */
bool msg_valid_name(const char *name);

/* A whole decimal number, 0 to max; no sign, no spaces, nothing after it. */
bool msg_parse_u64(const char *text, uint64_t max, uint64_t *out);

/* True for 8-4-4-4-12 hexadecimal digits. */
bool msg_valid_uuid(const char *text);

/* Each parser takes len bytes (no NUL needed), and leaves *out alone unless it returns MSG_OK. */
enum msg_error msg_parse_job(const char *buf, size_t len, struct msg_job *out);
enum msg_error msg_parse_reply(const char *buf, size_t len, struct msg_reply *out);
enum msg_error msg_parse_memory(const char *buf, size_t len, struct msg_memory *out);
enum msg_error msg_parse_req(const char *buf, size_t len, struct msg_req *out);
enum msg_error msg_parse_boot_id(const char *buf, size_t len, char out[MSG_BOOT_ID_LEN + 1]);

/* What the job needs to start with. KiB. */
uint64_t msg_job_least_kb(const struct msg_job *m);

/* Each writer fills buf with a line its parser accepts (without a newline); returns its length. */
size_t msg_format_job(char buf[MSG_MAX], const struct msg_job *m);
size_t msg_format_reply(char buf[MSG_MAX], const struct msg_reply *m);
size_t msg_format_memory(char buf[MSG_MAX], const struct msg_memory *m);
size_t msg_format_req(char buf[MSG_MAX], const struct msg_req *m);

#endif
