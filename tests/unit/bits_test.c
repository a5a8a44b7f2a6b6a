/* Bits in bytes against a model that goes bit by bit: random strings, with long stretches of equal bits as often as
 * not, of lengths around words, vectors and blocks, in memory that ends where they do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shard/ds/bits.h"
#include "tests/unit/random_cases.h"

enum { CASES = 4000, LEN_MAX = 20000, STRINGS_MAX = 6 };

static struct random r;

static bool model_bit(struct slice s, uint64_t at)
{
    return at < s.len * 8 && ((unsigned char)s.ptr[at / 8] & (1 << (7 - at % 8)));
}

static size_t random_len(void)
{
    static const size_t edges[] = {0, 1, 7, 8, 9, 31, 32, 33, 40, 63, 64, 65, 4095, 4096, 4097, 8192, 12289};
    uint64_t how = random_below(&r, 10);
    return how < 4   ? random_below(&r, 20)
           : how < 6 ? random_below(&r, 200)
           : how < 7 ? random_below(&r, LEN_MAX)
                     : edges[random_below(&r, sizeof edges / sizeof edges[0])];
}

/* Freed by the caller. Allocated as it is, so that ASan sees what is read behind it. */
static char *random_bytes(size_t len)
{
    char *bytes = malloc(len ? len : 1);
    bool stretches = random_below(&r, 2);
    memset(bytes, random_below(&r, 2) ? 0xff : 0, len);
    for (size_t i = 0; i < len; i++)
        if (!stretches || random_below(&r, len) == 0)
            bytes[i] = (char)random_u64(&r);
    return bytes;
}

static void check_range(struct slice s)
{
    uint64_t bits = s.len * 8, first = random_below(&r, bits + 1), end = random_below(&r, bits + 1);
    uint64_t count = 0, found[2] = {end, end};
    for (uint64_t at = first; at < end; at++) {
        bool bit = model_bit(s, at);
        count += bit;
        if (found[bit] == end)
            found[bit] = at;
    }
    assert_int_equal(bits_count(s.ptr, first, end), count);
    assert_int_equal(bits_find(s.ptr, first, end, false), found[0]);
    assert_int_equal(bits_find(s.ptr, first, end, true), found[1]);
}

static void counting_and_finding(void **state)
{
    long cases = random_cases(&r, CASES);
    for (long i = 0; i < cases; i++) {
        size_t len = random_len();
        char *bytes = random_bytes(len);
        for (int k = 0; k < 4; k++)
            check_range(slice_of(bytes, len));
        free(bytes);
    }
}

static bool model_combine(enum bits_op op, const struct slice *src, size_t n, uint64_t at)
{
    bool bit = model_bit(src[0], at);
    for (size_t i = 1; i < n; i++) {
        bool other = model_bit(src[i], at);
        bit = op == BITS_AND ? bit && other : op == BITS_OR ? bit || other : bit != other;
    }
    return op == BITS_NOT ? !bit : bit;
}

static void combining(void **state)
{
    long cases = random_cases(&r, CASES / 2);
    for (long i = 0; i < cases; i++) {
        enum bits_op op = (enum bits_op)random_below(&r, BITS_NOT + 1);
        struct slice src[STRINGS_MAX];
        size_t n = op == BITS_NOT ? 1 : 1 + random_below(&r, STRINGS_MAX), len = 0;
        for (size_t k = 0; k < n; k++) {
            size_t has = random_len();
            src[k] = slice_of(random_below(&r, 10) ? random_bytes(has) : NULL, has);
            src[k].len = src[k].ptr ? has : 0;
            len = src[k].len > len ? src[k].len : len;
        }
        char *dst = random_bytes(len);
        bits_combine(op, dst, len, src, n);
        for (uint64_t at = 0; at < len * 8; at++)
            assert_int_equal(model_bit(slice_of(dst, len), at), model_combine(op, src, n, at));
        for (size_t k = 0; k < n; k++)
            free((void *)src[k].ptr);
        free(dst);
    }
}

static uint64_t model_read(struct slice s, uint64_t at, uint32_t width)
{
    uint64_t number = 0;
    for (uint32_t i = 0; i < width; i++)
        number = number << 1 | model_bit(s, at + i);
    return number;
}

static void numbers(void **state)
{
    long cases = random_cases(&r, CASES * 5);
    for (long i = 0; i < cases; i++) {
        size_t len = random_below(&r, 40);
        uint32_t width = 1 + (uint32_t)random_below(&r, BITS_WIDTH_MAX);
        uint64_t at = random_below(&r, 400), value = random_u64(&r);
        char *bytes = random_bytes(len), *before = malloc(len ? len : 1);
        struct slice s = slice_of(bytes, len);
        memcpy(before, bytes, len);
        assert_int_equal(bits_read(s, at, width), model_read(s, at, width));
        assert_int_equal(bits_get(s, at), model_bit(s, at));
        if (at + width <= len * 8) {
            bits_write(bytes, at, width, value);
            assert_int_equal(model_read(s, at, width), value & UINT64_MAX >> (BITS_WIDTH_MAX - width));
            for (uint64_t k = 0; k < len * 8; k++)
                assert_true((k >= at && k < at + width) || model_bit(s, k) == model_bit(slice_of(before, len), k));
        }
        free(before);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counting_and_finding), cmocka_unit_test(combining),
                                       cmocka_unit_test(numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
