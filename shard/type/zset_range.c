#include "shard/type/zset_range.h"

#include "shard/type/zset_large.h"
#include "shard/type/zset_listpack.h"
#include "src/base/assert.h"

/* ---- Ranks ---- */

struct zset_ranks zset_by_rank(struct typed_value v, int64_t first, int64_t last)
{
    int64_t n = (int64_t)value_count(v);
    first += first < 0 ? n : 0;
    last += last < 0 ? n : 0;
    first = first < 0 ? 0 : first;
    last = last >= n ? n - 1 : last;
    if (first > last)
        return (struct zset_ranks){0, 0};
    return (struct zset_ranks){(uint64_t)first, (uint64_t)last + 1};
}

static struct zset_ranks ordered(uint64_t first, uint64_t end)
{
    return (struct zset_ranks){first, end > first ? end : first};
}

/* ---- Scores ---- */

static bool is_below(double score, const struct zset_scores *range)
{
    return range->min_open ? score <= range->min : score < range->min;
}

static bool is_above(double score, const struct zset_scores *range)
{
    return range->max_open ? score >= range->max : score > range->max;
}

static struct zset_ranks by_score_packed(const struct listpack *lp, const struct zset_scores *range)
{
    uint64_t first = 0, end;
    uint32_t at = listpack_first(lp);
    for (; at != LISTPACK_NONE && is_below(zset_listpack_score(lp, at), range); at = zset_listpack_next(lp, at))
        first++;
    for (end = first; at != LISTPACK_NONE && !is_above(zset_listpack_score(lp, at), range);
         at = zset_listpack_next(lp, at))
        end++;
    return (struct zset_ranks){first, end};
}

/* The rank of the first element whose order is not less. */
static uint64_t rank_of_order(const struct zset_large *l, uint64_t order)
{
    struct ranked_place p;
    ranked_find(&l->tree, order, NULL, NULL, &p);
    return ranked_rank(&l->tree, &p);
}

struct zset_ranks zset_by_score(struct typed_value v, const struct zset_scores *range)
{
    if (v.encoding == ENC_LISTPACK)
        return by_score_packed(v.ptr, range);
    uint64_t first = rank_of_order(v.ptr, zset_order(range->min) + range->min_open);
    return ordered(first, rank_of_order(v.ptr, zset_order(range->max) + !range->max_open));
}

/* ---- Names ---- */

/* Less than 0, 0 or more than 0, as the name is before, at or behind the bound. */
static int compare_to_bound(struct slice name, const struct zset_name_bound *bound)
{
    if (bound->what != ZSET_NAME)
        return bound->what == ZSET_BEFORE_ALL ? 1 : -1;
    return zset_compare_members(name, bound->name);
}

static bool reaches_min(const struct listpack *lp, uint32_t at, const struct zset_names *range)
{
    char digits[NUM_INT_CHARS];
    return compare_to_bound(listpack_text_of(listpack_get(lp, at), digits), &range->min) >= range->min.open;
}

static bool within_max(const struct listpack *lp, uint32_t at, const struct zset_names *range)
{
    char digits[NUM_INT_CHARS];
    return compare_to_bound(listpack_text_of(listpack_get(lp, at), digits), &range->max) <= -range->max.open;
}

/* Whether no name at all can be in it, whatever the set. */
static bool is_void(const struct zset_names *range)
{
    const struct zset_name_bound *min = &range->min, *max = &range->max;
    if (min->what == ZSET_BEHIND_ALL || max->what == ZSET_BEFORE_ALL)
        return true;
    if (min->what != ZSET_NAME || max->what != ZSET_NAME)
        return false;
    int order = zset_compare_members(min->name, max->name);
    return order > 0 || (order == 0 && (min->open || max->open));
}

/* As Redis searches it: up from the first member that reaches the lower bound, or down from the last that is within the
 * upper one, as long as the other bound holds. */
static struct zset_ranks by_name_packed(const struct listpack *lp, const struct zset_names *range, bool reverse)
{
    uint64_t n = zset_listpack_len(lp), first = 0, end = n;
    uint32_t last = zset_listpack_previous(lp, listpack_end(lp));
    if (!reaches_min(lp, last, range) || !within_max(lp, listpack_first(lp), range))
        return (struct zset_ranks){0, 0};
    if (reverse) {
        uint32_t at = last;
        for (; at != LISTPACK_NONE && !within_max(lp, at, range); at = zset_listpack_previous(lp, at))
            end--;
        for (first = end; at != LISTPACK_NONE && reaches_min(lp, at, range); at = zset_listpack_previous(lp, at))
            first--;
    } else {
        uint32_t at = listpack_first(lp);
        for (; at != LISTPACK_NONE && !reaches_min(lp, at, range); at = zset_listpack_next(lp, at))
            first++;
        for (end = first; at != LISTPACK_NONE && within_max(lp, at, range); at = zset_listpack_next(lp, at))
            end++;
    }
    return (struct zset_ranks){first, end};
}

/* A bound as it is searched for in the tree. */
struct sought_name {
    struct slice name;
    bool behind; /* the place behind the member of this name */
};

static int compare_sought(const void *sought, const void *element)
{
    const struct sought_name *s = sought;
    int order = zset_compare_members(s->name, zset_member(element));
    return order ? order : s->behind;
}

/* The rank of the first element behind the bound (or at it, if not behind) among those with the lowest score. */
static uint64_t rank_of_bound(const struct zset_large *l, const struct zset_name_bound *bound, bool behind)
{
    struct ranked_place p;
    if (bound->what == ZSET_BEFORE_ALL)
        return 0;
    if (bound->what == ZSET_BEHIND_ALL)
        return zset_large_size(l);
    ranked_first(&l->tree, &p);
    ranked_find(&l->tree, ranked_key(&p), compare_sought, &(struct sought_name){bound->name, behind}, &p);
    return ranked_rank(&l->tree, &p);
}

struct zset_ranks zset_by_name(struct typed_value v, const struct zset_names *range, bool reverse)
{
    if (is_void(range))
        return (struct zset_ranks){0, 0};
    if (v.encoding == ENC_LISTPACK)
        return by_name_packed(v.ptr, range, reverse);
    uint64_t first = rank_of_bound(v.ptr, &range->min, range->min.open);
    return ordered(first, rank_of_bound(v.ptr, &range->max, !range->max.open));
}

/* ---- Walking ---- */

static void give_packed(const struct listpack *lp, uint32_t at, unsigned flags, zset_visit *fn, void *arg)
{
    char digits[NUM_INT_CHARS];
    double score = flags & ZSET_NO_SCORES ? 0 : zset_listpack_score(lp, at);
    fn(arg, listpack_text_of(listpack_get(lp, at), digits), score);
}

static void walk_packed(const struct listpack *lp, struct zset_ranks ranks, unsigned flags, zset_visit *fn, void *arg)
{
    bool reverse = flags & ZSET_REVERSE;
    uint32_t at = zset_listpack_seek(lp, reverse ? ranks.end - 1 : ranks.first);
    for (uint64_t left = zset_ranks_count(ranks); left > 0; left--) {
        give_packed(lp, at, flags, fn, arg);
        at = reverse ? zset_listpack_previous(lp, at) : zset_listpack_next(lp, at);
    }
}

static void walk_large(const struct zset_large *l, struct zset_ranks ranks, bool reverse, zset_visit *fn, void *arg)
{
    struct ranked_place p;
    ranked_at_rank(&l->tree, reverse ? ranks.end - 1 : ranks.first, &p, NULL);
    for (uint64_t left = zset_ranks_count(ranks); left > 0; left--) {
        const struct zset_element *e = ranked_pointer(&p);
        fn(arg, zset_member(e), e->score);
        if (reverse)
            ranked_previous(&l->tree, &p);
        else
            ranked_next(&l->tree, &p);
    }
}

void zset_walk(struct typed_value v, struct zset_ranks ranks, unsigned flags, zset_visit *fn, void *arg)
{
    if (zset_ranks_count(ranks) == 0)
        return;
    if (v.encoding == ENC_LISTPACK)
        walk_packed(v.ptr, ranks, flags, fn, arg);
    else
        walk_large(v.ptr, ranks, flags & ZSET_REVERSE, fn, arg);
}

/* ---- Removing ---- */

void zset_remove_ranks(struct zset *z, struct zset_ranks ranks)
{
    uint64_t n = zset_ranks_count(ranks);
    if (n == 0)
        return;
    if (n == zset_len(z)) {
        keyspace_remove(z->keyspace, z->place, z->key);
        z->place.entry = NULL;
        return;
    }
    void *value = keyspace_change_value(z->keyspace, z->place);
    if (zset_value(z).encoding == ENC_LISTPACK) {
        struct mem_account *account = keyspace_values(z->keyspace)->account;
        uint32_t at = zset_listpack_seek(value, ranks.first);
        keyspace_put_value(z->place, ENC_LISTPACK, listpack_delete(account, value, at, (uint32_t)n * 2));
    } else {
        zset_large_remove_ranks(value, ranks.first, ranks.end);
    }
}

/* ---- Random members ---- */

static void give_rank(struct typed_value v, uint64_t rank, zset_visit *fn, void *arg)
{
    zset_walk(v, (struct zset_ranks){rank, rank + 1}, 0, fn, arg);
}

void zset_pick(struct typed_value v, uint64_t n, struct random *random, zset_visit *fn, void *arg)
{
    uint64_t size = value_count(v);
    if (v.encoding != ENC_LISTPACK || n == 1) {
        while (n-- > 0)
            give_rank(v, random_below(random, size), fn, arg);
        return;
    }
    uint32_t *places = mem_alloc(NULL, size * sizeof *places);
    listpack_places(v.ptr, 2, places);
    while (n-- > 0)
        give_packed(v.ptr, places[random_below(random, size)], 0, fn, arg);
    mem_free(NULL, places);
}

static void sample_packed(const struct listpack *lp, uint32_t n, struct random *random, zset_visit *fn, void *arg)
{
    uint32_t *places = mem_alloc(NULL, n * sizeof *places);
    uint32_t found = listpack_sample(lp, 2, n, random, places);
    for (uint32_t i = 0; i < found; i++)
        give_packed(lp, places[i], 0, fn, arg);
    mem_free(NULL, places);
}

/* Picks until there are n different ones, which is soon if n is far below the size. taken: a hash table of ranks + 1.
 */
static void sample_few(struct typed_value v, uint64_t n, struct random *random, zset_visit *fn, void *arg)
{
    uint64_t size = 4, given = 0;
    while (size < 2 * n)
        size *= 2;
    uint64_t *taken = mem_zalloc(NULL, size * sizeof *taken);
    while (given < n) {
        uint64_t rank = random_below(random, value_count(v));
        uint64_t i = (rank * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (size - 1);
        while (taken[i] && taken[i] != rank + 1)
            i = (i + 1) & (size - 1);
        if (taken[i])
            continue;
        taken[i] = rank + 1;
        give_rank(v, rank, fn, arg);
        given++;
    }
    mem_free(NULL, taken);
}

/* Selection sampling (Knuth, TAOCP 3.4.2, algorithm S): one walk over all. */
struct selection {
    zset_visit *fn;
    void *arg;
    struct random *random;
    uint64_t wanted, left;
};

static void select_member(void *arg, struct slice member, double score)
{
    struct selection *s = arg;
    if (random_below(s->random, s->left--) >= s->wanted)
        return;
    s->wanted--;
    s->fn(s->arg, member, score);
}

void zset_sample(struct typed_value v, uint64_t n, struct random *random, zset_visit *fn, void *arg)
{
    uint64_t size = value_count(v);
    n = n < size ? n : size;
    if (v.encoding == ENC_LISTPACK)
        sample_packed(v.ptr, (uint32_t)n, random, fn, arg);
    else if (n < size / 3)
        sample_few(v, n, random, fn, arg);
    else
        zset_walk(v, (struct zset_ranks){0, size}, 0, select_member, &(struct selection){fn, arg, random, n, size});
}
