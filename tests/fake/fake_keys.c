/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The xenstore keys that libxl makes and removes with a domain, as far as anyone looks at them.
 * Called by the other fakes.
 */
#include <stdarg.h>
#include <stdio.h>

#include "fake_internal.h"

void fake_uuid_text(char buf[37], const uint8_t u[16])
{
    char *at = buf;

    for (int i = 0; i < 16; i++)
        at += sprintf(at, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", u[i]);
}

static void key(const char *value, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* NULL: remove. */
static void key(const char *value, const char *fmt, ...)
{
    char path[128];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof path, fmt, ap);
    va_end(ap);
    if (value)
        tree_write(path, value, 0);
    else
        tree_remove(path);
}

void dom_write_keys(const struct sim *s, uint64_t target_kb, uint64_t static_max_kb)
{
    char vm[64] = "/vm/", path[96], number[32];

    fake_uuid_text(vm + 4, s->uuid);
    key(vm, "/local/domain/%u/vm", s->domid);
    key(s->name, "/local/domain/%u/name", s->domid);
    snprintf(number, sizeof number, "%u", s->domid);
    key(number, "/local/domain/%u/domid", s->domid);
    snprintf(number, sizeof number, "%llu", (unsigned long long)target_kb);
    key(number, "/local/domain/%u/memory/target", s->domid);
    snprintf(number, sizeof number, "%llu", (unsigned long long)static_max_kb);
    key(number, "/local/domain/%u/memory/static-max", s->domid);
    key("", "/local/domain/%u/control/shutdown", s->domid);
    key("", "/local/domain/%u/data", s->domid);
    key("", "/local/domain/0/backend/console/%u/0", s->domid);
    key("pv", "/libxl/%u/type", s->domid);
    snprintf(path, sizeof path, "%s/name", vm);
    tree_write(path, s->name, 0);
}

void dom_remove_keys(uint32_t domid, const uint8_t uuid[16])
{
    char vm[64] = "/vm/";

    fake_uuid_text(vm + 4, uuid);
    tree_remove(vm);
    key(NULL, "/local/domain/0/backend/console/%u", domid);
    key(NULL, "/local/domain/%u", domid);
    key(NULL, "/libxl/%u", domid);
}
