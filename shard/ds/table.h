/* A hash table of pointers: segmented extendible hashing (R. Fagin et al., "Extendible Hashing", TODS 1979) with
 * buckets of one cache line. It knows nothing of what the pointers mean; hashes and equality come from the caller.
 *
 * A directory maps the first bits of a hash to a segment of 8 to 64 buckets; the next 14 bits of the hash (the
 * fraction) choose the home bucket, in order. An entry lies in its home bucket or in one of the three behind it. If all
 * are full, the segment grows by 8 buckets, or splits in two once it has 64. So growth costs the same however large the
 * table is, memory per key stays flat between powers of two, and all entries lie in the order of their hashes.
 *
 * A segment's buckets lie in chunks of 8, which are all that is ever allocated and freed as segments grow and split:
 * one size, so that the allocator can use at once what was given back. Segments in one piece, of five sizes, would
 * leave a third of their memory unused between the sizes.
 *
 * The directory has two levels: a root of up to 2^10 words, and below a full root a sub-directory per word, each of
 * which doubles on its own. Nothing that depends on the size of the table is ever moved at once.
 *
 * Owner: whoever owns the table; nothing locks. Places and buckets are good until the next insert or shrink step. */
#ifndef SKUA_SHARD_DS_TABLE_H
#define SKUA_SHARD_DS_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "src/base/mem.h"
#include "src/base/prefetch.h"

enum {
    TABLE_SLOTS = 7,
    TABLE_CHUNK_BUCKETS = 8,
    TABLE_SEGMENT_CHUNKS_MAX = 8,
    TABLE_SEGMENT_BUCKETS_MAX = TABLE_CHUNK_BUCKETS * TABLE_SEGMENT_CHUNKS_MAX,
    TABLE_FRACTION_BITS = 14,
    TABLE_ROOT_DEPTH_MAX = 10,
    TABLE_DEPTH_MAX = 28, /* depth and fraction together are the position's bits */
    TABLE_POSITION_BITS = TABLE_DEPTH_MAX + TABLE_FRACTION_BITS,
    TABLE_DISPLACEMENT = 3, /* mask in flags: how far entries at home here lie away at most */
    TABLE_EPOCH = 4,        /* mask in flags: equals that of the table if the bucket has been seen by the snapshot */
};

/* One cache line. slot: fraction (14 bits), displacement from the home bucket (2), pointer (48); 0 if empty. tag: a
 * byte of the hash, never 0 in a slot that is used. */
struct table_bucket {
    _Alignas(64) uint64_t slot[TABLE_SLOTS];
    uint8_t tag[TABLE_SLOTS];
    uint8_t flags;
};

typedef uint64_t table_hash(void *arg, const void *entry);
/* A bucket is about to change for the first time in this epoch. */
typedef void table_preimage(void *arg, struct table_bucket *bucket);

/* One cache line: where the buckets are. How many chunks there are, the directory's word says. */
struct table_segment {
    struct table_bucket *chunk[TABLE_SEGMENT_CHUNKS_MAX];
};

/* A directory word is a segment: pointer, chunks << 48, depth << 56; or, with TABLE_SUB, a sub-directory: pointer,
 * depth
 * << 56. */
#define TABLE_SUB          (UINT64_C(1) << 63)
#define TABLE_POINTER_MASK ((UINT64_C(1) << 48) - 1)

struct table {
    uint64_t *root; /* &first while it has one word */
    uint64_t first;
    uint8_t root_depth;
    uint8_t depth_seen; /* no segment was ever deeper */
    uint8_t epoch;      /* 0 or TABLE_EPOCH */
    uint64_t size;      /* entries */
    uint64_t buckets;   /* of all segments */
    uint64_t shrink_position, clear_position;
    /* Entries that no segment had room for, with the fraction at depth 0: only when a great many hashes agree in all
     * bits that count, which nobody meets who does not know the seed. Searched from end to end. */
    struct table_bucket *spill;
    uint32_t spill_buckets, spill_size;
    struct mem_account *account;
    table_hash *hash;
    table_preimage *preimage;
    void *hash_arg, *preimage_arg;
};

struct table_place {
    struct table_bucket *bucket;
    uint32_t slot;
};

/* Initialises caller's memory, which must not move. hash gives the hash of an entry again. */
void table_init(struct table *t, struct mem_account *account, table_hash *hash, void *hash_arg);
/* Frees everything but the entries. */
void table_deinit(struct table *t);

static inline uint64_t *table_word(const struct table *t, uint64_t hash)
{
    uint64_t *w = &t->root[hash >> 1 >> (63 - t->root_depth)];
    if (*w & TABLE_SUB) {
        uint64_t *sub = (uint64_t *)(uintptr_t)(*w & TABLE_POINTER_MASK);
        uint32_t depth = (*w >> 56) & 63;
        w = &sub[hash << TABLE_ROOT_DEPTH_MAX >> 1 >> (63 - depth)];
    }
    return w;
}

static inline struct table_segment *table_segment(uint64_t word)
{
    return (struct table_segment *)(uintptr_t)(word & TABLE_POINTER_MASK);
}

static inline uint32_t table_buckets(uint64_t word) { return (word >> 48 & 15) * TABLE_CHUNK_BUCKETS; }
static inline uint32_t table_depth(uint64_t word) { return word >> 56 & 63; }

/* Bucket i of the segment. */
static inline struct table_bucket *table_bucket_at(uint64_t word, uint32_t i)
{
    return &table_segment(word)->chunk[i / TABLE_CHUNK_BUCKETS][i % TABLE_CHUNK_BUCKETS];
}

static inline uint32_t table_fraction(uint64_t hash, uint32_t depth)
{
    return (uint32_t)(hash << depth >> (64 - TABLE_FRACTION_BITS));
}

static inline uint32_t table_home(uint32_t fraction, uint32_t buckets)
{
    return fraction * buckets >> TABLE_FRACTION_BITS;
}

static inline uint8_t table_tag(uint64_t hash) { return (uint8_t)hash ? (uint8_t)hash : 1; }

/* A bit for each slot whose tag is this one. */
static inline uint32_t table_match(const struct table_bucket *b, uint8_t tag)
{
#if defined(__SSE2__)
    __m128i tags = _mm_loadl_epi64((const __m128i *)(const void *)b->tag);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag))) & 0x7f;
#else
    uint32_t mask = 0;
    for (uint32_t i = 0; i < TABLE_SLOTS; i++)
        mask |= (uint32_t)(b->tag[i] == tag) << i;
    return mask;
#endif
}

static inline void *table_slot_entry(uint64_t slot) { return (void *)(uintptr_t)(slot & TABLE_POINTER_MASK); }

static inline void *table_at(struct table_place p) { return table_slot_entry(p.bucket->slot[p.slot]); }

/* Whether this entry is the one that is looked for. */
typedef bool table_is(const void *key, const void *entry);

static inline __attribute__((always_inline)) void *table_find_in(struct table_bucket *b, uint32_t fraction, uint8_t tag,
                                                                 table_is *is, const void *key,
                                                                 struct table_place *place)
{
    for (uint32_t mask = table_match(b, tag); mask; mask &= mask - 1) {
        uint32_t slot = (uint32_t)__builtin_ctz(mask);
        uint64_t word = b->slot[slot];
        if (word >> (64 - TABLE_FRACTION_BITS) == fraction && is(key, table_slot_entry(word))) {
            *place = (struct table_place){b, slot};
            return table_slot_entry(word);
        }
    }
    return NULL;
}

/* The entry that is(key, entry) holds for, or NULL. Always inline, so that a constant is becomes part of the loop. */
static inline __attribute__((always_inline)) void *table_find(const struct table *t, uint64_t hash, table_is *is,
                                                              const void *key, struct table_place *place)
{
    uint64_t word = *table_word(t, hash);
    uint32_t n = table_buckets(word), fraction = table_fraction(hash, table_depth(word));
    uint32_t i = table_home(fraction, n);
    struct table_bucket *b = table_bucket_at(word, i);
    for (uint32_t away = b->flags & TABLE_DISPLACEMENT;; away--) {
        void *found = table_find_in(b, fraction, table_tag(hash), is, key, place);
        if (found)
            return found;
        if (away == 0)
            break;
        i = i + 1 == n ? 0 : i + 1;
        b = table_bucket_at(word, i);
    }
    for (uint32_t s = 0; __builtin_expect(s < t->spill_buckets, 0); s++) {
        void *found = table_find_in(&t->spill[s], table_fraction(hash, 0), table_tag(hash), is, key, place);
        if (found)
            return found;
    }
    return NULL;
}

static inline void table_prefetch_bucket(const struct table *t, uint64_t hash)
{
    uint64_t word = *table_word(t, hash);
    uint32_t fraction = table_fraction(hash, table_depth(word));
    prefetch_line(table_bucket_at(word, table_home(fraction, table_buckets(word))));
}

/* Two lines of each candidate in the home bucket: header and key, and the value of a small entry. If there is none, but
 * entries lie further away, the next bucket. */
static inline void table_prefetch_entry(const struct table *t, uint64_t hash)
{
    uint64_t word = *table_word(t, hash);
    uint32_t n = table_buckets(word), i = table_home(table_fraction(hash, table_depth(word)), n);
    const struct table_bucket *b = table_bucket_at(word, i);
    uint32_t mask = table_match(b, table_tag(hash));
    if (!mask && b->flags & TABLE_DISPLACEMENT)
        prefetch_line(table_bucket_at(word, i + 1 == n ? 0 : i + 1));
    for (; mask; mask &= mask - 1) {
        const char *entry = table_slot_entry(b->slot[__builtin_ctz(mask)]);
        prefetch_line(entry);
        prefetch_line(entry + 64);
    }
}

/* Everything that changes a bucket, or what one of its entries holds, calls this first. */
void table_give_preimage(struct table *t, struct table_bucket *b);
static inline void table_before_change(struct table *t, struct table_bucket *b)
{
    if (__builtin_expect((b->flags ^ t->epoch) & TABLE_EPOCH, 0))
        table_give_preimage(t, b);
}

/* entry is not in the table yet. */
struct table_place table_insert(struct table *t, uint64_t hash, void *entry);
/* The entry moved in memory; the place stays. */
static inline void table_replace(struct table_place p, void *entry)
{
    p.bucket->slot[p.slot] = (p.bucket->slot[p.slot] & ~TABLE_POINTER_MASK) | (uint64_t)(uintptr_t)entry;
}
void table_remove(struct table *t, uint64_t hash, struct table_place p);

/* Visits the entries of the home bucket at position (a hash prefix of TABLE_POSITION_BITS) and returns the position of
 * the next one, 0 behind the last. visit must not change the table; it returns nothing. See table.c for the guarantee.
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
    return t->buckets > TABLE_CHUNK_BUCKETS && t->size * 3 < t->buckets * TABLE_SLOTS;
}
/* Shrinks or merges at most one pair of segments and goes on to the next; called while table_is_sparse. Returns false
 * at the end of a round. */
bool table_shrink_step(struct table *t);

/* Empties a table that nothing else is done with any more: gives each entry of one segment to visit, which frees it,
 * and frees the segment. Returns false when all are gone; then only table_deinit is left. *visited is added to. */
bool table_clear_step(struct table *t, table_visit *visit, void *arg);

#endif
