#include "src/wire/reply.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/base/assert.h"
#include "src/base/dtoa.h"
#include "src/base/mem.h"

enum {
    BUF_BYTES_FIRST = 1024,
    REFS_FIRST = 4,
    HEADER_BYTES = NUM_INT_CHARS + 3, /* the longest "type, number, CRLF" */
};

void reply_init(struct reply *r, int resp)
{
    ASSERT(resp == 2 || resp == 3);
    *r = (struct reply){.resp = (uint8_t)resp};
}

void reply_deinit(struct reply *r)
{
    for (uint32_t i = 0; i < r->nrefs; i++)
        blob_release(r->refs[i].blob);
    mem_free(NULL, r->refs);
    mem_free(NULL, r->buf);
    *r = (struct reply){.resp = r->resp};
}

void reply_clear(struct reply *r, size_t keep_bytes)
{
    if (r->cap > keep_bytes || r->refs_cap > REFS_FIRST) {
        bool failed = r->failed;
        reply_deinit(r);
        r->failed = failed;
        return;
    }
    for (uint32_t i = 0; i < r->nrefs; i++)
        blob_release(r->refs[i].blob);
    r->len = r->nrefs = 0;
    r->ref_bytes = 0;
}

void reply_truncate(struct reply *r, size_t len)
{
    while (r->nrefs > 0 && r->refs[r->nrefs - 1].offset > len) {
        struct reply_ref *ref = &r->refs[--r->nrefs];
        r->ref_bytes -= ref->len;
        blob_release(ref->blob);
    }
    r->len = len;
}

char *reply_grow(struct reply *r, size_t n)
{
    size_t cap = r->cap ? r->cap * 2 : BUF_BYTES_FIRST;
    if (cap < r->len + n)
        cap = r->len + n;
    r->buf = mem_realloc(NULL, r->buf, cap);
    r->cap = cap;
    return r->buf + r->len;
}

/* Statuses and errors: one line, so CR and LF in the text become spaces. */
static void write_line(struct reply *r, char type, struct slice text)
{
    char *p = reply_reserve(r, text.len + 3);
    p[0] = type;
    for (size_t i = 0; i < text.len; i++)
        p[1 + i] = text.ptr[i] == '\r' || text.ptr[i] == '\n' ? ' ' : text.ptr[i];
    memcpy(p + 1 + text.len, "\r\n", 2);
    r->len += text.len + 3;
}

void reply_status(struct reply *r, const char *status) { write_line(r, '+', slice_str(status)); }

void reply_error_slice(struct reply *r, struct slice error)
{
    while (error.len > 0 && (error.ptr[error.len - 1] == '\r' || error.ptr[error.len - 1] == '\n'))
        error.len--;
    write_line(r, '-', error);
    r->failed = true;
}

void reply_error(struct reply *r, const char *error) { reply_error_slice(r, slice_str(error)); }

void reply_errorf(struct reply *r, const char *format, ...)
{
    char small[256], *text = small;
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int len = vsnprintf(small, sizeof small, format, ap);
    va_end(ap);
    ASSERT(len >= 0);
    if ((size_t)len >= sizeof small) {
        text = mem_alloc(NULL, (size_t)len + 1);
        vsnprintf(text, (size_t)len + 1, format, again);
    }
    va_end(again);
    reply_error_slice(r, slice_of(text, (size_t)len));
    if (text != small)
        mem_free(NULL, text);
}

void reply_bulk_int(struct reply *r, int64_t v)
{
    char text[NUM_INT_CHARS];
    reply_bulk(r, text, num_i64(text, v));
}

/* The bytes of blob become part of the stream at the end of what was written so far. Takes no reference: the caller's
 * is the reply's. */
static void push_ref(struct reply *r, struct blob *blob, size_t start, size_t len)
{
    if (r->nrefs == r->refs_cap) {
        r->refs_cap = r->refs_cap ? r->refs_cap * 2 : REFS_FIRST;
        r->refs = mem_realloc(NULL, r->refs, r->refs_cap * sizeof *r->refs);
    }
    r->refs[r->nrefs++] = (struct reply_ref){r->len, blob, start, len};
    r->ref_bytes += len;
}

void reply_bulk_blob(struct reply *r, struct blob *blob, size_t start, size_t len)
{
    ASSERT(start <= blob->len && len <= blob->len - start);
    if (len < REPLY_BLOB_BYTES_MIN) {
        reply_bulk(r, blob->data + start, len);
        return;
    }
    reply_number(r, '$', (int64_t)len);
    push_ref(r, blob_hold(blob), start, len);
    REPLY_LITERAL(r, "\r\n");
}

/* A number that RESP3 has a type for and RESP2 shows as a bulk. */
static void write_double(struct reply *r, const char *text, size_t len)
{
    if (r->resp == 2) {
        reply_bulk(r, text, len);
        return;
    }
    char *p = reply_reserve(r, len + 3);
    p[0] = ',';
    memcpy(p + 1, text, len);
    memcpy(p + 1 + len, "\r\n", 2);
    r->len += len + 3;
}

void reply_double(struct reply *r, double v)
{
    char text[DTOA_CHARS];
    write_double(r, text, dtoa_double(text, v));
}

void reply_human_double(struct reply *r, long double v)
{
    char text[DTOA_HUMAN_CHARS];
    write_double(r, text, dtoa_human(text, v));
}

void reply_bool(struct reply *r, bool v)
{
    if (r->resp == 2)
        reply_int(r, v);
    else
        reply_raw(r, v ? "#t\r\n" : "#f\r\n", 4);
}

void reply_big_number(struct reply *r, const char *digits)
{
    if (r->resp == 2)
        reply_bulk_str(r, digits);
    else
        write_line(r, '(', slice_str(digits));
}

void reply_verbatim(struct reply *r, const void *bytes, size_t n, const char *ext)
{
    if (r->resp == 2) {
        reply_bulk(r, bytes, n);
        return;
    }
    ASSERT(strlen(ext) == 3);
    reply_number(r, '=', (int64_t)n + 4);
    reply_raw(r, ext, 3);
    reply_raw(r, ":", 1);
    reply_raw(r, bytes, n);
    REPLY_LITERAL(r, "\r\n");
}

size_t reply_defer(struct reply *r) { return r->len; }

void reply_defer_end(struct reply *r, size_t place, char type, int64_t n)
{
    ASSERT(place <= r->len && strchr("*%~>", type));
    char header[HEADER_BYTES];
    if (r->resp == 2) {
        n = type == '%' ? n * 2 : n;
        type = '*';
    }
    header[0] = type;
    size_t len = 1 + num_i64(header + 1, n);
    memcpy(header + len, "\r\n", 2);
    len += 2;
    reply_reserve(r, len);
    memmove(r->buf + place + len, r->buf + place, r->len - place);
    memcpy(r->buf + place, header, len);
    r->len += len;
    for (uint32_t i = r->nrefs; i > 0 && r->refs[i - 1].offset > place; i--)
        r->refs[i - 1].offset += len;
}

/* The first ref whose place is at or behind offset. */
static uint32_t first_ref(const struct reply *r, size_t offset)
{
    uint32_t low = 0, high = r->nrefs;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (r->refs[mid].offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

void reply_append_mixed(struct reply *dst, const struct reply *src, size_t from, size_t to)
{
    ASSERT(to <= src->len);
    size_t at = from;
    for (uint32_t i = first_ref(src, from); i < src->nrefs && src->refs[i].offset < to; i++) {
        const struct reply_ref *ref = &src->refs[i];
        reply_raw(dst, src->buf + at, ref->offset - at);
        push_ref(dst, blob_hold(ref->blob), ref->start, ref->len);
        at = ref->offset;
    }
    reply_raw(dst, src->buf + at, to - at);
}

size_t reply_bytes(const struct reply *r) { return r->len + r->ref_bytes; }

size_t reply_memory(const struct reply *r)
{
    return (r->buf ? mem_size(r->buf) : 0) + (r->refs ? mem_size(r->refs) : 0) + r->ref_bytes;
}
