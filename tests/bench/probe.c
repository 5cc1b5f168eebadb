/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the takeover benchmark needs in dom0 beside a shell: clocks, memory over time, a host without
 * free memory, and the floors, which are the least that a toolstack could do. It is not part of the
 * product and shares with it only the calls of xen/hyp.h.
 * Called by tests/bench/takeover:
 *   probe record FILE VICTIM HEIR GOAL_KB LIMIT_S  what happens to two domains, until the heir has
 *                                       GOAL_KB and its job all that it writes
 *   probe trigger VICTIM HEIR           when VICTIM is down: the word to HEIR, nothing else
 *   probe grow HEIR GOAL_KB [VICTIM]    HEIR to GOAL_KB, and when that began; with VICTIM: when it is
 *                                       down, destroy it meanwhile, and follow what that frees
 *   probe many GOAL_KB LIMIT_S VICTIM HEIR...  crash all victims; a line for each couple
 *   probe clock DOMID                   ns that the guest's clock is ahead of dom0's (lab-clock)
 *   probe destroy DOMID                 the hypervisor's own destroy; prints the ms it took
 *   probe tot DOMID                     KiB that it has
 *   probe free                          KiB that are in nobody's hands
 *   probe ballast LEAVE_KB              an empty domain with all unclaimed memory but so much; prints
 *                                       its domid
 * Times are CLOCK_REALTIME in ns.
 */
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenstore.h>

#include "xen/hyp.h"

#define SAMPLE_MS 50
#define STEP_MS 30           /* between looks at what a destroy has freed */
#define TOLERANCE_KB 2048
#define SUPERPAGE_ORDER 9
#define KB_PER_SUPERPAGE 2048

static struct hyp *hyp;
static struct xs_handle *xs;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static uint32_t domid_of(const char *text)
{
    return (uint32_t)strtoul(text, NULL, 10);
}

static struct hyp_dom look(uint32_t domid)
{
    struct hyp_dom d = { 0 };

    hyp_get(hyp, domid, &d, NULL);
    return d;
}

static uint64_t tot_kb(uint32_t domid)
{
    return look(domid).tot_kb;
}

static uint64_t unclaimed_kb(void)
{
    uint64_t free_kb = 0, claimed_kb = 0;

    hyp_memory(hyp, &free_kb, &claimed_kb, NULL);
    return free_kb > claimed_kb ? free_kb - claimed_kb : 0;
}

static void write_key(uint32_t domid, const char *key, const char *value)
{
    char path[80];

    snprintf(path, sizeof path, "/local/domain/%u/%s", domid, key);
    if (!xs_write(xs, XBT_NULL, path, value, (unsigned)strlen(value)))
        die(path);
}

/* A word of what the guest wrote to a key; 0: nothing yet. */
static int64_t read_word(uint32_t domid, const char *key, int which)
{
    char path[80], *text, *at;
    unsigned len;
    int64_t value = 0;

    snprintf(path, sizeof path, "/local/domain/%u/data/lab/%s", domid, key);
    text = xs_read(xs, XBT_NULL, path, &len);
    at = text;
    for (int i = 0; at && i < which; i++)
        at = strchr(at + 1, ' ');
    if (at)
        value = strtoll(at, NULL, 10);
    free(text);
    return value;
}

static void watch(const char *path)
{
    if (!xs_watch(xs, path, path))
        die(path);
}

/* True when a watch fired within that time; what queued up is drained. */
static bool fired_within(int ms)
{
    struct pollfd p = { .fd = xs_fileno(xs), .events = POLLIN };
    bool fired = false;
    char **event;

    if (poll(&p, 1, ms) <= 0)
        return false;
    while ((event = xs_check_watch(xs))) {
        free(event);
        fired = true;
    }
    return fired;
}

static bool is_down(uint32_t domid)
{
    struct hyp_dom d;

    return hyp_get(hyp, domid, &d, NULL) == HYP_NO || d.shutdown;
}

static void wait_down(uint32_t victim)
{
    watch("@releaseDomain");
    while (!is_down(victim))
        fired_within(10000);
}

/* ---- clocks ---- */

#define PINGS 9

/* Of several questions, the one that was answered soonest: the guest's clock was read after one way
 * of three that it takes (the watch's event; then its read and its write, of which the first is
 * the same distance). */
static bool guest_clock(uint32_t domid, int64_t *ahead, int64_t *took_ns)
{
    char path[64], number[24];

    snprintf(path, sizeof path, "/local/domain/%u/data/lab/pong", domid);
    watch(path);
    *took_ns = INT64_MAX;
    for (int ping = 1; ping <= PINGS; ping++) {
        int64_t sent = now_ns(), end = sent + INT64_C(2000000000), took;
        snprintf(number, sizeof number, "%d", ping);
        write_key(domid, "vm-data/ping", number);
        while (read_word(domid, "pong", 0) != ping && now_ns() < end)
            fired_within(100);
        took = now_ns() - sent;
        if (read_word(domid, "pong", 0) == ping && took < *took_ns) {
            *took_ns = took;
            *ahead = read_word(domid, "pong", 1) - (sent + took / 3);
        }
    }
    return *took_ns < INT64_MAX;
}

static int print_clock(uint32_t domid)
{
    int64_t ahead, took_ns;

    if (!guest_clock(domid, &ahead, &took_ns))
        return 1;
    printf("%" PRId64 " %" PRId64 "\n", ahead, took_ns);
    return 0;
}

/* ---- record ---- */

static volatile sig_atomic_t told_to_stop;

static void stop(int sig)
{
    (void)sig;
    told_to_stop = 1;
}

/* What it writes stays in memory until the end: a write to the lab's shared directory costs more
 * than all the rest of a sample. */
static int record(const char *file, uint32_t victim, uint32_t heir, uint64_t goal_kb, int limit_s)
{
    FILE *out = fopen(file, "w");
    static char buf[1 << 20];
    int64_t end = now_ns() + limit_s * INT64_C(1000000000);
    bool crashed = false, down = false, whole = false, full = false;
    int64_t crash_ns;

    if (!out)
        die(file);
    setvbuf(out, buf, _IOFBF, sizeof buf);
    signal(SIGTERM, stop);
    watch("@releaseDomain");
    while (now_ns() < end && !(whole && full) && !told_to_stop) {
        struct hyp_dom h = look(heir);
        if (!crashed && (crash_ns = read_word(victim, "crash-ns", 0))) {
            crashed = true;
            fprintf(out, "%" PRId64 " crash %" PRId64 "\n", now_ns(), crash_ns);
        }
        if (!down && is_down(victim)) {
            down = true;
            fprintf(out, "%" PRId64 " down\n", now_ns());
        }
        fprintf(out, "%" PRId64 " memory %" PRIu64 " %" PRIu64 " %" PRIu64 " cpu %" PRIu64 " %" PRIu64
                "\n", now_ns(), h.tot_kb, tot_kb(victim), unclaimed_kb(), h.cpu_ns / 1000,
                look(0).cpu_ns / 1000);
        whole = h.tot_kb + TOLERANCE_KB >= goal_kb;
        full = whole && read_word(heir, "job/web", 4) > 0;
        fired_within(SAMPLE_MS);
    }
    fprintf(out, "%" PRId64 " end %d %d\n", now_ns(), whole, full);
    fclose(out);
    return whole && full ? 0 : 1;
}

/* ---- many at once ---- */

#define COUPLES_MAX 64
#define ASK_EACH 64 /* looks, some 2 s */

struct couple {
    uint32_t victim, heir;
    int64_t ahead; /* the heir's clock */
    int64_t crash_ns, job_ns, whole_ns;
};

/* The toolstack's own word for a crash: it takes no time, so that all happen at once. */
static void crash_all(struct couple *c, int n)
{
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);

    if (!xc)
        die("xc");
    for (int i = 0; i < n; i++) {
        c[i].crash_ns = now_ns();
        if (xc_domain_shutdown(xc, c[i].victim, SHUTDOWN_crash) != 0)
            die("crash");
    }
    xc_interface_close(xc);
}

/* The job's own stamp, which can be read later: a probe that asks xenstored all the time would be in
 * the way of what it measures. */
static bool couple_done(struct couple *c, uint64_t goal_kb, bool ask)
{
    int64_t started;

    if (ask && !c->job_ns && (started = read_word(c->heir, "job/web", 3)) > 0)
        c->job_ns = started - c->ahead;
    if (!c->whole_ns && tot_kb(c->heir) + TOLERANCE_KB >= goal_kb)
        c->whole_ns = now_ns();
    return c->job_ns && c->whole_ns;
}

/* In ms after the first crash; "-": not seen. */
static void print_after(int64_t at_ns, int64_t crash_ns)
{
    if (at_ns)
        printf(" %" PRId64, (at_ns - crash_ns) / 1000000);
    else
        printf(" -");
}

/* For each: when it crashed, its job ran, and its heir had all memory. */
static int many(uint64_t goal_kb, int limit_s, int n, char **domids)
{
    static struct couple c[COUPLES_MAX];
    int64_t took_ns, end;
    int done = 0, round = 0;

    for (int i = 0; i < n; i++) {
        c[i].victim = domid_of(domids[2 * i]);
        c[i].heir = domid_of(domids[2 * i + 1]);
        if (!guest_clock(c[i].heir, &c[i].ahead, &took_ns))
            die("clock");
    }
    crash_all(c, n);
    end = now_ns() + limit_s * INT64_C(1000000000);
    while (done < n && now_ns() < end) {
        usleep(STEP_MS * 1000);
        done = 0;
        round++;
        for (int i = 0; i < n; i++)
            done += couple_done(&c[i], goal_kb, round % ASK_EACH == 0);
    }
    for (int i = 0; i < n; i++) {
        printf("%d", i + 1);
        print_after(c[i].crash_ns, c[0].crash_ns);
        print_after(c[i].job_ns, c[0].crash_ns);
        print_after(c[i].whole_ns, c[0].crash_ns);
        printf("\n");
    }
    return done == n ? 0 : 1;
}

/* ---- the floors ---- */

static int trigger(uint32_t victim, uint32_t heir)
{
    wait_down(victim);
    write_key(heir, "vm-data/go", "1");
    return 0;
}

static void *destroy(void *arg)
{
    hyp_destroy(hyp, *(uint32_t *)arg, NULL);
    return NULL;
}

static void set_target(uint32_t domid, uint64_t kb)
{
    char text[24];

    if (hyp_set_max(hyp, domid, kb + HYP_SLACK_KB, NULL) != 0)
        die("max pages");
    snprintf(text, sizeof text, "%" PRIu64, kb);
    write_key(domid, "memory/target", text);
}

/* A target is never more than what memory stands behind: the balloon would back off for seconds. */
static int grow(uint32_t heir, uint64_t goal_kb, const char *victim)
{
    uint32_t dead = victim ? domid_of(victim) : 0;
    uint64_t target = 0, kb;
    pthread_t thread;
    int64_t begin;

    if (victim) {
        wait_down(dead);
        if (pthread_create(&thread, NULL, destroy, &dead) != 0)
            die("thread");
    }
    begin = now_ns();
    while ((kb = tot_kb(heir)) + TOLERANCE_KB < goal_kb) {
        uint64_t backed = kb + (unclaimed_kb() & ~UINT64_C(1023));
        if (backed > goal_kb)
            backed = goal_kb;
        if (backed > target) {
            target = backed;
            set_target(heir, target);
        }
        usleep(STEP_MS * 1000);
    }
    printf("%" PRId64 "\n", begin);
    if (victim)
        pthread_join(thread, NULL);
    return 0;
}

static int destroy_timed(uint32_t domid)
{
    struct xhs_error err = { 0 };
    int64_t begin = now_ns();

    if (hyp_destroy(hyp, domid, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("%" PRId64 "\n", (now_ns() - begin) / 1000000);
    return 0;
}

/* ---- a host without free memory ---- */

static int ballast(uint64_t leave_kb)
{
    static const uint8_t uuid[16] = "ballast";
    struct xhs_error err = { 0 };
    xc_interface *xc = xc_interface_open(NULL, NULL, 0);
    xen_pfn_t frame = 0;
    uint32_t domid = 0;

    if (!xc || hyp_create_empty(hyp, &domid, uuid, UINT32_MAX, &err) != 0) {
        fprintf(stderr, "ballast: %s\n", err.text);
        return 1;
    }
    while (unclaimed_kb() >= leave_kb + KB_PER_SUPERPAGE &&
           xc_domain_populate_physmap(xc, domid, 1, SUPERPAGE_ORDER, 0, &frame) == 1)
        frame += 1 << SUPERPAGE_ORDER;
    xc_interface_close(xc);
    printf("%u\n", domid);
    return 0;
}

static int print_free(void)
{
    uint64_t free_kb, claimed_kb;

    if (hyp_memory(hyp, &free_kb, &claimed_kb, NULL) != 0)
        return 1;
    printf("%" PRIu64 "\n", free_kb);
    return 0;
}

int main(int argc, char **argv)
{
    struct xhs_error err = { 0 };
    const char *what = argc > 1 ? argv[1] : "";

    if (hyp_open(&hyp, &err) != 0 || !(xs = xs_open(0))) {
        fprintf(stderr, "probe: only in dom0 of a Xen host, as root: %s\n", err.text);
        return 1;
    }
    if (strcmp(what, "record") == 0 && argc == 7)
        return record(argv[2], domid_of(argv[3]), domid_of(argv[4]), strtoull(argv[5], NULL, 10),
                      atoi(argv[6]));
    if (strcmp(what, "trigger") == 0 && argc == 4)
        return trigger(domid_of(argv[2]), domid_of(argv[3]));
    if (strcmp(what, "grow") == 0 && (argc == 4 || argc == 5))
        return grow(domid_of(argv[2]), strtoull(argv[3], NULL, 10), argv[4]);
    if (strcmp(what, "clock") == 0 && argc == 3)
        return print_clock(domid_of(argv[2]));
    if (strcmp(what, "many") == 0 && argc >= 6 && argc % 2 == 0 && argc <= 4 + 2 * COUPLES_MAX)
        return many(strtoull(argv[2], NULL, 10), atoi(argv[3]), argc / 2 - 2, argv + 4);
    if (strcmp(what, "destroy") == 0 && argc == 3)
        return destroy_timed(domid_of(argv[2]));
    if (strcmp(what, "tot") == 0 && argc == 3)
        return printf("%" PRIu64 "\n", tot_kb(domid_of(argv[2]))) < 0;
    if (strcmp(what, "free") == 0 && argc == 2)
        return print_free();
    if (strcmp(what, "ballast") == 0 && argc == 3)
        return ballast(strtoull(argv[2], NULL, 10));
    fprintf(stderr, "usage: see the head of tests/bench/probe.c\n");
    return 2;
}
