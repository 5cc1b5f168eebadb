/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stand-in for xhsd that says what a file says, and a checker of JSON; for test_cli*.sh.
 * Not the daemon on the fakes: it understands nothing of what it is asked.
 * Run by cli.sh:
 *   fake_xhsd SOCKET ANSWERS   at each connection: read one line, write it to ANSWERS.request, send
 *                              the bytes of ANSWERS, hang up; if ANSWERS.hold exists, keep the line
 *                              open until the client goes. Ends with SIGTERM, or after a minute.
 *   fake_xhsd --json           exit 0 when stdin is one JSON value, 1 when not
 *   fake_xhsd --json-lines     the same, of every line
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/json.h"

static void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static bool is_json(const char *text, size_t len)
{
    struct xhs_error err = { 0 };
    struct jval *v = json_parse(text, len, &err);

    if (!v)
        fprintf(stderr, "%s\n", err.text);
    json_free(v);
    return v != NULL;
}

static int check_json(bool lines)
{
    char *text = NULL;
    size_t size = 0;
    ssize_t len;
    int bad = 0, n = 0;

    while ((len = getdelim(&text, &size, lines ? '\n' : EOF, stdin)) > 0) {
        bad += !is_json(text, (size_t)len);
        n++;
    }
    free(text);
    return n > 0 && bad == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The bytes of file, malloc'ed. */
static char *load(const char *file, size_t *len)
{
    FILE *f = fopen(file, "r");
    char *text = NULL;
    size_t size = 0;
    ssize_t got;

    if (!f)
        die(file);
    got = getdelim(&text, &size, EOF, f);
    fclose(f);
    *len = got > 0 ? (size_t)got : 0;
    return text;
}

static void serve(int fd, const char *answers)
{
    char name[256], byte;
    char *request = NULL, *text;
    size_t size = 0, len;
    FILE *in = fdopen(fd, "r"), *copy;

    snprintf(name, sizeof name, "%s.request", answers);
    copy = fopen(name, "w");
    if (!in || !copy || getline(&request, &size, in) <= 0)
        die(name);
    fputs(request, copy);
    fclose(copy);
    text = load(answers, &len);
    if (send(fd, text, len, MSG_NOSIGNAL) < 0)
        perror("send");
    snprintf(name, sizeof name, "%s.hold", answers);
    while (access(name, F_OK) == 0 && read(fd, &byte, 1) > 0)
        ;
    free(text);
    free(request);
    fclose(in);
}

int main(int argc, char **argv)
{
    struct sockaddr_un sa = { .sun_family = AF_UNIX };
    int s, fd;

    if (argc == 2 && strncmp(argv[1], "--json", 6) == 0)
        return check_json(strcmp(argv[1], "--json-lines") == 0);
    if (argc != 3 || strlen(argv[1]) >= sizeof sa.sun_path) {
        fputs("usage: fake_xhsd SOCKET ANSWERS | --json | --json-lines\n", stderr);
        return EXIT_FAILURE;
    }
    alarm(60); /* whatever becomes of the test, this process ends */
    strcpy(sa.sun_path, argv[1]);
    s = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s < 0 || bind(s, (struct sockaddr *)&sa, sizeof sa) < 0 || listen(s, 4) < 0)
        die(argv[1]);
    for (;;) {
        fd = accept(s, NULL, NULL);
        if (fd < 0)
            die("accept");
        serve(fd, argv[2]);
    }
}
