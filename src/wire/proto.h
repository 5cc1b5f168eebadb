/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control protocol between xhs and xhsd: JSON, one object a line, over a unix stream socket.
 * Not a parser: see json.h. Used by xhsd (control.c) and xhs (client.c).
 *
 * Request:  {"op": OP, ...}                                      one a connection at a time
 * Answers:  {"progress": TEXT}                                   any number of times, then one of
 *           {"ok": true, "result": {...}}
 *           {"ok": false, "code": WORD, "error": TEXT}           WORD of core/error.h
 *           {"event": {...}}                                     after "events" with follow: until
 *                                                                the client closes
 * Sizes are KiB (_kb), times milliseconds (_ms, may have decimals).
 *
 * OP        takes                       result
 * version   -                           {version, xen, pid, uptime_ms}
 * list      -                           {pairs: [PAIR]}
 * show      pair                        PAIR, and {config: {...}, areas: [AREA], jobs: [JOB],
 *                                        takeover: TIMELINE or null}
 * table     [pair] [audit]              {pool_kb, reserve_kb, reserve_have_kb, unused_kb,
 *                                        areas: [AREA], queue: [ASK]}; with audit: true also
 *                                        differences: [TEXT], what the hypervisor shows otherwise
 * check     [pair]                      {possible, pairs: [{name, state, possible,
 *                                        faults: [FAULT]}]}
 * jobs      [pair]                      {jobs: [JOB]}
 * events    [pair] [follow]             {events: [EVENT]}, oldest first, the last 1000
 * create    file [dry_run]              {pair: NAME, plan: [TEXT]}; without dry_run also state:
 *                                        WORD, and the answer comes when the pair is protected or
 *                                        unprotected
 * destroy   pair                        {pair: NAME}, when both domains are gone
 * recover   pair                        {pair: NAME, state: WORD}
 * reload    -                           {}, or the reason of the refusal
 *
 * PAIR      {name, state, reason, trigger, epoch, protected, active: "a"|"b"|null,
 *            takeovers, members: [MEMBER]}
 * MEMBER    {member: "a"|"b", name, domid or null, uuid, role: "active"|"standby"|"none",
 *            domain: WORD, agent, memory_kb, target_kb, owned_kb}
 * AREA      {pair or null, area, resource: "memory", size_kb, have_kb, used_kb or null, owner: WORD,
 *            owner_domain or null, on_fault: WORD, on_fault_domain or null}
 *            used_kb: of a running job's area, as its guest reports it
 * ASK       {pair, job, domain, priority, min_kb, want_kb, left_s or null}, in the order in which
 *            they are served; kb of unused memory; left_s: until it is refused, null: never
 * FAULT     {fault: "os"|"job", domain, job or null, possible: true, false, or null where no
 *            takeover is meant to follow, need_kb, have_kb, text}
 * JOB       {pair, job, state, owner: "a"|"b"|null, owner_domain or null, hot_standby, priority,
 *            memory_kb, min_kb, used_kb, peak_kb, oom_kills, request, reason}
 * EVENT     {seq, time: ISO 8601 UTC with ms, mono_ms, pair or null, type, text}
 *           type: state, phase, job, member, alert, info
 *           state adds {from, to}; phase adds {phase, ms} (ms since detection)
 * TIMELINE  {request, victim, heir, done, phases: [{phase, ms}]}   ms since detection
 */
#ifndef XHS_WIRE_PROTO_H
#define XHS_WIRE_PROTO_H

#define PROTO_SOCKET "/run/xhs/xhsd.sock" /* xhs -s and xhsd -s change it */
/* Requests are lines of at most 8 KiB; answers have no limit. */

#endif
