/* Intersections, unions and differences of sets, by Redis's algorithms (7.4, t_set.c), so that members of small results
 * come in Redis's order.
 *
 * Sets are given as what they are made of, n > 0 of them; ptr NULL is a missing one, which is empty; the same set may
 * be there several times. The array is put into another order. Owner: the caller holds all of them. A result is made in
 * home and belongs to the caller; it may be empty. */
#ifndef SKUA_SHARD_TYPE_SET_ALGEBRA_H
#define SKUA_SHARD_TYPE_SET_ALGEBRA_H

#include "shard/type/set_value.h"

/* Calls fn with each member that all sets have, in the order of the smallest, until fn returns false. */
void set_intersect(struct typed_value *sets, uint32_t n, set_visit *fn, void *arg);

struct typed_value set_intersection(struct value_home *home, const struct set_limits *limits, struct typed_value *sets,
                                    uint32_t n);
struct typed_value set_union(struct value_home *home, const struct set_limits *limits, struct typed_value *sets,
                             uint32_t n);
/* What the first one has and no other. */
struct typed_value set_difference(struct value_home *home, const struct set_limits *limits, struct typed_value *sets,
                                  uint32_t n);

#endif
