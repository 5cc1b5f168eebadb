/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract of xen/dom.h: parsing, creating, events, cleaning up. Called by contract.c.
 */
#include <stdio.h>
#include <stdlib.h>

#include "contract.h"

/* ---- parsing ---- */

static struct {
    struct result result;
    char *json;
    struct dom_summary sum;
} parsed;

static void on_parsed(void *arg, const char *json, const struct dom_summary *sum,
                      const struct xhs_error *err)
{
    (void)arg;
    free(parsed.json);
    parsed.json = json ? strdup(json) : NULL;
    if (json)
        parsed.sum = *sum;
    on_result(&parsed.result, 0, err);
}

static bool parse(const char *file)
{
    parsed.result.done = false;
    dom_parse(ct.dom, file, on_parsed, NULL);
    return wait_result(&parsed.result, 30000) && parsed.json;
}

static void a_file_is_parsed(void)
{
    struct dom_summary again;
    uint8_t drawn[16];

    CHECK(parse(env_config("ct-parse", SMALL_MB)));
    CHECK(strcmp(parsed.sum.name, "ct-parse") == 0 && strcmp(parsed.sum.type, "pv") == 0);
    CHECK(parsed.sum.memory_kb == SMALL_MB * MB && parsed.sum.vcpus == 1);
    CHECK(parsed.sum.pci_devices == 0);
    CHECK(dom_summarize(ct.dom, parsed.json, &again, no_err()) == 0);
    CHECK(memcmp(again.uuid, parsed.sum.uuid, 16) == 0 && again.memory_kb == SMALL_MB * MB);
    memcpy(drawn, again.uuid, 16);
    CHECK(parse(env_config("ct-parse", SMALL_MB)));
    CHECK(memcmp(drawn, parsed.sum.uuid, 16) != 0); /* drawn anew at each parse */
}

static void a_wrong_file_says_why(void)
{
    FILE *f = fopen("/tmp/ct-wrong.cfg", "we");

    CHECK(f);
    fprintf(f, "memory = 64\n");
    fclose(f);
    CHECK(!parse("/tmp/ct-wrong.cfg") && parsed.result.err.code == XHS_E_CONFIG);
    CHECK(strstr(parsed.result.err.text, "name"));
    remove("/tmp/ct-wrong.cfg");
    CHECK(!parse("/tmp/ct-none.cfg") && parsed.result.err.code == XHS_E_CONFIG);
    CHECK(strstr(parsed.result.err.text, "ct-none.cfg"));
    CHECK(dom_summarize(ct.dom, "{ nonsense", &parsed.sum, no_err()) == -1);
    CHECK(ct_err.code != XHS_E_NONE);
}

/* ---- creating ---- */

static struct {
    unsigned n;
    bool done_before;
    struct hyp_dom state;
    bool has_name;
} born;
static struct result creation;

static void on_born(void *arg, uint32_t domid)
{
    (void)arg;
    born.n++;
    born.done_before = creation.done;
    born.state = look(domid);
    born.has_name = key_is("ct-born", "/local/domain/%u/name", domid);
}

static void a_domain_is_born_paused_with_its_uuid_and_size(void)
{
    struct guest g = { .name = "ct-born" };
    struct hyp_dom d;
    uint32_t found = 0;
    uint8_t uuid[16];

    new_uuid(g.uuid);
    memset(&born, 0, sizeof born);
    memset(&creation, 0, sizeof creation);
    CHECK(parse(env_config(g.name, 2 * SMALL_MB)));
    CHECK(dom_find(ct.dom, g.name, &found, uuid, no_err()) == 0);
    dom_create(ct.dom, parsed.json, g.uuid, SMALL_MB * MB, 4 * SMALL_MB * MB, on_born, on_result,
               &creation);
    CHECK(!creation.done && born.n == 0);
    CHECK(wait_result(&creation, 30000) && creation.err.code == XHS_E_NONE);
    g.domid = creation.domid;
    d = look(g.domid);
    bool ok = born.n == 1 && !born.done_before && born.has_name && born.state.paused &&
              born.state.domid == g.domid && !d.paused && !d.shutdown &&
              memcmp(d.uuid, g.uuid, 16) == 0 && d.tot_kb <= SMALL_MB * MB + HYP_SLACK_KB &&
              d.tot_kb >= (SMALL_MB - 4) * MB &&
              dom_find(ct.dom, g.name, &found, uuid, no_err()) == 1 && found == g.domid &&
              memcmp(uuid, g.uuid, 16) == 0 && d.outstanding_kb == 0 &&
              key_is("524288", "/local/domain/%u/memory/static-max", g.domid);
    bool monitor = dom_has_xl_monitor(g.name);
    CHECK(destroy(&g));
    CHECK(ok);
    CHECK(!monitor);
    CHECK(!anything_left(&g));
    CHECK(dom_find(ct.dom, g.name, &found, uuid, no_err()) == 0);
}

/* Without the bodies of domains that earlier cases destroyed. */
static int count_domains(void)
{
    struct hyp_dom d[64];
    int n = hyp_list(ct.hyp, d, 64, no_err()), living = 0;

    for (int i = 0; i < n; i++)
        living += !d[i].dying;
    return living;
}

static void a_failed_creation_leaves_nothing(void)
{
    struct guest g = make_guest("ct-first", SMALL_MB * MB, SMALL_MB * MB);
    int before = count_domains();
    uint64_t unclaimed = unclaimed_kb();
    uint8_t uuid[16];

    CHECK(g.domid && before > 0);
    new_uuid(uuid);
    CHECK(parse(env_config("ct-first", SMALL_MB))); /* the name is taken */
    memset(&creation, 0, sizeof creation);
    dom_create(ct.dom, parsed.json, uuid, SMALL_MB * MB, SMALL_MB * MB, NULL, on_result, &creation);
    CHECK(wait_result(&creation, 30000) && creation.err.code != XHS_E_NONE);
    CHECK(strstr(creation.err.text, "exists"));
    pass_ms(200);
    CHECK(count_domains() == before && unclaimed_kb() + MB >= unclaimed);
    CHECK(look(g.domid).domid && !look(g.domid).shutdown);
    CHECK(key_is("ct-first", "/local/domain/%u/name", g.domid));
    clear_events();
}

static void more_memory_than_there_is_fails_cleanly(void)
{
    struct guest holder = make_empty(unclaimed_kb() + MB);
    int before = count_domains();
    uint8_t uuid[16];

    /* All but a little is claimed: another's claim is not to be built upon. */
    CHECK(holder.domid);
    CHECK(hyp_claim(ct.hyp, holder.domid, unclaimed_kb() - 64 * MB, no_err()) == 0);
    new_uuid(uuid);
    CHECK(parse(env_config("ct-large", SMALL_MB)));
    memset(&creation, 0, sizeof creation);
    dom_create(ct.dom, parsed.json, uuid, SMALL_MB * MB, SMALL_MB * MB, NULL, on_result, &creation);
    CHECK(wait_result(&creation, 30000) && creation.err.code == XHS_E_MEMORY);
    CHECK(strstr(creation.err.text, "Out of memory"));
    pass_ms(200);
    CHECK(count_domains() == before);
}

/* ---- ends ---- */

static void a_crash_is_an_event(void)
{
    struct guest g = make_guest("ct-crash", SMALL_MB * MB, SMALL_MB * MB);

    CHECK(g.domid && env_wait_up(g.domid));
    CHECK(!event_seen(g.domid));
    env_crash(g.domid);
    CHECK(wait_event(g.domid, 20000));
    CHECK(look(g.domid).shutdown && look(g.domid).shutdown_reason == 3);
    CHECK(look(g.domid).tot_kb >= (SMALL_MB - 4) * MB); /* preserved, with its memory */

    /* Adopted when dead already: the event still comes. */
    pass_ms(200);
    clear_events();
    CHECK(dom_adopt(ct.dom, g.domid, no_err()) == 0);
    CHECK(!event_seen(g.domid)); /* not from within */
    CHECK(wait_event(g.domid, 2000));

    clear_events();
    CHECK(destroy(&g) && !anything_left(&g));
}

static void a_reboot_is_an_event_with_its_reason(void)
{
    struct guest g = make_guest("ct-reboot", SMALL_MB * MB, SMALL_MB * MB);

    CHECK(g.domid && env_wait_up(g.domid));
    env_reboot(g.domid);
    CHECK(wait_event(g.domid, 20000));
    pass_ms(300);
    CHECK(look(g.domid).shutdown && look(g.domid).shutdown_reason == 1);
}

static void a_domain_that_never_was_is_an_event_when_adopted(void)
{
    CHECK(dom_adopt(ct.dom, 31999, no_err()) == 0);
    CHECK(wait_event(31999, 2000));
}

/* ---- cleaning up ---- */

static void a_destroy_of_anothers_domid_touches_nothing(void)
{
    struct guest g = make_guest("ct-other", SMALL_MB * MB, SMALL_MB * MB);
    struct guest wrong = g;

    CHECK(g.domid);
    new_uuid(wrong.uuid);
    CHECK(destroy(&wrong));
    CHECK(look(g.domid).domid == g.domid && !look(g.domid).dying && !look(g.domid).shutdown);
    CHECK(key_is("ct-other", "/local/domain/%u/name", g.domid));
    /* Even when nobody has the domid any more: the keys are another's. */
    CHECK(raw_destroy(&g) && gone(g.domid));
    CHECK(destroy(&wrong));
    CHECK(key_is("ct-other", "/local/domain/%u/name", g.domid));
    CHECK(destroy(&g) && !anything_left(&g));
}

static void a_destroy_of_what_never_was_is_done(void)
{
    struct guest g = { .domid = 31999, .name = "ct-never" };

    new_uuid(g.uuid);
    CHECK(destroy(&g));
}

static void the_same_uuid_can_be_built_again(void)
{
    struct guest g = make_guest("ct-again", SMALL_MB * MB, SMALL_MB * MB);
    uint32_t first = g.domid;

    CHECK(g.domid && parse(env_config(g.name, SMALL_MB)));
    CHECK(destroy(&g));
    memset(&creation, 0, sizeof creation);
    dom_create(ct.dom, parsed.json, g.uuid, SMALL_MB * MB, SMALL_MB * MB, NULL, on_result,
               &creation);
    CHECK(wait_result(&creation, 30000) && creation.err.code == XHS_E_NONE);
    CHECK(creation.domid != first);
    g.domid = creation.domid;
    char uuid[37];
    uuid_text(uuid, g.uuid);
    bool has_vm = !key_is(NULL, "/vm/%s", uuid);
    CHECK(destroy(&g));
    CHECK(has_vm && !anything_left(&g));
}

static void another_toolstacks_monitor_is_found(void)
{
    uint32_t domid;
    uint8_t uuid[16];

    if (!env_others_create("ct-xl", SMALL_MB))
        SKIP("no xl");
    bool found = dom_find(ct.dom, "ct-xl", &domid, uuid, no_err()) == 1;
    bool monitor = dom_has_xl_monitor("ct-xl");
    bool others = dom_has_xl_monitor("ct-x");
    env_others_destroy("ct-xl");
    CHECK(found && monitor && !others);
    CHECK(!dom_has_xl_monitor("ct-xl"));
}

const struct case_ dom_cases[] = {
    { "a file is parsed", a_file_is_parsed },
    { "a wrong file says why", a_wrong_file_says_why },
    { "born paused, with its uuid and size; removed without a trace",
      a_domain_is_born_paused_with_its_uuid_and_size },
    { "a failed creation leaves nothing", a_failed_creation_leaves_nothing },
    { "claimed memory is not to be had", more_memory_than_there_is_fails_cleanly },
    { "a crash is an event, also for who adopts late", a_crash_is_an_event },
    { "a reboot is an event, with its reason", a_reboot_is_an_event_with_its_reason },
    { "adopting what is not there is an event", a_domain_that_never_was_is_an_event_when_adopted },
    { "destroy does not touch another's domain or keys",
      a_destroy_of_anothers_domid_touches_nothing },
    { "destroy of what never was is done", a_destroy_of_what_never_was_is_done },
    { "the same uuid can be built again", the_same_uuid_can_be_built_again },
    { "another toolstack's monitor is found", another_toolstacks_monitor_is_found },
    { NULL, NULL },
};
