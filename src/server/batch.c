#include "src/server/batch.h"

#include <stdio.h>

#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/base/prefetch.h"
#include "src/cmd/execute.h"
#include "src/cmd/keys.h"
#include "src/cmd/table.h"
#include "src/server/bundle.h"
#include "src/server/client.h"
#include "src/server/config.h"
#include "src/server/server.h"
#include "src/server/worker.h"

enum {
    PREFETCH_WINDOW = 32,         /* requests whose buckets and entries are fetched together: fits the L1 cache */
    BATCH_KEEP_BYTES = 64 * 1024, /* a reused batch or group keeps no buffer larger than this */
    FREE_BATCHES_MAX = 256,
    GROUP_REPLY_KEEP_BYTES = 16 * 1024,
    KEYS_FIRST = 16,
};

/* ---- Memory ---- */

static void keys_reserve(struct batch *b, uint32_t n)
{
    if (b->nkeys + n <= b->keys_cap)
        return;
    b->keys_cap = (b->nkeys + n) * 2;
    b->keys = mem_realloc(NULL, b->keys, b->keys_cap * sizeof *b->keys);
}

static struct batch *batch_get(struct worker *w, struct client *c)
{
    struct batch *b = w->free_batches;
    if (b) {
        w->free_batches = b->next;
        w->nfree_batches--;
    } else {
        b = mem_zalloc(NULL, sizeof *b);
        b->home = w;
        keys_reserve(b, KEYS_FIRST); /* so that there is an array also for requests without keys */
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

static struct group *group_get(struct worker *w, struct batch *b, uint32_t shard)
{
    struct group *g = w->free_groups;
    if (g) {
        w->free_groups = g->next;
        w->nfree_groups--;
    } else {
        g = mem_zalloc(NULL, sizeof *g);
        reply_init(&g->reply, 2);
    }
    g->batch = b;
    g->shard = shard;
    g->home = w->id;
    g->count = g->taken = 0;
    g->taken_bytes = 0;
    g->position = 0;
    g->next = b->groups;
    b->groups = g;
    return g;
}

static void group_free(struct group *g)
{
    reply_deinit(&g->reply);
    mem_free(NULL, g->tasks);
    mem_free(NULL, g);
}

static void group_put(struct worker *w, struct group *g)
{
    if (w->nfree_groups >= FREE_BATCHES_MAX) {
        group_free(g);
        return;
    }
    reply_clear(&g->reply, GROUP_REPLY_KEEP_BYTES);
    g->next = w->free_groups;
    w->free_groups = g;
    w->nfree_groups++;
}

static void free_unused(struct worker *w, uint32_t batches, uint32_t groups)
{
    while (batches-- > 0) {
        struct batch *b = w->free_batches;
        w->free_batches = b->next;
        w->nfree_batches--;
        batch_free(b);
    }
    while (groups-- > 0) {
        struct group *g = w->free_groups;
        w->free_groups = g->next;
        w->nfree_groups--;
        group_free(g);
    }
}

void batches_trim(struct worker *w)
{
    enum { PART = 8 };
    free_unused(w, (w->nfree_batches + PART - 1) / PART, (w->nfree_groups + PART - 1) / PART);
}

void batches_deinit(struct worker *w) { free_unused(w, w->nfree_batches, w->nfree_groups); }

/* ---- Parsing and routing ---- */

static void add_key(struct batch *b, struct slice s) { b->keys[b->nkeys++] = key_make(&b->home->shape, s); }

static void add_found_keys(struct batch *b, struct request *r, const struct slice *argv)
{
    struct key_position *found = mem_alloc(NULL, r->argc * sizeof *found);
    r->nkeys = command_find_keys(r->row, r->argc, argv, found);
    keys_reserve(b, r->nkeys);
    for (uint32_t i = 0; i < r->nkeys; i++)
        add_key(b, argv[found[i].index]);
    mem_free(NULL, found);
}

static void add_keys(struct batch *b, struct request *r)
{
    const struct slice *argv = b->args.v + r->arg_first;
    const struct command *row = r->row;
    switch ((enum key_form)row->key_form) {
    case KEYS_NONE:
        return;
    case KEYS_ONE:
        keys_reserve(b, 1);
        add_key(b, argv[row->key_first]);
        r->nkeys = 1;
        return;
    case KEYS_RANGE:
        keys_reserve(b, r->argc);
        for (uint32_t i = (uint32_t)row->key_first; i <= command_last_key(row, r->argc); i += (uint32_t)row->key_step)
            add_key(b, argv[i]);
        r->nkeys = b->nkeys - r->key_first;
        return;
    case KEYS_OTHER:
        add_found_keys(b, r, argv);
        return;
    }
}

static enum request_route route_by_keys(const struct batch *b, struct request *r)
{
    const struct key *keys = b->keys + r->key_first;
    r->shard = r->nkeys ? keys[0].shard : b->home->id;
    for (uint32_t i = 1; i < r->nkeys; i++)
        if (keys[i].shard != r->shard)
            return ROUTE_HOLD;
    return r->row->flags & CMD_FIBER ? ROUTE_HOLD : ROUTE_SHARD;
}

static enum request_route route(struct batch *b, struct request *r)
{
    const struct command *row = r->row;
    r->key_first = b->nkeys;
    r->nkeys = 0;
    if (!row || !row->run || !command_arity_ok(row, r->argc))
        return ROUTE_ERROR;
    if (row->flags & CMD_HOME)
        return ROUTE_HOME;
    if (row->flags & CMD_ALL_SHARDS) {
        r->shard = b->home->id;
        return b->home->shape.nshards == 1 && !(row->flags & CMD_FIBER) ? ROUTE_SHARD : ROUTE_HOLD;
    }
    if (row->route) {
        r->shard = row->route(r->argc, b->args.v + r->arg_first, b->home->shape.nshards);
        return ROUTE_SHARD;
    }
    add_keys(b, r);
    return route_by_keys(b, r);
}

static void add_request(struct batch *b, uint32_t arg_first, uint32_t argc)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 8;
        b->requests = mem_realloc(NULL, b->requests, b->cap * sizeof *b->requests);
    }
    struct request *r = &b->requests[b->count++];
    r->arg_first = arg_first;
    r->argc = argc;
    r->row = argc ? command_of_request(argc, b->args.v + arg_first) : NULL;
    r->route = route(b, r);
}

static void receive_bulk(struct client *c)
{
    char *dst;
    size_t drop;
    size_t left = parse_take_bulk(&c->parser, conn_input(&c->conn), &dst, &drop);
    conn_consume_end(&c->conn, drop);
    conn_receive_bulk(&c->conn, dst, left);
}

/* What CLIENT REPLY says about the command that just ran. */
static bool take_silence(struct client *c)
{
    bool silent = c->reply_mode != REPLY_ON;
    if (c->reply_mode == REPLY_SKIP)
        c->reply_mode = REPLY_ON;
    else if (c->reply_mode == REPLY_SKIP_NEXT)
        c->reply_mode = REPLY_SKIP;
    return silent;
}

/* Fills b with the complete commands of the client's input, up to BATCH_REQUESTS_MAX. A protocol error becomes a
 * request without arguments, so that it is answered in its turn. */
static void parse_input(struct batch *b)
{
    struct client *c = b->client;
    struct parse_limits limits = {b->home->limits.proto_max_bulk_len, !client_must_authenticate(c)};
    /* What stands behind an AUTH may be as large as that AUTH allows. */
    uint32_t requests_max = limits.authenticated ? BATCH_REQUESTS_MAX : 1;
    struct parse_result result;
    b->source = conn_input(&c->conn);
    while (b->count < requests_max && !c->protocol_error[0]) {
        uint32_t first = b->args.n;
        struct slice in = conn_input(&c->conn);
        /* While a bulk is being received into its blob, the parser has no say. */
        if (in.len == 0 || conn_receives_bulk(&c->conn))
            return;
        switch (parse_next(&c->parser, in, &limits, &b->args, &b->blobs, &result)) {
        case PARSE_COMMAND:
            add_request(b, first, result.argc);
            conn_consume(&c->conn, result.consumed);
            break;
        case PARSE_EMPTY:
            /* As in Redis it is what CLIENT REPLY SKIP skips; so it has to take its turn. */
            if (b->count > 0)
                return;
            take_silence(c);
            conn_consume(&c->conn, result.consumed);
            break;
        case PARSE_MORE:
            return;
        case PARSE_BULK:
            receive_bulk(c);
            return;
        case PARSE_ERROR:
            snprintf(c->protocol_error, sizeof c->protocol_error, "%s", result.error);
            conn_read_stop(&c->conn);
            add_request(b, first, 0);
            return;
        }
    }
}

/* Arguments point into the connection's input, which dies with the call that parsed it: what has not run yet is
 * copied. */
static void copy_source(struct batch *b)
{
    if (!b->source.ptr)
        return;
    const char *begin = b->source.ptr, *end = b->source.ptr + b->source.len;
    const char *low = end, *high = begin;
    uint32_t first_arg = b->requests[b->stage_first].arg_first;
    for (uint32_t i = first_arg; i < b->args.n; i++) {
        const struct slice a = b->args.v[i];
        if (a.ptr < begin || a.ptr > end)
            continue; /* in a blob */
        low = a.ptr < low ? a.ptr : low;
        high = a.ptr + a.len > high ? a.ptr + a.len : high;
    }
    b->source = (struct slice){0};
    if (low >= high)
        return;
    size_t len = (size_t)(high - low);
    if (len > b->bytes_cap) {
        mem_free(NULL, b->bytes);
        b->bytes_cap = mem_good_size(len);
        b->bytes = mem_alloc(NULL, b->bytes_cap);
    }
    memcpy(b->bytes, low, len);
    for (uint32_t i = first_arg; i < b->args.n; i++)
        if (b->args.v[i].ptr >= begin && b->args.v[i].ptr <= end)
            b->args.v[i].ptr = b->bytes + (b->args.v[i].ptr - low);
    uint32_t first_key = b->requests[b->stage_first].key_first;
    for (uint32_t i = first_key; i < b->nkeys; i++)
        if (b->keys[i].ptr >= begin && b->keys[i].ptr <= end)
            b->keys[i].ptr = b->bytes + (b->keys[i].ptr - low);
}

/* ---- Running one request ---- */

/* For the keys of one request, whose shards this worker may touch. */
static void set_no_touch(struct worker *w, const struct batch *b, const struct request *r, bool on)
{
    for (uint32_t k = r->key_first; k < r->key_first + r->nkeys; k++)
        keyspace_set_no_touch(w->server->shards[b->keys[k].shard]->keyspace, on);
}

void batch_execute(struct worker *w, struct batch *b, uint32_t i, struct reply *reply, struct effects *effects)
{
    const struct request *r = &b->requests[i];
    struct cmd c = {
        .row = r->row,
        .argv = b->args.v + r->arg_first,
        .argc = r->argc,
        .keys = b->keys + r->key_first,
        .nkeys = r->nkeys,
        .db = r->db,
        .reply = reply,
        .shards = w->server->shards,
        .nshards = w->shape.nshards,
        .executor = w->id,
        .limits = &w->limits,
        .blobs = &b->blobs,
        .arg_first = r->arg_first,
        .effects = effects,
        .now_ms = w->now_ms,
        .client = r->route == ROUTE_SHARD ? NULL : b->client,
    };
    reply->resp = r->resp;
    reply->failed = false;
    if (__builtin_expect(r->no_touch, false))
        set_no_touch(w, b, r, true);
    execute(&c);
    if (__builtin_expect(r->no_touch, false))
        set_no_touch(w, b, r, false);
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

/* Why the client may not run this command, or NULL. */
enum refusal { REFUSED_NOT, REFUSED_PROTECTED, REFUSED_UNAUTHENTICATED };

static bool is_allowed(int setting, const struct client *c)
{
    return setting == ALLOWED_YES || (setting == ALLOWED_LOCAL && c->peer_is_local);
}

static enum refusal refusal(const struct client *c, const struct request *r)
{
    if (r->route == ROUTE_ERROR && (!r->row || !command_arity_ok(r->row, r->argc)))
        return REFUSED_NOT; /* that is said to anybody */
    uint32_t flags = r->row->flags;
    if (__builtin_expect((flags & CMD_PROTECTED) && !is_allowed(c->worker->config->enable_debug_command, c), 0))
        return REFUSED_PROTECTED;
    return !client_must_authenticate(c) || (flags & CMD_NO_AUTH) ? REFUSED_NOT : REFUSED_UNAUTHENTICATED;
}

static void answer_refusal(struct batch *b, struct request *r, struct reply *reply, enum refusal why)
{
    reply->resp = b->client->resp;
    if (why == REFUSED_UNAUTHENTICATED)
        reply_error(reply, "NOAUTH Authentication required.");
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

/* Runs a request that needs no other worker: an error, a home command, or one of the own shard (not held). */
static enum request_run run_here(struct batch *b, uint32_t i, struct reply *reply)
{
    struct request *r = &b->requests[i];
    struct worker *w = b->home;
    if (must_pause(b->client, r))
        return RAN_NOT;
    bind_request(b, r);
    r->group = NULL;
    r->from = reply->len;
    enum refusal why = refusal(b->client, r);
    if (why != REFUSED_NOT)
        answer_refusal(b, r, reply, why);
    else if (r->route == ROUTE_ERROR)
        answer_error(b, r, reply);
    else
        batch_execute(w, b, i, reply, w->journal ? &w->effects : NULL);
    r->to = reply->len;
    r->silent = b->client->reply_mode != REPLY_ON && take_silence(b->client);
    return b->pending ? RAN_DEFERRED : RAN;
}

/* ---- Nothing leaves the worker: straight into the output ---- */

static bool is_direct(const struct batch *b, const struct request *r)
{
    if (r->route != ROUTE_SHARD)
        return r->route != ROUTE_HOLD;
    return r->shard == b->home->id && !lane_is_held(b->home->lane);
}

static void prefetch(const struct batch *b, uint32_t from, uint32_t to)
{
    const struct keyspace *ks = b->home->shard.keyspace;
    uint32_t db = b->client->db;
    for (uint32_t i = from; i < to; i++)
        if (b->requests[i].nkeys)
            keyspace_prefetch_bucket(ks, db, b->keys[b->requests[i].key_first].hash);
    for (uint32_t i = from; i < to; i++)
        if (b->requests[i].nkeys)
            keyspace_prefetch_entry(ks, db, b->keys[b->requests[i].key_first].hash);
}

/* Requests from cursor on that are direct, at most a window of them. */
static uint32_t direct_window(const struct batch *b)
{
    uint32_t end = b->cursor;
    while (end < b->count && end - b->cursor < PREFETCH_WINDOW && is_direct(b, &b->requests[end]))
        end++;
    return end;
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
            reply_append_range(&c->conn.out, &b->reply, b->requests[i].from, b->requests[i].to);
        reply_clear(&b->reply, BATCH_KEEP_BYTES);
    } else if (ran == RAN && b->requests[i].silent) {
        reply_truncate(&c->conn.out, b->requests[i].from);
    }
    return ran;
}

/* Runs requests as long as they are direct. */
static enum request_run run_direct(struct batch *b)
{
    struct worker *w = b->home;
    uint32_t end;
    while ((end = direct_window(b)) > b->cursor) {
        /* While it is held none of these is for the shard, which is another's to use. */
        if (!lane_is_held(w->lane)) {
            shard_begin(&w->shard, w->id, w->now_ms, w->journal ? &w->effects : NULL);
            if (end - b->cursor > 1)
                prefetch(b, b->cursor, end);
        }
        while (b->cursor < end) {
            if (b->client->close_after_reply || b->client->conn.closing)
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
    return !ordered || s->ngroups == 0 || (s->ngroups == 1 && s->shard == r->shard);
}

static void join_group(struct batch *b, struct stage *s, uint32_t i)
{
    struct worker *w = b->home;
    struct request *r = &b->requests[i];
    struct group *g = w->group_of[r->shard];
    if (!g) {
        g = w->group_of[r->shard] = group_get(w, b, r->shard);
        s->shard = r->shard;
        s->ngroups++;
    }
    if (g->count == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 8;
        g->tasks = mem_realloc(NULL, g->tasks, g->cap * sizeof *g->tasks);
    }
    g->tasks[g->count++] = (struct task){.request = i};
    r->group = g;
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
        r->silent = take_silence(b->client);
        for (uint32_t k = 0; k < r->nkeys; k++)
            shard_set_add(&b->shards, b->keys[r->key_first + k].shard);
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

/* Routes requests from cursor on until one that must wait for those before it. False if it cannot even begin: the first
 * one has to wait for the end of CLIENT PAUSE. */
static bool stage_start(struct batch *b)
{
    struct stage s = {0};
    struct client *c = b->client;
    b->stage_first = b->cursor;
    while (b->cursor < b->count && !c->close_after_reply) {
        struct request *r = &b->requests[b->cursor];
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
            continue;
        }
        bind_request(b, r);
        r->silent = take_silence(c);
        join_group(b, &s, b->cursor++);
    }
    if (s.ngroups)
        stage_start_groups(b);
    else if (b->cursor == b->stage_first)
        stage_hold(b);
    return b->cursor > b->stage_first;
}

/* Puts the replies of the stage in order into the output and forgets the stage. */
static void stage_finish(struct batch *b)
{
    struct client *c = b->client;
    struct worker *w = b->home;
    for (uint32_t i = b->stage_first; i < b->cursor && !c->conn.closing; i++) {
        const struct request *r = &b->requests[i];
        const struct reply *from = &b->reply;
        size_t begin = r->from, end = r->to;
        if (r->group) {
            from = &r->group->reply;
            begin = r->group->taken_bytes;
            end = begin + r->group->tasks[r->group->taken++].reply_len;
            r->group->taken_bytes = end;
        }
        if (!r->silent)
            reply_append_range(&c->conn.out, from, begin, end);
    }
    while (b->groups) {
        struct group *g = b->groups;
        b->groups = g->next;
        if (g->position > c->reply_position)
            c->reply_position = g->position;
        group_put(w, g);
    }
    reply_clear(&b->reply, BATCH_KEEP_BYTES);
    if (b->position > c->reply_position && !PLANTED(PLANTED_REPLY_EARLY))
        c->reply_position = b->position;
    b->position = 0;
    b->stage_first = b->cursor;
}

/* Runs b as far as it can go now. True if it is finished. */
static bool batch_advance(struct batch *b)
{
    struct client *c = b->client;
    while (b->cursor < b->count && !c->close_after_reply && !c->conn.closing) {
        enum request_run ran = run_direct(b);
        if (ran == RAN_DEFERRED)
            return false;
        if (ran == RAN && b->cursor == b->count)
            break;
        if (c->close_after_reply || c->conn.closing)
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

static void own_effects_flush(struct worker *w, struct client *c)
{
    if (!w->journal)
        return;
    uint64_t position = effects_flush(&w->effects, w->journal, w->id, false);
    if (position > c->reply_position)
        c->reply_position = position;
}

/* True if it is finished; else the client waits for it. */
static bool batch_run(struct batch *b)
{
    bool finished = batch_advance(b);
    own_effects_flush(b->home, b->client);
    if (!finished)
        copy_source(b);
    return finished;
}

void batches_run(struct client *c)
{
    struct worker *w = c->worker;
    while (!c->batch && !c->close_after_reply && !c->conn.closing) {
        struct batch *b = batch_get(w, c);
        parse_input(b);
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
    b->requests[b->cursor - 1].to = b->reply.len;
    batch_progress(b);
}

/* ---- Groups ---- */

/* The first requests of g, as many as groups_prefetch cares for. */
static uint32_t prefetched(const struct group *g) { return g->count < PREFETCH_WINDOW ? g->count : PREFETCH_WINDOW; }

static const struct key *task_key(const struct group *g, uint32_t i)
{
    const struct request *r = &g->batch->requests[g->tasks[i].request];
    return r->nkeys ? &g->batch->keys[r->key_first] : NULL;
}

static void prefetch_requests(const struct group *g)
{
    for (uint32_t i = 0; i < prefetched(g); i++)
        prefetch_line(&g->batch->requests[g->tasks[i].request]);
    prefetch_line(&g->batch->keys[g->batch->requests[g->tasks[0].request].key_first]);
}

static void prefetch_keys(struct worker *w, const struct group *g, bool entries)
{
    const struct keyspace *ks = w->shard.keyspace;
    for (uint32_t i = 0; i < prefetched(g); i++) {
        const struct key *key = task_key(g, i);
        uint32_t db = g->batch->requests[g->tasks[i].request].db;
        if (key && entries)
            keyspace_prefetch_entry(ks, db, key->hash);
        else if (key)
            keyspace_prefetch_bucket(ks, db, key->hash);
    }
}

void groups_prefetch(struct worker *w, const struct message *chain, unsigned n)
{
    const struct message *m;
    unsigned i;
    for (m = chain, i = 0; m && i < n; m = m->next, i++)
        if (m->kind == MSG_GROUP) {
            prefetch_line(((const struct group *)m)->tasks);
            prefetch_line(((const struct group *)m)->batch);
        }
    for (m = chain, i = 0; m && i < n; m = m->next, i++)
        if (m->kind == MSG_GROUP)
            prefetch_requests((const struct group *)m);
    for (int entries = 0; entries < 2; entries++)
        for (m = chain, i = 0; m && i < n; m = m->next, i++)
            if (m->kind == MSG_GROUP)
                prefetch_keys(w, (const struct group *)m, entries);
}

void group_run(struct worker *w, struct group *g)
{
    struct batch *b = g->batch;
    struct effects *effects = w->journal ? &w->effects : NULL;
    shard_begin(&w->shard, w->id, w->now_ms, effects);
    for (uint32_t i = 0; i < g->count; i++) {
        size_t before = g->reply.len;
        batch_execute(w, b, g->tasks[i].request, &g->reply, effects);
        g->tasks[i].reply_len = g->reply.len - before;
    }
    stat_add(&w->stats.groups_run, 1);
    if (effects && !PLANTED(PLANTED_EFFECTS_LATE))
        g->position = effects_flush(effects, w->journal, w->id, false);
}
