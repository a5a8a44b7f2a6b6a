/* Batches: the complete commands of one read of one connection, and how they get to their shards and back in order
 * (design sections 3 and 4).
 *
 * A connection has at most one batch under way; what arrives meanwhile waits in its query buffer. A batch runs in
 * *stages*. In a stage, single-shard commands go as one group per shard, all at once; a stage ends before a command
 * that must not overtake earlier ones (a signal, or any with pipeline-order strict, if other shards have work in the
 * stage), before one that needs several shards, and before one that looks at the whole server. When all of a stage is
 * done, its replies are put in order and the next begins. If nothing that is left of a batch leaves the worker, its
 * commands run one after the other straight into the connection's output.
 *
 * Memory: arguments point into the connection's input while the batch runs in the call that parsed it; if it has to
 * wait for others they are copied into the batch first. Batches are reused. */
#ifndef SKUA_SERVER_BATCH_H
#define SKUA_SERVER_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/journal_sink.h"
#include "shard/lane.h"
#include "src/cmd/command.h"
#include "src/wire/parse.h"
#include "src/wire/reply.h"

struct client;
struct group;
struct worker;

enum {
    BATCH_REQUESTS_MAX = 256,
    BATCH_KEEP_BYTES = 64 * 1024, /* a reused batch keeps no buffer larger than this */
};

enum request_route {
    ROUTE_ERROR, /* answered when its turn comes: unknown, arity, not built */
    ROUTE_HOME,
    ROUTE_SHARD, /* key.shard */
    ROUTE_HOLD,  /* several shards */
};

/* One cache line, with all that executing most commands needs. Requests of a stage are copied into their groups, so
 * that a shard's worker reads a run of lines and writes back what else it has to say there: the fewer lines go back and
 * forth between two workers' caches, the better. */
struct request {
    struct key key;            /* the first one; key.shard also says where a request without keys goes */
    const struct command *row; /* NULL: unknown command */
    uint32_t arg_first, argc;  /* in batch->args */
    uint32_t key_first, nkeys; /* in batch->keys, unless it is one */
    uint32_t db;
    uint8_t route; /* enum request_route */
    uint8_t resp;
    bool no_touch, silent;
    uint64_t reply_len : 63; /* what it was answered, behind the answers before it in its group or in batch->reply */
    uint64_t in_group : 1;
};
_Static_assert(sizeof(struct request) == 64, "a request is one cache line");

struct batch {
    struct client *client;
    struct worker *home;
    struct request *requests; /* owned */
    uint32_t count, cap;
    uint32_t cursor;      /* the next request to route */
    uint32_t stage_first; /* of the running stage */
    uint32_t pending;     /* groups, holds and asks the stage waits for */
    struct key *keys;     /* owned */
    uint32_t nkeys, keys_cap;
    struct arg_arena args;  /* owned */
    struct arg_blobs blobs; /* owned, with their blobs */
    struct slice source;    /* the input that args point into; ptr NULL once copied */
    char *bytes;            /* owned copy */
    size_t bytes_cap;
    struct reply reply;            /* of home commands, errors and holds of this stage */
    struct group *groups;          /* of this stage */
    struct shard_set shards;       /* of the requests that wait for a hold */
    uint32_t hold_first, hold_end; /* those requests */
    struct journal_wait wait;      /* of what its holds answered */
    struct batch *next;            /* in its bundle, or in the free list */
};

/* Parses and runs what of the client's input can run now. */
void batches_run(struct client *c);

static inline const struct key *request_keys(const struct batch *b, const struct request *r)
{
    return r->nkeys <= 1 ? &r->key : b->keys + r->key_first; /* of none there need be no array */
}

/* Goes on with a batch whose next request had to wait for the end of CLIENT PAUSE. */
void batch_continue(struct batch *b);

/* Its client is gone: drops the rest. Nothing of it is under way. */
void batch_abandon(struct batch *b);

/* One of the things that the stage waited for is done. May finish the batch and go on with the client's input. */
void batch_progress(struct batch *b);

/* A home command that answers later: the stage waits until batch_progress; its reply is then written to the returned
 * buffer, between the two calls below. */
struct reply *batch_defer(struct client *c);
void batch_deferred_done(struct client *c);

/* As groups_trim. */
void batches_trim(struct worker *w);
void batches_deinit(struct worker *w);

#endif
