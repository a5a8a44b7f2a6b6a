/* CONFIG. What is asked for comes from the worker's own snapshot; what changes goes through the control plane, so that
 * it is answered when every worker has it, and changes never meet. */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "shard/keyspace.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/cmd/args.h"
#include "src/server/ask.h"
#include "src/server/batch.h"
#include "src/server/commands.h"
#include "src/server/config.h"
#include "src/server/config_apply.h"
#include "src/server/control.h"
#include "src/server/loading.h"
#include "src/server/server.h"
#include "src/server/worker.h"

/* ---- CONFIG GET ---- */

static void get_one(void *arg, struct slice name, struct slice value)
{
    reply_bulk_slice(arg, name);
    reply_bulk_slice(arg, value);
}

/* CONFIG GET parameter [parameter ...] */
static void config_get_command(struct cmd *c)
{
    const struct config *config = command_client(c)->worker->config;
    const struct slice *patterns = c->argv + 2;
    reply_map(c->reply, (int64_t)config_get(config, patterns, c->argc - 2, NULL, NULL));
    config_get(config, patterns, c->argc - 2, get_one, c->reply);
}

/* ---- CONFIG SET ---- */

struct set_change {
    struct control_change change; /* first */
    struct client *client;
    struct config_rights rights;
    bool failed;
    char error[CONFIG_ERROR_BYTES];
    size_t npairs;
    struct slice pairs[]; /* bytes behind it */
};

static bool apply_set(struct worker *w0, struct control_change *change, struct control_state *next)
{
    struct set_change *s = (struct set_change *)change;
    const struct config *old = next->config;
    struct config *new;
    s->rights.loading = w0->loading;
    enum config_set_outcome outcome = config_with(old, s->pairs, s->npairs, s->rights, &new, s->error);
    s->failed = outcome != CONFIG_SET_DONE;
    if (outcome == CONFIG_SET_LOADING)
        strcpy(s->error, LOADING_ERROR);
    if (s->failed)
        return false;
    if (!config_apply(w0, old, new, s->error)) {
        s->failed = true;
        config_release(new);
        return false;
    }
    next->config = new;
    config_release(old);
    return true;
}

static void set_done(struct worker *home, struct control_change *change)
{
    struct set_change *s = (struct set_change *)change;
    struct client *client = s->client;
    if (s->failed)
        reply_error(&client->batch->reply, s->error);
    else
        reply_ok(&client->batch->reply);
    mem_free(NULL, s);
    batch_deferred_done(client);
}

/* The arguments go to another thread: with their bytes, in one piece. */
static struct set_change *set_create(const struct cmd *c)
{
    uint32_t n = c->argc - 2;
    size_t bytes = 0;
    for (uint32_t i = 0; i < n; i++)
        bytes += c->argv[i + 2].len;
    struct set_change *s = mem_alloc(NULL, sizeof *s + n * sizeof s->pairs[0] + bytes);
    *s = (struct set_change){.npairs = n / 2};
    char *at = (char *)(s->pairs + n);
    for (uint32_t i = 0; i < n; i++) {
        struct slice a = c->argv[i + 2];
        memcpy(at, a.ptr, a.len);
        s->pairs[i] = slice_of(at, a.len);
        at += a.len;
    }
    return s;
}

/* CONFIG SET parameter value [parameter value ...] */
static void config_set_command(struct cmd *c)
{
    struct client *client = command_client(c);
    if (c->argc % 2 != 0) {
        reply_syntax_error(c);
        return;
    }
    struct set_change *s = set_create(c);
    s->change.apply = apply_set;
    s->change.done = set_done;
    s->client = client;
    s->rights.local = client->peer_is_local;
    batch_defer(client);
    control_submit(client->worker, &s->change);
}

/* ---- CONFIG REWRITE ---- */

struct rewrite_change {
    struct control_change change; /* first */
    struct client *client;
    int result; /* of config_rewrite */
};

/* Changes nothing; it is a change so that it is not run beside one. */
static bool apply_rewrite(struct worker *w0, struct control_change *change, struct control_state *next)
{
    ((struct rewrite_change *)change)->result = config_rewrite(next->config);
    return false;
}

static void rewrite_done(struct worker *home, struct control_change *change)
{
    struct rewrite_change *r = (struct rewrite_change *)change;
    struct client *client = r->client;
    if (r->result < 0) {
        log_write(LOG_LEVEL_WARNING, "CONFIG REWRITE failed: %s", strerror(-r->result));
        reply_errorf(&client->batch->reply, "ERR Rewriting config file: %s", strerror(-r->result));
    } else {
        log_write(LOG_LEVEL_NOTICE, "CONFIG REWRITE executed with success.");
        reply_ok(&client->batch->reply);
    }
    mem_free(NULL, r);
    batch_deferred_done(client);
}

/* CONFIG REWRITE */
static void config_rewrite_command(struct cmd *c)
{
    struct client *client = command_client(c);
    if (!client->worker->config->file) {
        reply_error(c->reply, "ERR The server is running without a config file");
        return;
    }
    struct rewrite_change *r = mem_zalloc(NULL, sizeof *r);
    r->change.apply = apply_rewrite;
    r->change.done = rewrite_done;
    r->client = client;
    batch_defer(client);
    control_submit(client->worker, &r->change);
}

/* ---- CONFIG RESETSTAT ---- */

static bool reset_run(struct worker *w, struct ask *a, struct ask_part *part)
{
    _Atomic uint64_t *counters = (_Atomic uint64_t *)&w->stats;
    for (size_t i = 0; i < sizeof w->stats / sizeof *counters; i++)
        atomic_store_explicit(&counters[i], 0, memory_order_relaxed);
    w->ops_rate = w->in_rate = w->out_rate = (struct rate){0};
    w->lane->takebacks = 0;
    keyspace_reset_stats(w->shard.keyspace);
    return true;
}

static void reset_done(struct worker *home, struct ask *a)
{
    struct client *client = a->arg;
    atomic_store_explicit(&home->server->clients_rejected, 0, memory_order_relaxed);
    atomic_store_explicit(&home->server->stats_since_ms, home->now_ms, memory_order_relaxed);
    reply_ok(&client->batch->reply);
    ask_free(a);
    batch_deferred_done(client);
}

/* CONFIG RESETSTAT */
static void config_resetstat_command(struct cmd *c)
{
    struct client *client = command_client(c);
    batch_defer(client);
    ask_shards(client->worker, reset_run, reset_done, client);
}

const struct command_binding config_bindings[] = {
    {"config|get", config_get_command},
    {"config|set", config_set_command},
    {"config|rewrite", config_rewrite_command},
    {"config|resetstat", config_resetstat_command},
    {NULL, NULL},
};
