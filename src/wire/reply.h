/* The reply writer: appends RESP2 or RESP3 to a buffer, one API for both. A value of 16 KB or more is not copied but
 * referenced (reply_bulk_blob): it takes its place in the byte stream at ref.offset of the buffer.
 *
 * Texts of errors and statuses are the caller's. Source: RESP3 specification; Redis 7.4 addReply* for how RESP3 types
 * are shown to RESP2 clients (map: flat array, set: array, double: bulk, boolean: integer, null: $-1, verbatim: bulk).
 */
#ifndef SKUA_WIRE_REPLY_H
#define SKUA_WIRE_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/blob.h"
#include "src/base/num.h"
#include "src/base/slice.h"

enum { REPLY_BLOB_BYTES_MIN = 16 * 1024 };

struct reply_ref {
    size_t offset;     /* the blob's bytes go before buf[offset] */
    struct blob *blob; /* one reference, owned by the reply */
    size_t start, len; /* which of its bytes */
};

struct reply {
    char *buf; /* owned; NULL until first used */
    size_t len, cap;
    struct reply_ref *refs; /* owned, ordered by offset */
    uint32_t nrefs, refs_cap;
    size_t ref_bytes; /* of all refs together */
    uint8_t resp;     /* 2 or 3 */
    bool failed;      /* an error was written since the owner cleared this */
};

void reply_init(struct reply *r, int resp);
void reply_deinit(struct reply *r);
/* Forgets the content, keeps up to keep_bytes of memory. */
void reply_clear(struct reply *r, size_t keep_bytes);

/* reply_reserve when there is no room yet. */
char *reply_grow(struct reply *r, size_t n);

/* Takes back everything from byte len on. */
void reply_truncate(struct reply *r, size_t len);

/* Room for n more bytes, at the returned address; reply_commit says how many were written. */
static inline char *reply_reserve(struct reply *r, size_t n)
{
    return r->cap - r->len >= n ? r->buf + r->len : reply_grow(r, n);
}

static inline void reply_commit(struct reply *r, size_t n) { r->len += n; }

static inline void reply_raw(struct reply *r, const void *bytes, size_t n)
{
    if (n > 0)
        memcpy(reply_reserve(r, n), bytes, n);
    r->len += n;
}

/* A literal: its length is known to the compiler, so this is a few stores. */
#define REPLY_LITERAL(r, text) reply_raw(r, text, sizeof(text) - 1)

/* "type, number, CRLF", for any of RESP's types that are a number. */
static inline void reply_number(struct reply *r, char type, int64_t v)
{
    char *p = reply_reserve(r, NUM_INT_CHARS + 3);
    p[0] = type;
    size_t n = 1 + num_i64(p + 1, v);
    memcpy(p + n, "\r\n", 2);
    r->len += n + 2;
}

static inline void reply_ok(struct reply *r) { REPLY_LITERAL(r, "+OK\r\n"); }
void reply_status(struct reply *r, const char *status); /* +status */
void reply_error(struct reply *r, const char *error);   /* -error; begins with its code: "ERR ..." */
void reply_errorf(struct reply *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* As above; CR and LF in the text become spaces, as Redis does it. */
void reply_error_slice(struct reply *r, struct slice error);
static inline void reply_int(struct reply *r, int64_t v) { reply_number(r, ':', v); }

static inline void reply_bulk(struct reply *r, const void *bytes, size_t n)
{
    char *p = reply_reserve(r, n + NUM_INT_CHARS + 5);
    p[0] = '$';
    size_t at = 1 + num_u64(p + 1, n);
    memcpy(p + at, "\r\n", 2);
    at += 2;
    if (n > 0)
        memcpy(p + at, bytes, n);
    memcpy(p + at + n, "\r\n", 2);
    r->len += at + n + 2;
}

static inline void reply_bulk_str(struct reply *r, const char *s) { reply_bulk(r, s, strlen(s)); }
static inline void reply_bulk_slice(struct reply *r, struct slice s) { reply_bulk(r, s.ptr, s.len); }
void reply_bulk_int(struct reply *r, int64_t v); /* the decimal text as a bulk */
/* len bytes of blob from start on, as a bulk: by reference from REPLY_BLOB_BYTES_MIN on, else copied. */
void reply_bulk_blob(struct reply *r, struct blob *blob, size_t start, size_t len);

static inline void reply_null(struct reply *r) /* $-1 or _ */
{
    if (r->resp == 2)
        REPLY_LITERAL(r, "$-1\r\n");
    else
        REPLY_LITERAL(r, "_\r\n");
}

static inline void reply_null_array(struct reply *r) /* *-1 or _ */
{
    if (r->resp == 2)
        REPLY_LITERAL(r, "*-1\r\n");
    else
        REPLY_LITERAL(r, "_\r\n");
}

/* Headers of aggregates: the elements follow, each written by a call of its own. In RESP2 they are all arrays. */
static inline void reply_array(struct reply *r, int64_t n) { reply_number(r, '*', n); }
static inline void reply_map(struct reply *r, int64_t pairs)
{
    reply_number(r, r->resp == 2 ? '*' : '%', r->resp == 2 ? pairs * 2 : pairs);
}
static inline void reply_set(struct reply *r, int64_t n) { reply_number(r, r->resp == 2 ? '*' : '~', n); }
static inline void reply_push(struct reply *r, int64_t n) { reply_number(r, r->resp == 2 ? '*' : '>', n); }
void reply_double(struct reply *r, double v);            /* as Redis 7.4: shortest text, inf, -inf, nan */
void reply_human_double(struct reply *r, long double v); /* as addReplyHumanLongDouble: see dtoa_human */
void reply_bool(struct reply *r, bool v);
void reply_big_number(struct reply *r, const char *digits);
void reply_verbatim(struct reply *r, const void *bytes, size_t n, const char *ext /* 3 letters */);

/* For aggregates whose size is known only afterwards: reply_defer remembers the place, the call below puts the header
 * there. type is '*', '%', '~' or '>' ('%' counts pairs). */
size_t reply_defer(struct reply *r);
void reply_defer_end(struct reply *r, size_t place, char type, int64_t n);

/* reply_append_range when there are blobs. */
void reply_append_mixed(struct reply *dst, const struct reply *src, size_t from, size_t to);

/* Appends bytes buf[from, to) of src, and the blobs that go before one of them, to dst; src keeps its own references. A
 * blob never goes before buf[len], since its CRLF follows, so ranges that are cut between replies lose none. */
static inline void reply_append_range(struct reply *dst, const struct reply *src, size_t from, size_t to)
{
    if (src->nrefs == 0 && from < to)
        reply_raw(dst, src->buf + from, to - from);
    else if (from < to)
        reply_append_mixed(dst, src, from, to);
}

/* Bytes that will be sent for it, and bytes of memory that it holds (blobs counted by their referenced length). */
size_t reply_bytes(const struct reply *r);
size_t reply_memory(const struct reply *r);

#endif
