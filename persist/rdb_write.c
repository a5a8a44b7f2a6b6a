#include "persist/rdb_write.h"

#include <liblzf/lzf.h>
#include <limits.h>

#include "persist/rdb_format.h"
#include "src/base/num.h"

enum {
    FIRST_BYTES = 64,
    INTEGER_CHARS_MAX = 11, /* -2147483648 */
    PLAIN_BYTES_MAX = 20,   /* up to which compressing is not tried */
    COMPRESSION_GAIN_MIN = 4,
};

void rdb_write_begin(struct rdb_write *w) { w->bytes = blob_create(FIRST_BYTES); }

/* Room for n more bytes; returns where they go. */
static char *reserve(struct rdb_write *w, size_t n)
{
    struct blob *b = w->bytes;
    if (b->cap - b->len < n)
        b = w->bytes = blob_grow(b, b->len + n > 2 * b->cap ? b->len + n : 2 * b->cap);
    return b->data + b->len;
}

void rdb_write_bytes(struct rdb_write *w, const void *bytes, size_t n)
{
    char *to = reserve(w, n);
    if (n > 0)
        memcpy(to, bytes, n);
    w->bytes->len += n;
}

void rdb_write_byte(struct rdb_write *w, uint8_t v) { rdb_write_bytes(w, &v, 1); }

void rdb_write_little_endian(struct rdb_write *w, size_t n, uint64_t v)
{
    for (; n > 0; n--, v >>= 8)
        rdb_write_byte(w, (uint8_t)v);
}

static void write_big_endian(struct rdb_write *w, size_t n, uint64_t v)
{
    while (n-- > 0)
        rdb_write_byte(w, (uint8_t)(v >> 8 * n));
}

void rdb_write_length(struct rdb_write *w, uint64_t len)
{
    if (len < 1 << 6) {
        rdb_write_byte(w, (uint8_t)(RDB_LENGTH_6 << 6 | len));
    } else if (len < 1 << 14) {
        write_big_endian(w, 2, RDB_LENGTH_14 << 14 | len);
    } else if (len <= UINT32_MAX) {
        rdb_write_byte(w, RDB_LENGTH_32_BYTE);
        write_big_endian(w, 4, len);
    } else {
        rdb_write_byte(w, RDB_LENGTH_64_BYTE);
        write_big_endian(w, 8, len);
    }
}

static void write_encoding(struct rdb_write *w, enum rdb_encoding encoding)
{
    rdb_write_byte(w, (uint8_t)(RDB_ENCODED << 6 | encoding));
}

/* As an integer, if s is the text of one that is small enough. */
static bool write_integer(struct rdb_write *w, struct slice s)
{
    int64_t v;
    if (s.len > INTEGER_CHARS_MAX || !num_parse_i64(s, &v) || v < INT32_MIN || v > INT32_MAX)
        return false;
    enum rdb_encoding encoding = v >= INT8_MIN && v <= INT8_MAX     ? RDB_ENCODED_INT8
                                 : v >= INT16_MIN && v <= INT16_MAX ? RDB_ENCODED_INT16
                                                                    : RDB_ENCODED_INT32;
    write_encoding(w, encoding);
    rdb_write_little_endian(w, (size_t)1 << encoding, (uint64_t)v);
    return true;
}

/* Compressed, if that is shorter. The lengths come first, so the bytes are put together behind the longest they may be
 * and then moved to them. */
static bool write_compressed(struct rdb_write *w, struct slice s)
{
    enum { HEAD_BYTES_MAX = 1 + 5 + 5 };
    if (s.len <= PLAIN_BYTES_MAX || s.len > UINT_MAX)
        return false;
    size_t room = s.len - COMPRESSION_GAIN_MIN;
    char *to = reserve(w, HEAD_BYTES_MAX + room) + HEAD_BYTES_MAX;
    unsigned packed = lzf_compress(s.ptr, (unsigned)s.len, to, (unsigned)room);
    if (packed == 0)
        return false;
    write_encoding(w, RDB_ENCODED_LZF);
    rdb_write_length(w, packed);
    rdb_write_length(w, s.len);
    memmove(w->bytes->data + w->bytes->len, to, packed);
    w->bytes->len += packed;
    return true;
}

void rdb_write_string(struct rdb_write *w, struct slice s)
{
    if (write_integer(w, s) || write_compressed(w, s))
        return;
    rdb_write_length(w, s.len);
    rdb_write_bytes(w, s.ptr, s.len);
}
