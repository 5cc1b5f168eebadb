/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells dom0 this lab guest's clock, so that times taken in several guests can be compared. It is
 * not part of the product. Started by guest-init in the benchmark's guests; asked by
 * tests/bench/probe: at each change of vm-data/ping it writes data/lab/pong = "PING NS".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

int main(void)
{
    struct xs_handle *xs = xs_open(0);
    unsigned n;

    if (!xs || !xs_watch(xs, "vm-data/ping", "ping"))
        return 2;
    for (;;) {
        struct timespec ts;
        char text[64], *ping;
        free(xs_read_watch(xs, &n));
        clock_gettime(CLOCK_REALTIME, &ts);
        ping = xs_read(xs, XBT_NULL, "vm-data/ping", &n);
        if (!ping)
            continue;
        snprintf(text, sizeof text, "%.20s %" PRId64, ping,
                 ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec);
        xs_write(xs, XBT_NULL, "data/lab/pong", text, (unsigned)strlen(text));
        free(ping);
    }
}
