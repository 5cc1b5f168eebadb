/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon under test: its files, its life and death, its clients. See daemon.h.
 * The linker (tests/local.mk) sends here: the daemon's calls of exit and xlog; those of
 * persist_config.c, which go on with another directory than /run/xhs; and fake_failing, which each
 * call of an adapter begins with.
 */
#include <config.h>

#include "tests/unit/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "xhsd/control.h"
#include "xhsd/host.h"
#include "xhsd/log.h"
#include "xhsd/pair_run.h"
#include "xhsd/persist.h"

struct daemon d;
static struct control *control;
static void (*control_event)(void *arg, const struct event *e);
static jmp_buf ended;
static bool guarded; /* exit is the daemon's, not ours */
static bool trace;

/* ---- what the linker sends here ---- */

static void end(int status) __attribute__((noreturn));
static void end(int status)
{
    guarded = false;
    d.status = status;
    longjmp(ended, 1);
}

void __real_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status) __attribute__((noreturn));
void __wrap_exit(int status)
{
    if (!guarded)
        __real_exit(status);
    end(status);
}

bool __real_fake_failing(enum fake_call call, struct xhs_error *err);
bool __wrap_fake_failing(enum fake_call call, struct xhs_error *err);
bool __wrap_fake_failing(enum fake_call call, struct xhs_error *err)
{
    if (guarded && ++d.calls == d.die_at)
        end(128 + SIGKILL);
    if (guarded && d.calls == d.hurry_at)
        agents_hurry();
    return __real_fake_failing(call, err);
}

/* A daemon that ends in the middle of its work leaves memory behind, as it may. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return d.status != -1;
}

void __wrap_xlog(int priority, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void __wrap_xlog(int priority, const char *fmt, ...)
{
    char line[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (trace)
        fprintf(stderr, "%10.1f %d %s\n", (double)evloop_now(d.loop) / 1e6, priority, line);
    if (priority > LOG_ERR)
        return;
    d.errors++;
    snprintf(d.error, sizeof d.error, "%.*s", (int)sizeof d.error - 1, line);
    ck_assert_msg(!strstr(line, "actions were lost"), "%s", line);
}

static const char *run_dir(void)
{
    static char dir[80];

    snprintf(dir, sizeof dir, "%s/run", d.dir);
    return dir;
}

int __real_persist_config(struct store *st, const char *dir, const struct pair *p,
                          char *const json[MEMBERS], struct xhs_error *err);
int __wrap_persist_config(struct store *st, const char *dir, const struct pair *p,
                          char *const json[MEMBERS], struct xhs_error *err);
int __wrap_persist_config(struct store *st, const char *dir, const struct pair *p,
                          char *const json[MEMBERS], struct xhs_error *err)
{
    (void)dir;
    return __real_persist_config(st, run_dir(), p, json, err);
}

int __real_persist_load(struct store *st, const char *dir, const char *pair, struct pair *out,
                        enum pair_state *state, char *json[MEMBERS], struct xhs_error *err);
int __wrap_persist_load(struct store *st, const char *dir, const char *pair, struct pair *out,
                        enum pair_state *state, char *json[MEMBERS], struct xhs_error *err);
int __wrap_persist_load(struct store *st, const char *dir, const char *pair, struct pair *out,
                        enum pair_state *state, char *json[MEMBERS], struct xhs_error *err)
{
    (void)dir;
    return __real_persist_load(st, run_dir(), pair, out, state, json, err);
}

void __real_persist_forget_config(const char *dir, const char *pair);
void __wrap_persist_forget_config(const char *dir, const char *pair);
void __wrap_persist_forget_config(const char *dir, const char *pair)
{
    (void)dir;
    __real_persist_forget_config(run_dir(), pair);
}

/* ---- files ---- */

const char *text_file(const char *name, const char *text)
{
    static char path[160];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", d.dir, name);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
    return path;
}

void xhs_cfg(const char *text)
{
    text_file("xhs.cfg", text);
}

const char *pair_file(const char *name, const char *more)
{
    char file[64], text[512];

    for (char m = 'a'; m <= 'b'; m++) {
        snprintf(file, sizeof file, "%s-%c.cfg", name, m);
        snprintf(text, sizeof text, "name = \"%s-%c\"\ntype = \"pv\"\nmemory = 64\nvcpus = 1\n",
                 name, m);
        text_file(file, text);
    }
    snprintf(file, sizeof file, "%s.cfg", name);
    snprintf(text, sizeof text, "name = \"%s\"\nmembers = [ \"%s-a.cfg\", \"%s-b.cfg\" ]\n%s\n",
             name, name, name,
             more ? more : "memory = 1024\nstandby_memory = 160\nmax_memory = 1760");
    return text_file(file, text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

/* ---- life ---- */

void daemon_setup(void)
{
    daemon_setup_host(HOST_MIB, "pool = 2560\nreserve = 128\n");
}

void daemon_setup_host(uint64_t mib, const char *cfg)
{
    char run[80];

    d = (struct daemon){ .status = -1, .step_ms = 5, .host_mib = mib };
    trace = getenv("XHS_TEST_LOG") != NULL;
    snprintf(d.dir, sizeof d.dir, "/tmp/xhsd-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(d.dir));
    snprintf(d.socket, sizeof d.socket, "%s/sock", d.dir);
    snprintf(d.cfg, sizeof d.cfg, "%s/xhs.cfg", d.dir);
    snprintf(run, sizeof run, "%s", run_dir());
    ck_assert_int_eq(mkdir(run, 0700), 0);
    xhs_cfg(cfg);
    d.loop = evloop_new();
    fake_host_new(d.loop, (mib + 768) * MIB, 768 * MIB);
    agents_start();
    check_forget();
}

void daemon_teardown(void)
{
    daemon_kill();
    fake_host_check();
    agents_free();
    fake_host_free();
    if (d.status == -1) /* else timers may be left that no data names any more */
        evloop_free(d.loop);
    nftw(d.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void note_event(void *arg, const struct event *e)
{
    if (e->type == EVENT_ALERT) {
        d.alerts++;
        snprintf(d.alert, sizeof d.alert, "%s", e->text);
    }
    control_event(arg, e);
}

int daemon_try_start(struct xhs_error *err)
{
    static struct host host;
    static int rc; /* not on the stack that longjmp cuts */

    rc = -1;
    ck_assert_ptr_null(d.host);
    memset(&host, 0, sizeof host);
    d.host = &host;
    guarded = true;
    if (setjmp(ended) == 0) {
        if (host_open(&host, d.loop, d.cfg, err) == 0 &&
            control_open(&control, &host, d.socket, "", err) == 0) {
            control_event = host.on_event;
            host.on_event = note_event;
            rc = host_start(&host, err);
        }
        guarded = false;
    }
    if (rc != 0)
        daemon_kill();
    return rc;
}

void daemon_start(void)
{
    struct xhs_error err = { 0 };

    ck_assert_msg(daemon_try_start(&err) == 0, "%s", err.text);
    check_book();
}

void daemon_kill(void)
{
    if (!d.host)
        return;
    control_close(control);
    control = NULL;
    host_close(d.host);
    d.host = NULL;
}

bool daemon_run(int ms)
{
    static int64_t end;
    static bool alive;

    alive = true;
    end = evloop_now(d.loop) + ms * FAKE_MS;
    while (alive && evloop_now(d.loop) < end) {
        int64_t at = evloop_now(d.loop) + d.step_ms * FAKE_MS;

        guarded = d.host != NULL;
        if (setjmp(ended) == 0) {
            fake_clock_run_until(d.loop, at < end ? at : end);
            guarded = false;
        } else {
            daemon_kill();
            alive = false;
        }
        check_instant();
    }
    return alive;
}

bool daemon_until(const char *pair, const char *state, int ms)
{
    for (int i = 0; i < ms; i += d.step_ms) {
        if (strcmp(key("/tool/xhs/pair/%s/state", pair), state) == 0)
            return true;
        if (!daemon_run(d.step_ms))
            return false;
    }
    return false;
}

void pair_create(const char *file)
{
    json_free(ask_ok(20 * SECONDS, "{\"op\":\"create\",\"file\":\"%s\"}", file));
}

void pair_form(const char *name)
{
    char domain[64];

    for (char m = 'a'; m <= 'b'; m++) {
        snprintf(domain, sizeof domain, "%s-%c", name, m);
        agent_defines(domain, "web", 128 * MIB, 64 * MIB);
    }
    pair_create(pair_file(name, NULL));
    daemon_run(500);
    check_rest(name, 'a');
}

/* ---- clients ---- */

struct client {
    int fd;
    bool closed;
    char in[2 * 1024 * 1024];
    size_t n, taken;
};

struct client *client_new(void)
{
    struct client *c = calloc(1, sizeof *c);
    struct sockaddr_un sa = { .sun_family = AF_UNIX };

    ck_assert_ptr_nonnull(c);
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    snprintf(sa.sun_path, sizeof sa.sun_path, "%s", d.socket);
    ck_assert_int_eq(connect(c->fd, (struct sockaddr *)&sa, sizeof sa), 0);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return c;
}

void client_free(struct client *c)
{
    close(c->fd);
    free(c);
}

void client_bytes(struct client *c, const char *bytes, size_t n)
{
    ck_assert_int_eq(send(c->fd, bytes, n, MSG_NOSIGNAL), n);
}

static void send_line(struct client *c, const char *fmt, va_list ap)
{
    char line[4096];
    int n = vsnprintf(line, sizeof line - 1, fmt, ap);

    line[n++] = '\n';
    client_bytes(c, line, (size_t)n);
}

void client_send(struct client *c, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    send_line(c, fmt, ap);
    va_end(ap);
}

static void receive(struct client *c)
{
    ssize_t n;

    memmove(c->in, c->in + c->taken, c->n - c->taken);
    c->n -= c->taken;
    c->taken = 0;
    while ((n = recv(c->fd, c->in + c->n, sizeof c->in - c->n, 0)) > 0)
        c->n += (size_t)n;
    c->closed = n == 0 || (errno != EAGAIN && errno != EINTR);
}

const char *client_line(struct client *c)
{
    char *end;

    receive(c);
    end = memchr(c->in, '\n', c->n);
    if (!end)
        return NULL;
    *end = '\0';
    c->taken = (size_t)(end - c->in) + 1;
    return c->in;
}

bool client_closed(struct client *c)
{
    receive(c);
    return c->closed && c->n == 0;
}

int client_fd(struct client *c)
{
    return c->fd;
}

struct jval *client_answer(struct client *c, int ms)
{
    for (int i = 0;; i += d.step_ms) {
        const char *line;
        while ((line = client_line(c)) != NULL) {
            struct jval *v = json_parse(line, strlen(line), NULL);
            ck_assert_msg(v != NULL, "no JSON: %s", line);
            if (!json_get(v, "progress"))
                return v;
            json_free(v);
        }
        if (i >= ms || c->closed || !daemon_run(d.step_ms))
            return NULL;
    }
}

static struct jval *ask(int ms, const char *fmt, va_list ap)
{
    struct client *c = client_new();
    struct jval *v;

    send_line(c, fmt, ap);
    v = client_answer(c, ms);
    client_free(c);
    ck_assert_msg(v != NULL, "no answer to %s", fmt);
    return v;
}

struct jval *ask_ok(int ms, const char *fmt, ...)
{
    struct jval *v;
    va_list ap;

    va_start(ap, fmt);
    v = ask(ms, fmt, ap);
    va_end(ap);
    ck_assert_msg(json_bool(v, "ok", false), "%s: %s", fmt, json_str(v, "error", ""));
    return v;
}

void ask_fails(int ms, const char *code, const char *text, const char *fmt, ...)
{
    struct jval *v;
    va_list ap;

    va_start(ap, fmt);
    v = ask(ms, fmt, ap);
    va_end(ap);
    ck_assert(!json_bool(v, "ok", true));
    ck_assert_str_eq(json_str(v, "code", ""), code);
    ck_assert_msg(strstr(json_str(v, "error", ""), text) != NULL, "\"%s\" is not in: %s", text,
                  json_str(v, "error", ""));
    json_free(v);
}

/* ---- the program ---- */

TCase *daemon_case(Suite *s, const char *name, void (*setup)(void), void (*teardown)(void),
                   int timeout_s)
{
    TCase *c = tcase_create(name);

    tcase_add_checked_fixture(c, setup, teardown);
    tcase_set_timeout(c, getenv("XHS_TEST_STEP_MS") ? 600 : timeout_s);
    suite_add_tcase(s, c);
    return c;
}

int daemon_run_suite(Suite *s)
{
    SRunner *r = srunner_create(s);
    int failed;

    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
