#include "src/server/load_chunk.h"

#include "shard/ds/lookahead.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/server/batch_parse.h"
#include "src/server/group.h"
#include "src/server/request_run.h"
#include "src/server/worker.h"

enum {
    AHEAD_COMMANDS = 32,
    REPLY_KEEP_BYTES = 16 * 1024,
};

/* ---- Filling ---- */

struct load_chunk *load_chunk_create(struct loader *loader, struct worker *home)
{
    struct load_chunk *c = mem_zalloc(NULL, sizeof *c);
    c->loader = loader;
    c->batch.home = home;
    c->batch.bytes = mem_alloc(NULL, LOAD_CHUNK_BYTES);
    c->batch.bytes_cap = LOAD_CHUNK_BYTES;
    c->batch.requests = mem_alloc(NULL, LOAD_CHUNK_COMMANDS_MAX * sizeof *c->batch.requests);
    c->batch.cap = LOAD_CHUNK_COMMANDS_MAX;
    batch_reserve_keys(&c->batch, 1); /* so that there is an array also for requests without keys */
    reply_init(&c->batch.reply, 2);
    return c;
}

void load_chunk_destroy(struct load_chunk *c)
{
    load_chunk_clear(c);
    mem_free(NULL, c->batch.requests);
    mem_free(NULL, c->batch.keys);
    mem_free(NULL, c->batch.args.v);
    mem_free(NULL, c->batch.blobs.v);
    mem_free(NULL, c->batch.bytes);
    reply_deinit(&c->batch.reply);
    mem_free(NULL, c);
}

static void reserve_args(struct arg_arena *args, uint32_t n)
{
    if (args->n + n <= args->cap)
        return;
    args->cap = 2 * args->cap > args->n + n ? 2 * args->cap : args->n + n;
    args->v = mem_realloc(NULL, args->v, args->cap * sizeof *args->v);
}

/* Only the first command can be larger than the chunk, when nothing points into it yet. */
static void reserve_bytes(struct load_chunk *c, size_t bytes)
{
    if (c->used + bytes <= c->batch.bytes_cap)
        return;
    mem_free(NULL, c->batch.bytes);
    c->batch.bytes_cap = bytes;
    c->batch.bytes = mem_alloc(NULL, bytes);
}

/* A large argument becomes a blob, which can become the value without another copy. */
static char *blob_for(struct batch *b, size_t len)
{
    struct arg_blobs *blobs = &b->blobs;
    if (blobs->n == blobs->cap) {
        blobs->cap = blobs->cap ? 2 * blobs->cap : 4;
        blobs->v = mem_realloc(NULL, blobs->v, blobs->cap * sizeof *blobs->v);
    }
    struct blob *blob = blob_create(len);
    blob->len = len;
    blobs->v[blobs->n++] = (struct arg_blob){b->args.n, blob};
    return blob->data;
}

static void add_argument(struct load_chunk *c, struct slice s)
{
    struct batch *b = &c->batch;
    bool large = s.len >= PARSE_DIRECT_BYTES_MIN;
    char *to = large ? blob_for(b, s.len) : b->bytes + c->used;
    memcpy(to, s.ptr, s.len);
    b->args.v[b->args.n++] = slice_of(to, s.len);
    c->used += large ? 0 : s.len;
}

/* The argument that is the request's only key. */
static uint32_t key_argument(const struct request *r, const struct slice *argv)
{
    uint32_t i = 0;
    while (argv[i].ptr != r->key.ptr)
        i++;
    return i;
}

void load_chunk_add(struct load_chunk *c, const struct request *r, const struct slice *argv, size_t bytes)
{
    struct batch *b = &c->batch;
    struct request *copy;
    uint32_t first = b->args.n;
    reserve_args(&b->args, r->argc);
    reserve_bytes(c, bytes);
    for (uint32_t i = 0; i < r->argc; i++)
        add_argument(c, argv[i]);
    c->bytes += bytes;
    if (r->nkeys == 1) {
        copy = &b->requests[b->count++];
        *copy = *r;
        copy->arg_first = first;
        copy->key.ptr = b->args.v[first + key_argument(r, argv)].ptr;
    } else {
        copy = batch_add(b, first, r->argc); /* finds the keys again, in the copied arguments */
        load_chunk_bind(copy, r->db);
    }
}

void load_chunk_clear(struct load_chunk *c)
{
    struct batch *b = &c->batch;
    for (uint32_t i = 0; i < b->blobs.n; i++)
        if (b->blobs.v[i].blob)
            blob_release(b->blobs.v[i].blob);
    b->count = b->nkeys = b->args.n = b->blobs.n = 0;
    c->used = c->bytes = 0;
    c->failed = NULL;
}

/* ---- Running ---- */

bool load_chunk_run_one(struct worker *w, struct batch *b, struct request *r)
{
    struct reply *reply = &b->reply;
    size_t before = reply->len;
    request_apply(w, b, r, reply);
    if (!reply->failed)
        return true;
    static struct log_limit limit;
    const char *text = reply->buf + before + 1;
    log_limited(&limit, LOG_LEVEL_WARNING,
                "== CRITICAL == This server is sending an error to its AOF-loading-client: '%.*s' after processing the "
                "command '%s'",
                (int)(reply->len - before - 3), text, r->row->full_name);
    return false;
}

void load_chunk_run(struct worker *w, struct load_chunk *c)
{
    struct batch *b = &c->batch;
    shard_begin(&w->shard, w->id, w->now_ms, NULL);
    for (uint32_t i = 0, end; i < b->count; i = end) {
        struct lookahead ahead;
        ahead.n = 0;
        end = b->count - i < AHEAD_COMMANDS ? b->count : i + AHEAD_COMMANDS;
        group_look_ahead(w, b->requests + i, end - i, &ahead);
        lookahead_end(&ahead);
        for (uint32_t k = i; k < end; k++)
            if (!load_chunk_run_one(w, b, &b->requests[k]) && c->of_rdb)
                c->failed = &b->requests[k];
        reply_clear(&b->reply, REPLY_KEEP_BYTES);
    }
}
