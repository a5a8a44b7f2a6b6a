#include "persist/rdb_load.h"

#include <liblzf/lzf.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "persist/crc64.h"
#include "persist/rdb_format.h"
#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/base/num.h"

enum {
    LZF_RATIO_MAX = 88,              /* three bytes stand for at most 264 */
    BUFFER_KEPT_BYTES = 1024 * 1024, /* a buffer that a large item needed is given back after it */
    NAME_BYTES_MAX = 64,             /* of a key or module in an error */
};

static const uint64_t STRING_BYTES_MAX = (uint64_t)1 << 48; /* no file has more: keeps sums from wrapping round */

/* What the values are that can't be loaded, by rdb_type. */
static const char *const type_names[RDB_TYPES] = {
    [1] = "list (linked list)",
    [2] = "set (hash table)",
    [3] = "sorted set (version 1)",
    [4] = "hash (hash table)",
    [5] = "sorted set (version 2)",
    [RDB_TYPE_MODULE_PRE_GA] = "module value (before its release)",
    [RDB_TYPE_MODULE] = "module value",
    [9] = "hash (zipmap)",
    [10] = "list (ziplist)",
    [11] = "set (intset)",
    [12] = "sorted set (ziplist)",
    [13] = "hash (ziplist)",
    [14] = "list (quicklist)",
    [15] = "stream",
    [16] = "hash (listpack)",
    [17] = "sorted set (listpack)",
    [18] = "list (quicklist, version 2)",
    [19] = "stream (version 2)",
    [20] = "set (listpack)",
    [21] = "stream (version 3)",
    [22] = "hash with expiries of fields (before its release)",
    [23] = "hash with expiries of fields (listpack, before its release)",
    [24] = "hash with expiries of fields",
    [25] = "hash with expiries of fields (listpack)",
};

static void buffer_reserve(struct rdb_load_buffer *b, size_t cap)
{
    if (b->cap >= cap)
        return;
    b->ptr = mem_realloc(NULL, b->ptr, cap);
    b->cap = cap;
}

static void buffer_free(struct rdb_load_buffer *b)
{
    mem_free(NULL, b->ptr);
    *b = (struct rdb_load_buffer){0};
}

/* All that reads returns false if it could not: either l has failed, or l->need says how many bytes it takes. Reading
 * an item is then begun anew once they are there, so nothing of l but its cursor changes before an item is complete. */

/* at: a byte of the item being read. */
__attribute__((format(printf, 3, 4))) static bool fail(struct rdb_load *l, const char *at, const char *format, ...)
{
    int n = snprintf(l->error, sizeof l->error,
                     "offset %llu: ", (unsigned long long)(l->offset + (uint64_t)(at - l->start)));
    va_list args;
    va_start(args, format);
    vsnprintf(l->error + n, sizeof l->error - (size_t)n, format, args);
    va_end(args);
    l->status = RDB_LOAD_FAILED;
    return false;
}

/* The next n bytes, or NULL. */
static const char *take(struct rdb_load *l, uint64_t n)
{
    if (n > (uint64_t)(l->end - l->at)) {
        l->need = (size_t)(l->at - l->start) + (size_t)n;
        return NULL;
    }
    const char *bytes = l->at;
    l->at += n;
    return bytes;
}

static bool take_byte(struct rdb_load *l, uint8_t *v)
{
    const char *byte = take(l, 1);
    if (byte)
        *v = (uint8_t)*byte;
    return byte != NULL;
}

static bool take_little_endian(struct rdb_load *l, size_t n, uint64_t *v)
{
    const char *bytes = take(l, n);
    if (!bytes)
        return false;
    *v = 0;
    for (size_t i = n; i > 0; i--)
        *v = *v << 8 | (uint8_t)bytes[i - 1];
    return true;
}

static bool take_big_endian(struct rdb_load *l, size_t n, uint64_t *v)
{
    const char *bytes = take(l, n);
    if (!bytes)
        return false;
    for (size_t i = 0; i < n; i++)
        *v = *v << 8 | (uint8_t)bytes[i];
    return true;
}

/* A length, or, if *encoded becomes true, an rdb_encoding. */
static bool read_length_or_encoding(struct rdb_load *l, uint64_t *v, bool *encoded)
{
    const char *at = l->at;
    uint8_t first;
    if (!take_byte(l, &first))
        return false;
    *encoded = false;
    *v = first & 0x3f;
    switch ((enum rdb_length)(first >> 6)) {
    case RDB_LENGTH_6:
        return true;
    case RDB_LENGTH_14:
        return take_big_endian(l, 1, v);
    case RDB_ENCODED:
        *encoded = true;
        return true;
    case RDB_LENGTH_LONG:
        break;
    }
    *v = 0;
    if (first == RDB_LENGTH_32_BYTE)
        return take_big_endian(l, 4, v);
    if (first == RDB_LENGTH_64_BYTE)
        return take_big_endian(l, 8, v);
    return fail(l, at, "no length begins with the byte 0x%02x", first);
}

static bool read_length(struct rdb_load *l, uint64_t *v)
{
    const char *at = l->at;
    bool encoded;
    if (!read_length_or_encoding(l, v, &encoded))
        return false;
    return !encoded || fail(l, at, "an encoded string where a length must be");
}

static bool read_string_length(struct rdb_load *l, uint64_t *v)
{
    const char *at = l->at;
    if (!read_length(l, v))
        return false;
    return *v <= STRING_BYTES_MAX || fail(l, at, "a string of %llu bytes", (unsigned long long)*v);
}

static bool read_compressed(struct rdb_load *l, struct rdb_load_buffer *unpacked, struct slice *out)
{
    const char *at = l->at;
    uint64_t packed, len;
    if (!read_string_length(l, &packed) || !read_string_length(l, &len))
        return false;
    if (packed > UINT_MAX || len > UINT_MAX)
        return fail(l, at, "a compressed string of more than 4 GB");
    if (packed == 0 || len == 0 || len > packed * LZF_RATIO_MAX)
        return fail(l, at, "a compressed string of %llu bytes in %llu", (unsigned long long)len,
                    (unsigned long long)packed);
    const char *bytes = take(l, packed);
    if (!bytes)
        return false;
    buffer_reserve(unpacked, len);
    if (lzf_decompress(bytes, (unsigned)packed, unpacked->ptr, (unsigned)len) != len)
        return fail(l, at, "a compressed string of %llu bytes is damaged", (unsigned long long)len);
    *out = slice_of(unpacked->ptr, len);
    return true;
}

static bool read_integer(struct rdb_load *l, enum rdb_encoding encoding, int64_t *out)
{
    uint64_t v;
    if (!take_little_endian(l, (size_t)1 << encoding, &v))
        return false;
    *out = encoding == RDB_ENCODED_INT8 ? (int8_t)v : encoding == RDB_ENCODED_INT16 ? (int16_t)v : (int32_t)v;
    return true;
}

/* A string, as an integer if the file has it so. */
static bool read_value(struct rdb_load *l, struct rdb_load_buffer *unpacked, bool *is_integer, int64_t *integer,
                       struct slice *bytes)
{
    const char *at = l->at;
    uint64_t v;
    bool encoded;
    if (!read_length_or_encoding(l, &v, &encoded))
        return false;
    *is_integer = encoded && v != RDB_ENCODED_LZF;
    if (encoded && v > RDB_ENCODED_LZF)
        return fail(l, at, "a string with the unknown encoding %u", (unsigned)v);
    if (*is_integer)
        return read_integer(l, (enum rdb_encoding)v, integer);
    if (encoded)
        return read_compressed(l, unpacked, bytes);
    if (v > STRING_BYTES_MAX)
        return fail(l, at, "a string of %llu bytes", (unsigned long long)v);
    const char *there = take(l, v);
    *bytes = slice_of(there, v);
    return there != NULL;
}

/* A string as its bytes, also if the file has an integer. */
static bool read_text(struct rdb_load *l, struct rdb_load_buffer *unpacked, struct slice *out)
{
    bool is_integer;
    int64_t integer = 0;
    if (!read_value(l, unpacked, &is_integer, &integer, out))
        return false;
    if (is_integer) {
        buffer_reserve(unpacked, NUM_INT_CHARS);
        *out = slice_of(unpacked->ptr, num_i64(unpacked->ptr, integer));
    }
    return true;
}

/* For an error: the beginning of a key, in printable ASCII. */
static const char *printable(struct slice key, char dst[static 4 * NAME_BYTES_MAX + 4])
{
    size_t n = 0, shown = key.len < NAME_BYTES_MAX ? key.len : NAME_BYTES_MAX;
    for (size_t i = 0; i < shown; i++) {
        uint8_t c = (uint8_t)key.ptr[i];
        n += (size_t)sprintf(dst + n, c >= ' ' && c <= '~' && c != '\\' && c != '"' ? "%c" : "\\x%02x", c);
    }
    strcpy(dst + n, shown < key.len ? "..." : "");
    return dst;
}

/* A module's name and version are packed into 64 bits: nine characters of six bits, then ten bits (Redis 7.4 module.c,
 * moduleTypeEncodeId). */
static bool fail_for_module(struct rdb_load *l, const char *what)
{
    static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint64_t id;
    if (!read_length(l, &id))
        return false;
    char name[10] = "";
    for (int i = 0; i < 9; i++)
        name[i] = characters[id >> (58 - 6 * i) & 0x3f];
    return fail(l, l->start, "%s of the module type %s (version %u), which can't be loaded", what, name,
                (unsigned)(id & 0x3ff));
}

static bool fail_for_type(struct rdb_load *l, uint8_t type, struct slice key)
{
    char name[4 * NAME_BYTES_MAX + 4], what[sizeof name + 64];
    snprintf(what, sizeof what, "key \"%s\": a %s, type %u,", printable(key, name), type_names[type], type);
    if (type == RDB_TYPE_MODULE)
        return fail_for_module(l, what);
    return fail(l, l->start, "%s can't be loaded: only strings can", what);
}

static bool hand_out(struct rdb_load *l, const char *what, const char *refused)
{
    return !refused || fail(l, l->start, "%s: %s", what, refused);
}

static bool parse_key(struct rdb_load *l, uint8_t type)
{
    struct rdb_load_string s = {.db = l->db, .expire_ms = l->expire_ms, .idle_s = l->idle_s, .frequency = l->frequency};
    if (type >= RDB_TYPES || (type != RDB_TYPE_STRING && !type_names[type]))
        return fail(l, l->start, "%u is neither a type of values nor a mark", type);
    if (!read_text(l, &l->unpacked[0], &s.key))
        return false;
    if (type != RDB_TYPE_STRING)
        return fail_for_type(l, type, s.key);
    if (!read_value(l, &l->unpacked[1], &s.is_integer, &s.integer, &s.bytes))
        return false;
    l->expire_ms = l->idle_s = l->frequency = RDB_LOAD_NONE;
    const char *refused = l->handlers->string(l->ctx, &s);
    if (!refused)
        return true;
    char name[4 * NAME_BYTES_MAX + 4];
    return fail(l, l->start, "key \"%s\": %s", printable(s.key, name), refused);
}

static bool parse_aux(struct rdb_load *l)
{
    struct slice name, value;
    return read_text(l, &l->unpacked[0], &name) && read_text(l, &l->unpacked[1], &value) &&
           hand_out(l, "an auxiliary field", l->handlers->aux(l->ctx, name, value));
}

static bool parse_function(struct rdb_load *l)
{
    struct slice library;
    return read_text(l, &l->unpacked[0], &library) &&
           hand_out(l, "a function library", l->handlers->function(l->ctx, library));
}

static bool parse_select_db(struct rdb_load *l)
{
    uint64_t db;
    if (!read_length(l, &db))
        return false;
    l->db = db;
    return hand_out(l, "the selection of a database", l->handlers->select_db(l->ctx, db));
}

static bool parse_resize_db(struct rdb_load *l)
{
    uint64_t keys, expires;
    return read_length(l, &keys) && read_length(l, &expires) &&
           hand_out(l, "the size of a database", l->handlers->resize_db(l->ctx, keys, expires));
}

static bool parse_slot_info(struct rdb_load *l)
{
    uint64_t slot, keys, expires;
    return read_length(l, &slot) && read_length(l, &keys) && read_length(l, &expires);
}

static bool parse_expire(struct rdb_load *l, bool in_seconds)
{
    uint64_t v;
    if (!take_little_endian(l, in_seconds ? 4 : 8, &v))
        return false;
    l->expire_ms = in_seconds ? (int64_t)(int32_t)v * 1000 : (int64_t)v;
    return true;
}

static bool parse_idle(struct rdb_load *l)
{
    uint64_t seconds;
    if (!read_length(l, &seconds))
        return false;
    if (seconds > INT64_MAX)
        return fail(l, l->start, "a key unused for %llu seconds", (unsigned long long)seconds);
    l->idle_s = (int64_t)seconds;
    return true;
}

static bool parse_frequency(struct rdb_load *l)
{
    uint8_t counter;
    if (!take_byte(l, &counter))
        return false;
    l->frequency = counter;
    return true;
}

static bool parse_end(struct rdb_load *l)
{
    uint64_t stored = 0, computed = crc64(l->crc, l->start, 1);
    if (l->version >= RDB_VERSION_CHECKSUM && !take_little_endian(l, RDB_CHECKSUM_BYTES, &stored))
        return false;
    l->unchecked = stored == 0 || !l->check;
    if (!l->unchecked && stored != computed)
        return fail(l, l->start + 1, "the checksum is %016llx, that of the %llu bytes before it is %016llx",
                    (unsigned long long)stored, (unsigned long long)l->offset + 1, (unsigned long long)computed);
    l->status = RDB_LOAD_END;
    return true;
}

static bool parse_header(struct rdb_load *l)
{
    const char *header = take(l, RDB_HEADER_BYTES);
    if (!header)
        return false;
    int version = 0;
    for (int i = 5; i < RDB_HEADER_BYTES; i++) {
        if (header[i] < '0' || header[i] > '9')
            return fail(l, header, "this is no RDB file");
        version = version * 10 + header[i] - '0';
    }
    if (memcmp(header, "REDIS", 5) != 0 || version == 0)
        return fail(l, header, "this is no RDB file");
    if (version > RDB_VERSION_MAX)
        return fail(l, header, "RDB version %d; only those up to %d (Redis 7.4) can be loaded", version,
                    RDB_VERSION_MAX);
    l->version = version;
    return true;
}

static bool parse_item(struct rdb_load *l)
{
    uint8_t first;
    if (l->version == 0)
        return parse_header(l);
    if (!take_byte(l, &first))
        return false;
    switch (first) {
    case RDB_SLOT_INFO:
        return parse_slot_info(l);
    case RDB_FUNCTION:
        return parse_function(l);
    case RDB_FUNCTION_PRE_GA:
        return fail(l, l->start, "a function library as only release candidates of Redis 7.0 wrote them");
    case RDB_MODULE_AUX:
        return fail_for_module(l, "auxiliary data");
    case RDB_IDLE:
        return parse_idle(l);
    case RDB_FREQUENCY:
        return parse_frequency(l);
    case RDB_AUX:
        return parse_aux(l);
    case RDB_RESIZE_DB:
        return parse_resize_db(l);
    case RDB_EXPIRE_MS:
        return parse_expire(l, false);
    case RDB_EXPIRE_S:
        return parse_expire(l, true);
    case RDB_SELECT_DB:
        return parse_select_db(l);
    case RDB_END:
        return parse_end(l);
    default:
        return parse_key(l, first);
    }
}

/* Reads the item that in begins with; returns its length, or 0 if it is not complete or loading has failed. */
static size_t take_item(struct rdb_load *l, struct slice in)
{
    l->start = l->at = in.ptr;
    l->end = in.ptr + in.len;
    if (!parse_item(l))
        return 0;
    size_t len = (size_t)(l->at - l->start);
    l->crc = crc64(l->crc, l->start, len);
    l->offset += len;
    for (int i = 0; i < 2; i++) {
        if (l->unpacked[i].cap > BUFFER_KEPT_BYTES)
            buffer_free(&l->unpacked[i]);
    }
    return len;
}

/* Keeps n more bytes of an item whose beginning is in carry, or that begins with them. */
static void carry_append(struct rdb_load *l, const char *bytes, size_t n)
{
    size_t len = l->carry_len + n;
    if (l->carry.cap < len)
        buffer_reserve(&l->carry, len + l->carry_len);
    memcpy(l->carry.ptr + l->carry_len, bytes, n);
    l->carry_len = len;
}

static void carry_clear(struct rdb_load *l)
{
    l->carry_len = 0;
    if (l->carry.cap > BUFFER_KEPT_BYTES)
        buffer_free(&l->carry);
}

/* Carries on with an item that began in a former window; returns how many of the bytes it took. As it takes no more
 * than what is known to belong to the item, nothing is left of carry when the item is complete. */
static size_t feed_carried(struct rdb_load *l, struct slice in)
{
    size_t missing = l->need - l->carry_len, n = missing < in.len ? missing : in.len;
    carry_append(l, in.ptr, n);
    if (n == missing) {
        size_t len = take_item(l, slice_of(l->carry.ptr, l->carry_len));
        ASSERT(len == 0 || len == l->carry_len);
        if (len > 0)
            carry_clear(l);
    }
    return n;
}

static size_t feed_whole(struct rdb_load *l, struct slice in)
{
    size_t len = take_item(l, in);
    if (len > 0 || l->status != RDB_LOAD_MORE)
        return len;
    carry_append(l, in.ptr, in.len);
    return in.len;
}

enum rdb_load_status rdb_load_feed(struct rdb_load *l, struct slice in, size_t *consumed)
{
    ASSERT(l->status == RDB_LOAD_MORE);
    size_t done = 0;
    while (done < in.len && l->status == RDB_LOAD_MORE) {
        struct slice rest = slice_of(in.ptr + done, in.len - done);
        done += l->carry_len > 0 ? feed_carried(l, rest) : feed_whole(l, rest);
    }
    *consumed = done;
    return l->status;
}

enum rdb_load_status rdb_load_finish(struct rdb_load *l)
{
    if (l->status != RDB_LOAD_MORE)
        return l->status;
    l->status = RDB_LOAD_FAILED;
    unsigned long long began = l->offset, ended = l->offset + l->carry_len;
    if (l->carry_len == 0)
        snprintf(l->error, sizeof l->error, "offset %llu: the file ends here, without the mark of its end", ended);
    else
        snprintf(l->error, sizeof l->error,
                 "offset %llu: the file ends here, at least %zu bytes before the end of what begins at offset %llu",
                 ended, l->need - l->carry_len, began);
    return l->status;
}

void rdb_load_init(struct rdb_load *l, const struct rdb_load_handlers *handlers, void *ctx, bool check)
{
    *l = (struct rdb_load){.handlers = handlers,
                           .ctx = ctx,
                           .check = check,
                           .expire_ms = RDB_LOAD_NONE,
                           .idle_s = RDB_LOAD_NONE,
                           .frequency = RDB_LOAD_NONE};
}

void rdb_load_deinit(struct rdb_load *l)
{
    buffer_free(&l->carry);
    buffer_free(&l->unpacked[0]);
    buffer_free(&l->unpacked[1]);
}
