/* The journal's roles and its sleepers: several workers that append, write, sync, wait and sleep, under random
 * schedules in the simulator's builds and on real threads. In the simulator the disk is slow, hangs, is full and fails,
 * and
 *  - nothing is left queued or unsynced, and no reply waits that may leave, with everybody asleep;
 *  - a reply leaves only when what it waits for is in the file, and where the policy says so is found after a crash;
 *  - each batch stands where its position says, in every file.
 * Bugs that are planted are found. On threads it ends, in time, and the file is whole. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "persist/journal.h"
#include "shard/effects.h"
#include "shard/mailbox.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/io/io.h"
#include "src/io/sim_disk.h"
#include "tests/unit/journal_file.h"
#include "tests/unit/random_cases.h"

enum {
    WORKERS_MAX = 6,
    PENDING_MAX = 64,
    SIM_REPLIES = 40, /* of a worker */
    THREAD_REPLIES = 400,
    POSITIONS_MAX = WORKERS_MAX * THREAD_REPLIES,
    TOKEN_BYTES_MAX = 32,
    PLANTED_WORLDS_MAX = 5000,
};

static const uint64_t US = 1000, MS = 1000 * 1000, SECOND = 1000 * MS;
static const uint64_t STUCK_NS = 10 * SECOND; /* nothing has happened for so long */
static const uint64_t SLACK_NS = 150 * MS;    /* between queueing and writing */

static struct random seeds;

struct place;

/* For how long something has been so. */
struct lasting {
    uint64_t since_ns; /* 0: it is not so */
};

struct reply {
    struct journal_wait wait;
    struct lasting may_leave; /* as the watcher has seen it */
};

struct worker {
    struct place *place;
    uint32_t id;
    struct mailbox mailbox; /* for its announcements of sleep */
    struct io *io;
    struct random random;
    struct effects effects;
    uint32_t to_start;
    uint64_t next_ns;      /* starts something then */
    uint64_t own_position; /* of its last batch: its reads wait for it */
    bool is_appending;
    bool sleeps, has_sync, is_rung; /* the journal's sync is its; in the simulator: somebody has woken it */
    uint64_t until_ns;
    struct reply replies[PENDING_MAX];
    uint32_t pending, awaited; /* of replies; those that it asked to be woken for come first */
};

/* What a batch must contain. */
struct token {
    char text[TOKEN_BYTES_MAX];
    uint64_t queued_ns;
};

struct place {
    uint32_t count;
    _Atomic enum journal_policy policy;
    struct journal *j;
    struct journal_sink *sink;
    struct disk *disk;
    struct sim *sim; /* NULL: threads */
    bool changes_policy, has_write_faults, has_planted_bug;
    _Atomic uint32_t left; /* replies that have not left */
    _Atomic bool bad;
    struct worker *pauses; /* nobody appends: it makes a base; in the simulator only */
    bool has_new_file;     /* and has made the file behind it */
    struct token tokens[POSITIONS_MAX + 1];
    /* The files so far: what came before the present one is in its base. */
    int fd;
    uint32_t files;
    uint64_t base_position;
    struct journal_file file;
    struct worker workers[WORKERS_MAX];
};

static void fail_place(struct place *p, const char *why)
{
    if (!p->has_planted_bug && !atomic_load(&p->bad))
        fprintf(stderr, "%s\n", why);
    atomic_store(&p->bad, true);
}

/* ---- What must be true ---- */

static void check_batch(void *ctx, const struct aof_header *header, struct slice bytes)
{
    struct place *p = ctx;
    const char *text = p->tokens[header->sequence].text;
    if (*text == '\0' || !memmem(bytes.ptr, bytes.len, text, strlen(text)))
        fail_place(p, "a batch stands where another belongs");
}

static void read_file(struct place *p)
{
    journal_file_read(&p->file, p->disk, p->fd, check_batch, p);
    if (p->file.order_is_broken || (p->file.first > 0 && p->file.first != p->base_position + 1))
        fail_place(p, "batches are out of order");
}

static bool is_in_file(const struct place *p, const struct journal_file *f, uint64_t position)
{
    return position <= p->base_position || position <= f->last;
}

static const char *file_name(const struct place *p, char name[static 16])
{
    snprintf(name, 16, "file%u", p->files);
    return name;
}

/* Whether a crash at this moment would leave it. */
static bool survives_crash(const struct place *p, uint64_t position)
{
    char name[16];
    struct journal_file f = {0};
    struct sim *next = sim_create(&(struct sim_config){.seed = sim_random(p->sim, UINT64_MAX)});
    struct disk *found = sim_disk_crash(p->disk, next, &(struct sim_disk_config){0});
    int fd = disk_open(found, DISK_CWD, file_name(p, name), DISK_READ);
    if (fd >= 0)
        journal_file_read(&f, found, fd, NULL, NULL);
    sim_destroy(next);
    sim_disk_destroy(found);
    return fd >= 0 && is_in_file(p, &f, position);
}

/* journal_is_safe, but nobody else goes on meanwhile. */
static bool may_leave(const struct place *p, const struct journal_wait *wait)
{
    return wait->written <= atomic_load(&p->sink->written) &&
           (wait->synced <= atomic_load(&p->sink->synced) || !atomic_load(&p->sink->strict));
}

static void check_reply(struct worker *a, const struct journal_wait *wait)
{
    struct place *p = a->place;
    read_file(p);
    if (!is_in_file(p, &p->file, wait->written))
        fail_place(p, "a reply left before what it waits for was written");
    if (p->changes_policy || wait->synced == 0)
        return;
    enum journal_policy policy = atomic_load(&p->policy);
    uint64_t synced = atomic_load(&p->sink->synced);
    if (policy == JOURNAL_ALWAYS && sim_random(p->sim, 3) == 0 && !survives_crash(p, wait->synced))
        fail_place(p, "a reply left before what it waits for was synced");
    if (policy == JOURNAL_EVERYSEC && !p->has_write_faults && wait->synced > synced &&
        sim_now_ns(p->sim) > p->tokens[synced + 1].queued_ns + JOURNAL_LATE_NS + SLACK_NS)
        fail_place(p, "a reply left although a batch has been unsynced for too long");
}

/* ---- Workers, as src/server/worker.c goes about it ---- */

static void wake(void *ctx, uint32_t from, uint32_t to)
{
    struct place *p = ctx;
    if (!mailbox_needs_wake(&p->workers[to].mailbox))
        return;
    if (p->sim)
        p->workers[to].is_rung = true;
    io_wake(p->workers[from].io, p->workers[to].io);
}

static bool is_over(struct place *p)
{
    if (atomic_load(&p->bad))
        return true;
    uint64_t written = atomic_load(&p->sink->written);
    return atomic_load(&p->left) == 0 && written == atomic_load(&p->sink->queued) &&
           (atomic_load(&p->policy) == JOURNAL_NO || written == atomic_load(&p->sink->synced));
}

static uint64_t append(struct worker *a, uint64_t now_ns)
{
    struct place *p = a->place;
    struct token token = {.queued_ns = now_ns};
    bool transaction = random_below(&a->random, 4) == 0;
    snprintf(token.text, sizeof token.text, "token %u of %u.", a->to_start, a->id);
    for (int i = 0; i <= transaction; i++)
        effects_add(&a->effects, 0, 2, (struct slice[]){slice_str("SET"), slice_str(token.text)});
    uint64_t position = p->sink->append(p->sink, a->id, &a->effects, transaction);
    p->tokens[position] = token;
    return position;
}

static uint64_t choose_pause_ns(struct worker *a)
{
    switch (random_below(&a->random, 16)) {
    case 0:
        return random_below(&a->random, a->place->sim ? 3 * SECOND / 2 : 5 * MS);
    case 1:
    case 2:
        return random_below(&a->random, a->place->sim ? 50 * MS : 2 * MS);
    case 3:
    case 4:
    case 5:
        return random_below(&a->random, 100 * US);
    default:
        return 0;
    }
}

static void start_some(struct worker *a, uint64_t now_ns)
{
    struct place *p = a->place;
    if (a->to_start == 0 || now_ns < a->next_ns || p->pauses)
        return;
    a->next_ns = now_ns + choose_pause_ns(a);
    if (journal_fault(p->j) != 0 || journal_is_full(p->j)) {
        a->next_ns += MS;
        return;
    }
    a->is_appending = true;
    for (uint64_t n = 1 + random_below(&a->random, 4); n > 0 && a->to_start > 0 && a->pending < PENDING_MAX; n--) {
        bool reads = random_below(&a->random, 3) == 0;
        if (!reads)
            a->own_position = append(a, now_ns);
        bool is_waited_for = !reads || random_below(&a->random, 2);
        struct journal_wait wait = {a->own_position, is_waited_for ? a->own_position : 0};
        a->replies[a->pending++] = (struct reply){.wait = wait};
        a->to_start--;
    }
    a->is_appending = false;
}

static void send_replies(struct worker *a)
{
    struct place *p = a->place;
    if (journal_called(p->j, a->id))
        a->awaited = 0;
    uint32_t kept = a->awaited;
    for (uint32_t i = a->awaited; i < a->pending; i++) {
        struct reply r = a->replies[i];
        if (!journal_is_safe(p->sink, &r.wait) && !journal_await(p->j, a->id, &r.wait)) {
            a->replies[kept++] = r;
            continue;
        }
        if (p->sim)
            check_reply(a, &r.wait);
        atomic_fetch_sub(&p->left, 1);
    }
    a->awaited = a->pending = kept;
}

/* A new file, behind a base of all that was queued, which takes no time here. */
static bool make_file(struct place *p)
{
    char name[16];
    p->files++;
    int fd = disk_open(p->disk, DISK_CWD, file_name(p, name), DISK_READ | DISK_APPEND | DISK_CREATE);
    if (fd < 0 || disk_sync_directory(p->disk, DISK_CWD) < 0) {
        if (fd >= 0)
            disk_close(p->disk, fd);
        return false;
    }
    p->fd = fd;
    p->file = (struct journal_file){0};
    p->base_position = atomic_load(&p->sink->queued);
    return true;
}

/* Step by step, while nobody appends: journal_start may have to wait for others. */
static void start_anew(struct worker *a)
{
    struct place *p = a->place;
    p->pauses = a;
    for (uint32_t i = 0; i < p->count; i++)
        if (p->workers[i].is_appending)
            return;
    if (!p->has_new_file) {
        read_file(p);
        p->has_new_file = make_file(p);
    }
    if (p->has_new_file && journal_start(p->j, a->id, &(struct journal_place){.fd = p->fd})) {
        p->has_new_file = false;
        p->pauses = NULL;
    }
}

/* A worker is about to sleep: if it is the last one, nothing is left that could have been done. */
static void check_sleep(struct worker *last)
{
    struct place *p = last->place;
    uint64_t written = atomic_load(&p->sink->written), until_ns = UINT64_MAX; /* somebody comes by himself */
    struct journal_stats stats = journal_stats(p->j);
    for (uint32_t i = 0; i < p->count; i++) {
        struct worker *a = &p->workers[i];
        /* Who sleeps on a sync may be about to hear of its end. */
        if ((a != last && !a->sleeps) || a->is_rung || a->has_sync)
            return;
        until_ns = a->until_ns < until_ns ? a->until_ns : until_ns;
    }
    if (stats.write_error == 0 && written != atomic_load(&p->sink->queued))
        fail_place(p, "batches are queued, and everybody sleeps");
    if (atomic_load(&p->policy) != JOURNAL_NO && !journal_needs_base(p->j) && !stats.is_syncing &&
        written != atomic_load(&p->sink->synced) && until_ns > sim_now_ns(p->sim) + JOURNAL_SYNC_NS)
        fail_place(p, "batches are not synced, and everybody sleeps");
    for (uint32_t i = 0; i < p->count; i++)
        for (uint32_t k = 0; k < p->workers[i].pending; k++)
            if (may_leave(p, &p->workers[i].replies[k].wait))
                fail_place(p, "a reply could leave, and everybody sleeps");
}

static void rest(struct worker *a)
{
    struct place *p = a->place;
    uint64_t now_ns = io_now_ns(a->io);
    mailbox_announce_sleep(&a->mailbox);
    if (!journal_has_work(p->j, a->id, now_ns) && !is_over(p) && p->pauses != a) {
        uint64_t deadline_ns = journal_deadline_ns(p->j);
        if (a->to_start > 0 && a->next_ns < deadline_ns)
            deadline_ns = a->next_ns;
        if (!p->sim && deadline_ns > now_ns + STUCK_NS)
            deadline_ns = now_ns + STUCK_NS;
        a->until_ns = deadline_ns;
        a->has_sync = journal_is_syncing(p->j, a->id);
        if (p->sim)
            check_sleep(a);
        a->sleeps = true;
        io_wait(a->io, deadline_ns);
        a->sleeps = false;
        if (!p->sim && io_now_ns(a->io) >= now_ns + STUCK_NS)
            fail_place(p, "a worker has slept for too long");
    } else {
        io_reap(a->io);
    }
    a->is_rung = false;
    mailbox_awake(&a->mailbox);
}

static void act(void *arg)
{
    struct worker *a = arg;
    struct place *p = a->place;
    ASSERT(io_enter(a->io) == 0);
    while (!is_over(p)) {
        uint64_t now_ns = io_now_ns(a->io);
        start_some(a, now_ns);
        if (p->changes_policy && random_below(&a->random, 50) == 0) {
            atomic_store(&p->policy, (enum journal_policy)random_below(&a->random, 3));
            journal_set_policy(p->j, a->id, atomic_load(&p->policy));
        }
        journal_write(p->j, a->id, now_ns, io_wall_us(a->io) / 1000000);
        send_replies(a);
        journal_sync(p->j, a->id, a->io, now_ns);
        if (journal_needs_base(p->j) && (!p->pauses || p->pauses == a))
            start_anew(a);
        rest(a);
    }
    for (uint32_t i = 0; i < p->count; i++)
        if (i != a->id)
            io_wake(a->io, p->workers[i].io);
    do
        io_reap(a->io);
    while (journal_is_syncing(p->j, a->id));
}

static void *act_on_thread(void *arg)
{
    act(arg);
    return NULL;
}

static void place_init(struct place *p, uint32_t count, enum journal_policy policy, uint32_t replies)
{
    p->count = count;
    p->policy = policy;
    p->left = count * replies;
    p->j = journal_create(
        &(struct journal_config){.disk = p->disk, .nworkers = count, .policy = policy, .wake = wake, .ctx = p});
    p->sink = journal_sink(p->j);
    for (uint32_t i = 0; i < count; i++) {
        struct worker *a = &p->workers[i];
        a->place = p;
        a->id = i;
        a->to_start = replies;
        mailbox_init(&a->mailbox);
        effects_init(&a->effects);
        random_init(&a->random, random_u64(&seeds));
    }
}

static void place_deinit(struct place *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        effects_deinit(&p->workers[i].effects);
    journal_destroy(p->j);
    for (uint32_t i = 0; i < p->count; i++)
        io_destroy(p->workers[i].io);
}

/* ---- On threads ---- */

static void run_threads(uint32_t count, enum journal_policy policy, enum io_backend backend, uint32_t replies)
{
    struct place *p = mem_zalloc(NULL, sizeof *p);
    char name[] = "/tmp/skua-journal-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    close(fd);
    p->disk = disk_real();
    place_init(p, count, policy, replies);
    p->fd = disk_open(p->disk, DISK_CWD, name, DISK_READ | DISK_APPEND);
    assert_true(journal_start(p->j, 0, &(struct journal_place){.fd = p->fd}));
    pthread_t threads[WORKERS_MAX];
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(io_create(&p->workers[i].io, &(struct io_config){.backend = backend}), 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, act_on_thread, &p->workers[i]), 0);
    for (uint32_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    read_file(p);
    assert_int_equal(p->file.last, atomic_load(&p->sink->queued));
    assert_false(atomic_load(&p->bad));
    place_deinit(p);
    unlink(name);
    mem_free(NULL, p);
}

static void test_threads(void **state)
{
    uint32_t replies = (uint32_t)random_cases(&seeds, THREAD_REPLIES);
    replies = replies < THREAD_REPLIES ? replies : THREAD_REPLIES;
    enum io_backend backends[] = {IO_EPOLL, io_uring_unavailable() ? IO_EPOLL : IO_URING};
    for (uint32_t count = 1; count <= WORKERS_MAX; count += count + 1)
        for (int policy = 0; policy < 3; policy++)
            for (int b = 0; b < 2; b++)
                run_threads(count, (enum journal_policy)policy, backends[b], replies);
}

#ifdef SKUA_SIM_POINTS
/* ---- In the simulator ---- */

static const uint64_t LEFT_BEHIND_NS = 20 * MS; /* a reply may leave for so long, and does not */

static bool lasts(struct lasting *l, bool is_so, uint64_t now_ns, uint64_t ns)
{
    l->since_ns = !is_so ? 0 : l->since_ns ? l->since_ns : now_ns;
    return is_so && now_ns - l->since_ns > ns;
}

static void watch_replies(struct worker *a)
{
    for (uint32_t i = 0; i < a->pending; i++) {
        struct reply *r = &a->replies[i];
        if (lasts(&r->may_leave, may_leave(a->place, &r->wait), sim_now_ns(a->place->sim), LEFT_BEHIND_NS))
            fail_place(a->place, "a reply is left behind");
    }
}

static void watch(void *arg)
{
    struct place *p = arg;
    struct lasting still = {0};
    for (uint64_t done = 0; !is_over(p); sim_sleep_ns(p->sim, 2 * MS)) {
        uint64_t before = done;
        done = atomic_load(&p->sink->written) + atomic_load(&p->sink->synced) - atomic_load(&p->left);
        for (uint32_t i = 0; i < p->count; i++)
            if (p->pauses != &p->workers[i]) /* that one waits for the disk */
                watch_replies(&p->workers[i]);
        if (lasts(&still, done == before && journal_fault(p->j) == 0, sim_now_ns(p->sim), STUCK_NS))
            fail_place(p, "everything stands still");
    }
    for (uint32_t i = 0; i < p->count; i++)
        io_wake(NULL, p->workers[i].io);
}

static struct sim_disk_config choose_disk(struct random *r)
{
    struct sim_disk_config config = {.short_rate = (uint32_t)random_below(r, 300)};
    if (random_below(r, 2))
        config.sync_ns_max = 20 * MS;
    if (random_below(r, 2))
        config.hang_rate = 50;
    if (random_below(r, 4) == 0)
        config.write_error_rate = config.full_rate = 30;
    if (random_below(r, 4) == 0)
        config.sync_error_rate = 100;
    return config;
}

static struct totals {
    uint64_t replies, delayed, bases;
} totals;

static bool simulate(uint64_t seed, bool has_planted_bug)
{
    struct place *p = mem_zalloc(NULL, sizeof *p);
    struct random r;
    random_init(&r, seed);
    struct sim_disk_config config = choose_disk(&r);
    p->sim =
        sim_create(&(struct sim_config){.seed = random_u64(&r), .switch_rate = 1 + (uint32_t)random_below(&r, 300)});
    p->disk = sim_disk_create(p->sim, &(struct sim_disk_config){0});
    p->has_write_faults = config.full_rate > 0;
    p->has_planted_bug = has_planted_bug;
    p->changes_policy = random_below(&r, 5) == 0;
    random_init(&seeds, random_u64(&r));
    uint32_t count = 1 + (uint32_t)random_below(&r, WORKERS_MAX);
    place_init(p, count, (enum journal_policy)random_below(&r, 3), SIM_REPLIES);
    ASSERT(make_file(p));
    sim_disk_configure(p->disk, &config);
    ASSERT(journal_start(p->j, 0, &(struct journal_place){.fd = p->fd}));
    for (uint32_t i = 0; i < p->count; i++) {
        ASSERT(io_create(&p->workers[i].io, &(struct io_config){.backend = IO_SIM, .sim = p->sim}) == 0);
        sim_spawn(p->sim, SIM_CLIENT, "worker", act, &p->workers[i]);
    }
    sim_spawn(p->sim, SIM_CLIENT, "watcher", watch, p);
    bool sound = sim_run(p->sim) == SIM_DONE; /* if not, it has said why */
    read_file(p);
    sound = sound && !atomic_load(&p->bad) && is_in_file(p, &p->file, atomic_load(&p->sink->queued));
    totals.replies += p->count * SIM_REPLIES;
    totals.delayed += journal_stats(p->j).delayed_syncs;
    totals.bases += p->files;
    place_deinit(p);
    sim_destroy(p->sim);
    sim_disk_destroy(p->disk);
    mem_free(NULL, p);
    return sound;
}

static void test_schedules(void **state)
{
    struct random r;
    long cases = random_cases(&r, 300);
    for (long i = 0; i < cases; i++) {
        uint64_t seed = random_u64(&r);
        if (!simulate(seed, false))
            fail_msg("seed of the schedule: %llu", (unsigned long long)seed);
    }
    printf("%llu replies, %llu delayed syncs, %llu bases\n", (unsigned long long)totals.replies,
           (unsigned long long)totals.delayed, (unsigned long long)totals.bases);
    assert_true(cases < 50 || (totals.delayed > 0 && totals.bases > 0));
}
#endif

/* Not under the sanitizers: what a planted bug leaves behind is theirs to complain about. */
#if defined(SKUA_SIM_POINTS) && !defined(SKUA_SYSTEM_MALLOC)
static void test_planted(void **state)
{
    static const enum planted_bug bugs[] = {PLANTED_ROLE_LEFT,     PLANTED_WOKEN_EARLY,  PLANTED_AWAITED_LATE,
                                            PLANTED_WRITTEN_EARLY, PLANTED_SYNCED_EARLY, PLANTED_BATCHES_SWAPPED};
    struct random r;
    random_cases(&r, 1);
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        bool found = false;
        int worlds = 0;
        planted_bug = bugs[i];
        for (; worlds < PLANTED_WORLDS_MAX && !found; worlds++)
            found = !simulate(random_u64(&r), true);
        planted_bug = PLANTED_NOTHING;
        printf("bug %zu: found in world %d\n", i, worlds);
        assert_true(found);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
#ifdef SKUA_SIM_POINTS
        cmocka_unit_test(test_schedules),
#endif
#if defined(SKUA_SIM_POINTS) && !defined(SKUA_SYSTEM_MALLOC)
        cmocka_unit_test(test_planted),
#endif
    };
    return cmocka_run_group_tests_name("journal_roles", tests, NULL, NULL);
}
