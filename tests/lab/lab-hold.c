/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hypervisor that takes long to destroy a domain: a library for LD_PRELOAD, whose
 * xc_domain_destroy calls the real one when there is no file /run/lab/hold-destroy any more.
 * It is not part of the product. Called by a scenario, which restarts xhsd with it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
#include <xenctrl.h>

int xc_domain_destroy(xc_interface *xch, uint32_t domid)
{
    int (*real)(xc_interface *, uint32_t) = dlsym(RTLD_NEXT, "xc_domain_destroy");

    while (access("/run/lab/hold-destroy", F_OK) == 0)
        usleep(10000);
    return real(xch, domid);
}
