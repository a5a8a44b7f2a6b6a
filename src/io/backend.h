/* What a backend gives io.c, and what the backends share. Only files of src/io include this. */
#ifndef SKUA_IO_BACKEND_H
#define SKUA_IO_BACKEND_H

#include "src/io/io.h"

enum op_kind { OP_ACCEPT, OP_RECV, OP_RECV_INTO, OP_SEND, OP_SENDMSG, OP_DATASYNC };

enum { RECV_BUFFERS_MAX = 1024, RECV_BUFFER_BYTES = 16 * 1024 };

/* After an error for lack of something (descriptors, memory) an accept is tried again this much later. */
enum { ACCEPT_PAUSE_NS = 50 * 1000 * 1000 };

struct io_vtable {
    const char *name;
    int (*enter)(struct io *io);
    void (*destroy)(struct io *io);
    /* op is filled in but for state, which becomes non-zero. */
    void (*start)(struct io *io, struct io_op *op);
    void (*cancel)(struct io *io, struct io_op *op);
    void (*close)(struct io *io, int fd);
    /* deadline_ns 0: io_reap, else io_wait. */
    unsigned (*run)(struct io *io, uint64_t deadline_ns);
    /* from is of this backend and not target. */
    void (*wake)(struct io *from, struct io *target);
    uint64_t (*now_ns)(const struct io *io);
    int64_t (*wall_us)(const struct io *io);
};

/* First member of every backend's struct. */
struct io {
    const struct io_vtable *vtable;
    int wake_fd; /* an eventfd; -1 under sim. May be written by any thread. */
};

/* config has its defaults filled in. uring: -ENOTSUP where io_uring_unavailable(). */
int uring_backend_create(struct io **out, const struct io_config *config);
int epoll_backend_create(struct io **out, const struct io_config *config);
int sim_backend_create(struct io **out, const struct io_config *config);

/* Wakes target by its eventfd, from any thread. */
void wake_by_eventfd(struct io *target);

/* The vtable's clocks outside sim. */
uint64_t real_now_ns(const struct io *io);
int64_t real_wall_us(const struct io *io);

/* Makes op idle and hands out its last completion. */
static inline void op_finish(struct io_op *op, int res)
{
    op->state = 0;
    op->done(op, res, NULL);
}

/* Makes to hold what from held, in order, and from empty. */
static inline void list_move(struct list *to, struct list *from)
{
    list_init(to);
    if (list_empty(from))
        return;
    *to = *from;
    to->next->prev = to->prev->next = to;
    list_init(from);
}

/* An error of accept(2) that says nothing about the listener or the process: try again at once. */
bool accept_error_is_passing(int error);

#endif
