/* Lanes and holds: sets of shards against a model; random transactions on real threads that really sleep, and in the
 * simulator's builds under random schedules. Each shard has a plain counter that is changed by its worker while it is
 * not held and by the holder while it is, so a hold that is none is a lost update (and a race for TSan); each shard
 * notes which transactions ran on it, in order, and all shards must agree. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "shard/lane.h"
#include "src/base/list.h"
#include "src/base/planted.h"
#include "src/io/sim.h"
#include "tests/unit/random_cases.h"

enum { WORKERS_MAX = 6, FLYING_MAX = 4, SIM_TRANSACTIONS = 12 };

static struct random seeds;

/* ---- Sets ---- */

static void test_sets(void **state)
{
    long cases = random_cases(&seeds, 500);
    for (long i = 0; i < cases; i++) {
        static bool in_a[SHARDS_MAX], in_b[SHARDS_MAX];
        struct shard_set a = {0}, b = {0};
        memset(in_a, 0, sizeof in_a);
        memset(in_b, 0, sizeof in_b);
        for (uint64_t n = random_below(&seeds, 40); n > 0; n--) {
            uint32_t s = (uint32_t)random_below(&seeds, SHARDS_MAX), t = (uint32_t)random_below(&seeds, SHARDS_MAX);
            shard_set_add(&a, s);
            shard_set_add(&b, t);
            in_a[s] = in_b[t] = true;
        }
        uint32_t both = 0, any = 0, in_first = 0;
        for (uint32_t s = 0; s < SHARDS_MAX; s++) {
            assert_int_equal(shard_set_has(&a, s), in_a[s]);
            both += in_a[s] && in_b[s];
            any += in_a[s] || in_b[s];
            in_first += in_a[s];
        }
        assert_int_equal(a.count, in_first);
        assert_int_equal(shard_set_union_count(&a, &b), any);
        assert_int_equal(shard_set_intersects(&a, &b), both > 0);
        shard_set_unite(&a, &b);
        assert_int_equal(a.count, any);
        uint32_t next = 0;
        for (uint32_t s = 0; s < SHARDS_MAX; s++)
            if (in_a[s] || in_b[s]) {
                assert_int_equal(shard_set_next(&a, next), s);
                next = s + 1;
            }
        assert_int_equal(shard_set_next(&a, next), SHARDS_MAX);
    }
}

/* ---- Workers, as src/server/worker.c goes about it but with nothing to do besides ---- */

struct place;

struct transaction {
    struct hold hold;
    struct place *place;
    bool announced;
};

struct actor {
    struct place *place;
    uint32_t id;
    struct mailbox mailbox;
    sem_t bell; /* on threads */
    int rung;   /* in the simulator */
    struct random random;
    uint32_t to_start, flying;
    struct transaction *running; /* ready, and runs until run_until_ns */
    uint64_t run_until_ns;
    struct transaction *unput;
    /* The shard. Its worker's, or the holder's. */
    uint64_t counter, own_changes, held_changes;
    uint64_t *log;
    uint32_t logged;
};

struct place {
    struct lanes lanes;
    uint32_t count;
    struct sim *sim;       /* NULL: threads */
    _Atomic uint32_t left; /* transactions that have not been released */
    _Atomic uint64_t serial;
    uint64_t runs_long_one_in;
    _Atomic bool stuck;
    bool careless; /* a planted bug: workers do not look again before they sleep */
    /* With a planted bug nobody knows who still uses a transaction: they live as long as the place. */
    bool keeps_all;
    struct transaction *all[WORKERS_MAX * SIM_TRANSACTIONS];
    uint32_t nall;
    struct actor actor[WORKERS_MAX];
};

static uint64_t now_ns(const struct place *p)
{
    if (p->sim)
        return sim_now_ns(p->sim);
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void ring(struct actor *a)
{
    if (a->place->sim)
        a->rung = 1;
    else
        sem_post(&a->bell);
}

static void wake_all(struct actor *self, const struct shard_set *set)
{
    struct place *p = self->place;
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX; s = shard_set_next(set, s + 1))
        if (s != self->id && mailbox_needs_wake(&p->actor[s].mailbox))
            ring(&p->actor[s]);
}

static void transaction_free(struct hold *h)
{
    struct transaction *t = container_of(h, struct transaction, hold);
    if (!t->place->keeps_all)
        free(t);
}

static void start_some(struct actor *a)
{
    struct place *p = a->place;
    if (!a->unput && a->to_start > 0 && a->flying < FLYING_MAX) {
        struct transaction *t = aligned_alloc(64, (sizeof *t + 63) / 64 * 64);
        memset(t, 0, sizeof *t);
        t->place = p;
        t->hold.home = a->id;
        t->hold.free = transaction_free;
        for (uint64_t n = 1 + random_below(&a->random, p->count); n > 0; n--)
            shard_set_add(&t->hold.shards, (uint32_t)random_below(&a->random, p->count));
        a->unput = t;
        if (p->keeps_all)
            p->all[p->nall++] = t;
        a->to_start--;
        a->flying++;
    }
    if (a->unput && lanes_put(&p->lanes, &a->unput->hold)) {
        struct shard_set set = a->unput->hold.shards; /* its shards may only be gone after home has run it */
        a->unput = NULL;
        wake_all(a, &set);
    }
}

static void pause_a_little(struct actor *a)
{
    if (a->place->sim)
        sim_yield(a->place->sim);
    else if (random_below(&a->random, 8) == 0)
        sched_yield();
}

/* All counters are taken before any is given back: what another thread changes meanwhile is lost. */
static void run_transaction(struct actor *a, struct transaction *t)
{
    struct place *p = a->place;
    uint64_t seen[WORKERS_MAX], serial = atomic_fetch_add(&p->serial, 1);
    for (uint32_t s = 0; s < p->count; s++)
        if (shard_set_has(&t->hold.shards, s))
            seen[s] = p->actor[s].counter;
    pause_a_little(a);
    for (uint32_t s = 0; s < p->count; s++)
        if (shard_set_has(&t->hold.shards, s)) {
            p->actor[s].counter = seen[s] + 1;
            p->actor[s].held_changes++;
            p->actor[s].log[p->actor[s].logged++] = serial;
        }
}

static void release(struct actor *a, struct transaction *t)
{
    struct shard_set set = t->hold.shards;
    bool early = PLANTED(PLANTED_EARLY_RELEASE);
    if (early)
        hold_release(&t->hold);
    run_transaction(a, t);
    if (!early)
        hold_release(&t->hold);
    wake_all(a, &set);
    a->flying--;
    a->running = NULL;
    if (atomic_fetch_sub(&a->place->left, 1) == 1)
        for (uint32_t s = 0; s < a->place->count; s++)
            ring(&a->place->actor[s]);
}

static struct transaction *ready[WORKERS_MAX][FLYING_MAX + 1];

static void make_ready(struct actor *a, struct hold *h)
{
    int i = 0;
    while (ready[a->id][i])
        i++;
    ready[a->id][i] = container_of(h, struct transaction, hold);
}

/* Tells home that h has all its shards. Only a planted bug does so twice: the message would then be in a mailbox that
 * it is in already. */
static void announce(struct actor *a, struct hold *h)
{
    struct transaction *t = container_of(h, struct transaction, hold);
    struct actor *home = &a->place->actor[h->home];
    if (t->announced) {
        atomic_store(&a->place->stuck, true);
        return;
    }
    t->announced = true;
    if (home == a)
        make_ready(a, h);
    else if (mailbox_send(&home->mailbox, &h->ready))
        ring(home);
}

/* One at a time, some of them as long as a fiber would take: others then take their arrivals back. */
static void run_ready(struct actor *a)
{
    if (!a->running && ready[a->id][0]) {
        a->running = ready[a->id][0];
        memmove(&ready[a->id][0], &ready[a->id][1], FLYING_MAX * sizeof ready[0][0]);
        bool is_long = random_below(&a->random, a->place->runs_long_one_in) == 0;
        a->run_until_ns = now_ns(a->place) + (is_long ? 3 * HOLD_WAIT_NS : 0);
    }
    if (a->running && now_ns(a->place) >= a->run_until_ns)
        release(a, a->running);
}

static void use_own_shard(struct actor *a)
{
    if (lane_is_held(&a->place->lanes.lane[a->id]))
        return;
    uint64_t seen = a->counter;
    pause_a_little(a);
    a->counter = seen + 1;
    a->own_changes++;
}

static void step_lane(struct actor *a)
{
    for (;;) {
        struct lane_news news = lane_step(&a->place->lanes, a->id, now_ns(a->place));
        if (news.complete)
            wake_all(a, &news.complete->shards);
        if (news.ready)
            announce(a, news.ready);
        use_own_shard(a);
        if (!news.released && !news.ready)
            return;
    }
}

/* True if the bell rang. */
static bool sleep_until(struct actor *a, uint64_t until_ns)
{
    if (!a->place->sim) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        uint64_t now = now_ns(a->place), wait = until_ns > now ? until_ns - now : 0;
        uint64_t at = (uint64_t)t.tv_nsec + wait;
        t.tv_sec += (time_t)(at / 1000000000);
        t.tv_nsec = (long)(at % 1000000000);
        return sem_timedwait(&a->bell, &t) == 0;
    }
    while (!a->rung && sim_now_ns(a->place->sim) < until_ns)
        sim_sleep_ns(a->place->sim, 20000);
    return a->rung;
}

/* Nothing but a bell and the deadline of the lane end a sleep; one of ten seconds means that somebody was forgotten. */
static void rest(struct actor *a)
{
    struct lane *lane = &a->place->lanes.lane[a->id];
    if (a->unput || (a->to_start > 0 && a->flying < FLYING_MAX) || ready[a->id][0])
        return;
    bool idle = mailbox_empty(&a->mailbox) && !lane_has_work(lane);
    mailbox_announce_sleep(&a->mailbox);
    if (!a->place->careless)
        idle = mailbox_empty(&a->mailbox) && !lane_has_work(lane);
    if (idle && atomic_load(&a->place->left) > 0) {
        uint64_t end = now_ns(a->place) + UINT64_C(10000000000), wake = lane_deadline_ns(lane);
        wake = a->running && a->run_until_ns < wake ? a->run_until_ns : wake;
        bool rang = sleep_until(a, wake < end ? wake : end);
        if (!rang && now_ns(a->place) >= end)
            atomic_store(&a->place->stuck, true);
    }
    a->rung = 0;
    mailbox_awake(&a->mailbox);
}

static void act(void *arg)
{
    struct actor *a = arg;
    while (atomic_load(&a->place->left) > 0 && !atomic_load(&a->place->stuck)) {
        struct message *msg = mailbox_take(&a->mailbox), *next;
        for (; msg; msg = next) {
            next = msg->next;
            make_ready(a, container_of(msg, struct hold, ready));
        }
        step_lane(a);
        run_ready(a);
        start_some(a);
        rest(a);
    }
    while (lane_has_work(&a->place->lanes.lane[a->id]) && !atomic_load(&a->place->stuck))
        step_lane(a); /* lets go of what was released last */
}

static void *act_on_thread(void *arg)
{
    act(arg);
    return NULL;
}

/* Any two transactions ran in the same order on all shards that both were on: serials are given while all are held. */
static bool is_sound(const struct place *p)
{
    for (uint32_t s = 0; s < p->count; s++) {
        const struct actor *a = &p->actor[s];
        if (a->counter != a->own_changes + a->held_changes || a->held_changes != a->logged)
            return false;
        for (uint32_t i = 1; i < a->logged; i++)
            if (a->log[i] <= a->log[i - 1])
                return false;
    }
    return !atomic_load(&p->stuck);
}

static struct place *place_create(uint32_t count, uint32_t transactions, struct sim *sim)
{
    struct place *p = aligned_alloc(64, (sizeof *p + 63) / 64 * 64);
    memset(p, 0, sizeof *p);
    memset(ready, 0, sizeof ready);
    p->count = count;
    p->sim = sim;
    p->runs_long_one_in = 50;
    atomic_init(&p->left, count * transactions);
    lanes_init(&p->lanes, count);
    for (uint32_t i = 0; i < count; i++) {
        struct actor *a = &p->actor[i];
        a->place = p;
        a->id = i;
        a->to_start = transactions;
        a->log = malloc(((size_t)count * transactions + 1) * sizeof *a->log);
        mailbox_init(&a->mailbox);
        sem_init(&a->bell, 0, 0);
        random_init(&a->random, random_u64(&seeds));
    }
    return p;
}

static uint64_t place_destroy(struct place *p)
{
    uint64_t takebacks = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        takebacks += p->lanes.lane[i].takebacks;
        sem_destroy(&p->actor[i].bell);
        free(p->actor[i].log);
    }
    for (uint32_t i = 0; i < p->nall; i++)
        free(p->all[i]);
    lanes_deinit(&p->lanes);
    free(p);
    return takebacks;
}

static void test_threads(void **state)
{
    uint32_t transactions = (uint32_t)random_cases(&seeds, 3000);
    uint64_t takebacks = 0;
    for (uint32_t count = 1; count <= WORKERS_MAX; count += 2) {
        struct place *p = place_create(count, transactions, NULL);
        pthread_t threads[WORKERS_MAX];
        for (uint32_t i = 0; i < count; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, act_on_thread, &p->actor[i]), 0);
        for (uint32_t i = 0; i < count; i++)
            pthread_join(threads[i], NULL);
        assert_true(is_sound(p));
        takebacks += place_destroy(p);
    }
    printf("%llu arrivals taken back\n", (unsigned long long)takebacks);
    assert_true(takebacks > 0 || transactions < 1000);
}

#ifdef SKUA_SIM_POINTS
static bool simulate(uint64_t seed, bool careless, uint64_t *takebacks)
{
    /* Half of the time passes between a hold's arrival and its end, so that taking back meets everything else. */
    struct sim_config config = {.seed = seed, .switch_rate = 200, .step_ns_max = 100000, .steps_max = 400000};
    struct sim *sim = sim_create(&config);
    uint32_t count = 2 + (uint32_t)(seed % (WORKERS_MAX - 1));
    struct place *p = place_create(count, SIM_TRANSACTIONS, sim);
    p->careless = careless;
    p->keeps_all = careless || planted_bug != PLANTED_NOTHING;
    p->runs_long_one_in = 4;
    for (uint32_t i = 0; i < count; i++)
        sim_spawn(sim, SIM_CLIENT, "actor", act, &p->actor[i]);
    bool sound = sim_run(sim) == SIM_DONE && is_sound(p);
    sim_destroy(sim);
    *takebacks += place_destroy(p);
    return sound;
}
static void test_schedules(void **state)
{
    long cases = random_cases(&seeds, 300);
    uint64_t takebacks = 0;
    for (long i = 0; i < cases; i++) {
        uint64_t seed = random_u64(&seeds);
        if (!simulate(seed, false, &takebacks))
            fail_msg("seed of the schedule: %llu", (unsigned long long)seed);
    }
    printf("%llu arrivals taken back\n", (unsigned long long)takebacks);
    assert_true(takebacks > 0);
}

#endif

/* Not under the sanitizers: what a planted bug leaves behind is theirs to complain about. */
#if defined(SKUA_SIM_POINTS) && !defined(SKUA_SYSTEM_MALLOC)
static bool finds(bool careless)
{
    uint64_t takebacks = 0;
    for (int i = 0; i < 300; i++)
        if (!simulate(random_u64(&seeds), careless, &takebacks))
            return true;
    return false;
}

static void test_planted(void **state)
{
    static const enum planted_bug bugs[] = {PLANTED_RUN_BEFORE_HELD, PLANTED_LANES_DISAGREE, PLANTED_EARLY_RELEASE,
                                            PLANTED_TAKEN_BACK_UNSEEN};
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        planted_bug = bugs[i];
        bool found = finds(false);
        planted_bug = PLANTED_NOTHING;
        assert_true(found);
    }
    assert_true(finds(true));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets),
        cmocka_unit_test(test_threads),
#ifdef SKUA_SIM_POINTS
        cmocka_unit_test(test_schedules),
#endif
#if defined(SKUA_SIM_POINTS) && !defined(SKUA_SYSTEM_MALLOC)
        cmocka_unit_test(test_planted),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
