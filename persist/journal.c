#include "persist/journal.h"

#include "persist/append_queue.h"
#include "persist/journal_writer.h"
#include "persist/wake_set.h"
#include "src/base/assert.h"
#include "src/base/list.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/io/io.h"

/* Under always, the next sync waits until there are as many commands for it as the last one had, so that those whose
 * replies could leave then have their next requests in it: beginning at once would leave them half a group each time,
 * and let every other request wait for two. But no longer than this part of the last one's time. */
enum { GATHER_PART = 2, GATHER_NS_MAX = 2 * 1000 * 1000 };

enum {
    ROUNDS_MAX = 4, /* of writing in one call: a worker has other things to do as well */
    AWAITS_WRITTEN = 1,
    AWAITS_SYNCED = 2,
};

/* Owner: the worker. */
struct waiting {
    _Alignas(64) unsigned awaits; /* what it has asked to be woken for, since it was last told */
    bool called;                  /* it was, and has asked again */
};

struct journal {
    struct journal_sink sink; /* first */

    /* Constant. */
    _Alignas(64) struct disk *disk;
    void (*wake)(void *ctx, uint32_t from, uint32_t to);
    void *ctx;
    struct waiting *waiting; /* [nworkers], owned */
    struct wake_set wait_written, wait_synced;

    _Atomic enum journal_policy policy;
    _Atomic bool timestamps;

    struct append_queue queue;

    /* Who has a role: the worker's number + 1, 0 for nobody. What stands behind it is changed by that worker alone; the
     * file and what begins with it, by one that has both roles. */
    _Alignas(64) _Atomic uint32_t turn;
    struct journal_writer writer;
    _Atomic uint64_t offset, size, bytes, commands; /* the writer's, for others */
    _Atomic uint64_t unsynced_since_ns; /* nothing unsynced was written earlier; also changed at the end of a sync */
    _Atomic uint64_t retry_ns;          /* with write_error */
    _Atomic int write_error;

    _Alignas(64) _Atomic uint32_t syncing;
    struct io_op op;
    uint64_t covers, covers_offset, covers_commands; /* written when it began */
    struct io *io;                                   /* that it is under way on */
    _Atomic uint64_t began_ns, next_ns;              /* the last one; always: when the next one may begin in any case */
    _Atomic uint64_t synced_commands, group;         /* with the last one, and in it */
    _Atomic uint64_t synced_offset;
    _Atomic uint64_t syncs, delayed_syncs;
    _Atomic bool delay_counted; /* since the last sync ended */
    _Atomic int sync_error;
};

static bool is_queued(const struct journal *j)
{
    SHARED_OP();
    return atomic_load(&j->sink.queued) != atomic_load(&j->sink.written);
}

static bool is_unsynced(const struct journal *j)
{
    SHARED_OP();
    return atomic_load(&j->sink.written) != atomic_load(&j->sink.synced);
}

/* ---- Roles ---- */

static bool is_free(const _Atomic uint32_t *role)
{
    SHARED_OP();
    return atomic_load_explicit(role, memory_order_relaxed) == 0;
}

static bool take(_Atomic uint32_t *role, uint32_t worker)
{
    /* Pairs with the fence in give_back: what this worker has published must be visible before it finds the role taken.
     * Then the one that has it sees it when it looks again. */
    atomic_thread_fence(memory_order_seq_cst);
    uint32_t nobody = 0;
    return is_free(role) && atomic_compare_exchange_strong_explicit(role, &nobody, worker + 1, memory_order_acquire,
                                                                    memory_order_relaxed);
}

/* The caller then looks again whether there is something to do. */
static void give_back(_Atomic uint32_t *role)
{
    SHARED_OP();
    atomic_store_explicit(role, 0, memory_order_release);
    atomic_thread_fence(memory_order_seq_cst);
}

/* ---- Waking ---- */

struct waker {
    struct journal *j;
    uint32_t worker;
};

static void wake_one(void *ctx, uint32_t worker)
{
    const struct waker *w = ctx;
    if (worker != w->worker)
        w->j->wake(w->j->ctx, w->worker, worker);
}

/* Something moved on; the worker that does this asks journal_called itself. */
static void wake(struct journal *j, struct wake_set *set, uint32_t worker)
{
    wake_set_take(set, wake_one, &(struct waker){j, worker});
}

/* If it had asked before, and is in the set no more, then what it asked for may have happened: that is not forgotten by
 * asking again. */
static void ask_to_be_woken(struct waiting *me, unsigned awaits, struct wake_set *set, uint32_t worker)
{
    if (wake_set_add(set, worker) && me->awaits & awaits)
        me->called = true;
    me->awaits |= awaits;
}

bool journal_await(struct journal *j, uint32_t worker, const struct journal_wait *wait)
{
    bool looked_first = PLANTED(PLANTED_AWAITED_LATE), safe = looked_first && journal_is_safe(&j->sink, wait);
    struct waiting *me = &j->waiting[worker];
    if (wait->written > atomic_load(&j->sink.written))
        ask_to_be_woken(me, AWAITS_WRITTEN, &j->wait_written, worker);
    if (wait->synced > atomic_load(&j->sink.synced))
        ask_to_be_woken(me, AWAITS_SYNCED, &j->wait_synced, worker);
    return looked_first ? safe : journal_is_safe(&j->sink, wait);
}

static bool is_called(const struct journal *j, uint32_t worker)
{
    unsigned awaits = j->waiting[worker].awaits;
    return j->waiting[worker].called || (awaits & AWAITS_WRITTEN && !wake_set_has(&j->wait_written, worker)) ||
           (awaits & AWAITS_SYNCED && !wake_set_has(&j->wait_synced, worker));
}

bool journal_called(struct journal *j, uint32_t worker)
{
    bool called = is_called(j, worker);
    if (called)
        j->waiting[worker] = (struct waiting){0};
    return called;
}

/* ---- What replies wait for ---- */

static bool is_late(const struct journal *j, uint64_t now_ns)
{
    if (!is_unsynced(j))
        return false;
    uint64_t since_ns = atomic_load(&j->unsynced_since_ns);
    return now_ns > since_ns && now_ns - since_ns > JOURNAL_LATE_NS;
}

static bool is_strict(struct journal *j, uint64_t now_ns)
{
    enum journal_policy policy = atomic_load(&j->policy);
    if (policy != JOURNAL_EVERYSEC || !is_late(j, now_ns))
        return policy == JOURNAL_ALWAYS;
    if (!atomic_load(&j->delay_counted) && !atomic_exchange(&j->delay_counted, true))
        atomic_fetch_add(&j->delayed_syncs, 1);
    return true;
}

/* Looks again after each change: what another worker changed meanwhile it may have decided on already. */
static void update_strict(struct journal *j, uint32_t worker, uint64_t now_ns)
{
    for (;;) {
        bool strict = is_strict(j, now_ns);
        SHARED_OP();
        if (atomic_load(&j->sink.strict) == strict)
            return;
        atomic_store(&j->sink.strict, strict);
        if (!strict)
            wake(j, &j->wait_synced, worker);
    }
}

void journal_set_policy(struct journal *j, uint32_t worker, enum journal_policy policy)
{
    atomic_store(&j->policy, policy);
    update_strict(j, worker, 0);
}

void journal_set_timestamps(struct journal *j, bool enabled) { atomic_store(&j->timestamps, enabled); }

/* ---- Writing ---- */

static uint64_t append(struct journal_sink *sink, uint32_t worker, struct effects *e, bool transaction)
{
    struct journal *j = container_of(sink, struct journal, sink);
    return append_queue_put(&j->queue, worker, e, transaction);
}

static bool is_write_due(const struct journal *j, uint64_t now_ns)
{
    return is_queued(j) && (atomic_load(&j->write_error) == 0 || now_ns >= atomic_load(&j->retry_ns));
}

/* What the writer has done becomes visible; positions last of all. */
static void publish_written(struct journal *j)
{
    atomic_store_explicit(&j->offset, j->writer.offset, memory_order_release);
    atomic_store_explicit(&j->size, j->writer.size, memory_order_release);
    atomic_store_explicit(&j->bytes, j->writer.bytes, memory_order_release);
    atomic_store_explicit(&j->commands, j->writer.commands, memory_order_release);
    SHARED_OP();
    atomic_store_explicit(&j->sink.written, j->writer.position, memory_order_release);
}

/* With the turn. */
static void write_some(struct journal *j, uint64_t now_ns, int64_t unix_seconds)
{
    struct journal_lines lines = {.synced_offset = atomic_load(&j->synced_offset),
                                  .unix_seconds = atomic_load(&j->timestamps) ? unix_seconds : 0};
    if (!is_unsynced(j))
        atomic_store_explicit(&j->unsynced_since_ns, now_ns, memory_order_release);
    if (PLANTED(PLANTED_WRITTEN_EARLY))
        atomic_store(&j->sink.written, atomic_load(&j->sink.queued));
    int r = journal_writer_write(&j->writer, &lines);
    if (r < 0)
        atomic_store(&j->retry_ns, now_ns + JOURNAL_RETRY_NS);
    if (r != atomic_load(&j->write_error))
        atomic_store(&j->write_error, r);
    publish_written(j);
}

void journal_write(struct journal *j, uint32_t worker, uint64_t now_ns, int64_t unix_seconds)
{
    int rounds = PLANTED(PLANTED_ROLE_LEFT) ? 1 : ROUNDS_MAX;
    for (; rounds > 0 && is_write_due(j, now_ns) && take(&j->turn, worker); rounds--) {
        if (PLANTED(PLANTED_WOKEN_EARLY))
            wake(j, &j->wait_written, worker);
        write_some(j, now_ns, unix_seconds);
        give_back(&j->turn);
        if (!PLANTED(PLANTED_WOKEN_EARLY))
            wake(j, &j->wait_written, worker);
    }
    update_strict(j, worker, now_ns);
}

/* ---- Syncing ---- */

/* As many commands wait for a sync as were in the last one. */
static bool is_gathered(const struct journal *j)
{
    uint64_t synced = atomic_load(&j->synced_commands); /* before the other, which is never less */
    return atomic_load(&j->commands) - synced >= atomic_load(&j->group);
}

static bool is_sync_due(const struct journal *j, uint64_t now_ns)
{
    if (!is_unsynced(j) || atomic_load(&j->sync_error) != 0)
        return false;
    enum journal_policy policy = atomic_load(&j->policy);
    return (policy == JOURNAL_ALWAYS && (now_ns >= atomic_load(&j->next_ns) || is_gathered(j))) ||
           (policy == JOURNAL_EVERYSEC && now_ns >= atomic_load(&j->began_ns) + JOURNAL_SYNC_NS);
}

static void publish_synced(struct journal *j, uint64_t position, uint64_t offset)
{
    atomic_store_explicit(&j->synced_offset, offset, memory_order_release);
    SHARED_OP();
    atomic_store_explicit(&j->sink.synced, position, memory_order_release);
}

static void on_synced(struct io_op *op, int res, const char *data)
{
    struct journal *j = container_of(op, struct journal, op);
    uint32_t worker = atomic_load(&j->syncing) - 1;
    uint64_t began_ns = atomic_load(&j->began_ns), now_ns = io_now_ns(j->io);
    uint64_t gather_ns = (now_ns - began_ns) / GATHER_PART;
    atomic_store(&j->next_ns, now_ns + (gather_ns < GATHER_NS_MAX ? gather_ns : GATHER_NS_MAX));
    if (res == 0) {
        /* What is not covered was written since. That this may be more than its age matters little. */
        atomic_store_explicit(&j->unsynced_since_ns, began_ns, memory_order_release);
        atomic_store(&j->delay_counted, false);
        atomic_fetch_add(&j->syncs, 1);
        atomic_store(&j->group, j->covers_commands - atomic_load(&j->synced_commands));
        atomic_store(&j->synced_commands, j->covers_commands);
        publish_synced(j, PLANTED(PLANTED_SYNCED_EARLY) ? atomic_load(&j->sink.written) : j->covers, j->covers_offset);
    } else {
        atomic_store(&j->sync_error, res);
    }
    give_back(&j->syncing); /* its worker looks again with journal_sync, before it sleeps */
    wake(j, &j->wait_synced, worker);
}

static void start_sync(struct journal *j, struct io *io, uint64_t now_ns)
{
    j->covers = atomic_load(&j->sink.written);
    j->covers_offset = atomic_load(&j->offset);
    j->covers_commands = atomic_load(&j->commands);
    atomic_store(&j->began_ns, now_ns);
    j->io = io;
    j->op.done = on_synced;
    io_datasync(io, &j->op, j->writer.fd);
}

void journal_sync(struct journal *j, uint32_t worker, struct io *io, uint64_t now_ns)
{
    while (is_sync_due(j, now_ns) && take(&j->syncing, worker)) {
        if (is_sync_due(j, now_ns)) { /* nobody else has synced it meanwhile */
            start_sync(j, io, now_ns);
            return;
        }
        give_back(&j->syncing);
    }
}

bool journal_is_syncing(const struct journal *j, uint32_t worker) { return atomic_load(&j->syncing) == worker + 1; }

/* ---- Sleeping ---- */

bool journal_has_work(const struct journal *j, uint32_t worker, uint64_t now_ns)
{
    if (is_called(j, worker))
        return true;
    if (PLANTED(PLANTED_ROLE_LEFT))
        return false;
    return (is_write_due(j, now_ns) && is_free(&j->turn)) || (is_sync_due(j, now_ns) && is_free(&j->syncing));
}

uint64_t journal_deadline_ns(const struct journal *j)
{
    uint64_t deadline_ns = UINT64_MAX;
    if (atomic_load(&j->write_error) != 0 && is_queued(j))
        deadline_ns = atomic_load(&j->retry_ns);
    /* A sync that is in flight wakes its worker, which has this deadline then. */
    enum journal_policy policy = atomic_load(&j->policy);
    if (policy != JOURNAL_NO && is_unsynced(j) && is_free(&j->syncing) && atomic_load(&j->sync_error) == 0) {
        uint64_t sync_ns =
            policy == JOURNAL_ALWAYS ? atomic_load(&j->next_ns) : atomic_load(&j->began_ns) + JOURNAL_SYNC_NS;
        deadline_ns = sync_ns < deadline_ns ? sync_ns : deadline_ns;
    }
    return deadline_ns;
}

/* ---- Faults, limits, figures ---- */

int journal_fault(const struct journal *j)
{
    int sync_error = atomic_load(&j->sync_error);
    return sync_error ? sync_error : atomic_load(&j->write_error);
}

void journal_distrust(struct journal *j, int error) { atomic_store(&j->sync_error, error); }

bool journal_needs_base(const struct journal *j) { return atomic_load(&j->sync_error) != 0; }

static uint64_t queued_bytes(const struct journal *j)
{
    uint64_t done = atomic_load(&j->bytes); /* before the other, which is never less */
    return atomic_load(&j->queue.bytes) - done;
}

bool journal_is_full(const struct journal *j) { return queued_bytes(j) > JOURNAL_QUEUED_BYTES_MAX; }

uint64_t journal_offset(const struct journal *j) { return atomic_load(&j->offset); }

struct journal_stats journal_stats(const struct journal *j)
{
    uint64_t written = atomic_load(&j->sink.written);
    return (struct journal_stats){
        .file_bytes = atomic_load(&j->size),
        .queued_batches = atomic_load(&j->sink.queued) - written,
        .queued_bytes = queued_bytes(j),
        .syncs = atomic_load(&j->syncs),
        .delayed_syncs = atomic_load(&j->delayed_syncs),
        .is_syncing = atomic_load(&j->syncing) != 0,
        .write_error = atomic_load(&j->write_error),
    };
}

/* ---- Beginning and end ---- */

struct journal *journal_create(const struct journal_config *config)
{
    struct journal *j = mem_alloc_aligned(NULL, 64, sizeof *j);
    memset(j, 0, sizeof *j);
    j->sink.append = append;
    j->disk = config->disk;
    j->wake = config->wake;
    j->ctx = config->ctx;
    j->waiting = mem_alloc_aligned(NULL, 64, config->nworkers * sizeof *j->waiting);
    memset(j->waiting, 0, config->nworkers * sizeof *j->waiting);
    wake_set_init(&j->wait_written, config->nworkers);
    wake_set_init(&j->wait_synced, config->nworkers);
    append_queue_init(&j->queue, config->nworkers, &j->sink.queued);
    journal_writer_init(&j->writer, j->disk, &j->queue);
    journal_set_policy(j, 0, config->policy);
    return j;
}

void journal_destroy(struct journal *j)
{
    ASSERT(is_free(&j->turn) && is_free(&j->syncing));
    journal_writer_deinit(&j->writer);
    append_queue_deinit(&j->queue);
    wake_set_deinit(&j->wait_written);
    wake_set_deinit(&j->wait_synced);
    mem_free(NULL, j->waiting);
    mem_free(NULL, j);
}

struct journal_sink *journal_sink(struct journal *j) { return &j->sink; }

/* With both roles. */
static void begin_anew(struct journal *j, const struct journal_place *place)
{
    uint64_t queued = atomic_load(&j->sink.queued), position = place->position > queued ? place->position : queued;
    journal_writer_switch(&j->writer, place->fd, place->size, place->offset, position);
    atomic_store(&j->write_error, 0);
    atomic_store(&j->sync_error, 0);
    atomic_store(&j->began_ns, 0);
    atomic_store(&j->delay_counted, false);
    atomic_store(&j->sink.queued, position);
    publish_written(j);
    atomic_store(&j->synced_commands, j->writer.commands);
    publish_synced(j, position, place->offset);
}

bool journal_start(struct journal *j, uint32_t worker, const struct journal_place *place)
{
    bool alone = take(&j->turn, worker);
    if (alone && !take(&j->syncing, worker)) {
        give_back(&j->turn);
        alone = false;
    }
    if (!alone)
        return false;
    begin_anew(j, place);
    give_back(&j->syncing);
    give_back(&j->turn);
    wake(j, &j->wait_written, worker);
    wake(j, &j->wait_synced, worker);
    return true;
}

bool journal_stop(struct journal *j, uint32_t worker)
{
    return journal_start(j, worker, &(struct journal_place){.fd = -1});
}

int journal_finish(struct journal *j, int64_t unix_seconds)
{
    ASSERT(is_free(&j->turn) && is_free(&j->syncing));
    while (is_queued(j)) {
        write_some(j, 0, unix_seconds);
        if (atomic_load(&j->write_error) != 0)
            return atomic_load(&j->write_error);
    }
    if (atomic_load(&j->sync_error) != 0 || !is_unsynced(j))
        return atomic_load(&j->sync_error);
    int r = disk_datasync(j->disk, j->writer.fd);
    if (r == 0)
        publish_synced(j, atomic_load(&j->sink.written), atomic_load(&j->offset));
    else
        atomic_store(&j->sync_error, r);
    return r;
}
