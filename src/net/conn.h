/* A connection: a socket, what was received and not used yet, and what is to be sent. Transport only: it knows nothing
 * of commands. Owner: its home worker.
 *
 * Input. The bytes that the owner may parse are conn_input(): either the receive buffer that just arrived, used in
 * place, or the query buffer, which holds what was left over before. What the owner does not consume during on_input is
 * kept in the query buffer. A large bulk is received straight into the memory that will hold it (conn_receive_bulk).
 *
 * Output. Replies are appended to conn->out and sent once per loop iteration (conn_flush), one send in flight.
 *
 * Lifetime. conn_close starts the end; conn_finish, called once an iteration by the owner, completes it when no
 * operation is in flight any more. So nothing is freed below a callback. */
#ifndef SKUA_NET_CONN_H
#define SKUA_NET_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "src/base/slice.h"
#include "src/io/io.h"
#include "src/net/out_pool.h"
#include "src/wire/reply.h"

struct conn;

struct conn_events {
    void (*on_input)(struct conn *c);          /* conn_input() has grown */
    void (*on_bulk)(struct conn *c);           /* what conn_receive_bulk asked for is there */
    void (*on_sent)(struct conn *c);           /* what was flushed has gone out; there may be more in out */
    void (*on_end)(struct conn *c, int error); /* the peer closed (0) or -errno: the owner now calls conn_close */
};

enum { CONN_IOV_MAX = 32, CONN_QUERY_PAUSE_BYTES = 1024 * 1024 };

struct conn {
    struct io *io;
    struct out_pool *pool;
    const struct conn_events *events;
    int fd;
    struct io_op recv_op, send_op;

    struct slice arrived; /* in a receive buffer, valid during on_input */
    char *query;          /* owned; unconsumed input from before */
    size_t query_start, query_len, query_cap;
    size_t query_peak; /* largest so far */
    char *bulk_dst;    /* where the next bulk_left bytes belong; NULL: none expected */
    size_t bulk_left;
    bool bulk_direct; /* recv_op is a receive into bulk_dst */

    struct reply out; /* the owner appends */
    struct reply sending;
    size_t sent; /* bytes of sending that are out */

    uint64_t bytes_in, bytes_out, reads, writes;
    bool await_sent; /* on_sent is to come at once, not with the next thing that happens */
    bool reading;    /* wants input */
    bool closing;

    /* Of a send with blobs; what lies behind is far from what most requests touch. */
    struct msghdr msg;
    struct iovec iov[CONN_IOV_MAX];
};

/* Takes fd over. c is the owner's memory, zeroed. pool outlives it. */
void conn_init(struct conn *c, struct io *io, struct out_pool *pool, int fd, const struct conn_events *events);

/* The unconsumed input, and dropping its first n bytes, or its last n. Slices into it die with on_input. */
struct slice conn_input(const struct conn *c);
void conn_consume(struct conn *c, size_t n);
void conn_consume_end(struct conn *c, size_t n);

/* Starts and stops reading. While stopped, what arrived already may still come. */
void conn_read_start(struct conn *c);
void conn_read_stop(struct conn *c);

/* Frees the query buffer if all of it is consumed: ten thousand idle connections are to be cheap. Done by itself after
 * on_input; for who consumes input elsewhere. */
void conn_trim(struct conn *c);

/* The next len bytes, behind conn_input(), go to dst; then on_bulk is called. */
void conn_receive_bulk(struct conn *c, char *dst, size_t len);
static inline bool conn_receives_bulk(const struct conn *c) { return c->bulk_dst != NULL; }

/* Before something is appended to out: gets it a buffer from the pool. Not a duty, but it saves allocating one. */
void conn_expect_output(struct conn *c);

/* Sends what is in out, unless a send is in flight: then the owner calls this again in on_sent. It never follows by
 * itself, because what the owner has appended since may have to wait for the journal. */
void conn_flush(struct conn *c);

/* Whether everything appended so far has been given to the kernel. */
static inline bool conn_drained(const struct conn *c)
{
    return c->out.len == 0 && c->out.nrefs == 0 && !io_op_active(&c->send_op);
}

/* Bytes waiting to be sent, and memory held for input and output. */
size_t conn_output_bytes(const struct conn *c);
size_t conn_memory(const struct conn *c);

/* Starts the end: nothing is read, parsed or sent any more. */
void conn_close(struct conn *c);
/* After conn_close: true once the descriptor is closed and everything it owned is freed. */
bool conn_finish(struct conn *c);

#endif
