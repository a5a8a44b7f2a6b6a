/* Bytes as an array of bits, numbered as Redis numbers them: bit 0 is the highest of the first byte. Functions of
 * memory that the caller owns; they keep nothing and allocate nothing. All run at the speed of memory for what is
 * large, but a call on 512 MB still takes tens of milliseconds, and does not stop on its way. */
#ifndef SKUA_SHARD_DS_BITS_H
#define SKUA_SHARD_DS_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/slice.h"

enum { BITS_WIDTH_MAX = 64 };

enum bits_op { BITS_AND, BITS_OR, BITS_XOR, BITS_NOT };

/* A bit; behind the end of the string all are 0. */
static inline bool bits_get(struct slice string, uint64_t at)
{
    return at / 8 < string.len && (uint8_t)string.ptr[at / 8] >> (7 - at % 8) & 1;
}

/* How many of the bits [first, end) are set. */
uint64_t bits_count(const char *bytes, uint64_t first, uint64_t end);

/* The first of the bits [first, end) that is as bit says, or end if there is none. */
uint64_t bits_find(const char *bytes, uint64_t first, uint64_t end, bool bit);

/* Fills dst, len bytes, with the combination of n strings, 1 or more (BITS_NOT: only the first counts). What a string
 * lacks up to len is zero; none is longer, and none overlaps dst. */
void bits_combine(enum bits_op op, char *dst, size_t len, const struct slice *src, size_t n);

/* The number of width bits (1 to BITS_WIDTH_MAX) that begins at bit at, its highest bit first. What lies behind the
 * end of the string is zero. */
uint64_t bits_read(struct slice string, uint64_t at, uint32_t width);
/* Puts the lowest width bits of value there; bytes has room for all of them. */
void bits_write(char *bytes, uint64_t at, uint32_t width, uint64_t value);

#endif
