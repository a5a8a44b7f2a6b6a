/* Floating-point numbers as text, byte for byte as Redis 7.4 writes them: replies are compared, stored and hashed by
 * clients. Knows no protocol. */
#ifndef SKUA_BASE_DTOA_H
#define SKUA_BASE_DTOA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DTOA_CHARS = 32,            /* room for dtoa_double */
    DTOA_HUMAN_CHARS = 5 * 1024 /* room for dtoa_human: the largest long double has 4,933 digits */
};

/* As d2string: "inf", "-inf", "nan", "0", "-0", whole numbers up to 2^62 as integers, else the shortest digits that
 * give the same double when read back, with an exponent where the plain text would be long. Returns the length; the
 * text is not terminated. */
size_t dtoa_double(char *dst, double v);

/* Whether v is a whole number that Redis writes as an integer (double2ll), which is then *out. So is -0, as 0. */
bool dtoa_whole(double v, int64_t *out);

/* As ld2string with LD_STR_AUTO, which is "%.17g": where Redis forgot the form above. Same room and result. */
size_t dtoa_auto(char *dst, double v);

/* As ld2string with LD_STR_HUMAN: 17 decimals, trailing zeros cut, never an exponent. Same result. */
size_t dtoa_human(char *dst, long double v);

#endif
