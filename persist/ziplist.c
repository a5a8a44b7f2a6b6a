/* Sources: Redis 6.2 ziplist.c, Redis 2.4 zipmap.c.
 *
 * A ziplist: uint32_t bytes | uint32_t offset of the last entry | uint16_t count | entry ... | 0xff, little endian.
 * An entry: the size of the one before it (a byte, or 254 and four), its encoding, its content. Encodings, by the first
 * bits: 00 string of six bits of length, 01 of 14 (big endian), 10 of the next four bytes (big endian); else a number:
 * 0xc0 of 2 bytes, 0xd0 of 4, 0xe0 of 8, 0xf0 of 3, 0xfe of 1, and from 0xf1 to 0xfd 0 to 12.
 *
 * A zipmap: uint8_t count | key | value ... | 0xff. A key: length, bytes; a value: length, a byte that says how many
 * bytes behind it are not used, bytes. A length is a byte, or 254 and four. */
#include "persist/ziplist.h"

#include "persist/rdb_read.h"

enum {
    END = 0xff,
    LONG_LENGTH = 254, /* four more bytes have it; as a zipmap's count: nobody knows */
    ZIPLIST_HEADER_BYTES = 10,
    ZIPLIST_COUNT_UNKNOWN = 65535,
    ZIPMAP_COUNT_UNKNOWN = 254,
};

/* A listpack that elements are appended to. */
struct taking {
    struct mem_account *account;
    struct listpack *lp;
    uint32_t count;
};

static bool take(struct taking *t, struct listpack_value v)
{
    if (!listpack_has_room(t->lp, listpack_value_bytes(v)))
        return false;
    t->lp = listpack_append(t->account, t->lp, v);
    t->count++;
    return true;
}

static bool take_text(struct taking *t, struct rdb_read *in, uint64_t len)
{
    const char *bytes = rdb_read_bytes(in, len);
    return bytes && take(t, listpack_value_of(slice_of(bytes, len)));
}

/* The listpack, if all was well. */
static struct listpack *finish(struct taking *t, bool good)
{
    if (good)
        return listpack_shrink(t->account, t->lp);
    mem_free(t->account, t->lp);
    return NULL;
}

static struct taking begin(struct mem_account *account, struct slice bytes)
{
    size_t room = bytes.len < LISTPACK_BYTES_MAX / 2 ? bytes.len + bytes.len / 8 : 0;
    return (struct taking){account, listpack_create(account, room), 0};
}

/* ---- Ziplists ---- */

static bool take_integer(struct taking *t, struct rdb_read *in, size_t bytes)
{
    uint64_t v;
    if (!rdb_read_little_endian(in, bytes, &v))
        return false;
    size_t unused = 64 - 8 * bytes;
    return take(t, listpack_integer((int64_t)(v << unused) >> unused));
}

static bool read_big_endian(struct rdb_read *in, size_t n, uint64_t *v)
{
    const unsigned char *bytes = (const unsigned char *)rdb_read_bytes(in, n);
    for (size_t i = 0; bytes && i < n; i++)
        *v = *v << 8 | bytes[i];
    return bytes != NULL;
}

static bool take_string(struct taking *t, struct rdb_read *in, uint8_t encoding)
{
    uint64_t len = encoding & 0x3f;
    if (encoding >> 6 == 1 && !read_big_endian(in, 1, &len))
        return false;
    if (encoding >> 6 == 2) {
        len = 0;
        if (!read_big_endian(in, 4, &len))
            return false;
    }
    return take_text(t, in, len);
}

static bool take_content(struct taking *t, struct rdb_read *in)
{
    uint8_t encoding;
    if (!rdb_read_byte(in, &encoding))
        return false;
    switch (encoding) {
    case 0xc0:
        return take_integer(t, in, 2);
    case 0xd0:
        return take_integer(t, in, 4);
    case 0xe0:
        return take_integer(t, in, 8);
    case 0xf0:
        return take_integer(t, in, 3);
    case 0xfe:
        return take_integer(t, in, 1);
    default:
        if (encoding > 0xf0 && encoding < 0xfe)
            return take(t, listpack_integer(encoding - 0xf1));
        return encoding < 0xc0 && take_string(t, in, encoding);
    }
}

static bool read_length(struct rdb_read *in, uint64_t *len)
{
    uint8_t first;
    if (!rdb_read_byte(in, &first))
        return false;
    *len = first;
    return first < LONG_LENGTH || (first == LONG_LENGTH && rdb_read_little_endian(in, 4, len));
}

/* The entries up to the end; *last: the offset of the last one. */
static bool take_entries(struct taking *t, struct rdb_read *in, uint64_t *last)
{
    uint64_t before, size = 0;
    while (in->at < in->end) {
        const char *entry = in->at;
        if (!read_length(in, &before) || before != size || !take_content(t, in))
            return false;
        size = (uint64_t)(in->at - entry);
        *last = (uint64_t)(entry - in->start);
    }
    return true;
}

/* Leaves the byte at the end out. */
static bool begin_reading(struct rdb_read *in, struct slice bytes)
{
    rdb_read_begin(in, bytes);
    return bytes.len > 0 && (uint8_t) * --in->end == END;
}

struct listpack *ziplist_load(struct mem_account *account, struct slice bytes)
{
    struct rdb_read in;
    uint64_t size, tail, count, last = ZIPLIST_HEADER_BYTES;
    if (!begin_reading(&in, bytes) || !rdb_read_little_endian(&in, 4, &size) || size != bytes.len ||
        !rdb_read_little_endian(&in, 4, &tail) || !rdb_read_little_endian(&in, 2, &count))
        return NULL;
    struct taking t = begin(account, bytes);
    bool good = take_entries(&t, &in, &last) && tail == last;
    return finish(&t, good && (count == ZIPLIST_COUNT_UNKNOWN || count == t.count));
}

/* ---- Zipmaps ---- */

static bool take_pair(struct taking *t, struct rdb_read *in)
{
    uint64_t len;
    uint8_t unused;
    return read_length(in, &len) && take_text(t, in, len) && read_length(in, &len) && rdb_read_byte(in, &unused) &&
           take_text(t, in, len) && rdb_read_bytes(in, unused);
}

struct listpack *zipmap_load(struct mem_account *account, struct slice bytes)
{
    struct rdb_read in;
    uint8_t count;
    if (!begin_reading(&in, bytes) || !rdb_read_byte(&in, &count))
        return NULL;
    struct taking t = begin(account, bytes);
    bool good = true;
    while (good && in.at < in.end)
        good = take_pair(&t, &in);
    return finish(&t, good && (count >= ZIPMAP_COUNT_UNKNOWN || count == t.count / 2));
}
