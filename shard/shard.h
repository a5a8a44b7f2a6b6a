/* A shard: the keyspace of one worker and what belongs to it. Owner: its worker, or the worker that holds its lane
 * (user says which; every access from a command asserts it). Knows no connection, no reply and no file. */
#ifndef SKUA_SHARD_SHARD_H
#define SKUA_SHARD_SHARD_H

#include <stdatomic.h>
#include <stdint.h>

#include "shard/keyspace.h"
#include "shard/written.h"
#include "src/base/mem.h"

struct effects;
struct journal_sink;

struct shard {
    uint32_t id;
    uint32_t user; /* the worker that may touch it now: its owner's id, or the holder's; changed by the holder only */
    struct keyspace *keyspace;
    struct mem_account account;
    struct effects *effects; /* where expiry's DELs go; of the group or transaction that runs, NULL without a journal */
    /* Where its changes go, NULL: nowhere. Changed only by who holds all shards; atomic, for its worker looks also
     * while it is held. */
    _Atomic(struct journal_sink *) journal;
    struct written written; /* while there is a journal */
};

/* Initialises caller's memory. */
void shard_init(struct shard *s, uint32_t id, uint32_t databases, uint64_t hash_seed);
void shard_deinit(struct shard *s);

/* The lowest database from db on that any of n shards has, or DATABASE_NONE. Any thread. */
uint32_t shards_next_database(struct shard *const *shards, uint32_t n, uint32_t db);

/* Keys in one database of all shards, and those of them that have an expiry. Any thread. */
uint64_t shards_size(struct shard *const *shards, uint32_t n, uint32_t db);
uint64_t shards_expires(struct shard *const *shards, uint32_t n, uint32_t db);

static inline struct journal_sink *shard_journal(const struct shard *s)
{
    return atomic_load_explicit(&((struct shard *)s)->journal, memory_order_acquire);
}

/* Before a group or transaction runs on it: the time it sees and where its effects go. */
void shard_begin(struct shard *s, uint32_t user, int64_t now_ms, struct effects *effects);

#endif
