/* CLIENT PAUSE and UNPAUSE: changes of the control plane's state, which every worker obeys once it has taken it. Who
 * has to wait, and how it goes on, is in client.c. */
#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/server/batch.h"
#include "src/server/commands.h"
#include "src/server/control.h"
#include "src/server/worker.h"

struct pause_change {
    struct control_change change; /* first */
    struct client *client;
    enum pause_kind kind;
    int64_t until_ms;
};

/* As Redis: of two pauses the longer and the stricter count. */
static bool apply_pause(struct worker *w0, struct control_change *change, struct control_state *next)
{
    const struct pause_change *p = (struct pause_change *)change;
    if (next->pause == PAUSE_NONE || w0->now_ms >= next->pause_until_ms) {
        next->pause = PAUSE_NONE;
        next->pause_until_ms = 0;
    }
    if (p->kind > next->pause)
        next->pause = p->kind;
    if (p->until_ms > next->pause_until_ms)
        next->pause_until_ms = p->until_ms;
    return true;
}

static bool apply_unpause(struct worker *w0, struct control_change *change, struct control_state *next)
{
    next->pause = PAUSE_NONE;
    next->pause_until_ms = 0;
    return true;
}

static void done(struct worker *home, struct control_change *change)
{
    struct pause_change *p = (struct pause_change *)change;
    struct client *client = p->client;
    reply_ok(&client->batch->reply);
    mem_free(NULL, p);
    batch_deferred_done(client);
}

static void submit(struct client *client, enum pause_kind kind, int64_t until_ms)
{
    struct pause_change *p = mem_zalloc(NULL, sizeof *p);
    p->change.apply = kind == PAUSE_NONE ? apply_unpause : apply_pause;
    p->change.done = done;
    p->client = client;
    p->kind = kind;
    p->until_ms = until_ms;
    batch_defer(client);
    control_submit(client->worker, &p->change);
}

/* CLIENT PAUSE timeout [WRITE|ALL] */
static void client_pause_command(struct cmd *c)
{
    enum pause_kind kind = PAUSE_ALL;
    int64_t ms;
    if (c->argc > 4) {
        reply_errorf(c->reply, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try CLIENT HELP.",
                     (int)c->argv[1].len, c->argv[1].ptr);
        return;
    }
    if (c->argc == 4 && slice_is(c->argv[3], "write"))
        kind = PAUSE_WRITES;
    else if (c->argc == 4 && !slice_is(c->argv[3], "all")) {
        reply_error(c->reply, "ERR CLIENT PAUSE mode must be WRITE or ALL");
        return;
    }
    if (!num_parse_i64(c->argv[2], &ms))
        reply_error(c->reply, "ERR timeout is not an integer or out of range");
    else if (ms < 0)
        reply_error(c->reply, "ERR timeout is negative");
    else if (ms > INT64_MAX - c->now_ms)
        reply_error(c->reply, "ERR timeout is out of range");
    else
        submit(command_client(c), kind, c->now_ms + ms);
}

/* CLIENT UNPAUSE */
static void client_unpause_command(struct cmd *c) { submit(command_client(c), PAUSE_NONE, 0); }

const struct command_binding client_pause_bindings[] = {
    {"client|pause", client_pause_command},
    {"client|unpause", client_unpause_command},
    {NULL, NULL},
};
