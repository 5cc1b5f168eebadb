/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words that command lines and job files have in common: see params.h.
 * Not for sizes of memory: that is size.c.
 * Called by the job file parser and by xhs-job.
 */
#include "params.h"

#include <string.h>

#include "core/msg.h"

bool params_choice(const char *text, enum choice *out)
{
    *out = strcmp(text, "yes") == 0 ? YES : NO;
    return *out == YES || strcmp(text, "no") == 0;
}

bool params_priority(const char *text, struct optional *out)
{
    out->said = msg_parse_u64(text, MSG_PRIORITY_MAX, &out->value);
    return out->said;
}

bool params_wait(const char *text, struct optional *out)
{
    if (strcmp(text, "forever") == 0) {
        *out = (struct optional){ true, MSG_WAIT_FOREVER };
        return true;
    }
    out->said = msg_parse_u64(text, MSG_WAIT_FOREVER, &out->value);
    return out->said;
}
