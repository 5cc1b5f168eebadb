/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every xenstore key of xhs, in one list. xenstore-schema/ describes the same keys, and a test
 * keeps the two equal. Not a store: building a path does no I/O.
 * Used by xhsd and by the guest tools.
 *
 * In a template a word in capitals stands for one path component, as in Xen's xenstore-paths:
 *   PAIR, JOB   a name (msg.h, msg_valid_name)      MEMBER  a or b
 *               (below /tool/xhs a plain job is NAME@MEMBER)
 *   AREA        an area's name (rmt.h)              ID      a request id, decimal
 *   DOMID       a domain id, decimal
 * Guests use the keys below ~/ by relative path: "xhs/req/7", "data/xhs/reply/7".
 */
#ifndef XHS_CORE_PATHS_H
#define XHS_CORE_PATHS_H

#include <stddef.h>

#define XHS_PATH_MAX 256 /* bytes, with the final NUL, of any path that path_build makes */

/* What dom0 keeps for itself. It lives as long as the host's domains do. */
#define XHS_PATHS_DOM0(P)                                                \
    P(ROOT, "/tool/xhs")                                                 \
    P(FORMAT, "/tool/xhs/format")                                        \
    P(HOST_POOL, "/tool/xhs/host/pool_kb")                               \
    P(HOST_RESERVE, "/tool/xhs/host/reserve_kb")                         \
    P(HOST_HOLDER, "/tool/xhs/host/holder_domid")                        \
    P(HOST_NEXT_REQUEST, "/tool/xhs/host/next_request")                  \
    P(PAIRS, "/tool/xhs/pair")                                           \
    P(PAIR, "/tool/xhs/pair/PAIR")                                       \
    P(PAIR_STATE, "/tool/xhs/pair/PAIR/state")                           \
    P(PAIR_REASON, "/tool/xhs/pair/PAIR/reason")                         \
    P(PAIR_EPOCH, "/tool/xhs/pair/PAIR/epoch")                           \
    P(PAIR_VERSION, "/tool/xhs/pair/PAIR/version")                       \
    P(PAIR_ACTIVE, "/tool/xhs/pair/PAIR/active")                         \
    P(PAIR_CONFIG_SHA, "/tool/xhs/pair/PAIR/config_sha")                 \
    P(MEMBER_UUID, "/tool/xhs/pair/PAIR/member/MEMBER/uuid")             \
    P(MEMBER_DOMID, "/tool/xhs/pair/PAIR/member/MEMBER/domid")           \
    P(MEMBER_CONFIG_SHA, "/tool/xhs/pair/PAIR/member/MEMBER/config_sha") \
    P(AREAS, "/tool/xhs/pair/PAIR/area")                                 \
    P(AREA, "/tool/xhs/pair/PAIR/area/AREA")                             \
    P(AREA_RESOURCE, "/tool/xhs/pair/PAIR/area/AREA/resource")           \
    P(AREA_SIZE, "/tool/xhs/pair/PAIR/area/AREA/size_kb")                \
    P(AREA_HAVE, "/tool/xhs/pair/PAIR/area/AREA/have_kb")                \
    P(AREA_GRANTED, "/tool/xhs/pair/PAIR/area/AREA/granted_kb")          \
    P(AREA_OWNER, "/tool/xhs/pair/PAIR/area/AREA/owner")                 \
    P(AREA_ON_FAULT, "/tool/xhs/pair/PAIR/area/AREA/on_fault")           \
    P(JOBS, "/tool/xhs/pair/PAIR/job")                                   \
    P(JOB, "/tool/xhs/pair/PAIR/job/JOB")                                \
    P(JOB_STATE, "/tool/xhs/pair/PAIR/job/JOB/state")                    \
    P(JOB_OWNER, "/tool/xhs/pair/PAIR/job/JOB/owner")                    \
    P(JOB_MIN, "/tool/xhs/pair/PAIR/job/JOB/min_kb")                     \
    P(JOB_REQUEST, "/tool/xhs/pair/PAIR/job/JOB/request")                \
    P(INTENT, "/tool/xhs/pair/PAIR/intent")

/* What dom0 tells one guest, which may read it. */
#define XHS_PATHS_TO_GUEST(P)                       \
    P(G_DIR, "/local/domain/DOMID/xhs")             \
    P(G_FORMAT, "/local/domain/DOMID/xhs/format")   \
    P(G_PAIR, "/local/domain/DOMID/xhs/pair")       \
    P(G_MEMBER, "/local/domain/DOMID/xhs/member")   \
    P(G_EPOCH, "/local/domain/DOMID/xhs/epoch")     \
    P(G_SPARE, "/local/domain/DOMID/xhs/spare_kb")  \
    P(G_REQS, "/local/domain/DOMID/xhs/req")        \
    P(G_REQ, "/local/domain/DOMID/xhs/req/ID")      \
    P(G_RUN, "/local/domain/DOMID/xhs/job/JOB/run")

/* What a guest tells dom0. Hostile input: read only through msg.h. */
#define XHS_PATHS_FROM_GUEST(P)                                    \
    P(D_DIR, "/local/domain/DOMID/data/xhs")                       \
    P(D_VERSION, "/local/domain/DOMID/data/xhs/agent/version")     \
    P(D_BOOT_ID, "/local/domain/DOMID/data/xhs/agent/boot_id")     \
    P(D_MEMORY, "/local/domain/DOMID/data/xhs/agent/memory")       \
    P(D_JOBS, "/local/domain/DOMID/data/xhs/job")                  \
    P(D_JOB, "/local/domain/DOMID/data/xhs/job/JOB")               \
    P(D_REPLIES, "/local/domain/DOMID/data/xhs/reply")             \
    P(D_REPLY, "/local/domain/DOMID/data/xhs/reply/ID")

/* Keys of Xen's own that xhs reads or writes. */
#define XHS_PATHS_XEN(P)                                        \
    P(X_DOMAIN, "/local/domain/DOMID")                          \
    P(X_NAME, "/local/domain/DOMID/name")                       \
    P(X_TARGET, "/local/domain/DOMID/memory/target")            \
    P(X_LIBXL, "/libxl/DOMID")

#define XHS_PATHS(P) \
    XHS_PATHS_DOM0(P) XHS_PATHS_TO_GUEST(P) XHS_PATHS_FROM_GUEST(P) XHS_PATHS_XEN(P)

enum path_id {
#define P(id, tmpl) PATH_##id,
    XHS_PATHS(P)
#undef P
    PATH_COUNT,
};

/* The template, e.g. "/tool/xhs/pair/PAIR/state". */
const char *path_template(enum path_id id);

/*
 * Fill a template's capital words, in order, with args (exactly as many as it has; each a valid
 * path component). buf is always terminated; returns buf. Arguments that make the path longer than
 * XHS_PATH_MAX are a bug of the caller's: names are bounded before they get here.
 */
#define path_build(buf, id, ...) \
    path_build_args(buf, id, (const char *const[]){ "", ##__VA_ARGS__, NULL } + 1)
const char *path_build_args(char buf[XHS_PATH_MAX], enum path_id id, const char *const *args);

/*
 * The part of a guest's key that follows "/local/domain/DOMID/", as the guest itself names it:
 * path_relative(PATH_G_REQ, ...) makes "xhs/req/7". args without the domid.
 */
#define path_relative(buf, id, ...) \
    path_relative_args(buf, id, (const char *const[]){ "", ##__VA_ARGS__, NULL } + 1)
const char *path_relative_args(char buf[XHS_PATH_MAX], enum path_id id, const char *const *args);

#endif
