/* Strict serializability in the simulator: the same plans and the same check as tests/serial/serial_test.c, but workers
 * and clients are coroutines that take turns as a seed says, on a network that delays, cuts short and breaks
 * connections, and switch before any operation that workers share (in builds with -Dsimpoints=true).
 *
 *   serial_sim [--worlds N] [--seed N]
 *
 * Each world has a seed of its own (the first is --seed, or SKUA_SEED, or the clock), from which all of it follows: a
 * world that fails is run again with --worlds 1 --seed N. A run of the usual length or more first shows that bugs are
 * found, by worlds whose server has one (planted.h); SKUA_SHOW_PLANTED=1 shows what they look like. The last line says
 * how much was done, for tests/run. */
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/planted.h"
#include "src/cmd/table.h"
#include "src/io/io.h"
#include "src/io/sim.h"
#include "src/server/commands.h"
#include "src/server/config.h"
#include "src/server/server.h"
#include "src/server/worker.h"
#include "tests/serial/chance.h"
#include "tests/serial/checker.h"
#include "tests/serial/player.h"
#include "tests/serial/workload.h"

enum {
    WORLDS_USUAL = 6000,
    WORKERS = 4,
    PORT = 6379,
    HISTORIES = 3, /* of one world, one after the other */
    UNDECIDED_PER_MILLE_MAX = 5,
    HESITATE_NS_MAX = 300 * 1000,
    PLANTED_WORLDS_MAX = 20000,
    PLANTED_SECONDS_MAX = 180,
    RESET_RATE = 3000, /* per million sends, in worlds that have resets */
};

struct world {
    uint64_t seed;
    struct random random;
    struct sim *sim;
    struct config *config;
    struct io *io[WORKERS];
    struct server *server;
    struct io_op accept;
    int listener;
    /* the history being played */
    struct history *plan;
    struct player players[WORKLOAD_CLIENTS_MAX + 1];
    struct world *worlds[WORKLOAD_CLIENTS_MAX + 1]; /* a task finds its number by where its argument points */
    uint32_t nclients, left;
    _Atomic uint64_t clock;
};

struct totals {
    uint64_t worlds, histories, undecided, operations, lost;
};

/* The transport of clients in the simulator */

static int world_connect(void *world, uint16_t port) { return sim_connect(((struct world *)world)->sim, port); }

static ssize_t world_send(void *world, int fd, const void *buf, size_t len)
{
    return sim_client_send(((struct world *)world)->sim, fd, buf, len);
}

static ssize_t world_recv(void *world, int fd, void *buf, size_t len)
{
    return sim_client_recv(((struct world *)world)->sim, fd, buf, len);
}

static void world_close(void *world, int fd, bool hard)
{
    (hard ? sim_client_reset : sim_client_close)(((struct world *)world)->sim, fd);
}

static void world_hesitate(void *arg)
{
    struct world *w = arg;
    sim_sleep_ns(w->sim, sim_random(w->sim, HESITATE_NS_MAX));
}

static const struct transport transport = {world_connect, world_send, world_recv, world_close, world_hesitate};

/* The server in the simulator */

static void on_accept(struct io_op *op, int res, const char *data)
{
    struct world *w = container_of(op, struct world, accept);
    if (res >= 0)
        server_accept(w->server->workers[0], res, false);
}

static void worker_task(void *arg)
{
    struct worker *worker = arg;
    worker_run(worker);
}

static void first_worker_task(void *arg)
{
    struct world *w = arg;
    w->accept.done = on_accept;
    io_accept(w->io[0], &w->accept, w->listener);
    worker_run(w->server->workers[0]);
    io_cancel(w->io[0], &w->accept);
    while (io_op_active(&w->accept))
        io_reap(w->io[0]);
}

static void world_init(struct world *w, uint64_t seed)
{
    *w = (struct world){.seed = seed};
    random_init(&w->random, seed);
    struct sim_config sim_config = {
        .seed = random_u64(&w->random),
        .reset_rate = chance_percent(&w->random, 25) ? RESET_RATE : 0,
        .switch_rate = chance_percent(&w->random, 50) ? chance_between(&w->random, 1, 500) : 0,
        .delay_ns_max = chance_percent(&w->random, 50) ? chance_between(&w->random, 1, 1000 * 1000) : 0,
    };
    w->sim = sim_create(&sim_config);
    w->config = config_create();
    w->config->protected_mode = false;
    w->config->pipeline_order = chance_percent(&w->random, 50) ? PIPELINE_ORDER_STRICT : PIPELINE_ORDER_RELAXED;
    for (uint32_t i = 0; i < WORKERS; i++) {
        struct io_config io_config = {.backend = IO_SIM, .sim = w->sim};
        ASSERT(io_create(&w->io[i], &io_config) == 0);
    }
    w->server = server_create(w->config, WORKERS, w->io, random_u64(&w->random));
    w->listener = sim_listen(w->sim, PORT);
    ASSERT(w->listener >= 0);
    sim_spawn(w->sim, SIM_WORKER, "worker 0", first_worker_task, w);
    for (uint32_t i = 1; i < WORKERS; i++)
        sim_spawn(w->sim, SIM_WORKER, "worker", worker_task, w->server->workers[i]);
    for (uint32_t i = 0; i <= WORKLOAD_CLIENTS_MAX; i++) {
        w->worlds[i] = w;
        player_init(&w->players[i], &transport, w, PORT, &w->clock);
        w->players[i].goes_on = true;
    }
}

/* Ends the server as a signal would; false if it does not end. */
static bool world_end(struct world *w)
{
    atomic_store(&w->server->signal_received, SIGTERM);
    io_wake(NULL, w->io[0]);
    return sim_finish(w->sim) == SIM_DONE;
}

static void world_deinit(struct world *w)
{
    server_destroy(w->server);
    sim_destroy(w->sim);
    config_release(w->config);
}

/* Histories */

/* The last client to finish then plays the look at all keys. */
static void client_task(void *arg)
{
    struct world **place = arg, *w = *place;
    player_play(&w->players[place - w->worlds], w->plan);
    if (--w->left == 0)
        player_play(&w->players[WORKLOAD_CLIENTS_MAX], w->plan);
}

static void close_task(void *arg)
{
    struct world *w = arg;
    for (uint32_t i = 0; i <= WORKLOAD_CLIENTS_MAX; i++)
        player_deinit(&w->players[i]);
}

static bool play(struct world *w, struct history *h, uint32_t number)
{
    char prefix[32];
    h->order = w->config->pipeline_order == PIPELINE_ORDER_STRICT ? PIPELINE_STRICT : PIPELINE_RELAXED;
    h->shape = (struct key_space_shape){.seed = w->server->hash_seed, .nshards = WORKERS};
    snprintf(prefix, sizeof(prefix), "%u:", number);
    w->plan = h;
    w->nclients = w->left = workload_plan(h, &w->random, prefix, true);
    for (uint32_t i = 0; i <= WORKLOAD_CLIENTS_MAX; i++) {
        w->players[i].number = i < WORKLOAD_CLIENTS_MAX ? i : w->nclients;
        random_init(&w->players[i].random, random_u64(&w->random));
        if (i < w->nclients)
            sim_spawn(w->sim, SIM_CLIENT, "client", client_task, &w->worlds[i]);
    }
    bool good = sim_run(w->sim) == SIM_DONE;
    for (uint32_t i = 0; i <= WORKLOAD_CLIENTS_MAX; i++)
        history_adopt(h, &w->players[i].replies);
    return good;
}

static bool check(const struct history *h, struct totals *totals)
{
    enum verdict verdict = checker_run(h, CHECKER_STEPS_MAX, NULL);
    totals->histories++;
    totals->operations += h->nops;
    totals->undecided += verdict == VERDICT_UNDECIDED;
    for (uint32_t i = 0; i < h->nops; i++)
        totals->lost += h->ops[i].answered == EVENT_NEVER;
    if (verdict != VERDICT_NOT_SERIAL)
        return true;
    struct history prefix;
    history_prefix(h, checker_first_bad_event(h, CHECKER_STEPS_MAX), &prefix);
    fprintf(stderr, "not serializable:\n");
    history_print(&prefix, stderr);
    history_clear(&prefix);
    return false;
}

static bool run_world(uint64_t seed, struct totals *totals)
{
    struct world w;
    bool good = true;
    world_init(&w, seed);
    for (uint32_t i = 0; i < HISTORIES && good; i++) {
        struct history h;
        history_init(&h);
        good = play(&w, &h, i);
        if (!good) {
            fprintf(stderr, "the world stands still:\n");
            history_print(&h, stderr);
        }
        good = good && check(&h, totals);
        history_clear(&h);
    }
    totals->worlds++;
    if (!good) /* it may not be in a state that can be taken down: leave it */
        return false;
    sim_spawn(w.sim, SIM_CLIENT, "closer", close_task, &w);
    good = sim_run(w.sim) == SIM_DONE && world_end(&w);
    if (good)
        world_deinit(&w);
    else
        fprintf(stderr, "the server does not end\n");
    return good;
}

/* Runs worlds one after the other until one fails. */
static bool run_worlds(uint64_t seed, uint64_t worlds, struct totals *totals)
{
    for (uint64_t i = 0; i < worlds; i++) {
        if (!run_world(seed + i, totals)) {
            fprintf(stderr, "again: serial_sim --worlds 1 --seed %" PRIu64 "\n", seed + i);
            return false;
        }
    }
    return true;
}

#ifdef SKUA_SIM_POINTS
static const char *const planted_names[PLANTED_COUNT] = {
    [PLANTED_SIGNAL_OVERTAKES] = "a signal overtakes",
    [PLANTED_LANES_DISAGREE] = "lanes disagree",
    [PLANTED_RUN_BEFORE_HELD] = "a transaction runs before all is held",
    [PLANTED_HELD_SHARD_RUNS] = "a held shard runs",
    [PLANTED_EARLY_RELEASE] = "shards are let go early",
};

/* A process of its own has the bug, because one way to find it is an assertion. */
static bool is_found(enum planted_bug bug, uint64_t seed)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        struct totals totals = {0};
        struct rlimit no_core = {0};
        setrlimit(RLIMIT_CORE, &no_core);
        alarm(PLANTED_SECONDS_MAX);
        if (!getenv("SKUA_SHOW_PLANTED") && !freopen("/dev/null", "w", stderr))
            _exit(2);
        planted_bug = bug;
        _exit(run_worlds(seed, PLANTED_WORLDS_MAX, &totals) ? 0 : 1);
    }
    ASSERT(waitpid(child, &status, 0) == child);
    bool found =
        WIFEXITED(status) ? WEXITSTATUS(status) == 1 : WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV;
    printf("planted: %s: %s\n", planted_names[bug], found ? "found" : "not found");
    return found;
}
#endif

/* Shows that bugs are found: the same worlds, with a server that has one. Only where it can be given one. */
static bool find_planted(uint64_t seed)
{
    bool good = true;
#ifdef SKUA_SIM_POINTS
    for (int bug = PLANTED_NOTHING + 1; bug < PLANTED_COUNT; bug++)
        good = is_found((enum planted_bug)bug, seed) && good;
#endif
    return good;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"worlds", 1, NULL, 'n'}, {"seed", 1, NULL, 's'}, {0}};
    const char *percent = getenv("SKUA_CASES_PERCENT"), *given = getenv("SKUA_SEED");
    uint64_t worlds = WORLDS_USUAL * (percent ? strtoull(percent, NULL, 10) : 100) / 100;
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'n':
            worlds = strtoull(optarg, NULL, 10);
            break;
        case 's':
            seed = strtoull(optarg, NULL, 0);
            break;
        default:
            return 2;
        }
    }
    printf("seed %" PRIu64 ", %" PRIu64 " worlds\n", seed, worlds);
    fflush(stdout);
    log_init("", LOG_LEVEL_NOTHING);
    command_table_init();
    server_commands_bind();
    struct totals totals = {0};
    bool good = (worlds < WORLDS_USUAL || find_planted(seed)) && run_worlds(seed, worlds, &totals);
    printf("%" PRIu64 " operations, %" PRIu64 " never answered, %" PRIu64 " of %" PRIu64 " histories undecided\n",
           totals.operations, totals.lost, totals.undecided, totals.histories);
    good = good && totals.undecided * 1000 <= UNDECIDED_PER_MILLE_MAX * totals.histories;
    printf("serial_sim cases=%" PRIu64 " seeds=%" PRIu64 "\n", totals.histories, totals.worlds);
    return good ? 0 : 1;
}
