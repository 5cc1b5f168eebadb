/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON on stdout: see out_json.h.
 * Not a filter: xhsd's result goes out as it came, so that a newer xhsd's additions are there too.
 * Used by ask.c and cmd_events.c.
 */
#include "xhs/out_json.h"

#include <stdio.h>

static void print(const struct jval *v, bool pretty)
{
    struct jout *j = jout_new(pretty);

    json_print(j, NULL, v);
    fputs(jout_text(j, NULL), stdout);
    if (!pretty)
        putchar('\n');
    jout_free(j);
}

void out_json(const struct jval *v)
{
    print(v, true);
}

void out_json_line(const struct jval *v)
{
    print(v, false);
}
