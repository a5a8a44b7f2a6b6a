/* The CRC-64 of RDB files: the check value that Redis gives for it, and the definition, bit by bit, on random bytes in
 * random pieces. */
#include "persist/crc64.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "tests/unit/random_cases.h"

static uint64_t bit_by_bit(const unsigned char *bytes, size_t len)
{
    uint64_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            uint64_t out = (crc >> 63) ^ (bytes[i] >> bit & 1); /* unreflected, bytes from their low bit on */
            crc = (crc << 1) ^ (out ? 0xad93d23594c935a9 : 0);
        }
    }
    uint64_t reflected = 0;
    for (int bit = 0; bit < 64; bit++)
        reflected |= (crc >> bit & 1) << (63 - bit);
    return reflected;
}

static void test_check_value(void **state)
{
    assert_true(crc64(0, "123456789", 9) == 0xe9c6d914c4b8d9ca);
    assert_true(bit_by_bit((const unsigned char *)"123456789", 9) == 0xe9c6d914c4b8d9ca);
    assert_true(crc64(0, "", 0) == 0);
}

static void test_random(void **state)
{
    struct random r;
    unsigned char bytes[200];
    for (long i = random_cases(&r, 5000); i > 0; i--) {
        size_t len = random_below(&r, sizeof bytes + 1), first = random_below(&r, len + 1);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (unsigned char)random_u64(&r);
        assert_true(crc64(crc64(0, bytes, first), bytes + first, len - first) == bit_by_bit(bytes, len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_check_value), cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
