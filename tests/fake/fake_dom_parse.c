/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dom_parse and dom_summarize without xl: a few plain settings of an xl.cfg file, and a "JSON" of
 * its own. Not a parser of xl.cfg. Called by the code under test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_internal.h"

#define JSON                                                                          \
    "{\"fake\":1,\"name\":\"%s\",\"uuid\":\"%s\",\"type\":\"%s\",\"memory_kb\":%llu," \
    "\"vcpus\":%u,\"pci\":%u}"
#define JSON_SCAN                                                                    \
    "{\"fake\":1,\"name\":\"%127[^\"]\",\"uuid\":\"%36[^\"]\",\"type\":\"%7[^\"]\"," \
    "\"memory_kb\":%llu,\"vcpus\":%u,\"pci\":%u}"

struct parse {
    struct dom *d;
    struct evloop_timer *timer;
    char *file;
    dom_parsed_fn *fn;
    void *arg;
    struct parse *next;
};
static struct parse *parses;

static void parse_free(struct parse *p)
{
    struct parse **at = &parses;

    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    evloop_timer_free(p->timer);
    free(p->file);
    free(p);
}

void dom_fake_parse_abort(struct dom *d)
{
    for (struct parse *p = parses, *next; p; p = next) {
        next = p->next;
        if (p->d == d)
            parse_free(p);
    }
}

static bool parse_uuid(const char *text, uint8_t uuid[16])
{
    for (int i = 0; i < 16; i++) {
        unsigned byte;
        while (*text == '-')
            text++;
        if (sscanf(text, "%2x", &byte) != 1)
            return false;
        uuid[i] = byte;
        text += 2;
    }
    return true;
}

static void setting(struct dom_summary *sum, const char *name, const char *value)
{
    if (strcmp(name, "name") == 0)
        snprintf(sum->name, sizeof sum->name, "%.127s", value);
    else if (strcmp(name, "type") == 0)
        snprintf(sum->type, sizeof sum->type, "%.7s", value);
    else if (strcmp(name, "memory") == 0)
        sum->memory_kb = strtoull(value, NULL, 10) * 1024;
    else if (strcmp(name, "vcpus") == 0)
        sum->vcpus = strtoul(value, NULL, 10);
    else if (strcmp(name, "uuid") == 0)
        parse_uuid(value, sum->uuid);
    else if (strcmp(name, "pci") == 0)
        sum->pci_devices = 1;
}

static int read_file(const char *file, struct dom_summary *sum, struct xhs_error *err)
{
    static unsigned drawn; /* the uuid is drawn anew at each parse, as xl does */
    char line[512], name[64], value[256];
    FILE *f = fopen(file, "re");

    if (!f)
        return xhs_fail(err, XHS_E_CONFIG, "xl: Failed to read config file: %s", file);
    drawn++;
    *sum = (struct dom_summary){ .type = "pv", .vcpus = 1, .uuid = { 0xfa, drawn >> 8, drawn } };
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, " %63[a-z_] = [ \"%255[^\"]\"", name, value) == 2 ||
            sscanf(line, " %63[a-z_] = \"%255[^\"]\"", name, value) == 2 ||
            sscanf(line, " %63[a-z_] = %255s", name, value) == 2)
            setting(sum, name, value);
    }
    fclose(f);
    if (!sum->name[0])
        return xhs_fail(err, XHS_E_CONFIG, "xl: %s: Domain name must be specified.", file);
    return 0;
}

static void give_result(void *arg)
{
    struct parse *p = arg;
    struct xhs_error err = { 0 };
    struct dom_summary sum = { 0 };
    char uuid[37], json[512];

    if (!fake_failing(FAKE_DOM_PARSE, &err))
        read_file(p->file, &sum, &err);
    fake_uuid_text(uuid, sum.uuid);
    snprintf(json, sizeof json, JSON, sum.name, uuid, sum.type, (unsigned long long)sum.memory_kb,
             sum.vcpus, sum.pci_devices);
    p->fn(p->arg, err.code == XHS_E_NONE ? json : NULL, &sum, &err);
    parse_free(p);
}

void dom_parse(struct dom *d, const char *file, dom_parsed_fn *fn, void *arg)
{
    struct parse *p = fake_alloc(sizeof *p);

    p->d = d;
    p->fn = fn;
    p->arg = arg;
    p->file = strdup(file);
    p->timer = evloop_timer_new(host.loop, give_result, p);
    p->next = parses;
    parses = p;
    evloop_timer_at(p->timer, evloop_now(host.loop) + fake_speed.parse_ns);
}

int dom_summarize(struct dom *d, const char *json, struct dom_summary *sum, struct xhs_error *err)
{
    char uuid[37];
    unsigned long long kb;

    (void)d;
    memset(sum, 0, sizeof *sum);
    if (sscanf(json, JSON_SCAN, sum->name, uuid, sum->type, &kb, &sum->vcpus, &sum->pci_devices) !=
            6 ||
        !parse_uuid(uuid, sum->uuid))
        return xhs_fail(err, XHS_E_XEN, "not a domain's configuration");
    sum->memory_kb = kb;
    return 0;
}
