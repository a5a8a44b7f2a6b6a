/* The order of sorted sets: by score, and among equal scores by member, byte by byte. -0 and 0 are equal scores.
 * Source: Redis 7.4 t_zset.c (zslInsert). */
#ifndef SKUA_SHARD_TYPE_ZSET_ORDER_H
#define SKUA_SHARD_TYPE_ZSET_ORDER_H

#include "src/base/slice.h"

/* Numbers that compare as the scores do, which are no nan. None is UINT64_MAX: there is always a next one. */
static inline uint64_t zset_order(double score)
{
    uint64_t bits;
    score += 0.0; /* -0 becomes 0 */
    memcpy(&bits, &score, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Less than 0, 0 or more than 0, as a comes before b, is b, or comes behind it. */
static inline int zset_compare_members(struct slice a, struct slice b)
{
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
