/* The load generator of bench/: what it asks and expects (request.c), and its percentiles (histogram.c). Measurements
 * are only as right as these. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/histogram.c"
#include "bench/request.c"
#include "tests/unit/random_cases.h"

enum { KEYS = 1000, VALUE_BYTES = 20, HISTOGRAM_CASES = 100000 };

static struct workload make_workload(enum request_kind kind, bool shuffled)
{
    struct workload w = {.kind = kind, .keys_per_command = 3, .value_bytes = VALUE_BYTES, .key_count = KEYS};
    workload_init(&w, 7, shuffled);
    return w;
}

static void test_requests_are_resp(void **state)
{
    char got[512];
    struct request r;
    struct workload w = make_workload(REQUEST_SET, false);
    size_t bytes = workload_next(&w, got, &r);
    assert_memory_equal(got, "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000007\r\n$20\r\nkey:000000000007vvvv\r\n", bytes);
    assert_true(bytes <= workload_request_bytes_max(&w));
    workload_deinit(&w);

    w = make_workload(REQUEST_MGET, false);
    bytes = workload_next(&w, got, &r);
    bytes += workload_next(&w, got + bytes, &r);
    got[bytes] = '\0';
    assert_string_equal(got, "*4\r\n$4\r\nMGET\r\n$16\r\nkey:000000000007\r\n$16\r\nkey:000000000008\r\n$16\r\n"
                             "key:000000000009\r\n*4\r\n$4\r\nMGET\r\n$16\r\nkey:000000000010\r\n$16\r\n"
                             "key:000000000011\r\n$16\r\nkey:000000000012\r\n");
    workload_deinit(&w);
}

static void test_every_key_once_a_round(void **state)
{
    struct workload w = make_workload(REQUEST_GET, true);
    for (int round = 0; round < 3; round++) {
        unsigned times[KEYS] = {0}, in_order = 0;
        for (unsigned i = 0; i < KEYS; i++) {
            char got[512];
            struct request r;
            workload_next(&w, got, &r);
            unsigned key = w.order[r.position] - 7;
            assert_true(key < KEYS);
            times[key]++;
            in_order += key == i;
        }
        for (unsigned i = 0; i < KEYS; i++)
            assert_int_equal(times[i], 1);
        assert_true(in_order < KEYS / 10);
    }
    workload_deinit(&w);
}

/* Checks a reply, and that none of its beginnings is taken for a whole. */
static void assert_reply(const struct workload *w, const struct request *r, const char *reply, bool wanted)
{
    size_t bytes = strlen(reply);
    bool expected;
    for (size_t part = 1; part < bytes; part++)
        assert_int_equal(workload_check(w, r, reply, part, &expected), REPLY_PARTIAL);
    assert_int_equal(workload_check(w, r, reply, bytes, &expected), bytes);
    assert_int_equal(expected, wanted);
}

static void test_replies_are_checked(void **state)
{
    char got[512];
    bool expected;
    struct request r;
    struct workload w = make_workload(REQUEST_GET, false);
    workload_next(&w, got, &r);
    assert_reply(&w, &r, "$20\r\nkey:000000000007vvvv\r\n", true);
    assert_reply(&w, &r, "$20\r\nkey:000000000008vvvv\r\n", false);
    assert_reply(&w, &r, "$21\r\nkey:000000000007vvvvv\r\n", false);
    assert_reply(&w, &r, "$-1\r\n", false);
    assert_reply(&w, &r, "-ERR no\r\n", false);
    assert_int_equal(workload_check(&w, &r, "hello\r\n", 7, &expected), REPLY_MALFORMED);
    workload_deinit(&w);

    w = make_workload(REQUEST_MSET, false);
    workload_next(&w, got, &r);
    assert_reply(&w, &r, "+OK\r\n", true);
    assert_reply(&w, &r, ":1\r\n", false);
    workload_deinit(&w);

    w = make_workload(REQUEST_MGET, false);
    w.position = KEYS - 1; /* the next command goes round the end */
    workload_next(&w, got, &r);
    assert_reply(&w, &r,
                 "*3\r\n$20\r\nkey:000000001006vvvv\r\n$20\r\nkey:000000000007vvvv\r\n"
                 "$20\r\nkey:000000000008vvvv\r\n",
                 true);
    assert_reply(&w, &r, "*3\r\n$20\r\nkey:000000001006vvvv\r\n$-1\r\n$20\r\nkey:000000000008vvvv\r\n", false);
    workload_deinit(&w);
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Quantiles against sorting, to a bucket's width. */
static void test_quantiles(void **state)
{
    struct random random;
    long cases = random_cases(&random, HISTOGRAM_CASES);
    struct histogram *h = calloc(1, sizeof *h);
    uint64_t *sorted = malloc((size_t)cases * sizeof *sorted);
    for (long i = 0; i < cases; i++) {
        sorted[i] = random_u64(&random) >> (20 + random_below(&random, 40));
        histogram_record(h, sorted[i], 1);
    }
    qsort(sorted, (size_t)cases, sizeof *sorted, compare_u64);
    static const double fractions[] = {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
    for (size_t i = 0; i < sizeof fractions / sizeof *fractions; i++) {
        long rank = (long)(fractions[i] * (double)cases);
        uint64_t exact = sorted[rank > 0 ? rank - 1 : 0], got = histogram_quantile_ns(h, fractions[i]);
        assert_true(got >= exact && (double)(got - exact) <= (double)exact / 60 + 1);
    }
    assert_int_equal(histogram_quantile_ns(h, 1), sorted[cases - 1]);
    assert_int_equal(histogram_count_above(h, sorted[cases - 1]), 0);
    free(sorted);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_are_resp),
        cmocka_unit_test(test_every_key_once_a_round),
        cmocka_unit_test(test_replies_are_checked),
        cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
