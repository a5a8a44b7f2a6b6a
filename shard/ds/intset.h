/* A set of integers, ascending in one allocation, each in as many bytes as the widest one that was ever in it needs:
 * the form that Redis keeps small sets of integers in and writes to RDB files, byte for byte. Source: Redis 7.4,
 * intset.c.
 *
 *   uint32_t width (2, 4 or 8) | uint32_t count | the members
 *
 * Every function that changes a set takes it, and returns it where it is now. Owner: who holds the value it belongs to;
 * const functions may run on several threads while nobody changes it. For small sets: adding moves what is larger. */
#ifndef SKUA_SHARD_DS_INTSET_H
#define SKUA_SHARD_DS_INTSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/mem.h"
#include "src/base/slice.h"

struct intset {
    uint32_t width;
    uint32_t count;
    uint8_t members[];
};

enum { INTSET_COUNT_MAX = 1 << 28 }; /* 2 GB; callers turn a set into another form long before */

/* An empty one. Freed with mem_free. */
struct intset *intset_create(struct mem_account *account);
struct intset *intset_copy(struct mem_account *account, const struct intset *s);

/* A set made of bytes from outside, all of them; NULL if they are not one (also if it is empty: Redis writes none). */
struct intset *intset_load(struct mem_account *account, struct slice bytes);

static inline size_t intset_size(const struct intset *s) { return sizeof *s + (size_t)s->width * s->count; }

/* The serialised form: the bytes themselves, borrowed. */
static inline struct slice intset_bytes(const struct intset *s) { return slice_of(s, intset_size(s)); }

static inline uint32_t intset_count(const struct intset *s) { return s->count; }

/* The member with that index, from the smallest, index < count: with random_below a random one. */
int64_t intset_get(const struct intset *s, uint32_t index);

bool intset_has(const struct intset *s, int64_t v);

/* *done (may be NULL): whether the set has changed. */
struct intset *intset_add(struct mem_account *account, struct intset *s, int64_t v, bool *done);
struct intset *intset_remove(struct mem_account *account, struct intset *s, int64_t v, bool *done);

#endif
