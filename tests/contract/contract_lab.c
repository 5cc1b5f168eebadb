/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The contract's surroundings on a real Xen host, as root in dom0: guests boot /boot/vmlinux with
 * /boot/guest.img (or $CT_KERNEL and $CT_RAMDISK), and run commands that are written to their
 * vm-data/exec, as the lab's do. Called by the suites.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "contract.h"

const bool env_is_fake = false;

static char config_path[64];
static unsigned next_id;

void env_open(struct evloop *loop)
{
    (void)loop;
    snprintf(config_path, sizeof config_path, "/tmp/xhs-contract-%d.cfg", (int)getpid());
}

void env_close(void)
{
    remove(config_path);
}

const char *env_config(const char *name, uint64_t mb)
{
    const char *kernel = getenv("CT_KERNEL"), *ramdisk = getenv("CT_RAMDISK");
    FILE *f = fopen(config_path, "we");

    if (!f)
        abort();
    fprintf(f,
            "name = \"%s\"\ntype = \"pv\"\nmemory = %llu\nvcpus = 1\n"
            "kernel = \"%s\"\nramdisk = \"%s\"\n"
            "extra = \"console=hvc0 quiet cryptomgr.notests rodata=off noreplace-smp\"\n",
            name, (unsigned long long)mb, kernel ? kernel : "/boot/vmlinux",
            ramdisk ? ramdisk : "/boot/guest.img");
    fclose(f);
    return config_path;
}

/* Have the guest run a command once it is up; the id its answer begins with. */
static unsigned run_in(uint32_t domid, const char *command)
{
    char path[64], line[256];
    unsigned id = ++next_id;

    snprintf(path, sizeof path, "/local/domain/%u/vm-data/exec", domid);
    snprintf(line, sizeof line, "ct%u 20 %s", id, command);
    store_write(ct.store, path, line, &ct_err);
    return id;
}

struct answer {
    uint32_t domid;
    unsigned id;
};

static bool answered(void *arg)
{
    struct answer *a = arg;
    char path[64], line[64], want[16];

    snprintf(path, sizeof path, "/local/domain/%u/data/lab/exec-result", a->domid);
    snprintf(want, sizeof want, "ct%u ", a->id);
    return store_read(ct.store, path, line, sizeof line, NULL) > 0 &&
           strncmp(line, want, strlen(want)) == 0;
}

bool env_wait_up(uint32_t domid)
{
    struct answer a = { domid, run_in(domid, "true") };

    return wait_until(answered, &a, 60000);
}

void env_crash(uint32_t domid)
{
    run_in(domid, "echo c >/proc/sysrq-trigger");
}

void env_reboot(uint32_t domid)
{
    run_in(domid, "busybox reboot -f");
}

void env_poweroff(uint32_t domid)
{
    run_in(domid, "busybox poweroff -f");
}

bool env_others_create(const char *name, uint64_t mb)
{
    char command[128];

    snprintf(command, sizeof command, "xl -v create -q %s >/dev/null 2>&1", env_config(name, mb));
    return system(command) == 0;
}

void env_others_destroy(const char *name)
{
    char command[160];

    snprintf(command, sizeof command, "xl destroy %s >/dev/null 2>&1", name);
    if (system(command) != 0)
        printf("# xl destroy %s failed\n", name);
    pass_ms(500); /* its monitor leaves */
}
