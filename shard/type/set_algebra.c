#include "shard/type/set_algebra.h"

#include <stdlib.h>

/* A result that grows. */
struct result {
    struct value_home *home;
    const struct set_limits *limits;
    struct typed_value value;
};

static struct result begin(struct value_home *home, const struct set_limits *limits, enum encoding encoding)
{
    return (struct result){home, limits, set_value_create(home, encoding)};
}

static uint64_t count_of(struct typed_value v) { return v.ptr ? value_count(v) : 0; }

/* Sorts by size and keeps the order of those of equal size, as the merge sort that Redis is linked with does. There are
 * few sets as a rule, but a client may name any number of keys. */
struct sized_set {
    uint64_t count;
    uint32_t place;
    struct typed_value value;
};

static int compare_sizes(const void *a, const void *b)
{
    const struct sized_set *left = a, *right = b;
    if (left->count != right->count)
        return left->count < right->count ? -1 : 1;
    return left->place < right->place ? -1 : left->place > right->place;
}

static void sort(struct typed_value *sets, uint32_t n, bool largest_first)
{
    if (n < 2)
        return;
    struct sized_set *sized = mem_alloc(NULL, n * sizeof *sized);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t count = count_of(sets[i]);
        sized[i] = (struct sized_set){largest_first ? UINT64_MAX - count : count, i, sets[i]};
    }
    qsort(sized, n, sizeof *sized, compare_sizes);
    for (uint32_t i = 0; i < n; i++)
        sets[i] = sized[i].value;
    mem_free(NULL, sized);
}

static bool add_to_result(void *arg, struct listpack_value member)
{
    struct result *r = arg;
    set_value_add(r->home, &r->value, r->limits, member);
    return true;
}

/* ---- Intersection ---- */

struct intersection {
    const struct typed_value *sets; /* the smallest first */
    uint32_t n;
    set_visit *fn;
    void *arg;
};

static bool visit_if_common(void *arg, struct listpack_value member)
{
    const struct intersection *x = arg;
    for (uint32_t i = 1; i < x->n; i++)
        if (x->sets[i].ptr != x->sets[0].ptr && !set_value_has(x->sets[i], member))
            return true;
    return x->fn(x->arg, member);
}

static void intersect_sorted(const struct typed_value *sets, uint32_t n, set_visit *fn, void *arg)
{
    struct intersection x = {sets, n, fn, arg};
    if (sets[0].ptr)
        set_value_each(sets[0], visit_if_common, &x);
}

void set_intersect(struct typed_value *sets, uint32_t n, set_visit *fn, void *arg)
{
    sort(sets, n, false);
    intersect_sorted(sets, n, fn, arg);
}

struct common {
    struct result result;
    bool only_integers; /* so far */
};

static bool add_common(void *arg, struct listpack_value member)
{
    struct common *c = arg;
    if (c->only_integers && member.string)
        c->only_integers = !listpack_value_of(slice_of(member.string, member.len)).string;
    return add_to_result(&c->result, member);
}

struct typed_value set_intersection(struct value_home *home, const struct set_limits *limits, struct typed_value *sets,
                                    uint32_t n)
{
    sort(sets, n, false);
    /* To a listpack more is added faster than to an intset, unless it comes in order. */
    bool in_order = !sets[0].ptr || sets[0].encoding == ENC_INTSET;
    struct common c = {begin(home, limits, in_order ? ENC_INTSET : ENC_LISTPACK), true};
    intersect_sorted(sets, n, add_common, &c);
    if (c.only_integers)
        set_value_to_intset(home, &c.result.value, limits);
    return c.result.value;
}

/* ---- Union ---- */

struct typed_value set_union(struct value_home *home, const struct set_limits *limits, struct typed_value *sets,
                             uint32_t n)
{
    struct result r = begin(home, limits, ENC_INTSET);
    for (uint32_t i = 0; i < n; i++)
        if (sets[i].ptr)
            set_value_each(sets[i], add_to_result, &r);
    return r.value;
}

/* ---- Difference ---- */

struct difference {
    struct result result;
    const struct typed_value *others; /* that members must not be in */
    uint32_t n;
};

static bool add_if_in_no_other(void *arg, struct listpack_value member)
{
    struct difference *d = arg;
    for (uint32_t i = 0; i < d->n; i++)
        if (d->others[i].ptr && set_value_has(d->others[i], member))
            return true;
    return add_to_result(&d->result, member);
}

static bool remove_from_result(void *arg, struct listpack_value member)
{
    struct result *r = arg;
    set_value_remove(r->home, &r->value, member);
    return value_count(r->value) > 0;
}

/* Whether it is less work to look for each member of the first set in all the others than to go through all of them.
 * The first way has the better constants, and ends early for members that are found: its work counts half. */
static bool is_better_to_look(const struct typed_value *sets, uint32_t n)
{
    uint64_t looking = 0, walking = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!sets[i].ptr)
            continue;
        looking += value_count(sets[0]);
        walking += value_count(sets[i]);
    }
    return looking / 2 <= walking;
}

struct typed_value set_difference(struct value_home *home, const struct set_limits *limits, struct typed_value *sets,
                                  uint32_t n)
{
    struct difference d = {begin(home, limits, ENC_INTSET), sets + 1, n - 1};
    struct result *r = &d.result;
    for (uint32_t i = 1; i < n; i++)
        if (sets[i].ptr == sets[0].ptr)
            return r->value;
    if (!sets[0].ptr)
        return r->value;
    if (is_better_to_look(sets, n)) {
        sort(sets + 1, n - 1, true); /* the larger, the sooner a member is found */
        set_value_each(sets[0], add_if_in_no_other, &d);
        return r->value;
    }
    set_value_each(sets[0], add_to_result, r);
    for (uint32_t i = 1; i < n && value_count(r->value) > 0; i++)
        if (sets[i].ptr)
            set_value_each(sets[i], remove_from_result, r);
    return r->value;
}
