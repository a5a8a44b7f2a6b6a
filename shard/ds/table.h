/* A hash table of pointers: segmented extendible hashing (R. Fagin et al., "Extendible Hashing", TODS 1979) with
 * buckets of one cache line. It knows nothing of what the pointers mean; hashes and equality come from the caller.
 *
 * A directory (directory.h) maps the first bits of a hash to a segment (segment.h) of 8 to 64 buckets; the next 14 bits
 * of the hash (the fraction) choose the home bucket, in order. An entry lies in its home bucket or in one of the three
 * behind it. If all are full, the segment grows by 8 buckets, or splits in two once it has 64. So growth costs the same
 * however large the table is, memory per key stays flat between powers of two, and all entries lie in the order of
 * their hashes.
 *
 * A segment's buckets lie in chunks of 8, which are all that is ever allocated and freed as segments grow and split:
 * one size, so that the allocator can use at once what was given back. Segments in one piece, of five sizes, would
 * leave a third of their memory unused between the sizes.
 *
 * table.c has single entries, growing and shrinking; table_walk.c what goes through the whole table.
 *
 * Owner: whoever owns the table; nothing locks. Places and buckets are good until the next insert or shrink step. */
#ifndef SKUA_SHARD_DS_TABLE_H
#define SKUA_SHARD_DS_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/ds/directory.h"
#include "shard/ds/lookahead.h"
#include "src/base/mem.h"

enum {
    TABLE_FRACTION_BITS = 14,
    TABLE_DEPTH_MAX = 28, /* depth and fraction together are the position's bits */
    TABLE_POSITION_BITS = TABLE_DEPTH_MAX + TABLE_FRACTION_BITS,
    TABLE_DISPLACEMENT = 3, /* mask in flags: how far entries at home here lie away at most */
    TABLE_EPOCH = 4,        /* mask in flags: equals that of the table if the bucket has been seen by the snapshot */
};

typedef uint64_t table_hash(void *arg, const void *entry);
/* A bucket is about to change for the first time in this epoch. Called in the middle of changes: nothing of the table
 * but this bucket may be looked at, and no step taken. */
typedef void table_preimage(void *arg, struct bucket *bucket);

struct table {
    struct directory directory;
    uint8_t depth_bound; /* no segment is deeper */
    uint8_t epoch;       /* 0 or TABLE_EPOCH */
    uint64_t size;       /* entries */
    uint64_t buckets;    /* of all segments */
    uint64_t shrink_position, clear_position;
    /* Entries that no segment had room for, with the fraction at depth 0: only when a great many hashes agree in all
     * bits that count, which nobody meets who does not know the seed. Searched from end to end. */
    struct bucket *spill;
    uint32_t spill_buckets, spill_size;
    struct mem_account *account;
    table_hash *hash;
    table_preimage *preimage;
    void *hash_arg, *preimage_arg;
};

struct table_place {
    struct bucket *bucket;
    uint32_t slot;
};

/* Initialises caller's memory, which must not move. hash gives the hash of an entry again. */
void table_init(struct table *t, struct mem_account *account, table_hash *hash, void *hash_arg);
/* Frees everything but the entries. */
void table_deinit(struct table *t);

static inline uint32_t table_fraction(uint64_t hash, uint32_t depth)
{
    return (uint32_t)(hash << depth >> (64 - TABLE_FRACTION_BITS));
}

static inline uint32_t table_home(uint32_t fraction, uint32_t buckets)
{
    return fraction * buckets >> TABLE_FRACTION_BITS;
}

static inline uint8_t table_tag(uint64_t hash) { return (uint8_t)hash ? (uint8_t)hash : 1; }

/* Positions go round: behind the last comes 0. */
static inline uint64_t table_position(uint64_t p) { return p & ((UINT64_C(1) << TABLE_POSITION_BITS) - 1); }

static inline void *table_at(struct table_place p) { return bucket_entry(p.bucket->slot[p.slot]); }

/* Whether this entry is the one that is looked for. */
typedef bool table_is(const void *key, const void *entry);

static inline __attribute__((always_inline)) void *table_find_in(struct bucket *b, uint32_t fraction, uint8_t tag,
                                                                 table_is *is, const void *key,
                                                                 struct table_place *place)
{
    for (uint32_t mask = bucket_match(b, tag); mask; mask &= mask - 1) {
        uint32_t slot = (uint32_t)__builtin_ctz(mask);
        uint64_t word = b->slot[slot];
        if (word >> (64 - TABLE_FRACTION_BITS) == fraction && is(key, bucket_entry(word))) {
            *place = (struct table_place){b, slot};
            return bucket_entry(word);
        }
    }
    return NULL;
}

/* The entry that is(key, entry) holds for, or NULL. Always inline, so that a constant is becomes part of the loop. */
static inline __attribute__((always_inline)) void *table_find(const struct table *t, uint64_t hash, table_is *is,
                                                              const void *key, struct table_place *place)
{
    const struct segment *s = directory_find(&t->directory, hash);
    uint32_t n = segment_buckets(s), fraction = table_fraction(hash, segment_depth(s));
    uint32_t i = table_home(fraction, n);
    struct bucket *b = segment_bucket(s, i);
    for (uint32_t away = b->flags & TABLE_DISPLACEMENT;; away--) {
        void *found = table_find_in(b, fraction, table_tag(hash), is, key, place);
        if (found)
            return found;
        if (away == 0)
            break;
        i = segment_behind(i, 1, n);
        b = segment_bucket(s, i);
    }
    for (uint32_t k = 0; __builtin_expect(k < t->spill_buckets, 0); k++) {
        void *found = table_find_in(&t->spill[k], table_fraction(hash, 0), table_tag(hash), is, key, place);
        if (found)
            return found;
    }
    return NULL;
}

/* For a lookup that comes soon. */
static inline void table_look_ahead(const struct table *t, uint64_t hash, struct lookahead *l)
{
    const struct segment *s = directory_find(&t->directory, hash);
    uint32_t home = table_home(table_fraction(hash, segment_depth(s)), segment_buckets(s));
    lookahead_add(l, segment_bucket(s, home), table_tag(hash));
}

/* Everything that changes a bucket, or what one of its entries holds, calls this first. */
void table_give_preimage(struct table *t, struct bucket *b);
static inline void table_before_change(struct table *t, struct bucket *b)
{
    if (__builtin_expect((b->flags ^ t->epoch) & TABLE_EPOCH, 0))
        table_give_preimage(t, b);
}

/* entry is not in the table yet. */
struct table_place table_insert(struct table *t, uint64_t hash, void *entry);
/* The entry moved in memory; the place stays. */
static inline void table_replace(struct table_place p, void *entry)
{
    p.bucket->slot[p.slot] = (p.bucket->slot[p.slot] & ~BUCKET_POINTER_MASK) | (uint64_t)(uintptr_t)entry;
}
void table_remove(struct table *t, uint64_t hash, struct table_place p);

/* Visits the entries of the home bucket at position (a hash prefix of TABLE_POSITION_BITS) and returns the position of
 * the next one, 0 behind the last. visit must not change the table; it returns nothing. See table_walk.c for the
 * guarantee.
 */
typedef void table_visit(void *arg, void *entry);
uint64_t table_scan(const struct table *t, uint64_t position, table_visit *visit, void *arg);

/* An entry, each one equally likely; NULL only if there is none. */
void *table_random(const struct table *t, uint64_t (*random)(void *), void *arg, struct table_place *place);

/* From now on preimage is given each bucket before its first change. The last epoch must have been walked to its end.
 */
void table_start_epoch(struct table *t, table_preimage *preimage, void *arg);
/* Gives buckets that have not been seen to preimage, from position on, one segment at most; returns where to go on, 0
 * at the end. Does nothing for those seen. Walks an epoch to its end, with preimage NULL too. */
uint64_t table_epoch_step(struct table *t, uint64_t position);

/* Far too large for what is in it. */
static inline bool table_is_sparse(const struct table *t)
{
    return t->buckets > SEGMENT_CHUNK_BUCKETS && t->size * 3 < t->buckets * BUCKET_SLOTS;
}
/* Shrinks or merges at most one pair of segments and goes on to the next; called while table_is_sparse. Returns false
 * at the end of a round. */
bool table_shrink_step(struct table *t);

/* Empties a table that nothing else is done with any more: gives each entry of one segment to visit, which frees it,
 * and frees the segment. Returns false when all are gone; then only table_deinit is left. *visited is added to. */
bool table_clear_step(struct table *t, table_visit *visit, void *arg);

#endif
