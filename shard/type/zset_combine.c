#include "shard/type/zset_combine.h"

#include <math.h>
#include <stdlib.h>

#include "shard/type/set_value.h"
#include "shard/type/zset_range.h"
#include "src/base/assert.h"

/* ---- Inputs ---- */

static uint64_t size_of(const struct zset_input *in) { return in->value.ptr ? value_count(in->value) : 0; }

static bool find(const struct zset_input *in, struct slice member, double *score)
{
    *score = 1;
    if (!in->value.ptr)
        return false;
    return in->value.type == TYPE_SET ? set_value_has(in->value, set_text(member))
                                      : zset_score(in->value, member, score);
}

struct each {
    zset_visit *fn;
    void *arg;
};

static void give_set_member(void *arg, struct slice member, struct slice nothing)
{
    struct each *each = arg;
    each->fn(each->arg, member, 1);
}

static void visit_all(const struct zset_input *in, zset_visit *fn, void *arg)
{
    uint64_t size = size_of(in);
    if (size > 0 && in->value.type == TYPE_SET)
        value_each(in->value, give_set_member, &(struct each){fn, arg});
    else if (size > 0)
        zset_walk(in->value, (struct zset_ranks){0, size}, 0, fn, arg);
}

static int compare_sizes(const void *a, const void *b)
{
    const struct zset_input *x = a, *y = b;
    uint64_t m = size_of(x), n = size_of(y);
    if (m != n)
        return m < n ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void order_by_size(struct zset_input *inputs, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        inputs[i].index = i;
    qsort(inputs, n, sizeof *inputs, compare_sizes);
}

/* ---- Scores ---- */

static double weighted(const struct zset_input *in, double score)
{
    score *= in->weight;
    return isnan(score) ? 0 : score;
}

/* b may be nan: of MIN and MAX it is never the result. */
static double aggregated(enum zset_aggregate aggregate, double a, double b)
{
    switch (aggregate) {
    case ZSET_SUM:
        return isnan(a + b) ? 0 : a + b;
    case ZSET_MIN:
        return b < a ? b : a;
    case ZSET_MAX:
        return b > a ? b : a;
    }
    ASSERT(!"an aggregate");
    return 0;
}

/* ---- Union ---- */

struct uniting {
    struct zset_large *made;
    const struct zset_input *input;
    enum zset_aggregate aggregate;
};

static void unite(void *arg, struct slice member, double score)
{
    struct uniting *u = arg;
    struct zset_spot spot = zset_large_find(u->made, member);
    score = weighted(u->input, score);
    if (spot.element)
        spot.element->score = aggregated(u->aggregate, spot.element->score, score);
    else
        zset_large_collect(u->made, &spot, member, score);
}

struct zset_large *zset_union(struct value_home *home, struct zset_input *inputs, uint32_t n,
                              enum zset_aggregate aggregate)
{
    struct uniting u = {.made = zset_large_create(home), .aggregate = aggregate};
    order_by_size(inputs, n);
    for (uint32_t i = 0; i < n; i++) {
        u.input = &inputs[i];
        visit_all(u.input, unite, &u);
    }
    zset_large_arrange(u.made);
    return u.made;
}

/* ---- Intersection ---- */

struct intersecting {
    struct zset_large *made; /* NULL: only counted */
    const struct zset_input *inputs;
    uint32_t n;
    enum zset_aggregate aggregate;
    uint64_t limit, count;
};

static void intersect(void *arg, struct slice member, double score)
{
    struct intersecting *x = arg;
    double other;
    if (x->count == x->limit)
        return;
    score = weighted(&x->inputs[0], score);
    for (uint32_t i = 1; i < x->n; i++) {
        if (!find(&x->inputs[i], member, &other))
            return;
        score = aggregated(x->aggregate, score, other * x->inputs[i].weight);
    }
    x->count++;
    if (!x->made)
        return;
    struct zset_spot spot = zset_large_find(x->made, member);
    zset_large_collect(x->made, &spot, member, score);
}

struct zset_large *zset_intersection(struct value_home *home, struct zset_input *inputs, uint32_t n,
                                     enum zset_aggregate aggregate)
{
    struct intersecting x = {zset_large_create(home), inputs, n, aggregate, UINT64_MAX, 0};
    order_by_size(inputs, n);
    visit_all(&inputs[0], intersect, &x);
    zset_large_arrange(x.made);
    return x.made;
}

uint64_t zset_intersection_count(struct zset_input *inputs, uint32_t n, uint64_t limit)
{
    struct intersecting x = {NULL, inputs, n, ZSET_SUM, limit, 0};
    order_by_size(inputs, n);
    visit_all(&inputs[0], intersect, &x);
    return x.count;
}

/* ---- Difference ---- */

static void subtract(void *arg, struct slice member, double score)
{
    struct intersecting *x = arg;
    double other;
    for (uint32_t i = 1; i < x->n; i++)
        if (find(&x->inputs[i], member, &other))
            return;
    struct zset_spot spot = zset_large_find(x->made, member);
    zset_large_collect(x->made, &spot, member, score);
}

struct zset_large *zset_difference(struct value_home *home, const struct zset_input *inputs, uint32_t n)
{
    struct intersecting x = {.made = zset_large_create(home), .inputs = inputs, .n = n};
    visit_all(&inputs[0], subtract, &x);
    zset_large_arrange(x.made);
    return x.made;
}
