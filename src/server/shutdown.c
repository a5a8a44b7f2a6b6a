#include "src/server/shutdown.h"

#include <stdio.h>

#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/cmd/args.h"
#include "src/server/ask.h"
#include "src/server/batch.h"
#include "src/server/commands.h"
#include "src/server/config.h"
#include "src/server/server.h"
#include "src/server/worker.h"

bool shutdown_begin(struct worker *w0, unsigned how, char error[static SHUTDOWN_ERROR_BYTES])
{
    log_write(LOG_LEVEL_WARNING, "User requested shutdown...");
    if (w0->loading)
        how = ON_SIGNAL_NOSAVE; /* what is there is not all of it */
    if (how & ON_SIGNAL_SAVE && !(how & ON_SIGNAL_FORCE)) {
        snprintf(error, SHUTDOWN_ERROR_BYTES,
                 "this version can't save snapshots yet; NOSAVE stops without, as FORCE does");
        return false;
    }
    bool wants_save = how & ON_SIGNAL_SAVE || (!(how & ON_SIGNAL_NOSAVE) && w0->config->save.count > 0);
    if (wants_save)
        log_write(LOG_LEVEL_WARNING, "Stopping without saving: this version can't save snapshots yet.");
    server_stop(w0);
    return true;
}

/* ---- SHUTDOWN ---- */

struct shutdown_ask {
    struct client *client;
    unsigned how;
    bool begun;
    char error[SHUTDOWN_ERROR_BYTES];
};

static bool shutdown_run(struct worker *w0, struct ask *a, struct ask_part *part)
{
    struct shutdown_ask *s = a->arg;
    s->begun = shutdown_begin(w0, s->how, s->error);
    return true;
}

/* Who asked gets no answer but the end of the connection. */
static void shutdown_done(struct worker *home, struct ask *a)
{
    struct shutdown_ask *s = a->arg;
    struct client *client = s->client;
    if (s->begun)
        client_close_after_reply(client);
    else
        reply_errorf(&client->batch->reply, "ERR Can't SHUTDOWN: %s", s->error);
    mem_free(NULL, s);
    ask_free(a);
    batch_deferred_done(client);
}

/* Bits of ON_SIGNAL_*; false: no such word. */
static bool parse_word(struct slice word, unsigned *how)
{
    static const struct {
        const char *word;
        unsigned bit;
    } words[] = {
        {"nosave", ON_SIGNAL_NOSAVE}, {"save", ON_SIGNAL_SAVE}, {"now", ON_SIGNAL_NOW}, {"force", ON_SIGNAL_FORCE}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (slice_is(word, words[i].word)) {
            *how |= words[i].bit;
            return true;
        }
    }
    return false;
}

/* SHUTDOWN [NOSAVE|SAVE] [NOW] [FORCE] [ABORT] */
static void shutdown_command(struct cmd *c)
{
    struct client *client = command_client(c);
    unsigned how = 0;
    bool abort = false, known = true;
    for (uint32_t i = 1; i < c->argc && known; i++) {
        if (slice_is(c->argv[i], "abort"))
            abort = true;
        else
            known = parse_word(c->argv[i], &how);
    }
    if (!known || (abort && how) || (how & ON_SIGNAL_SAVE && how & ON_SIGNAL_NOSAVE)) {
        reply_syntax_error(c);
        return;
    }
    if (abort) {
        /* One that has begun ends before anybody could say so. */
        reply_error(c->reply, "ERR No shutdown in progress.");
        return;
    }
    struct shutdown_ask *s = mem_zalloc(NULL, sizeof *s);
    s->client = client;
    s->how = how;
    batch_defer(client);
    ask_one(client->worker, 0, shutdown_run, shutdown_done, s);
}

const struct command_binding shutdown_bindings[] = {{"shutdown", shutdown_command}, {NULL, NULL}};
