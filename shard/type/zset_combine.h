/* Unions, intersections and differences of sorted sets and sets, whose members count as having the score 1. Source:
 * Redis 7.4 t_zset.c (zunionInterDiffGenericCommand), also for the order in which scores are added, which shows in
 * their last digits. */
#ifndef SKUA_SHARD_TYPE_ZSET_COMBINE_H
#define SKUA_SHARD_TYPE_ZSET_COMBINE_H

#include "shard/type/zset_large.h"

struct zset_input {
    struct typed_value value; /* TYPE_ZSET or TYPE_SET; ptr NULL: empty */
    double weight;            /* scores are multiplied by it; no nan */
    uint32_t index;           /* private */
};

enum zset_aggregate { ZSET_SUM, ZSET_MIN, ZSET_MAX };

/* The result as a value made in home, which may be empty. Orders the inputs, of which there is one at least, by size.
 */
struct zset_large *zset_union(struct value_home *home, struct zset_input *inputs, uint32_t n,
                              enum zset_aggregate aggregate);
struct zset_large *zset_intersection(struct value_home *home, struct zset_input *inputs, uint32_t n,
                                     enum zset_aggregate aggregate);
/* The members of the first that are in none of the others, with their scores. Weights do not count, nor is anything
 * ordered. */
struct zset_large *zset_difference(struct value_home *home, const struct zset_input *inputs, uint32_t n);

/* How many members the intersection has, or limit if there are more. Orders the inputs. */
uint64_t zset_intersection_count(struct zset_input *inputs, uint32_t n, uint64_t limit);

#endif
