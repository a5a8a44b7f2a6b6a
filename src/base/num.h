/* Numbers as text, exactly as Redis reads and writes them: what one server accepts as an integer the other must too.
 * Sources: Redis 7.4 util.c (string2ll, string2ull, string2d, string2ld, ll2string, memtoull). Needs the C locale for
 * LC_NUMERIC, which is what a process has that never calls setlocale. Doubles to text are in dtoa.h. */
#ifndef SKUA_BASE_NUM_H
#define SKUA_BASE_NUM_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "src/base/slice.h"

enum { NUM_INT_CHARS = 20 }; /* the longest text of an int64_t or uint64_t, without a terminator */

/* "00" to "99", one after the other. */
extern const char num_digit_pairs[200];

/* num_u64 for values from 10,000 on; call num_u64. */
size_t num_u64_long(char *dst, uint64_t v);

/* Writes the decimal text of v to dst (room for NUM_INT_CHARS), unterminated, and returns its length. Inline for up to
 * four digits: those are the lengths and counts in replies. */
static inline size_t num_u64(char *dst, uint64_t v)
{
    if (v < 10) {
        dst[0] = (char)('0' + v);
        return 1;
    }
    if (v < 100) {
        memcpy(dst, num_digit_pairs + v * 2, 2);
        return 2;
    }
    if (v < 1000) {
        dst[0] = (char)('0' + v / 100);
        memcpy(dst + 1, num_digit_pairs + v % 100 * 2, 2);
        return 3;
    }
    if (v < 10000) {
        memcpy(dst, num_digit_pairs + v / 100 * 2, 2);
        memcpy(dst + 2, num_digit_pairs + v % 100 * 2, 2);
        return 4;
    }
    return num_u64_long(dst, v);
}

static inline size_t num_i64(char *dst, int64_t v)
{
    if (v >= 0)
        return num_u64(dst, (uint64_t)v);
    *dst = '-';
    return 1 + num_u64(dst + 1, -(uint64_t)v);
}

/* Each returns whether the whole of text is such a number, and then sets *out. */

/* Only the one canonical text of each value: no spaces, no plus, no leading zeros, no "-0". */
bool num_parse_i64(struct slice text, int64_t *out);
/* As string2ull: what num_parse_i64 takes and is not negative, else what strtoull takes (spaces before it, leading
 * zeros, a sign). Stream ids and cursors are read so. */
bool num_parse_u64(struct slice text, uint64_t *out);
/* What strtod and strtold take (decimal, hexadecimal, infinities), without spaces, nan, overflow and underflow. */
bool num_parse_double(struct slice text, double *out);
bool num_parse_long_double(struct slice text, long double *out);
/* As the bounds of ranges of scores are read: what strtod takes of the text up to its end or a zero byte, so also
 * spaces before it, overflow, and nothing at all, which is 0; but no nan. */
bool num_parse_bound(struct slice text, double *out);
/* Digits and a unit: none or b, k (1000), kb (1024), m, mb, g, gb. Unlike memtoull, which wraps round, a value past
 * 64 bits is refused. */
bool num_parse_bytes(struct slice text, uint64_t *out);

#endif
