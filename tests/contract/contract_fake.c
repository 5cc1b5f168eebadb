/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract's surroundings on the simulated host. Called by the suites in make check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "contract.h"
#include "fake.h"

const bool env_is_fake = true;

static char config_path[64];

void env_open(struct evloop *loop)
{
    fake_host_new(loop, 4096 * MB, 768 * MB);
    snprintf(config_path, sizeof config_path, "/tmp/xhs-contract-%d.cfg", (int)getpid());
}

void env_close(void)
{
    fake_host_check();
    fake_host_free();
    remove(config_path);
}

const char *env_config(const char *name, uint64_t mb)
{
    FILE *f = fopen(config_path, "we");

    if (!f)
        abort();
    fprintf(f, "name = \"%s\"\ntype = \"pv\"\nmemory = %llu\nvcpus = 1\n", name,
            (unsigned long long)mb);
    fclose(f);
    return config_path;
}

bool env_wait_up(uint32_t domid)
{
    (void)domid;
    pass_ms(fake_speed.boot_ns / FAKE_MS + 200);
    return true;
}

void env_crash(uint32_t domid)
{
    fake_guest_crash(domid);
}

void env_reboot(uint32_t domid)
{
    fake_guest_shutdown(domid, 1);
}

void env_poweroff(uint32_t domid)
{
    fake_guest_shutdown(domid, 0);
}

bool env_others_create(const char *name, uint64_t mb)
{
    uint8_t uuid[16];

    new_uuid(uuid);
    fake_xl_monitor(name, true);
    return fake_stranger(name, uuid, mb * MB) != 0;
}

void env_others_destroy(const char *name)
{
    uint32_t domid;
    uint8_t uuid[16];

    fake_xl_monitor(name, false);
    if (dom_find(ct.dom, name, &domid, uuid, NULL) == 1)
        fake_xl_destroy(domid);
}
