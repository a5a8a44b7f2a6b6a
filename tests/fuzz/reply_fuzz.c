/* The reply writer: the input is read as a program of calls, and what they write must be well-formed for a strict
 * reader in RESP2 and in RESP3, and stay so after a copy by ranges. */
#include "src/wire/reply.h"

#include <stdint.h>
#include <stdlib.h>

#include "src/base/assert.h"
#include "tests/unit/resp_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { DEPTH_MAX = 20, BLOB_BYTES = 40000 };

struct program {
    const uint8_t *p, *end;
    struct blob *blob;
};

static uint64_t take(struct program *g, size_t bytes)
{
    uint64_t v = 0;
    for (; bytes > 0 && g->p < g->end; bytes--)
        v = v << 8 | *g->p++;
    return v;
}

static struct slice take_text(struct program *g)
{
    size_t len = take(g, 1), left = (size_t)(g->end - g->p);
    len = len < left ? len : left;
    struct slice text = slice_of(g->p, len);
    g->p += len;
    return text;
}

static void write_leaf(struct program *g, struct reply *r, int what)
{
    char text[256];
    struct slice s;
    double d;
    switch (what) {
    case 0:
        reply_ok(r);
        break;
    case 1:
        reply_int(r, (int64_t)take(g, 8));
        break;
    case 2:
        reply_bulk_slice(r, take_text(g));
        break;
    case 3:
        reply_error_slice(r, take_text(g));
        break;
    case 4:
        reply_null(r);
        break;
    case 5:
        reply_null_array(r);
        break;
    case 6:
        reply_bool(r, take(g, 1) & 1);
        break;
    case 7:
        reply_bulk_int(r, (int64_t)take(g, 3));
        break;
    case 8:
        s = take_text(g);
        reply_verbatim(r, s.ptr, s.len, "txt");
        break;
    case 9: {
        uint64_t bits = take(g, 8);
        memcpy(&d, &bits, sizeof d);
        reply_double(r, d);
        break;
    }
    case 10:
        reply_human_double(r, (long double)(int64_t)take(g, 8) / 1000);
        break;
    case 11:
        reply_bulk_blob(r, g->blob, take(g, 1), take(g, 2) % (BLOB_BYTES - 256));
        break;
    default:
        s = take_text(g);
        memcpy(text, s.ptr, s.len);
        text[s.len] = '\0';
        reply_errorf(r, "ERR %s", text);
        break;
    }
}

static void write_value(struct program *g, struct reply *r, int depth)
{
    uint8_t op = (uint8_t)take(g, 1);
    if (op < 200 || depth == DEPTH_MAX) {
        write_leaf(g, r, op % 13);
        return;
    }
    uint64_t n = take(g, 1) % 5;
    static const char types[] = "*%~>";
    char type = types[op % 4];
    size_t place = reply_defer(r);
    bool deferred = op & 8;
    if (!deferred && type == '*')
        reply_array(r, (int64_t)n);
    else if (!deferred && type == '%')
        reply_map(r, (int64_t)n);
    else if (!deferred && type == '~')
        reply_set(r, (int64_t)n);
    else if (!deferred)
        reply_push(r, (int64_t)n);
    for (uint64_t i = 0; i < (type == '%' ? 2 * n : n); i++)
        write_value(g, r, depth + 1);
    if (deferred)
        reply_defer_end(r, place, type, (int64_t)n);
}

/* What would be sent; the caller frees. */
static struct slice sent(const struct reply *r)
{
    char *out = malloc(reply_bytes(r) + 1);
    size_t n = 0, at = 0;
    for (uint32_t i = 0; i <= r->nrefs; i++) {
        size_t to = i < r->nrefs ? r->refs[i].offset : r->len;
        ASSERT(to >= at && to <= r->len);
        if (to > at)
            memcpy(out + n, r->buf + at, to - at);
        n += to - at;
        at = to;
        if (i < r->nrefs) {
            memcpy(out + n, r->refs[i].blob->data + r->refs[i].start, r->refs[i].len);
            n += r->refs[i].len;
        }
    }
    ASSERT(n == reply_bytes(r));
    return slice_of(out, n);
}

static void check(struct program g, int resp)
{
    struct reply r, copy;
    reply_init(&r, resp);
    reply_init(&copy, resp);
    size_t values = 0, from = 0, pos = 0;
    for (; g.p < g.end; values++) {
        write_value(&g, &r, 0);
        if (values % 3 == 2) {
            reply_append_range(&copy, &r, from, r.len);
            from = r.len;
        }
    }
    reply_append_range(&copy, &r, from, r.len);
    struct slice out = sent(&r), again = sent(&copy);
    ASSERT(slice_eq(out, again));
    for (; values > 0; values--)
        ASSERT(resp_value(out, &pos, resp));
    ASSERT(pos == out.len);
    free((char *)out.ptr);
    free((char *)again.ptr);
    reply_deinit(&r);
    reply_deinit(&copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct blob *blob = blob_create(BLOB_BYTES);
    blob->len = BLOB_BYTES;
    memset(blob->data, 'v', blob->len);
    struct program g = {data, data + size, blob};
    check(g, 2);
    check(g, 3);
    ASSERT(blob_is_exclusive(blob));
    blob_release(blob);
    return 0;
}
