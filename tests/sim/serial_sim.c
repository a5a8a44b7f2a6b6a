/* Strict serializability in the simulator: the same plans and the same check as tests/serial/serial_test.c, but workers
 * and clients are coroutines that take turns as a seed says, on a network that delays, cuts short and breaks
 * connections, and switch before any operation that workers share (in builds with -Dsimpoints=true).
 *
 *   serial_sim [--worlds N] [--seed N]
 *
 * Each world has a seed of its own (the first is --seed, or SKUA_SEED, or the clock), from which all of it follows: a
 * world that fails is run again with --worlds 1 --seed N. A run of the usual length or more first shows that bugs are
 * found, by worlds whose server has one (planted.h); and it fails if no shard was ever taken back. The last line says
 * how much was done, for tests/run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/server/worker.h"
#include "tests/serial/chance.h"
#include "tests/serial/checker.h"
#include "tests/serial/player.h"
#include "tests/serial/workload.h"
#include "tests/sim/planted.h"
#include "tests/sim/world.h"

enum {
    WORLDS_USUAL = 6000,
    WORKERS = 4,
    HISTORIES = 3, /* of one world, one after the other */
    UNDECIDED_PER_MILLE_MAX = 5,
    RESET_RATE = 3000, /* per million sends, in worlds that have resets */
    TAKING_BACK_WORLDS_MIN = 100,
};

/* Whatever a server was asked is done by then. */
static const uint64_t SETTLE_NS = UINT64_C(5000000000);

/* A world and the history that is being played in it. */
struct trial {
    uint64_t seed;
    struct random random;
    struct world world;
    struct history *plan;
    struct player players[WORKLOAD_CLIENTS_MAX + 1];
    struct trial *trials[WORKLOAD_CLIENTS_MAX + 1]; /* a task finds its number by where its argument points */
    uint32_t nclients, left;
    _Atomic uint64_t clock;
};

struct totals {
    uint64_t worlds, histories, undecided, operations, lost, takebacks;
};

static struct totals totals;

static void trial_init(struct trial *t, uint64_t seed)
{
    *t = (struct trial){.seed = seed};
    random_init(&t->random, seed);
    struct sim_config sim = {
        .seed = random_u64(&t->random),
        .reset_rate = chance_percent(&t->random, 25) ? RESET_RATE : 0,
        .switch_rate = chance_percent(&t->random, 50) ? chance_between(&t->random, 1, 500) : 0,
        .delay_ns_max = chance_percent(&t->random, 50) ? chance_between(&t->random, 1, 1000 * 1000) : 0,
    };
    if (chance_percent(&t->random, 20)) /* workers so slow that others take their shards back */
        sim.step_ns_max = chance_between(&t->random, 100 * 1000, 1000 * 1000);
    int order = chance_percent(&t->random, 50) ? PIPELINE_ORDER_STRICT : PIPELINE_ORDER_RELAXED;
    world_init(&t->world, &sim, WORKERS, order, random_u64(&t->random));
    t->world.config->enable_debug_command = ALLOWED_YES;
    for (uint32_t i = 0; i <= WORKLOAD_CLIENTS_MAX; i++) {
        t->trials[i] = t;
        player_init(&t->players[i], &world_transport, &t->world, WORLD_PORT, &t->clock);
        t->players[i].goes_on = true;
    }
}

/* Histories */

static bool is_something_unanswered(const struct trial *t)
{
    for (uint32_t i = 0; i < t->nclients; i++)
        if (t->players[i].lost)
            return true;
    return false;
}

/* The last client to finish then plays the look at all keys. What a lost connection left behind must not reach into the
 * next history: it may be about whole databases. */
static void client_task(void *arg)
{
    struct trial **place = arg, *t = *place;
    player_play(&t->players[place - t->trials], t->plan);
    if (--t->left > 0)
        return;
    if (is_something_unanswered(t))
        sim_sleep_ns(t->world.sim, SETTLE_NS);
    player_play(&t->players[WORKLOAD_CLIENTS_MAX], t->plan);
}

static void close_task(void *arg)
{
    struct trial *t = arg;
    for (uint32_t i = 0; i <= WORKLOAD_CLIENTS_MAX; i++)
        player_deinit(&t->players[i]);
}

static bool play(struct trial *t, struct history *h, uint32_t number)
{
    char prefix[32];
    h->order = t->world.config->pipeline_order == PIPELINE_ORDER_STRICT ? PIPELINE_STRICT : PIPELINE_RELAXED;
    h->shape = (struct key_space_shape){.seed = t->world.server->hash_seed, .nshards = WORKERS};
    snprintf(prefix, sizeof(prefix), "%u:", number);
    t->plan = h;
    t->nclients = t->left = workload_plan(h, &t->random, prefix, true);
    for (uint32_t i = 0; i <= WORKLOAD_CLIENTS_MAX; i++) {
        t->players[i].number = i < WORKLOAD_CLIENTS_MAX ? i : t->nclients;
        random_init(&t->players[i].random, random_u64(&t->random));
        if (i < t->nclients)
            sim_spawn(t->world.sim, SIM_CLIENT, "client", client_task, &t->trials[i]);
    }
    bool good = sim_run(t->world.sim) == SIM_DONE;
    for (uint32_t i = 0; i <= WORKLOAD_CLIENTS_MAX; i++)
        history_adopt(h, &t->players[i].replies);
    return good;
}

static bool check(const struct history *h)
{
    enum verdict verdict = checker_run(h, CHECKER_STEPS_MAX, NULL);
    totals.histories++;
    totals.operations += h->nops;
    totals.undecided += verdict == VERDICT_UNDECIDED;
    for (uint32_t i = 0; i < h->nops; i++)
        totals.lost += h->ops[i].answered == EVENT_NEVER;
    if (verdict != VERDICT_NOT_SERIAL)
        return true;
    struct history prefix;
    history_prefix(h, checker_first_bad_event(h, CHECKER_STEPS_MAX), &prefix);
    fprintf(stderr, "not serializable:\n");
    history_print(&prefix, stderr);
    history_clear(&prefix);
    return false;
}

static bool run_world(uint64_t seed)
{
    struct trial t;
    bool good = true;
    trial_init(&t, seed);
    for (uint32_t i = 0; i < HISTORIES && good; i++) {
        struct history h;
        history_init(&h);
        good = play(&t, &h, i);
        if (!good) {
            fprintf(stderr, "the world stands still:\n");
            history_print(&h, stderr);
        }
        good = good && check(&h);
        history_clear(&h);
    }
    totals.worlds++;
    for (uint32_t i = 0; i < WORKERS; i++)
        totals.takebacks += t.world.server->lanes.lane[i].takebacks;
    if (!good) /* it may not be in a state that can be taken down: leave it */
        return false;
    sim_spawn(t.world.sim, SIM_CLIENT, "closer", close_task, &t);
    good = sim_run(t.world.sim) == SIM_DONE && world_end(&t.world);
    if (good)
        world_deinit(&t.world);
    else
        fprintf(stderr, "the server does not end\n");
    return good;
}

static const struct planted planted[] = {
    {PLANTED_SIGNAL_OVERTAKES, "a signal overtakes"},
    {PLANTED_LANES_DISAGREE, "lanes disagree"},
    {PLANTED_RUN_BEFORE_HELD, "a transaction runs before all is held"},
    {PLANTED_HELD_SHARD_RUNS, "a held shard runs"},
    {PLANTED_EARLY_RELEASE, "shards are let go early"},
    {PLANTED_TAKEN_BACK_UNSEEN, "nobody misses a shard that took back"},
};

int main(int argc, char **argv)
{
    uint64_t seed, worlds;
    if (!worlds_wanted(argc, argv, WORLDS_USUAL, &seed, &worlds))
        return 2;
    world_prepare();
    bool good =
        worlds < WORLDS_USUAL || planted_all_found(planted, sizeof planted / sizeof planted[0], run_world, seed);
    good = good && worlds_run(run_world, seed, worlds);
    printf("%" PRIu64 " operations, %" PRIu64 " never answered, %" PRIu64 " of %" PRIu64
           " histories undecided, %" PRIu64 " holds taken back\n",
           totals.operations, totals.lost, totals.undecided, totals.histories, totals.takebacks);
    good = good && totals.undecided * 1000 <= UNDECIDED_PER_MILLE_MAX * totals.histories;
    if (totals.worlds >= TAKING_BACK_WORLDS_MIN && totals.takebacks == 0) {
        fprintf(stderr, "no shard was taken back\n");
        good = false;
    }
    printf("serial_sim cases=%" PRIu64 " seeds=%" PRIu64 "\n", totals.histories, totals.worlds);
    return good ? 0 : 1;
}
