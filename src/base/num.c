#include "src/base/num.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The longest text that is read as a floating-point number, as MAX_LONG_DOUBLE_CHARS. */
enum { FLOAT_CHARS_MAX = 5 * 1024 };

const char num_digit_pairs[200] = "00010203040506070809"
                                  "10111213141516171819"
                                  "20212223242526272829"
                                  "30313233343536373839"
                                  "40414243444546474849"
                                  "50515253545556575859"
                                  "60616263646566676869"
                                  "70717273747576777879"
                                  "80818283848586878889"
                                  "90919293949596979899";

size_t num_u64_long(char *dst, uint64_t v)
{
    char text[NUM_INT_CHARS];
    char *end = text + sizeof text, *p = end;
    while (v >= 100) {
        p -= 2;
        memcpy(p, num_digit_pairs + v % 100 * 2, 2);
        v /= 100;
    }
    if (v >= 10) {
        p -= 2;
        memcpy(p, num_digit_pairs + v * 2, 2);
    } else {
        *--p = (char)('0' + v);
    }
    size_t len = (size_t)(end - p);
    memcpy(dst, p, len);
    return len;
}

bool num_parse_i64(struct slice text, int64_t *out)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    if (text.len == 0 || text.len > NUM_INT_CHARS)
        return false;
    if (text.len == 1 && *p == '0') {
        *out = 0;
        return true;
    }
    bool negative = *p == '-';
    p += negative;
    if (p == end || *p < '1' || *p > '9')
        return false;
    uint64_t v = 0;
    for (; p < end; p++) {
        unsigned digit = (unsigned char)*p - '0';
        if (digit > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
            return false;
    }
    if (v > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? -v : v);
    return true;
}

/* strtoull and its kin want a terminator, and stop at one inside the text: that is then not the whole text. */
static bool terminate(struct slice text, char *buf, size_t cap)
{
    if (text.len == 0 || text.len >= cap)
        return false;
    memcpy(buf, text.ptr, text.len);
    buf[text.len] = '\0';
    return true;
}

bool num_parse_u64(struct slice text, uint64_t *out)
{
    int64_t exact;
    if (num_parse_i64(text, &exact)) {
        *out = (uint64_t)exact;
        return exact >= 0;
    }
    char buf[128], *end;
    if (!terminate(text, buf, sizeof buf))
        return false;
    errno = 0;
    unsigned long long v = strtoull(buf, &end, 10);
    if (errno || end == buf || end != buf + text.len)
        return false;
    *out = v;
    return true;
}

/* Whether errno and the result say that the number was too large, or so small that nothing of it is left. Denormals,
 * for which errno is set as well, are fine. */
static bool out_of_range(long double v) { return errno == ERANGE && (isinf(v) || v == 0); }

bool num_parse_double(struct slice text, double *out)
{
    char buf[FLOAT_CHARS_MAX], *end;
    int64_t whole;
    if (num_parse_i64(text, &whole)) {
        *out = (double)whole; /* the nearest double, as strtod gives it */
        return true;
    }
    if (!terminate(text, buf, sizeof buf) || isspace((unsigned char)buf[0]))
        return false;
    errno = 0;
    double v = strtod(buf, &end);
    if (end != buf + text.len || out_of_range(v) || isnan(v))
        return false;
    *out = v;
    return true;
}

bool num_parse_bound(struct slice text, double *out)
{
    char buf[FLOAT_CHARS_MAX], *end;
    if (text.len > 0 && !terminate(text, buf, sizeof buf))
        return false;
    buf[text.len] = '\0';
    *out = strtod(buf, &end);
    return *end == '\0' && !isnan(*out);
}

bool num_parse_long_double(struct slice text, long double *out)
{
    char buf[FLOAT_CHARS_MAX], *end;
    if (!terminate(text, buf, sizeof buf) || isspace((unsigned char)buf[0]))
        return false;
    errno = 0;
    long double v = strtold(buf, &end);
    if (end != buf + text.len || out_of_range(v) || isnan(v))
        return false;
    *out = v;
    return true;
}

bool num_parse_bytes(struct slice text, uint64_t *out)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {{"", 1},           {"b", 1},
                 {"k", 1000},       {"kb", 1024},
                 {"m", 1000000},    {"mb", 1024 * 1024},
                 {"g", 1000000000}, {"gb", 1024 * 1024 * 1024}};
    size_t digits = 0;
    uint64_t v = 0;
    for (; digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9'; digits++) {
        if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(text.ptr[digits] - '0'), &v))
            return false;
    }
    struct slice unit = slice_of(text.ptr + digits, text.len - digits);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (slice_is(unit, units[i].name))
            return !__builtin_mul_overflow(v, units[i].bytes, out);
    }
    return false;
}
