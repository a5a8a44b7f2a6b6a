#include "persist/rdb_load.h"

#include <stdio.h>

#include "persist/crc64.h"
#include "persist/rdb_format.h"
#include "src/base/assert.h"

enum {
    BUFFER_KEPT_BYTES = 1024 * 1024, /* a buffer that a large item needed is given back after it */
    NAME_BYTES_MAX = 64,             /* of a key or module in an error */
};

/* All that parses returns false if it could not, as all that reads. Parsing an item is begun anew once there are more
 * bytes, so nothing of l but its reader changes before an item is complete; the way through a value is remembered. */

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
    if (!rdb_read_length(&l->in, &id))
        return false;
    char name[10] = "";
    for (int i = 0; i < 9; i++)
        name[i] = characters[id >> (58 - 6 * i) & 0x3f];
    return rdb_read_fail(&l->in, l->in.start, "%s of the module type %s (version %u), which can't be loaded", what,
                         name, (unsigned)(id & 0x3ff));
}

static bool fail_for_type(struct rdb_load *l, uint8_t type, struct slice key)
{
    char name[4 * NAME_BYTES_MAX + 4], what[sizeof name + 64];
    const char *before = type == RDB_TYPE_MODULE_PRE_GA ? " (before its release)" : "";
    snprintf(what, sizeof what, "key \"%s\": a module value%s, type %u,", printable(key, name), before, type);
    if (type == RDB_TYPE_MODULE)
        return fail_for_module(l, what);
    return rdb_read_fail(&l->in, l->in.start, "%s can't be loaded", what);
}

static bool hand_out(struct rdb_load *l, const char *what, const char *refused)
{
    return !refused || rdb_read_fail(&l->in, l->in.start, "%s: %s", what, refused);
}

static bool parse_value(struct rdb_load *l, struct rdb_load_key *key)
{
    if (key->type == RDB_TYPE_STRING)
        return rdb_read_value(&l->in, &l->unpacked[1], &key->is_integer, &key->integer, &key->bytes);
    const char *begin = l->in.at;
    if (!rdb_pass_value(&l->in, key->type, &l->pass))
        return false;
    key->bytes = slice_of(begin, (size_t)(l->in.at - begin));
    return true;
}

static bool parse_key(struct rdb_load *l, uint8_t type)
{
    struct rdb_load_key k = {
        .db = l->db, .type = type, .expire_ms = l->expire_ms, .idle_s = l->idle_s, .frequency = l->frequency};
    bool of_module = type == RDB_TYPE_MODULE || type == RDB_TYPE_MODULE_PRE_GA;
    if (!of_module && !rdb_pass_knows(type))
        return rdb_read_fail(&l->in, l->in.start, "%u is neither a type of values nor a mark", type);
    if (!rdb_read_text(&l->in, &l->unpacked[0], &k.key))
        return false;
    if (of_module)
        return fail_for_type(l, type, k.key);
    if (!parse_value(l, &k))
        return false;
    l->expire_ms = l->idle_s = l->frequency = RDB_LOAD_NONE;
    const char *refused = l->handlers->key(l->ctx, &k);
    if (!refused)
        return true;
    char name[4 * NAME_BYTES_MAX + 4];
    return rdb_read_fail(&l->in, l->in.start, "key \"%s\": %s", printable(k.key, name), refused);
}

static bool parse_aux(struct rdb_load *l)
{
    struct slice name, value;
    return rdb_read_text(&l->in, &l->unpacked[0], &name) && rdb_read_text(&l->in, &l->unpacked[1], &value) &&
           hand_out(l, "an auxiliary field", l->handlers->aux(l->ctx, name, value));
}

static bool parse_function(struct rdb_load *l)
{
    struct slice library;
    return rdb_read_text(&l->in, &l->unpacked[0], &library) &&
           hand_out(l, "a function library", l->handlers->function(l->ctx, library));
}

static bool parse_select_db(struct rdb_load *l)
{
    uint64_t db;
    if (!rdb_read_length(&l->in, &db))
        return false;
    l->db = db;
    return hand_out(l, "the selection of a database", l->handlers->select_db(l->ctx, db));
}

static bool parse_resize_db(struct rdb_load *l)
{
    uint64_t keys, expires;
    return rdb_read_length(&l->in, &keys) && rdb_read_length(&l->in, &expires) &&
           hand_out(l, "the size of a database", l->handlers->resize_db(l->ctx, keys, expires));
}

static bool parse_slot_info(struct rdb_load *l)
{
    uint64_t slot, keys, expires;
    return rdb_read_length(&l->in, &slot) && rdb_read_length(&l->in, &keys) && rdb_read_length(&l->in, &expires);
}

static bool parse_expire(struct rdb_load *l, bool in_seconds)
{
    uint64_t v;
    if (!rdb_read_little_endian(&l->in, in_seconds ? 4 : 8, &v))
        return false;
    l->expire_ms = in_seconds ? (int64_t)(int32_t)v * 1000 : (int64_t)v;
    return true;
}

static bool parse_idle(struct rdb_load *l)
{
    uint64_t seconds;
    if (!rdb_read_length(&l->in, &seconds))
        return false;
    if (seconds > INT64_MAX)
        return rdb_read_fail(&l->in, l->in.start, "a key unused for %llu seconds", (unsigned long long)seconds);
    l->idle_s = (int64_t)seconds;
    return true;
}

static bool parse_frequency(struct rdb_load *l)
{
    uint8_t counter;
    if (!rdb_read_byte(&l->in, &counter))
        return false;
    l->frequency = counter;
    return true;
}

static bool parse_end(struct rdb_load *l)
{
    uint64_t stored = 0, computed = crc64(l->crc, l->in.start, 1);
    if (l->version >= RDB_VERSION_CHECKSUM && !rdb_read_little_endian(&l->in, RDB_CHECKSUM_BYTES, &stored))
        return false;
    l->unchecked = stored == 0 || !l->check;
    if (!l->unchecked && stored != computed)
        return rdb_read_fail(
            &l->in, l->in.start + 1, "the checksum is %016llx, that of the %llu bytes before it is %016llx",
            (unsigned long long)stored, (unsigned long long)l->offset + 1, (unsigned long long)computed);
    l->status = RDB_LOAD_END;
    return true;
}

static bool parse_header(struct rdb_load *l)
{
    const char *header = rdb_read_bytes(&l->in, RDB_HEADER_BYTES);
    if (!header)
        return false;
    int version = 0;
    for (int i = 5; i < RDB_HEADER_BYTES; i++) {
        if (header[i] < '0' || header[i] > '9')
            return rdb_read_fail(&l->in, header, "this is no RDB file");
        version = version * 10 + header[i] - '0';
    }
    if (memcmp(header, "REDIS", 5) != 0 || version == 0)
        return rdb_read_fail(&l->in, header, "this is no RDB file");
    if (version > RDB_VERSION_MAX)
        return rdb_read_fail(&l->in, header, "RDB version %d; only those up to %d (Redis 7.4) can be loaded", version,
                             RDB_VERSION_MAX);
    l->version = version;
    return true;
}

static bool parse_item(struct rdb_load *l)
{
    uint8_t first;
    if (l->version == 0)
        return parse_header(l);
    if (!rdb_read_byte(&l->in, &first))
        return false;
    switch (first) {
    case RDB_SLOT_INFO:
        return parse_slot_info(l);
    case RDB_FUNCTION:
        return parse_function(l);
    case RDB_FUNCTION_PRE_GA:
        return rdb_read_fail(&l->in, l->in.start,
                             "a function library as only release candidates of Redis 7.0 wrote them");
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

static void fail(struct rdb_load *l)
{
    uint64_t offset = l->offset + (uint64_t)(l->in.error_at - l->in.start);
    snprintf(l->error, sizeof l->error, "offset %llu: %s", (unsigned long long)offset, l->in.error);
    l->status = RDB_LOAD_FAILED;
}

/* Reads the item that in begins with; returns its length, or 0 if it is not complete or loading has failed. */
static size_t take_item(struct rdb_load *l, struct slice in)
{
    rdb_read_begin(&l->in, in);
    if (!parse_item(l)) {
        if (l->in.error_at)
            fail(l);
        return 0;
    }
    l->pass = (struct rdb_pass){0};
    size_t len = (size_t)(l->in.at - l->in.start);
    l->crc = crc64(l->crc, l->in.start, len);
    l->offset += len;
    for (int i = 0; i < 2; i++) {
        if (l->unpacked[i].cap > BUFFER_KEPT_BYTES)
            rdb_buffer_free(&l->unpacked[i]);
    }
    return len;
}

/* Keeps n more bytes of an item whose beginning is in carry, or that begins with them. */
static void carry_append(struct rdb_load *l, const char *bytes, size_t n)
{
    size_t len = l->carry_len + n;
    if (l->carry.cap < len)
        rdb_buffer_reserve(&l->carry, len + l->carry_len);
    memcpy(l->carry.ptr + l->carry_len, bytes, n);
    l->carry_len = len;
}

static void carry_clear(struct rdb_load *l)
{
    l->carry_len = 0;
    if (l->carry.cap > BUFFER_KEPT_BYTES)
        rdb_buffer_free(&l->carry);
}

/* Carries on with an item that began in a former window; returns how many of the bytes it took. As it takes no more
 * than what is known to belong to the item, nothing is left of carry when the item is complete. */
static size_t feed_carried(struct rdb_load *l, struct slice in)
{
    size_t missing = l->in.need - l->carry_len, n = missing < in.len ? missing : in.len;
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
                 ended, l->in.need - l->carry_len, began);
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
    rdb_buffer_free(&l->carry);
    rdb_buffer_free(&l->unpacked[0]);
    rdb_buffer_free(&l->unpacked[1]);
}
