/* The counted B+ tree against a naive model, an array: random changes of every kind at every size, both kinds of tree,
 * with the shape of the tree and what a snapshot is shown; and a large one against a model that is quicker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the above: cmocka.h needs them */
#include <cmocka.h>
#include <string.h>

#include "shard/ds/ranked.h"
#include "tests/unit/random_cases.h"

enum { LEAST = 28 }; /* in a node that is not at an edge */

struct item {
    uint64_t key;
    uint32_t order; /* among equal keys */
    uint32_t shown; /* times in the running epoch */
    bool present, in_epoch;
};

struct world {
    struct random random;
    struct mem_account account;
    struct epoch_clock clock;
    struct ranked tree;
    struct item *item;  /* that there may be */
    struct item **list; /* that there are, in order */
    uint32_t items, n;
};

static uint64_t below(struct world *w, uint64_t n) { return random_below(&w->random, n); }

static uint64_t weight_of(const struct world *w, uint64_t key)
{
    return w->tree.kind == RANKED_BY_KEY ? 1 : (uint32_t)key;
}

static uint64_t new_key(struct world *w, uint64_t keys)
{
    if (w->tree.kind == RANKED_BY_PLACE)
        return random_u64(&w->random) << 32 | (1 + below(w, keys < 1000 ? keys : 1000));
    uint64_t key = below(w, keys);
    return key == 0 ? 0 : key == keys - 1 ? UINT64_MAX : key * (UINT64_MAX / keys);
}

static void setup(struct world *w, enum ranked_kind kind, uint32_t items, uint64_t keys)
{
    w->account = (struct mem_account){0};
    w->clock = (struct epoch_clock){.now = (uint16_t)random_u64(&w->random)};
    ranked_init(&w->tree, kind, &w->account, &w->clock, w);
    w->items = items;
    w->n = 0;
    w->item = calloc(items, sizeof *w->item);
    w->list = calloc(items, sizeof *w->list);
    for (uint32_t i = 0; i < items; i++)
        w->item[i] = (struct item){.key = new_key(w, keys), .order = i};
}

static void teardown(struct world *w)
{
    ranked_deinit(&w->tree);
    assert_int_equal(mem_used(&w->account), 0);
    free(w->item);
    free(w->list);
}

/* ---- The model ---- */

static int compare(const void *sought, const void *pointer)
{
    uint32_t a = ((const struct item *)sought)->order, b = ((const struct item *)pointer)->order;
    return (a > b) - (a < b);
}

static uint32_t model_find(const struct world *w, uint64_t key, const struct item *sought)
{
    uint32_t low = 0, high = w->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const struct item *m = w->list[middle];
        if (m->key < key || (m->key == key && sought && m->order < sought->order))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static uint64_t model_rank(const struct world *w, uint32_t at)
{
    uint64_t rank = 0;
    for (uint32_t i = 0; i < at; i++)
        rank += weight_of(w, w->list[i]->key);
    return rank;
}

static void model_insert(struct world *w, uint32_t at, struct item *i)
{
    memmove(w->list + at + 1, w->list + at, (w->n++ - at) * sizeof *w->list);
    w->list[at] = i;
    i->present = true;
}

static void model_remove(struct world *w, uint32_t at)
{
    w->list[at]->present = false;
    memmove(w->list + at, w->list + at + 1, (--w->n - at) * sizeof *w->list);
}

/* ---- Checks ---- */

static void check_place(const struct world *w, const struct ranked_place *p, uint32_t at)
{
    assert_int_equal(ranked_at_end(p), at == w->n);
    if (at < w->n) {
        assert_true(ranked_key(p) == w->list[at]->key);
        assert_ptr_equal(ranked_pointer(p), w->list[at]);
    }
    assert_int_equal(ranked_rank(&w->tree, p), model_rank(w, at));
}

/* The place of what is at `at` in the model, found in one of the ways. */
static struct ranked_place place_of(struct world *w, uint32_t at)
{
    struct ranked_place p;
    bool found;
    if (at == w->n && below(w, 2)) {
        ranked_end(&w->tree, &p);
        found = false;
    } else if (w->tree.kind == RANKED_BY_KEY && at < w->n && below(w, 2)) {
        found = ranked_find(&w->tree, w->list[at]->key, compare, w->list[at], &p);
    } else {
        uint64_t offset, weight = at < w->n ? weight_of(w, w->list[at]->key) : 1, into = below(w, weight);
        found = ranked_at_rank(&w->tree, model_rank(w, at) + into, &p, &offset);
        assert_true(!found || offset == into);
    }
    assert_int_equal(found, at < w->n);
    return p;
}

struct shape {
    const struct world *w;
    uint64_t bytes;
    uint32_t seen;
};

/* A node below the root holds what it should and is what its parent says; returns its weight. */
static uint64_t check_node(struct shape *s, const struct ranked_node *n, uint32_t level, bool first, bool last)
{
    const struct world *w = s->w;
    uint64_t weight = 0;
    s->bytes += mem_size(n);
    assert_true(n->count > 0 && n->count <= n->capacity && n->capacity <= RANKED_SLOTS_MAX);
    assert_true(level == w->tree.height || n->capacity == RANKED_SLOTS_MAX);
    assert_true(level < w->tree.height || level == 0 || n->count > 1);
    assert_true(first || last || n->count >= LEAST);
    assert_int_equal(n->columns, level ? 4 : 2);
    for (uint32_t i = 0; i < n->count; i++) {
        const struct item *item = w->list[s->seen];
        assert_true(n->word[i] == item->key);
        assert_ptr_equal((void *)(uintptr_t)n->word[n->capacity + i], item);
        if (level == 0) {
            weight += weight_of(w, item->key);
            s->seen++;
            continue;
        }
        const struct ranked_node *child = (const void *)(uintptr_t)n->word[2 * n->capacity + i];
        uint64_t of_child = check_node(s, child, level - 1, first && i == 0, last && i + 1u == n->count);
        assert_int_equal(of_child, n->word[3 * n->capacity + i]);
        weight += of_child;
    }
    return weight;
}

static void check_all(struct world *w)
{
    struct shape s = {.w = w};
    struct ranked_place p;
    assert_int_equal(w->tree.items, w->n);
    assert_int_equal(w->tree.weight, model_rank(w, w->n));
    if (w->tree.root)
        assert_int_equal(check_node(&s, w->tree.root, w->tree.height, true, true), w->tree.weight);
    assert_int_equal(s.seen, w->n);
    assert_int_equal(s.bytes, mem_used(&w->account));
    uint32_t i = 0;
    for (bool is = ranked_first(&w->tree, &p); is; is = ranked_next(&w->tree, &p))
        assert_ptr_equal(ranked_pointer(&p), w->list[i++]);
    assert_int_equal(i, w->n);
    assert_true(ranked_at_end(&p));
    assert_false(ranked_next(&w->tree, &p));
    for (bool is = ranked_previous(&w->tree, &p); is; is = ranked_previous(&w->tree, &p))
        assert_ptr_equal(ranked_pointer(&p), w->list[--i]);
    assert_int_equal(i, 0);
    assert_int_equal(ranked_last(&w->tree, &p), w->n > 0);
    check_place(w, &p, w->n ? w->n - 1 : 0);
}

/* ---- Changes ---- */

static struct item *absent(struct world *w)
{
    struct item *i;
    if (w->n == w->items)
        return NULL;
    do
        i = &w->item[below(w, w->items)];
    while (i->present);
    return i;
}

static void insert_at(struct world *w, struct ranked_place *p, uint32_t at, struct item *i)
{
    ranked_insert(&w->tree, p, i->key, i);
    model_insert(w, at, i);
    check_place(w, p, at);
}

/* Inserts where the order or else chance wants it. */
static void insert(struct world *w)
{
    struct item *i = absent(w);
    struct ranked_place p;
    if (!i)
        return;
    uint32_t at = (uint32_t)below(w, w->n + 1);
    if (w->tree.kind == RANKED_BY_KEY) {
        at = model_find(w, i->key, i);
        assert_int_equal(ranked_find(&w->tree, i->key, compare, i, &p), at < w->n);
    } else {
        p = place_of(w, at);
    }
    insert_at(w, &p, at, i);
}

/* Several items from one place on, in order: behind each other, as a tree is built, or each before the last. */
static void insert_run(struct world *w, uint32_t at)
{
    struct ranked_place p = place_of(w, at);
    bool onwards = below(w, 2);
    for (uint32_t k = (uint32_t)below(w, 400); k > 0 && w->n < w->items; k--) {
        struct item *i = absent(w);
        if (w->tree.kind == RANKED_BY_KEY) { /* that fits between its neighbours */
            uint64_t low = at > 0 ? w->list[at - 1]->key : 0, high = at < w->n ? w->list[at]->key : UINT64_MAX;
            i->key = low + below(w, (high - low) / 2 + 1);
            if (model_find(w, i->key, i) != at)
                return;
        }
        insert_at(w, &p, at, i);
        if (onwards) {
            ranked_next(&w->tree, &p);
            check_place(w, &p, ++at);
        }
    }
}

static void remove_run(struct world *w, uint32_t at, uint32_t count)
{
    struct ranked_place p = place_of(w, at);
    for (; count > 0 && at < w->n; count--) {
        check_place(w, &p, at);
        ranked_remove(&w->tree, &p);
        model_remove(w, at);
    }
    check_place(w, &p, at);
}

/* Another item in the place of one, or another weight. */
static void change_item(struct world *w, uint32_t at)
{
    struct ranked_place p = place_of(w, at);
    struct item *i = w->list[at], *other = i;
    uint64_t key = i->key;
    if (w->tree.kind == RANKED_BY_PLACE) {
        key = new_key(w, 1000);
    } else {
        if (!(other = absent(w)))
            return;
        if ((at > 0 && w->list[at - 1]->key == key && w->list[at - 1]->order > other->order) ||
            (at + 1 < w->n && w->list[at + 1]->key == key && w->list[at + 1]->order < other->order))
            return;
    }
    ranked_set(&w->tree, &p, key, other);
    i->present = false;
    other->present = true;
    other->key = key;
    w->list[at] = other;
    check_place(w, &p, at);
}

static void walk(struct world *w, uint32_t at)
{
    struct ranked_place p = place_of(w, at);
    for (uint32_t i = (uint32_t)below(w, 200), back = (uint32_t)below(w, 2); i > 0; i--) {
        if (back) {
            assert_int_equal(ranked_previous(&w->tree, &p), at > 0);
            at -= at > 0;
        } else {
            assert_int_equal(ranked_next(&w->tree, &p), at + 1 < w->n);
            at += at < w->n;
        }
    }
    check_place(w, &p, at);
}

static void find_bound(struct world *w, uint64_t keys)
{
    struct ranked_place p;
    struct item *i = &w->item[below(w, w->items)];
    uint64_t key = below(w, 2) ? i->key : new_key(w, keys);
    uint32_t at = model_find(w, key, NULL);
    assert_int_equal(ranked_find(&w->tree, key, NULL, NULL, &p), at < w->n);
    check_place(w, &p, at);
    at = model_find(w, key, i);
    assert_int_equal(ranked_find(&w->tree, key, compare, i, &p), at < w->n);
    check_place(w, &p, at);
}

/* One change, inserting with a chance of percent. at_ends: mostly where queues do. */
static void change(struct world *w, uint32_t percent, uint32_t at_ends)
{
    bool grow = below(w, 100) < percent;
    uint32_t at = below(w, 100) >= at_ends ? (uint32_t)below(w, w->n + 1) : below(w, 2) ? w->n : 0;
    switch (below(w, 40)) {
    case 0:
        if (grow)
            insert_run(w, at);
        else
            remove_run(w, at, (uint32_t)below(w, 400));
        break;
    case 1:
        walk(w, at);
        break;
    case 2:
    case 3:
    case 4:
        if (at < w->n)
            change_item(w, at);
        break;
    default:
        if (grow)
            insert(w);
        else
            remove_run(w, at - (at == w->n && at > 0), 1);
    }
}

static void against_model(void **state)
{
    struct world w;
    long cases = random_cases(&w.random, 60);
    for (long c = 0; c < cases; c++) {
        uint64_t keys = (uint64_t)2 << below(&w, 40);
        setup(&w, c % 2 ? RANKED_BY_PLACE : RANKED_BY_KEY, (uint32_t)1 << below(&w, 14), keys);
        for (int phase = 0; phase < 8; phase++) {
            uint32_t percent = (uint32_t)below(&w, 101), at_ends = below(&w, 2) ? 0 : (uint32_t)below(&w, 101);
            for (uint32_t i = 0; i < w.items; i++) {
                change(&w, percent, at_ends);
                if (w.tree.kind == RANKED_BY_KEY && i % 8 == 0)
                    find_bound(&w, keys);
            }
            check_all(&w);
        }
        if (c % 4 == 3)
            remove_run(&w, 0, w.n);
        teardown(&w);
    }
}

/* Elements come and go at the ends, a few levels above each other. */
static void queue(void **state)
{
    struct world w;
    for (long c = random_cases(&w.random, 4); c > 0; c--) {
        setup(&w, c % 2 ? RANKED_BY_PLACE : RANKED_BY_KEY, 16000, UINT64_C(1) << 40);
        while (w.n < w.items)
            insert(&w);
        check_all(&w);
        for (uint32_t left = (uint32_t)below(&w, 101); w.n > 0;) {
            for (uint32_t i = (uint32_t)below(&w, 200); i > 0; i--)
                remove_run(&w, below(&w, 100) < left || w.n == 0 ? 0 : w.n - 1, 1);
            check_all(&w);
        }
        teardown(&w);
    }
}

/* ---- Snapshots ---- */

static void show(void *arg, uint64_t key, void *pointer)
{
    struct item *i = pointer;
    assert_true(i->present);
    assert_true(i->key == key);
    i->shown++;
}

static void keep(void *arg, void *owner, void *node)
{
    assert_ptr_equal(arg, &((struct world *)owner)->clock);
    ranked_visit_leaf(node, show, NULL);
}

/* Raises the epoch, and goes through the tree with up to `between` changes before each step; or frees what is left. */
static void run_epoch(struct world *w, uint32_t percent, uint32_t between, bool freed)
{
    for (uint32_t i = 0; i < w->items; i++) {
        w->item[i].shown = 0;
        w->item[i].in_epoch = w->item[i].present;
    }
    w->clock = (struct epoch_clock){.now = (uint16_t)(w->clock.now + 1), .keep = keep, .arg = &w->clock};
    do {
        for (uint32_t i = (uint32_t)below(w, between); i > 0; i--)
            change(w, percent, 0);
    } while (ranked_epoch_step(&w->tree) && !(freed && below(w, 10) == 0));
    if (freed)
        ranked_deinit(&w->tree);
    for (uint32_t i = 0; i < w->items; i++)
        assert_int_equal(w->item[i].shown, w->item[i].in_epoch);
    assert_false(ranked_epoch_step(&w->tree));
    w->clock.keep = NULL;
}

/* A snapshot is shown everything that was there when it began exactly once, and as it was. */
static void snapshots(void **state)
{
    struct world w;
    long cases = random_cases(&w.random, 60);
    for (long c = 0; c < cases; c++) {
        setup(&w, c % 2 ? RANKED_BY_PLACE : RANKED_BY_KEY, (uint32_t)16 << below(&w, 10), (uint64_t)2 << below(&w, 40));
        for (int epoch = 0; epoch < 4; epoch++) {
            uint32_t percent = 50 + (uint32_t)below(&w, 51);
            for (uint32_t i = 0; i < w.items; i++)
                change(&w, percent, 0);
            run_epoch(&w, (uint32_t)below(&w, 101), 1 + (uint32_t)below(&w, below(&w, 2) ? 30 : 1000),
                      epoch == 3 && c % 3 == 0);
        }
        teardown(&w);
    }
}

/* As well while inner nodes divide, which full ones soon do, and unite. */
static void snapshots_of_full_nodes(void **state)
{
    struct world w;
    for (long c = random_cases(&w.random, 10); c > 0; c--) {
        setup(&w, RANKED_BY_PLACE, 16000, 100);
        for (uint32_t n = 3500 + (uint32_t)below(&w, 6000); w.n < n;) {
            struct ranked_place p = place_of(&w, w.n);
            insert_at(&w, &p, w.n, absent(&w));
        }
        run_epoch(&w, 100, 30, false);
        check_all(&w);
        run_epoch(&w, 0, c % 2 ? 5 : 100, c % 2);
        teardown(&w);
    }
}

/* ---- Large ---- */

/* Sums over an array of which single elements change (P. Fenwick, "A new data structure for cumulative frequency
 * tables", 1994). */
struct sums {
    uint32_t n, *sum;
};

static void sums_add(struct sums *s, uint32_t at, uint32_t delta)
{
    for (uint32_t i = at + 1; i <= s->n; i += i & -i)
        s->sum[i] += delta;
}

static uint32_t sums_before(const struct sums *s, uint32_t at)
{
    uint32_t sum = 0;
    for (uint32_t i = at; i > 0; i -= i & -i)
        sum += s->sum[i];
    return sum;
}

static void shuffle(struct world *w, uint32_t *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = (uint32_t)below(w, i + 1);
        v[i] = v[k];
        v[k] = i;
    }
}

static void check_rank(struct world *w, const struct sums *s, uint32_t key)
{
    struct ranked_place p, q;
    uint32_t rank = sums_before(s, key);
    bool is = ranked_find(&w->tree, key, NULL, NULL, &p);
    assert_int_equal(ranked_rank(&w->tree, &p), rank);
    assert_int_equal(ranked_at_rank(&w->tree, rank, &q, NULL), is);
    if (is)
        assert_int_equal(ranked_key(&p), ranked_key(&q));
}

/* How full the nodes are if all that is counted were leaves, in percent of what they can hold. */
static uint64_t fill(const struct world *w) { return w->tree.items * 16 * 100 / (uint64_t)mem_used(&w->account); }

static void large(void **state)
{
    struct world w;
    struct ranked_place p;
    uint32_t n = 3000 * (uint32_t)random_cases(&w.random, 100), *order = calloc(n, sizeof *order);
    struct sums s = {n, calloc(n + 1, sizeof *s.sum)};
    setup(&w, RANKED_BY_KEY, 1, 2);
    shuffle(&w, order, n);
    for (uint32_t i = 0; i < n; i++) {
        ranked_find(&w.tree, order[i], NULL, NULL, &p);
        ranked_insert(&w.tree, &p, order[i], NULL);
        sums_add(&s, order[i], 1);
        check_rank(&w, &s, (uint32_t)below(&w, n));
    }
    assert_true(n < 10000 || fill(&w) >= 72);
    shuffle(&w, order, n);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(ranked_find(&w.tree, order[i], NULL, NULL, &p));
        assert_int_equal(ranked_key(&p), order[i]);
        ranked_remove(&w.tree, &p);
        sums_add(&s, order[i], -1u);
        check_rank(&w, &s, (uint32_t)below(&w, n));
        assert_true(i + 10000 > n || fill(&w) >= 40);
    }
    assert_int_equal(mem_used(&w.account), 0);
    teardown(&w);
    free(order);
    free(s.sum);
}

static void clear_in_steps(void *arg, uint64_t key, void *pointer) { ++*(uint64_t *)arg; }

static void in_order(void **state)
{
    struct world w;
    struct ranked_place p;
    uint32_t n = 3000 * (uint32_t)random_cases(&w.random, 100);
    for (int backwards = 0; backwards < 2; backwards++) {
        setup(&w, RANKED_BY_KEY, 1, 2);
        ranked_end(&w.tree, &p);
        for (uint32_t i = 0; i < n; i++) {
            ranked_insert(&w.tree, &p, backwards ? n - i : i, NULL);
            if (!backwards)
                ranked_next(&w.tree, &p);
        }
        assert_true(n < 10000 || fill(&w) >= 92);
        uint64_t visited = 0, before;
        bool more;
        do {
            before = visited;
            more = ranked_clear_step(&w.tree, clear_in_steps, &visited);
            assert_true(visited <= before + RANKED_SLOTS_MAX);
            assert_int_equal(w.tree.items, n - visited);
        } while (more);
        assert_int_equal(visited, n);
        teardown(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),           cmocka_unit_test(queue), cmocka_unit_test(snapshots),
        cmocka_unit_test(snapshots_of_full_nodes), cmocka_unit_test(large), cmocka_unit_test(in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
