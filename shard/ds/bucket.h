/* A bucket of a hash table (table.h): one cache line with up to 7 entries. */
#ifndef SKUA_SHARD_DS_BUCKET_H
#define SKUA_SHARD_DS_BUCKET_H

#include <stddef.h>
#include <stdint.h>
#if defined(__x86_64__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#else
#error "the tags of a bucket are compared with the vector instructions of x86-64 or aarch64"
#endif

enum { BUCKET_SLOTS = 7 };

/* slot: fraction (14 bits), displacement from the home bucket (2), pointer (48); 0 if empty. tag: a byte of the hash,
 * never 0 in a slot that is used. */
struct bucket {
    _Alignas(64) uint64_t slot[BUCKET_SLOTS];
    uint8_t tag[BUCKET_SLOTS];
    uint8_t flags;
};

#define BUCKET_POINTER_MASK ((UINT64_C(1) << 48) - 1)

static inline void *bucket_entry(uint64_t slot) { return (void *)(uintptr_t)(slot & BUCKET_POINTER_MASK); }

/* How many buckets behind its home the entry of a used slot lies. */
static inline uint32_t bucket_away(uint64_t slot) { return slot >> 48 & 3; }

/* A bit for each slot whose tag is this one. */
static inline uint32_t bucket_match(const struct bucket *b, uint8_t tag)
{
#if defined(__x86_64__)
    __m128i tags = _mm_loadl_epi64((const __m128i *)(const void *)b->tag);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag))) & 0x7f;
#else
    /* Eight bytes, of which flags are the last. */
    uint8x8_t tags = vld1_u8((const uint8_t *)b + offsetof(struct bucket, tag));
    return vaddv_u8(vand_u8(vceq_u8(tags, vdup_n_u8(tag)), vcreate_u8(0x0040201008040201)));
#endif
}

#endif
