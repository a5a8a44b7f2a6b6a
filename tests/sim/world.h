/* A server in the simulator: its workers are coroutines of a world whose seed decides who goes on, and clients reach it
 * over the world's network, by the transport below. What the clients do is the test's. Owner of everything: the test,
 * which runs the world (sim_run) and looks at the server while nothing runs. */
#ifndef SKUA_TESTS_SIM_WORLD_H
#define SKUA_TESTS_SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "src/io/io.h"
#include "src/io/sim.h"
#include "src/server/config.h"
#include "src/server/server.h"
#include "tests/serial/caller.h"

enum { WORLD_WORKERS_MAX = 4, WORLD_PORT = 6379 };

struct world {
    struct sim *sim;
    struct config *config;
    uint32_t nworkers;
    struct io *io[WORLD_WORKERS_MAX];
    struct server *server;
    struct io_op accept;
    int listener;
};

/* Once in a process: the command table. */
void world_prepare(void);

/* Makes the world and its server in the caller's memory, which must stay where it is. Nothing runs before sim_run. */
void world_init(struct world *w, const struct sim_config *sim, uint32_t nworkers, int pipeline_order,
                uint64_t hash_seed);
/* The same in two steps: between them the configuration may be changed, and a disk made. */
void world_create(struct world *w, const struct sim_config *sim, uint32_t nworkers);
void world_serve(struct world *w, uint64_t hash_seed);
/* Ends the server as a signal would; false if it does not end. */
bool world_end(struct world *w);
/* After a world_end that returned true. */
void world_deinit(struct world *w);

/* What a suite's command line (--worlds N, --seed N) and its environment (tests/suites) ask for, usual being the number
 * of worlds of 100 percent; prints it. False: no such option. */
bool worlds_wanted(int argc, char **argv, uint64_t usual, uint64_t *seed, uint64_t *worlds);

/* Runs worlds, the first with this seed, until one fails, and then says how to run that one again. run: plays one
 * world; false if it failed. */
typedef bool world_run(uint64_t seed);
bool worlds_run(world_run *run, uint64_t seed, uint64_t worlds);

/* For clients that are tasks of the world; their `world` is a struct world. */
extern const struct transport world_transport;

#endif
