/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request, one answer, one result printed: all that most commands do. See cli.h.
 * Not the connection itself (client.c), and not the layout of any result.
 * Used by the commands.
 */
#include "xhs/cli.h"
#include "xhs/client.h"
#include "xhs/out_json.h"
#include "xhs/out_text.h"

int complain(const struct xhs_error *err)
{
    fflush(stdout); /* what was said before comes first, also in 2>&1 */
    out_line(stderr, "xhs: %s", err->text);
    return xhs_code_status(err->code);
}

struct jout *request(const char *op, const char *pair)
{
    struct jout *j = jout_new(false);

    jout_object(j, NULL);
    jout_str(j, "op", op);
    if (pair)
        jout_str(j, "pair", pair);
    return j;
}

int ask(const struct cli *cli, struct jout *req, print_fn *text, status_fn *status)
{
    struct xhs_error err = { 0 };
    struct jval *answer = NULL;
    struct client c;
    int rc;

    if (client_open(&c, cli, &err) == 0 && client_send(&c, req, &err) == 0)
        answer = client_answer(&c, &err);
    if (!answer) {
        rc = complain(&err);
        goto out;
    }
    const struct jval *result = json_get(answer, "result");
    if (cli->json)
        out_json(result);
    else
        text(cli, result);
    rc = status ? status(cli, result) : DONE;
out:
    json_free(answer);
    client_close(&c);
    jout_free(req);
    return rc;
}
