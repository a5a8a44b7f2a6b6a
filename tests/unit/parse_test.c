/* The request parser against texts known from Redis, at every byte boundary and in random pieces. */
#include "src/wire/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "src/base/mem.h"
#include "tests/unit/random_cases.h"

/* All that came out of a stream, as text: "[len:bytes,...]" a command, "!text" an error; nothing for empty requests. */
struct output {
    char *text;
    size_t len, cap;
};

static void output_add(struct output *o, const void *bytes, size_t n)
{
    if (o->len + n > o->cap) {
        o->cap = (o->len + n) * 2;
        o->text = realloc(o->text, o->cap);
    }
    memcpy(o->text + o->len, bytes, n);
    o->len += n;
}

static void output_int(struct output *o, size_t v)
{
    char text[32];
    output_add(o, text, (size_t)snprintf(text, sizeof text, "%zu:", v));
}

/* A connection as the network layer will be: an input buffer, a parser, and bulks received beside the buffer. */
struct feed {
    struct parser parser;
    struct parse_limits limits;
    struct arg_arena args;
    struct arg_blobs blobs;
    char *in;
    size_t len, cap;
    char *dst; /* where the bulk that is being received goes on */
    size_t dst_left;
    bool direct;         /* whether PARSE_BULK is taken up */
    struct random *whim; /* if set, decides that each time anew */
    bool closed;
    struct output out;
};

static void feed_init(struct feed *f, bool direct)
{
    *f = (struct feed){.limits = {512 << 20, true}, .direct = direct};
}

static void feed_deinit(struct feed *f)
{
    parse_reset(&f->parser);
    assert_int_equal(parse_memory(&f->parser), 0);
    mem_free(NULL, f->args.v);
    mem_free(NULL, f->blobs.v);
    free(f->in);
    free(f->out.text);
}

static void drain(struct feed *f)
{
    struct parse_result result;
    for (;;) {
        char *copy = malloc(f->len ? f->len : 1); /* so that a sanitizer sees a read past the end */
        memcpy(copy, f->in, f->len);
        uint32_t first = f->args.n;
        enum parse_status status =
            parse_next(&f->parser, slice_of(copy, f->len), &f->limits, &f->args, &f->blobs, &result);
        if (status == PARSE_COMMAND) {
            assert_int_equal(f->args.n, first + result.argc);
            assert_true(result.argc > 0);
            output_add(&f->out, "[", 1);
            for (uint32_t i = first; i < f->args.n; i++) {
                output_int(&f->out, f->args.v[i].len);
                output_add(&f->out, f->args.v[i].ptr, f->args.v[i].len);
                output_add(&f->out, ",", 1);
            }
            output_add(&f->out, "]", 1);
        }
        f->args.n = 0;
        while (f->blobs.n > 0) {
            struct arg_blob *b = &f->blobs.v[--f->blobs.n];
            assert_true(status == PARSE_COMMAND && b->arg < first + result.argc);
            blob_release(b->blob);
        }
        if (status == PARSE_COMMAND || status == PARSE_EMPTY) {
            assert_true(result.consumed > 0 && result.consumed <= f->len);
            f->len -= result.consumed;
            memmove(f->in, f->in + result.consumed, f->len);
        } else if (status == PARSE_BULK && (f->whim ? random_below(f->whim, 2) : f->direct)) {
            size_t consumed;
            f->dst_left = parse_take_bulk(&f->parser, slice_of(copy, f->len), &f->dst, &consumed);
            assert_true(f->dst_left > 0);
            f->len -= consumed;
        } else if (status == PARSE_ERROR) {
            output_add(&f->out, "!", 1);
            output_add(&f->out, result.error, strlen(result.error));
            f->closed = true;
        }
        free(copy);
        if (status == PARSE_MORE || status == PARSE_BULK || status == PARSE_ERROR)
            return;
    }
}

static void feed(struct feed *f, const char *bytes, size_t n)
{
    while (n > 0 && !f->closed) {
        size_t part = n;
        if (f->dst_left > 0) {
            part = n < f->dst_left ? n : f->dst_left;
            memcpy(f->dst, bytes, part);
            f->dst += part;
            f->dst_left -= part;
            if (f->dst_left > 0)
                return;
            parse_bulk_received(&f->parser);
        } else {
            if (f->len + part > f->cap) {
                f->cap = (f->len + part) * 2;
                f->in = realloc(f->in, f->cap);
            }
            memcpy(f->in + f->len, bytes, part);
            f->len += part;
        }
        bytes += part;
        n -= part;
        drain(f);
    }
}

static const struct {
    const char *in;
    size_t len;
    const char *out;
} cases[] = {
#define CASE(in, out)                                                                                                  \
    {                                                                                                                  \
        in, sizeof(in) - 1, out                                                                                        \
    }
    CASE("*1\r\n$4\r\nPING\r\n", "[4:PING,]"),
    CASE("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$0\r\n\r\n", "[3:GET,1:k,][0:,]"),
    CASE("*12\r\n$1\r\n0\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n$1\r\n4\r\n$1\r\n5\r\n$1\r\n6\r\n$1\r\n7\r\n$1\r\n8\r\n$"
         "1\r\n9\r\n"
         "$10\r\n0123456789\r\n$1\r\nb\r\n",
         "[1:0,1:1,1:2,1:3,1:4,1:5,1:6,1:7,1:8,1:9,10:0123456789,1:b,]"),
    CASE("*-1\r\n*-5\r\n*0\r\nPING\r\n\r\n \r\n", "[4:PING,]"),
    CASE("*1\rX$4\rXPINGXX", "[4:PING,]"), /* only the \r is looked at */
    CASE("*1\r\n$4\r\na\r\nb\r\n", "[4:a\r\nb,]"),
    CASE("*01\r\n", "!Protocol error: invalid multibulk length"),
    CASE("*+1\r\n", "!Protocol error: invalid multibulk length"),
    CASE("*\r\n", "!Protocol error: invalid multibulk length"),
    CASE("*1 \r\n", "!Protocol error: invalid multibulk length"),
    CASE("*2147483648\r\n", "!Protocol error: invalid multibulk length"),
    CASE("*2147483647\r\n*x\r\n", "!Protocol error: expected '$', got '*'"),
    CASE("*1\r\nxy\r\n", "!Protocol error: expected '$', got 'x'"),
    CASE("*1\r\n\rx", "!Protocol error: expected '$', got ' '"),
    CASE("*1\r\n\n\r\n", "!Protocol error: expected '$', got ' '"),
    CASE("*1\r\n\xff\r\n", "!Protocol error: expected '$', got '\xff'"),
    CASE("*1\r\n$-1\r\n", "!Protocol error: invalid bulk length"),
    CASE("*1\r\n$x\r\n", "!Protocol error: invalid bulk length"),
    CASE("*1\r\n$03\r\nabc\r\n", "!Protocol error: invalid bulk length"),
    CASE("*1\r\n$536870913\r\n", "!Protocol error: invalid bulk length"),
    CASE("*2\r\n$1\r\na\r\n$99999999999999999999999\r\n", "!Protocol error: invalid bulk length"),
    CASE("*1\0\r\n$4\r\nPING\r\n", ""), /* as Redis: nothing is seen behind a NUL in a line */
    CASE("PING\0\r\nPING\r\n", ""),
    CASE("PING\n", "[4:PING,]"),
    CASE("  SET  k\t v \r\n", "[3:SET,1:k,1:v,]"),
    CASE("PING \"a\\x41\\n'\\\"\\q\\xz\"\r\n", "[4:PING,8:aA\n'\"qxz,]"),
    CASE("PING 'a\\'b\\n\"'\r\n", "[4:PING,6:a'b\\n\",]"),
    CASE("PING a\"b c\"\r\n", "[4:PING,4:ab c,]"),
    CASE("PING a\vb\f\r\n", "[4:PING,4:a\vb\f,]"),
    CASE("PING a\rb\r\n", "[4:PING,1:a,1:b,]"),
    CASE("\"\"\r\n", "[0:,]"),
    CASE("PING \"a\" \"b\"c\r\n", "!Protocol error: unbalanced quotes in request"),
    CASE("PING \"abc\r\n", "!Protocol error: unbalanced quotes in request"),
    CASE("PING 'abc\\'\r\n", "!Protocol error: unbalanced quotes in request"),
    CASE("PING \"abc\\\r\n", "!Protocol error: unbalanced quotes in request"),
#undef CASE
};

/* Each case whole, in two pieces cut everywhere, and byte by byte. */
static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t cut = 0; cut <= cases[i].len + 1; cut++) {
            struct feed f;
            feed_init(&f, true);
            if (cut > cases[i].len) {
                for (size_t j = 0; j < cases[i].len; j++)
                    feed(&f, cases[i].in + j, 1);
            } else {
                feed(&f, cases[i].in, cut);
                feed(&f, cases[i].in + cut, cases[i].len - cut);
            }
            size_t want = strlen(cases[i].out);
            if (f.out.len != want || memcmp(f.out.text ? f.out.text : "", cases[i].out, want) != 0)
                fail_msg("case %zu cut at %zu: got %.*s, want %s", i, cut, (int)f.out.len, f.out.text, cases[i].out);
            feed_deinit(&f);
        }
    }
}

static void append_request(struct output *stream, struct output *want, struct random *r)
{
    static const char bytes[] = "ab\r\n*$0\"' \\";
    static const size_t sizes[] = {0, 1, 5, 9, 10, 11, 99, 100, 1000, 9999, 32766, 32768, 40000, 300000, 700000};
    size_t argc = 1 + random_below(r, random_below(r, 20) ? 6 : 200);
    char text[64];
    output_add(stream, text, (size_t)sprintf(text, "*%zu\r\n", argc));
    output_add(want, "[", 1);
    while (argc-- > 0) {
        size_t small = random_below(r, 30) ? 9 : sizeof sizes / sizeof sizes[0];
        size_t len = random_below(r, sizes[random_below(r, small)] + 1);
        output_add(stream, text, (size_t)sprintf(text, "$%zu\r\n", len));
        output_int(want, len);
        for (size_t i = 0; i < len; i++) {
            char c = bytes[random_below(r, sizeof bytes)];
            output_add(stream, &c, 1);
            output_add(want, &c, 1);
        }
        output_add(stream, "\r\n", 2);
        output_add(want, ",", 1);
    }
    output_add(want, "]", 1);
    if (random_below(r, 10) == 0)
        output_add(stream, "*0\r\n\r\n", 6);
    if (random_below(r, 10) == 0) {
        output_add(stream, "PING  \"\\x41\" b\r\n", 16);
        output_add(want, "[4:PING,1:A,1:b,]", 17);
    }
}

/* Streams of requests in random pieces give what they were made from, whether large bulks are received directly or not.
 */
static void test_random_pieces(void **state)
{
    struct random r;
    long left = random_cases(&r, 3000);
    while (left-- > 0) {
        struct output stream = {0}, want = {0};
        struct feed f;
        feed_init(&f, random_below(&r, 2));
        f.whim = random_below(&r, 2) ? &r : NULL;
        for (uint64_t n = 1 + random_below(&r, 5); n > 0; n--)
            append_request(&stream, &want, &r);
        size_t piece_max = stream.len > 100000 ? 20000 + random_below(&r, 100000) : 1 + random_below(&r, 300);
        for (size_t at = 0; at < stream.len;) {
            size_t n = 1 + random_below(&r, piece_max);
            n = n < stream.len - at ? n : stream.len - at;
            feed(&f, stream.text + at, n);
            at += n;
        }
        assert_int_equal(f.out.len, want.len);
        assert_memory_equal(f.out.text, want.text, want.len);
        assert_int_equal(f.len, 0);
        feed_deinit(&f);
        free(stream.text);
        free(want.text);
    }
}

/* Bytes that may be anything: cut or not, the same comes out. */
static void test_random_garbage(void **state)
{
    static const char *const tokens[] = {"*1\r\n", "*2\r\n", "$1\r\n", "$3\r\n", "a\r\n", "abc\r\n",   "\r\n",
                                         "*",      "$",      "\r",     "\n",     "0",     "-1",        "12",
                                         "\"",     "'",      "\\",     "x ",     "\\x",   "$0\r\n\r\n"};
    struct random r;
    long left = random_cases(&r, 100000);
    while (left-- > 0) {
        struct output stream = {0};
        for (uint64_t n = random_below(&r, 12) + 1; n > 0; n--) {
            const char *token = tokens[random_below(&r, sizeof tokens / sizeof tokens[0])];
            output_add(&stream, token, strlen(token));
        }
        struct feed whole, pieces;
        feed_init(&whole, false);
        feed_init(&pieces, false);
        feed(&whole, stream.text, stream.len);
        for (size_t at = 0; at < stream.len;) {
            size_t n = 1 + random_below(&r, stream.len - at);
            feed(&pieces, stream.text + at, n);
            at += n;
        }
        assert_int_equal(whole.out.len, pieces.out.len);
        if (whole.out.len)
            assert_memory_equal(whole.out.text, pieces.out.text, whole.out.len);
        feed_deinit(&whole);
        feed_deinit(&pieces);
        free(stream.text);
    }
}

static void expect_error(struct feed *f, const char *error)
{
    assert_true(f->closed);
    output_add(&f->out, "", 1);
    assert_string_equal(strrchr(f->out.text, '!') + 1, error);
    feed_deinit(f);
}

/* Lines that never end are given up after 64 KB, not a byte earlier. */
static void test_long_lines(void **state)
{
    static const struct {
        const char *start, *end, *error;
    } lines[] = {
        {"", "\n", "Protocol error: too big inline request"},
        {"*", "\r\n", "Protocol error: too big mbulk count string"},
        {"*2\r\n$1\r\na\r\n$", "\r\n", "Protocol error: too big bulk count string"},
    };
    char *ones = malloc(PARSE_LINE_BYTES_MAX);
    memset(ones, '1', PARSE_LINE_BYTES_MAX);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct feed f;
        feed_init(&f, true);
        feed(&f, lines[i].start, strlen(lines[i].start));
        feed(&f, ones, PARSE_LINE_BYTES_MAX - (i > 0));
        assert_false(f.closed);
        feed(&f, "1", 1);
        expect_error(&f, lines[i].error);
        feed_init(&f, true);
        feed(&f, lines[i].start, strlen(lines[i].start));
        feed(&f, ones, PARSE_LINE_BYTES_MAX - (i > 0));
        feed(&f, lines[i].end, strlen(lines[i].end));
        if (i == 0) {
            assert_int_equal(f.out.len, PARSE_LINE_BYTES_MAX + 9);
            feed_deinit(&f);
        } else {
            expect_error(&f,
                         i == 1 ? "Protocol error: invalid multibulk length" : "Protocol error: invalid bulk length");
        }
    }
    free(ones);
}

static void test_unauthenticated(void **state)
{
    static const struct {
        const char *in, *out;
    } requests[] = {
        {"*11\r\n", "!Protocol error: unauthenticated multibulk length"},
        {"*1\r\n$16385\r\n", "!Protocol error: unauthenticated bulk length"},
        {"*1\r\n$536870913\r\n", "!Protocol error: invalid bulk length"},
        {"*10\r\n$16384\r\n", ""},
        {"a b c d e f g h i j k l\r\n", "[1:a,1:b,1:c,1:d,1:e,1:f,1:g,1:h,1:i,1:j,1:k,1:l,]"},
    };
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct feed f;
        feed_init(&f, true);
        f.limits.authenticated = false;
        feed(&f, requests[i].in, strlen(requests[i].in));
        output_add(&f.out, "", 1);
        assert_string_equal(f.out.text, requests[i].out);
        feed_deinit(&f);
    }
}

/* Headers that announce much must not cost much: memory follows what has arrived. */
static void test_announced_is_not_allocated(void **state)
{
    struct feed f;
    feed_init(&f, true);
    feed(&f, "*2147483647\r\n$1\r\na\r\n", 20);
    assert_true(parse_memory(&f.parser) + f.args.cap * sizeof *f.args.v < 8192);
    feed_deinit(&f);

    feed_init(&f, true);
    feed(&f, "*1\r\n$536870912\r\n", 16);
    size_t sent = 0;
    char piece[10000] = {0};
    while (sent < 5000000) {
        assert_true(parse_memory(&f.parser) < sent * 3 + 600000);
        feed(&f, piece, sizeof piece);
        sent += sizeof piece;
    }
    assert_int_equal(f.len, 16);
    feed_deinit(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),           cmocka_unit_test(test_random_pieces),
        cmocka_unit_test(test_random_garbage),  cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_unauthenticated), cmocka_unit_test(test_announced_is_not_allocated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
