/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A job for the lab's guests: fills memory, and shows that it lives.
 * It is not part of the product. Called by xhs-agent, from guest-etc/xhs/jobs.d/NAME.job:
 *   lab-job NAME MIB
 * A memfd, because touching anonymous pages is slow in a PV guest under emulation. Each 100 ms it
 * writes data/lab/job/NAME = "RUN FILLED_MIB BEAT", RUN being different in each run of it; RUN also
 * goes to the file /run/lab-job.NAME.runs, so that the runs of one boot can be counted.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define MIB (1024 * 1024)

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

static double now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    static char block[MIB];
    struct xs_handle *xs = xs_open(0);
    int fd = memfd_create("job", 0);
    char path[64], line[64], run[37] = "";
    unsigned filled = 0, goal, beat = 0;
    double told = 0;
    FILE *f = fopen("/proc/sys/kernel/random/uuid", "r");

    if (argc != 3 || !xs || fd < 0 || !f || !fgets(run, sizeof run, f)) {
        fprintf(stderr, "usage: lab-job NAME MIB, in a Xen guest\n");
        return 2;
    }
    goal = (unsigned)atoi(argv[2]);
    snprintf(path, sizeof path, "data/lab/job/%s", argv[1]);
    memset(block, 'x', sizeof block);
    count_run(argv[1], run);
    for (;;) {
        if (filled < goal) {
            if (write(fd, block, sizeof block) != (ssize_t)sizeof block) {
                perror("lab-job");
                return 1;
            }
            filled++;
        } else {
            usleep(100000);
        }
        if (now() - told < 0.1 && filled != goal)
            continue;
        told = now();
        snprintf(line, sizeof line, "%.8s %u %u", run, filled, beat++);
        xs_write(xs, XBT_NULL, path, line, (unsigned)strlen(line));
    }
}
