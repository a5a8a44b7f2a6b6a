#include "src/server/loading.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/server/ask.h"
#include "src/server/config.h"
#include "src/server/loader.h"
#include "src/server/server.h"
#include "src/server/worker.h"

static const uint64_t MS = 1000 * 1000, SLICE_NS = MS, TOLD_NS = 5000 * MS;

struct loading {
    struct aof_load_config config;
    loading_done_fn *done;
    void *arg;
    struct worker *home;
    struct loader loader;
    struct aof_load_result result;
    enum aof_load_end end;
    bool over;
    uint64_t begun_ns, part_ns, told_ns;
    int64_t start_seconds;
    _Atomic uint64_t bytes_total, bytes_done;
};

void loading_prepare(struct server *s, const struct aof_load_config *config, loading_done_fn *done, void *arg)
{
    struct loading *l = s->loading = mem_zalloc(NULL, sizeof *l);
    l->config = *config;
    l->done = done;
    l->arg = arg;
    l->home = s->workers[0];
    l->start_seconds = s->started_ms / 1000;
    for (uint32_t i = 0; i < s->nworkers; i++) {
        s->workers[i]->loading = true;
        keyspace_set_loading(s->shards[i]->keyspace, true);
    }
}

void loading_free(struct loading *l) { mem_free(NULL, l); }

bool loading_is_over(const struct loading *l) { return l->over; }

struct loading_progress loading_progress(const struct loading *l)
{
    return (struct loading_progress){
        .start_seconds = l->start_seconds,
        .bytes_total = atomic_load_explicit(&((struct loading *)l)->bytes_total, memory_order_relaxed),
        .bytes_done = atomic_load_explicit(&((struct loading *)l)->bytes_done, memory_order_relaxed),
    };
}

/* ---- What is read ---- */

static double seconds_since(const struct loading *l, uint64_t ns)
{
    return (double)(io_now_ns(l->home->io) - ns) / 1e9;
}

static bool is_interrupted(const struct loading *l) { return server_is_stopping(l->home->server); }

/* key-load-delay, with which tests make it slow. */
static void delay(struct loading *l)
{
    int64_t us = l->home->config->key_load_delay;
    if (__builtin_expect(us == 0, 1) || is_interrupted(l))
        return;
    if (us > 0)
        worker_yield_until(l->home, io_now_ns(l->home->io) + (uint64_t)us * 1000);
    else if (l->loader.commands % (uint64_t)-us == 0)
        worker_yield_until(l->home, io_now_ns(l->home->io) + 1000);
}

static const char *on_command(void *ctx, uint32_t argc, const struct slice *argv)
{
    struct loading *l = ctx;
    delay(l);
    return loader_command(&l->loader, argc, argv);
}

static bool on_progress(void *ctx, uint64_t bytes_done, uint64_t bytes_total)
{
    struct loading *l = ctx;
    struct worker *w = l->home;
    uint64_t now_ns = io_now_ns(w->io);
    atomic_store_explicit(&l->bytes_total, bytes_total, memory_order_relaxed);
    atomic_store_explicit(&l->bytes_done, bytes_done, memory_order_relaxed);
    if (now_ns - l->told_ns >= TOLD_NS) {
        l->told_ns = now_ns;
        log_write(LOG_LEVEL_NOTICE, "Loading the append-only file: %" PRIu64 " of %" PRIu64 " bytes, %.1f%%",
                  bytes_done, bytes_total, 100.0 * (double)bytes_done / (double)bytes_total);
    }
    if (now_ns - w->now_ns >= SLICE_NS)
        worker_yield_until(w, 0);
    return !is_interrupted(l);
}

static void on_log(void *ctx, bool warning, const char *line)
{
    (void)ctx;
    log_write(warning ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "%s", line);
}

static void on_part_begins(void *ctx, uint32_t part, uint64_t size, bool rdb)
{
    struct loading *l = ctx;
    (void)size;
    l->part_ns = io_now_ns(l->home->io);
    loader_begin_file(&l->loader);
    if (rdb && l->config.parts[part].base)
        log_write(LOG_LEVEL_NOTICE, "Reading RDB base file on AOF loading...");
}

/* Redis's lines. */
static void on_part_ends(void *ctx, uint32_t part, uint64_t size, uint64_t lines)
{
    const struct loading *l = ctx;
    const struct aof_load_part *p = &l->config.parts[part];
    (void)size, (void)lines;
    log_write(LOG_LEVEL_NOTICE, "DB loaded from %s file %s: %.3f seconds", p->base ? "base" : "incr", p->name,
              seconds_since(l, l->part_ns));
}

static const char *on_aux(void *ctx, struct slice name, struct slice value)
{
    (void)ctx;
    if (slice_is(name, "redis-ver"))
        log_write(LOG_LEVEL_NOTICE, "Loading RDB produced by version %.*s", value.len < 64 ? (int)value.len : 64,
                  value.ptr);
    return NULL;
}

/* What is not there is noticed with the first key. */
static const char *on_select_db(void *ctx, uint64_t db)
{
    (void)ctx, (void)db;
    return NULL;
}

static const char *on_resize_db(void *ctx, uint64_t keys, uint64_t expires)
{
    (void)ctx, (void)keys, (void)expires;
    return NULL;
}

static const char *on_key(void *ctx, const struct rdb_load_key *key)
{
    struct loading *l = ctx;
    delay(l);
    return loader_key(&l->loader, key);
}

static const char *on_function(void *ctx, struct slice library)
{
    (void)ctx, (void)library;
    return "functions are not built yet";
}

static const struct rdb_load_handlers rdb_handlers = {on_aux, on_select_db, on_resize_db, on_key, on_function};

static const struct aof_load_handlers handlers = {
    .command = on_command,
    .rdb = &rdb_handlers,
    .progress = on_progress,
    .log = on_log,
    .part_begins = on_part_begins,
    .part_ends = on_part_ends,
};

/* ---- The end ---- */

static void all_ready(struct worker *w0, struct ask *a)
{
    ((struct loading *)a->arg)->over = true;
    ask_free(a);
    server_ready(w0);
}

static bool let_clients_in(struct worker *w, struct ask *a, struct ask_part *part)
{
    (void)a, (void)part;
    w->loading = false;
    return true;
}

/* Clients wait until keys expire on every shard: else they could see one that has been gone for long. */
static void all_expire(struct worker *w0, struct ask *a)
{
    ask_workers(w0, let_clients_in, all_ready, a->arg);
    ask_free(a);
}

static bool let_keys_expire(struct worker *w, struct ask *a, struct ask_part *part)
{
    (void)a, (void)part;
    keyspace_set_loading(w->shard.keyspace, false);
    return true;
}

static void end(void *arg)
{
    struct loading *l = arg;
    switch (l->end) {
    case AOF_LOAD_DONE:
        ask_shards(l->home, let_keys_expire, all_expire, l);
        return;
    case AOF_LOAD_INTERRUPTED:
        l->over = true;
        log_write(LOG_LEVEL_NOTICE, "Loading was interrupted; no file was changed.");
        return;
    case AOF_LOAD_REFUSED:
        l->over = true;
        log_write(LOG_LEVEL_WARNING, "%s", l->result.error);
        server_fail(l->home);
        return;
    }
}

static void run(void *arg)
{
    struct loading *l = arg;
    loader_init(&l->loader, l->home);
    l->end = aof_load(&l->config, &handlers, l, &l->result);
    const char *error = loader_finish(&l->loader);
    if (error && l->end == AOF_LOAD_DONE) {
        l->end = AOF_LOAD_REFUSED;
        snprintf(l->result.error, sizeof l->result.error, "%s", error);
    }
    if (l->end == AOF_LOAD_DONE) {
        log_write(LOG_LEVEL_NOTICE, "DB loaded from append only file: %.3f seconds", seconds_since(l, l->begun_ns));
        loader_hold(&l->loader);
        if (!l->done(l->arg, l->home, &l->result, l->result.error))
            l->end = AOF_LOAD_REFUSED;
        loader_release(&l->loader);
    }
    loader_deinit(&l->loader);
}

void loading_start(struct worker *w0)
{
    struct loading *l = w0->server->loading;
    l->begun_ns = l->told_ns = io_now_ns(w0->io);
    if (worker_spawn(w0, run, end, l))
        return;
    l->end = AOF_LOAD_REFUSED;
    snprintf(l->result.error, sizeof l->result.error, "Can't load: no memory for a stack");
    end(l);
}
