/* What io.h promises, tried on every backend: io_uring, io_uring as on an old kernel, epoll and sim. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/mem.h"
#include "tests/unit/io_world.h"

enum { MS = 1000 * 1000 };

static void echo(struct world *w)
{
    int fds[2];
    struct end a, b;
    world_pair(w, fds);
    end_open(&a, w, fds[0]);
    end_open(&b, w, fds[1]);
    b.echo = true;
    end_receive(&a);
    end_receive(&b);
    for (size_t i = 1; i <= 500; i++) {
        end_send(&a, 10);
        WORLD_UNTIL(w, a.received == 10 * i);
    }
    end_close(&a);
    WORLD_UNTIL(w, b.in_result <= 0);
    assert_int_equal(b.in_result, 0);
    end_close(&b);
}

static void large_both_ways(struct world *w)
{
    enum { BYTES = 5 * 1000 * 1000 };
    int fds[2];
    struct end e[2];
    world_pair(w, fds);
    for (int i = 0; i < 2; i++) {
        end_open(&e[i], w, fds[i]);
        e[i].message = i;
        end_receive(&e[i]);
        end_send(&e[i], BYTES);
    }
    WORLD_UNTIL(w, e[0].received == BYTES && e[1].received == BYTES);
    WORLD_UNTIL(w, e[0].sent == BYTES && e[1].sent == BYTES);
    end_close(&e[0]);
    end_close(&e[1]);
}

static void receive_into(struct world *w)
{
    enum { BYTES = 1000 * 1000 };
    int fds[2];
    struct end a, b;
    world_pair(w, fds);
    end_open(&a, w, fds[0]);
    end_open(&b, w, fds[1]);
    b.into = mem_alloc(NULL, BYTES);
    end_receive_into(&b, BYTES);
    end_send(&a, BYTES);
    while (b.received < BYTES) {
        WORLD_UNTIL(w, !io_op_active(&b.in));
        assert_true(b.in_result > 0);
        if (b.received < BYTES)
            end_receive_into(&b, BYTES - b.received);
    }
    end_receive_into(&b, BYTES);
    io_cancel(w->io, &b.in);
    WORLD_UNTIL(w, !io_op_active(&b.in));
    assert_int_equal(b.in_result, -ECANCELED);
    end_receive_into(&b, BYTES);
    end_close(&a);
    WORLD_UNTIL(w, !io_op_active(&b.in));
    assert_int_equal(b.in_result, 0);
    end_close(&b);
    mem_free(NULL, b.into);
}

static void cancel(struct world *w)
{
    enum { MORE_THAN_FITS = 64 << 20 };
    int fds[2];
    struct end a, b;
    world_pair(w, fds);
    end_open(&a, w, fds[0]);
    end_open(&b, w, fds[1]);
    end_receive(&b);
    io_cancel(w->io, &b.in); /* perhaps before the kernel knows of it */
    WORLD_UNTIL(w, !io_op_active(&b.in));
    assert_int_equal(b.in_result, -ECANCELED);
    end_receive(&b);
    io_wait(w->io, io_now_ns(w->io) + MS);
    io_cancel(w->io, &b.in);
    io_cancel(w->io, &b.in);
    WORLD_UNTIL(w, !io_op_active(&b.in));
    assert_int_equal(b.in_result, -ECANCELED);

    end_send(&a, MORE_THAN_FITS);
    for (int i = 0; i < 200; i++) /* until it is stuck */
        io_wait(w->io, io_now_ns(w->io) + MS / 10);
    assert_true(io_op_active(&a.out));
    a.to_send = a.sent;
    io_cancel(w->io, &a.out);
    WORLD_UNTIL(w, !io_op_active(&a.out));
    assert_true(a.out_result == -ECANCELED || a.out_result > 0);

    end_receive(&b); /* what was sent arrives, no more and no less */
    end_close(&a);
    WORLD_UNTIL(w, b.in_result == 0);
    assert_int_equal(b.received, a.sent);
    end_close(&b);
}

static void reset(struct world *w)
{
    int fds[2];
    struct end b;
    world_pair(w, fds);
    end_open(&b, w, fds[1]);
    end_receive(&b);
    io_wait(w->io, io_now_ns(w->io) + MS);
    world_reset(w, fds[0]);
    WORLD_UNTIL(w, b.in_result <= 0);
    assert_int_equal(b.in_result, -ECONNRESET);
    end_send(&b, 10);
    WORLD_UNTIL(w, b.out_result <= 0);
    assert_true(b.out_result == -EPIPE || b.out_result == -ECONNRESET);
    end_close(&b);
}

static void close_in_flight(struct world *w)
{
    int fds[2];
    struct end a, b;
    world_pair(w, fds);
    end_open(&a, w, fds[0]);
    end_open(&b, w, fds[1]);
    end_receive(&b);
    end_send(&a, 64 << 20);
    WORLD_UNTIL(w, b.received > 0);
    end_close(&b);
    WORLD_UNTIL(w, !io_op_active(&a.out));
    assert_true(a.out_result == -EPIPE || a.out_result == -ECONNRESET);
    end_close(&a);
}

struct crowd {
    struct io_op op;
    int fds[1024], count, errors;
};

static void on_accepted(struct io_op *op, int res, const char *data)
{
    struct crowd *c = container_of(op, struct crowd, op);
    if (res >= 0)
        c->fds[c->count++] = res;
    else if (res != -ECANCELED)
        c->errors++;
}

static void accept_storm(struct world *w)
{
    enum { COUNT = 300 };
    struct crowd c = {.op.done = on_accepted};
    int clients[COUNT];
    io_accept(w->io, &c.op, w->listen_fd);
    for (int i = 0; i < COUNT; i++) {
        clients[i] = world_connect(w);
        if (i % 50 == 0)
            io_reap(w->io);
    }
    WORLD_UNTIL(w, c.count == COUNT);
    assert_true(io_op_active(&c.op));
    io_cancel(w->io, &c.op);
    WORLD_UNTIL(w, !io_op_active(&c.op));
    for (int i = 0; i < COUNT; i++) {
        io_close(w->io, c.fds[i]);
        io_close(w->io, clients[i]);
    }
}

/* Also more operations at once than a submission queue has room for. */
static void more_connections_than_buffers(struct world *w)
{
    enum { COUNT = 300, BYTES = 20000 };
    struct end *e = mem_zalloc(NULL, 2 * COUNT * sizeof *e);
    for (int i = 0; i < COUNT; i++) {
        int fds[2];
        world_pair(w, fds);
        end_open(&e[2 * i], w, fds[0]);
        end_open(&e[2 * i + 1], w, fds[1]);
        e[2 * i + 1].echo = true;
    }
    for (int i = 0; i < 2 * COUNT; i++)
        end_receive(&e[i]);
    for (int i = 0; i < COUNT; i++)
        end_send(&e[2 * i], BYTES);
    int done = 0;
    WORLD_UNTIL(w, ({
                    while (done < COUNT && e[2 * done].received == BYTES)
                        done++;
                    done == COUNT;
                }));
    for (int i = 0; i < 2 * COUNT; i++)
        end_close(&e[i]);
    mem_free(NULL, e);
}

static void few_buffers(struct world *w) { more_connections_than_buffers(w); }

static void deadlines(struct world *w)
{
    uint64_t start = io_now_ns(w->io);
    int early = 0;
    while (io_now_ns(w->io) < start + 5 * MS) {
        assert_int_equal(io_wait(w->io, start + 5 * MS), 0);
        assert_true(++early < 100);
    }
    assert_int_equal(io_wait(w->io, start), 0); /* past */
    assert_int_equal(io_wait(w->io, 1), 0);
    assert_int_equal(io_reap(w->io), 0);
    int64_t wall = io_wall_us(w->io);
    assert_true(wall > INT64_C(1600000000) * 1000000);
}

/* Nobody need wait for a quiet send, but it does complete, and io_wait does not sleep over one that is not quiet. */
static void quiet_sends(struct world *w)
{
    int fds[2];
    struct end a;
    world_pair(w, fds);
    end_open(&a, w, fds[0]);
    end_send(&a, 100);
    assert_true(a.out.quiet);
    while (a.sent < 100) /* the simulator may cut sends */
        io_wait(w->io, io_now_ns(w->io) + MS);
    a.message = true;
    end_send(&a, 100);
    assert_false(a.out.quiet);
    assert_true(io_wait(w->io, UINT64_MAX) >= 1);
    WORLD_UNTIL(w, a.sent == 200);
    a.message = false;
    end_send(&a, 100);
    assert_true(a.out.quiet);
    io_cancel(w->io, &a.out); /* who cancels, waits */
    WORLD_UNTIL(w, !io_op_active(&a.out));
    end_close(&a);
    io_close(w->io, fds[1]);
}

/* Two who wake each other in turn: nobody ever sleeps for good. */
struct player {
    struct world *w;
    struct io *io, *other;
    _Atomic int *turn;
    int me, rounds;
};

static void play(void *arg)
{
    struct player *p = arg;
    assert_int_equal(io_enter(p->io), 0);
    for (int i = 0; i < p->rounds; i++) {
        while (atomic_load(p->turn) != p->me)
            io_wait(p->io, UINT64_MAX);
        atomic_store(p->turn, 1 - p->me);
        io_wake(p->io, p->other);
        io_reap(p->io);
    }
}

static void *play_thread(void *arg)
{
    play(arg);
    return NULL;
}

static void wake_each_other(struct world *w)
{
    _Atomic int turn = 0;
    struct player p[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        p[i] = (struct player){.w = w, .io = world_make_io(w), .turn = &turn, .me = i, .rounds = 2000};
    for (int i = 0; i < 2; i++) {
        p[i].other = p[1 - i].io;
        if (w->sim)
            sim_spawn(w->sim, SIM_CLIENT, "player", play, &p[i]);
        else
            pthread_create(&threads[i], NULL, play_thread, &p[i]);
    }
    if (w->sim)
        sim_sleep_ns(w->sim, UINT64_C(1000000000));
    for (int i = 0; i < 2 && !w->sim; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++)
        io_destroy(p[i].io);
}

static void *wake_soon(void *arg)
{
    struct timespec ms = {.tv_nsec = MS};
    nanosleep(&ms, NULL);
    io_wake(NULL, arg);
    return NULL;
}

static void wake_without_io(struct world *w)
{
    io_wake(NULL, w->io);
    assert_int_equal(io_wait(w->io, UINT64_MAX), 0);
    for (int i = 0; i < 20 && !w->sim; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, wake_soon, w->io);
        assert_int_equal(io_wait(w->io, UINT64_MAX), 0);
        pthread_join(thread, NULL);
    }
}

/* The accept goes on by itself once there are descriptors again. */
static void out_of_descriptors(struct world *w)
{
    if (w->sim)
        return;
    struct rlimit limit, low;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    int client = world_connect(w);
    int lowest = dup(client);
    close(lowest);
    low = (struct rlimit){(rlim_t)lowest, limit.rlim_max};
    struct crowd c = {.op.done = on_accepted};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    io_accept(w->io, &c.op, w->listen_fd);
    io_wait(w->io, io_now_ns(w->io) + 100 * MS);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(c.errors >= 1);
    assert_true(c.errors < 10); /* it does not spin */
    WORLD_UNTIL(w, c.count == 1);
    io_cancel(w->io, &c.op);
    WORLD_UNTIL(w, !io_op_active(&c.op));
    io_close(w->io, c.fds[0]);
    io_close(w->io, client);
}

/* Started, cancelled and closed at random; for the descriptor numbers that are used again, and for cancels that race.
 */
static void churn(struct world *w)
{
    enum { PAIRS = 8, ROUNDS = 2000 };
    struct end e[2 * PAIRS];
    bool open[PAIRS] = {false};
    unsigned random = (unsigned)w->seed;
    for (int i = 0; i < ROUNDS; i++) {
        int k = rand_r(&random) % PAIRS;
        struct end *a = &e[2 * k], *b = &e[2 * k + 1];
        if (!open[k]) {
            int fds[2];
            world_pair(w, fds);
            end_open(a, w, fds[0]);
            end_open(b, w, fds[1]);
            end_receive(b);
            open[k] = true;
        }
        switch (rand_r(&random) % 6) {
        case 0:
            end_send(a, 1 + (size_t)rand_r(&random) % 100000);
            break;
        case 1:
            io_cancel(w->io, &b->in);
            break;
        case 2:
            if (!io_op_active(&b->in))
                end_receive(b);
            break;
        case 3:
            end_close(b);
            end_close(a);
            open[k] = false;
            break;
        default:
            io_reap(w->io);
            break;
        }
    }
    for (int k = 0; k < PAIRS; k++)
        if (open[k]) {
            end_close(&e[2 * k]);
            end_close(&e[2 * k + 1]);
        }
}

/* --- Running them --- */

static const struct test {
    const char *name;
    void (*body)(struct world *);
    uint32_t recv_buffers;
} tests[] = {
    {"echo", echo, 0},
    {"large_both_ways", large_both_ways, 0},
    {"receive_into", receive_into, 0},
    {"cancel", cancel, 0},
    {"reset", reset, 0},
    {"close_in_flight", close_in_flight, 0},
    {"accept_storm", accept_storm, 0},
    {"more_connections_than_buffers", more_connections_than_buffers, 0},
    {"few_buffers", few_buffers, 2},
    {"deadlines", deadlines, 0},
    {"quiet_sends", quiet_sends, 0},
    {"wake_each_other", wake_each_other, 0},
    {"wake_without_io", wake_without_io, 0},
    {"out_of_descriptors", out_of_descriptors, 0},
    {"churn", churn, 0},
};

static const struct kind {
    const char *name;
    enum io_backend backend;
    bool plain_uring;
} kinds[] = {{"io_uring", IO_URING, false},
             {"plain io_uring", IO_URING, true},
             {"epoll", IO_EPOLL, false},
             {"sim", IO_SIM, false}};

static uint64_t seed;

static void run_on_all(void **state)
{
    const struct test *t = *state;
    const char *why = io_uring_unavailable();
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (kinds[k].backend == IO_URING && why) {
            printf("%s on %s: not run, %s\n", t->name, kinds[k].name, why);
            continue;
        }
        printf("%s on %s\n", t->name, kinds[k].name);
        struct world w = {.config = {.backend = kinds[k].backend, .recv_buffers = t->recv_buffers},
                          .plain_uring = kinds[k].plain_uring,
                          .seed = seed,
                          .body = t->body};
        world_run(&w);
    }
}

int main(void)
{
    enum { COUNT = sizeof tests / sizeof *tests };
    seed = getenv("SKUA_SEED") ? strtoull(getenv("SKUA_SEED"), NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    struct CMUnitTest all[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        all[i] =
            (struct CMUnitTest){.name = tests[i].name, .test_func = run_on_all, .initial_state = (void *)&tests[i]};
    printf("%d cases on %zu kinds of io\n", COUNT, sizeof kinds / sizeof *kinds);
    return cmocka_run_group_tests_name("io", all, NULL, NULL);
}
