/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files in xl.cfg's syntax: libxlutil checks them and gives the values, a small scanner gives what
 * libxlutil cannot: which settings there are, and in which line. Not the meaning: core/config.c.
 * Used by xhsd, for xhs.cfg and pairs' files; members' xl.cfg files go through xl itself.
 */
#include "xen/cfgfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libxlutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (1024 * 1024)

#define IDENT_CHARS "abcdefghijklmnopqrstuvwxyz0123456789._"
#define NUMBER_CHARS "0123456789abcdefx"

static void *must(void *p)
{
    if (!p) {
        fputs("cfgfile: out of memory\n", stderr);
        abort();
    }
    return p;
}

/* ---- the bytes ---- */

static int refuse_bytes(const char *file, const char *text, size_t len, struct xhs_error *err)
{
    const char *nul = memchr(text, '\0', len);
    unsigned line = 1;

    if (!nul)
        return 0;
    for (const char *p = text; p < nul; p++)
        line += *p == '\n';
    return xhs_fail(err, XHS_E_CONFIG, "%s:%u: a NUL byte: this is no text file", file, line);
}

/*
 * The whole file, malloc'ed, with a newline and a NUL after it: libxlutil takes a comment in a
 * last line without a newline for an error. O_NONBLOCK, so that a FIFO cannot hang xhsd.
 */
static char *read_text(const char *file, size_t *len, struct xhs_error *err)
{
    struct stat st;
    char *text = NULL;
    size_t used = 0;
    ssize_t got = -1;
    int fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) < 0) {
        xhs_fail_errno(err, XHS_E_CONFIG, errno, "%s: cannot be read", file);
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        xhs_fail(err, XHS_E_CONFIG, "%s: %s: give the path of a file", file,
                 S_ISDIR(st.st_mode) ? "is a directory" : "is no regular file");
        goto out;
    }
    text = must(malloc(FILE_BYTES_MAX + 3));
    while (used <= FILE_BYTES_MAX &&
           (got = read(fd, text + used, FILE_BYTES_MAX + 1 - used)) > 0)
        used += (size_t)got;
    if (used > FILE_BYTES_MAX)
        xhs_fail(err, XHS_E_CONFIG, "%s: is larger than 1 MiB: no configuration file is", file);
    else if (got < 0)
        xhs_fail_errno(err, XHS_E_CONFIG, errno, "%s: cannot be read", file);
    else if (refuse_bytes(file, text, used, err) == 0)
        goto done;
out:
    free(text);
    if (fd >= 0)
        close(fd);
    return NULL;
done:
    close(fd);
    if (used > 0 && text[used - 1] != '\n')
        text[used++] = '\n';
    text[used] = '\0';
    *len = used;
    return text;
}

/* ---- names and lines ---- */

/* The end of the string that begins at p. libxlutil has seen to it that there is one. */
static const char *skip_string(const char *p)
{
    char quote = *p++;

    while (*p && *p != quote)
        p += *p == '\\' && p[1] ? 2 : 1;
    return *p ? p + 1 : p;
}

struct found {
    char *name;
    bool adds; /* += */
    unsigned line;
};

/*
 * The next setting at or after *p, false at the end. Only for text that libxlutil accepted: there
 * a bare word outside of strings, comments and numbers is always the name of a setting, and its
 * = or += stands in the same line.
 */
static bool next_setting(const char **p, unsigned *line, struct found *f)
{
    const char *s = *p;

    while (*s) {
        size_t n = strspn(s, IDENT_CHARS);
        if (*s == '\n') {
            (*line)++;
            s++;
        } else if (*s == '#') {
            s += strcspn(s, "\n");
        } else if (*s == '"' || *s == '\'') {
            s = skip_string(s);
        } else if (*s >= '0' && *s <= '9') {
            s += strspn(s, NUMBER_CHARS);
        } else if (*s >= 'a' && *s <= 'z') {
            f->name = must(strndup(s, n));
            f->line = *line;
            s += n;
            f->adds = s[strspn(s, " \t")] == '+';
            *p = s;
            return true;
        } else {
            s++;
        }
    }
    *p = s;
    return false;
}

/* ---- values ---- */

static int copy_list(XLU_ConfigList *list, int n, struct config_setting *s, const char *file,
                     struct xhs_error *err)
{
    s->is_list = true;
    s->value = must(calloc((size_t)n + 1, sizeof *s->value));
    for (int i = 0; i < n; i++) {
        const char *item = xlu_cfg_get_listitem(list, i);
        if (!item)
            return xhs_fail(err, XHS_E_CONFIG,
                            "%s:%u: %s has a list inside a list: write strings only", file,
                            s->line, s->name);
        s->value[s->n++] = must(strdup(item));
    }
    return 0;
}

/* The value that name has at the end of the file. */
static int copy_value(const XLU_Config *xlu, struct config_setting *s, const char *file,
                      struct xhs_error *err)
{
    XLU_ConfigList *list;
    const char *text;
    int n;

    if (xlu_cfg_get_list(xlu, s->name, &list, &n, 1) == 0)
        return copy_list(list, n, s, file, err);
    if (xlu_cfg_get_string(xlu, s->name, &text, 1) != 0)
        return xhs_fail(err, XHS_E_CONFIG, "%s:%u: %s cannot be read: write %s = VALUE", file,
                        s->line, s->name, s->name);
    s->value = must(calloc(1, sizeof *s->value));
    s->value[s->n++] = must(strdup(text));
    return 0;
}

static bool is_known(const struct config_raw *raw, const char *name)
{
    for (unsigned i = 0; i < raw->n; i++) {
        if (strcmp(raw->setting[i].name, name) == 0)
            return true;
    }
    return false;
}

/*
 * Takes f->name over. A second = is kept as a setting of its own, for config.c to refuse. A += to
 * a list belongs to the list that is there: libxlutil has joined them. A += to a string or number
 * is kept as well, since it appends digits: memory = 10, memory += 24 would be 1024.
 */
static int add_setting(const XLU_Config *xlu, struct found *f, struct config_raw *raw,
                       struct xhs_error *err)
{
    if (f->adds && is_known(raw, f->name) &&
        xlu_cfg_get_list(xlu, f->name, NULL, NULL, 1) == 0) {
        free(f->name);
        return 0;
    }
    if (raw->n == CONFIG_SETTINGS_MAX) {
        free(f->name);
        return xhs_fail(err, XHS_E_CONFIG, "%s:%u: more than %d settings: remove some", raw->file,
                        f->line, CONFIG_SETTINGS_MAX);
    }
    struct config_setting *s = &raw->setting[raw->n++];
    *s = (struct config_setting){ .name = f->name, .line = f->line };
    return copy_value(xlu, s, raw->file, err);
}

/*
 * libxlutil's first complaint, "FILE:LINE: config parsing error near TEXT: WHAT". It quotes the
 * file, so any bytes. Where TEXT ends a line, LINE is one too low (xlu__cfg_yyerror in Xen 4.17
 * takes the newline off a number that does not count it).
 */
static int syntax_error(const char *file, char *report, struct xhs_error *err)
{
    size_t skip = strlen(file);
    unsigned line = 0;

    report[strcspn(report, "\n")] = '\0';
    for (char *p = report; *p; p++) {
        if (*p < ' ' || *p > '~')
            *p = '?';
    }
    char *what = strlen(report) > skip + 1 ? report + skip + 1 : report;
    line = (unsigned)strtoul(what, &what, 10);
    if (strstr(what, "near <newline>") || strstr(what, "near `#"))
        line++;
    return xhs_fail(err, XHS_E_CONFIG, "%s:%u%.160s (the syntax is that of xl.cfg(5))", file, line,
                    what);
}

int cfgfile_read(const char *file, struct config_raw *raw, struct xhs_error *err)
{
    char *text = NULL, *report = NULL;
    size_t len = 0, report_len = 0;
    FILE *stream = NULL;
    XLU_Config *xlu = NULL;
    unsigned line = 1;
    struct found f;
    int rc = -1;

    raw->n = 0;
    if (strlen(file) >= sizeof raw->file) {
        xhs_fail(err, XHS_E_CONFIG, "%.80s...: a path longer than %d bytes: use a shorter one",
                 file, CONFIG_PATH_MAX - 1);
        goto out;
    }
    strcpy(raw->file, file);
    text = read_text(file, &len, err);
    if (!text)
        goto out;
    stream = must(open_memstream(&report, &report_len));
    xlu = must(xlu_cfg_init(stream, file));
    if (xlu_cfg_readdata(xlu, text, (int)len) != 0) {
        fflush(stream);
        rc = syntax_error(file, report, err);
        goto out;
    }
    for (const char *p = text; next_setting(&p, &line, &f);) {
        if (add_setting(xlu, &f, raw, err) < 0)
            goto out;
    }
    rc = 0;
out:
    xlu_cfg_destroy(xlu);
    if (stream)
        fclose(stream);
    free(report);
    free(text);
    return rc;
}
