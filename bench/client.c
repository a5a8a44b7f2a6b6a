#include "bench/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <liburing.h>
#include <math.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    RING_ENTRIES = 2048,
    BUFFERS = 1024, /* a power of two */
    BUFFER_BYTES = 16384,
    BUFFER_GROUP = 1,
    SILENCE_SECONDS_MAX = 20,
};

/* user_data of completions: a connection's address, with its lowest bit set for a send. */
enum { SEND_BIT = 1 };

struct connection {
    int fd;
    char *out; /* the requests of the flight; they stay until all are answered */
    size_t out_bytes, out_sent;
    struct request *flight;
    unsigned flight_count, answered;
    uint64_t since_ns; /* when the flight was sent, or was due */
    char *part;        /* the beginning of a reply whose rest is still to come */
    size_t part_bytes, part_room;
};

struct client {
    const struct client_options *options;
    struct workload *workload;
    struct client_result *result;
    struct io_uring ring;
    struct io_uring_buf_ring *buffers;
    char *buffer_memory;
    struct connection *connections;
    struct connection **idle; /* open loop: a queue of those with nothing in flight */
    unsigned idle_first, idle_count;
    unsigned in_flight; /* connections */
    uint64_t now_ns, begin_ns, end_ns, due_ns, random;
    double server_cpu_at_begin, client_cpu_at_begin;
    bool counting, stopping, failed;
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double server_cpu_seconds(const struct client *c)
{
    return c->options->has_server_clock ? (double)clock_ns(c->options->server_clock) / 1e9 : 0;
}

static double client_cpu_seconds(void) { return (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9; }

static void fail(struct client *c, const char *what, int error)
{
    fprintf(stderr, "load: %s%s%s\n", what, error ? ": " : "", error ? strerror(error) : "");
    c->failed = true;
}

static struct io_uring_sqe *next_sqe(struct client *c)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&c->ring);
    while (!sqe) {
        io_uring_submit(&c->ring);
        sqe = io_uring_get_sqe(&c->ring);
    }
    return sqe;
}

static void arm_receive(struct client *c, struct connection *conn)
{
    struct io_uring_sqe *sqe = next_sqe(c);
    io_uring_prep_recv_multishot(sqe, conn->fd, NULL, 0, 0); /* Linux 6.0 */
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFFER_GROUP;
    io_uring_sqe_set_data(sqe, conn);
}

/* A whole send needs no completion; one that is cut short, or fails, has one all the same. */
static void send_rest(struct client *c, struct connection *conn)
{
    struct io_uring_sqe *sqe = next_sqe(c);
    io_uring_prep_send(sqe, conn->fd, conn->out + conn->out_sent, conn->out_bytes - conn->out_sent, MSG_WAITALL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = (uintptr_t)conn | SEND_BIT;
}

static void start_flight(struct client *c, struct connection *conn, uint64_t since_ns)
{
    conn->since_ns = since_ns;
    conn->out_bytes = conn->out_sent = 0;
    conn->answered = 0;
    conn->flight_count = c->options->pipeline;
    for (unsigned i = 0; i < conn->flight_count; i++)
        conn->out_bytes += workload_next(c->workload, conn->out + conn->out_bytes, &conn->flight[i]);
    c->in_flight++;
    send_rest(c, conn);
}

static void push_idle(struct client *c, struct connection *conn)
{
    c->idle[(c->idle_first + c->idle_count++) % c->options->connections] = conn;
}

static void end_flight(struct client *c, struct connection *conn)
{
    c->in_flight--;
    if (c->options->rate > 0)
        push_idle(c, conn);
    else if (!c->stopping)
        start_flight(c, conn, c->now_ns);
}

/* The moment after which the next request is due: exponential gaps, as of many clients that know nothing of each other.
 */
static uint64_t next_gap_ns(struct client *c)
{
    c->random = c->random * 6364136223846793005u + 1442695040888963407u;
    double uniform = ((double)(c->random >> 11) + 1) / 9007199254740993.0;
    return (uint64_t)(-log(uniform) * 1e9 * c->options->pipeline / c->options->rate);
}

static void start_due(struct client *c)
{
    while (!c->stopping && c->idle_count && c->due_ns <= c->now_ns) {
        struct connection *conn = c->idle[c->idle_first];
        c->idle_first = (c->idle_first + 1) % c->options->connections;
        c->idle_count--;
        start_flight(c, conn, c->due_ns);
        c->due_ns += next_gap_ns(c);
    }
}

/* Takes the whole replies at p; returns how many bytes they were. */
static size_t take_replies(struct client *c, struct connection *conn, const char *p, size_t bytes)
{
    size_t at = 0;
    unsigned answered = 0;
    while (at < bytes && conn->answered < conn->flight_count) {
        bool expected;
        size_t reply = workload_check(c->workload, &conn->flight[conn->answered], p + at, bytes - at, &expected);
        if (reply == REPLY_PARTIAL)
            break;
        if (reply == REPLY_MALFORMED) {
            fail(c, "a reply is not RESP", 0);
            return bytes;
        }
        if (!expected && c->counting && c->result->unexpected++ == 0)
            fprintf(stderr, "load: unexpected reply: %.*s\n", (int)(reply < 80 ? reply : 80), p + at);
        at += reply;
        conn->answered++;
        answered++;
    }
    if (answered && c->counting) {
        c->result->replies += answered;
        histogram_record(&c->result->latency, c->now_ns - conn->since_ns, answered);
    }
    return at;
}

static void keep_part(struct connection *conn, const char *p, size_t bytes)
{
    if (conn->part_bytes + bytes > conn->part_room) {
        conn->part_room = 2 * (conn->part_bytes + bytes);
        conn->part = realloc(conn->part, conn->part_room);
        if (!conn->part)
            abort();
    }
    memcpy(conn->part + conn->part_bytes, p, bytes);
    conn->part_bytes += bytes;
}

static void take_input(struct client *c, struct connection *conn, const char *p, size_t bytes)
{
    if (conn->part_bytes) {
        keep_part(conn, p, bytes);
        size_t taken = take_replies(c, conn, conn->part, conn->part_bytes);
        conn->part_bytes -= taken;
        memmove(conn->part, conn->part + taken, conn->part_bytes);
    } else {
        size_t taken = take_replies(c, conn, p, bytes);
        if (taken < bytes)
            keep_part(conn, p + taken, bytes - taken);
    }
    if (conn->answered < conn->flight_count)
        return;
    if (conn->part_bytes)
        fail(c, "more replies than requests", 0);
    else
        end_flight(c, conn);
}

static void give_back_buffer(struct client *c, unsigned id)
{
    io_uring_buf_ring_add(c->buffers, c->buffer_memory + (size_t)id * BUFFER_BYTES, BUFFER_BYTES, (unsigned short)id,
                          BUFFERS - 1, 0);
    io_uring_buf_ring_advance(c->buffers, 1);
}

static void take_completion(struct client *c, const struct io_uring_cqe *cqe)
{
    struct connection *conn = (struct connection *)(uintptr_t)(cqe->user_data & ~(uint64_t)SEND_BIT);
    if (cqe->user_data & SEND_BIT) {
        if (cqe->res <= 0) {
            fail(c, "send", -cqe->res);
        } else if ((conn->out_sent += (size_t)cqe->res) < conn->out_bytes) {
            send_rest(c, conn);
        }
        return;
    }
    if (cqe->res > 0) {
        unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        take_input(c, conn, c->buffer_memory + (size_t)id * BUFFER_BYTES, (size_t)cqe->res);
        give_back_buffer(c, id);
    } else if (cqe->res != -ENOBUFS) {
        fail(c, cqe->res ? "receive" : "the server closed a connection", -cqe->res);
    }
    if (!(cqe->flags & IORING_CQE_F_MORE) && !c->failed)
        arm_receive(c, conn);
}

static void begin_counting(struct client *c)
{
    c->counting = true;
    c->begin_ns = c->now_ns;
    c->server_cpu_at_begin = server_cpu_seconds(c);
    c->client_cpu_at_begin = client_cpu_seconds();
}

static void stop(struct client *c)
{
    c->stopping = true;
    c->counting = false;
    c->result->seconds = (double)(c->now_ns - c->begin_ns) / 1e9;
    c->result->server_cpu_seconds = server_cpu_seconds(c) - c->server_cpu_at_begin;
    c->result->client_cpu_seconds = client_cpu_seconds() - c->client_cpu_at_begin;
}

static bool is_done(const struct client *c)
{
    if (c->options->seconds > 0)
        return (double)(c->now_ns - c->begin_ns) >= c->options->seconds * 1e9;
    return c->result->replies >= c->options->count;
}

/* Waits for completions, in an open loop only looks for them. */
static void submit_and_wait(struct client *c)
{
    struct io_uring_cqe *cqe;
    struct __kernel_timespec silence = {.tv_sec = SILENCE_SECONDS_MAX};
    int result = c->options->rate > 0 ? io_uring_submit_and_get_events(&c->ring)
                                      : io_uring_submit_and_wait_timeout(&c->ring, &cqe, 1, &silence, NULL);
    if (result == -ETIME)
        fail(c, "the server is silent", 0);
    else if (result < 0 && result != -EINTR && result != -EBUSY)
        fail(c, "io_uring_enter", -result);
}

static void loop(struct client *c)
{
    uint64_t warm_ns = clock_ns(CLOCK_MONOTONIC) + (uint64_t)(c->options->warmup_seconds * 1e9);
    c->now_ns = c->due_ns = clock_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < c->options->connections; i++) {
        if (c->options->rate > 0)
            push_idle(c, &c->connections[i]);
        else
            start_flight(c, &c->connections[i], c->now_ns);
    }
    while (!c->failed && !(c->stopping && c->in_flight == 0)) {
        submit_and_wait(c);
        c->now_ns = clock_ns(CLOCK_MONOTONIC);
        if (!c->stopping && !c->counting && c->now_ns >= warm_ns)
            begin_counting(c);

        struct io_uring_cqe *cqe;
        unsigned head, taken = 0;
        io_uring_for_each_cqe(&c->ring, head, cqe)
        {
            take_completion(c, cqe);
            taken++;
        }
        io_uring_cq_advance(&c->ring, taken);

        if (c->counting && is_done(c))
            stop(c);
        if (c->options->rate > 0)
            start_due(c);
    }
}

static bool open_connection(struct client *c, struct connection *conn)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(c->options->port)};
    int one = 1;
    conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (inet_pton(AF_INET, c->options->host, &address.sin_addr) != 1) {
        fail(c, "--host is no IPv4 address", 0);
    } else if (conn->fd < 0 || connect(conn->fd, (struct sockaddr *)&address, sizeof address) != 0) {
        fail(c, "connect", errno);
    }
    if (c->failed)
        return false;
    setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    conn->out = malloc(c->options->pipeline * workload_request_bytes_max(c->workload));
    conn->flight = calloc(c->options->pipeline, sizeof *conn->flight);
    if (!conn->out || !conn->flight)
        abort();
    arm_receive(c, conn);
    return true;
}

static bool set_up_ring(struct client *c)
{
    struct io_uring_params params = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE, /* Linux 6.1 */
        .cq_entries = 8 * RING_ENTRIES,
    };
    int result = io_uring_queue_init_params(RING_ENTRIES, &c->ring, &params);
    if (result < 0) {
        fail(c, "io_uring_setup (the load generator needs io_uring of Linux 6.1 or later)", -result);
        return false;
    }
    c->buffer_memory = aligned_alloc(4096, (size_t)BUFFERS * BUFFER_BYTES);
    c->buffers = aligned_alloc(4096, BUFFERS * sizeof(struct io_uring_buf));
    if (!c->buffer_memory || !c->buffers)
        abort();
    struct io_uring_buf_reg registration = {
        .ring_addr = (uintptr_t)c->buffers, .ring_entries = BUFFERS, .bgid = BUFFER_GROUP};
    result = io_uring_register_buf_ring(&c->ring, &registration, 0);
    if (result < 0) {
        fail(c, "io_uring_register_buf_ring", -result);
        return false;
    }
    io_uring_buf_ring_init(c->buffers);
    for (unsigned i = 0; i < BUFFERS; i++)
        give_back_buffer(c, i);
    return true;
}

static void tear_down(struct client *c)
{
    for (unsigned i = 0; i < c->options->connections; i++) {
        struct connection *conn = &c->connections[i];
        if (conn->fd >= 0)
            close(conn->fd);
        free(conn->out);
        free(conn->flight);
        free(conn->part);
    }
    free(c->connections);
    free(c->idle);
    if (c->ring.ring_fd > 0)
        io_uring_queue_exit(&c->ring);
    free(c->buffers);
    free(c->buffer_memory);
}

bool client_run(const struct client_options *options, struct workload *workload, struct client_result *result)
{
    struct client c = {.options = options, .workload = workload, .result = result, .random = 1};
    memset(result, 0, sizeof *result);
    c.connections = calloc(options->connections, sizeof *c.connections);
    c.idle = calloc(options->connections, sizeof(struct connection *));
    if (!c.connections || !c.idle)
        abort();
    for (unsigned i = 0; i < options->connections; i++)
        c.connections[i].fd = -1;

    bool ready = set_up_ring(&c);
    for (unsigned i = 0; ready && i < options->connections; i++)
        ready = open_connection(&c, &c.connections[i]);
    if (ready)
        loop(&c);
    tear_down(&c);
    return !c.failed;
}
