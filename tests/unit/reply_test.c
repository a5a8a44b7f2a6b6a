/* src/wire/reply.h: the bytes of every call in both protocols, blobs in the stream, deferred headers, ranges. */
#include "src/wire/reply.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/random_cases.h"
#include "tests/unit/resp_check.h"

/* What would be sent, blobs in their places; the caller frees. */
static struct slice sent(const struct reply *r)
{
    char *out = malloc(reply_bytes(r) + 1);
    size_t n = 0, at = 0;
    for (uint32_t i = 0; i < r->nrefs; i++) {
        const struct reply_ref *ref = &r->refs[i];
        assert_true(ref->offset >= at && ref->offset < r->len);
        memcpy(out + n, r->buf + at, ref->offset - at);
        n += ref->offset - at;
        memcpy(out + n, ref->blob->data + ref->start, ref->len);
        n += ref->len;
        at = ref->offset;
    }
    if (r->len > at)
        memcpy(out + n, r->buf + at, r->len - at);
    n += r->len - at;
    assert_int_equal(n, reply_bytes(r));
    out[n] = '\0';
    return slice_of(out, n);
}

static void assert_sent(struct reply *r, const char *want)
{
    struct slice got = sent(r);
    assert_string_equal(got.ptr, want);
    free((char *)got.ptr);
    reply_clear(r, SIZE_MAX);
}

static void test_every_call(void **state)
{
    for (int resp = 2; resp <= 3; resp++) {
        struct reply r;
        reply_init(&r, resp);
#define SAME(call, want)         (call, assert_sent(&r, want))
#define BOTH(call, want2, want3) (call, assert_sent(&r, resp == 2 ? want2 : want3))
        SAME(reply_ok(&r), "+OK\r\n");
        SAME(reply_status(&r, "QUEUED"), "+QUEUED\r\n");
        SAME(reply_int(&r, INT64_MIN), ":-9223372036854775808\r\n");
        SAME(reply_int(&r, 12345), ":12345\r\n");
        SAME(reply_bulk(&r, NULL, 0), "$0\r\n\r\n");
        SAME(reply_bulk_str(&r, "a\r\nb"), "$4\r\na\r\nb\r\n");
        SAME(reply_bulk_int(&r, -10), "$3\r\n-10\r\n");
        SAME(reply_array(&r, 3), "*3\r\n");
        BOTH(reply_null(&r), "$-1\r\n", "_\r\n");
        BOTH(reply_null_array(&r), "*-1\r\n", "_\r\n");
        BOTH(reply_map(&r, 3), "*6\r\n", "%3\r\n");
        BOTH(reply_set(&r, 3), "*3\r\n", "~3\r\n");
        BOTH(reply_push(&r, 3), "*3\r\n", ">3\r\n");
        BOTH(reply_bool(&r, true), ":1\r\n", "#t\r\n");
        BOTH(reply_bool(&r, false), ":0\r\n", "#f\r\n");
        BOTH(reply_double(&r, 0.5), "$3\r\n0.5\r\n", ",0.5\r\n");
        BOTH(reply_double(&r, -INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
        BOTH(reply_human_double(&r, 1e20L), "$21\r\n100000000000000000000\r\n", ",100000000000000000000\r\n");
        BOTH(reply_big_number(&r, "123"), "$3\r\n123\r\n", "(123\r\n");
        BOTH(reply_verbatim(&r, "a\nb", 3, "txt"), "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n");
        assert_false(r.failed);
        SAME(reply_error(&r, "ERR no"), "-ERR no\r\n");
        assert_true(r.failed);
        SAME(reply_errorf(&r, "ERR '%s'\r\n", "a\r\nb"), "-ERR 'a  b'\r\n");
        char name[1001] = "";
        memset(name, 'x', 1000);
        reply_errorf(&r, "ERR %s", name);
        assert_int_equal(r.len, 1007);
        reply_deinit(&r);
        assert_int_equal(reply_memory(&r), 0);
#undef SAME
#undef BOTH
    }
}

static void test_deferred_header_moves_blobs(void **state)
{
    struct reply r;
    struct blob *blob = blob_create(REPLY_BLOB_BYTES_MIN);
    blob->len = REPLY_BLOB_BYTES_MIN;
    memset(blob->data, 'v', blob->len);
    reply_init(&r, 2);
    reply_bulk_blob(&r, blob, 0, blob->len);
    size_t outer = reply_defer(&r);
    reply_ok(&r);
    size_t inner = reply_defer(&r);
    reply_bulk_blob(&r, blob, 0, blob->len);
    reply_bulk_blob(&r, blob, 0, blob->len - 1);
    reply_defer_end(&r, inner, '%', 1);
    reply_defer_end(&r, outer, '~', 2);
    assert_int_equal(r.nrefs, 2); /* the third is too small */
    struct slice got = sent(&r);
    size_t pos = 0;
    assert_true(resp_value(got, &pos, 2));
    assert_memory_equal(got.ptr + pos, "*2\r\n+OK\r\n*2\r\n$16384\r\nv", 22);
    assert_true(resp_value(got, &pos, 2));
    assert_int_equal(pos, got.len);
    free((char *)got.ptr);
    reply_clear(&r, 0);
    assert_int_equal(reply_memory(&r), 0);
    assert_true(blob_is_exclusive(blob));
    blob_release(blob);
    reply_deinit(&r);
}

/* Random replies, cut into ranges between them and put together again in another writer, send the same bytes. */
static void test_ranges(void **state)
{
    struct random random;
    struct blob *blob = blob_create(100000);
    blob->len = 100000;
    for (size_t i = 0; i < blob->len; i++)
        blob->data[i] = (char)i;
    for (long left = random_cases(&random, 20000); left > 0; left--) {
        struct reply whole, copy;
        size_t ends[32], n = random_below(&random, 32);
        reply_init(&whole, 3);
        reply_init(&copy, 3);
        for (size_t i = 0; i < n; i++) {
            if (random_below(&random, 3))
                reply_bulk(&whole, blob->data, random_below(&random, 300));
            else
                reply_bulk_blob(&whole, blob, random_below(&random, 50000), 16000 + random_below(&random, 1000));
            ends[i] = whole.len;
        }
        for (size_t i = 0, from = 0; i < n; i++) {
            if (i + 1 < n && random_below(&random, 2))
                continue; /* a range of several replies */
            reply_append_range(&copy, &whole, from, ends[i]);
            from = ends[i];
        }
        assert_int_equal(copy.nrefs, whole.nrefs);
        struct slice a = sent(&whole), b = sent(&copy);
        assert_true(slice_eq(a, b));
        free((char *)a.ptr);
        free((char *)b.ptr);
        reply_deinit(&whole);
        reply_deinit(&copy);
    }
    assert_true(blob_is_exclusive(blob));
    blob_release(blob);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call),
        cmocka_unit_test(test_deferred_header_moves_blobs),
        cmocka_unit_test(test_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
