/* The loader: brings commands, in the order in which they come from a file, to the shards that they are for (design
 * section 8). A command whose keys lie on one shard goes into that shard's chunk (load_chunk.h), and so do the parts of
 * one that splits by key; chunks of different shards run side by side. Any other command is a barrier: once all chunks
 * have run, all shards are held, and it runs here, and so do those behind it until there have been enough in a row that
 * would not have needed it: where barriers are frequent that is faster than to hold and to let go each time.
 *
 * It runs on a fiber of its worker, which it gives the loop back with whenever it waits: for its own shard to run a
 * chunk, for others to have run theirs. Owner of everything: that worker. What the commands are and whether they may be
 * believed is the reader's business (persist/aof_load.h). */
#ifndef SKUA_SERVER_LOADER_H
#define SKUA_SERVER_LOADER_H

#include "persist/rdb_load.h"
#include "src/server/batch.h"

struct bundle;
struct fiber;
struct load_chunk;
struct worker;

struct loader {
    struct worker *home;
    const struct fiber *fiber; /* on which it runs */
    const struct command *select;
    struct batch intake;      /* has the one command that is being routed; its arguments are borrowed */
    uint32_t db;              /* that is selected */
    struct load_chunk **open; /* [nshards]: being filled; NULL: none */
    uint32_t *under_way;      /* [nshards]: chunks */
    uint32_t all_under_way;   /* the sum */
    struct load_chunk *free;
    struct bundle *hold; /* on all shards; NULL: none */
    uint32_t unneeded;   /* commands since that would not have needed the hold */
    uint64_t commands;   /* handed over so far; of a base its keys */
    bool of_rdb;         /* what is being routed is a key of an RDB, and must not fail */
    bool failed;         /* one did; error says which */
    char error[256];
};

/* Inside the fiber that is going to use it. l is zeroed. */
void loader_init(struct loader *l, struct worker *home);
/* When nothing is under way. */
void loader_deinit(struct loader *l);

/* One command of the stream that began when l was made, SELECT included. NULL, or why there can be no such command;
 * the text is valid until the next call. */
const char *loader_command(struct loader *l, uint32_t argc, const struct slice *argv);
/* A key of an RDB, in the same stream. A value that turns out to be damaged only where it is made is told of by a later
 * call, or by loader_finish. */
const char *loader_key(struct loader *l, const struct rdb_load_key *key);
/* Nothing is selected any more: another file begins. */
void loader_begin_file(struct loader *l);

/* Waits until all has been run and no shard is held. NULL, or what turned out to be wrong. */
const char *loader_finish(struct loader *l);

/* Waits until all has been run and all shards are held by l's worker; lets them go. */
void loader_hold(struct loader *l);
void loader_release(struct loader *l);

/* For the loop of its worker: a chunk has been run. */
void loader_take_back(struct load_chunk *c);

#endif
