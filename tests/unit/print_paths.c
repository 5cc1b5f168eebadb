/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prints the templates of all of xhs's own xenstore keys, one a line, in the order of paths.h.
 * Not Xen's own keys that xhs uses: those are described by Xen's xenstore-paths.
 * Run by test_schema.sh, which compares them with xenstore-schema/xhs-paths.md.
 */
#include <stdio.h>

#include "core/paths.h"

int main(void)
{
#define P(id, tmpl) puts(path_template(PATH_##id));
    XHS_PATHS_DOM0(P)
    XHS_PATHS_TO_GUEST(P)
    XHS_PATHS_FROM_GUEST(P)
#undef P
    return fflush(stdout) == 0 ? 0 : 1;
}
