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

#include "src/base/list.h"

struct io;
struct io_op;
struct sim; /* sim.h */

enum io_backend { IO_AUTO, IO_URING, IO_EPOLL, IO_SIM };

struct io_config {
    enum io_backend backend;
    uint32_t recv_buffers;      /* power of two: at most this many receive buffers are in use at a time (0: 1024) */
    uint32_t recv_buffer_bytes; /* address space of each, in whole pages; resident once used (0: 16 KB) */
    struct sim *sim;            /* for IO_SIM */
};

/* Completion of op. res: see the call that started it; for io_recv data is the bytes received, NULL elsewhere. */
typedef void io_done(struct io_op *op, int res, const char *data);

struct io_op {
    io_done *done; /* set by the owner before starting */
    /* Set by the owner before a send that nobody waits for (there is nothing more to send behind it): if all of it is
     * sent, io_wait may sleep before it delivers that completion. Saves a system call per iteration. */
    bool quiet;
    /* The rest belongs to the backend. Zeroed memory is an idle op. */
    uint8_t kind;
    uint8_t state;
    bool cancelled;
    int fd;
    void *buf; /* or the const struct msghdr * of io_sendmsg */
    size_t len;
    struct list link;
};

static inline bool io_op_active(const struct io_op *op) { return op->state != 0; }

/* Can this process use io_uring? NULL if so, else a static text that says why not (for the log and for --io-backend
 * io_uring). Tries a ring of the kind that io_create would make. */
const char *io_uring_unavailable(void);

/* On success *out is owned by the caller. IO_AUTO takes io_uring if it can, else epoll. -errno on failure. The thread
 * that calls io_enter first, and no other, then uses it (io_uring's SINGLE_ISSUER); io_create may run elsewhere. */
int io_create(struct io **out, const struct io_config *config);
int io_enter(struct io *io);
/* No op may be active, and nobody may still call io_wake for it. By any thread, once the one that entered it is done.
 */
void io_destroy(struct io *io);
/* "io_uring", "epoll" or "sim". */
const char *io_name(const struct io *io);

/* A socket stays with the io that it was first given to. At most one of io_accept, io_recv and io_recv_into, and
 * one send, may be active on it. */

/* Accepts until cancelled. done gets one accepted close-on-exec descriptor a call (the callee owns it; whether it is
 * non-blocking is of no matter to io), or -errno; after an error such as EMFILE the op stays active and goes on by
 * itself a moment later. May make listen_fd non-blocking. */
void io_accept(struct io *io, struct io_op *op, int listen_fd);

/* Receives until cancelled. done gets res > 0 bytes at data, which stay valid until the next io_reap of this io; 0 at
 * end of stream and -errno on an error, both of which end the op. Lack of receive buffers is handled inside. */
void io_recv(struct io *io, struct io_op *op, int fd);

/* Receives once, up to len > 0 bytes, into buf. res > 0: bytes, 0: end of stream, -errno. data is NULL. */
void io_recv_into(struct io *io, struct io_op *op, int fd, void *buf, size_t len);

/* Sends once. res > 0: bytes sent, may be fewer than asked (the caller goes on from there); -errno. SIGPIPE is never
 * raised. The bytes, msg and what it points at stay valid until completion. 1 to IO_SEND_BYTES_MAX bytes a call. */
enum { IO_SEND_BYTES_MAX = 1 << 30 };
void io_send(struct io *io, struct io_op *op, int fd, const void *buf, size_t len);
void io_sendmsg(struct io *io, struct io_op *op, int fd, const struct msghdr *msg);

/* fdatasync(2) of a file, which may be synced by any io and by several: 0 or -errno, see disk.h for what either means.
 * Covers what was written before this call. The file stays open until completion. */
void io_datasync(struct io *io, struct io_op *op, int fd);

/* Asks for op to end early. Its last completion comes with -ECANCELED, or with its result if that was already there. */
void io_cancel(struct io *io, struct io_op *op);

/* Closes a descriptor with no active op. One that was given to io_accept, io_recv or io_send is closed by this alone.
 */
void io_close(struct io *io, int fd);

/* Hands what was started to the backend and delivers completions that are there, without blocking. Returns how many. */
unsigned io_reap(struct io *io);

/* As io_reap, but sleeps until there is a completion, a wake, or deadline_ns of io_now_ns's clock is reached
 * (UINT64_MAX: no deadline). The only call that blocks. */
unsigned io_wait(struct io *io, uint64_t deadline_ns);

/* Makes target's io_wait return; if it is not in one, its next io_reap or io_wait does not sleep and takes the wake.
 * from is the caller's own io, or NULL on a thread without one; this is the only call that may be made on another
 * thread's io. Cheapest with from: it then leaves with the caller's next io_reap or io_wait. target may not have been
 * entered yet; it must outlive the callers' next io_reap. */
void io_wake(struct io *from, struct io *target);

/* Clocks, virtual under sim. Monotonic nanoseconds; wall-clock microseconds since 1970. */
uint64_t io_now_ns(const struct io *io);
int64_t io_wall_us(const struct io *io);

#endif
