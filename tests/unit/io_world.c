#include "tests/unit/io_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/io/uring.h"

enum { PATTERN_BYTES = 256 * 1024, PATTERN_PERIOD = 251, SIM_PORT = 6379 };

/* pattern[i] at every stream position i, from any i below the period */
static char pattern[PATTERN_BYTES + PATTERN_PERIOD];

static void fill_pattern(void)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i % PATTERN_PERIOD);
}

/* --- The world --- */

struct io *world_make_io(struct world *w)
{
    struct io *io = NULL;
    struct io_config config = w->config;
    if (w->plain_uring) {
        config.recv_buffers = config.recv_buffers ? config.recv_buffers : 64;
        config.recv_buffer_bytes = config.recv_buffer_bytes ? config.recv_buffer_bytes : 16384;
        struct uring_traits traits = {.setup_flags = IORING_SETUP_R_DISABLED};
        assert_int_equal(uring_create_with(&io, &config, &traits), 0);
    } else {
        assert_int_equal(io_create(&io, &config), 0);
    }
    return io;
}

static void listen_on_kernel(struct world *w)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    w->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(w->listen_fd >= 0);
    assert_int_equal(bind(w->listen_fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(w->listen_fd, 1024), 0);
    assert_int_equal(getsockname(w->listen_fd, (struct sockaddr *)&a, &len), 0);
    w->port = ntohs(a.sin_port);
}

static void in_world(void *arg)
{
    struct world *w = arg;
    w->io = world_make_io(w);
    assert_int_equal(io_enter(w->io), 0);
    if (w->sim) {
        w->port = SIM_PORT;
        w->listen_fd = sim_listen(w->sim, SIM_PORT);
    } else {
        listen_on_kernel(w);
    }
    w->body(w);
    io_close(w->io, w->listen_fd);
    io_destroy(w->io);
}

void world_run(struct world *w)
{
    fill_pattern();
    if (w->config.backend != IO_SIM) {
        in_world(w);
        return;
    }
    struct sim_config config = {.seed = w->seed, .accept_error_rate = SIM_NEVER};
    w->sim = w->config.sim = sim_create(&config);
    sim_spawn(w->sim, SIM_CLIENT, "test", in_world, w);
    assert_int_equal(sim_finish(w->sim), SIM_DONE);
    sim_destroy(w->sim);
    w->sim = NULL;
}

int world_connect(struct world *w)
{
    if (w->sim)
        return sim_connect(w->sim, w->port);
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(w->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

struct acceptor {
    struct io_op op;
    int fd;
};

static void on_accept(struct io_op *op, int res, const char *data)
{
    struct acceptor *a = container_of(op, struct acceptor, op);
    if (res >= 0) {
        a->fd = res;
    } else {
        assert_int_equal(res, -ECANCELED);
    }
}

void world_pair(struct world *w, int pair[2])
{
    struct acceptor a = {.op.done = on_accept, .fd = -1};
    pair[0] = world_connect(w);
    io_accept(w->io, &a.op, w->listen_fd);
    WORLD_UNTIL(w, a.fd >= 0);
    io_cancel(w->io, &a.op);
    WORLD_UNTIL(w, !io_op_active(&a.op));
    pair[1] = a.fd;
}

void world_reset(struct world *w, int fd)
{
    if (w->sim) {
        sim_client_reset(w->sim, fd);
        return;
    }
    struct linger now = {.l_onoff = 1};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now), 0);
    io_close(w->io, fd);
}

/* --- Ends --- */

static void send_more(struct end *e)
{
    size_t left = e->to_send - e->sent;
    char *from = pattern + e->sent % PATTERN_PERIOD;
    if (left > PATTERN_BYTES)
        left = PATTERN_BYTES;
    if (!e->message || left < 2) {
        e->out.quiet = !e->message && e->sent + left == e->to_send;
        io_send(e->w->io, &e->out, e->fd, from, left);
        return;
    }
    e->parts[0] = (struct iovec){from, left / 3};
    e->parts[1] = (struct iovec){from + left / 3, left - left / 3};
    e->msg = (struct msghdr){.msg_iov = e->parts, .msg_iovlen = 2};
    e->out.quiet = false;
    io_sendmsg(e->w->io, &e->out, e->fd, &e->msg);
}

static void on_sent(struct io_op *op, int res, const char *data)
{
    struct end *e = container_of(op, struct end, out);
    assert_false(io_op_active(op));
    e->out_result = res;
    if (res <= 0)
        return;
    e->sent += (size_t)res;
    if (e->sent < e->to_send)
        send_more(e);
}

static void on_received(struct io_op *op, int res, const char *data)
{
    struct end *e = container_of(op, struct end, in);
    if (res <= 0) {
        assert_null(data);
        assert_false(io_op_active(op));
        e->in_result = res;
        return;
    }
    const char *got = data ? data : e->into;
    for (int i = 0; i < res; i += PATTERN_PERIOD) {
        size_t part = res - i < PATTERN_PERIOD ? (size_t)(res - i) : PATTERN_PERIOD;
        assert_memory_equal(got + i, pattern + e->received % PATTERN_PERIOD, part);
        e->received += part;
    }
    if (!data)
        e->in_result = res;
    if (e->echo)
        end_send(e, (size_t)res);
}

void end_open(struct end *e, struct world *w, int fd)
{
    *e = (struct end){.w = w, .fd = fd, .in.done = on_received, .out.done = on_sent, .in_result = 1, .out_result = 1};
}

void end_receive(struct end *e) { io_recv(e->w->io, &e->in, e->fd); }

void end_receive_into(struct end *e, size_t len) { io_recv_into(e->w->io, &e->in, e->fd, e->into, len); }

void end_send(struct end *e, size_t bytes)
{
    e->to_send += bytes;
    if (!io_op_active(&e->out))
        send_more(e);
}

void end_close(struct end *e)
{
    e->to_send = e->sent; /* a send that completes is the last */
    io_cancel(e->w->io, &e->in);
    io_cancel(e->w->io, &e->out);
    WORLD_UNTIL(e->w, !io_op_active(&e->in) && !io_op_active(&e->out));
    io_close(e->w->io, e->fd);
}
