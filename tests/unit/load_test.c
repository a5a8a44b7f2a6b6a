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

static struct workload make_workload(const char *command, bool shuffled)
{
    struct workload w = {
        .command = command_called(command), .per_command = 3, .value_bytes = VALUE_BYTES, .key_count = KEYS};
    workload_init(&w, 7, shuffled);
    return w;
}

static void test_requests_are_resp(void **state)
{
    char got[512];
    struct request r;
    struct workload w = make_workload("set", false);
    size_t bytes = workload_next(&w, got, &r);
    assert_memory_equal(got, "*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000007\r\n$20\r\nkey:000000000007vvvv\r\n", bytes);
    assert_true(bytes <= workload_request_bytes_max(&w));
    workload_deinit(&w);

    w = make_workload("mget", false);
    bytes = workload_next(&w, got, &r);
    bytes += workload_next(&w, got + bytes, &r);
    got[bytes] = '\0';
    assert_string_equal(got, "*4\r\n$4\r\nMGET\r\n$16\r\nkey:000000000007\r\n$16\r\nkey:000000000008\r\n$16\r\n"
                             "key:000000000009\r\n*4\r\n$4\r\nMGET\r\n$16\r\nkey:000000000010\r\n$16\r\n"
                             "key:000000000011\r\n$16\r\nkey:000000000012\r\n");
    workload_deinit(&w);
}

/* Two requests, the second one of the next round. */
static void assert_rounds(const char *command, const char *first, const char *second)
{
    char got[512];
    struct request r;
    struct workload w = make_workload(command, false);
    w.element = 5;
    size_t bytes = workload_next(&w, got, &r);
    assert_int_equal(bytes, strlen(first));
    assert_memory_equal(got, first, bytes);
    while (w.position != 0)
        workload_next(&w, got, &r);
    bytes = workload_next(&w, got, &r);
    assert_int_equal(bytes, strlen(second));
    assert_memory_equal(got, second, bytes);
    workload_deinit(&w);
}

static void test_requests_about_elements(void **state)
{
    assert_rounds("sismember", "*3\r\n$9\r\nSISMEMBER\r\n$16\r\nkey:000000000007\r\n$16\r\nelement:00000005\r\n",
                  "*3\r\n$9\r\nSISMEMBER\r\n$16\r\nkey:000000000007\r\n$16\r\nelement:00000006\r\n");
    assert_rounds("sadd",
                  "*5\r\n$4\r\nSADD\r\n$16\r\nkey:000000000007\r\n$16\r\nelement:00000005\r\n"
                  "$16\r\nelement:00000006\r\n$16\r\nelement:00000007\r\n",
                  "*5\r\n$4\r\nSADD\r\n$16\r\nkey:000000000007\r\n$16\r\nelement:00000008\r\n"
                  "$16\r\nelement:00000009\r\n$16\r\nelement:00000010\r\n");
    assert_rounds("large-lindex", "*3\r\n$6\r\nLINDEX\r\n$4\r\nLIST\r\n$6\r\n100007\r\n",
                  "*3\r\n$6\r\nLINDEX\r\n$4\r\nLIST\r\n$6\r\n100007\r\n");

    char got[512];
    struct request r;
    struct workload w = make_workload("large-zadd", false);
    size_t bytes = workload_next(&w, got, &r);
    assert_memory_equal(got, "*8\r\n$4\r\nZADD\r\n$4\r\nZSET\r\n$7\r\n", 28);
    assert_memory_equal(got + 37, "$16\r\nkey:000000000007\r\n$7\r\n", 27);
    assert_int_equal(bytes, w.asked->len);
    assert_int_equal(w.position, 3);
    workload_deinit(&w);
}

/* Words in small letters stand for something, all are whole, and requests are RESP. */
static void test_commands_are_whole(void **state)
{
    for (const struct request_command *c = request_commands; c->name; c++) {
        char got[2048], word[WORD_CHARS_MAX + 1];
        struct request r;
        struct workload w = make_workload(c->name, true);
        for (unsigned i = 0; i < 10; i++) {
            size_t bytes = workload_next(&w, got, &r);
            assert_true(bytes <= workload_request_bytes_max(&w));
            if (r.template == w.asked)
                assert_int_equal(resp_bytes(got, bytes, 0), bytes);
        }
        for (const char *at = c->words, *end = at + strlen(at); next_word(&at, end, word);) {
            assert_true(strlen(word) < WORD_CHARS_MAX);
            bool is_literal = !strpbrk(word, "abcdefghijklmnopqrstuvwxyz");
            assert_int_equal(number_called(word) == NULL, is_literal);
        }
        workload_deinit(&w);
    }
}

static void test_every_key_once_a_round(void **state)
{
    struct workload w = make_workload("get", true);
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
    struct workload w = make_workload("get", false);
    workload_next(&w, got, &r);
    assert_reply(&w, &r, "$20\r\nkey:000000000007vvvv\r\n", true);
    assert_reply(&w, &r, "$20\r\nkey:000000000008vvvv\r\n", false);
    assert_reply(&w, &r, "$21\r\nkey:000000000007vvvvv\r\n", false);
    assert_reply(&w, &r, "$-1\r\n", false);
    assert_reply(&w, &r, "-ERR no\r\n", false);
    assert_int_equal(workload_check(&w, &r, "hello\r\n", 7, &expected), REPLY_MALFORMED);
    workload_deinit(&w);

    w = make_workload("mset", false);
    workload_next(&w, got, &r);
    assert_reply(&w, &r, "+OK\r\n", true);
    assert_reply(&w, &r, ":1\r\n", false);
    workload_deinit(&w);

    w = make_workload("mget", false);
    w.position = KEYS - 1; /* the next command goes round the end */
    workload_next(&w, got, &r);
    assert_reply(&w, &r,
                 "*3\r\n$20\r\nkey:000000001006vvvv\r\n$20\r\nkey:000000000007vvvv\r\n"
                 "$20\r\nkey:000000000008vvvv\r\n",
                 true);
    assert_reply(&w, &r, "*3\r\n$20\r\nkey:000000001006vvvv\r\n$-1\r\n$20\r\nkey:000000000008vvvv\r\n", false);
    workload_deinit(&w);

    w = make_workload("zpopmin", false);
    workload_next(&w, got, &r);
    assert_reply(&w, &r, "*2\r\n$1\r\na\r\n$1\r\n5\r\n", true);
    assert_reply(&w, &r, "*0\r\n", false);
    assert_reply(&w, &r, "*-1\r\n", false);
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
        cmocka_unit_test(test_requests_are_resp),   cmocka_unit_test(test_requests_about_elements),
        cmocka_unit_test(test_commands_are_whole),  cmocka_unit_test(test_every_key_once_a_round),
        cmocka_unit_test(test_replies_are_checked), cmocka_unit_test(test_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
