/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events: what happened, one line each, and with -f what happens, until ^C.
 * Not a log reader: xhsd keeps the last 1000 events itself.
 * Called by main.c, through the table of commands.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "xhs/cli.h"
#include "xhs/client.h"
#include "xhs/out_json.h"
#include "xhs/out_text.h"

/* TIME PAIR TYPE TEXT: of fixed width where that is possible, as no line knows those to come. */
static void print_event(const struct jval *e)
{
    const char *type = out_word(e, "type"), *text = json_str(e, "text", "");
    char head[200];

    snprintf(head, sizeof head, "%-24s  %-12s  %-6s", out_word(e, "time"), out_word(e, "pair"),
             type);
    if (strcmp(type, "state") == 0)
        out_line(stdout, "%s  %s -> %s: %s", head, out_word(e, "from"), out_word(e, "to"), text);
    else if (strcmp(type, "phase") == 0)
        out_line(stdout, "%s  %s after %.1f ms: %s", head, out_word(e, "phase"),
                 json_num(e, "ms", 0), text);
    else
        out_line(stdout, "%s  %s", head, text);
}

static void print_one(const struct cli *cli, const struct jval *event)
{
    if (cli->json)
        out_json_line(event);
    else
        print_event(event);
}

static void on_interrupt(int sig)
{
    (void)sig;
    _exit(DONE); /* every line was flushed */
}

/* Each new event as it comes. *v is the last message; NULL when there is no more, with *err. */
static void follow(const struct cli *cli, struct client *c, struct jval **v,
                   struct xhs_error *err)
{
    signal(SIGINT, on_interrupt);
    /* A reader that went away ends it, as ^C does (main.c ignores SIGPIPE). */
    while (*v && fflush(stdout) == 0 && !ferror(stdout)) {
        json_free(*v);
        *v = client_receive(c, err);
        if (json_get(*v, "event"))
            print_one(cli, json_get(*v, "event"));
    }
}

/* With --json one object a line, with and without -f, so that a program can read along. */
int cmd_events(const struct cli *cli, int argc, char **argv)
{
    struct jout *req = request("events", argc > 0 ? argv[0] : NULL);
    struct xhs_error err = { 0 };
    struct jval *v = NULL;
    struct client c;
    int status = DONE;

    if (cli->follow)
        jout_bool(req, "follow", true);
    if (client_open(&c, cli, &err) == 0 && client_send(&c, req, &err) == 0)
        v = client_answer(&c, &err);
    const struct jval *events = json_get(json_get(v, "result"), "events");
    for (size_t i = 0; i < json_len(events); i++)
        print_one(cli, json_at(events, i));
    if (v && cli->follow)
        follow(cli, &c, &v, &err);
    if (!v)
        status = complain(&err);
    json_free(v);
    client_close(&c);
    jout_free(req);
    return status;
}
