/* The completion interface: all waiting on the kernel goes through one struct io per worker (design section 10). Three
 * backends implement it: io_uring, epoll and sim. Everything here is called from the thread that owns the io, unless a
 * comment says otherwise. Errors are -errno.
 *
 * An operation is a struct io_op that the caller owns and embeds in what it belongs to. It is started by one of the
 * calls below and ends with the completion that io_op_active() is false in; until then neither the op nor memory given
 * with it may go away. Completions are delivered by io_reap, never from inside a starting call. From inside a
 * completion every call is allowed but io_reap, io_wait and io_destroy. */
#ifndef SKUA_IO_IO_H
#define SKUA_IO_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct io;
struct io_op;
struct sim; /* sim.h */

enum io_backend { IO_AUTO, IO_URING, IO_EPOLL, IO_SIM };

struct io_config {
    enum io_backend backend;
    uint32_t recv_buffers;      /* power of two; how many receive buffers the io has (0: 64) */
    uint32_t recv_buffer_bytes; /* size of each (0: 16 KB) */
    struct sim *sim;            /* for IO_SIM */
};

/* Completion of op. res: see the call that started it; for io_recv data is the bytes received, NULL elsewhere. */
typedef void io_done(struct io_op *op, int res, const char *data);

struct io_op {
    io_done *done;       /* set by the owner before starting */
    /* The rest belongs to the backend. Zeroed memory is an idle op. */
    uint8_t kind;
    uint8_t state;
    int fd;
    uint32_t events;
    void *buf;
    size_t len;
    const struct msghdr *msg;
    struct io_op *prev, *next;
};

static inline bool io_op_active(const struct io_op *op) { return op->state != 0; }

/* Can this process use io_uring? NULL if so, else a static text that says why not (for the log and for --io-backend
 * io_uring). Tries a ring of the kind that io_create would make. */
const char *io_uring_unavailable(void);

/* On success *out is owned by the caller. IO_AUTO takes io_uring if it can, else epoll. -errno on failure. The thread
 * that calls io_enter first, and no other, then uses it (io_uring's SINGLE_ISSUER); io_create may run elsewhere. */
int io_create(struct io **out, const struct io_config *config);
int io_enter(struct io *io);
/* No op may be active. */
void io_destroy(struct io *io);
/* "io_uring", "epoll" or "sim". */
const char *io_name(const struct io *io);

/* Accepts until cancelled. done gets one accepted, non-blocking-agnostic, close-on-exec descriptor a call (the callee
 * owns it), or -errno; after an error such as EMFILE the op stays active and goes on by itself. */
void io_accept(struct io *io, struct io_op *op, int listen_fd);

/* Receives until cancelled. done gets res > 0 bytes at data, which stay valid until the next io_reap of this io; 0 at
 * end of stream and -errno on an error, both of which end the op. Lack of receive buffers is handled inside. */
void io_recv(struct io *io, struct io_op *op, int fd);

/* Receives once, up to len bytes, into buf. res > 0: bytes, 0: end of stream, -errno. data is NULL. */
void io_recv_into(struct io *io, struct io_op *op, int fd, void *buf, size_t len);

/* Sends once. res > 0: bytes sent, may be fewer than asked (the caller goes on from there); -errno. SIGPIPE is never
 * raised. msg and what it points at stay valid until completion. */
void io_send(struct io *io, struct io_op *op, int fd, const void *buf, size_t len);
void io_sendmsg(struct io *io, struct io_op *op, int fd, const struct msghdr *msg);

/* Asks for op to end early. Its last completion comes with -ECANCELED, or with its result if that was already there. */
void io_cancel(struct io *io, struct io_op *op);

/* Closes a descriptor with no active op. */
void io_close(struct io *io, int fd);

/* Hands what was started to the backend and delivers completions that are there, without blocking. Returns how many. */
unsigned io_reap(struct io *io);

/* As io_reap, but sleeps until there is a completion, a wake, or deadline_ns of io_now_ns's clock is reached
 * (UINT64_MAX: no deadline). The only call that blocks. */
unsigned io_wait(struct io *io, uint64_t deadline_ns);

/* Makes target's io_wait return (or its next one not sleep). from is the caller's own io, or NULL on a thread without
 * one; this is the only call that may be made on another thread's io. Cheapest with from. */
void io_wake(struct io *from, struct io *target);

/* Clocks, virtual under sim. Monotonic nanoseconds; wall-clock microseconds since 1970. */
uint64_t io_now_ns(const struct io *io);
int64_t io_wall_us(const struct io *io);

#endif
