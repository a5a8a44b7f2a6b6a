#include "src/server/aof.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist/aof_files.h"
#include "persist/aof_load.h"
#include "persist/journal.h"
#include "shard/journal_sink.h"
#include "src/base/assert.h"
#include "src/base/fiber.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/server/base_writer.h"
#include "src/server/bundle.h"
#include "src/server/config.h"
#include "src/server/loading.h"
#include "src/server/server.h"
#include "src/server/worker.h"

static const uint64_t MS = 1000 * 1000, SECOND = 1000 * MS;
/* One that is needed is tried again sooner than one that would only be better to have: clients wait for it. */
static const uint64_t BASE_RETRY_NS = 5 * SECOND, BASE_WISH_RETRY_NS = 600 * SECOND;

/* Each start begins a file: more than so many become one base. */
enum { FILES_MAX = 64 };

/* What any thread may read. */
struct numbers {
    _Atomic bool on, rewriting, failed;
    struct base_progress base;
    _Atomic uint64_t begun_ns, rewrites, failures;
    _Atomic int64_t last_seconds;
};

struct aof {
    struct disk *disk;
    int dir; /* owned: the data directory */
    char *dirname, *filename;
    struct server *server;
    struct journal *journal;
    struct aof_files *files; /* NULL: it has not been on yet */
    struct aof_load_part *parts;
    bool wants_base; /* a fresh base would be better to have; a journal that needs one says so itself */
    bool busy;       /* a fiber is at it */
    bool faulty;     /* as the log was told last */
    uint64_t retry_ns;
    struct numbers numbers;
};

/* ---- Start and end ---- */

static int open_part(void *arg, uint32_t part) { return aof_files_open_part(((struct aof *)arg)->files, part); }

static void log_unnamed(void *arg, const char *name)
{
    log_write(
        LOG_LEVEL_WARNING,
        "The append-only directory has a file that its manifest does not name: %s. It is left alone; remove it if "
        "you know that it is of no use.",
        name);
}

static bool open_files(struct aof *a, const struct config *config, char *error)
{
    enum aof_files_state state = aof_files_open(&a->files, a->disk, a->dir, a->dirname, a->filename, error);
    if (state == AOF_FILES_FAILED)
        return false;
    if (state == AOF_FILES_NONE && aof_files_has_dump(a->disk, a->dir, config->dbfilename, error))
        return false;
    aof_files_unnamed(a->files, log_unnamed, NULL);
    return true;
}

/* What lies in the data directory and is not loaded: people look for it. */
static void log_ignored(const struct aof *a, const struct config *config)
{
    char unused[AOF_ERROR_BYTES];
    bool dump = aof_files_has_dump(a->disk, a->dir, config->dbfilename, unused);
    if (config->appendonly && dump)
        log_write(LOG_LEVEL_NOTICE, "The RDB file %s is not loaded: the append-only file is", config->dbfilename);
    else if (dump)
        log_write(LOG_LEVEL_WARNING, "The RDB file %s is not loaded: this version loads append-only files alone",
                  config->dbfilename);
    int files = config->appendonly ? -1 : disk_open(a->disk, a->dir, a->dirname, DISK_DIRECTORY);
    if (files >= 0) {
        log_write(LOG_LEVEL_WARNING, "%s is not loaded, as appendonly is no", a->dirname);
        disk_close(a->disk, files);
    }
    if (config->appendonly && config->auto_aof_rewrite_percentage != 0)
        log_write(LOG_LEVEL_NOTICE, "auto-aof-rewrite-percentage has no effect yet: the append-only file is rewritten "
                                    "when it is turned off and on again");
}

struct aof *aof_open(const struct config *config, struct disk *disk, int dir, char *error)
{
    struct aof *a = mem_zalloc(NULL, sizeof *a);
    a->disk = disk;
    a->dir = dir;
    a->dirname = strdup(config->appenddirname);
    a->filename = strdup(config->appendfilename);
    atomic_init(&a->numbers.last_seconds, -1);
    ASSERT(a->dirname && a->filename);
    if (config->appendonly && !open_files(a, config, error)) {
        aof_close(a);
        return NULL;
    }
    log_ignored(a, config);
    return a;
}

bool aof_hash_seed(const struct aof *a, uint64_t *seed) { return a->files && aof_files_hash_seed(a->files, seed); }

static void wake(void *ctx, uint32_t from, uint32_t to)
{
    struct server *s = ctx;
    worker_wake(s->workers[from], to);
}

static void set_journals(struct server *s, struct journal_sink *sink)
{
    for (uint32_t i = 0; i < s->nworkers; i++)
        atomic_store_explicit(&s->shards[i]->journal, sink, memory_order_release);
}

/* All shards are the caller's, or nobody uses them yet. False: journal_start is to be called again a moment later. */
static bool start_journal(struct aof *a, const struct aof_tail *tail, uint64_t position)
{
    struct journal_place place = {tail->fd, tail->size, tail->offset, position};
    if (!journal_start(a->journal, 0, &place))
        return false;
    set_journals(a->server, journal_sink(a->journal));
    atomic_store(&a->numbers.on, true);
    return true;
}

/* Once everything has been loaded, in its fiber. */
static bool begin(void *arg, struct worker *w0, const struct aof_load_result *result, char *error)
{
    struct aof *a = arg;
    struct aof_tail tail;
    uint64_t size = 0;
    for (uint32_t i = 0; i < aof_files_count(a->files); i++)
        size += aof_files_part(a->files, i).size;
    size -= result->dropped_bytes < size ? result->dropped_bytes : size;
    if (result->cut && aof_files_cut(a->files, result->part, result->good_bytes, error) < 0)
        return false;
    if (aof_files_begin(a->files, a->server->hash_seed, result->offset, &tail, error) < 0)
        return false;
    ASSERT(start_journal(a, &tail, result->position));
    atomic_store(&a->numbers.base.bytes, size);
    a->wants_base = result->wants_base || aof_files_count(a->files) > FILES_MAX;
    return true;
}

static void prepare_loading(struct aof *a, const struct config *config)
{
    uint32_t n = aof_files_count(a->files);
    a->parts = mem_zalloc(NULL, n * sizeof *a->parts);
    for (uint32_t i = 0; i < n; i++) {
        struct aof_part part = aof_files_part(a->files, i);
        a->parts[i] = (struct aof_load_part){part.name, part.base};
    }
    struct aof_load_config load = {.disk = a->disk,
                                   .parts = a->parts,
                                   .nparts = n,
                                   .open = open_part,
                                   .arg = a,
                                   .truncated = config->aof_load_truncated,
                                   .rdb_checksum = config->rdbchecksum};
    loading_prepare(a->server, &load, begin, a);
}

bool aof_attach(struct aof *a, struct server *s, char *error)
{
    const struct config *config = s->workers[0]->config;
    struct journal_config journal = {
        .disk = a->disk,
        .nworkers = s->nworkers,
        .policy = (enum journal_policy)config->appendfsync,
        .wake = wake,
        .ctx = s,
    };
    a->server = s;
    a->journal = s->journal = journal_create(&journal);
    journal_set_timestamps(a->journal, config->aof_timestamp_enabled);
    s->aof = a;
    if (!a->files)
        return true;
    if (aof_files_count(a->files) > 0) {
        prepare_loading(a, config);
        return true;
    }
    return begin(a, s->workers[0], &(struct aof_load_result){0}, error);
}

bool aof_finish(struct aof *a)
{
    if (!atomic_load(&a->numbers.on))
        return true;
    log_write(LOG_LEVEL_NOTICE, "Calling fsync() on the AOF file.");
    int error = journal_finish(a->journal, io_wall_us(a->server->workers[0]->io) / 1000000);
    if (error < 0)
        log_write(LOG_LEVEL_WARNING, "The append-only file could not be written to its end: %s", strerror(-error));
    return error == 0;
}

void aof_close(struct aof *a)
{
    if (a->journal)
        journal_destroy(a->journal);
    if (a->files)
        aof_files_close(a->files);
    disk_close(a->disk, a->dir);
    mem_free(NULL, a->parts);
    free(a->dirname);
    free(a->filename);
    mem_free(NULL, a);
}

/* ---- A fresh base ---- */

/* Writes and syncs the base, on held shards. 0, or -errno with error. */
static int fill_base(struct aof *a, struct worker *w0, char *error)
{
    int fd, result = aof_files_new_base(a->files, &fd, error);
    if (result < 0)
        return result;
    result = base_write(w0, a->disk, fd, &a->numbers.base);
    if (result == 0)
        return 0;
    snprintf(error, AOF_ERROR_BYTES, "writing the base failed: %s", strerror(-result));
    aof_files_abort_base(a->files);
    return result;
}

/* For the first time since the start, which was without: nothing that has not been loaded may be replaced. */
static bool open_empty(struct aof *a, const struct config *config, char *error)
{
    enum aof_files_state state = aof_files_open(&a->files, a->disk, a->dir, a->dirname, a->filename, error);
    if (state == AOF_FILES_FAILED)
        return false;
    if (state == AOF_FILES_NONE && !aof_files_has_dump(a->disk, a->dir, config->dbfilename, error))
        return true;
    if (state == AOF_FILES_FOUND)
        snprintf(error, AOF_ERROR_BYTES,
                 "%s has data that this server did not load, and that would be replaced. Start the server with "
                 "appendonly yes to load it, or move it away",
                 a->dirname);
    aof_files_close(a->files);
    a->files = NULL;
    return false;
}

/* Replaces all files by a base and an empty incremental file, with which the journal goes on; on held shards. */
static bool replace_files(struct aof *a, struct worker *w0, char *error)
{
    struct aof_tail tail;
    struct journal_sink *sink = journal_sink(a->journal);
    if (!a->files && !open_empty(a, w0->config, error))
        return false;
    if (fill_base(a, w0, error) < 0)
        return false;
    int result = aof_files_commit_base(a->files, w0->server->hash_seed, journal_offset(a->journal), &tail, error);
    if (result < 0 && aof_files_is_unsure(a->files))
        journal_distrust(a->journal, result);
    if (result < 0)
        return false;
    while (!start_journal(a, &tail, atomic_load(&sink->queued)))
        worker_yield_until(w0, io_now_ns(w0->io) + MS);
    return true;
}

static int64_t seconds_since(const struct worker *w0, uint64_t ns)
{
    return (int64_t)((io_now_ns(w0->io) - ns) / SECOND);
}

/* On a fiber. */
static bool write_base(struct aof *a, struct worker *w0)
{
    char error[AOF_ERROR_BYTES];
    struct numbers *n = &a->numbers;
    uint64_t begun_ns = io_now_ns(w0->io);
    a->busy = true;
    atomic_store(&n->begun_ns, begun_ns);
    atomic_store(&n->rewriting, true);
    log_write(LOG_LEVEL_NOTICE, "Writing a base of the append-only file; commands wait meanwhile");
    struct bundle *hold = bundle_hold_all(w0);
    bool good = replace_files(a, w0, error);
    bundle_release_all(hold);
    if (good) {
        log_write(LOG_LEVEL_NOTICE, "The base has %" PRIu64 " keys in %" PRIu64 " bytes, and took %.3f seconds",
                  atomic_load(&n->base.keys), atomic_load(&n->base.bytes),
                  (double)(io_now_ns(w0->io) - begun_ns) / 1e9);
        a->wants_base = false;
        atomic_fetch_add(&n->rewrites, 1);
        atomic_store(&n->failures, 0);
    } else if (server_is_stopping(w0->server)) {
        log_write(LOG_LEVEL_NOTICE, "The server stops: the base is given up");
    } else {
        log_write(LOG_LEVEL_WARNING, "Can't write a base of the append-only file: %s", error);
        atomic_fetch_add(&n->failures, 1);
    }
    atomic_store(&n->failed, atomic_load(&n->failures) > 0);
    atomic_store(&n->last_seconds, seconds_since(w0, begun_ns));
    atomic_store(&n->rewriting, false);
    a->retry_ns = io_now_ns(w0->io) + (journal_needs_base(a->journal) ? BASE_RETRY_NS : BASE_WISH_RETRY_NS);
    a->busy = false;
    return good;
}

static void write_base_on_fiber(void *arg) { write_base(arg, ((struct aof *)arg)->server->workers[0]); }

static void ignore(void *arg) { (void)arg; }

/* ---- At run time ---- */

/* On a fiber. What is queued is written and synced first, so that the files end well. */
static bool turn_off(struct aof *a, struct worker *w0)
{
    a->busy = true;
    struct bundle *hold = bundle_hold_all(w0);
    struct journal_sink *sink = journal_sink(a->journal);
    uint64_t queued = atomic_load(&sink->queued);
    journal_set_policy(a->journal, 0, JOURNAL_ALWAYS);
    while (atomic_load(&sink->synced) < queued && !journal_fault(a->journal))
        worker_yield_until(w0, io_now_ns(w0->io) + MS);
    if (journal_fault(a->journal))
        log_write(LOG_LEVEL_WARNING, "The append-only file is turned off although it lacks the last changes: %s",
                  strerror(-journal_fault(a->journal)));
    while (!journal_stop(a->journal, 0))
        worker_yield_until(w0, io_now_ns(w0->io) + MS);
    set_journals(w0->server, NULL);
    journal_set_policy(a->journal, 0, (enum journal_policy)w0->config->appendfsync);
    atomic_store(&a->numbers.on, false);
    bundle_release_all(hold);
    a->busy = false;
    return true;
}

bool aof_may_move(const struct aof *a) { return !a->files; }

void aof_move(struct aof *a, int dir)
{
    disk_close(a->disk, a->dir);
    a->dir = dir;
}

bool aof_turn(struct worker *w0, bool on)
{
    struct aof *a = w0->server->aof;
    if (!fiber_current()) {
        log_write(LOG_LEVEL_WARNING, "Can't turn the append-only file %s: no memory for a stack", on ? "on" : "off");
        return false;
    }
    while (a->busy)
        worker_yield_until(w0, io_now_ns(w0->io) + 10 * MS);
    if (on == atomic_load(&a->numbers.on))
        return true;
    return on ? write_base(a, w0) : turn_off(a, w0);
}

void aof_apply(struct worker *w0, const struct config *config)
{
    struct aof *a = w0->server->aof;
    if (!a)
        return;
    journal_set_policy(a->journal, 0, (enum journal_policy)config->appendfsync);
    journal_set_timestamps(a->journal, config->aof_timestamp_enabled);
}

/* Redis's lines. */
static void log_fault(struct aof *a)
{
    int fault = journal_fault(a->journal);
    if (a->faulty == (fault != 0))
        return;
    a->faulty = fault != 0;
    if (fault)
        log_write(LOG_LEVEL_WARNING, "Error writing to the AOF file: %s%s", strerror(-fault),
                  journal_needs_base(a->journal) ? ". The file is not to be trusted any more, a new one will be written"
                                                 : "");
    else
        log_write(LOG_LEVEL_WARNING, "AOF write error looks solved. The server can write again.");
}

void aof_cron(struct worker *w0)
{
    struct aof *a = w0->server->aof;
    if (!a || !atomic_load_explicit(&a->numbers.on, memory_order_relaxed))
        return;
    log_fault(a);
    if (a->busy || server_is_stopping(w0->server))
        return;
    aof_files_cron(a->files, w0->now_ns);
    if (!journal_needs_base(a->journal) && !aof_files_is_there(a->files)) {
        log_write(LOG_LEVEL_WARNING, "The append-only file has been removed or renamed while it was in use");
        journal_distrust(a->journal, -ENOENT);
    }
    if ((a->wants_base || journal_needs_base(a->journal)) && w0->now_ns >= a->retry_ns)
        worker_spawn(w0, write_base_on_fiber, ignore, a);
}

bool aof_is_idle(const struct aof *a) { return !a->busy; }

/* ---- INFO ---- */

struct aof_info aof_info(const struct server *s, uint64_t now_ns)
{
    struct aof_info info = {.rewrite_seconds = -1, .last_seconds = -1};
    if (!s->aof)
        return info;
    struct numbers *n = &s->aof->numbers;
    struct journal_stats stats = journal_stats(s->journal);
    uint64_t begun_ns = atomic_load(&n->begun_ns);
    info.on = atomic_load(&n->on);
    info.rewriting = atomic_load(&n->rewriting);
    if (info.rewriting) {
        info.rewrite_seconds = now_ns > begun_ns ? (int64_t)((now_ns - begun_ns) / SECOND) : 0;
        info.keys = atomic_load(&n->base.keys);
        info.keys_total = atomic_load(&n->base.keys_total);
    }
    info.last_seconds = atomic_load(&n->last_seconds);
    info.last_failed = atomic_load(&n->failed);
    info.rewrites = atomic_load(&n->rewrites);
    info.failures = atomic_load(&n->failures);
    info.base_size = atomic_load(&n->base.bytes);
    info.size = info.base_size + stats.file_bytes;
    info.write_failed = journal_fault(s->journal) != 0;
    info.queued_bytes = stats.queued_bytes;
    info.delayed_syncs = stats.delayed_syncs;
    info.is_syncing = stats.is_syncing;
    return info;
}
