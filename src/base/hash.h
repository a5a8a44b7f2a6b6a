/* The one hash of a key (design section 1): seeded XXH3, over the hash tag if the key has one, else the key.
 * Bits: 63..20 table position (prefix first), 19..0 shard; the tag byte is taken from bits 7..0, which with up to 1,024
 * shards is independent of both. Source of the tag rule: Redis Cluster specification, "Hash tags". */
#ifndef SKUA_BASE_HASH_H
#define SKUA_BASE_HASH_H

#include <stdint.h>

#include "src/base/slice.h"

/* The part of key that decides the shard: between the first '{' and the first '}' after it, if that is not empty. */
struct slice hash_tag(struct slice key);

uint64_t hash_bytes(const void *ptr, size_t len, uint64_t seed);

enum { HASH_SHARD_BITS = 20 };

/* Maps a hash to one of n shards, n <= 1024. */
static inline uint32_t hash_shard(uint64_t hash, uint32_t n)
{
    return (uint32_t)(((hash & ((1u << HASH_SHARD_BITS) - 1)) * n) >> HASH_SHARD_BITS);
}

#endif
