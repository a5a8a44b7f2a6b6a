#include "persist/rdb_read.h"

#include <liblzf/lzf.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "persist/rdb_format.h"
#include "src/base/mem.h"
#include "src/base/num.h"

enum { LZF_RATIO_MAX = 88 }; /* three bytes stand for at most 264 */

static const uint64_t STRING_BYTES_MAX = (uint64_t)1 << 48; /* no file has more: keeps sums from wrapping round */

void rdb_buffer_reserve(struct rdb_buffer *b, size_t cap)
{
    if (b->cap >= cap)
        return;
    b->ptr = mem_realloc(NULL, b->ptr, cap);
    b->cap = cap;
}

void rdb_buffer_free(struct rdb_buffer *b)
{
    mem_free(NULL, b->ptr);
    *b = (struct rdb_buffer){0};
}

void rdb_read_begin(struct rdb_read *r, struct slice in)
{
    r->start = r->at = in.ptr;
    r->end = in.ptr + in.len;
    r->need = 0;
    r->error_at = NULL;
}

bool rdb_read_fail(struct rdb_read *r, const char *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->error, sizeof r->error, format, args);
    va_end(args);
    r->error_at = at;
    return false;
}

const char *rdb_read_bytes(struct rdb_read *r, uint64_t n)
{
    if (n > (uint64_t)(r->end - r->at)) {
        r->need = (size_t)(r->at - r->start) + (size_t)n;
        return NULL;
    }
    const char *bytes = r->at;
    r->at += n;
    return bytes;
}

bool rdb_read_byte(struct rdb_read *r, uint8_t *v)
{
    const char *byte = rdb_read_bytes(r, 1);
    if (byte)
        *v = (uint8_t)*byte;
    return byte != NULL;
}

bool rdb_read_little_endian(struct rdb_read *r, size_t n, uint64_t *v)
{
    const char *bytes = rdb_read_bytes(r, n);
    if (!bytes)
        return false;
    *v = 0;
    for (size_t i = n; i > 0; i--)
        *v = *v << 8 | (uint8_t)bytes[i - 1];
    return true;
}

static bool read_big_endian(struct rdb_read *r, size_t n, uint64_t *v)
{
    const char *bytes = rdb_read_bytes(r, n);
    if (!bytes)
        return false;
    for (size_t i = 0; i < n; i++)
        *v = *v << 8 | (uint8_t)bytes[i];
    return true;
}

/* A length, or, if *encoded becomes true, an rdb_encoding. */
static bool read_length_or_encoding(struct rdb_read *r, uint64_t *v, bool *encoded)
{
    const char *at = r->at;
    uint8_t first;
    if (!rdb_read_byte(r, &first))
        return false;
    *encoded = false;
    *v = first & 0x3f;
    switch ((enum rdb_length)(first >> 6)) {
    case RDB_LENGTH_6:
        return true;
    case RDB_LENGTH_14:
        return read_big_endian(r, 1, v);
    case RDB_ENCODED:
        *encoded = true;
        return true;
    case RDB_LENGTH_LONG:
        break;
    }
    *v = 0;
    if (first == RDB_LENGTH_32_BYTE)
        return read_big_endian(r, 4, v);
    if (first == RDB_LENGTH_64_BYTE)
        return read_big_endian(r, 8, v);
    return rdb_read_fail(r, at, "no length begins with the byte 0x%02x", first);
}

bool rdb_read_length(struct rdb_read *r, uint64_t *v)
{
    const char *at = r->at;
    bool encoded;
    if (!read_length_or_encoding(r, v, &encoded))
        return false;
    return !encoded || rdb_read_fail(r, at, "an encoded string where a length must be");
}

static bool read_string_length(struct rdb_read *r, uint64_t *v)
{
    const char *at = r->at;
    if (!rdb_read_length(r, v))
        return false;
    return *v <= STRING_BYTES_MAX || rdb_read_fail(r, at, "a string of %llu bytes", (unsigned long long)*v);
}

/* What stands before a string, and how many bytes of it follow. */
struct string_head {
    const char *at; /* of a compressed one its lengths */
    bool is_integer, is_compressed;
    enum rdb_encoding encoding; /* of an integer */
    uint64_t bytes, unpacked;   /* unpacked: of a compressed one */
};

static bool read_compressed_head(struct rdb_read *r, struct string_head *h)
{
    const char *at = h->at = r->at;
    if (!read_string_length(r, &h->bytes) || !read_string_length(r, &h->unpacked))
        return false;
    if (h->bytes > UINT_MAX || h->unpacked > UINT_MAX)
        return rdb_read_fail(r, at, "a compressed string of more than 4 GB");
    if (h->bytes == 0 || h->unpacked == 0 || h->unpacked > h->bytes * LZF_RATIO_MAX)
        return rdb_read_fail(r, at, "a compressed string of %llu bytes in %llu", (unsigned long long)h->unpacked,
                             (unsigned long long)h->bytes);
    return true;
}

static bool read_string_head(struct rdb_read *r, struct string_head *h)
{
    const char *at = r->at;
    uint64_t v;
    bool encoded;
    if (!read_length_or_encoding(r, &v, &encoded))
        return false;
    if (encoded && v > RDB_ENCODED_LZF)
        return rdb_read_fail(r, at, "a string with the unknown encoding %u", (unsigned)v);
    *h = (struct string_head){.is_compressed = encoded && v == RDB_ENCODED_LZF, .bytes = v};
    if (h->is_compressed)
        return read_compressed_head(r, h);
    h->is_integer = encoded;
    if (encoded) {
        h->encoding = (enum rdb_encoding)v;
        h->bytes = (uint64_t)1 << v;
    }
    return h->bytes <= STRING_BYTES_MAX || rdb_read_fail(r, at, "a string of %llu bytes", (unsigned long long)v);
}

static bool read_integer(struct rdb_read *r, const struct string_head *h, int64_t *out)
{
    uint64_t v;
    if (!rdb_read_little_endian(r, h->bytes, &v))
        return false;
    *out = h->encoding == RDB_ENCODED_INT8 ? (int8_t)v : h->encoding == RDB_ENCODED_INT16 ? (int16_t)v : (int32_t)v;
    return true;
}

static bool unpack(struct rdb_read *r, const struct string_head *h, const char *bytes, struct rdb_buffer *unpacked)
{
    rdb_buffer_reserve(unpacked, h->unpacked);
    if (lzf_decompress(bytes, (unsigned)h->bytes, unpacked->ptr, (unsigned)h->unpacked) == h->unpacked)
        return true;
    return rdb_read_fail(r, h->at, "a compressed string of %llu bytes is damaged", (unsigned long long)h->unpacked);
}

bool rdb_read_value(struct rdb_read *r, struct rdb_buffer *unpacked, bool *is_integer, int64_t *integer,
                    struct slice *bytes)
{
    struct string_head h;
    if (!read_string_head(r, &h))
        return false;
    *is_integer = h.is_integer;
    if (h.is_integer)
        return read_integer(r, &h, integer);
    const char *there = rdb_read_bytes(r, h.bytes);
    if (!there || (h.is_compressed && !unpack(r, &h, there, unpacked)))
        return false;
    *bytes = h.is_compressed ? slice_of(unpacked->ptr, h.unpacked) : slice_of(there, h.bytes);
    return true;
}

bool rdb_read_text(struct rdb_read *r, struct rdb_buffer *unpacked, struct slice *out)
{
    bool is_integer;
    int64_t integer = 0;
    if (!rdb_read_value(r, unpacked, &is_integer, &integer, out))
        return false;
    if (is_integer) {
        rdb_buffer_reserve(unpacked, NUM_INT_CHARS);
        *out = slice_of(unpacked->ptr, num_i64(unpacked->ptr, integer));
    }
    return true;
}

bool rdb_read_skip_string(struct rdb_read *r)
{
    struct string_head h;
    return read_string_head(r, &h) && rdb_read_bytes(r, h.bytes);
}
