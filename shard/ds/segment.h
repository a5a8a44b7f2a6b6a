/* A segment of a hash table (table.h): the 8 to 64 buckets of one prefix of hashes, in chunks of 8. This is one cache
 * line that says where they lie. It is a value: the directory keeps a copy under each of its prefixes that belongs to
 * the segment, so that whoever looks up a hash comes from the directory straight to the bucket. */
#ifndef SKUA_SHARD_DS_SEGMENT_H
#define SKUA_SHARD_DS_SEGMENT_H

#include "shard/ds/bucket.h"

enum {
    SEGMENT_CHUNK_BUCKETS = 8,
    SEGMENT_CHUNKS_MAX = 8,
    SEGMENT_BUCKETS_MAX = SEGMENT_CHUNK_BUCKETS * SEGMENT_CHUNKS_MAX,
};

/* Aligned to its size in the directory. chunk: a pointer to 8 buckets; above it, in the first: how many chunks there
 * are, and how many first bits of their hashes all entries share. */
struct segment {
    uint64_t chunk[SEGMENT_CHUNKS_MAX];
};

enum { SEGMENT_COUNT_SHIFT = 48, SEGMENT_DEPTH_SHIFT = 52 };

static inline uint32_t segment_chunks(const struct segment *s) { return s->chunk[0] >> SEGMENT_COUNT_SHIFT & 15; }
static inline uint32_t segment_depth(const struct segment *s) { return s->chunk[0] >> SEGMENT_DEPTH_SHIFT & 63; }
static inline uint32_t segment_buckets(const struct segment *s) { return segment_chunks(s) * SEGMENT_CHUNK_BUCKETS; }

static inline struct bucket *segment_chunk(const struct segment *s, uint32_t i)
{
    return (struct bucket *)(uintptr_t)(s->chunk[i] & BUCKET_POINTER_MASK);
}

static inline struct bucket *segment_bucket(const struct segment *s, uint32_t i)
{
    return &segment_chunk(s, i / SEGMENT_CHUNK_BUCKETS)[i % SEGMENT_CHUNK_BUCKETS];
}

/* The bucket that lies away behind bucket i of n, which is less than a segment's length. */
static inline uint32_t segment_behind(uint32_t i, uint32_t away, uint32_t n)
{
    return i + away < n ? i + away : i + away - n;
}

static inline void segment_set_shape(struct segment *s, uint32_t chunks, uint32_t depth)
{
    s->chunk[0] = (s->chunk[0] & BUCKET_POINTER_MASK) | (uint64_t)chunks << SEGMENT_COUNT_SHIFT |
                  (uint64_t)depth << SEGMENT_DEPTH_SHIFT;
}

#endif
