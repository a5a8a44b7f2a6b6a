/* src/base/num.h and dtoa.h: texts known from Redis 7.4, and libc as the model. */
#include "src/base/num.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/base/dtoa.h"
#include "tests/unit/random_cases.h"

/* Numbers of every length. */
static uint64_t random_number(struct random *r) { return random_u64(r) >> random_below(r, 64); }

static void test_write_and_read(void **state)
{
    struct random r;
    for (long left = random_cases(&r, 300000); left > 0; left--) {
        char text[NUM_INT_CHARS], want[32];
        uint64_t v = random_number(&r), u;
        int64_t i, signed_v = (int64_t)v;
        size_t n = num_u64(text, v);
        assert_int_equal(n, sprintf(want, "%" PRIu64, v));
        assert_memory_equal(text, want, n);
        assert_true(num_parse_u64(slice_of(text, n), &u) && u == v);
        if (random_below(&r, 2))
            signed_v = (int64_t)-v;
        n = num_i64(text, signed_v);
        assert_int_equal(n, sprintf(want, "%" PRIi64, signed_v));
        assert_memory_equal(text, want, n);
        assert_true(num_parse_i64(slice_of(text, n), &i) && i == signed_v);
    }
}

static void test_integers(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } known[] = {
        {"0", true, 0},    {"-1", true, -1},  {"9223372036854775807", true, INT64_MAX},
        {"", false, 0},    {"-", false, 0},   {"-9223372036854775808", true, INT64_MIN},
        {"-0", false, 0},  {"00", false, 0},  {"9223372036854775808", false, 0},
        {"01", false, 0},  {"+1", false, 0},  {"-9223372036854775809", false, 0},
        {" 1", false, 0},  {"1 ", false, 0},  {"18446744073709551615", false, 0},
        {"1.0", false, 0}, {"0x1", false, 0}, {"99999999999999999999999", false, 0},
        {"1a", false, 0},  {"--1", false, 0}, {"-01", false, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        int64_t v = -7;
        bool ok = num_parse_i64(slice_str(known[i].text), &v);
        if (ok != known[i].ok || v != (ok ? known[i].value : -7))
            fail_msg("'%s'", known[i].text);
    }
    uint64_t u;
    assert_true(num_parse_u64(slice_str("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_true(num_parse_u64(slice_str(" 007"), &u) && u == 7);
    assert_false(num_parse_u64(slice_str("18446744073709551616"), &u));
    assert_false(num_parse_u64(slice_str("-1"), &u));
    assert_false(num_parse_u64(slice_str(""), &u));
    assert_false(num_parse_u64(slice_str(" "), &u));
    assert_false(num_parse_u64(slice_str("1x"), &u));
    assert_false(num_parse_u64(slice_of("12\0", 3), &u));
}

static void test_bytes(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } known[] = {
        {"0", true, 0},
        {"1", true, 1},
        {"12b", true, 12},
        {"1k", true, 1000},
        {"1KB", true, 1024},
        {"2m", true, 2000000},
        {"2mB", true, 2 << 20},
        {"3g", true, 3000000000},
        {"1Gb", true, 1 << 30},
        {"007", true, 7},
        {"-1", false, 0},
        {"1kk", false, 0},
        {"1 kb", false, 0},
        {"1t", false, 0},
        {"1.5gb", false, 0},
        {"99999999999999gb", false, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint64_t v;
        bool ok = num_parse_bytes(slice_str(known[i].text), &v);
        if (ok != known[i].ok || (ok && v != known[i].value))
            fail_msg("'%s'", known[i].text);
    }
}

static void test_floats(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        double value;
    } known[] = {
        {"3.0e3", true, 3000},  {"inf", true, INFINITY},  {"-Infinity", true, -INFINITY},
        {"0x10", true, 16},     {"+5", true, 5},          {".5", true, 0.5},
        {"5.", true, 5},        {"1e-320", true, 1e-320}, {"", false, 0},
        {" 1", false, 0},       {"1 ", false, 0},         {"nan", false, 0},
        {"abc", false, 0},      {"1e", false, 0},         {"1e99999", false, 0},
        {"1e-99999", false, 0},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        double d;
        long double ld;
        bool ok = num_parse_double(slice_str(known[i].text), &d);
        bool ld_ok = num_parse_long_double(slice_str(known[i].text), &ld);
        if (ok != known[i].ok || ld_ok != known[i].ok || (ok && d != known[i].value) ||
            (ok && (double)ld != known[i].value))
            fail_msg("'%s'", known[i].text);
    }
    double d;
    long double ld;
    assert_false(num_parse_double(slice_str("1e400"), &d));
    assert_true(num_parse_long_double(slice_str("1e400"), &ld));
    assert_false(num_parse_double(slice_of("1\0", 2), &d));
}

static void assert_text(const char *text, size_t n, const char *want)
{
    if (n != strlen(want) || memcmp(text, want, n) != 0)
        fail_msg("got %.*s, want %s", (int)n, text, want);
}

static void test_double_texts(void **state)
{
    static const struct {
        double v;
        const char *text;
    } known[] = {
        {0, "0"},
        {-0.0, "-0"},
        {NAN, "nan"},
        {-NAN, "nan"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {3, "3"},
        {-3, "-3"},
        {0.1, "0.1"},
        {-0.25, "-0.25"},
        {3.14159, "3.14159"},
        {1e15, "1000000000000000"},
        {1e17, "100000000000000000"},
        {1e18, "1000000000000000000"},
        {4611686018427387904.0, "4611686018427387904"},
        {-4611686018427387904.0, "-4611686018427387904"},
        {4611686018427388928.0, "4611686018427389000"},
        {1e19, "1e+19"},
        {1e21, "1e+21"},
        {-1e21, "-1e+21"},
        {123456789012345680000.0, "123456789012345680000"},
        {1e-5, "0.00001"},
        {1e-6, "0.000001"},
        {1e-7, "1e-7"},
        {1.5e-7, "1.5e-7"},
        {4503599627370496.0, "4503599627370496"},
        {9007199254740992.0, "9007199254740992"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {2.2250738585072014e-308, "2.2250738585072014e-308"},
        {5e-324, "5e-324"},
        {0.30000000000000004, "0.30000000000000004"},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char text[DTOA_CHARS];
        assert_text(text, dtoa_double(text, known[i].v), known[i].text);
    }
}

/* The text reads back as the same number and is hardly ever longer than the shortest that does. */
static void test_double_reads_back(void **state)
{
    struct random r;
    long total = random_cases(&r, 30000), longer = 0;
    for (long left = total; left > 0; left--) {
        union {
            uint64_t bits;
            double v;
        } number = {random_u64(&r)};
        if (random_below(&r, 2))
            number.v = (double)(int64_t)random_number(&r) / pow(10, (double)random_below(&r, 10));
        if (!isfinite(number.v))
            continue;
        char text[DTOA_CHARS + 1], shortest[64];
        size_t n = dtoa_double(text, number.v);
        assert_true(n <= 25);
        text[n] = '\0';
        assert_true(strtod(text, NULL) == number.v);
        int digits = 0, needed = 1;
        for (char *p = text; *p && *p != 'e'; p++)
            digits += *p >= '0' && *p <= '9' && (digits || *p != '0');
        while (sprintf(shortest, "%.*e", needed - 1, number.v), strtod(shortest, NULL) != number.v)
            needed++;
        longer += digits > needed && strchr(text, 'e');
    }
    assert_true(longer <= total / 100 + 10);
}

static void test_human_texts(void **state)
{
    static const struct {
        long double v;
        const char *text;
    } known[] = {
        {3, "3"},          {-0.0L, "0"},        {10.5L, "10.5"},
        {5000, "5000"},    {0.1L, "0.1"},       {1e20L, "100000000000000000000"},
        {1e-18L, "0"},     {100, "100"},        {-1.25L, "-1.25"},
        {INFINITY, "inf"}, {-INFINITY, "-inf"},
    };
    static char text[DTOA_HUMAN_CHARS];
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        assert_text(text, dtoa_human(text, known[i].v), known[i].text);
    assert_in_range(dtoa_human(text, 1e4000L), 4000, 4001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write_and_read),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_floats),
        cmocka_unit_test(test_double_texts),
        cmocka_unit_test(test_human_texts),
        cmocka_unit_test(test_double_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
