#include "shard/type/zset_large.h"

#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/dtoa.h"
#include "src/base/hash.h"

static uint64_t member_hash(const struct zset_large *l, struct slice member)
{
    return hash_bytes(member.ptr, member.len, l->value.home->seed);
}

static uint64_t element_hash(void *large, const void *element) { return member_hash(large, zset_member(element)); }

struct zset_large *zset_large_create(struct value_home *home)
{
    struct zset_large *l = value_create(home, ENC_SKIPLIST, sizeof *l);
    table_init(&l->table, &l->value.account, element_hash, l);
    ranked_init(&l->tree, RANKED_BY_KEY, &l->value.account, &home->clock, l);
    return l;
}

/* ---- Single elements ---- */

static bool is_element(const void *member, const void *element)
{
    const struct slice *m = member;
    const struct zset_element *e = element;
    return e->len == m->len && bytes_equal(e->data, m->ptr, m->len);
}

struct zset_spot zset_large_find(const struct zset_large *l, struct slice member)
{
    struct zset_spot spot = {.hash = member_hash(l, member)};
    spot.element = table_find(&l->table, spot.hash, is_element, &member, &spot.table);
    return spot;
}

static int compare_members(const void *member, const void *element)
{
    return zset_compare_members(*(const struct slice *)member, zset_member(element));
}

/* Where in the tree an element with this score and member is or belongs. */
static void find_in_tree(const struct zset_large *l, double score, struct slice member, struct ranked_place *p)
{
    ranked_find(&l->tree, zset_order(score), compare_members, &member, p);
}

void zset_large_collect(struct zset_large *l, struct zset_spot *spot, struct slice member, double score)
{
    ASSERT(!spot->element && member.len <= ZSET_MEMBER_BYTES_MAX);
    struct zset_element *e = mem_alloc(&l->value.account, offsetof(struct zset_element, data) + member.len);
    e->score = score;
    e->len = (uint32_t)member.len;
    memcpy(e->data, member.ptr, member.len);
    spot->element = e;
    spot->table = table_insert(&l->table, spot->hash, e);
}

void zset_large_add(struct zset_large *l, struct zset_spot *spot, struct slice member, double score)
{
    struct ranked_place p;
    find_in_tree(l, score, member, &p);
    zset_large_collect(l, spot, member, score);
    ranked_insert(&l->tree, &p, zset_order(score), spot->element);
}

static void append_to_tree(struct zset_large *l, uint64_t order, struct zset_element *e)
{
    struct ranked_place p;
    ranked_end(&l->tree, &p);
    ranked_insert(&l->tree, &p, order, e);
}

void zset_large_append(struct zset_large *l, struct slice member, double score)
{
    struct zset_spot spot = {.hash = member_hash(l, member)};
    zset_large_collect(l, &spot, member, score);
    append_to_tree(l, zset_order(score), spot.element);
}

/* Less than 0, 0 or more than 0, as order and member are before, at or behind the item. */
static int compare_to_item(uint64_t order, const struct zset_element *e, const struct ranked_place *p)
{
    uint64_t key = ranked_key(p);
    if (order != key)
        return order < key ? -1 : 1;
    return zset_compare_members(zset_member(e), zset_member(ranked_pointer(p)));
}

/* Whether the element at p would have the same neighbours with that order. */
static bool keeps_place(const struct zset_large *l, const struct ranked_place *p, uint64_t order)
{
    const struct zset_element *e = ranked_pointer(p);
    struct ranked_place near = *p;
    if (ranked_previous(&l->tree, &near) && compare_to_item(order, e, &near) < 0)
        return false;
    near = *p;
    return !ranked_next(&l->tree, &near) || compare_to_item(order, e, &near) < 0;
}

void zset_large_set_score(struct zset_large *l, struct zset_element *e, double score)
{
    struct ranked_place p;
    uint64_t order = zset_order(score);
    find_in_tree(l, e->score, zset_member(e), &p);
    DASSERT(ranked_pointer(&p) == e);
    if (keeps_place(l, &p, order)) {
        ranked_set(&l->tree, &p, order, e);
        e->score = score;
        return;
    }
    ranked_remove(&l->tree, &p);
    e->score = score;
    find_in_tree(l, score, zset_member(e), &p);
    ranked_insert(&l->tree, &p, order, e);
}

/* Takes an element out that is in the tree no more. */
static void drop(struct zset_large *l, const struct zset_spot *spot)
{
    table_remove(&l->table, spot->hash, spot->table);
    mem_free(&l->value.account, spot->element);
    if (table_is_sparse(&l->table))
        table_shrink_step(&l->table);
}

void zset_large_remove(struct zset_large *l, const struct zset_spot *spot)
{
    struct ranked_place p;
    find_in_tree(l, spot->element->score, zset_member(spot->element), &p);
    DASSERT(ranked_pointer(&p) == spot->element);
    ranked_remove(&l->tree, &p);
    drop(l, spot);
}

void zset_large_remove_ranks(struct zset_large *l, uint64_t first, uint64_t end)
{
    struct ranked_place p;
    ranked_at_rank(&l->tree, first, &p, NULL);
    for (uint64_t left = end - first; left > 0; left--) {
        const struct zset_element *e = ranked_pointer(&p);
        struct zset_spot spot = zset_large_find(l, zset_member(e));
        ranked_remove(&l->tree, &p);
        drop(l, &spot);
    }
}

uint64_t zset_large_rank(const struct zset_large *l, const struct zset_element *e)
{
    struct ranked_place p;
    find_in_tree(l, e->score, zset_member(e), &p);
    return ranked_rank(&l->tree, &p);
}

/* ---- All elements ---- */

static void visit_table(const struct zset_large *l, table_visit *visit, void *arg)
{
    uint64_t position = 0;
    do
        position = table_scan(&l->table, position, visit, arg);
    while (position != 0);
}

/* An element that has been collected; the order beside it, so that sorting follows few pointers. */
struct collected {
    uint64_t order;
    struct zset_element *element;
};

static void add_collected(void *arg, void *element)
{
    struct collected **next = arg;
    struct zset_element *e = element;
    *(*next)++ = (struct collected){zset_order(e->score), e};
}

static int compare_collected(const void *a, const void *b)
{
    const struct collected *x = a, *y = b;
    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    return zset_compare_members(zset_member(x->element), zset_member(y->element));
}

void zset_large_arrange(struct zset_large *l)
{
    ASSERT(l->tree.items == 0);
    size_t n = zset_large_size(l);
    struct collected *all = mem_alloc(NULL, n * sizeof *all + 1), *next = all;
    visit_table(l, add_collected, &next);
    qsort(all, n, sizeof *all, compare_collected);
    for (size_t i = 0; i < n; i++)
        append_to_tree(l, all[i].order, all[i].element);
    mem_free(NULL, all);
}

struct scan {
    value_visit *fn;
    void *arg;
    uint64_t given;
};

static void give_scanned(void *arg, void *element)
{
    struct scan *scan = arg;
    const struct zset_element *e = element;
    char text[DTOA_CHARS];
    scan->fn(scan->arg, zset_member(e), slice_of(text, dtoa_auto(text, e->score)));
    scan->given++;
}

uint64_t zset_large_scan(const struct zset_large *l, uint64_t position, uint64_t count, value_visit *fn, void *arg)
{
    struct scan scan = {.fn = fn, .arg = arg};
    for (uint64_t buckets = 0; scan.given < count && buckets / 10 < count; buckets++) {
        position = table_scan(&l->table, position, give_scanned, &scan);
        if (position == 0)
            break;
    }
    return position;
}

/* ---- What keyspaces do ---- */

uint64_t zset_large_count(struct typed_value v) { return zset_large_size(v.ptr); }

void zset_large_each(struct typed_value v, value_visit *fn, void *arg)
{
    const struct zset_large *l = v.ptr;
    struct ranked_place p;
    char text[DTOA_CHARS];
    for (bool more = ranked_first(&l->tree, &p); more; more = ranked_next(&l->tree, &p)) {
        const struct zset_element *e = ranked_pointer(&p);
        fn(arg, zset_member(e), slice_of(text, dtoa_double(text, e->score)));
    }
}

void *zset_large_copy(struct value_home *to, const void *v)
{
    const struct zset_large *l = v;
    struct zset_large *copy = zset_large_create(to);
    struct ranked_place p;
    for (bool more = ranked_first(&l->tree, &p); more; more = ranked_next(&l->tree, &p)) {
        const struct zset_element *e = ranked_pointer(&p);
        zset_large_append(copy, zset_member(e), e->score);
    }
    return copy;
}

void zset_large_moved(void *v)
{
    struct zset_large *l = v;
    l->tree.clock = &l->value.home->clock;
}

static void free_element(void *account, void *element) { mem_free(account, element); }

bool zset_large_free_step(void *v)
{
    struct zset_large *l = v;
    if (ranked_clear_step(&l->tree, NULL, NULL))
        return true;
    if (table_clear_step(&l->table, free_element, &l->value.account))
        return true;
    table_deinit(&l->table);
    return false;
}
