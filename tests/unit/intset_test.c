/* shard/ds/intset.h against a sorted array, for members of every width. */
#include "shard/ds/intset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shard/ds/flat.h"
#include "tests/unit/random_cases.h"

enum { MEMBERS_MAX = 600, STEPS = 1500 };

struct model {
    int64_t member[MEMBERS_MAX];
    uint32_t n;
    uint32_t width; /* of the widest that ever was a member */
};

/* Where v is, or belongs. */
static uint32_t model_index(const struct model *m, int64_t v)
{
    uint32_t i = 0;
    while (i < m->n && m->member[i] < v)
        i++;
    return i;
}

static bool model_has(const struct model *m, int64_t v)
{
    uint32_t i = model_index(m, v);
    return i < m->n && m->member[i] == v;
}

static void model_add(struct model *m, int64_t v)
{
    uint32_t i = model_index(m, v), width = (int16_t)v == v ? 2 : (int32_t)v == v ? 4 : 8;
    m->width = width > m->width ? width : m->width;
    memmove(m->member + i + 1, m->member + i, (m->n - i) * sizeof *m->member);
    m->member[i] = v;
    m->n++;
}

static void model_remove(struct model *m, int64_t v)
{
    uint32_t i = model_index(m, v);
    m->n--;
    memmove(m->member + i, m->member + i + 1, (m->n - i) * sizeof *m->member);
}

static int64_t some_integer(struct random *r, int bits_max)
{
    static const int64_t limits[] = {INT16_MAX, INT16_MIN, INT32_MAX, INT32_MIN, INT64_MAX - 1, INT64_MIN + 1};
    static const int limit_bits[] = {17, 17, 33, 33, 64, 64};
    uint64_t limit = random_below(r, 6);
    if (random_below(r, 50) == 0 && limit_bits[limit] <= bits_max)
        return limits[limit] + ((int64_t)random_below(r, 3) - 1);
    int64_t v =
        (int64_t)random_below(r, bits_max > 16 && random_below(r, 10) == 0 ? UINT64_C(1) << (bits_max - 1) : 1500);
    return random_below(r, 2) ? v : -v;
}

static void check(const struct intset *s, const struct model *m)
{
    assert_int_equal(intset_count(s), m->n);
    assert_int_equal(intset_bytes(s).len, 8 + m->n * m->width);
    assert_int_equal(*(const uint32_t *)s, m->width);
    for (uint32_t i = 0; i < m->n; i++)
        assert_true(intset_get(s, i) == m->member[i]);
}

static void change(struct random *r, struct mem_account *account, struct intset **s, struct model *m, int64_t v)
{
    bool done, had = model_has(m, v);
    assert_int_equal(intset_has(*s, v), had);
    if (random_below(r, MEMBERS_MAX) >= m->n) {
        *s = intset_add(account, *s, v, &done);
        assert_int_equal(done, !had);
        if (done)
            model_add(m, v);
    } else {
        *s = intset_remove(account, *s, v, &done);
        assert_int_equal(done, had);
        if (done)
            model_remove(m, v);
    }
    assert_int_equal(intset_has(*s, v), model_has(m, v));
    assert_int_equal(mem_used(account), mem_size(*s));
    assert_true(mem_size(*s) <= mem_good_size(intset_size(*s) + flat_spare(intset_size(*s))));
}

static void test_against_model(void **state)
{
    static const int bits[] = {16, 17, 33, 64};
    struct random random;
    long cases = random_cases(&random, 100);
    while (cases-- > 0) {
        struct model m = {.width = 2};
        struct mem_account account = {0};
        struct intset *s = intset_create(&account), *copy;
        int bits_max = bits[random_below(&random, 4)];
        for (int i = 0; i < STEPS; i++) {
            change(&random, &account, &s, &m, some_integer(&random, bits_max));
            if (i % 100 == 0)
                check(s, &m);
        }
        check(s, &m);
        copy = m.n && random_below(&random, 2) ? intset_load(&account, intset_bytes(s)) : intset_copy(&account, s);
        check(copy, &m);
        mem_free(&account, s);
        mem_free(&account, copy);
        assert_int_equal(mem_used(&account), 0);
    }
}

static struct intset *load(const void *bytes, size_t len)
{
    char *copy = malloc(len ? len : 1); /* so that reading past its end is seen */
    memcpy(copy, bytes, len);
    struct intset *s = intset_load(NULL, slice_of(copy, len));
    free(copy);
    return s;
}

static void test_damaged_bytes(void **state)
{
    struct bytes {
        uint32_t width, count;
        int16_t member[4];
    };
    static const struct bytes good = {2, 4, {-3, 0, 7, 300}},
                              wrong[] = {
                                  {2, 3, {-3, 0, 7, 300}}, {2, 5, {-3, 0, 7, 300}}, {3, 4, {-3, 0, 7, 300}},
                                  {0, 4, {-3, 0, 7, 300}}, {8, 4, {-3, 0, 7, 300}}, {2, 4, {-3, 0, 0, 300}},
                                  {2, 4, {0, -3, 7, 300}}, {2, 4, {-3, 0, 7, 6}},   {2, UINT32_MAX, {0}},
                                  {8, 0x20000001, {0}},    {2, 0x80000004, {0}},    {4, 2, {5, 0, 4, 0}},
                              };
    struct intset *s = load(&good, sizeof good);
    assert_true(slice_eq(intset_bytes(s), slice_of(&good, sizeof good)));
    mem_free(NULL, s);
    for (size_t len = 0; len < sizeof good; len++)
        assert_null(load(&good, len));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_null(load(&wrong[i], sizeof *wrong));
    static const uint32_t empty[] = {2, 0};
    assert_null(load(empty, sizeof empty));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_damaged_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
