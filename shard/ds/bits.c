#include "shard/ds/bits.h"

#include "src/base/assert.h"

enum { WORD_BYTES = 8, WORD_BITS = 64 };

static uint64_t load(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* The same with the lowest-numbered bit highest. */
static uint64_t load_ordered(const char *p)
{
    uint64_t word = load(p);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* The first n < WORD_BYTES bytes of such a word, then zeros. */
static uint64_t load_part(const char *p, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)(uint8_t)p[i] << (WORD_BITS - 8 - 8 * i);
    return word;
}

/* ---- Counting ---- */

static uint64_t count_bytes(const char *p, size_t n)
{
    /* Four sums, so that no addition waits for the one before: the processor counts a word in each cycle, which is as
     * fast as memory is. */
    uint64_t sum[4] = {0};
    for (; n >= 4 * WORD_BYTES; p += 4 * WORD_BYTES, n -= 4 * WORD_BYTES)
        for (int i = 0; i < 4; i++)
            sum[i] += (uint64_t)__builtin_popcountll(load(p + i * WORD_BYTES));
    for (; n >= WORD_BYTES; p += WORD_BYTES, n -= WORD_BYTES)
        sum[0] += (uint64_t)__builtin_popcountll(load(p));
    return sum[0] + sum[1] + sum[2] + sum[3] + (uint64_t)__builtin_popcountll(load_part(p, n));
}

uint64_t bits_count(const char *bytes, uint64_t first, uint64_t end)
{
    if (first >= end)
        return 0;
    size_t from = first / 8, to = (end + 7) / 8;
    uint32_t before = (uint8_t)bytes[from] >> (8 - first % 8),           /* what the first byte has before first */
        behind = (uint8_t)bytes[to - 1] & (0xff >> (1 + (end - 1) % 8)); /* and the last one from end on */
    return count_bytes(bytes + from, to - from) - (uint64_t)__builtin_popcount(before) -
           (uint64_t)__builtin_popcount(behind);
}

/* ---- Finding ---- */

uint64_t bits_find(const char *bytes, uint64_t first, uint64_t end, bool bit)
{
    /* Looking for a 0 is looking for a 1 with all bits the other way round. */
    uint64_t flip = bit ? 0 : UINT64_MAX, keep = UINT64_MAX >> first % WORD_BITS;
    size_t len = (end + 7) / 8;
    for (size_t at = first / WORD_BITS * WORD_BYTES; at < len; at += WORD_BYTES, keep = UINT64_MAX) {
        for (; keep == UINT64_MAX && len - at >= 5 * WORD_BYTES; at += 4 * WORD_BYTES)
            if ((load(bytes + at) ^ flip) | (load(bytes + at + 8) ^ flip) | (load(bytes + at + 16) ^ flip) |
                (load(bytes + at + 24) ^ flip))
                break;
        uint64_t word = len - at >= WORD_BYTES ? load_ordered(bytes + at) : load_part(bytes + at, len - at);
        word = (word ^ flip) & keep;
        if (word) {
            uint64_t found = at * 8 + (uint64_t)__builtin_clzll(word);
            return found < end ? found : end;
        }
    }
    return end;
}

/* ---- Combining ----
 *
 * Plain loops over bytes, of which the compiler makes vectors. */

static void and_bytes(char *restrict dst, const char *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] &= src[i];
}

static void or_bytes(char *restrict dst, const char *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] |= src[i];
}

static void xor_bytes(char *restrict dst, const char *restrict src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] ^= src[i];
}

static void invert_bytes(char *dst, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = (char)~dst[i];
}

/* How many of the n bytes from at on the string has. */
static size_t has_bytes(struct slice string, size_t at, size_t n)
{
    size_t rest = string.len > at ? string.len - at : 0;
    return rest < n ? rest : n;
}

/* dst = dst op the n bytes of src from at on. */
static void combine_block(enum bits_op op, char *dst, struct slice src, size_t at, size_t n)
{
    size_t has = has_bytes(src, at, n);
    const char *from = has > 0 ? src.ptr + at : "";
    switch (op) {
    case BITS_AND:
        and_bytes(dst, from, has);
        memset(dst + has, 0, n - has);
        break;
    case BITS_OR:
        or_bytes(dst, from, has);
        break;
    case BITS_XOR:
        xor_bytes(dst, from, has);
        break;
    case BITS_NOT:
        break;
    }
}

void bits_combine(enum bits_op op, char *dst, size_t len, const struct slice *src, size_t n)
{
    /* Block by block, so that the result stays in the nearest cache until all strings are in it. */
    const size_t block_bytes = 4096;
    for (size_t at = 0; at < len; at += block_bytes) {
        size_t bytes = len - at < block_bytes ? len - at : block_bytes, has = has_bytes(src[0], at, bytes);
        if (has > 0)
            memcpy(dst + at, src[0].ptr + at, has);
        memset(dst + at + has, 0, bytes - has);
        if (op == BITS_NOT)
            invert_bytes(dst + at, bytes);
        for (size_t i = 1; i < n; i++)
            combine_block(op, dst + at, src[i], at, bytes);
    }
}

/* ---- Numbers ---- */

/* A number of up to 64 bits lies in up to nine bytes. Those from byte on, of which string has has. */
static unsigned __int128 load_nine(const char *p, size_t has)
{
    uint64_t word = has >= WORD_BYTES ? load_ordered(p) : load_part(p, has);
    return (unsigned __int128)word << 8 | (has > WORD_BYTES ? (uint8_t)p[WORD_BYTES] : 0);
}

uint64_t bits_read(struct slice string, uint64_t at, uint32_t width)
{
    DASSERT(width >= 1 && width <= BITS_WIDTH_MAX);
    if (at / 8 >= string.len)
        return 0;
    unsigned __int128 bytes = load_nine(string.ptr + at / 8, string.len - at / 8);
    return (uint64_t)(bytes >> (72 - at % 8 - width)) & UINT64_MAX >> (BITS_WIDTH_MAX - width);
}

void bits_write(char *bytes, uint64_t at, uint32_t width, uint64_t value)
{
    DASSERT(width >= 1 && width <= BITS_WIDTH_MAX);
    char *p = bytes + at / 8;
    size_t n = (at % 8 + width + 7) / 8;
    uint32_t shift = (uint32_t)(8 * n - at % 8 - width); /* bits of the last byte behind the number */
    unsigned __int128 mask = (unsigned __int128)(UINT64_MAX >> (BITS_WIDTH_MAX - width)) << shift,
                      number = (unsigned __int128)value << shift & mask;
    for (size_t i = n; i-- > 0; mask >>= 8, number >>= 8)
        p[i] = (char)(((uint8_t)p[i] & ~(uint8_t)mask) | (uint8_t)number);
}
