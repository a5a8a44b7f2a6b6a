#include "src/server/batch.h"

#include <stdio.h>

#include "shard/ds/lookahead.h"
#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/cmd/execute.h"
#include "src/cmd/table.h"
#include "src/server/batch_parse.h"
#include "src/server/bundle.h"
#include "src/server/client.h"
#include "src/server/config.h"
#include "src/server/durable.h"
#include "src/server/group.h"
#include "src/server/loading.h"
#include "src/server/server.h"
#include "src/server/worker.h"

enum {
    BATCH_KEEP_BYTES = 64 * 1024, /* a reused batch keeps no buffer larger than this */
    FREE_BATCHES_MAX = 256,
    KEYS_FIRST = 16,
};

/* ---- Memory ---- */

static struct batch *batch_get(struct worker *w, struct client *c)
{
    struct batch *b = w->free_batches;
    if (b) {
        w->free_batches = b->next;
        w->nfree_batches--;
    } else {
        b = mem_zalloc(NULL, sizeof *b);
        b->home = w;
        batch_reserve_keys(b, KEYS_FIRST); /* so that there is an array also for requests without keys */
        reply_init(&b->reply, 2);
    }
    b->client = c;
    b->next = NULL;
    return b;
}

static void batch_free(struct batch *b)
{
    mem_free(NULL, b->requests);
    mem_free(NULL, b->keys);
    mem_free(NULL, b->args.v);
    mem_free(NULL, b->blobs.v);
    mem_free(NULL, b->bytes);
    reply_deinit(&b->reply);
    mem_free(NULL, b);
}

static void batch_put(struct batch *b)
{
    struct worker *w = b->home;
    for (uint32_t i = 0; i < b->blobs.n; i++)
        if (b->blobs.v[i].blob)
            blob_release(b->blobs.v[i].blob);
    b->count = b->cursor = b->stage_first = b->nkeys = b->args.n = b->blobs.n = 0;
    b->client = NULL;
    b->source = (struct slice){0};
    bool large = b->bytes_cap > BATCH_KEEP_BYTES || b->args.cap * sizeof *b->args.v > BATCH_KEEP_BYTES ||
                 b->keys_cap * sizeof *b->keys > BATCH_KEEP_BYTES ||
                 b->blobs.cap * sizeof *b->blobs.v > BATCH_KEEP_BYTES;
    if (large || w->nfree_batches >= FREE_BATCHES_MAX) {
        batch_free(b);
        return;
    }
    reply_clear(&b->reply, BATCH_KEEP_BYTES);
    b->next = w->free_batches;
    w->free_batches = b;
    w->nfree_batches++;
}

static void free_unused(struct worker *w, uint32_t n)
{
    while (n-- > 0) {
        struct batch *b = w->free_batches;
        w->free_batches = b->next;
        w->nfree_batches--;
        batch_free(b);
    }
}

void batches_trim(struct worker *w)
{
    enum { PART = 8 };
    free_unused(w, (w->nfree_batches + PART - 1) / PART);
}

void batches_deinit(struct worker *w) { free_unused(w, w->nfree_batches); }

/* ---- Running one request ---- */

/* For the keys of one request, whose shards this worker may touch. */
static void set_no_touch(struct worker *w, const struct batch *b, const struct request *r, bool on)
{
    const struct key *keys = request_keys(b, r);
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
    c.blobs = &b->blobs;
    c.arg_first = r->arg_first;
    c.effects = effects;
    c.now_ms = w->now_ms;
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

void batch_apply(struct worker *w, struct batch *b, struct request *r, struct reply *reply)
{
    apply(w, b, r, reply, NULL, NULL);
}

void batch_execute(struct worker *w, struct batch *b, struct request *r, struct reply *reply, struct effects *effects,
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

/* Why the client may not run this command. */
enum refusal { REFUSED_NOT, REFUSED_PROTECTED, REFUSED_UNAUTHENTICATED, REFUSED_LOADING, REFUSED_WRITE_FAULT };

static bool is_allowed(int setting, const struct client *c)
{
    return setting == ALLOWED_YES || (setting == ALLOWED_LOCAL && c->peer_is_local);
}

/* PING is how a monitor notices, as with Redis. */
static bool tells_write_fault(const struct command *row)
{
    return row->flags & CMD_WRITE || strcmp(row->full_name, "ping") == 0;
}

static enum refusal refusal(const struct client *c, const struct request *r)
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

/* Fixes what a request sees of its client, now that everything before it has been routed. */
static void bind_request(struct batch *b, struct request *r)
{
    struct client *c = b->client;
    r->db = c->db;
    r->resp = c->resp;
    r->no_touch = c->no_touch;
    c->commands++;
    c->last_command = r->row;
}

/* CLIENT PAUSE. What is refused anyway is answered now, as Redis does it. */
static bool must_pause(const struct client *c, const struct request *r)
{
    return r->route != ROUTE_ERROR && client_must_pause(c, r->row) && refusal(c, r) == REFUSED_NOT;
}

enum request_run { RAN, RAN_DEFERRED, RAN_NOT };

/* Nothing more of what it has sent is to run. */
static bool is_leaving(const struct client *c) { return c->close_after_reply || c->conn.closing; }

/* Runs a request that needs no other worker: an error, a home command, or one of the own shard (not held). */
static enum request_run run_here(struct batch *b, uint32_t i, struct reply *reply)
{
    struct request *r = &b->requests[i];
    struct worker *w = b->home;
    size_t before = reply->len;
    if (must_pause(b->client, r))
        return RAN_NOT;
    bind_request(b, r);
    enum refusal why = refusal(b->client, r);
    if (why != REFUSED_NOT)
        answer_refusal(b, r, reply, why);
    else if (r->route == ROUTE_ERROR)
        answer_error(b, r, reply);
    else
        batch_execute(w, b, r, reply, r->route == ROUTE_SHARD ? durable_effects(w) : NULL, &b->client->wait);
    /* What answers later remembers where its answer begins: batch_deferred_done. */
    r->reply_len = b->pending ? before : reply->len - before;
    r->silent = b->client->reply_mode != REPLY_ON && client_take_silence(b->client);
    return b->pending ? RAN_DEFERRED : RAN;
}

/* ---- Nothing leaves the worker: straight into the output ---- */

static bool is_direct(const struct batch *b, const struct request *r)
{
    if (r->route != ROUTE_SHARD)
        return r->route != ROUTE_HOLD;
    return r->key.shard == b->home->id && !lane_is_held(b->home->lane);
}

static void look_ahead(const struct batch *b, uint32_t from, uint32_t to)
{
    struct lookahead ahead;
    ahead.n = 0;
    for (uint32_t i = from; i < to; i++)
        if (b->requests[i].nkeys)
            keyspace_look_ahead(b->home->shard.keyspace, b->client->db, b->requests[i].key.hash, &ahead);
    lookahead_end(&ahead);
}

/* A batch of which something leaves the worker runs in stages from the start: answered in two parts, it would cost the
 * kernel two packets. */
static bool rest_is_direct(const struct batch *b)
{
    for (uint32_t i = b->cursor; i < b->count; i++)
        if (!is_direct(b, &b->requests[i]))
            return false;
    return true;
}

static enum request_run run_direct_one(struct batch *b)
{
    struct client *c = b->client;
    uint32_t i = b->cursor;
    /* What nobody is to read, or what answers later, is written aside. */
    bool later = b->requests[i].route == ROUTE_HOME && b->requests[i].row->flags & CMD_BARRIER;
    bool aside = later || c->reply_mode != REPLY_ON;
    enum request_run ran = run_here(b, i, aside ? &b->reply : &c->conn.out);
    if (ran == RAN_NOT)
        return ran;
    b->cursor++;
    if (aside && ran == RAN) {
        if (!b->requests[i].silent)
            reply_append_range(&c->conn.out, &b->reply, 0, b->reply.len);
        reply_clear(&b->reply, BATCH_KEEP_BYTES);
    } else if (ran == RAN && b->requests[i].silent) {
        reply_truncate(&c->conn.out, c->conn.out.len - b->requests[i].reply_len);
    }
    return ran;
}

/* Runs all that is left. */
static enum request_run run_direct(struct batch *b)
{
    struct worker *w = b->home;
    while (b->cursor < b->count) {
        uint32_t end = b->count - b->cursor < LOOKAHEAD_MAX ? b->count : b->cursor + LOOKAHEAD_MAX;
        /* While it is held none of these is for the shard, which is another's to use. */
        if (!lane_is_held(w->lane)) {
            shard_begin(&w->shard, w->id, w->now_ms, durable_effects(w));
            if (end - b->cursor > 1)
                look_ahead(b, b->cursor, end);
        }
        while (b->cursor < end) {
            if (is_leaving(b->client))
                return RAN;
            b->stage_first = b->cursor;
            enum request_run ran = run_direct_one(b);
            if (ran != RAN)
                return ran;
        }
    }
    return RAN;
}

/* ---- Stages ---- */

/* What the stage being built has so far. */
struct stage {
    uint32_t shard; /* of its groups, if there is one kind */
    uint32_t ngroups;
};

static bool may_join(const struct batch *b, const struct stage *s, const struct request *r)
{
    switch ((enum request_route)r->route) {
    case ROUTE_ERROR:
        return true;
    case ROUTE_HOME:
        return s->ngroups == 0 || !(r->row->flags & CMD_BARRIER);
    case ROUTE_HOLD:
        return false;
    case ROUTE_SHARD:
        break;
    }
    bool ordered = ((r->row->flags & CMD_SIGNAL) && !PLANTED(PLANTED_SIGNAL_OVERTAKES)) || b->home->strict_order;
    return !ordered || s->ngroups == 0 || (s->ngroups == 1 && s->shard == r->key.shard);
}

static void join_group(struct batch *b, struct stage *s, struct request *r)
{
    struct worker *w = b->home;
    uint32_t shard = r->key.shard;
    struct group *g = w->group_of[shard];
    if (!g) {
        g = w->group_of[shard] = group_get(w, b, shard);
        s->shard = shard;
        s->ngroups++;
    }
    r->in_group = true;
    group_add(g, r);
}

/* Consecutive requests that need several shards run under one hold. */
static void stage_hold(struct batch *b)
{
    b->hold_first = b->cursor;
    b->shards = (struct shard_set){0};
    while (b->cursor < b->count && b->requests[b->cursor].route == ROUTE_HOLD) {
        struct request *r = &b->requests[b->cursor];
        bool alone = r->row->flags & CMD_FIBER;
        if ((alone && b->cursor > b->hold_first) || must_pause(b->client, r) || refusal(b->client, r) != REFUSED_NOT)
            break;
        bind_request(b, r);
        r->silent = client_take_silence(b->client);
        for (uint32_t k = 0; k < r->nkeys; k++)
            shard_set_add(&b->shards, request_keys(b, r)[k].shard);
        for (uint32_t s = 0; r->row->flags & CMD_ALL_SHARDS && s < b->home->shape.nshards; s++)
            shard_set_add(&b->shards, s);
        b->cursor++;
        if (alone)
            break;
    }
    b->hold_end = b->cursor;
    if (b->hold_end == b->hold_first)
        return;
    b->pending++;
    bundle_join(b->home, b);
}

/* Sends off the groups of the stage. The own shard's goes the same way: it runs in this iteration, with those of
 * others, so that the cache misses of all overlap. */
static void stage_start_groups(struct batch *b)
{
    struct worker *w = b->home;
    for (struct group *g = b->groups; g; g = g->next) {
        w->group_of[g->shard] = NULL;
        b->pending++;
        worker_send(w, g->shard, &g->msg, MSG_GROUP);
    }
}

/* Nothing that a client or the configuration can ask for makes its requests for shards anything but usual. Holds until
 * a command of its own runs. */
static bool is_plain(const struct client *c)
{
    return c->worker->pause == PAUSE_NONE && !client_must_authenticate(c) && c->reply_mode == REPLY_ON &&
           !c->worker->strict_order && !c->worker->loading && !c->worker->write_fault;
}

/* Routes requests from cursor on until one that must wait for those before it. False if it cannot even begin: the first
 * one has to wait for the end of CLIENT PAUSE. */
static bool stage_start(struct batch *b)
{
    struct stage s = {0};
    struct client *c = b->client;
    bool plain = is_plain(c);
    b->stage_first = b->cursor;
    batch_copy_source(b);
    while (b->cursor < b->count && !is_leaving(c)) {
        struct request *r = &b->requests[b->cursor];
        if (plain && r->route == ROUTE_SHARD && !(r->row->flags & (CMD_SIGNAL | CMD_PROTECTED))) {
            bind_request(b, r);
            r->silent = false;
            join_group(b, &s, r);
            b->cursor++;
            continue;
        }
        enum refusal why = refusal(c, r);
        if (why == REFUSED_NOT && (!may_join(b, &s, r) || (r->route == ROUTE_SHARD && must_pause(c, r))))
            break;
        if (why != REFUSED_NOT || r->route != ROUTE_SHARD) {
            enum request_run ran = run_here(b, b->cursor, &b->reply);
            if (ran == RAN_NOT)
                break;
            b->cursor++;
            if (ran == RAN_DEFERRED)
                break;
            plain = is_plain(c);
            continue;
        }
        bind_request(b, r);
        r->silent = client_take_silence(c);
        join_group(b, &s, r);
        b->cursor++;
    }
    if (s.ngroups)
        stage_start_groups(b);
    else if (b->cursor == b->stage_first)
        stage_hold(b);
    return b->cursor > b->stage_first;
}

/* Puts the replies of the stage in order into the output. */
static void append_replies(struct batch *b)
{
    struct reply *out = &b->client->conn.out;
    struct group **group_of = b->home->group_of;
    size_t here = 0; /* bytes of b->reply that are done with */
    for (struct group *g = b->groups; g; g = g->next)
        group_of[g->shard] = g;
    for (uint32_t i = b->stage_first; i < b->cursor; i++) {
        const struct request *r = &b->requests[i];
        size_t len = r->reply_len;
        if (r->in_group) {
            struct group *g = group_of[r->key.shard];
            len = g->requests[g->taken++].reply_len;
            if (!r->silent)
                reply_append_range(out, &g->reply, g->taken_bytes, g->taken_bytes + len);
            g->taken_bytes += len;
        } else {
            if (!r->silent)
                reply_append_range(out, &b->reply, here, here + len);
            here += len;
        }
    }
    for (struct group *g = b->groups; g; g = g->next)
        group_of[g->shard] = NULL;
}

/* Gives the answers of the stage out and forgets it. */
static void stage_finish(struct batch *b)
{
    struct client *c = b->client;
    struct worker *w = b->home;
    if (!c->conn.closing)
        append_replies(b);
    while (b->groups) {
        struct group *g = b->groups;
        b->groups = g->next;
        journal_wait_merge(&c->wait, &g->wait);
        group_put(w, g);
    }
    reply_clear(&b->reply, BATCH_KEEP_BYTES);
    if (!PLANTED(PLANTED_REPLY_EARLY))
        journal_wait_merge(&c->wait, &b->wait);
    b->wait = (struct journal_wait){0};
    b->stage_first = b->cursor;
}

/* Runs b as far as it can go now. True if it is finished. */
static bool batch_advance(struct batch *b)
{
    struct client *c = b->client;
    while (b->cursor < b->count && !is_leaving(c)) {
        enum request_run ran = rest_is_direct(b) ? run_direct(b) : RAN;
        if (ran == RAN_DEFERRED)
            return false;
        if (b->cursor == b->count || is_leaving(c))
            break;
        if (ran == RAN_NOT || !stage_start(b)) {
            client_pause(c);
            return false;
        }
        if (b->pending)
            return false;
        stage_finish(b);
    }
    return true;
}

/* True if it is finished; else the client waits for it. */
static bool batch_run(struct batch *b)
{
    struct worker *w = b->home;
    bool finished = batch_advance(b);
    durable_stamp(w, &b->client->wait);
    if (!finished)
        batch_copy_source(b);
    return finished;
}

void batches_run(struct client *c)
{
    struct worker *w = c->worker;
    while (!c->batch && !is_leaving(c)) {
        if (__builtin_expect(durable_is_full(w), false)) {
            client_throttle(c);
            return;
        }
        struct batch *b = batch_get(w, c);
        batch_parse(b);
        if (b->count == 0) {
            batch_put(b);
            return;
        }
        c->active_ms = w->now_ms;
        c->batch = b;
        client_dirty(c);
        if (!batch_run(b))
            return;
        c->batch = NULL;
        batch_put(b);
    }
}

void batch_continue(struct batch *b)
{
    struct client *c = b->client;
    client_dirty(c);
    if (!batch_run(b))
        return;
    c->batch = NULL;
    batch_put(b);
    client_run(c);
}

void batch_abandon(struct batch *b)
{
    ASSERT(b->pending == 0);
    b->client->batch = NULL;
    batch_put(b);
}

void batch_progress(struct batch *b)
{
    ASSERT(b->pending > 0);
    if (--b->pending > 0)
        return;
    stage_finish(b);
    batch_continue(b);
}

struct reply *batch_defer(struct client *c)
{
    c->batch->pending++;
    return &c->batch->reply;
}

void batch_deferred_done(struct client *c)
{
    struct batch *b = c->batch;
    struct request *r = &b->requests[b->cursor - 1];
    r->reply_len = b->reply.len - r->reply_len;
    batch_progress(b);
}
