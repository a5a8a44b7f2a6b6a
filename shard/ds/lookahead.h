/* Looking ahead: fetches what the lookups of several entries will touch into the cache, so that their misses overlap.
 * Buckets are fetched as they are added; when many are, or at the end, so are the entries they may lead to. */
#ifndef SKUA_SHARD_DS_LOOKAHEAD_H
#define SKUA_SHARD_DS_LOOKAHEAD_H

#include <stdint.h>

#include "shard/ds/segment.h"
#include "src/base/prefetch.h"

enum { LOOKAHEAD_MAX = 64 };

/* Lives on the stack of one function; n = 0 makes it ready. */
struct lookahead {
    uint32_t n;
    struct {
        const struct bucket *bucket;
        uint8_t tag;
    } at[LOOKAHEAD_MAX];
};

/* Two lines of each candidate: header and key, and the value of a small entry. If a bucket has none, what is looked for
 * most likely lies in the next one, which is the next line but for one bucket in eight. */
static inline void lookahead_end(struct lookahead *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        const struct bucket *b = l->at[i].bucket;
        uint32_t mask = bucket_match(b, l->at[i].tag);
        if (!mask)
            prefetch_line(b + 1);
        for (; mask; mask &= mask - 1) {
            const char *entry = bucket_entry(b->slot[__builtin_ctz(mask)]);
            prefetch_line(entry);
            prefetch_line(entry + 64);
        }
    }
    l->n = 0;
}

static inline void lookahead_add(struct lookahead *l, const struct bucket *home, uint8_t tag)
{
    prefetch_line(home);
    if (l->n == LOOKAHEAD_MAX)
        lookahead_end(l);
    l->at[l->n].bucket = home;
    l->at[l->n++].tag = tag;
}

#endif
