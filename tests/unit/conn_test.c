/* Connections on every backend: one end writes random pieces, text and blobs, the other takes them in a random way: it
 * consumes some of what is there, has stretches received straight into its own memory, stops and starts reading. What
 * comes out must be what went in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "src/net/conn.h"
#include "tests/unit/io_world.h"
#include "tests/unit/random_cases.h"

enum { STREAM_BYTES_MAX = 600 * 1000, PIECE_BYTES_MAX = 3000, BLOB_BYTES_MAX = 60 * 1000, BULK_BYTES_MAX = 90 * 1000 };

/* As WORLD_UNTIL, but goes round all the time, since it is the condition that makes things happen. */
#define UNTIL(w, condition)                                                                                            \
    for (uint64_t end_ = io_now_ns((w)->io) + UINT64_C(30000000000); !(condition);) {                                  \
        io_wait((w)->io, io_now_ns((w)->io) + 50000);                                                                  \
        assert_true(io_now_ns((w)->io) < end_);                                                                        \
    }

/* Both ends of one connection. */
struct pair {
    struct out_pool pool;
    struct conn writer, reader; /* conn events give a pointer to one of them: */
    struct random random;
    char *stream; /* all that the writer has appended */
    size_t written;
    size_t goal;            /* bytes to write */
    size_t taken;           /* up to here the reader has compared */
    size_t gap_at, gap_len; /* stream bytes [gap_at, gap_at + gap_len) go to the bulk instead of the input */
    char *bulk;
    size_t bulk_have; /* of the bulk's bytes, those that had arrived before it was asked for */
    bool in_bulk, writer_ended, reader_ended;
    int sent_events, error;
};

static struct pair *pair_of_reader(struct conn *c) { return container_of(c, struct pair, reader); }
static struct pair *pair_of_writer(struct conn *c) { return container_of(c, struct pair, writer); }

/* The stream byte that stands at the reader's input position i. */
static size_t place_of(const struct pair *p, size_t i)
{
    size_t at = p->taken + i;
    return p->gap_len && at >= p->gap_at ? at + p->gap_len : at;
}

static void check_input(const struct pair *p, size_t n)
{
    struct slice in = conn_input(&p->reader);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(in.ptr[i], p->stream[place_of(p, i)]);
}

static void consume(struct pair *p, size_t n)
{
    check_input(p, n);
    conn_consume(&p->reader, n);
    p->taken = place_of(p, n);
    if (p->gap_len && !p->in_bulk && p->taken >= p->gap_at)
        p->gap_len = 0;
}

/* As the parser does: the tail of the input, and what follows it, belong to memory of ours. */
static void take_bulk(struct pair *p)
{
    struct slice in = conn_input(&p->reader);
    size_t keep = 1 + random_below(&p->random, in.len < 40 ? in.len : 40);
    size_t len = in.len - keep + 1 + random_below(&p->random, BULK_BYTES_MAX);
    check_input(p, keep);
    if (p->taken + keep + len > p->goal)
        return;
    p->gap_at = p->taken + keep;
    p->gap_len = len;
    p->bulk = malloc(len);
    p->bulk_have = in.len - keep;
    p->in_bulk = true;
    memcpy(p->bulk, in.ptr + keep, p->bulk_have);
    conn_consume_end(&p->reader, p->bulk_have);
    conn_receive_bulk(&p->reader, p->bulk + p->bulk_have, len - p->bulk_have);
}

static void reader_input(struct conn *c)
{
    struct pair *p = pair_of_reader(c);
    struct slice in = conn_input(c);
    assert_true(in.len > 0);
    if (random_below(&p->random, 8) == 0)
        conn_read_stop(c);
    if (p->in_bulk)
        return; /* the parser is not asked either until the bulk is there */
    if (p->gap_len == 0 && random_below(&p->random, 3) == 0)
        take_bulk(p);
    else if (random_below(&p->random, 3) > 0)
        consume(p, random_below(&p->random, in.len + 1));
    else
        consume(p, in.len);
}

static void reader_bulk(struct conn *c)
{
    struct pair *p = pair_of_reader(c);
    assert_true(p->in_bulk);
    assert_memory_equal(p->bulk, p->stream + p->gap_at, p->gap_len);
    free(p->bulk);
    p->bulk = NULL;
    p->in_bulk = false;
}

static void reader_sent(struct conn *c) { fail(); }

static void reader_end(struct conn *c, int error)
{
    struct pair *p = pair_of_reader(c);
    p->reader_ended = true;
    p->error = error;
    conn_close(c);
}

static void writer_input(struct conn *c) { fail(); }
static void writer_bulk(struct conn *c) { fail(); }

static void writer_sent(struct conn *c)
{
    struct pair *p = pair_of_writer(c);
    p->sent_events++;
    assert_int_equal(conn_output_bytes(c), reply_bytes(&c->out));
}

static void writer_end(struct conn *c, int error)
{
    pair_of_writer(c)->writer_ended = true;
    conn_close(c);
}

static const struct conn_events reader_events = {reader_input, reader_bulk, reader_sent, reader_end};
static const struct conn_events writer_events = {writer_input, writer_bulk, writer_sent, writer_end};

static void write_text(struct pair *p)
{
    size_t n = 1 + random_below(&p->random, PIECE_BYTES_MAX);
    for (size_t i = 0; i < n; i++)
        p->stream[p->written + i] = (char)random_u64(&p->random);
    conn_expect_output(&p->writer);
    reply_raw(&p->writer.out, p->stream + p->written, n);
    p->written += n;
}

static void write_blob(struct pair *p)
{
    size_t n = REPLY_BLOB_BYTES_MIN + random_below(&p->random, BLOB_BYTES_MAX);
    struct blob *b = blob_create(n);
    b->len = n;
    for (size_t i = 0; i < n; i++)
        b->data[i] = (char)random_u64(&p->random);
    size_t start = random_below(&p->random, n - REPLY_BLOB_BYTES_MIN + 1), len = n - start;
    p->written += (size_t)sprintf(p->stream + p->written, "$%zu\r\n", len);
    memcpy(p->stream + p->written, b->data + start, len);
    p->written += len;
    memcpy(p->stream + p->written, "\r\n", 2);
    p->written += 2;
    reply_bulk_blob(&p->writer.out, b, start, len);
    blob_release(b);
}

static void pair_open(struct pair *p, struct world *w)
{
    int fd[2], small = 32 * 1024;
    world_pair(w, fd);
    if (!w->sim && random_below(&p->random, 2)) /* so that sends are cut */
        setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    p->stream = malloc(2 * STREAM_BYTES_MAX);
    p->goal = random_below(&p->random, STREAM_BYTES_MAX);
    conn_init(&p->writer, w->io, &p->pool, fd[0], &writer_events);
    conn_init(&p->reader, w->io, &p->pool, fd[1], &reader_events);
    conn_read_start(&p->reader);
}

static bool both_finish(struct pair *p, bool *writer_gone, bool *reader_gone)
{
    *writer_gone = *writer_gone || conn_finish(&p->writer);
    *reader_gone = *reader_gone || conn_finish(&p->reader);
    return *writer_gone && *reader_gone;
}

static void pair_finish(struct pair *p, struct world *w)
{
    conn_close(&p->writer);
    conn_close(&p->reader);
    bool writer_gone = false, reader_gone = false;
    UNTIL(w, both_finish(p, &writer_gone, &reader_gone));
    free(p->bulk);
    free(p->stream);
    out_pool_deinit(&p->pool);
}

/* One iteration of an owner's loop. */
static void step(struct pair *p)
{
    for (uint64_t n = random_below(&p->random, 4); n > 0 && p->written < p->goal; n--) {
        if (random_below(&p->random, 8) == 0)
            write_blob(p);
        else
            write_text(p);
    }
    conn_flush(&p->writer);
    if (!p->reader.reading && random_below(&p->random, 2))
        conn_read_start(&p->reader);
    else if (random_below(&p->random, 20) == 0)
        conn_read_stop(&p->reader);
}

static struct random seeds; /* of the cases */

static void transfer(struct world *w)
{
    struct pair p = {0};
    random_init(&p.random, random_u64(&seeds));
    pair_open(&p, w);
    UNTIL(w,
          (step(&p), p.written >= p.goal && conn_drained(&p.writer) && p.reader.bytes_in == p.written && !p.in_bulk));
    consume(&p, conn_input(&p.reader).len);
    assert_int_equal(p.taken, p.written);
    assert_int_equal(p.writer.bytes_out, p.written);
    assert_int_equal(conn_output_bytes(&p.writer), 0);
    conn_trim(&p.reader);
    assert_int_equal(conn_memory(&p.reader), 0);
    pair_finish(&p, w);
}

/* Closed at any moment, with whatever is in flight. */
static void torn(struct world *w)
{
    struct pair p = {0};
    random_init(&p.random, random_u64(&seeds));
    pair_open(&p, w);
    for (uint64_t n = random_below(&p.random, 12); n > 0; n--) {
        step(&p);
        io_reap(w->io);
    }
    pair_finish(&p, w);
}

/* What the peer sent before it closed comes before the end. */
static void ended(struct world *w)
{
    struct pair p = {0};
    random_init(&p.random, random_u64(&seeds));
    pair_open(&p, w);
    UNTIL(w, (step(&p), p.written >= p.goal && conn_drained(&p.writer)));
    conn_close(&p.writer);
    UNTIL(w, conn_finish(&p.writer));
    UNTIL(w, (conn_read_start(&p.reader), p.reader_ended));
    assert_int_equal(p.error, 0);
    assert_int_equal(p.reader.bytes_in, p.written);
    bool gone = false;
    UNTIL(w, (gone = gone || conn_finish(&p.reader)));
    free(p.bulk);
    free(p.stream);
    out_pool_deinit(&p.pool);
}

/* The owner decides when what it appended while a send was in flight may follow: replies can wait for the journal. */
static void nothing_follows_by_itself(struct world *w)
{
    struct pair p = {0};
    random_init(&p.random, random_u64(&seeds));
    pair_open(&p, w);
    p.writer.await_sent = true;
    write_text(&p);
    size_t first = p.written;
    conn_flush(&p.writer);
    write_text(&p);
    conn_flush(&p.writer); /* one is in flight: nothing happens */
    UNTIL(w, p.sent_events == 1);
    for (int i = 0; i < 20; i++)
        io_reap(w->io);
    assert_int_equal(p.writer.bytes_out, first);
    assert_int_equal(conn_output_bytes(&p.writer), p.written - first);
    conn_flush(&p.writer);
    UNTIL(w, conn_drained(&p.writer));
    assert_int_equal(p.writer.bytes_out, p.written);
    pair_finish(&p, w);
}

static void on_backends(void (*body)(struct world *), long usual_cases)
{
    long cases = random_cases(&seeds, usual_cases);
    for (long i = 0; i < cases; i++) {
        static const enum io_backend backends[] = {IO_SIM, IO_EPOLL, IO_SIM, IO_URING};
        enum io_backend backend = backends[i % 4];
        if (backend == IO_URING && io_uring_unavailable())
            backend = IO_EPOLL;
        struct world w = {.config.backend = backend, .seed = random_u64(&seeds), .body = body};
        world_run(&w);
    }
}

static void test_transfer(void **state) { on_backends(transfer, 120); }
static void test_torn(void **state) { on_backends(torn, 200); }
static void test_ended(void **state) { on_backends(ended, 60); }
static void test_nothing_follows_by_itself(void **state) { on_backends(nothing_follows_by_itself, 40); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transfer),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_ended),
        cmocka_unit_test(test_nothing_follows_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
