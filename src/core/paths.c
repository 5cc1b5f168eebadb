/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* xenstore paths: see paths.h. */
#include "core/paths.h"

#include <ctype.h>
#include <string.h>

static const char *const templates[PATH_COUNT] = {
#define P(id, tmpl) [PATH_##id] = tmpl,
    XHS_PATHS(P)
#undef P
};

static const char guest_prefix[] = "/local/domain/DOMID/";

const char *path_template(enum path_id id)
{
    return templates[id];
}

static const char *fill(char buf[XHS_PATH_MAX], const char *tmpl, const char *const *args)
{
    size_t n = 0;

    while (*tmpl && n < XHS_PATH_MAX - 1) {
        if (isupper((unsigned char)*tmpl)) {
            const char *arg = *args ? *args++ : "";
            size_t len = strnlen(arg, XHS_PATH_MAX - 1 - n);
            memcpy(buf + n, arg, len);
            n += len;
            while (isupper((unsigned char)*tmpl))
                tmpl++;
        } else {
            buf[n++] = *tmpl++;
        }
    }
    buf[n] = '\0';
    return buf;
}

const char *path_build_args(char buf[XHS_PATH_MAX], enum path_id id, const char *const *args)
{
    return fill(buf, templates[id], args);
}

const char *path_relative_args(char buf[XHS_PATH_MAX], enum path_id id, const char *const *args)
{
    const char *tmpl = templates[id];
    size_t skip = strlen(guest_prefix);

    if (strncmp(tmpl, guest_prefix, skip) == 0)
        tmpl += skip;
    return fill(buf, tmpl, args);
}
