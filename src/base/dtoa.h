/* Floating-point numbers as text, byte for byte as Redis 7.4 writes them: replies are compared, stored and hashed by
 * clients. Knows no protocol. */
#ifndef SKUA_BASE_DTOA_H
#define SKUA_BASE_DTOA_H

#include <stddef.h>

enum {
    DTOA_CHARS = 32,            /* room for dtoa_double */
    DTOA_HUMAN_CHARS = 5 * 1024 /* room for dtoa_human: the largest long double has 4,933 digits */
};

/* As d2string: "inf", "-inf", "nan", "0", "-0", whole numbers below 2^52 as integers, else the shortest digits that
 * give the same double when read back, with an exponent where the plain text would be long. Returns the length; the
 * text is not terminated. */
size_t dtoa_double(char *dst, double v);

/* As ld2string with LD_STR_HUMAN: 17 decimals, trailing zeros cut, never an exponent. Same result. */
size_t dtoa_human(char *dst, long double v);

#endif
