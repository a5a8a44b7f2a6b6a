/* The sim backend: an io on the simulated world. Every run gives the processor to the scheduler first. It is stricter
 * than the kernel where callers could come to rely on luck: receive buffers are overwritten when they are recycled,
 * wakes leave only with the caller's next run, ready ops are tried in random order, and quiet sends complete late. */
#include <errno.h>
#include <string.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/io/backend.h"
#include "src/io/sim_world.h"

enum op_state { IDLE, QUEUED, WAITING, LATE, SYNCING };

enum { BUFFERS_MAX = 64, GARBAGE = 0xdd };

struct sim_io {
    struct io base;
    struct sim *sim;
    struct list ready; /* QUEUED: to be tried */
    struct list syncs; /* SYNCING, by the order of start */
    struct list late;  /* quiet sends that were sent whole: complete when the run ends */
    struct sim_io **wakes;
    unsigned wake_count;
    bool woken;
    char *buffers;
    size_t buffer_bytes;
    unsigned buffer_count, used;
};

static struct sim_io *of(const struct io *io) { return (struct sim_io *)io; }

static bool is_send(const struct io_op *op) { return op->kind == OP_SEND || op->kind == OP_SENDMSG; }

static void queue(struct sim_io *io, struct io_op *op)
{
    op->state = QUEUED;
    list_push_back(&io->ready, &op->link);
}

void sim_io_notify(struct sim_io *io, struct io_op *op)
{
    if (op->state == WAITING)
        queue(io, op);
}

/* op->buf is the sync until the op ends. */
static void start_sync(struct sim_io *io, struct io_op *op)
{
    struct sim_sync *sync = mem_alloc(NULL, sizeof *sync);
    *sync = sim_disk_begin_sync(io->sim, op->fd);
    op->buf = sync;
    op->state = SYNCING;
    list_push_back(&io->syncs, &op->link);
}

static void sim_io_start(struct io *base, struct io_op *op)
{
    struct sim_io *io = of(base);
    if (op->kind == OP_DATASYNC) {
        start_sync(io, op);
        return;
    }
    struct sim_socket *s = sim_socket_of(io->sim, op->fd);
    ASSERT((!s->io || s->io == io) && (op->kind == OP_ACCEPT) == (s->port != 0));
    s->io = io;
    struct io_op **place = is_send(op) ? &s->out : &s->in;
    ASSERT(*place == NULL);
    *place = op;
    queue(io, op);
}

/* A sync that has begun is not to be stopped, as in the kernel. */
static void sim_io_cancel(struct io *base, struct io_op *op) { sim_io_notify(of(base), op); }

static void sim_io_close(struct io *base, int fd) { sim_net_close(sim_socket_of(of(base)->sim, fd)); }

static void sim_io_wake(struct io *base, struct io *target)
{
    struct sim_io *io = of(base);
    if (base == target) { /* from outside of any io */
        io->woken = true;
        return;
    }
    io->wakes = mem_realloc(NULL, io->wakes, (io->wake_count + 1) * sizeof(struct sim_io *));
    io->wakes[io->wake_count++] = of(target);
}

/* --- Trying ops. Each returns how many completions it delivered. --- */

static void detach(struct sim_io *io, struct io_op *op)
{
    struct sim_socket *s = sim_socket_of(io->sim, op->fd);
    *(is_send(op) ? &s->out : &s->in) = NULL;
}

static unsigned finish(struct sim_io *io, struct io_op *op, int res)
{
    detach(io, op);
    op_finish(op, res);
    return 1;
}

static unsigned try_accept(struct sim_io *io, struct io_op *op, struct sim_socket *s)
{
    if (list_empty(&s->arrived)) {
        op->state = WAITING;
        return 0;
    }
    bool fails = sim_chance(io->sim, io->sim->config.accept_error_rate, 1000);
    int res = fails ? -EMFILE : sim_net_accept(s);
    queue(io, op);
    op->done(op, res, NULL);
    return 1;
}

static unsigned try_recv(struct sim_io *io, struct io_op *op, struct sim_socket *s)
{
    if (io->used == io->buffer_count || sim_chance(io->sim, io->sim->config.defer_rate, 1000)) {
        queue(io, op);
        return 0;
    }
    char *data = io->buffers + io->used * io->buffer_bytes;
    int n = sim_net_recv(s, data, io->buffer_bytes);
    if (n == -EAGAIN) {
        op->state = WAITING;
        return 0;
    }
    if (n <= 0)
        return finish(io, op, n);
    io->used++;
    queue(io, op);
    op->done(op, n, data);
    return 1;
}

static unsigned try_recv_into(struct sim_io *io, struct io_op *op, struct sim_socket *s)
{
    int n = sim_net_recv(s, op->buf, op->len);
    if (n == -EAGAIN) {
        op->state = WAITING;
        return 0;
    }
    return finish(io, op, n);
}

static int send_message(struct sim_socket *s, const struct msghdr *msg)
{
    int total = 0;
    for (size_t i = 0; i < msg->msg_iovlen; i++) {
        const struct iovec *v = &msg->msg_iov[i];
        int n = v->iov_len ? sim_net_send(s, v->iov_base, v->iov_len) : 0;
        if (n < 0)
            return total ? total : n;
        total += n;
        if ((size_t)n < v->iov_len)
            break;
    }
    return total;
}

static unsigned try_send(struct sim_io *io, struct io_op *op, struct sim_socket *s)
{
    int n = op->kind == OP_SEND ? sim_net_send(s, op->buf, op->len) : send_message(s, op->buf);
    if (n == -EAGAIN) {
        op->state = WAITING;
        return 0;
    }
    if (op->quiet && n == (int)op->len) {
        op->state = LATE;
        list_push_back(&io->late, &op->link);
        return 0;
    }
    return finish(io, op, n);
}

/* op is in no list. */
static unsigned try(struct sim_io *io, struct io_op *op)
{
    if (op->cancelled)
        return finish(io, op, -ECANCELED);
    struct sim_socket *s = sim_socket_of(io->sim, op->fd);
    switch ((enum op_kind)op->kind) {
    case OP_ACCEPT:
        return try_accept(io, op, s);
    case OP_RECV:
        return try_recv(io, op, s);
    case OP_RECV_INTO:
        return try_recv_into(io, op, s);
    case OP_SEND:
    case OP_SENDMSG:
        return try_send(io, op, s);
    case OP_DATASYNC: /* never queued */
        break;
    }
    return 0;
}

/* --- Running --- */

static unsigned try_ready(struct sim_io *io)
{
    unsigned delivered = 0;
    struct list now;
    list_move(&now, &io->ready);
    while (!list_empty(&now)) {
        struct list *l = sim_random(io->sim, 2) ? now.next : now.prev;
        list_remove(l);
        delivered += try(io, container_of(l, struct io_op, link));
    }
    return delivered;
}

static unsigned deliver_late(struct sim_io *io)
{
    unsigned delivered = 0;
    struct list now;
    list_move(&now, &io->late);
    for (struct list *l; (l = list_pop_front(&now)); delivered++) {
        struct io_op *op = container_of(l, struct io_op, link);
        finish(io, op, (int)op->len);
    }
    return delivered;
}

static unsigned deliver_synced(struct sim_io *io)
{
    unsigned delivered = 0;
    for (struct list *l = io->syncs.next, *next; l != &io->syncs; l = next) {
        struct io_op *op = container_of(l, struct io_op, link);
        struct sim_sync sync = *(struct sim_sync *)op->buf;
        next = l->next;
        if (sync.due_ns > io->sim->now_ns)
            continue;
        list_remove(l);
        mem_free(NULL, op->buf); /* now: if the world crashes here, this goes no further */
        op_finish(op, sim_disk_end_sync(io->sim, &sync));
        delivered++;
    }
    return delivered;
}

/* The first end of a sync, or limit_ns if that is earlier. */
static uint64_t next_synced_ns(const struct sim_io *io, uint64_t limit_ns)
{
    for (struct list *l = io->syncs.next; l != &io->syncs; l = l->next) {
        const struct sim_sync *sync = container_of(l, struct io_op, link)->buf;
        if (sync->due_ns < limit_ns)
            limit_ns = sync->due_ns;
    }
    return limit_ns;
}

static bool has_work(void *arg)
{
    struct sim_io *io = arg;
    return io->woken || !list_empty(&io->ready);
}

static unsigned sim_io_run(struct io *base, uint64_t deadline_ns)
{
    struct sim_io *io = of(base);
    memset(io->buffers, GARBAGE, io->used * io->buffer_bytes);
    io->used = 0;
    for (unsigned i = 0; i < io->wake_count; i++)
        io->wakes[i]->woken = true;
    io->wake_count = 0;

    unsigned delivered = 0;
    bool woken = false;
    do {
        sim_block(io->sim, has_work, io, next_synced_ns(io, deadline_ns), "completions");
        woken |= io->woken;
        io->woken = false;
        delivered += try_ready(io) + deliver_synced(io);
    } while (delivered == 0 && !woken && io->sim->now_ns < deadline_ns);
    return delivered + deliver_late(io);
}

/* --- Life --- */

static int sim_io_enter(struct io *base) { return 0; }

/* Of ops whose owners did not live to see their end. */
static void drop_syncs(struct sim_io *io)
{
    for (struct list *l = io->syncs.next; l != &io->syncs; l = l->next)
        mem_free(NULL, container_of(l, struct io_op, link)->buf);
}

static void sim_io_destroy(struct io *base)
{
    struct sim_io *io = of(base);
    if (io->sim->crashed)
        drop_syncs(io);
    else
        ASSERT(list_empty(&io->ready) && list_empty(&io->late) && list_empty(&io->syncs));
    mem_free(NULL, io->buffers);
    mem_free(NULL, io->wakes);
    mem_free(NULL, io);
}

/* Reading the clock takes time, so that a loop which waits for it ends. */
static uint64_t sim_io_now_ns(const struct io *base) { return of(base)->sim->now_ns += 20; }

static int64_t sim_io_wall_us(const struct io *base)
{
    static const int64_t epoch_us = INT64_C(1700000000) * 1000000;
    return epoch_us + (int64_t)(sim_io_now_ns(base) / 1000);
}

static const struct io_vtable vtable = {
    .name = "sim",
    .enter = sim_io_enter,
    .destroy = sim_io_destroy,
    .start = sim_io_start,
    .cancel = sim_io_cancel,
    .close = sim_io_close,
    .run = sim_io_run,
    .wake = sim_io_wake,
    .now_ns = sim_io_now_ns,
    .wall_us = sim_io_wall_us,
};

int sim_backend_create(struct io **out, const struct io_config *config)
{
    ASSERT(config->sim);
    struct sim_io *io = mem_zalloc(NULL, sizeof *io);
    io->base = (struct io){&vtable, -1};
    io->sim = config->sim;
    list_init(&io->ready);
    list_init(&io->late);
    list_init(&io->syncs);
    io->buffer_count = config->recv_buffers < BUFFERS_MAX ? config->recv_buffers : BUFFERS_MAX;
    io->buffer_bytes = config->recv_buffer_bytes;
    io->buffers = mem_alloc(NULL, io->buffer_count * io->buffer_bytes);
    *out = &io->base;
    return 0;
}
