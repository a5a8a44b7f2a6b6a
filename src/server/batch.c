#include "src/server/batch.h"

#include "shard/ds/lookahead.h"
#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/server/batch_parse.h"
#include "src/server/client.h"
#include "src/server/durable.h"
#include "src/server/request_run.h"
#include "src/server/stage.h"
#include "src/server/worker.h"

enum { FREE_BATCHES_MAX = 256, KEYS_FIRST = 16 };

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
    enum request_run ran = request_run_here(b, i, aside ? &b->reply : &c->conn.out);
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
            if (client_is_leaving(b->client))
                return RAN;
            b->stage_first = b->cursor;
            enum request_run ran = run_direct_one(b);
            if (ran != RAN)
                return ran;
        }
    }
    return RAN;
}

/* Runs b as far as it can go now. True if it is finished. */
static bool batch_advance(struct batch *b)
{
    struct client *c = b->client;
    while (b->cursor < b->count && !client_is_leaving(c)) {
        enum request_run ran = rest_is_direct(b) ? run_direct(b) : RAN;
        if (ran == RAN_DEFERRED)
            return false;
        if (b->cursor == b->count || client_is_leaving(c))
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
    while (!c->batch && !client_is_leaving(c)) {
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
    stat_add(&c->worker->stats.commands, (uint64_t)-1); /* counts once it is answered */
    return &c->batch->reply;
}

void batch_deferred_done(struct client *c)
{
    struct batch *b = c->batch;
    struct request *r = &b->requests[b->cursor - 1];
    r->reply_len = b->reply.len - r->reply_len;
    stat_add(&c->worker->stats.commands, 1);
    batch_progress(b);
}
