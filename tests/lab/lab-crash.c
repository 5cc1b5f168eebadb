/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Crashes the lab guest it runs in at a known instant. It is not part of the product.
 * Called by the benchmark through guest-run. It writes the instant, 50 ms ahead, to
 * data/lab/crash-ns (CLOCK_REALTIME), waits for it, and asks the kernel to crash: what is known
 * outside is then when the crash began, not when somebody asked for it.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

int main(void)
{
    struct xs_handle *xs = xs_open(0);
    int fd = open("/proc/sysrq-trigger", O_WRONLY);
    int64_t at = now_ns() + 50000000;
    char text[24];

    if (!xs || fd < 0) {
        fprintf(stderr, "lab-crash: only in a Xen guest, as root\n");
        return 2;
    }
    snprintf(text, sizeof text, "%" PRId64, at);
    if (!xs_write(xs, XBT_NULL, "data/lab/crash-ns", text, (unsigned)strlen(text)))
        return 1;
    while (now_ns() < at)
        ;
    return write(fd, "c", 1) == 1 ? 0 : 1;
}
