/* A key on its way through the server: its bytes, the shard that owns it and its table hash. It may be as long as any
 * argument, so with proto-max-bulk-len above 4gb its length does not fit 32 bits. */
#ifndef SKUA_SHARD_KEY_H
#define SKUA_SHARD_KEY_H

#include "src/base/hash.h"
#include "src/base/slice.h"

struct key {
    const char *ptr; /* borrowed */
    uint64_t len : 48;
    uint64_t shard : 16;
    uint64_t hash; /* of the whole key: table position and tag byte */
};

/* How keys are hashed and spread; frozen at start. */
struct key_space_shape {
    uint64_t seed;
    uint32_t nshards;
};

static inline struct key key_make(const struct key_space_shape *shape, struct slice s)
{
    struct key k = {.ptr = s.ptr, .len = s.len, .hash = hash_bytes(s.ptr, s.len, shape->seed)};
    if (shape->nshards > 1) {
        struct slice tag = hash_tag(s);
        uint64_t h = tag.len == s.len ? k.hash : hash_bytes(tag.ptr, tag.len, shape->seed);
        k.shard = (uint16_t)hash_shard(h, shape->nshards);
    }
    return k;
}

static inline struct slice key_slice(const struct key *k) { return slice_of(k->ptr, k->len); }

#endif
