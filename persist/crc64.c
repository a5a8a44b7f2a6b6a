/* Eight bytes a step, with a table for each of them ("slicing-by-8", Michael E. Kounavis and Frank L. Berry, 2005):
 * table[k][b] is what the byte b does to the checksum when k more bytes follow it. */
#include "persist/crc64.h"

#include <pthread.h>
#include <string.h>

#include "src/base/assert.h"

static const uint64_t POLYNOMIAL_REFLECTED = 0x95ac9329ac4bc9b5;

/* Written once, by make_tables. */
static uint64_t table[8][256];
static pthread_once_t tables_made = PTHREAD_ONCE_INIT;

static void make_tables(void)
{
    for (unsigned b = 0; b < 256; b++) {
        uint64_t crc = b;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL_REFLECTED : 0);
        table[0][b] = crc;
    }
    for (unsigned b = 0; b < 256; b++) {
        for (int k = 1; k < 8; k++)
            table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 0xff];
    }
}

static uint64_t eight_bytes(const unsigned char *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    return v;
}

uint64_t crc64(uint64_t crc, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    int failed = pthread_once(&tables_made, make_tables);
    ASSERT(!failed);
    for (; len >= 8; p += 8, len -= 8) {
        uint64_t v = crc ^ eight_bytes(p);
        crc = table[7][v & 0xff] ^ table[6][v >> 8 & 0xff] ^ table[5][v >> 16 & 0xff] ^ table[4][v >> 24 & 0xff] ^
              table[3][v >> 32 & 0xff] ^ table[2][v >> 40 & 0xff] ^ table[1][v >> 48 & 0xff] ^ table[0][v >> 56];
    }
    for (; len > 0; p++, len--)
        crc = (crc >> 8) ^ table[0][(crc ^ *p) & 0xff];
    return crc;
}
