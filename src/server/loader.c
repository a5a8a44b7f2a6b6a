#include "src/server/loader.h"

#include <inttypes.h>
#include <stdio.h>

#include "persist/dump.h"
#include "persist/rdb_format.h"
#include "persist/rdb_value.h"
#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/fiber.h"
#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/base/planted.h"
#include "src/cmd/table.h"
#include "src/server/batch_parse.h"
#include "src/server/bundle.h"
#include "src/server/load_chunk.h"
#include "src/server/server.h"
#include "src/server/worker.h"

enum {
    UNDER_WAY_MAX = 4, /* chunks of a shard. Of the own one it is one, which runs as soon as the loop has its turn */
    UNNEEDED_MAX = 64, /* commands that keep a hold without needing it */
    HELD_COMMANDS_MAX = 256, /* between two turns of the loop while shards are held */
    SPLIT_STEP_MAX = 2,      /* arguments of a key, in commands that split by key */
    SHOWN_BYTES_MAX = 64,
};

void loader_init(struct loader *l, struct worker *home)
{
    l->home = home;
    l->fiber = fiber_current();
    ASSERT(l->fiber);
    l->select = command_by_full_name(slice_str("select"));
    l->intake.home = home;
    batch_reserve_keys(&l->intake, 1); /* as in a chunk */
    reply_init(&l->intake.reply, 2);
    l->open = mem_zalloc(NULL, home->shape.nshards * sizeof(struct load_chunk *));
    l->under_way = mem_zalloc(NULL, home->shape.nshards * sizeof *l->under_way);
}

void loader_deinit(struct loader *l)
{
    ASSERT(l->all_under_way == 0 && !l->hold);
    for (uint32_t s = 0; s < l->home->shape.nshards; s++)
        if (l->open[s])
            load_chunk_destroy(l->open[s]);
    for (struct load_chunk *c = l->free, *next; c; c = next) {
        next = c->next;
        load_chunk_destroy(c);
    }
    mem_free(NULL, l->open);
    mem_free(NULL, l->under_way);
    mem_free(NULL, l->intake.requests);
    mem_free(NULL, l->intake.keys);
    reply_deinit(&l->intake.reply);
}

/* For the log and for people, who may not want to read all of it. */
static int shown(struct slice s) { return (int)strnlen(s.ptr, s.len < SHOWN_BYTES_MAX ? s.len : SHOWN_BYTES_MAX); }

/* ---- Chunks ---- */

static void wait(struct loader *l) { worker_yield_until(l->home, UINT64_MAX); }

static struct load_chunk *open_chunk(struct loader *l, uint32_t shard)
{
    struct load_chunk *c = l->open[shard];
    if (c)
        return c;
    c = l->free;
    if (c)
        l->free = c->next;
    else
        c = load_chunk_create(l, l->home);
    c->shard = shard;
    c->of_rdb = l->of_rdb;
    return l->open[shard] = c;
}

/* Sends the chunk off, and waits while there are too many. */
static void send_chunk(struct loader *l, uint32_t shard)
{
    struct load_chunk *c = l->open[shard];
    bool alone = shard == l->home->id || c->bytes > LOAD_CHUNK_BYTES;
    l->open[shard] = NULL;
    l->under_way[shard]++;
    l->all_under_way++;
    worker_send(l->home, shard, &c->msg, MSG_CHUNK);
    while (l->under_way[shard] >= (alone ? 1 : UNDER_WAY_MAX))
        wait(l);
}

/* A key of an RDB could not be made. */
static void note_failure(struct loader *l, const struct request *r)
{
    l->failed = true;
    snprintf(l->error, sizeof l->error, "the value of key \"%.*s\" is damaged, or the key comes twice",
             shown(key_slice(&r->key)), r->key.ptr);
}

void loader_take_back(struct load_chunk *c)
{
    struct loader *l = c->loader;
    if (c->failed)
        note_failure(l, c->failed);
    l->under_way[c->shard]--;
    l->all_under_way--;
    worker_wake_fiber(l->home, l->fiber);
    if (c->bytes > LOAD_CHUNK_BYTES) { /* was made larger for one command */
        load_chunk_destroy(c);
        return;
    }
    load_chunk_clear(c);
    c->next = l->free;
    l->free = c;
}

static void add(struct loader *l, uint32_t shard, const struct request *r, const struct slice *argv)
{
    size_t bytes = load_chunk_bytes(r->argc, argv);
    struct load_chunk *c = open_chunk(l, shard);
    if (!load_chunk_has_room(c, bytes) || c->of_rdb != l->of_rdb) {
        send_chunk(l, shard);
        c = open_chunk(l, shard);
    }
    load_chunk_add(c, r, argv, bytes);
}

static void run_all(struct loader *l)
{
    for (uint32_t s = 0; s < l->home->shape.nshards; s++)
        if (l->open[s])
            send_chunk(l, s);
    while (l->all_under_way > 0)
        wait(l);
}

/* ---- Several shards ---- */

void loader_hold(struct loader *l)
{
    if (!PLANTED(PLANTED_BARRIER_OVERTAKES))
        run_all(l);
    l->hold = bundle_hold_all(l->home);
}

void loader_release(struct loader *l)
{
    bundle_release_all(l->hold);
    l->hold = NULL;
}

static void run_held(struct loader *l, struct request *r, bool needed)
{
    enum { REPLY_KEEP_BYTES = 16 * 1024 };
    if (!load_chunk_run_one(l->home, &l->intake, r) && l->of_rdb)
        note_failure(l, r);
    reply_clear(&l->intake.reply, REPLY_KEEP_BYTES);
    l->unneeded = needed ? 0 : l->unneeded + 1;
    if (l->unneeded == UNNEEDED_MAX)
        loader_release(l);
    else if (l->commands % HELD_COMMANDS_MAX == 0)
        worker_yield_until(l->home, 0);
}

/* ---- Commands ---- */

static bool splits(const struct request *r)
{
    return r->row->flags & CMD_BY_KEY && (r->argc - 1) % (uint32_t)r->row->key_step == 0;
}

/* One command for each key. */
static void split(struct loader *l, const struct request *r, const struct slice *argv)
{
    uint32_t step = (uint32_t)r->row->key_step;
    struct slice part[1 + SPLIT_STEP_MAX] = {argv[0]};
    ASSERT(step <= SPLIT_STEP_MAX && r->row->key_first == 1);
    for (uint32_t i = 0; i < r->nkeys; i++) {
        struct request one = *r;
        one.key = request_keys(&l->intake, r)[i];
        one.nkeys = 1;
        one.argc = 1 + step;
        one.route = ROUTE_SHARD;
        memcpy(part + 1, argv + 1 + i * step, step * sizeof *part);
        add(l, one.key.shard, &one, part);
    }
}

static const char *refuse(struct loader *l, const struct request *r, const struct slice *argv)
{
    if (!r->row)
        snprintf(l->error, sizeof l->error, "unknown command '%.*s'", shown(argv[0]), argv[0].ptr);
    else if (!command_arity_ok(r->row, r->argc))
        snprintf(l->error, sizeof l->error, "wrong number of arguments for '%s'", r->row->full_name);
    else
        snprintf(l->error, sizeof l->error, "command '%s' is not built yet", r->row->full_name);
    return l->error;
}

static const char *select_database(struct loader *l, uint64_t db)
{
    uint32_t databases = l->home->limits.databases;
    if (db < databases) {
        l->db = (uint32_t)db;
        return NULL;
    }
    snprintf(l->error, sizeof l->error, "database %" PRIu64 " is out of range: option databases is %u", db, databases);
    return l->error;
}

/* SELECT index */
static const char *select_command(struct loader *l, struct slice index)
{
    uint64_t db;
    if (num_parse_u64(index, &db))
        return select_database(l, db);
    snprintf(l->error, sizeof l->error, "'%.*s' is no number of a database", shown(index), index.ptr);
    return l->error;
}

static void route(struct loader *l, struct request *r, const struct slice *argv)
{
    bool wide = r->route == ROUTE_HOLD, needed = wide && !splits(r);
    l->commands++;
    if (needed && !l->hold)
        loader_hold(l);
    if (l->hold)
        run_held(l, r, needed);
    else if (wide)
        split(l, r, argv);
    else
        add(l, r->key.shard, r, argv);
}

/* The rest has nothing to say to the data. What reads and may be replicated keeps its result in it: PFCOUNT. */
static bool may_change(const struct command *row)
{
    uint32_t keeps = CMD_READONLY | CMD_MAY_REPLICATE;
    return row->flags & CMD_WRITE || (row->flags & keeps) == keeps;
}

static const char *take_command(struct loader *l, uint32_t argc, const struct slice *argv)
{
    struct batch *b = &l->intake;
    b->count = b->nkeys = 0;
    b->args = (struct arg_arena){(struct slice *)argv, argc, argc}; /* nothing is added to it */
    struct request *r = batch_add(b, 0, argc);
    load_chunk_bind(r, l->db);
    if (r->route == ROUTE_ERROR)
        return refuse(l, r, argv);
    if (r->row == l->select)
        return select_command(l, argv[1]);
    if (may_change(r->row))
        route(l, r, argv);
    return l->failed ? l->error : NULL;
}

const char *loader_command(struct loader *l, uint32_t argc, const struct slice *argv)
{
    l->of_rdb = false;
    return take_command(l, argc, argv);
}

/* SET key value [PXAT deadline] */
static const char *take_string(struct loader *l, const struct rdb_load_key *k, struct slice deadline)
{
    char integer[NUM_INT_CHARS];
    struct slice argv[5] = {slice_str("SET"), k->key, k->bytes, slice_str("PXAT"), deadline};
    if (k->is_integer)
        argv[2] = slice_of(integer, num_i64(integer, k->integer));
    return take_command(l, deadline.len > 0 ? 5 : 3, argv);
}

/* RESTORE key deadline payload ABSTTL [IDLETIME seconds] */
static const char *take_value(struct loader *l, const struct rdb_load_key *k, struct slice deadline)
{
    char idle[NUM_INT_CHARS];
    const char *unread = rdb_value_unread(k->type);
    if (unread) {
        snprintf(l->error, sizeof l->error, "%s, type %u, can't be loaded yet", unread, k->type);
        return l->error;
    }
    struct blob *payload = dump_of_value(k->type, k->bytes);
    struct slice argv[7] = {slice_str("RESTORE"),
                            k->key,
                            deadline.len > 0 ? deadline : slice_str("0"),
                            slice_of(payload->data, payload->len),
                            slice_str("ABSTTL"),
                            slice_str("IDLETIME")};
    if (k->idle_s != RDB_LOAD_NONE)
        argv[6] = slice_of(idle, num_i64(idle, k->idle_s));
    const char *error = take_command(l, k->idle_s != RDB_LOAD_NONE ? 7 : 5, argv);
    blob_release(payload);
    return error;
}

const char *loader_key(struct loader *l, const struct rdb_load_key *k)
{
    char text[NUM_INT_CHARS];
    struct slice deadline = {text, 0};
    const char *error = select_database(l, k->db);
    if (error)
        return error;
    if (k->expire_ms != RDB_LOAD_NONE) /* one that is not after 1970 has passed all the same; no command takes it */
        deadline.len = num_i64(text, k->expire_ms > 0 ? k->expire_ms : 1);
    l->of_rdb = true;
    return k->type == RDB_TYPE_STRING ? take_string(l, k, deadline) : take_value(l, k, deadline);
}

void loader_begin_file(struct loader *l) { l->db = 0; }

const char *loader_finish(struct loader *l)
{
    if (l->hold)
        loader_release(l);
    run_all(l);
    return l->failed ? l->error : NULL;
}
