/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which calls are to fail, and how many there were. Called by the other fakes, and by tests.
 */
#include <string.h>

#include "fake_internal.h"

static struct {
    unsigned calls, skip, times;
} failures[FAKE_CALL_COUNT];

static const char *const call_names[] = {
#define C(id) #id,
    FAKE_CALLS(C)
#undef C
};

void fake_failures_reset(void)
{
    memset(failures, 0, sizeof failures);
}

void fake_fail(enum fake_call call, unsigned skip, unsigned times)
{
    failures[call].skip = skip;
    failures[call].times = times;
}

unsigned fake_calls(enum fake_call call)
{
    return failures[call].calls;
}

bool fake_failing(enum fake_call call, struct xhs_error *err)
{
    host_rob();
    failures[call].calls++;
    if (failures[call].times == 0)
        return false;
    if (failures[call].skip > 0) {
        failures[call].skip--;
        return false;
    }
    failures[call].times--;
    xhs_fail(err, call == FAKE_STORE_APPLY ? XHS_E_AGAIN : XHS_E_XEN,
             "%s failed, as the test asked", call_names[call]);
    return true;
}
