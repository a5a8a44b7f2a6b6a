/* The journal on the simulated disk, with one worker at work at a time: what it writes is read back, whatever fails
 * meanwhile; and when it syncs, what it lets wait and how it recovers, on the virtual clock. That several workers may
 * do all this at once is journal_roles_test's. */
#include "persist/journal.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shard/effects.h"
#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/io/io.h"
#include "src/io/sim_disk.h"
#include "tests/unit/journal_file.h"
#include "tests/unit/random_cases.h"

enum { WORKERS = 3, BATCHES_MAX = 400 };

static const uint64_t MS = 1000 * 1000, SECOND = 1000 * MS;

static struct random seeds;

/* ---- A world with one journal ---- */

struct expected {
    char *bytes; /* owned */
    size_t len;
    uint32_t worker;
    bool framed;
};

struct world {
    struct sim *sim;
    struct disk *disk;
    struct io *io;
    struct journal *j;
    struct journal_sink *sink;
    int fd;
    int64_t unix_seconds;
    struct effects effects[WORKERS];
    struct expected expected[BATCHES_MAX + 1]; /* by position */
    uint32_t woken;                            /* bits of workers */
    void (*test)(struct world *w);
};

static void note_wake(void *ctx, uint32_t from, uint32_t to)
{
    struct world *w = ctx;
    assert_int_not_equal(from, to);
    w->woken |= 1u << to;
}

static int make_file(struct world *w, const char *name)
{
    int fd = disk_open(w->disk, DISK_CWD, name, DISK_READ | DISK_APPEND | DISK_CREATE | DISK_EXCLUSIVE);
    assert_true(fd >= 0);
    assert_int_equal(disk_sync_directory(w->disk, DISK_CWD), 0);
    return fd;
}

static void task(void *arg)
{
    struct world *w = arg;
    assert_int_equal(io_create(&w->io, &(struct io_config){.backend = IO_SIM, .sim = w->sim}), 0);
    w->j = journal_create(&(struct journal_config){
        .disk = w->disk, .nworkers = WORKERS, .policy = JOURNAL_ALWAYS, .wake = note_wake, .ctx = w});
    w->sink = journal_sink(w->j);
    w->fd = make_file(w, "first");
    assert_true(journal_start(w->j, 0, &(struct journal_place){.fd = w->fd}));
    w->test(w);
    journal_destroy(w->j);
    io_destroy(w->io);
}

static void run(void (*test)(struct world *w), const struct sim_disk_config *config)
{
    struct world *w = mem_zalloc(NULL, sizeof *w);
    w->test = test;
    w->sim = sim_create(&(struct sim_config){.seed = random_u64(&seeds)});
    w->disk = sim_disk_create(w->sim, config);
    w->unix_seconds = 1000000;
    for (int i = 0; i < WORKERS; i++)
        effects_init(&w->effects[i]);
    sim_spawn(w->sim, SIM_CLIENT, "test", task, w);
    assert_int_equal(sim_run(w->sim), SIM_DONE);
    for (int i = 0; i < WORKERS; i++)
        effects_deinit(&w->effects[i]);
    for (int i = 0; i <= BATCHES_MAX; i++)
        mem_free(NULL, w->expected[i].bytes);
    sim_destroy(w->sim);
    sim_disk_destroy(w->disk);
    mem_free(NULL, w);
}

static uint64_t now(const struct world *w) { return sim_now_ns(w->sim); }

static void do_write(struct world *w) { journal_write(w->j, 0, now(w), w->unix_seconds); }

/* Under always the next sync may have to wait a little for what others may still bring. */
static void do_sync(struct world *w)
{
    uint64_t due = journal_deadline_ns(w->j), at = now(w);
    if (due > at && due < at + 10 * MS)
        sim_sleep_ns(w->sim, due - at);
    journal_sync(w->j, 0, w->io, now(w));
    while (journal_is_syncing(w->j, 0))
        io_wait(w->io, UINT64_MAX);
}

/* Queues a batch of so many commands, the values that long, and notes what is to be read. */
static uint64_t put(struct world *w, uint32_t worker, uint32_t commands, size_t value_bytes, bool transaction)
{
    struct effects *e = &w->effects[worker];
    char *value = mem_zalloc(NULL, value_bytes + 1), key[NUM_INT_CHARS];
    for (uint32_t i = 0; i < commands; i++) {
        struct slice argv[] = {slice_str("SET"), slice_of(key, num_u64(key, random_below(&seeds, 1000000))),
                               slice_of(value, value_bytes)};
        effects_add(e, (uint32_t)random_below(&seeds, 3), 3, argv);
    }
    mem_free(NULL, value);
    struct expected x = {.len = e->len, .worker = worker, .framed = transaction && commands > 1};
    x.bytes = mem_alloc(NULL, e->len + AOF_FRAME_BYTES);
    x.len = aof_write_batch(x.bytes, slice_of(e->buf, e->len), x.framed);
    uint64_t position = w->sink->append(w->sink, worker, e, transaction);
    assert_int_equal(e->len, 0);
    assert_int_equal(e->commands, 0);
    assert_int_equal(e->db, -1);
    assert_in_range(position, 1, BATCHES_MAX);
    w->expected[position] = x;
    return position;
}

static void check_batch(void *ctx, const struct aof_header *header, struct slice bytes)
{
    struct world *w = ctx;
    const struct expected *x = &w->expected[header->sequence];
    assert_int_equal(header->shard, x->worker);
    assert_int_equal(bytes.len, x->len);
    assert_memory_equal(bytes.ptr, x->bytes, x->len);
}

/* The file has exactly the batches first to last, whole. */
static struct journal_file check_file(struct world *w, int fd, uint64_t first, uint64_t last)
{
    struct journal_file f = {0};
    journal_file_read(&f, w->disk, fd, check_batch, w);
    assert_false(f.order_is_broken);
    assert_int_equal(f.first, first);
    assert_int_equal(f.last, last);
    assert_int_equal(f.good, disk_size(w->disk, fd));
    assert_int_equal(f.good, journal_stats(w->j).file_bytes);
    return f;
}

/* ---- What is written ---- */

static void anything(struct world *w)
{
    struct sim_disk_config troubled = {.short_rate = 300, .full_rate = 100, .write_error_rate = 100}, well = {0};
    uint64_t batches = 1 + random_below(&seeds, BATCHES_MAX), last = 0;
    if (random_below(&seeds, 4) > 0)
        sim_disk_configure(w->disk, &troubled);
    journal_set_timestamps(w->j, random_below(&seeds, 2));
    while (last < batches) {
        for (uint64_t n = 1 + random_below(&seeds, 12); n > 0 && last < batches; n--)
            last = put(w, (uint32_t)random_below(&seeds, WORKERS), 1 + (uint32_t)random_below(&seeds, 4),
                       random_below(&seeds, random_below(&seeds, 30) ? 100 : 200 * 1000), random_below(&seeds, 2));
        assert_int_equal(atomic_load(&w->sink->queued), last);
        do_write(w);
        if (random_below(&seeds, 2))
            do_sync(w);
        sim_sleep_ns(w->sim, random_below(&seeds, 2) ? SECOND : MS);
        w->unix_seconds += (int64_t)random_below(&seeds, 2);
    }
    sim_disk_configure(w->disk, &well);
    sim_sleep_ns(w->sim, JOURNAL_RETRY_NS);
    while (atomic_load(&w->sink->written) < last)
        do_write(w);
    do_sync(w);
    assert_int_equal(atomic_load(&w->sink->synced), last);
    assert_int_equal(journal_fault(w->j), 0);
    assert_int_equal(journal_stats(w->j).queued_bytes, 0);
    check_file(w, w->fd, 1, last);
}

static void test_anything(void **state)
{
    for (long cases = random_cases(&seeds, 200); cases > 0; cases--)
        run(anything, &(struct sim_disk_config){0});
}

static void timestamps(struct world *w)
{
    journal_set_timestamps(w->j, true);
    uint64_t last = 0;
    for (int i = 0; i < 10; i++) {
        for (int k = 0; k < 3; k++)
            last = put(w, 0, 2, 10, true);
        do_write(w);
        w->unix_seconds += i % 2;
    }
    struct journal_file f = check_file(w, w->fd, 1, last);
    assert_int_equal(f.timestamps, 5);
    assert_true(f.begins_stamped);
    int fd = make_file(w, "second");
    assert_true(journal_start(w->j, 0, &(struct journal_place){.fd = fd}));
    last = put(w, 0, 1, 10, false);
    do_write(w);
    f = check_file(w, fd, last, last);
    assert_true(f.begins_stamped); /* each file has its own */
}

static void test_timestamps(void **state) { run(timestamps, &(struct sim_disk_config){0}); }

static void finish(struct world *w)
{
    journal_set_policy(w->j, 0, JOURNAL_NO);
    uint64_t last = 0;
    for (int i = 0; i < BATCHES_MAX - 1; i++)
        last = put(w, (uint32_t)i % WORKERS, 1, random_below(&seeds, 10000), false);
    assert_int_equal(journal_finish(w->j, 0), 0);
    check_file(w, w->fd, 1, last);
    struct sim *next = sim_create(&(struct sim_config){.seed = 1});
    struct disk *found = sim_disk_crash(w->disk, next, &(struct sim_disk_config){0});
    struct journal_file f = {0};
    journal_file_read(&f, found, disk_open(found, DISK_CWD, "first", DISK_READ), check_batch, w);
    assert_int_equal(f.last, last);
    sim_destroy(next);
    sim_disk_destroy(found);
    put(w, 0, 1, 10, false);
    sim_disk_configure(w->disk, &(struct sim_disk_config){.sync_error_rate = 1000});
    assert_int_equal(journal_finish(w->j, 0), -EIO);
}

static void test_finish(void **state) { run(finish, &(struct sim_disk_config){0}); }

/* ---- When it syncs, and what waits ---- */

static bool is_safe(const struct world *w, uint64_t position)
{
    return journal_is_safe(w->sink, &(struct journal_wait){position, position});
}

static void always(struct world *w)
{
    uint64_t first = put(w, 0, 1, 10, false);
    assert_false(is_safe(w, first));
    assert_true(journal_is_safe(w->sink, &(struct journal_wait){0, 0}));
    do_write(w);
    assert_true(journal_is_safe(w->sink, &(struct journal_wait){first, 0}));
    assert_false(is_safe(w, first));
    assert_false(journal_await(w->j, 1, &(struct journal_wait){first, first}));
    assert_false(journal_called(w->j, 1));
    assert_true(journal_has_work(w->j, 0, now(w)));
    journal_sync(w->j, 0, w->io, now(w));
    assert_true(journal_is_syncing(w->j, 0));
    assert_false(journal_has_work(w->j, 0, now(w)));
    uint64_t second = put(w, 0, 1, 10, false); /* the sync does not cover this */
    do_write(w);
    while (journal_is_syncing(w->j, 0))
        io_wait(w->io, UINT64_MAX);
    assert_true(is_safe(w, first));
    assert_false(is_safe(w, second));
    assert_int_equal(w->woken, 1u << 1);
    assert_true(journal_has_work(w->j, 1, now(w)));
    assert_true(journal_called(w->j, 1));
    assert_false(journal_called(w->j, 1));
    do_sync(w);
    assert_true(is_safe(w, second));
    assert_true(journal_await(w->j, 1, &(struct journal_wait){second, second}));
    struct journal_file f = check_file(w, w->fd, 1, second);
    assert_int_equal(f.synced, 0); /* when the second was written nothing was */
    put(w, 0, 1, 10, false);
    do_write(w);
    assert_int_equal(check_file(w, w->fd, 1, 3).synced, f.good);
    assert_int_equal(journal_stats(w->j).syncs, 2);
}

static void test_always(void **state) { run(always, &(struct sim_disk_config){0}); }

static void gathering(struct world *w)
{
    put(w, 0, 3, 10, false);
    do_write(w);
    do_sync(w);
    put(w, 0, 2, 10, false);
    do_write(w);
    journal_sync(w->j, 0, w->io, now(w));
    assert_false(journal_is_syncing(w->j, 0)); /* the last one had three */
    assert_in_range(journal_deadline_ns(w->j), now(w) + 1, now(w) + 2 * MS);
    put(w, 1, 1, 10, false);
    do_write(w);
    assert_true(journal_has_work(w->j, 0, now(w)));
    journal_sync(w->j, 0, w->io, now(w));
    assert_true(journal_is_syncing(w->j, 0));
    while (journal_is_syncing(w->j, 0))
        io_wait(w->io, UINT64_MAX);
    uint64_t position = put(w, 0, 1, 10, false);
    do_write(w);
    do_sync(w); /* after waiting in vain */
    assert_true(is_safe(w, position));
}

/* Syncs take long, so that there is a long time to gather in. */
static void test_gathering(void **state)
{
    run(gathering, &(struct sim_disk_config){.hang_rate = 1000, .hang_ns = SECOND});
}

/* One worker's iterations, 10 ms apart, for a while: writes in each, and looks what would wait. */
static uint64_t work_on(struct world *w, uint64_t ns, uint64_t *waited)
{
    uint64_t end = now(w) + ns, position = 0;
    for (*waited = 0; now(w) < end;) {
        position = put(w, 0, 1, 10, false);
        do_write(w);
        *waited += !is_safe(w, position);
        journal_sync(w->j, 0, w->io, now(w));
        assert_true(now(w) < journal_deadline_ns(w->j));
        io_wait(w->io, now(w) + 10 * MS);
    }
    return position;
}

static void everysec(struct world *w)
{
    uint64_t waited;
    journal_set_policy(w->j, 0, JOURNAL_EVERYSEC);
    assert_int_equal(journal_deadline_ns(w->j), UINT64_MAX);
    put(w, 0, 1, 10, false);
    do_write(w);
    do_sync(w);
    assert_int_equal(journal_stats(w->j).syncs, 1); /* the first one at once */
    uint64_t first_ns = now(w), position = put(w, 0, 1, 10, false);
    do_write(w);
    assert_false(journal_has_work(w->j, 0, now(w)));
    assert_in_range(journal_deadline_ns(w->j), first_ns + SECOND - 20 * MS, first_ns + SECOND);
    sim_sleep_ns(w->sim, journal_deadline_ns(w->j) - now(w));
    assert_true(journal_has_work(w->j, 0, now(w)));
    do_sync(w);
    assert_int_equal(atomic_load(&w->sink->synced), position);
    assert_int_equal(journal_deadline_ns(w->j), UINT64_MAX);
    sim_sleep_ns(w->sim, 100 * SECOND); /* that nothing was written for long makes nothing late */
    position = work_on(w, SECOND, &waited);
    assert_int_equal(waited, 0);
    assert_in_range(journal_stats(w->j).syncs, 3, 4);
}

static void test_everysec(void **state) { run(everysec, &(struct sim_disk_config){0}); }

static void hanging(struct world *w)
{
    uint64_t waited, position = put(w, 0, 1, 10, false);
    journal_set_policy(w->j, 0, JOURNAL_EVERYSEC);
    do_write(w);
    journal_sync(w->j, 0, w->io, now(w));
    work_on(w, 1900 * MS, &waited);
    assert_int_equal(waited, 0);
    assert_int_equal(journal_stats(w->j).delayed_syncs, 0);
    sim_sleep_ns(w->sim, 110 * MS);
    do_write(w);
    assert_false(is_safe(w, position)); /* although nothing of it has changed */
    assert_false(journal_await(w->j, 1, &(struct journal_wait){position, position}));
    work_on(w, 800 * MS, &waited);
    assert_in_range(waited, 70, 81);
    assert_int_equal(journal_stats(w->j).delayed_syncs, 1);
    assert_false(journal_called(w->j, 1));
    sim_disk_configure(w->disk, &(struct sim_disk_config){0});
    while (journal_is_syncing(w->j, 0))
        io_wait(w->io, UINT64_MAX);
    assert_true(is_safe(w, position));
    assert_true(journal_called(w->j, 1));
    do_sync(w);
    work_on(w, SECOND, &waited);
    assert_int_equal(waited, 0);
    assert_int_equal(journal_stats(w->j).delayed_syncs, 1);
}

static void test_hanging(void **state)
{
    run(hanging, &(struct sim_disk_config){.hang_rate = 1000, .hang_ns = 3 * SECOND});
}

static void policies(struct world *w)
{
    uint64_t position = put(w, 0, 1, 10, false);
    journal_set_policy(w->j, 0, JOURNAL_NO);
    assert_false(is_safe(w, position));
    do_write(w);
    assert_true(is_safe(w, position));
    do_sync(w);
    assert_int_equal(journal_stats(w->j).syncs, 0);
    assert_int_equal(journal_deadline_ns(w->j), UINT64_MAX);
    journal_set_policy(w->j, 0, JOURNAL_ALWAYS);
    assert_false(journal_await(w->j, 2, &(struct journal_wait){position, position}));
    journal_set_policy(w->j, 0, JOURNAL_EVERYSEC); /* wakes those who need not wait any more */
    assert_true(is_safe(w, position));
    assert_true(journal_called(w->j, 2));
    do_sync(w);
    assert_int_equal(journal_stats(w->j).syncs, 1);
}

static void test_policies(void **state) { run(policies, &(struct sim_disk_config){0}); }

/* ---- Faults ---- */

static void full_disk(struct world *w)
{
    uint64_t last = 0;
    while (journal_fault(w->j) == 0) {
        last = put(w, 0, 1, 500, false);
        last = put(w, 1, 3, 500, true);
        do_write(w);
        do_sync(w);
    }
    uint64_t written = atomic_load(&w->sink->written);
    assert_int_equal(journal_fault(w->j), -ENOSPC);
    assert_false(journal_needs_base(w->j));
    assert_in_range(last - written, 1, 2);
    check_file(w, w->fd, 1, written); /* the torn batch is cut off */
    assert_false(journal_has_work(w->j, 0, now(w)));
    assert_false(journal_await(w->j, 2, &(struct journal_wait){.written = last}));

    sim_disk_configure(w->disk, &(struct sim_disk_config){0});
    do_write(w); /* too early */
    assert_int_equal(journal_fault(w->j), -ENOSPC);
    assert_in_range(journal_deadline_ns(w->j), now(w), now(w) + JOURNAL_RETRY_NS);
    sim_sleep_ns(w->sim, JOURNAL_RETRY_NS);
    assert_true(journal_has_work(w->j, 0, now(w)));
    w->woken = 0;
    do_write(w);
    assert_int_equal(w->woken, 1u << 2);
    assert_int_equal(journal_fault(w->j), 0);
    assert_int_equal(atomic_load(&w->sink->written), last);
    check_file(w, w->fd, 1, last);
}

static void test_full_disk(void **state) { run(full_disk, &(struct sim_disk_config){.bytes_max = 20000}); }

static void failed_sync(struct world *w)
{
    uint64_t first = put(w, 0, 1, 10, false);
    do_write(w);
    do_sync(w);
    sim_disk_configure(w->disk, &(struct sim_disk_config){.sync_error_rate = 1000});
    uint64_t second = put(w, 0, 1, 10, false);
    do_write(w);
    do_sync(w);
    assert_int_equal(journal_fault(w->j), -EIO);
    assert_true(journal_needs_base(w->j));
    sim_disk_configure(w->disk, &(struct sim_disk_config){0});
    uint64_t third = put(w, 0, 1, 10, false); /* it is written on, but not synced again */
    do_write(w);
    assert_false(journal_has_work(w->j, 0, now(w)));
    do_sync(w);
    assert_int_equal(atomic_load(&w->sink->written), third);
    assert_int_equal(atomic_load(&w->sink->synced), first);
    assert_false(journal_await(w->j, 1, &(struct journal_wait){second, second}));
    uint64_t fourth = put(w, 0, 1, 10, false), offset = 5000;

    int fd = make_file(w, "second");
    assert_true(journal_start(w->j, 0, &(struct journal_place){.fd = fd, .offset = offset, .position = first}));
    assert_true(is_safe(w, fourth)); /* a base has it */
    assert_true(journal_called(w->j, 1));
    assert_int_equal(journal_fault(w->j), 0);
    assert_int_equal(journal_stats(w->j).queued_bytes, 0);
    uint64_t last = put(w, 0, 1, 10, false);
    assert_int_equal(last, fourth + 1);
    do_write(w);
    do_sync(w);
    assert_true(is_safe(w, last));
    assert_int_equal(check_file(w, fd, last, last).synced, offset);
}

static void test_failed_sync(void **state) { run(failed_sync, &(struct sim_disk_config){0}); }

static void start_and_stop(struct world *w)
{
    uint64_t last = put(w, 0, 1, 10, false);
    int fd = make_file(w, "second");
    struct journal_place place = {.fd = fd, .position = 50};
    do_write(w);
    journal_sync(w->j, 0, w->io, now(w));
    assert_false(journal_start(w->j, 1, &place)); /* the sync needs the file */
    assert_false(journal_stop(w->j, 0));
    while (journal_is_syncing(w->j, 0))
        io_wait(w->io, UINT64_MAX);
    assert_int_equal(atomic_load(&w->sink->synced), last);
    assert_true(journal_stop(w->j, 0));
    do_write(w);
    do_sync(w);
    assert_false(journal_has_work(w->j, 0, now(w)));
    assert_true(journal_start(w->j, 1, &place));
    assert_int_equal(put(w, 0, 1, 10, false), 51); /* behind what was loaded */
    do_write(w);
    check_file(w, fd, 51, 51);
}

static void test_start_and_stop(void **state) { run(start_and_stop, &(struct sim_disk_config){0}); }

static void limits(struct world *w)
{
    uint64_t last = 0;
    sim_disk_configure(w->disk, &(struct sim_disk_config){.full_rate = 1000});
    while (!journal_is_full(w->j)) {
        assert_true(journal_stats(w->j).queued_bytes <= JOURNAL_QUEUED_BYTES_MAX);
        last = put(w, 0, 1, 1 << 20, false);
        do_write(w);
    }
    assert_in_range(journal_stats(w->j).queued_bytes, JOURNAL_QUEUED_BYTES_MAX, JOURNAL_QUEUED_BYTES_MAX + (4 << 20));
    sim_disk_configure(w->disk, &(struct sim_disk_config){0});
    sim_sleep_ns(w->sim, JOURNAL_RETRY_NS);
    for (int rounds = 0; atomic_load(&w->sink->written) < last; rounds++) {
        assert_true(rounds == 0 || journal_has_work(w->j, 0, now(w))); /* a few megabytes at a time */
        do_write(w);
    }
    assert_false(journal_is_full(w->j));
    check_file(w, w->fd, 1, last);
}

static void test_limits(void **state) { run(limits, &(struct sim_disk_config){0}); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anything), cmocka_unit_test(test_timestamps),     cmocka_unit_test(test_finish),
        cmocka_unit_test(test_always),   cmocka_unit_test(test_everysec),       cmocka_unit_test(test_hanging),
        cmocka_unit_test(test_policies), cmocka_unit_test(test_full_disk),      cmocka_unit_test(test_failed_sync),
        cmocka_unit_test(test_limits),   cmocka_unit_test(test_start_and_stop), cmocka_unit_test(test_gathering),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
