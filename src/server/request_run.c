#include "src/server/request_run.h"

#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/cmd/execute.h"
#include "src/cmd/keys.h"
#include "src/cmd/table.h"
#include "src/server/config.h"
#include "src/server/durable.h"
#include "src/server/loading.h"
#include "src/server/server.h"
#include "src/server/worker.h"

/* For what one request may touch, whose shards this worker may. */
static void set_no_touch(struct worker *w, const struct batch *b, const struct request *r, bool on)
{
    const struct key *keys = request_keys(b, r);
    bool all = command_needs_all_shards(r->row, r->argc, b->args.v + r->arg_first);
    for (uint32_t s = 0; all && s < w->shape.nshards; s++)
        keyspace_set_no_touch(w->server->shards[s]->keyspace, on);
    for (uint32_t k = 0; k < r->nkeys; k++)
        keyspace_set_no_touch(w->server->shards[keys[k].shard]->keyspace, on);
}

static inline __attribute__((always_inline)) void apply(struct worker *w, struct batch *b, struct request *r,
                                                        struct reply *reply, struct effects *effects,
                                                        struct journal_wait *wait)
{
    struct cmd c; /* field by field: zeroing all of it first is slow (rep stos) */
    c.row = r->row;
    c.argv = b->args.v + r->arg_first;
    c.argc = r->argc;
    c.keys = request_keys(b, r);
    c.nkeys = r->nkeys;
    c.db = r->db;
    c.reply = reply;
    c.shards = w->server->shards;
    c.nshards = w->shape.nshards;
    c.executor = w->id;
    c.changed = c.effects_given = false;
    c.limits = &w->limits;
    c.random = &w->random;
    c.blobs = &b->blobs;
    c.arg_first = r->arg_first;
    c.effects = effects;
    c.now_ms = w->now_ms;
    c.host = &w->host;
    c.client = r->route == ROUTE_SHARD ? NULL : b->client;
    reply->resp = r->resp;
    reply->failed = false;
    if (__builtin_expect(r->no_touch, false))
        set_no_touch(w, b, r, true);
    execute(&c);
    if (effects)
        durable_note(&c, wait);
    if (__builtin_expect(r->no_touch, false))
        set_no_touch(w, b, r, false);
}

void request_apply(struct worker *w, struct batch *b, struct request *r, struct reply *reply)
{
    apply(w, b, r, reply, NULL, NULL);
}

void request_execute(struct worker *w, struct batch *b, struct request *r, struct reply *reply, struct effects *effects,
                     struct journal_wait *wait)
{
    size_t before = reply->len;
    apply(w, b, r, reply, effects, wait);
    r->reply_len = reply->len - before;
    if (__builtin_expect(reply->failed, false))
        stat_add(&w->stats.errors, 1);
    stat_add(&w->stats.commands, 1);
}

/* A browser that was made to send a form here: nothing behind the first line is to be taken for commands. As Redis. */
static bool is_http(struct slice name) { return slice_is(name, "post") || slice_is(name, "host:"); }

static void refuse_http(struct client *c)
{
    static struct log_limit limit;
    log_limited(&limit, LOG_LEVEL_WARNING,
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to Redis. "
                "This is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your Redis "
                "instance. Connection from %s aborted.",
                c->address);
    client_close(c);
}

static void answer_error(struct batch *b, struct request *r, struct reply *reply)
{
    struct client *c = b->client;
    reply->resp = c->resp;
    if (r->argc == 0) {
        reply_errorf(reply, "ERR %s", c->protocol_error);
        client_close_after_reply(c);
    } else if (!r->row && is_http(b->args.v[r->arg_first])) {
        refuse_http(c);
    } else if (!r->row) {
        command_reply_unknown(reply, r->argc, b->args.v + r->arg_first);
    } else if (!command_arity_ok(r->row, r->argc)) {
        command_reply_arity(reply, r->row);
    } else {
        command_reply_not_built(reply, r->row);
        server_log_not_built(b->home->server, r->row);
    }
    stat_add(&b->home->stats.errors, 1);
}

static bool is_allowed(int setting, const struct client *c)
{
    return setting == ALLOWED_YES || (setting == ALLOWED_LOCAL && c->peer_is_local);
}

/* PING is how a monitor notices, as with Redis. */
static bool tells_write_fault(const struct command *row)
{
    return row->flags & CMD_WRITE || strcmp(row->full_name, "ping") == 0;
}

enum refusal request_refusal(const struct client *c, const struct request *r)
{
    if (r->route == ROUTE_ERROR && (!r->row || !command_arity_ok(r->row, r->argc)))
        return REFUSED_NOT; /* that is said to anybody */
    uint32_t flags = r->row->flags;
    if (__builtin_expect((flags & CMD_PROTECTED) && !is_allowed(c->worker->config->enable_debug_command, c), 0))
        return REFUSED_PROTECTED;
    if (client_must_authenticate(c) && !(flags & CMD_NO_AUTH))
        return REFUSED_UNAUTHENTICATED;
    if (__builtin_expect(c->worker->loading, false) && !(flags & CMD_LOADING))
        return REFUSED_LOADING;
    return __builtin_expect(c->worker->write_fault, 0) && tells_write_fault(r->row) ? REFUSED_WRITE_FAULT : REFUSED_NOT;
}

static void answer_refusal(struct batch *b, struct request *r, struct reply *reply, enum refusal why)
{
    reply->resp = b->client->resp;
    if (why == REFUSED_UNAUTHENTICATED)
        reply_error(reply, "NOAUTH Authentication required.");
    else if (why == REFUSED_LOADING)
        reply_error(reply, LOADING_ERROR);
    else if (why == REFUSED_WRITE_FAULT)
        reply_errorf(reply, "MISCONF Errors writing to the AOF file: %s", strerror(-b->home->write_fault));
    else
        reply_error(reply,
                    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can "
                    "run it from a local connection, otherwise you need to set this option in the configuration "
                    "file, and then restart the server.");
    stat_add(&b->home->stats.errors, 1);
}

bool request_must_pause(const struct client *c, const struct request *r)
{
    return r->route != ROUTE_ERROR && client_must_pause(c, r->row) && request_refusal(c, r) == REFUSED_NOT;
}

enum request_run request_run_here(struct batch *b, uint32_t i, struct reply *reply)
{
    struct request *r = &b->requests[i];
    struct worker *w = b->home;
    size_t before = reply->len;
    uint32_t pending = b->pending;
    if (request_must_pause(b->client, r))
        return RAN_NOT;
    request_bind(b, r);
    enum refusal why = request_refusal(b->client, r);
    if (why != REFUSED_NOT)
        answer_refusal(b, r, reply, why);
    else if (r->route == ROUTE_ERROR)
        answer_error(b, r, reply);
    else
        request_execute(w, b, r, reply, r->route == ROUTE_SHARD ? durable_effects(w) : NULL, &b->client->wait);
    /* Only of a row with the flag it is known beforehand that it may answer later: it is written aside. */
    ASSERT(b->pending == pending || r->row->flags & CMD_BARRIER);
    /* What answers later remembers where its answer begins: batch_deferred_done. */
    r->reply_len = b->pending ? before : reply->len - before;
    r->silent = b->client->reply_mode != REPLY_ON && client_take_silence(b->client);
    return b->pending ? RAN_DEFERRED : RAN;
}
