/* The dispatch of io.h to its backends, and the choice between them. Holds no state beyond struct io. */
#include "src/io/io.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/io/backend.h"

int io_create(struct io **out, const struct io_config *config)
{
    struct io_config full = *config;
    if (!full.recv_buffers)
        full.recv_buffers = RECV_BUFFERS_MAX;
    if (!full.recv_buffer_bytes)
        full.recv_buffer_bytes = RECV_BUFFER_BYTES;
    ASSERT((full.recv_buffers & (full.recv_buffers - 1)) == 0 && full.recv_buffers <= 32768);
    uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);
    full.recv_buffer_bytes = (full.recv_buffer_bytes + page - 1) / page * page;
    switch (full.backend) {
    case IO_AUTO:
        if (uring_backend_create(out, &full) == 0)
            return 0;
        return epoll_backend_create(out, &full);
    case IO_URING:
        return uring_backend_create(out, &full);
    case IO_EPOLL:
        return epoll_backend_create(out, &full);
    case IO_SIM:
        return sim_backend_create(out, &full);
    }
    return -EINVAL;
}

int io_enter(struct io *io) { return io->vtable->enter(io); }

void io_destroy(struct io *io) { io->vtable->destroy(io); }

const char *io_name(const struct io *io) { return io->vtable->name; }

static void start(struct io *io, struct io_op *op, enum op_kind kind, int fd, void *buf, size_t len)
{
    ASSERT(op->state == 0 && op->done);
    op->kind = kind;
    op->cancelled = false;
    op->fd = fd;
    op->buf = buf;
    op->len = len;
    io->vtable->start(io, op);
}

void io_accept(struct io *io, struct io_op *op, int listen_fd) { start(io, op, OP_ACCEPT, listen_fd, NULL, 0); }

void io_recv(struct io *io, struct io_op *op, int fd) { start(io, op, OP_RECV, fd, NULL, 0); }

void io_recv_into(struct io *io, struct io_op *op, int fd, void *buf, size_t len)
{
    ASSERT(len > 0);
    start(io, op, OP_RECV_INTO, fd, buf, len < IO_SEND_BYTES_MAX ? len : IO_SEND_BYTES_MAX);
}

void io_send(struct io *io, struct io_op *op, int fd, const void *buf, size_t len)
{
    ASSERT(len > 0 && len <= IO_SEND_BYTES_MAX);
    start(io, op, OP_SEND, fd, (void *)buf, len);
}

void io_sendmsg(struct io *io, struct io_op *op, int fd, const struct msghdr *msg)
{
    size_t len = 0;
    for (size_t i = 0; i < msg->msg_iovlen; i++)
        len += msg->msg_iov[i].iov_len;
    ASSERT(len > 0 && len <= IO_SEND_BYTES_MAX);
    start(io, op, OP_SENDMSG, fd, (void *)msg, len);
}

void io_datasync(struct io *io, struct io_op *op, int fd) { start(io, op, OP_DATASYNC, fd, NULL, 0); }

void io_cancel(struct io *io, struct io_op *op)
{
    if (op->state == 0 || op->cancelled)
        return;
    op->cancelled = true;
    io->vtable->cancel(io, op);
}

void io_close(struct io *io, int fd) { io->vtable->close(io, fd); }

unsigned io_reap(struct io *io) { return io->vtable->run(io, 0); }

unsigned io_wait(struct io *io, uint64_t deadline_ns) { return io->vtable->run(io, deadline_ns); }

void io_wake(struct io *from, struct io *target)
{
    if (from && from != target)
        from->vtable->wake(from, target);
    else if (target->wake_fd >= 0)
        wake_by_eventfd(target);
    else
        target->vtable->wake(target, target);
}

uint64_t io_now_ns(const struct io *io) { return io->vtable->now_ns(io); }

int64_t io_wall_us(const struct io *io) { return io->vtable->wall_us(io); }

void wake_by_eventfd(struct io *target)
{
    uint64_t one = 1;
    ssize_t n;
    do
        n = write(target->wake_fd, &one, sizeof one);
    while (n < 0 && errno == EINTR);
    ASSERT(n == sizeof one);
}

uint64_t real_now_ns(const struct io *io)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int64_t real_wall_us(const struct io *io)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

bool accept_error_is_passing(int error)
{
    switch (error) {
    case EAGAIN:
    case EINTR:
    case ECONNABORTED:
    case EPROTO:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENONET:
        return true;
    default:
        return false;
    }
}
