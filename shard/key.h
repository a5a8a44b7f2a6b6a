/* A key on its way through the server: its bytes, the shard that owns it and its table hash. */
#ifndef SKUA_SHARD_KEY_H
#define SKUA_SHARD_KEY_H

#include "src/base/hash.h"
#include "src/base/slice.h"

struct key {
    const char *ptr; /* borrowed */
    uint32_t len;
    uint32_t shard;
    uint64_t hash; /* of the whole key: table position and tag byte */
};

/* How keys are hashed and spread; frozen at start. */
struct key_space_shape {
    uint64_t seed;
    uint32_t nshards;
};

static inline struct key key_make(const struct key_space_shape *shape, struct slice s)
{
    struct key k = {.ptr = s.ptr, .len = (uint32_t)s.len, .hash = hash_bytes(s.ptr, s.len, shape->seed)};
    if (shape->nshards > 1) {
        struct slice tag = hash_tag(s);
        uint64_t h = tag.len == s.len ? k.hash : hash_bytes(tag.ptr, tag.len, shape->seed);
        k.shard = hash_shard(h, shape->nshards);
    }
    return k;
}

static inline struct slice key_slice(const struct key *k) { return slice_of(k->ptr, k->len); }

#endif
