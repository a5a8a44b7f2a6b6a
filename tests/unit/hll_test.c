/* The bytes of HyperLogLogs: what redis-server makes of the same elements, both forms against an array of registers,
 * and forms whose bytes make no sense. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "shard/ds/hll_selftest.h"
#include "shard/ds/hll_sparse.h"
#include "tests/unit/random_cases.h"

enum { SPARSE_DEFAULT_BYTES_MAX = 3000 };

/* A sparse form on its own. */
struct form {
    char bytes[HLL_SPARSE_BYTES_MAX];
    size_t len;
};

static struct slice bytes_of(const struct form *f) { return slice_of(f->bytes, f->len); }

static void form_init(struct form *f)
{
    hll_make_empty(f->bytes);
    f->len = HLL_EMPTY_BYTES;
}

static enum hll_outcome set(struct form *f, struct hll_element e, uint64_t bytes_max, struct hll_mark *mark)
{
    struct hll_edit edit;
    enum hll_outcome outcome = hll_sparse_set(bytes_of(f), e, bytes_max, mark, &edit);
    if (outcome == HLL_EDITED) {
        hll_edit_in_place(f->bytes, f->len, &edit);
        f->len = hll_edited_len(f->len, &edit);
    }
    return outcome;
}

static enum hll_outcome set_anywhere(struct form *f, struct hll_element e, uint64_t bytes_max)
{
    struct hll_mark mark = hll_begin();
    return set(f, e, bytes_max, &mark);
}

static void as_redis_has_it(void **state)
{
    static const char *const words[] = {"a", "b", "c", "hello", "", "1", "2", "3", "abcdefgh", "abcdefghijklmnopq"};
    static const uint8_t expected[] = {'H',  'Y',  'L',  'L',  1,    0,    0,    0,    0,    0,    0,    0,
                                       0,    0,    0,    0x80, 0x45, 0x66, 0x80, 0x4b, 0x46, 0x80, 0x46, 0x81,
                                       0x84, 0x46, 0x33, 0x80, 0x43, 0x8b, 0x80, 0x43, 0x0a, 0x80, 0x46, 0xdb,
                                       0x80, 0x46, 0xc8, 0x84, 0x4a, 0x62, 0x8c, 0x41, 0x97, 0x80, 0x42, 0x5a};
    struct form f;
    form_init(&f);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_int_equal(set_anywhere(&f, hll_hash(slice_str(words[i])), SPARSE_DEFAULT_BYTES_MAX), HLL_EDITED);
    assert_int_equal(f.len, sizeof expected);
    assert_memory_equal(f.bytes, expected, f.len);
}

/* Counts of redis-server 7.0. */
static void estimates_as_redis_has_them(void **state)
{
    static const struct {
        int first, end;
        uint64_t count;
    } cases[] = {{100, 1300, 1205}, {100, 5100, 4994}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct hll_registers r = {0};
        for (int n = cases[i].first; n < cases[i].end; n++) {
            char text[16];
            struct hll_element e = hll_hash(slice_of(text, (size_t)snprintf(text, sizeof text, "%d", n)));
            if (r.rank[e.index] < e.rank)
                r.rank[e.index] = e.rank;
        }
        assert_int_equal(hll_registers_count(&r), cases[i].count);
    }
}

/* ---- Against an array of registers ---- */

static struct hll_element random_element(struct random *r, uint32_t registers)
{
    uint8_t rank = (uint8_t)(1 + random_below(r, random_below(r, 4) ? 3 : HLL_SPARSE_RANK_MAX));
    return (struct hll_element){(uint16_t)random_below(r, registers), rank};
}

static void assert_registers(struct slice hll, const struct hll_registers *expected)
{
    struct hll_registers r = {0};
    uint64_t count;
    assert_true(hll_is(hll));
    assert_true(hll_raise(&r, hll));
    assert_memory_equal(r.rank, expected->rank, sizeof r.rank);
    assert_true(hll_count(hll, &count));
    assert_int_equal(count, hll_registers_count(expected));
}

static void make_dense(char *dense, const struct form *f)
{
    struct hll_registers r = {0};
    assert_true(hll_raise(&r, bytes_of(f)));
    memcpy(dense, f->bytes, HLL_HEADER_BYTES);
    dense[offsetof(struct hll_header, encoding)] = HLL_DENSE;
    hll_write_dense(dense, &r);
}

/* Elements until the form has to become dense, for that or because its ranks are too high, and some more. */
static void grow(struct random *r, uint32_t registers, uint64_t bytes_max)
{
    static struct form f;
    static struct hll_registers model;
    static char dense[HLL_DENSE_BYTES];
    enum hll_outcome outcome = HLL_UNCHANGED;
    struct hll_element e;
    form_init(&f);
    memset(&model, 0, sizeof model);
    for (int i = 0; i < 20000 && outcome != HLL_PROMOTED; i++) {
        e = random_element(r, registers);
        outcome = set_anywhere(&f, e, bytes_max);
        assert_int_equal(outcome == HLL_UNCHANGED, model.rank[e.index] >= e.rank);
        assert_int_not_equal(outcome, HLL_CORRUPT);
        assert_true(f.len <= bytes_max || f.len == HLL_EMPTY_BYTES);
        if (outcome == HLL_EDITED)
            model.rank[e.index] = e.rank;
        if (random_below(r, 100) == 0)
            assert_registers(bytes_of(&f), &model);
    }
    assert_int_equal(set_anywhere(&f, (struct hll_element){0, HLL_SPARSE_RANK_MAX + 1}, bytes_max), HLL_PROMOTED);
    assert_registers(bytes_of(&f), &model);
    make_dense(dense, &f);
    assert_registers(slice_of(dense, sizeof dense), &model);
    for (int i = 0; i < 1000; i++) {
        e = random_element(r, registers);
        e.rank = (uint8_t)random_below(r, HLL_REGISTER_MAX + 1);
        assert_int_equal(hll_dense_get(dense, e.index), model.rank[e.index]);
        hll_dense_set(dense, e.index, e.rank);
        model.rank[e.index] = e.rank;
    }
    assert_registers(slice_of(dense, sizeof dense), &model);
}

static void registers_are_kept(void **state)
{
    static const uint64_t bytes_max[] = {0, HLL_EMPTY_BYTES, 40, 300, SPARSE_DEFAULT_BYTES_MAX, 20000};
    static const uint32_t registers[] = {5, 100, 2000, HLL_REGISTERS};
    struct random r;
    long cases = random_cases(&r, 100);
    for (long i = 0; i < cases; i++)
        grow(&r, registers[random_below(&r, 4)], bytes_max[random_below(&r, 6)]);
    printf("%ld cases\n", cases);
}

/* What merging does: registers in order, each search beginning where the last one has left the mark. */
static void a_mark_changes_nothing(void **state)
{
    static struct form f, marked;
    struct random r;
    long cases = random_cases(&r, 40);
    for (long i = 0; i < cases; i++) {
        struct hll_mark mark = hll_begin();
        uint64_t gap = 1 + random_below(&r, random_below(&r, 2) ? 4 : 300);
        form_init(&f);
        for (uint64_t n = random_below(&r, 500); n > 0; n--)
            set_anywhere(&f, random_element(&r, HLL_REGISTERS), UINT64_MAX);
        memcpy(&marked, &f, sizeof f);
        for (uint64_t index = random_below(&r, gap); index < HLL_REGISTERS; index += 1 + random_below(&r, gap)) {
            struct hll_element e = {(uint16_t)index, random_element(&r, 1).rank};
            assert_int_equal(set(&marked, e, UINT64_MAX, &mark), set_anywhere(&f, e, UINT64_MAX));
        }
        assert_int_equal(f.len, marked.len);
        assert_memory_equal(f.bytes, marked.bytes, f.len);
    }
    printf("%ld cases\n", cases);
}

/* ---- Bytes that make no sense ---- */

static void damage(struct random *r, struct form *f)
{
    size_t at = HLL_HEADER_BYTES + random_below(r, f->len - HLL_HEADER_BYTES);
    switch (random_below(r, 3)) {
    case 0:
        f->bytes[at] ^= (char)(1 << random_below(r, 8));
        break;
    case 1:
        f->len = at;
        break;
    default:
        memmove(f->bytes + at, f->bytes + at + 1, --f->len - at);
    }
}

/* Bytes that are taken for registers keep being registers, and those that are not are never read past their end. */
static void damaged_forms(void **state)
{
    static struct form f;
    static struct hll_registers before, after;
    struct random r;
    long cases = random_cases(&r, 20000), valid = 0;
    for (long i = 0; i < cases; i++) {
        form_init(&f);
        for (uint64_t n = random_below(&r, 60); n > 0; n--)
            set_anywhere(&f, random_element(&r, HLL_REGISTERS), UINT64_MAX);
        damage(&r, &f);
        struct hll_element e = random_element(&r, HLL_REGISTERS);
        char *exact = malloc(f.len); /* so that a sanitizer sees what is read behind it */
        memcpy(exact, f.bytes, f.len);
        memset(&before, 0, sizeof before);
        memset(&after, 0, sizeof after);
        bool was_valid = hll_raise(&before, slice_of(exact, f.len));
        struct hll_mark mark = hll_begin();
        struct hll_edit edit;
        uint64_t count;
        hll_sparse_set(slice_of(exact, f.len), e, UINT64_MAX, &mark, &edit);
        assert_int_equal(hll_count(slice_of(exact, f.len), &count), was_valid);
        free(exact);
        enum hll_outcome outcome = set_anywhere(&f, e, UINT64_MAX);
        if (!was_valid)
            continue;
        valid++;
        assert_int_not_equal(outcome, HLL_CORRUPT);
        assert_int_equal(outcome == HLL_UNCHANGED, before.rank[e.index] >= e.rank);
        assert_true(hll_raise(&after, bytes_of(&f)));
        if (outcome == HLL_EDITED)
            before.rank[e.index] = e.rank;
        assert_memory_equal(before.rank, after.rank, sizeof after.rank);
    }
    printf("%ld cases, %ld of them valid\n", cases, valid);
}

static void what_is_none(void **state)
{
    static char dense[HLL_DENSE_BYTES] = "HYLL";
    static const char sparse[HLL_HEADER_BYTES + 1] = "HYLL\1";
    uint64_t count;
    assert_true(hll_is(slice_of(dense, sizeof dense)));
    assert_false(hll_is(slice_of(dense, sizeof dense - 1)));
    assert_true(hll_count(slice_of(dense, sizeof dense), &count));
    assert_int_equal(count, 0);
    for (uint32_t i = 0; i < HLL_REGISTERS; i++)
        hll_dense_set(dense, i, HLL_REGISTER_MAX);
    assert_true(hll_count(slice_of(dense, sizeof dense), &count));
    assert_true(count == UINT64_C(1) << 63); /* what Redis answers */
    dense[4] = 2;
    assert_false(hll_is(slice_of(dense, sizeof dense)));
    assert_true(hll_is(slice_of(sparse, HLL_HEADER_BYTES)));
    assert_false(hll_count(slice_of(sparse, HLL_HEADER_BYTES), &count));
    assert_false(hll_count(slice_of(sparse, HLL_HEADER_BYTES + 1), &count));
    assert_false(hll_is(slice_of(sparse, HLL_HEADER_BYTES - 1)));
    assert_false(hll_is(slice_of(NULL, 0)));
}

static void selftest_passes(void **state)
{
    static const uint64_t bytes_max[] = {0, SPARSE_DEFAULT_BYTES_MAX};
    struct random r;
    random_cases(&r, 1);
    for (size_t i = 0; i < sizeof bytes_max / sizeof bytes_max[0]; i++) {
        char text[HLL_SELFTEST_TEXT_BYTES] = "";
        struct hll_selftest *t = hll_selftest_create(random_u64(&r), bytes_max[i]);
        enum hll_selftest_outcome outcome;
        while ((outcome = hll_selftest_step(t, text)) == HLL_SELFTEST_GOES_ON)
            ;
        assert_string_equal(text, "");
        assert_int_equal(outcome, HLL_SELFTEST_PASSED);
        hll_selftest_destroy(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_redis_has_it),    cmocka_unit_test(estimates_as_redis_has_them),
        cmocka_unit_test(registers_are_kept), cmocka_unit_test(a_mark_changes_nothing),
        cmocka_unit_test(damaged_forms),      cmocka_unit_test(what_is_none),
        cmocka_unit_test(selftest_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
