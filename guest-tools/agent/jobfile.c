/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The job file parser: see jobfile.h.
 * Not a shell: commands are kept as they stand, quotes, dollars, '#' and all.
 * Called by xhs-agent.
 */
#include "jobfile.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/msg.h"
#include "size.h"

enum key {
    KEY_START,
    KEY_STOP,
    KEY_MEMORY,
    KEY_MEMORY_MIN,
    KEY_HOT_STANDBY,
    KEY_AUTOSTART,
    KEY_PRIORITY,
    KEY_WAIT,
    KEYS,
};

static const char *const keys[KEYS] = {
    [KEY_START] = "start",
    [KEY_STOP] = "stop",
    [KEY_MEMORY] = "memory",
    [KEY_MEMORY_MIN] = "memory_min",
    [KEY_HOT_STANDBY] = "hot_standby",
    [KEY_AUTOSTART] = "autostart",
    [KEY_PRIORITY] = "priority",
    [KEY_WAIT] = "wait",
};

struct parse {
    const char *file;
    unsigned line;
    unsigned seen[KEYS]; /* the line a key stood in; 0: not yet */
    struct jobdef def;
    struct xhs_error *e;
};

static int wrong(const struct parse *p, unsigned line, const char *what, const char *word)
{
    return xhs_fail(p->e, XHS_E_CONFIG, "%s:%u: %s%s%s%s", p->file, line, what, *word ? " \"" : "",
                    word, *word ? "\"" : "");
}

static char *trim(char *s)
{
    while (isspace((unsigned char)*s))
        s++;
    size_t n = strlen(s);
    while (n > 0 && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

static int set_command(const struct parse *p, char out[JOBFILE_COMMAND_MAX], const char *value)
{
    size_t len = strlen(value);

    if (len == 0)
        return wrong(p, p->line, "an empty command", "");
    if (len >= JOBFILE_COMMAND_MAX)
        return wrong(p, p->line, "a command longer than 1023 bytes", "");
    memcpy(out, value, len + 1);
    return 0;
}

static int set_value(struct parse *p, enum key key, char *value)
{
    enum choice choice = UNSAID;

    if (key != KEY_START && key != KEY_STOP) {
        /* A command's '#' is the shell's business; elsewhere it begins a comment. */
        value[strcspn(value, "#")] = '\0';
        value = trim(value);
    }
    switch (key) {
    case KEY_START:
        return set_command(p, p->def.start, value);
    case KEY_STOP:
        return set_command(p, p->def.stop, value);
    case KEY_MEMORY:
        if (size_parse(value, &p->def.memory_kb))
            return 0;
        return wrong(p, p->line, "memory is no size (128, 128M, 1G, 65536K):", value);
    case KEY_MEMORY_MIN:
        if (size_parse(value, &p->def.memory_min_kb))
            return 0;
        return wrong(p, p->line, "memory_min is no size (128, 128M, 1G, 65536K):", value);
    case KEY_HOT_STANDBY:
        if (params_choice(value, &p->def.hot_standby))
            return 0;
        return wrong(p, p->line, "hot_standby is yes or no, not", value);
    case KEY_AUTOSTART:
        if (!params_choice(value, &choice))
            return wrong(p, p->line, "autostart is yes or no, not", value);
        p->def.autostart = choice == YES;
        return 0;
    case KEY_PRIORITY:
        if (params_priority(value, &p->def.priority))
            return 0;
        return wrong(p, p->line, "priority is 0 to 1000, not", value);
    case KEY_WAIT:
        if (params_wait(value, &p->def.wait_s))
            return 0;
        return wrong(p, p->line, "wait is a number of seconds or forever, not", value);
    case KEYS:
        break;
    }
    return 0;
}

static int parse_line(struct parse *p, char *text)
{
    char *line = trim(text), *equals = strchr(line, '=');
    unsigned key = 0;

    if (*line == '\0' || *line == '#')
        return 0;
    for (const char *c = line; *c; c++) {
        if (iscntrl((unsigned char)*c) && *c != '\t')
            return wrong(p, p->line, "a control character", "");
    }
    if (!equals)
        return wrong(p, p->line, "no \"key = value\"", "");
    *equals = '\0';
    const char *name = trim(line);
    while (key < KEYS && strcmp(name, keys[key]) != 0)
        key++;
    if (key == KEYS)
        return wrong(p, p->line, "unknown key", name);
    if (p->seen[key])
        return wrong(p, p->line, "a second", name);
    p->seen[key] = p->line;
    return set_value(p, (enum key)key, trim(equals + 1));
}

/* What only the whole file can show. */
static int check_whole(const struct parse *p)
{
    if (!p->seen[KEY_START])
        return wrong(p, p->line, "no start command", "");
    if (p->seen[KEY_MEMORY_MIN] && !p->seen[KEY_MEMORY])
        return wrong(p, p->seen[KEY_MEMORY_MIN], "memory_min without memory", "");
    if (p->def.memory_min_kb > p->def.memory_kb)
        return wrong(p, p->seen[KEY_MEMORY_MIN], "memory_min is more than memory", "");
    return 0;
}

int jobfile_parse(const char *file, const char *text, size_t len, struct jobdef *out,
                  struct xhs_error *e)
{
    struct parse p = { .file = file, .line = 1, .e = e, .def = { .autostart = true } };
    char *copy = malloc(len + 1), *next = copy;
    int rc = -1;

    if (!copy)
        return xhs_fail_errno(e, XHS_E_SYSTEM, ENOMEM, "%s", file);
    memcpy(copy, text, len);
    copy[len] = '\0';
    if (strlen(copy) != len) {
        wrong(&p, 1, "a NUL byte in the file", "");
        goto out;
    }
    for (;;) {
        char *line = strsep(&next, "\n");
        if (parse_line(&p, line) < 0)
            goto out;
        if (!next || !*next)
            break;
        p.line++;
    }
    rc = check_whole(&p);
    if (rc == 0)
        *out = p.def;
out:
    free(copy);
    return rc;
}

int jobfile_read(const char *file, struct jobdef *out, struct xhs_error *e)
{
    /* O_NONBLOCK: a fifo must not hold the agent up. */
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    char *text = NULL;
    struct stat st;
    size_t len = 0;
    ssize_t n;
    int rc = -1;

    if (fd < 0)
        return xhs_fail_errno(e, errno == ENOENT ? XHS_E_NOENT : XHS_E_SYSTEM, errno, "%s", file);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > JOBFILE_MAX) {
        xhs_fail(e, XHS_E_CONFIG, "%s:1: no plain file of up to %d bytes", file, JOBFILE_MAX);
        goto out;
    }
    text = malloc(JOBFILE_MAX);
    if (!text) {
        xhs_fail_errno(e, XHS_E_SYSTEM, ENOMEM, "%s", file);
        goto out;
    }
    while ((n = read(fd, text + len, JOBFILE_MAX - len)) > 0)
        len += (size_t)n;
    if (n < 0)
        xhs_fail_errno(e, XHS_E_SYSTEM, errno, "%s", file);
    else
        rc = jobfile_parse(file, text, len, out, e);
out:
    free(text);
    close(fd);
    return rc;
}

bool jobfile_name(const char *file, char *name, size_t size, bool *valid)
{
    static const char suffix[] = ".job";
    size_t len = strlen(file), cut = sizeof suffix - 1;

    if (len < cut || strcmp(file + len - cut, suffix) != 0 || file[0] == '.')
        return false;
    *valid = len - cut < size;
    if (*valid) {
        memcpy(name, file, len - cut);
        name[len - cut] = '\0';
        *valid = msg_valid_name(name);
    }
    return true;
}
