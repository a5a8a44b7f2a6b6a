/* The simulator: a world on one thread in which workers and clients are coroutines, with a virtual clock and a virtual
 * network. Everything that could differ between two runs (who goes on, delays, short reads and writes, faults) comes
 * from the seed, so a run can be repeated. For tests only; it finds wrong orders of events, not missing memory
 * barriers.
 *
 * A worker is a task that uses an io of backend IO_SIM on descriptors of this world, on which it is given the processor
 * again by the scheduler at every io_reap and io_wait. A client is a task that uses the sim_client calls below, or an
 * io as well. In builds with -Dsimpoints=true the scheduler may also switch at every SHARED_OP(). */
#ifndef SKUA_IO_SIM_H
#define SKUA_IO_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct sim;

/* Zero means the default in brackets. Rates are per thousand of the occasions they name; SIM_NEVER is a rate of none.
 */
#define SIM_NEVER UINT32_MAX
struct sim_config {
    uint64_t seed;
    uint64_t begin_ns;          /* of its clock: a world may go on where another has ended [1 s] */
    uint32_t delay_ns_max;      /* until sent bytes, an end of stream or a connection arrives [200 us] */
    uint32_t step_ns_max;       /* that a task runs before it gives the processor back [2 us] */
    uint32_t pipe_bytes;        /* that one direction of a connection holds [64 KB] */
    uint32_t short_rate;        /* of sends and receives cut short [200] */
    uint32_t defer_rate;        /* of receives put off, as for lack of buffers [50] */
    uint32_t accept_error_rate; /* of accepts that fail with EMFILE [20] */
    uint32_t reset_rate;        /* per million, of sends that find the connection reset [0] */
    uint32_t switch_rate;       /* of SHARED_OP()s at which another task may go on [100] */
    uint64_t steps_max;         /* turns of tasks in one run [20 million] */
    uint64_t time_ns_max;       /* virtual time of one run [1 hour] */
};

/* The world is the caller's, who destroys it after all its ios. Tasks that have not ended are dropped where they are.
 */
struct sim *sim_create(const struct sim_config *config);
void sim_destroy(struct sim *sim);

/* Tasks. name is borrowed for the life of the world. A run is over when no client is left. */
typedef void sim_task_fn(void *arg);
enum sim_role { SIM_WORKER, SIM_CLIENT };
void sim_spawn(struct sim *sim, enum sim_role role, const char *name, sim_task_fn *fn, void *arg);

/* SIM_DEADLOCK: no task can ever go on. SIM_LIMIT: more steps or time than the configuration allows. Both print the
 * state of the world to stderr. SIM_CRASHED: as sim_disk.h was asked to; nothing goes on in this world.
 * sim_run ends with the last client, sim_finish with the last worker too. */
enum sim_end { SIM_DONE, SIM_DEADLOCK, SIM_LIMIT, SIM_CRASHED };
enum sim_end sim_run(struct sim *sim);
enum sim_end sim_finish(struct sim *sim);

/* A digest of all that has happened: equal for equal seeds. */
uint64_t sim_trace(const struct sim *sim);
/* From the world's seed: uniform in 0 .. bound - 1. */
uint64_t sim_random(struct sim *sim, uint64_t bound);
uint64_t sim_now_ns(const struct sim *sim);
void sim_describe(struct sim *sim, FILE *out);

/* Network. Descriptors are SIM_FD_FIRST and up, the lowest free one first. -errno on error. */
enum { SIM_FD_FIRST = 1 << 24 };
int sim_listen(struct sim *sim, uint16_t port);
/* Waits for the connection to be in the listener's queue; -ECONNREFUSED without a listener. */
int sim_connect(struct sim *sim, uint16_t port);

/* Only in a task. All wait where the socket calls of their names would block. Sends may be partial. */
int sim_client_send(struct sim *sim, int fd, const void *buf, size_t len);
int sim_client_recv(struct sim *sim, int fd, void *buf, size_t len);
void sim_client_close(struct sim *sim, int fd);
/* Breaks the connection: the peer gets -ECONNRESET, and bytes on their way are lost. */
void sim_client_reset(struct sim *sim, int fd);
void sim_sleep_ns(struct sim *sim, uint64_t ns);
/* Lets other tasks go on. */
void sim_yield(struct sim *sim);

#endif
