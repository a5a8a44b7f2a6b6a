/* shard/ds/idset.h against an array of flags, for ranges of one word to that of all databases there can be. */
#include "shard/ds/idset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/random_cases.h"

enum { IDS_MAX = 5000, STEPS = 200 };

struct model {
    bool in[IDS_MAX];
    uint32_t capacity;
};

static uint32_t model_next(const struct model *m, uint32_t from)
{
    for (; from < m->capacity; from++)
        if (m->in[from])
            return from;
    return IDSET_NONE;
}

/* Mostly in a few places, so that words become empty again. */
static uint32_t some_id(struct random *r, uint32_t capacity)
{
    uint64_t id =
        random_below(r, 3) ? random_below(r, 4) * 64 * 64 / 3 + random_below(r, 3) : random_below(r, capacity);
    return (uint32_t)(id < capacity ? id : capacity - 1);
}

static void test_against_model(void **state)
{
    struct random random;
    long cases = random_cases(&random, 300);
    while (cases-- > 0) {
        static struct model m;
        struct idset set;
        m = (struct model){.capacity = 1 + (uint32_t)random_below(&random, random_below(&random, 2) ? 70 : IDS_MAX)};
        idset_init(&set, m.capacity);
        for (int i = 0; i < STEPS; i++) {
            uint32_t id = some_id(&random, m.capacity), from = some_id(&random, m.capacity) + (uint32_t)(i % 2);
            m.in[id] = random_below(&random, 2);
            if (m.in[id])
                idset_add(&set, id);
            else
                idset_remove(&set, id);
            assert_int_equal(idset_next(&set, from), model_next(&m, from));
        }
        idset_deinit(&set);
    }
}

static void test_the_whole_range(void **state)
{
    static const uint32_t ids[] = {0, 63, 64, 70000, 1u << 30, INT32_MAX - 1};
    enum { N = sizeof ids / sizeof *ids };
    struct idset set;
    idset_init(&set, INT32_MAX);
    assert_int_equal(idset_next(&set, 0), IDSET_NONE);
    for (int i = 0; i < N; i++)
        idset_add(&set, ids[i]);
    for (int i = 0; i < N; i++) {
        assert_int_equal(idset_next(&set, i ? ids[i - 1] + 1 : 0), ids[i]);
        assert_int_equal(idset_next(&set, ids[i]), ids[i]);
    }
    assert_int_equal(idset_next(&set, INT32_MAX), IDSET_NONE);
    assert_int_equal(idset_next(&set, UINT32_MAX), IDSET_NONE);
    idset_deinit(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_the_whole_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
