/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What xhs.cfg and a pair's file say: from raw settings (name, values, line) to checked values.
 * No files and no libxlutil: cfgfile.h reads. Used by xhsd.
 */
#ifndef XHS_CORE_CONFIG_H
#define XHS_CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/error.h"
#include "core/msg.h"

#define CONFIG_SETTINGS_MAX 64
#define CONFIG_PATH_MAX 256

/* One `name = value` of a file. A list has n values, a string or number one (as text). */
struct config_setting {
    char *name;
    bool is_list;
    unsigned n;
    char **value;
    unsigned line;
};

struct config_raw {
    char file[CONFIG_PATH_MAX];
    struct config_setting setting[CONFIG_SETTINGS_MAX];
    unsigned n;
};
void config_raw_free(struct config_raw *raw); /* twice is fine */

/* xhs.cfg. Sizes in the file are MiB. */
struct host_config {
    uint64_t pool_kb;    /* what xhs manages: members, reserve and unused come out of it */
    uint64_t reserve_kb; /* kept for takeovers and bad memory */
    char socket_group[64]; /* may talk to xhsd beside root; "" for none */
    char log[16];          /* "stderr" or "syslog"; "" for the default */
};

/* What to do with an active OS's memory beyond standby_memory and its jobs, on fault. */
#define SURPLUS_POLICIES(S) \
    S(FOLLOW, "follow")     \
    S(STAY, "stay")
enum surplus_policy {
#define S(id, word) SURPLUS_##id,
    SURPLUS_POLICIES(S)
#undef S
};
const char *surplus_word(enum surplus_policy policy);
bool surplus_parse(const char *word, enum surplus_policy *out);

/* pairs/NAME.cfg. Sizes in the file are MiB. */
struct pair_config {
    char name[MSG_NAME_MAX + 1];
    char member_file[2][CONFIG_PATH_MAX]; /* absolute; a relative one is beside the pair's file */
    uint64_t memory_kb;         /* the active's, with its jobs */
    uint64_t standby_memory_kb; /* the standby's */
    uint64_t max_memory_kb;     /* neither ever has more */
    enum surplus_policy surplus;
    unsigned hang_timeout_ms;
    /* lines of the settings, so that later checks can still name them; 0 where not given */
    unsigned line_name, line_members, line_memory, line_standby, line_max;
    char file[CONFIG_PATH_MAX];
};

/* Linux PV guests grow to at most 11 times their boot memory. */
#define CONFIG_BOOT_RATIO 11
/* Below this a Linux guest with the guest tools does not live (measured). */
#define CONFIG_MIN_GUEST_KB (96 * 1024)

/*
 * What a standby must boot with: standby_memory, or more when it could not grow to max_memory
 * otherwise; whole MiB. Never more than memory.
 */
uint64_t config_min_boot_kb(const struct pair_config *pc);

int config_host(const struct config_raw *raw, struct host_config *out, struct xhs_error *err);
int config_pair(const struct config_raw *raw, struct pair_config *out, struct xhs_error *err);

/* The one of n known words that a mistyped word probably means; NULL when none is close. */
const char *config_nearest(const char *word, const char *const *known, unsigned n);

#endif
