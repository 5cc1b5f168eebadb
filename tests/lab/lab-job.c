/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job for the lab's guests: fills memory, and shows that it lives.
 * It is not part of the product. Called by xhs-agent, from guest-etc/xhs/jobs.d/NAME.job, and by
 * guests of the benchmark:
 *   lab-job NAME MIB [KEY]     with KEY it waits, all loaded, until that key is in xenstore
 * A memfd, because touching anonymous pages is slow in a PV guest under emulation. Each 100 ms it
 * writes data/lab/job/NAME = "RUN FILLED_MIB BEAT STARTED_NS FULL_NS", RUN being different in each
 * run of it; RUN also goes to the file /run/lab-job.NAME.runs, so that the runs of one boot can be
 * counted. STARTED_NS: when main began, or KEY came; FULL_NS: when all was written, until then 0.
 * Both are CLOCK_REALTIME, which guests and dom0 have from the hypervisor.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define MIB (1024 * 1024)
#define TELL_NS 100000000

static void count_run(const char *name, const char *run)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "/run/lab-job.%s.runs", name);
    f = fopen(path, "a");
    if (f) {
        fprintf(f, "%.8s\n", run);
        fclose(f);
    }
}

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void wait_for(struct xs_handle *xs, const char *key)
{
    unsigned n;
    char *value;

    xs_watch(xs, key, "key");
    while (!(value = xs_read(xs, XBT_NULL, key, &n)))
        free(xs_read_watch(xs, &n));
    free(value);
}

int main(int argc, char **argv)
{
    static char block[MIB];
    struct xs_handle *xs = xs_open(0);
    int fd = memfd_create("job", 0);
    char path[64], line[96], run[37] = "";
    unsigned filled = 0, goal, beat = 0;
    int64_t started = now_ns(), full = 0, told = 0;
    FILE *f = fopen("/proc/sys/kernel/random/uuid", "r");

    if (argc < 3 || argc > 4 || !xs || fd < 0 || !f || !fgets(run, sizeof run, f)) {
        fprintf(stderr, "usage: lab-job NAME MIB [KEY], in a Xen guest\n");
        return 2;
    }
    goal = (unsigned)atoi(argv[2]);
    snprintf(path, sizeof path, "data/lab/job/%s", argv[1]);
    memset(block, 'x', sizeof block);
    if (argc == 4) {
        xs_write(xs, XBT_NULL, "data/lab/ready", "1", 1);
        wait_for(xs, argv[3]);
        started = now_ns();
    }
    count_run(argv[1], run);
    for (;;) {
        if (filled < goal) {
            if (write(fd, block, sizeof block) != (ssize_t)sizeof block) {
                perror("lab-job");
                return 1;
            }
            filled++;
            if (filled == goal)
                full = now_ns();
        } else {
            usleep(100000);
        }
        if (now_ns() - told < TELL_NS && filled != goal)
            continue;
        told = now_ns();
        snprintf(line, sizeof line, "%.8s %u %u %" PRId64 " %" PRId64, run, filled, beat++, started,
                 full);
        xs_write(xs, XBT_NULL, path, line, (unsigned)strlen(line));
    }
}
