/* The server: what all workers share. Everything here is fixed before the workers start, or atomic, or guarded by a
 * protocol that its comment names. */
#ifndef SKUA_SERVER_SERVER_H
#define SKUA_SERVER_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shard/lane.h"
#include "src/cmd/table.h"
#include "src/io/io.h"

struct aof;
struct config;
struct control;
struct journal;
struct listeners;
struct loading;
struct shard;
struct worker;

enum { RUN_ID_BYTES = 40 };

/* Each on its own cache line: written by the acceptor and by the clients' workers. */
struct server_load {
    _Alignas(64) _Atomic uint32_t clients;
};

struct server {
    uint32_t nworkers;
    struct worker **workers; /* [nworkers], owned */
    struct shard **shards;   /* [nworkers], into the workers */
    struct lanes lanes;
    struct server_load *load;       /* [nworkers]: clients whose home is, or will be, that worker */
    _Atomic bool *not_built_logged; /* [command_count()] */
    bool *options_noted;            /* worker 0's, see config_notes */
    struct control *control;        /* see control.h */
    struct loading *loading;        /* see loading.h; NULL: there was nothing to load */
    struct aof *aof;                /* see aof.h; NULL in tests */
    struct journal *journal;        /* of aof */
    struct listeners *listeners;    /* worker 0's; NULL under the simulator */
    int directory;                  /* holds the data directory's lock; worker 0's; negative under the simulator */
    uint64_t hash_seed;
    uint32_t databases;
    char run_id[RUN_ID_BYTES + 1];
    const char *executable; /* absolute path of the program */
    int64_t started_ms;     /* wall clock */
    uint64_t started_ns;
    _Atomic uint64_t next_client_id;
    _Atomic uint32_t nclients;
    _Atomic uint64_t clients_rejected;
    int64_t startup_memory;         /* bytes in use before the first client */
    struct mem_account main_memory; /* of the main thread, which makes everything */
    _Atomic uint64_t memory_peak;
    _Atomic int64_t stats_since_ms; /* CONFIG RESETSTAT */
    _Atomic int signal_received;    /* by the main thread; 0: none */
    _Atomic bool stopping;          /* server_stop was called */
    bool all_stopping;              /* worker 0's: all workers know it */
    bool ending;                    /* worker 0's: every client is gone, the workers are told to end */
    bool failed;                    /* worker 0's: it ends because of an error */
};

/* Makes the server and its workers from the configuration, which must outlive them (a reference is taken). io[i]
 * becomes worker i's. Owned by the caller; freed with server_destroy after the workers' loops have ended. */
struct server *server_create(const struct config *config, uint32_t nworkers, struct io **io, uint64_t hash_seed);
void server_destroy(struct server *server);

/* The descriptor of a new connection, on worker 0's thread: goes to the worker with the fewest clients, or is refused
 * (maxclients, protected mode). */
void server_accept(struct worker *w, int fd, bool unix_socket);

/* Bytes that all threads have allocated; and the most there has been, if used is the value now. */
uint64_t server_memory_used(const struct server *s);
uint64_t server_memory_peak(struct server *s, uint64_t used);

/* Each worker, ten times a second. */
void server_cron(struct worker *w);

/* Logs, once, that a client wanted a command that is not there yet. */
void server_log_not_built(struct server *s, const struct command *row);

/* Worker 0, each iteration: acts on a signal, and ends the workers once the last client is gone. */
void server_poll(struct worker *w);

/* Worker 0, as its loop begins: takes connections, and loads if there is something to. */
void server_started(struct worker *w);
/* Worker 0: clients may use the data from now on; says so in the log. */
void server_ready(struct worker *w);

/* Starts the end: no new clients; those there are get what they were already answered, for a moment; then every
 * worker's loop returns. Worker 0's thread. See shutdown.h for whether to. */
void server_stop(struct worker *w);
/* The same after an error that the log has told: the process is to say that it failed. */
void server_fail(struct worker *w);
/* Whether it was called: what takes long had better give up. Any thread. */
static inline bool server_is_stopping(const struct server *s)
{
    return atomic_load_explicit(&s->stopping, memory_order_relaxed);
}

#endif
