/* The simulator itself: equal seeds give equal runs, different ones differ, faults happen, and a world that stands
 * still is noticed. The behaviour of its io is io_test's. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "src/base/mem.h"
#include "src/base/shared.h"
#include "src/io/io.h"
#include "src/io/sim.h"

enum { PORT = 7000, CLIENTS = 5, MESSAGES = 20, MESSAGE_BYTES = 300 };

/* An echo server, one request at a time a connection, on one worker; enough to see the world go round. */
struct server {
    struct sim *sim;
    struct io *io;
    struct io_op accept;
    struct list conns;
    bool stop;
    unsigned errors, resets;
};

struct conn {
    struct list link;
    struct server *server;
    struct io_op in, out;
    int fd;
    char pending[CLIENTS * MESSAGE_BYTES];
    size_t len;
    bool ended;
};

struct client {
    struct sim *sim;
    unsigned *done, *broken;
    struct server *server;
};

static void flush(struct conn *c)
{
    if (c->len && !io_op_active(&c->out) && !c->ended)
        io_send(c->server->io, &c->out, c->fd, c->pending, c->len);
}

static void on_sent(struct io_op *op, int res, const char *data)
{
    struct conn *c = container_of(op, struct conn, out);
    if (res < 0) {
        c->ended = true;
        io_cancel(c->server->io, &c->in);
        return;
    }
    c->len -= (size_t)res;
    memmove(c->pending, c->pending + res, c->len);
    flush(c);
}

static void on_received(struct io_op *op, int res, const char *data)
{
    struct conn *c = container_of(op, struct conn, in);
    if (res <= 0) {
        c->ended = true;
        c->server->resets += res == -ECONNRESET;
        return;
    }
    assert_true(c->len + (size_t)res <= sizeof c->pending);
    memcpy(c->pending + c->len, data, (size_t)res);
    c->len += (size_t)res;
    flush(c);
}

static void on_accepted(struct io_op *op, int res, const char *data)
{
    struct server *s = container_of(op, struct server, accept);
    if (res < 0) {
        s->errors++;
        return;
    }
    struct conn *c = mem_zalloc(NULL, sizeof *c);
    c->server = s;
    c->fd = res;
    c->in.done = on_received;
    c->out.done = on_sent;
    list_push_back(&s->conns, &c->link);
    io_recv(s->io, &c->in, c->fd);
}

static void drop_ended(struct server *s)
{
    for (struct list *l = s->conns.next, *next; l != &s->conns; l = next) {
        struct conn *c = container_of(l, struct conn, link);
        next = l->next;
        if (c->ended && !io_op_active(&c->in) && !io_op_active(&c->out)) {
            list_remove(&c->link);
            io_close(s->io, c->fd);
            mem_free(NULL, c);
        }
    }
}

static void serve(void *arg)
{
    struct server *s = arg;
    struct io_config config = {.backend = IO_SIM, .sim = s->sim};
    assert_int_equal(io_create(&s->io, &config), 0);
    assert_int_equal(io_enter(s->io), 0);
    int fd = sim_listen(s->sim, PORT);
    list_init(&s->conns);
    s->accept.done = on_accepted;
    io_accept(s->io, &s->accept, fd);
    while (!s->stop) {
        io_wait(s->io, UINT64_MAX);
        drop_ended(s);
    }
    io_cancel(s->io, &s->accept);
    for (struct list *l = s->conns.next; l != &s->conns; l = l->next) {
        struct conn *c = container_of(l, struct conn, link);
        c->ended = true;
        io_cancel(s->io, &c->in);
        io_cancel(s->io, &c->out);
    }
    while (io_op_active(&s->accept) || !list_empty(&s->conns)) {
        io_reap(s->io);
        drop_ended(s);
    }
    io_close(s->io, fd);
    io_destroy(s->io);
}

/* False if the connection broke. */
static bool exchange(struct sim *sim, int fd, char first)
{
    char out[MESSAGE_BYTES], in[MESSAGE_BYTES];
    for (int i = 0; i < MESSAGE_BYTES; i++)
        out[i] = (char)(first + i);
    for (size_t sent = 0; sent < sizeof out;) {
        int n = sim_client_send(sim, fd, out + sent, sizeof out - sent);
        if (n < 0)
            return false;
        sent += (size_t)n;
    }
    for (size_t got = 0; got < sizeof in;) {
        int n = sim_client_recv(sim, fd, in + got, sizeof in - got);
        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    assert_memory_equal(in, out, sizeof in);
    return true;
}

static void converse(void *arg)
{
    struct client *c = arg;
    int fd;
    while ((fd = sim_connect(c->sim, PORT)) == -ECONNREFUSED)
        sim_sleep_ns(c->sim, 1000000);
    int i = 0;
    while (i < MESSAGES && exchange(c->sim, fd, (char)i))
        i++;
    *c->broken += i < MESSAGES;
    sim_client_close(c->sim, fd);
    if (++*c->done == CLIENTS) {
        c->server->stop = true;
        io_wake(NULL, c->server->io);
    }
}

struct outcome {
    uint64_t trace, time_ns;
    unsigned broken, errors;
};

static struct outcome run(uint64_t seed, uint32_t reset_rate)
{
    struct sim_config config = {.seed = seed, .reset_rate = reset_rate};
    struct sim *sim = sim_create(&config);
    struct server server = {.sim = sim};
    unsigned done = 0, broken = 0;
    struct client client = {sim, &done, &broken, &server};
    sim_spawn(sim, SIM_WORKER, "server", serve, &server);
    for (int i = 0; i < CLIENTS; i++)
        sim_spawn(sim, SIM_CLIENT, "client", converse, &client);
    assert_int_equal(sim_run(sim), SIM_DONE);
    assert_int_equal(sim_finish(sim), SIM_DONE);
    struct outcome o = {sim_trace(sim), sim_now_ns(sim), broken, server.errors};
    sim_destroy(sim);
    return o;
}

static void equal_seeds_equal_runs(void **state)
{
    uint64_t first = getenv("SKUA_SEED") ? strtoull(getenv("SKUA_SEED"), NULL, 10) : (uint64_t)time(NULL);
    uint64_t percent = getenv("SKUA_CASES_PERCENT") ? strtoull(getenv("SKUA_CASES_PERCENT"), NULL, 10) : 100;
    uint64_t cases = 200 * percent / 100 + 1;
    unsigned errors = 0, broken = 0;
    printf("seeds from %" PRIu64 ", %" PRIu64 " cases\n", first, cases);
    for (uint64_t i = 0; i < cases; i++) {
        uint32_t reset_rate = i % 2 ? 2000 : 0;
        struct outcome a = run(first + i, reset_rate), b = run(first + i, reset_rate);
        assert_int_equal(a.trace, b.trace);
        assert_int_equal(a.time_ns, b.time_ns);
        assert_int_not_equal(a.trace, run(first + i + cases, reset_rate).trace);
        if (!reset_rate)
            assert_int_equal(a.broken, 0);
        broken += a.broken;
        errors += a.errors;
    }
    printf("%u connections broken, %u accepts failed\n", broken, errors);
    if (cases > 50)
        assert_true(broken && errors);
}

static void wait_for_nobody(void *arg)
{
    struct sim *sim = arg;
    int fd = sim_connect(sim, PORT);
    char byte;
    sim_client_recv(sim, fd, &byte, 1);
}

static void deadlock_is_noticed(void **state)
{
    struct sim_config config = {.seed = 1};
    struct sim *sim = sim_create(&config);
    sim_listen(sim, PORT);
    sim_spawn(sim, SIM_CLIENT, "lonely", wait_for_nobody, sim);
    assert_int_equal(sim_run(sim), SIM_DEADLOCK);
    sim_destroy(sim);
}

static void never_end(void *arg)
{
    for (;;)
        sim_sleep_ns(arg, 1000);
}

static void limit_is_noticed(void **state)
{
    struct sim_config config = {.seed = 1, .time_ns_max = 1000000};
    struct sim *sim = sim_create(&config);
    sim_spawn(sim, SIM_CLIENT, "endless", never_end, sim);
    assert_int_equal(sim_run(sim), SIM_LIMIT);
    sim_destroy(sim);
}

/* A counter that is read and written in two steps: with points, another task gets in between. */
static void count_up(void *arg)
{
    _Atomic int *counter = arg;
    for (int i = 0; i < 1000; i++) {
        SHARED_OP();
        int was = atomic_load(counter);
        SHARED_OP();
        atomic_store(counter, was + 1);
    }
}

static void shared_ops_are_points(void **state)
{
    struct sim_config config = {.seed = 1};
    struct sim *sim = sim_create(&config);
    _Atomic int counter = 0;
    sim_spawn(sim, SIM_CLIENT, "a", count_up, &counter);
    sim_spawn(sim, SIM_CLIENT, "b", count_up, &counter);
    assert_int_equal(sim_run(sim), SIM_DONE);
    sim_destroy(sim);
#ifdef SKUA_SIM_POINTS
    assert_true(counter < 2000);
#else
    assert_int_equal(counter, 2000);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_seeds_equal_runs),
        cmocka_unit_test(deadlock_is_noticed),
        cmocka_unit_test(limit_is_noticed),
        cmocka_unit_test(shared_ops_are_points),
    };
    return cmocka_run_group_tests_name("sim", tests, NULL, NULL);
}
