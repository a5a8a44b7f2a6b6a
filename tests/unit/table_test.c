/* The table against a naive model: random inserts, removals and shrinking, with the scan guarantee, uniform random
 * choice and snapshots' preimages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the above: cmocka.h needs them */
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "shard/ds/table.h"
#include "tests/unit/random_cases.h"

struct item {
    uint64_t hash;
    uint32_t given; /* times in the running scan */
    uint32_t shown; /* times in the running epoch */
    bool present, steady, in_epoch;
};

struct world {
    struct table table;
    struct mem_account account;
    struct random random;
    struct item *item;
    uint32_t n;
};

static uint64_t hash_of(void *arg, const void *entry) { return ((const struct item *)entry)->hash; }
static bool is_item(const void *key, const void *entry) { return key == entry; }

static void setup(struct world *w, uint32_t n, bool alike)
{
    w->account = (struct mem_account){0};
    w->n = n;
    w->item = calloc(n, sizeof *w->item);
    for (uint32_t i = 0; i < n; i++)
        w->item[i].hash = alike ? random_u64(&w->random) & 0xfff : random_u64(&w->random);
    table_init(&w->table, &w->account, hash_of, NULL);
}

static void teardown(struct world *w)
{
    table_deinit(&w->table);
    assert_int_equal(mem_used(&w->account), 0);
    free(w->item);
}

static struct item *find(struct world *w, struct item *i, struct table_place *p)
{
    return table_find(&w->table, i->hash, is_item, i, p);
}

static void insert(struct world *w, struct item *i)
{
    struct table_place p = table_insert(&w->table, i->hash, i), q;
    i->present = true;
    assert_ptr_equal(table_at(p), i);
    assert_ptr_equal(find(w, i, &q), i);
    assert_ptr_equal(q.bucket, p.bucket);
}

static void remove_item(struct world *w, struct item *i)
{
    struct table_place p;
    assert_ptr_equal(find(w, i, &p), i);
    table_remove(&w->table, i->hash, p);
    i->present = false;
    assert_null(find(w, i, &p));
}

/* Inserts with a chance of percent, else removes. */
static void change(struct world *w, uint32_t percent)
{
    struct item *i = &w->item[random_below(&w->random, w->n)];
    if (!i->present && random_below(&w->random, 100) < percent)
        insert(w, i);
    else if (i->present && !i->steady && random_below(&w->random, 100) >= percent)
        remove_item(w, i);
}

static void give(void *arg, void *entry) { ((struct item *)entry)->given++; }

static void check_all(struct world *w)
{
    struct table_place p;
    uint64_t present = 0, position = 0, before;
    for (uint32_t i = 0; i < w->n; i++) {
        assert_int_equal(find(w, &w->item[i], &p) != NULL, w->item[i].present);
        present += w->item[i].present;
        w->item[i].given = 0;
    }
    assert_int_equal(w->table.size, present);
    do {
        before = position;
        position = table_scan(&w->table, position, give, NULL);
        assert_true(position == 0 || position > before);
    } while (position);
    for (uint32_t i = 0; i < w->n; i++)
        assert_int_equal(w->item[i].given, w->item[i].present);
}

static void against_model(void **state)
{
    struct world w;
    long cases = random_cases(&w.random, 40);
    for (long c = 0; c < cases; c++) {
        setup(&w, (uint32_t)1 << random_below(&w.random, c % 8 == 7 ? 10 : 15), c % 8 == 7);
        for (int phase = 0; phase < 6; phase++) {
            uint32_t percent = (uint32_t)random_below(&w.random, 101);
            for (uint32_t i = 0; i < w.n * 2; i++) {
                change(&w, percent);
                if (table_is_sparse(&w.table))
                    table_shrink_step(&w.table);
            }
            check_all(&w);
        }
        teardown(&w);
    }
}

/* What is there during the whole scan is given, whatever happens to the table between the steps. */
static void scan_guarantee(void **state)
{
    struct world w;
    long cases = random_cases(&w.random, 40);
    for (long c = 0; c < cases; c++) {
        setup(&w, (uint32_t)16 << random_below(&w.random, c % 8 == 7 ? 6 : 11), c % 8 == 7);
        for (uint32_t i = 0; i < w.n; i++)
            change(&w, c % 3 ? 90 : 30);
        for (uint32_t i = 0; i < w.n; i++)
            w.item[i].steady = w.item[i].present && (c % 2 || random_below(&w.random, 20) == 0);
        uint32_t percent = (uint32_t)random_below(&w.random, 101), a_step = w.n / 16;
        uint64_t position = 0;
        do {
            position = table_scan(&w.table, position, give, NULL);
            for (uint32_t i = random_below(&w.random, 4) ? 0 : (uint32_t)random_below(&w.random, a_step + 1); i > 0;
                 i--) {
                change(&w, percent);
                table_shrink_step(&w.table);
            }
        } while (position);
        for (uint32_t i = 0; i < w.n; i++)
            assert_true(!w.item[i].steady || w.item[i].given > 0);
        teardown(&w);
    }
}

/* A snapshot is shown everything that was there when it began exactly once, and before it goes. */
static void show(void *arg, struct bucket *b)
{
    for (uint32_t i = 0; i < BUCKET_SLOTS; i++)
        if (b->tag[i]) {
            struct item *item = bucket_entry(b->slot[i]);
            assert_true(item->present);
            item->shown++;
        }
}

static void preimages(void **state)
{
    struct world w;
    long cases = random_cases(&w.random, 40);
    for (long c = 0; c < cases; c++) {
        setup(&w, (uint32_t)16 << random_below(&w.random, c % 8 == 7 ? 6 : 11), c % 8 == 7);
        for (int epoch = 0; epoch < 3; epoch++) {
            uint32_t percent = (uint32_t)random_below(&w.random, 101);
            for (uint32_t i = 0; i < w.n; i++)
                change(&w, percent);
            for (uint32_t i = 0; i < w.n; i++) {
                w.item[i].shown = 0;
                w.item[i].in_epoch = w.item[i].present;
            }
            table_start_epoch(&w.table, show, NULL);
            uint64_t position = 0;
            percent = (uint32_t)random_below(&w.random, 101);
            do {
                for (uint32_t i = (uint32_t)random_below(&w.random, w.n); i > 0; i--) {
                    change(&w, percent);
                    if (random_below(&w.random, 8) == 0)
                        table_shrink_step(&w.table);
                }
                position = table_epoch_step(&w.table, position);
            } while (position);
            for (uint32_t i = 0; i < w.n; i++)
                assert_int_equal(w.item[i].shown, w.item[i].in_epoch);
        }
        teardown(&w);
    }
}

static uint64_t next_random(void *arg) { return random_u64(arg); }

/* The first keys items are all that is in the table. */
static void check_random(struct world *w, uint32_t keys)
{
    enum { DRAWS = 200 };
    for (uint32_t i = 0; i < keys; i++)
        w->item[i].given = 0;
    for (uint32_t i = 0; i < keys * DRAWS; i++) {
        struct table_place p;
        struct item *item = table_random(&w->table, next_random, &w->random, &p);
        assert_non_null(item);
        item->given++;
    }
    double chi2 = 0, degrees = keys - 1, x = 18;
    for (uint32_t i = 0; i < keys; i++)
        chi2 += ((double)w->item[i].given - DRAWS) * ((double)w->item[i].given - DRAWS) / DRAWS;
    /* Either fails once in e^x cases at most (B. Laurent and P. Massart, "Adaptive estimation of a quadratic functional
     * by model selection", 2000, lemma 1). */
    assert_true(chi2 > degrees - 2 * sqrt(degrees * x));
    assert_true(chi2 < degrees + 2 * sqrt(degrees * x) + 2 * x);
}

static void random_is_uniform(void **state)
{
    struct world w;
    random_cases(&w.random, 1);
    setup(&w, 1500, false);
    for (uint32_t i = 0; i < w.n; i++)
        insert(&w, &w.item[i]);
    check_random(&w, w.n);
    teardown(&w);
}

static void shrinks_to_nothing(void **state)
{
    enum { LEFT = 20 };
    struct world w;
    random_cases(&w.random, 1);
    setup(&w, 200000, false);
    for (uint32_t i = 0; i < w.n; i++)
        insert(&w, &w.item[i]);
    for (uint32_t i = LEFT; i < w.n; i++)
        remove_item(&w, &w.item[i]);
    for (int i = 0; i < 100000 && table_is_sparse(&w.table); i++)
        table_shrink_step(&w.table);
    assert_true(w.table.buckets <= 8 && w.table.directory.root_depth <= 3);
    check_all(&w);
    check_random(&w, LEFT); /* it remembers nothing of its former size */
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),     cmocka_unit_test(scan_guarantee),     cmocka_unit_test(preimages),
        cmocka_unit_test(random_is_uniform), cmocka_unit_test(shrinks_to_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
