#include "shard/shard.h"

#include "shard/effects.h"

static void on_expired(void *arg, uint32_t db, struct slice key)
{
    struct shard *s = arg;
    if (s->effects)
        effects_add(s->effects, db, 2, (struct slice[]){slice_str("DEL"), key});
}

void shard_init(struct shard *s, uint32_t id, uint32_t databases, uint64_t hash_seed)
{
    *s = (struct shard){.id = id, .user = id};
    s->keyspace = keyspace_create(&s->account, databases, hash_seed);
    keyspace_on_expired(s->keyspace, on_expired, s);
}

void shard_deinit(struct shard *s)
{
    keyspace_destroy(s->keyspace);
    s->keyspace = NULL;
}

uint32_t shards_next_database(struct shard *const *shards, uint32_t n, uint32_t db)
{
    uint32_t lowest = DATABASE_NONE;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t next = keyspace_next_database(shards[i]->keyspace, db);
        lowest = next < lowest ? next : lowest;
    }
    return lowest;
}

uint64_t shards_size(struct shard *const *shards, uint32_t n, uint32_t db)
{
    uint64_t keys = 0;
    for (uint32_t i = 0; i < n; i++)
        keys += keyspace_size(shards[i]->keyspace, db);
    return keys;
}

uint64_t shards_expires(struct shard *const *shards, uint32_t n, uint32_t db)
{
    uint64_t keys = 0;
    for (uint32_t i = 0; i < n; i++)
        keys += keyspace_expires(shards[i]->keyspace, db);
    return keys;
}

void shard_begin(struct shard *s, uint32_t user, int64_t now_ms, struct effects *effects)
{
    s->user = user;
    s->effects = effects;
    keyspace_set_time(s->keyspace, now_ms);
}
