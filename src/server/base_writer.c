#include "src/server/base_writer.h"

#include <errno.h>

#include "persist/aof_base.h"
#include "src/base/fiber.h"
#include "src/server/server.h"
#include "src/server/worker.h"

/* A fiber that waits for a sync. */
struct base_sync {
    struct io_op op; /* first */
    struct worker *w0;
    const struct fiber *fiber;
    bool done;
    int result;
};

static void on_synced(struct io_op *op, int res, const char *data)
{
    struct base_sync *s = (struct base_sync *)op;
    s->result = res;
    s->done = true;
    if (fiber_current() != s->fiber)
        worker_wake_fiber(s->w0, s->fiber);
}

static int sync_base(struct worker *w0, int fd)
{
    struct base_sync s = {.op.done = on_synced, .w0 = w0, .fiber = fiber_current()};
    io_datasync(w0->io, &s.op, fd);
    while (!s.done)
        worker_yield_until(w0, UINT64_MAX);
    return s.result;
}

struct base_walk {
    struct worker *w0;
    struct aof_base base;
    struct base_progress *progress;
    uint32_t db;
};

static void add_entry(void *arg, struct entry *e)
{
    struct base_walk *walk = arg;
    aof_base_add(&walk->base, walk->db, e);
}

/* All shards are held, so that nothing changes meanwhile. */
static void give_way(void *arg)
{
    enum { SLICE_NS = 1000 * 1000 };
    struct worker *w0 = arg;
    if (io_now_ns(w0->io) - w0->now_ns >= SLICE_NS)
        worker_yield_until(w0, 0);
}

/* All keys of one database of a shard. */
static int write_database(struct base_walk *walk, const struct shard *s)
{
    enum { BUCKETS = 256 };
    struct worker *w0 = walk->w0;
    uint64_t position = 0;
    do {
        position = keyspace_scan(s->keyspace, walk->db, position, UINT32_MAX, BUCKETS, add_entry, walk);
        atomic_store_explicit(&walk->progress->keys, walk->base.keys, memory_order_relaxed);
        give_way(w0);
        if (server_is_stopping(w0->server))
            return -ECANCELED;
    } while (position != 0 && walk->base.error == 0);
    return walk->base.error;
}

static int write_shards(struct base_walk *walk, const struct server *server)
{
    int error = 0;
    for (uint32_t i = 0; i < server->nworkers; i++) {
        const struct shard *s = server->shards[i];
        walk->db = 0;
        for (; error == 0 && (walk->db = keyspace_next_database(s->keyspace, walk->db)) != DATABASE_NONE; walk->db++)
            error = write_database(walk, s);
    }
    return error;
}

static uint64_t count_keys(const struct server *s)
{
    uint64_t keys = 0;
    for (uint32_t db = 0; (db = shards_next_database(s->shards, s->nworkers, db)) != DATABASE_NONE; db++)
        keys += shards_size(s->shards, s->nworkers, db);
    return keys;
}

int base_write(struct worker *w0, struct disk *disk, int fd, struct base_progress *progress)
{
    struct base_walk walk = {.w0 = w0, .progress = progress};
    atomic_store(&progress->keys, 0);
    atomic_store(&progress->keys_total, count_keys(w0->server));
    aof_base_begin(&walk.base, disk, fd, w0->server->hash_seed);
    walk.base.pause = give_way;
    walk.base.pause_arg = w0;
    int error = write_shards(&walk, w0->server);
    int ended = aof_base_end(&walk.base);
    error = error < 0 ? error : ended;
    if (error == 0)
        error = sync_base(w0, fd);
    if (error == 0)
        atomic_store(&progress->bytes, walk.base.bytes);
    return error;
}
