/* Batches: the complete commands of one read of one connection, and how they get to their shards and back in order
 * (design sections 3 and 4).
 *
 * A connection has at most one batch under way; what arrives meanwhile waits in its query buffer. A batch runs in
 * *stages*. In a stage, single-shard commands go as one group per shard, all at once; a stage ends before a command
 * that must not overtake earlier ones (a signal, or any with pipeline-order strict, if other shards have work in the
 * stage), before one that needs several shards, and before one that looks at the whole server. When all of a stage is
 * done, its replies are put in order and the next begins. As long as nothing leaves the worker, commands run one after
 * the other straight into the connection's output.
 *
 * Memory: arguments point into the connection's input while the batch runs in the call that parsed it; if it has to
 * wait for others they are copied into the batch first. Batches are reused. */
#ifndef SKUA_SERVER_BATCH_H
#define SKUA_SERVER_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/lane.h"
#include "src/cmd/command.h"
#include "src/wire/parse.h"
#include "src/wire/reply.h"

struct client;
struct group;
struct worker;

enum { BATCH_REQUESTS_MAX = 256 };

enum request_route {
    ROUTE_ERROR, /* answered when its turn comes: unknown, arity, not built */
    ROUTE_HOME,
    ROUTE_SHARD, /* request->shard */
    ROUTE_HOLD,  /* several shards */
};

struct request {
    const struct command *row; /* NULL: unknown command */
    uint32_t arg_first, argc;  /* in batch->args */
    uint32_t key_first, nkeys; /* in batch->keys */
    uint32_t shard;
    uint32_t db;
    uint8_t route; /* enum request_route */
    uint8_t resp;
    bool no_touch, silent;
    struct group *group; /* that it is in, in the running stage; NULL: its answer is bytes [from, to) of batch->reply */
    size_t from, to;
};

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
    uint64_t position;             /* in the journal, behind the effects of its holds */
    struct batch *next;            /* in its bundle, or in the free list */
};

/* Parses and runs what of the client's input can run now. */
void batches_run(struct client *c);

/* Runs one request now, on shards that this worker owns or holds, and appends its answer to reply. */
void batch_execute(struct worker *w, struct batch *b, uint32_t i, struct reply *reply, struct effects *effects);

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
