#include "shard/type/geo.h"

#include <stdlib.h>

#include "shard/type/zset_range.h"

/* Ranks walked over before it is seen whether there are enough. */
enum { RANKS_AT_ONCE = 64 };

void geo_points_deinit(struct geo_points *points)
{
    mem_free(NULL, points->all);
    mem_free(NULL, points->names);
}

/* The array, which holds len items of cap, with room for more; it is never NULL. */
static void *grown(void *array, size_t len, size_t more, size_t *cap, size_t size)
{
    if (len + more < *cap)
        return array;
    *cap = 2 * (len + more) + 16;
    return mem_realloc(NULL, array, *cap * size);
}

static void add_point(struct geo_points *points, struct slice member, double score, double distance)
{
    points->all = grown(points->all, points->n, 1, &points->cap, sizeof *points->all);
    points->names = grown(points->names, points->names_len, member.len, &points->names_cap, 1);
    points->all[points->n++] = (struct geo_point){distance, score, points->names_len, (uint32_t)member.len};
    memcpy(points->names + points->names_len, member.ptr, member.len);
    points->names_len += member.len;
}

struct search {
    const struct geohash_shape *shape;
    uint64_t limit;
    struct geo_points *points;
};

static void look_at(void *arg, struct slice member, double score)
{
    struct search *s = arg;
    double distance;
    if (s->points->n < s->limit && geohash_is_within(s->shape, geohash_decode(score), &distance))
        add_point(s->points, member, score, distance);
}

static void search_cell(struct typed_value set, struct geohash_cell cell, struct search *s)
{
    struct zset_scores scores = {.min = (double)cell.first, .max = (double)cell.end, .max_open = true};
    struct zset_ranks ranks = zset_by_score(set, &scores);
    while (zset_ranks_count(ranks) > 0 && s->points->n < s->limit) {
        struct zset_ranks some = ranks;
        if (s->limit != UINT64_MAX && zset_ranks_count(some) > RANKS_AT_ONCE)
            some.end = some.first + RANKS_AT_ONCE;
        zset_walk(set, some, 0, look_at, s);
        ranks.first = some.end;
    }
}

void geo_search(struct typed_value set, const struct geohash_shape *shape, uint64_t limit, struct geo_points *points)
{
    struct geohash_cell cells[GEOHASH_CELLS_MAX];
    uint32_t n = geohash_cover(shape, cells);
    for (uint32_t i = 0; i < n; i++)
        search_cell(set, cells[i], &(struct search){shape, limit, points});
}

/* ---- Order ---- */

/* Names of equally far ones lie in the order in which they were found. */
static int compare_found(const struct geo_point *a, const struct geo_point *b)
{
    if (a->name_at != b->name_at)
        return a->name_at < b->name_at ? -1 : 1;
    return (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static int compare_near(const void *a, const void *b)
{
    const struct geo_point *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance < y->distance ? -1 : 1;
    return compare_found(x, y);
}

static int compare_far(const void *a, const void *b)
{
    const struct geo_point *x = a, *y = b;
    if (x->distance != y->distance)
        return x->distance > y->distance ? -1 : 1;
    return compare_found(x, y);
}

typedef int compare_points(const void *a, const void *b);

/* Restores that no point comes before the two below it, where only the one at a place may be wrong. */
static void sift_down(struct geo_point *heap, size_t n, size_t at, compare_points *compare)
{
    for (size_t below = 2 * at + 1; below < n; below = 2 * at + 1) {
        if (below + 1 < n && compare(&heap[below + 1], &heap[below]) > 0)
            below++;
        if (compare(&heap[below], &heap[at]) < 0)
            return;
        struct geo_point moved = heap[at];
        heap[at] = heap[below];
        heap[below] = moved;
        at = below;
    }
}

/* The first n of them in some order; the others are lost. */
static void select_first(struct geo_points *points, size_t n, compare_points *compare)
{
    struct geo_point *all = points->all; /* those selected as a heap, the last one at its top */
    for (size_t i = n / 2; i-- > 0;)
        sift_down(all, n, i, compare);
    for (size_t i = n; i < points->n; i++) {
        if (compare(&all[i], &all[0]) > 0)
            continue;
        all[0] = all[i];
        sift_down(all, n, 0, compare);
    }
    points->n = n;
}

void geo_points_sort(struct geo_points *points, bool farthest_first, uint64_t n)
{
    compare_points *compare = farthest_first ? compare_far : compare_near;
    if (n < points->n)
        select_first(points, n, compare);
    if (points->n > 1)
        qsort(points->all, points->n, sizeof *points->all, compare);
}
