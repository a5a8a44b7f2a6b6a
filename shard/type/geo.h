/* Searches in sorted sets whose scores are geohashes (src/base/geohash.h). Source: Redis 7.2 geo.c, also for the order
 * in which members are found. */
#ifndef SKUA_SHARD_TYPE_GEO_H
#define SKUA_SHARD_TYPE_GEO_H

#include "shard/value.h"
#include "src/base/geohash.h"

struct geo_point {
    double distance; /* metres from the center of the shape */
    double score;
    size_t name_at; /* of the member: see geo_member */
    uint32_t name_len;
};

/* What a search found. Owner: the caller, who zeroes it before and gives it to geo_points_deinit. */
struct geo_points {
    struct geo_point *all; /* owned */
    size_t n, cap;
    char *names; /* owned */
    size_t names_len, names_cap;
};

void geo_points_deinit(struct geo_points *points);

static inline struct slice geo_member(const struct geo_points *points, const struct geo_point *p)
{
    return slice_of(points->names + p->name_at, p->name_len);
}

/* Adds the members of the sorted set that lie in the shape; ends when there are limit of them. */
void geo_search(struct typed_value set, const struct geohash_shape *shape, uint64_t limit, struct geo_points *points);

/* By distance; what is equally far remains in the order in which it was found. Keeps the first n, which is not 0. */
void geo_points_sort(struct geo_points *points, bool farthest_first, uint64_t n);

#endif
