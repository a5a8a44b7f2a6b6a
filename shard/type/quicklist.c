#include "shard/type/quicklist.h"

#include "src/base/assert.h"

enum {
    BYTES_AT_LEVEL_1 = 4096, /* list-max-listpack-size -1; each level doubles it */
    LEVEL_MAX = 5,
    BYTES_BY_COUNT = 8192, /* if elements are counted */
    ELEMENT_OVERHEAD = 8,  /* at most, of an element that is no large one */
    LISTPACK_OVERHEAD = 7, /* header and end */
    REPLACED_FACTOR = 2,   /* a listpack in which elements are replaced by longer ones gets so much over the limit */
};

struct quicklist_limit quicklist_limit(int32_t size)
{
    if (size >= 0)
        return (struct quicklist_limit){.bytes = BYTES_BY_COUNT, .elements = size > 0 ? (uint64_t)size : 1};
    int32_t level = size < -LEVEL_MAX ? LEVEL_MAX : -size;
    return (struct quicklist_limit){.bytes = BYTES_AT_LEVEL_1 << (level - 1), .elements = UINT64_MAX};
}

/* ---- Nodes ---- */

static struct mem_account *account_of(struct quicklist *q) { return &q->value.account; }

static uint32_t node_len(const struct ranked_place *p) { return (uint32_t)ranked_key(p); }

static uint64_t new_key(const struct quicklist *q, const struct listpack *lp)
{
    return (uint64_t)q->value.home->clock.now << 32 | listpack_count(lp);
}

static void tell_clock(struct quicklist *q, uint64_t key, void *lp)
{
    uint16_t epoch = (uint16_t)(key >> 32);
    epoch_before_change(&q->value.home->clock, q, lp, &epoch);
}

/* The listpack at p is about to change or go. The clock is told of its leaf first, so that it knows what it is given.
 */
static struct listpack *change_node(struct quicklist *q, const struct ranked_place *p)
{
    ranked_before_change(&q->nodes, p);
    tell_clock(q, ranked_key(p), ranked_pointer(p));
    return quicklist_listpack(p);
}

/* It became this. */
static void put_node(struct quicklist *q, const struct ranked_place *p, struct listpack *lp)
{
    ranked_set(&q->nodes, p, new_key(q, lp), lp);
}

static void insert_listpack(struct quicklist *q, struct ranked_place *p, struct listpack *lp)
{
    ranked_insert(&q->nodes, p, new_key(q, lp), lp);
}

/* Inserts a listpack of one element before p. */
static void add_node(struct quicklist *q, struct ranked_place *p, struct slice element)
{
    struct listpack_value v = listpack_value_of(element);
    struct listpack *lp = listpack_create(account_of(q), listpack_value_bytes(v));
    insert_listpack(q, p, listpack_append(account_of(q), lp, v));
}

static void remove_node(struct quicklist *q, struct ranked_place *p)
{
    struct listpack *lp = change_node(q, p);
    ranked_remove(&q->nodes, p);
    mem_free(account_of(q), lp);
}

/* Puts the element into the listpack at p, before the place at. */
static void put_in(struct quicklist *q, const struct ranked_place *p, uint32_t at, struct slice element)
{
    struct listpack_value v = listpack_value_of(element);
    put_node(q, p, listpack_insert(account_of(q), change_node(q, p), at, &v, 1));
}

/* Deletes n elements from the place at on; with all of them the node, and then p is the next one, or the end. Returns
 * whether it did that. */
static bool delete_in(struct quicklist *q, struct ranked_place *p, uint32_t at, uint32_t n)
{
    if (n == node_len(p)) {
        remove_node(q, p);
        return true;
    }
    put_node(q, p, listpack_delete(account_of(q), change_node(q, p), at, n));
    return false;
}

static bool to_end(const struct quicklist *q, enum list_end end, struct ranked_place *p)
{
    return (end == LIST_HEAD ? ranked_first : ranked_last)(&q->nodes, p);
}

/* ---- What may lie in one listpack ---- */

static bool is_large(const struct quicklist *q, size_t len) { return len > q->limit.bytes; }

bool quicklist_is_plain(const struct quicklist *q, const struct listpack *lp)
{
    if (lp->bytes <= q->limit.bytes || listpack_count(lp) > 1)
        return false;
    struct listpack_value v = listpack_get(lp, LISTPACK_FIRST);
    return v.string && is_large(q, v.len);
}

/* Whether the node at p has room for an element of len bytes. */
static bool has_room(const struct quicklist *q, const struct ranked_place *p, size_t len)
{
    const struct listpack *lp = quicklist_listpack(p);
    return !is_large(q, len) &&
           !quicklist_exceeds(&q->limit, (uint64_t)lp->bytes + len + ELEMENT_OVERHEAD, (uint64_t)node_len(p) + 1);
}

/* Joins the node at p and the one behind it, if there are two and one may hold both. p is good no more. */
static void join_next(struct quicklist *q, struct ranked_place *p)
{
    struct ranked_place next = *p;
    if (!ranked_next(&q->nodes, &next))
        return;
    struct listpack *first = quicklist_listpack(p), *second = quicklist_listpack(&next);
    uint64_t bytes = (uint64_t)first->bytes + second->bytes - LISTPACK_OVERHEAD;
    if (quicklist_exceeds(&q->limit, bytes, (uint64_t)node_len(p) + node_len(&next)))
        return;
    change_node(q, &next);
    ranked_remove(&q->nodes, &next);
    ranked_previous(&q->nodes, &next);
    put_node(q, &next, listpack_join(account_of(q), change_node(q, &next), second));
}

/* What Redis tries to join where it has divided a node: the two before it, the two behind it, the one before with it,
 * and that with the one behind. The rank of its first element finds it again whatever has been joined. */
static void join_around(struct quicklist *q, const struct ranked_place *center)
{
    uint64_t rank = ranked_rank(&q->nodes, center);
    struct ranked_place p = *center;
    if (ranked_previous(&q->nodes, &p) && ranked_previous(&q->nodes, &p))
        join_next(q, &p);
    ranked_at_rank(&q->nodes, rank, &p, NULL);
    if (ranked_next(&q->nodes, &p))
        join_next(q, &p);
    ranked_at_rank(&q->nodes, rank, &p, NULL);
    if (ranked_previous(&q->nodes, &p))
        join_next(q, &p);
    ranked_at_rank(&q->nodes, rank, &p, NULL);
    join_next(q, &p);
}

/* Divides the node at p before the place at; p is the second part then. */
static void divide(struct quicklist *q, struct ranked_place *p, uint32_t at)
{
    struct listpack *rest;
    put_node(q, p, listpack_split(account_of(q), change_node(q, p), at, &rest));
    ranked_next(&q->nodes, p);
    insert_listpack(q, p, rest);
}

/* ---- Making, becoming a listpack again ---- */

struct quicklist *quicklist_create(struct value_home *home, const struct quicklist_limit *limit)
{
    struct quicklist *q = value_create(home, ENC_QUICKLIST, sizeof *q);
    ranked_init(&q->nodes, RANKED_BY_PLACE, account_of(q), &home->clock, q);
    q->limit = *limit;
    return q;
}

void quicklist_append_listpack(struct quicklist *q, struct listpack *lp)
{
    struct ranked_place p;
    mem_count(q->value.home->account, -(int64_t)mem_size(lp));
    mem_count(account_of(q), (int64_t)mem_size(lp));
    ranked_end(&q->nodes, &p);
    if (listpack_is_empty(lp))
        mem_free(account_of(q), lp);
    else
        insert_listpack(q, &p, lp);
}

struct quicklist *quicklist_of_listpack(struct value_home *home, const struct quicklist_limit *limit,
                                        struct listpack *lp)
{
    struct quicklist *q = quicklist_create(home, limit);
    quicklist_append_listpack(q, lp);
    return q;
}

const struct listpack *quicklist_only_listpack(const struct quicklist *q)
{
    if (q->nodes.items != 1)
        return NULL;
    const struct listpack *lp = quicklist_end_listpack(q, LIST_HEAD);
    return quicklist_is_plain(q, lp) ? NULL : lp;
}

struct listpack *quicklist_to_listpack(struct quicklist *q)
{
    struct value_home *home = q->value.home;
    struct ranked_place p;
    ranked_first(&q->nodes, &p);
    struct listpack *lp = change_node(q, &p);
    ranked_remove(&q->nodes, &p);
    mem_count(account_of(q), -(int64_t)mem_size(lp));
    mem_count(home->account, (int64_t)mem_size(lp));
    value_destroy(&q->value);
    return lp;
}

/* ---- Finding ---- */

bool quicklist_at(const struct quicklist *q, uint64_t index, struct quicklist_place *place)
{
    uint64_t offset;
    if (!ranked_at_rank(&q->nodes, index, &place->node, &offset))
        return false;
    place->at = listpack_seek(quicklist_listpack(&place->node), (int64_t)offset);
    return true;
}

bool quicklist_find(const struct quicklist *q, struct listpack_value v, struct quicklist_place *place)
{
    for (bool more = ranked_first(&q->nodes, &place->node); more; more = ranked_next(&q->nodes, &place->node)) {
        place->at = listpack_find(quicklist_listpack(&place->node), LISTPACK_FIRST, v, 0);
        if (place->at != LISTPACK_NONE)
            return true;
    }
    return false;
}

/* ---- Putting in ---- */

void quicklist_push(struct quicklist *q, enum list_end end, struct slice element)
{
    struct ranked_place p;
    if (to_end(q, end, &p) && has_room(q, &p, element.len)) {
        put_in(q, &p, end == LIST_HEAD ? LISTPACK_FIRST : LISTPACK_NONE, element);
        return;
    }
    if (end == LIST_TAIL)
        ranked_end(&q->nodes, &p);
    add_node(q, &p, element);
}

/* Inserts at the edge of a full node: into its neighbour there, or between them. */
static void insert_beside(struct quicklist *q, const struct ranked_place *node, bool after, struct slice element)
{
    struct ranked_place p = *node;
    bool there = (after ? ranked_next : ranked_previous)(&q->nodes, &p);
    if (there && has_room(q, &p, element.len)) {
        put_in(q, &p, after ? LISTPACK_FIRST : LISTPACK_NONE, element);
        return;
    }
    if (!after)
        p = *node;
    add_node(q, &p, element);
}

/* Inserts in the middle of a full node, before the place at. As in Redis the element goes to that part which the
 * element it was to be put beside is not in. */
static void insert_dividing(struct quicklist *q, const struct ranked_place *node, uint32_t at, bool after,
                            struct slice element)
{
    struct ranked_place p = *node;
    divide(q, &p, at);
    if (is_large(q, element.len)) {
        add_node(q, &p, element);
        return;
    }
    if (after)
        put_in(q, &p, LISTPACK_FIRST, element);
    ranked_previous(&q->nodes, &p);
    if (!after) {
        put_in(q, &p, LISTPACK_NONE, element);
        ranked_next(&q->nodes, &p);
    }
    join_around(q, &p);
}

void quicklist_insert(struct quicklist *q, const struct quicklist_place *place, bool after, struct slice element)
{
    uint32_t at = after ? listpack_next(quicklist_listpack(&place->node), place->at) : place->at;
    if (has_room(q, &place->node, element.len))
        put_in(q, &place->node, at, element);
    else if (at == (after ? LISTPACK_NONE : LISTPACK_FIRST))
        insert_beside(q, &place->node, after, element);
    else
        insert_dividing(q, &place->node, at, after, element);
}

/* The place where a listpack of several elements is divided into halves. */
static uint32_t middle(const struct listpack *lp)
{
    uint32_t at = LISTPACK_FIRST;
    while (at != LISTPACK_NONE && at < lp->bytes / 2)
        at = listpack_next(lp, at);
    return at != LISTPACK_NONE ? at : listpack_last(lp);
}

/* Puts another element in the place of one in its listpack. Redis does so however large that gets; here it is divided
 * before changes in it, and the copies that a snapshot takes, become slow. */
static void replace_in(struct quicklist *q, const struct quicklist_place *place, struct slice element)
{
    struct ranked_place p = place->node;
    struct listpack *lp = change_node(q, &p);
    lp = listpack_replace(account_of(q), lp, place->at, listpack_value_of(element));
    put_node(q, &p, lp);
    if (lp->bytes > REPLACED_FACTOR * q->limit.bytes && node_len(&p) > 1)
        divide(q, &p, middle(lp));
}

/* Puts a large element, which needs a node of its own, in the place of one that lies among others. */
static void replace_by_large(struct quicklist *q, const struct quicklist_place *place, struct slice element)
{
    struct ranked_place p = place->node;
    uint32_t behind = listpack_next(quicklist_listpack(&p), place->at);
    if (behind != LISTPACK_NONE) {
        divide(q, &p, behind);
        ranked_previous(&q->nodes, &p);
    }
    bool was_first = delete_in(q, &p, place->at, 1);
    if (!was_first)
        ranked_next(&q->nodes, &p);
    add_node(q, &p, element);
    if (!was_first)
        join_around(q, &p);
}

void quicklist_replace(struct quicklist *q, const struct quicklist_place *place, struct slice element)
{
    bool plain = quicklist_is_plain(q, quicklist_listpack(&place->node));
    if (plain == is_large(q, element.len)) {
        replace_in(q, place, element);
    } else if (!plain) {
        replace_by_large(q, place, element);
    } else {
        struct ranked_place p;
        uint64_t rank = ranked_rank(&q->nodes, &place->node);
        quicklist_insert(q, place, true, element);
        ranked_at_rank(&q->nodes, rank, &p, NULL);
        remove_node(q, &p);
    }
}

/* ---- Deleting ---- */

void quicklist_trim(struct quicklist *q, enum list_end end, uint64_t n)
{
    struct ranked_place p;
    while (n > 0) {
        to_end(q, end, &p);
        uint32_t here = n < node_len(&p) ? (uint32_t)n : node_len(&p), at = LISTPACK_FIRST;
        if (end == LIST_TAIL && here < node_len(&p))
            at = listpack_seek(quicklist_listpack(&p), -(int64_t)here);
        delete_in(q, &p, at, here);
        n -= here;
    }
}

struct quicklist_matches quicklist_match(const struct listpack *lp, struct listpack_value v, enum list_end from,
                                         uint64_t most)
{
    struct quicklist_matches m = {.place = mem_alloc(NULL, listpack_count(lp) * sizeof *m.place)};
    uint32_t found = listpack_find_all(lp, v, m.place);
    m.n = found < most ? found : (uint32_t)most;
    m.first = m.place + (from == LIST_HEAD ? 0 : found - m.n);
    return m;
}

uint64_t quicklist_remove_equal(struct quicklist *q, struct listpack_value v, enum list_end from, uint64_t most)
{
    struct ranked_place p;
    uint64_t removed = 0;
    for (bool more = to_end(q, from, &p); more && removed < most;) {
        struct quicklist_matches m = quicklist_match(quicklist_listpack(&p), v, from, most - removed);
        bool gone = m.n == node_len(&p);
        removed += m.n;
        if (gone)
            remove_node(q, &p);
        else if (m.n > 0)
            put_node(q, &p, listpack_delete_places(account_of(q), change_node(q, &p), m.first, m.n));
        mem_free(NULL, m.place);
        if (from == LIST_TAIL)
            more = ranked_previous(&q->nodes, &p);
        else
            more = gone ? !ranked_at_end(&p) : ranked_next(&q->nodes, &p);
    }
    return removed;
}

/* ---- As a value ---- */

uint64_t quicklist_count(struct typed_value v) { return quicklist_len(v.ptr); }

void quicklist_each(struct typed_value v, value_visit *fn, void *arg)
{
    const struct quicklist *q = v.ptr;
    struct ranked_place p;
    char number[NUM_INT_CHARS];
    for (bool more = ranked_first(&q->nodes, &p); more; more = ranked_next(&q->nodes, &p)) {
        const struct listpack *lp = quicklist_listpack(&p);
        for (uint32_t at = LISTPACK_FIRST; at != LISTPACK_NONE; at = listpack_next(lp, at))
            fn(arg, listpack_text_of(listpack_get(lp, at), number), slice_of("", 0));
    }
}

void *quicklist_copy(struct value_home *to, const void *v)
{
    const struct quicklist *from = v;
    struct quicklist *copy = quicklist_create(to, &from->limit);
    struct ranked_place p, end;
    ranked_end(&copy->nodes, &end);
    for (bool more = ranked_first(&from->nodes, &p); more; more = ranked_next(&from->nodes, &p)) {
        insert_listpack(copy, &end, listpack_copy(account_of(copy), quicklist_listpack(&p)));
        ranked_next(&copy->nodes, &end);
    }
    return copy;
}

void quicklist_moved(void *v)
{
    struct quicklist *q = v;
    q->nodes.clock = &q->value.home->clock;
}

static void free_node(void *arg, uint64_t key, void *lp)
{
    struct quicklist *q = arg;
    tell_clock(q, key, lp);
    mem_free(account_of(q), lp);
}

bool quicklist_free_step(void *v)
{
    struct quicklist *q = v;
    return ranked_clear_step(&q->nodes, free_node, q);
}
