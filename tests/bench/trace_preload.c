/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A library to be preloaded into xhsd, which lists what the daemon does on a takeover's path:
 * hypercalls, operations on xenstore, and system calls, with their times. It is not a profiler,
 * adds nothing up, and is no part of the product. The linker puts it before the libraries that the
 * daemon calls.
 *
 *     gcc -O2 -shared -fPIC -o trace_preload.so trace_preload.c
 *     XHS_TRACE=/run/trace LD_PRELOAD=/root/trace_preload.so xhsd -n
 *     tr -d '\0' </run/trace | sort -s -n -k 1,1
 *
 * A line: REALTIME_NS DURATION_NS TID KIND TEXT, written when the call returns; the time is that of
 * its beginning. Two spaces before a name stand for each call that it was made within; to list
 * those takes a part of the outer one's duration. The file has its full size from the start and is
 * mapped: a line costs no system call (on a tmpfs no page fault either), and those of a killed
 * daemon are there. What the file holds already stays: one takes a daemon and its successor.
 * The first program takes the variables away from those that it executes: so no wrapper, as nice.
 *
 * Not seen: what libc does within itself (stdio, directories, malloc, locks). fprintf and syslog
 * stand for the log's writes, pthread_cond_wait for the wait for xenstored's answer, which is read
 * by libxenstore's own thread. That has 16 KiB of stack: a call takes up to 4 of them here.
 */
#define _GNU_SOURCE
/* These would define or rename some of the functions below in libc's headers. */
#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>
#include <xenstore.h>
#include <xen/sys/privcmd.h>

#define FILE_SIZE ((size_t)8 << 20)
#define LAST_LINE (FILE_SIZE - 128) /* where it says that the file is full */
#define LINE_SIZE 320
#define RESULT_SIZE 48 /* of a line, kept free for the result when the arguments are long */
#define VALUE_SHOWN 40

/* Not __tls_get_addr, which may allocate. */
#define PER_THREAD static __thread __attribute__((tls_model("initial-exec")))

struct call {
    int64_t at_ns; /* 0: it is not listed */
};

static char *file;          /* NULL: nothing is listed */
static atomic_size_t *used; /* of file; forked children count on */
PER_THREAD int depth;
PER_THREAD pid_t tid;

/* ---- the file ---- */

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static pid_t this_thread(void)
{
    if (!tid)
        tid = gettid();
    return tid;
}

static void forked(void)
{
    tid = 0;
}

static void clean(char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (text[i] < ' ' || text[i] > '~')
            text[i] = '?';
    }
}

/* One call only finds room for its beginning but not for its end: that one says so. */
static void append(const char *line, size_t n)
{
    size_t at = atomic_fetch_add(used, n);

    if (at + n <= LAST_LINE)
        memcpy(file + at, line, n);
    else if (at <= LAST_LINE)
        snprintf(file + LAST_LINE, FILE_SIZE - LAST_LINE,
                 "%" PRId64 " 0 %d sys the file is full: nothing is listed from here on\n",
                 now_ns(), this_thread());
}

static void begin(struct call *c)
{
    c->at_ns = 0;
    if (!file || atomic_load(used) > LAST_LINE)
        return;
    depth++;
    c->at_ns = now_ns();
}

/* Below 0 is a failure, and errno, which is kept, its reason. */
__attribute__((format(printf, 5, 6)))
static void end(const struct call *c, const char *kind, const char *name, long result,
                const char *args, ...)
{
    int why = errno;
    int64_t took_ns = c->at_ns ? now_ns() - c->at_ns : 0;
    const char *word = result < 0 ? strerrorname_np(why) : NULL;
    char line[LINE_SIZE];
    const size_t most = sizeof line - RESULT_SIZE;
    size_t n;
    va_list ap;

    if (!c->at_ns)
        return;
    n = (size_t)snprintf(line, most, "%" PRId64 " %" PRId64 " %d %s %*s%s ", c->at_ns, took_ns,
                         this_thread(), kind, 2 * --depth, "", name);
    va_start(ap, args);
    n += (size_t)vsnprintf(line + n, most - n, args, ap);
    va_end(ap);
    if (n >= most)
        n = most - 1;
    n += (size_t)snprintf(line + n, sizeof line - n, " -> %ld%s%s", result, word ? " " : "",
                          word ? word : "");
    clean(line, n);
    line[n++] = '\n';
    append(line, n);
    errno = why;
}

/* ---- the start ---- */

static void *map_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *map = MAP_FAILED;

    /* Not ftruncate: a write that finds no room in the file system would be a SIGBUS. */
    if (fd >= 0 && (errno = posix_fallocate(fd, 0, (off_t)FILE_SIZE)) == 0)
        map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED)
        perror(path);
    if (fd >= 0)
        close(fd);
    return map;
}

/* The end of what an earlier daemon wrote, the last line of which may be a part. */
static size_t end_of_text(char *text)
{
    size_t n = FILE_SIZE;

    while (n > 0 && text[n - 1] == '\0')
        n--;
    if (n > 0 && text[n - 1] != '\n')
        text[n++] = '\n';
    return n;
}

__attribute__((constructor)) static void start(void)
{
    const char *path = getenv("XHS_TRACE");
    struct call c;
    void *map, *count;

    if (!path)
        return;
    count = mmap(NULL, sizeof *used, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    map = map_file(path);
    unsetenv("XHS_TRACE"); /* for those that are executed */
    unsetenv("LD_PRELOAD");
    if (map == MAP_FAILED || count == MAP_FAILED)
        return;
    used = count;
    atomic_store(used, end_of_text(map));
    pthread_atfork(NULL, NULL, forked);
    file = map;
    begin(&c);
    end(&c, "sys", "begin", 0, "%s", program_invocation_short_name);
}

/* ---- what is listed ---- */

/* Looked for at the start, or earlier when another library's constructor calls it. */
#define REAL(type, name, params)                                   \
    static type(*real_##name) params;                              \
    __attribute__((constructor)) static void find_##name(void)     \
    {                                                              \
        if (!real_##name)                                          \
            real_##name = (type(*) params)dlsym(RTLD_NEXT, #name); \
    }

/* result, and the format with its arguments that comes last, may use rc. */
#define LIST(kind, type, name, params, args, result, ...)         \
    REAL(type, name, params)                                      \
    type name params                                              \
    {                                                             \
        struct call c;                                            \
        type rc;                                                  \
                                                                  \
        find_##name();                                            \
        begin(&c);                                                \
        rc = real_##name args;                                    \
        end(&c, kind, #name, result, __VA_ARGS__);                \
        return rc;                                                \
    }

#define HYP(name, params, args, ...) LIST("hyp", int, name, params, args, rc, __VA_ARGS__)
#define XS(name, params, args, ...) LIST("xs", bool, name, params, args, rc ? 0 : -1, __VA_ARGS__)
#define SYS(type, name, params, args, ...) \
    LIST("sys", type, name, params, args, (long)rc, __VA_ARGS__)

/* ---- hypercalls ---- */

LIST("hyp", xc_interface *, xc_interface_open,
     (xentoollog_logger *log, xentoollog_logger *builders, unsigned flags), (log, builders, flags),
     rc ? 0 : -1, "flags=%u", flags)
HYP(xc_interface_close, (xc_interface *xc), (xc), "xc=%p", (void *)xc)
HYP(xc_version, (xc_interface *xc, int cmd, void *arg), (xc, cmd, arg), "cmd=%d", cmd)
HYP(xc_physinfo, (xc_interface *xc, xc_physinfo_t *info), (xc, info),
    "free_pages=%" PRIu64 " outstanding_pages=%" PRIu64, rc == 0 ? info->free_pages : 0,
    rc == 0 ? info->outstanding_pages : 0)
HYP(xc_domain_getinfolist,
    (xc_interface *xc, uint32_t first, unsigned max, xc_domaininfo_t *info), (xc, first, max, info),
    "first=%" PRIu32 " n=%u", first, max)
HYP(xc_domain_setmaxmem, (xc_interface *xc, uint32_t domid, uint64_t max_kb), (xc, domid, max_kb),
    "domid=%" PRIu32 " max_kb=%" PRIu64, domid, max_kb)
HYP(xc_domain_claim_pages, (xc_interface *xc, uint32_t domid, unsigned long pages),
    (xc, domid, pages), "domid=%" PRIu32 " pages=%lu", domid, pages)
HYP(xc_domain_pause, (xc_interface *xc, uint32_t domid), (xc, domid), "domid=%" PRIu32, domid)
HYP(xc_domain_unpause, (xc_interface *xc, uint32_t domid), (xc, domid), "domid=%" PRIu32, domid)
HYP(xc_domain_shutdown, (xc_interface *xc, uint32_t domid, int reason), (xc, domid, reason),
    "domid=%" PRIu32 " reason=%d", domid, reason)
HYP(xc_domain_destroy, (xc_interface *xc, uint32_t domid), (xc, domid), "domid=%" PRIu32, domid)
HYP(xc_domain_create, (xc_interface *xc, uint32_t *domid, struct xen_domctl_createdomain *config),
    (xc, domid, config), "domid=%" PRIu32, *domid)

LIST("hyp", xenforeignmemory_handle *, xenforeignmemory_open,
     (struct xentoollog_logger * log, unsigned flags), (log, flags), rc ? 0 : -1, "flags=%u", flags)
HYP(xenforeignmemory_close, (xenforeignmemory_handle * fmem), (fmem), "fmem=%p", (void *)fmem)
LIST("hyp", void *, xenforeignmemory_map,
     (xenforeignmemory_handle * fmem, uint32_t domid, int prot, size_t pages,
      const xen_pfn_t frame[], int err[]),
     (fmem, domid, prot, pages, frame, err), rc ? 0 : -1, "domid=%" PRIu32 " pages=%zu", domid,
     pages)
HYP(xenforeignmemory_unmap, (xenforeignmemory_handle * fmem, void *addr, size_t pages),
    (fmem, addr, pages), "addr=%p pages=%zu", addr, pages)

/* ---- xenstore ---- */

/* The beginning of a value that is about to be written. */
static const char *shown(char out[VALUE_SHOWN + 1], const void *value, unsigned len)
{
    size_t n = len < VALUE_SHOWN ? len : VALUE_SHOWN;

    memcpy(out, value, n);
    clean(out, n);
    out[n] = '\0';
    return out;
}

static long length(const void *value, const unsigned *len)
{
    return value ? (long)(len ? *len : strlen(value)) : -1;
}

LIST("xs", struct xs_handle *, xs_open, (unsigned long flags), (flags), rc ? 0 : -1, "flags=%lu",
     flags)
LIST("xs", void *, xs_read,
     (struct xs_handle * h, xs_transaction_t t, const char *path, unsigned *len),
     (h, t, path, len), length(rc, len), "t=%" PRIu32 " path=%s", t, path)
XS(xs_write,
   (struct xs_handle * h, xs_transaction_t t, const char *path, const void *value, unsigned len),
   (h, t, path, value, len), "t=%" PRIu32 " path=%s len=%u value=%s", t, path, len,
   shown((char[VALUE_SHOWN + 1]){ 0 }, value, len))
XS(xs_mkdir, (struct xs_handle * h, xs_transaction_t t, const char *path), (h, t, path),
   "t=%" PRIu32 " path=%s", t, path)
XS(xs_rm, (struct xs_handle * h, xs_transaction_t t, const char *path), (h, t, path),
   "t=%" PRIu32 " path=%s", t, path)
XS(xs_set_permissions,
   (struct xs_handle * h, xs_transaction_t t, const char *path, struct xs_permissions *p,
    unsigned n),
   (h, t, path, p, n), "t=%" PRIu32 " path=%s", t, path)
LIST("xs", char **, xs_directory,
     (struct xs_handle * h, xs_transaction_t t, const char *path, unsigned *n), (h, t, path, n),
     rc ? (long)*n : -1, "t=%" PRIu32 " path=%s", t, path)
LIST("xs", xs_transaction_t, xs_transaction_start, (struct xs_handle * h), (h),
     rc == XBT_NULL ? -1 : (long)rc, "h=%p", (void *)h)
XS(xs_transaction_end, (struct xs_handle * h, xs_transaction_t t, bool abort), (h, t, abort),
   "t=%" PRIu32 " abort=%d", t, abort)
XS(xs_watch, (struct xs_handle * h, const char *path, const char *token), (h, path, token),
   "path=%s token=%s", path, token)
XS(xs_unwatch, (struct xs_handle * h, const char *path, const char *token), (h, path, token),
   "path=%s token=%s", path, token)
LIST("xs", char **, xs_check_watch, (struct xs_handle * h), (h), rc ? 0 : -1, "path=%s token=%s",
     rc ? rc[XS_WATCH_PATH] : "", rc ? rc[XS_WATCH_TOKEN] : "")
LIST("xs", char *, xs_get_domain_path, (struct xs_handle * h, unsigned domid), (h, domid),
     rc ? 0 : -1, "domid=%u", domid)
XS(xs_introduce_domain,
   (struct xs_handle * h, unsigned domid, unsigned long frame, unsigned evtchn),
   (h, domid, frame, evtchn), "domid=%u", domid)
XS(xs_release_domain, (struct xs_handle * h, unsigned domid), (h, domid), "domid=%u", domid)

/* ---- system calls ---- */

SYS(ssize_t, read, (int fd, void *buf, size_t n), (fd, buf, n), "fd=%d n=%zu", fd, n)
SYS(ssize_t, write, (int fd, const void *buf, size_t n), (fd, buf, n), "fd=%d n=%zu", fd, n)
SYS(ssize_t, readv, (int fd, const struct iovec *v, int n), (fd, v, n), "fd=%d parts=%d", fd, n)
SYS(ssize_t, writev, (int fd, const struct iovec *v, int n), (fd, v, n), "fd=%d parts=%d", fd, n)
SYS(ssize_t, send, (int fd, const void *buf, size_t n, int flags), (fd, buf, n, flags),
    "fd=%d n=%zu", fd, n)
SYS(ssize_t, recv, (int fd, void *buf, size_t n, int flags), (fd, buf, n, flags), "fd=%d n=%zu",
    fd, n)
SYS(ssize_t, sendmsg, (int fd, const struct msghdr *m, int flags), (fd, m, flags), "fd=%d", fd)
SYS(ssize_t, recvmsg, (int fd, struct msghdr *m, int flags), (fd, m, flags), "fd=%d", fd)
SYS(int, accept4, (int fd, struct sockaddr *addr, socklen_t *len, int flags),
    (fd, addr, len, flags), "fd=%d", fd)
SYS(int, socket, (int domain, int type, int protocol), (domain, type, protocol),
    "domain=%d type=%#x", domain, (unsigned)type)
SYS(int, connect, (int fd, const struct sockaddr *addr, socklen_t len), (fd, addr, len), "fd=%d",
    fd)
SYS(int, close, (int fd), (fd), "fd=%d", fd)

SYS(int, poll, (struct pollfd * fds, nfds_t n, int ms), (fds, n, ms), "n=%lu timeout_ms=%d", n, ms)
SYS(int, epoll_wait, (int epfd, struct epoll_event *ev, int max, int ms), (epfd, ev, max, ms),
    "epfd=%d max=%d timeout_ms=%d", epfd, max, ms)
SYS(int, epoll_ctl, (int epfd, int op, int fd, struct epoll_event *ev), (epfd, op, fd, ev),
    "epfd=%d op=%d fd=%d", epfd, op, fd)
SYS(int, timerfd_settime,
    (int fd, int flags, const struct itimerspec *at, struct itimerspec *old), (fd, flags, at, old),
    "fd=%d at=%ld.%09ld", fd, (long)at->it_value.tv_sec, at->it_value.tv_nsec)
SYS(int, eventfd_read, (int fd, eventfd_t *n), (fd, n), "fd=%d", fd)
SYS(int, eventfd_write, (int fd, eventfd_t n), (fd, n), "fd=%d", fd)

SYS(int, munmap, (void *addr, size_t n), (addr, n), "n=%zu", n)
SYS(int, madvise, (void *addr, size_t n, int advice), (addr, n, advice), "n=%zu advice=%d", n,
    advice)
LIST("sys", void *, mmap, (void *addr, size_t n, int prot, int flags, int fd, off_t at),
     (addr, n, prot, flags, fd, at), rc == MAP_FAILED ? -1 : 0, "n=%zu fd=%d", n, fd)
LIST("sys", void *, mmap64, (void *addr, size_t n, int prot, int flags, int fd, off64_t at),
     (addr, n, prot, flags, fd, at), rc == MAP_FAILED ? -1 : 0, "n=%zu fd=%d", n, fd)

SYS(int, pthread_create,
    (pthread_t * thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg),
    (thread, attr, run, arg), "run=%p", (void *)run)
SYS(int, pthread_join, (pthread_t thread, void **result), (thread, result), "thread=%#lx", thread)
SYS(int, pthread_cond_wait, (pthread_cond_t * cond, pthread_mutex_t *lock), (cond, lock),
    "cond=%p", (void *)cond)
SYS(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options), "pid=%d", pid)
SYS(int, posix_spawnp,
    (pid_t * pid, const char *program, const posix_spawn_file_actions_t *actions,
     const posix_spawnattr_t *attr, char *const argv[], char *const env[]),
    (pid, program, actions, attr, argv, env), "program=%s", program)
SYS(pid_t, fork, (void), (), "%s", rc == 0 ? "child" : "parent")

/* Listed before, since there is no after. */
REAL(int, execvp, (const char *program, char *const argv[]))
int execvp(const char *program, char *const argv[])
{
    struct call c;

    find_execvp();
    begin(&c);
    end(&c, "sys", "execvp", 0, "program=%s", program);
    return real_execvp(program, argv);
}

/* ---- system calls with a variable argument, and the log's writes ---- */

#define WITH_MODE(flags) (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE)

#define OPEN(name, params, ...)                                   \
    REAL(int, name, params)                                       \
    int name params                                               \
    {                                                             \
        struct call c;                                            \
        mode_t mode = 0;                                          \
        va_list ap;                                               \
        int rc;                                                   \
                                                                  \
        va_start(ap, flags);                                      \
        if (WITH_MODE(flags))                                     \
            mode = va_arg(ap, mode_t);                            \
        va_end(ap);                                               \
        find_##name();                                            \
        begin(&c);                                                \
        rc = real_##name(__VA_ARGS__, flags, mode);               \
        end(&c, "sys", #name, rc, "path=%s flags=%#x", path,      \
            (unsigned)flags);                                     \
        return rc;                                                \
    }

OPEN(open, (const char *path, int flags, ...), path)
OPEN(open64, (const char *path, int flags, ...), path)
OPEN(openat, (int dir, const char *path, int flags, ...), dir, path)
OPEN(openat64, (int dir, const char *path, int flags, ...), dir, path)

REAL(int, ioctl, (int fd, unsigned long request, ...))
int ioctl(int fd, unsigned long request, ...)
{
    bool hypercall = request == IOCTL_PRIVCMD_HYPERCALL;
    struct call c;
    va_list ap;
    void *arg;
    int rc;

    va_start(ap, request);
    arg = va_arg(ap, void *);
    va_end(ap);
    find_ioctl();
    begin(&c);
    rc = real_ioctl(fd, request, arg);
    end(&c, "sys", "ioctl", rc, hypercall ? "fd=%d hypercall=%lu" : "fd=%d request=%#lx", fd,
        hypercall ? (unsigned long)((privcmd_hypercall_t *)arg)->op : request);
    return rc;
}

int fprintf(FILE *f, const char *fmt, ...)
{
    struct call c = { 0 };
    va_list ap;
    int rc;

    if (f == stderr) /* others are memory, mostly */
        begin(&c);
    va_start(ap, fmt);
    rc = vfprintf(f, fmt, ap);
    va_end(ap);
    end(&c, "sys", "fprintf", rc, "fd=%d", STDERR_FILENO);
    return rc;
}

void syslog(int priority, const char *fmt, ...)
{
    struct call c;
    va_list ap;

    begin(&c);
    va_start(ap, fmt);
    vsyslog(priority, fmt, ap);
    va_end(ap);
    end(&c, "sys", "syslog", 0, "priority=%d", priority);
}
