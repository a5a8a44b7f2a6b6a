#include "tests/sim/world.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/cmd/table.h"
#include "src/server/commands.h"
#include "src/server/worker.h"

enum { HESITATE_NS_MAX = 300 * 1000, COMPACT_MAX = 4 };

/* The transport of clients */

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

const struct transport world_transport = {world_connect, world_send, world_recv, world_close, world_hesitate};

/* The server */

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

void world_prepare(void)
{
    log_init("", LOG_LEVEL_NOTHING);
    command_table_init();
    server_commands_bind();
}

void world_create(struct world *w, const struct sim_config *sim, uint32_t nworkers)
{
    ASSERT(nworkers >= 1 && nworkers <= WORLD_WORKERS_MAX);
    *w = (struct world){.sim = sim_create(sim), .config = config_create(), .nworkers = nworkers};
    w->config->protected_mode = false;
    /* So low that values become large and small again. */
    w->config->hash_max_listpack_entries = w->config->set_max_listpack_entries = COMPACT_MAX;
    w->config->set_max_intset_entries = w->config->list_max_listpack_size = COMPACT_MAX;
}

void world_serve(struct world *w, uint64_t hash_seed)
{
    for (uint32_t i = 0; i < w->nworkers; i++) {
        struct io_config io_config = {.backend = IO_SIM, .sim = w->sim};
        ASSERT(io_create(&w->io[i], &io_config) == 0);
    }
    w->server = server_create(w->config, w->nworkers, w->io, hash_seed);
    w->listener = sim_listen(w->sim, WORLD_PORT);
    ASSERT(w->listener >= 0);
    sim_spawn(w->sim, SIM_WORKER, "worker 0", first_worker_task, w);
    for (uint32_t i = 1; i < w->nworkers; i++)
        sim_spawn(w->sim, SIM_WORKER, "worker", worker_task, w->server->workers[i]);
}

void world_init(struct world *w, const struct sim_config *sim, uint32_t nworkers, int pipeline_order,
                uint64_t hash_seed)
{
    world_create(w, sim, nworkers);
    w->config->pipeline_order = pipeline_order;
    world_serve(w, hash_seed);
}

bool world_end(struct world *w)
{
    atomic_store(&w->server->signal_received, SIGTERM);
    io_wake(NULL, w->io[0]);
    return sim_finish(w->sim) == SIM_DONE;
}

void world_deinit(struct world *w)
{
    server_destroy(w->server);
    sim_destroy(w->sim);
    config_release(w->config);
}

bool worlds_wanted(int argc, char **argv, uint64_t usual, uint64_t *seed, uint64_t *worlds)
{
    static const struct option options[] = {{"worlds", 1, NULL, 'n'}, {"seed", 1, NULL, 's'}, {0}};
    const char *percent = getenv("SKUA_CASES_PERCENT"), *given = getenv("SKUA_SEED");
    *worlds = usual * (percent ? strtoull(percent, NULL, 10) : 100) / 100;
    *seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'n')
            *worlds = strtoull(optarg, NULL, 10);
        else if (o == 's')
            *seed = strtoull(optarg, NULL, 0);
        else
            return false;
    }
    printf("seed %" PRIu64 ", %" PRIu64 " worlds\n", *seed, *worlds);
    fflush(stdout);
    return true;
}

bool worlds_run(world_run *run, uint64_t seed, uint64_t worlds)
{
    for (uint64_t i = 0; i < worlds; i++) {
        if (!run(seed + i)) {
            fprintf(stderr, "again: %s --worlds 1 --seed %" PRIu64 "\n", program_invocation_short_name, seed + i);
            return false;
        }
    }
    return true;
}
