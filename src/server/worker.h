/* A worker: one thread with one ring, one shard and the connections whose home it is. This is its state and its loop;
 * what it does with requests is in batch.c, with several shards in bundle.c, with all workers at once in ask.c.
 *
 * Owner of everything in struct worker: its thread, unless a field says otherwise. Other workers reach it only through
 * its mailbox and its shard's lane. */
#ifndef SKUA_SERVER_WORKER_H
#define SKUA_SERVER_WORKER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shard/effects.h"
#include "shard/lane.h"
#include "shard/mailbox.h"
#include "shard/shard.h"
#include "src/base/fiber.h"
#include "src/base/list.h"
#include "src/base/random.h"
#include "src/cmd/command.h"
#include "src/io/io.h"
#include "src/net/out_pool.h"
#include "src/server/control.h"
#include "src/server/rate.h"

struct ask;
struct batch;
struct bundle;
struct client;
struct config;
struct group;
struct server;

enum message_kind {
    MSG_GROUP,      /* struct group: run it */
    MSG_GROUP_DONE, /* struct group, back at its home */
    MSG_CHUNK,      /* struct load_chunk: run it */
    MSG_CHUNK_DONE, /* struct load_chunk, back at its loader */
    MSG_HOLD_READY, /* struct hold: all its shards have arrived */
    MSG_ASK,        /* struct ask_part */
    MSG_ASK_SHARD,  /* the same, for one that touches the shard and so waits while it is held */
    MSG_ASK_DONE,   /* struct ask, back at its home: every worker has answered */
    MSG_CLIENT,     /* struct client: a new connection to take in */
};

/* Counters that others read with relaxed loads (INFO); written by the owner alone. */
struct worker_stats {
    _Atomic uint64_t connections, commands, groups_run, bytes_in, bytes_out, transactions, bundles, reads, writes,
        query_limit_closed, output_limit_closed, wakes, iterations, errors, auth_denied, expire_ns, expire_unfinished;
};

static inline void stat_add(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline uint64_t stat_get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit((_Atomic uint64_t *)counter, memory_order_relaxed);
}

/* A fiber that has given the loop back until wake_ns. */
struct worker_fiber {
    struct list node;
    struct fiber *fiber;
    uint64_t wake_ns;
    void (*finish)(void *arg); /* on the loop's stack, after the fiber's function has returned */
    void *arg;
};

struct worker {
    uint32_t id;
    struct server *server;
    struct io *io;
    struct mailbox mailbox; /* shared */
    struct shard shard;     /* lent out while its lane is held */
    struct lane *lane;
    struct key_space_shape shape;
    struct cmd_host host; /* for commands that run here */

    const struct control_state *control; /* this worker's snapshot */
    const struct config *config;         /* in it */
    struct limits limits;                /* from it */
    bool strict_order;                   /* from it */
    enum pause_kind pause;               /* from it */
    int64_t pause_until_ms;              /* from it */
    bool expire_active;                  /* from it */
    bool loading;                        /* data is being loaded: clients have to wait */

    /* Messages for others, published once an iteration. */
    struct outbox *outbox;  /* [nworkers] */
    uint32_t *outbox_dirty; /* targets with something in their outbox */
    uint32_t outbox_ndirty;

    struct message *parked, **parked_tail; /* for the shard, while it is held */
    struct list again;                     /* struct ask_part that wants to go on next iteration */

    struct out_pool out_pool;
    struct list clients;   /* struct client, in order of arrival */
    struct list dirty;     /* clients with output to send */
    struct list unsafe;    /* the same, but what their output tells is not safe yet */
    struct list closing;   /* clients on their way out */
    struct list paused;    /* clients that CLIENT PAUSE keeps waiting */
    struct list throttled; /* clients that wait for room in the journal */
    uint32_t nclients;

    struct batch *free_batches;
    struct group *free_groups;
    uint32_t nfree_batches, nfree_groups;
    struct group **group_of; /* [nworkers] of the stage being built, else all NULL */
    struct list open_bundles, flying_bundles;
    struct batch *held_done, **held_done_tail; /* whose holds have run: they go on after the lane has let go */
    struct list fibers;                        /* struct worker_fiber */
    struct effects effects;                    /* of this iteration, or of the transaction that runs */
    struct journal_wait **stamps;              /* owned; to be filled in with the position of the next batch */
    uint32_t nstamps, stamps_cap;

    bool time_seen;   /* now_ns and now_ms are of this iteration: see worker_see_time */
    uint64_t now_ns;  /* monotonic, of this iteration */
    int64_t now_ms;   /* wall clock, of this iteration */
    uint64_t cron_ns; /* next cron */
    struct random random;
    bool freeing;     /* the keyspace may have something to free or to merge */
    int write_fault;  /* -errno for which writes are refused; 0: none. As of the last iteration */
    bool busy;        /* something wants another iteration at once */
    bool stopping;    /* its clients are seen out; others' may still need its shard */
    uint64_t stop_ns; /* when clients that have not read their replies are closed all the same */
    bool ended;       /* every client of every worker is gone: the loop returns */
    struct worker_stats stats;
    struct rate ops_rate, in_rate, out_rate;
    struct mem_account memory; /* all that this thread has allocated, less what it has freed */
};

/* Makes a worker in zeroed memory; io is taken over. */
void worker_init(struct worker *w, struct server *server, uint32_t id, struct io *io);
void worker_deinit(struct worker *w);

/* The loop; returns when ended. */
void worker_run(struct worker *w);

/* Puts msg into target's outbox; it goes out at the end of the iteration. Also for target == w. */
void worker_send(struct worker *w, uint32_t target, struct message *msg, enum message_kind kind);

/* After something was made visible to target by other means than its mailbox. */
void worker_wake(struct worker *w, uint32_t target);

/* Writes are refused from now on because of this -errno, or not any more (0). */
void worker_set_write_fault(struct worker *w, int fault);

/* Starts fn(arg) on a fiber, at once; finish(arg) follows on the loop's stack when it has returned. False: no memory
 * for a stack. */
bool worker_spawn(struct worker *w, fiber_fn *fn, void (*finish)(void *arg), void *arg);

/* Inside such a fiber: gives the loop back until wake_ns at least. Anywhere else, which is where a command runs that
 * there was no stack for, it returns at once. */
void worker_yield_until(struct worker *w, uint64_t wake_ns);

/* Lets a fiber of w that has yielded go on, in this iteration or the next, whatever time it waits for. */
void worker_wake_fiber(struct worker *w, const struct fiber *fiber);

/* Reads the clocks. */
void worker_tick(struct worker *w);

/* First thing in what the kernel calls: the worker may have slept since it last looked at the clocks, and a command
 * must not see a time before it was sent. */
static inline void worker_see_time(struct worker *w)
{
    if (!w->time_seen)
        worker_tick(w);
}

/* Takes a new snapshot, of which it gets a reference, and applies what depends on it. */
void worker_take_control(struct worker *w, const struct control_state *state);

uint64_t worker_random(struct worker *w);

#endif
