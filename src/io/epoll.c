/* The epoll backend: the same completions made from readiness, but for those of syncs, which a thread makes (syncer.h).
 *
 * Each descriptor is registered once, edge-triggered for both directions, and its slot remembers what the kernel said
 * last. An op is in one of these states:
 *   QUEUED   in `ready`: the next run tries its system call.
 *   WAITING  the system call found nothing to do; an edge will come.
 *   SYNCING  with the syncer, whose wake comes by the eventfd.
 * A read that got less than it asked for has emptied the socket, so no second one is made only to see EAGAIN; unless
 * the peer has closed, for then no further edge comes. Slots are found by descriptor, and events carry the slot's
 * generation, so that one for a closed descriptor is not taken for its successor's. */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/io/backend.h"
#include "src/io/syncer.h"

enum op_state { IDLE, QUEUED, WAITING, SYNCING };

enum { EVENTS_MAX = 256, ACCEPTS_MAX = 64, ARENA_BYTES_MAX = 1 << 20, LINE_BYTES = 64 };

/* The event of the eventfd; a slot's is generation << 32 | descriptor. */
#define WAKE_EVENT UINT64_MAX

struct slot {
    struct io_op *in, *out; /* the active receive or accept, and send */
    uint32_t generation;
    int error; /* of registering */
    bool registered, readable, writable, peer_closed;
};

struct poller {
    struct io base;
    int fd;
    bool whole_ms; /* no epoll_pwait2 (Linux 5.11) */
    struct slot *slots;
    int slot_count;
    struct list ready;
    struct list paused; /* accepts after an error, until resume_ns */
    uint64_t resume_ns;
    char *arena; /* what a run receives lies here one after the other, at cache lines */
    size_t arena_bytes, arena_used, recv_bytes;
    struct syncer *syncer; /* NULL until there is something to sync */
    unsigned awaited;      /* completions of this run that io_wait must not sleep over */
};

static const struct io_vtable vtable;

static struct poller *of(const struct io *io) { return (struct poller *)io; }

/* --- Slots --- */

static void grow_slots(struct poller *p, int fd)
{
    int count = p->slot_count ? p->slot_count : 64;
    while (count <= fd)
        count *= 2;
    p->slots = mem_realloc(NULL, p->slots, (size_t)count * sizeof *p->slots);
    for (int i = p->slot_count; i < count; i++)
        p->slots[i] = (struct slot){0};
    p->slot_count = count;
}

static void register_slot(struct poller *p, struct slot *s, int fd, uint32_t events)
{
    struct epoll_event e = {.events = events | EPOLLET, .data.u64 = (uint64_t)s->generation << 32 | (uint32_t)fd};
    s->registered = true;
    s->readable = s->writable = true; /* as far as we know: the first try shows */
    s->peer_closed = false;
    s->error = epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e) < 0 ? errno : 0;
}

static bool is_send(const struct io_op *op) { return op->kind == OP_SEND || op->kind == OP_SENDMSG; }

static void queue(struct poller *p, struct io_op *op)
{
    op->state = QUEUED;
    list_push_back(&p->ready, &op->link);
}

static void start_sync(struct poller *p, struct io_op *op)
{
    if (!p->syncer)
        p->syncer = syncer_create(&p->base);
    op->state = SYNCING;
    syncer_start(p->syncer, op);
}

static void poller_start(struct io *io, struct io_op *op)
{
    struct poller *p = of(io);
    if (op->kind == OP_DATASYNC) {
        start_sync(p, op);
        return;
    }
    if (op->fd >= p->slot_count)
        grow_slots(p, op->fd);
    struct slot *s = &p->slots[op->fd];
    if (!s->registered) {
        if (op->kind == OP_ACCEPT)
            fcntl(op->fd, F_SETFL, fcntl(op->fd, F_GETFL) | O_NONBLOCK); /* accept4 has no MSG_DONTWAIT */
        register_slot(p, s, op->fd, op->kind == OP_ACCEPT ? EPOLLIN : EPOLLIN | EPOLLOUT | EPOLLRDHUP);
    }
    struct io_op **place = is_send(op) ? &s->out : &s->in;
    ASSERT(*place == NULL);
    *place = op;
    if (s->error || (is_send(op) ? s->writable : s->readable))
        queue(p, op);
    else
        op->state = WAITING;
}

static void poller_cancel(struct io *io, struct io_op *op)
{
    if (op->state == WAITING)
        queue(of(io), op); /* where it is seen to be cancelled */
    else if (op->state == SYNCING)
        syncer_cancel(of(io)->syncer, op);
}

static void poller_close(struct io *io, int fd)
{
    struct poller *p = of(io);
    if (fd < p->slot_count) {
        struct slot *s = &p->slots[fd];
        ASSERT(!s->in && !s->out);
        s->generation++;
        s->registered = false;
    }
    close(fd);
}

static void poller_wake(struct io *from, struct io *target) { wake_by_eventfd(target); }

/* --- Trying system calls. Each returns how many completions it delivered. --- */

static unsigned finish(struct poller *p, struct io_op *op, int res)
{
    struct slot *s = &p->slots[op->fd];
    *(is_send(op) ? &s->out : &s->in) = NULL;
    if (!op->quiet || res != (int)op->len || !is_send(op))
        p->awaited++;
    op_finish(op, res);
    return 1;
}

static unsigned try_accept(struct poller *p, struct io_op *op)
{
    unsigned delivered = 0;
    while (delivered < ACCEPTS_MAX) {
        int fd = accept4(op->fd, NULL, NULL, SOCK_CLOEXEC);
        int error = fd < 0 ? errno : 0;
        if (error == EAGAIN) {
            p->slots[op->fd].readable = false;
            op->state = WAITING;
            return delivered;
        }
        if (error && accept_error_is_passing(error))
            continue;
        if (error) {
            op->state = QUEUED;
            list_push_back(&p->paused, &op->link);
            p->resume_ns = real_now_ns(&p->base) + ACCEPT_PAUSE_NS;
        }
        p->awaited++;
        delivered++;
        op->done(op, error ? -error : fd, NULL);
        if (error)
            return delivered;
        if (op->cancelled)
            break;
    }
    queue(p, op);
    return delivered;
}

/* After a read of n out of asked bytes: is there nothing more before the next edge? */
static void note_read(struct slot *s, size_t n, size_t asked)
{
    if (n < asked && !s->peer_closed)
        s->readable = false;
}

static ssize_t receive(int fd, void *buf, size_t len)
{
    ssize_t n;
    do
        n = recv(fd, buf, len, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

static unsigned try_recv(struct poller *p, struct io_op *op)
{
    if (p->arena_used + p->recv_bytes > p->arena_bytes) {
        queue(p, op); /* after the next recycling */
        return 0;
    }
    char *data = p->arena + p->arena_used;
    struct slot *s = &p->slots[op->fd];
    ssize_t n = receive(op->fd, data, p->recv_bytes);
    if (n < 0 && errno == EAGAIN) {
        s->readable = false;
        op->state = WAITING;
        return 0;
    }
    if (n <= 0)
        return finish(p, op, n < 0 ? -errno : 0);
    p->arena_used += ((size_t)n + LINE_BYTES - 1) & ~(size_t)(LINE_BYTES - 1);
    note_read(s, (size_t)n, p->recv_bytes);
    if (s->readable)
        queue(p, op);
    else
        op->state = WAITING;
    p->awaited++;
    op->done(op, (int)n, data);
    return 1;
}

static unsigned try_recv_into(struct poller *p, struct io_op *op)
{
    struct slot *s = &p->slots[op->fd];
    ssize_t n = receive(op->fd, op->buf, op->len);
    if (n < 0 && errno == EAGAIN) {
        s->readable = false;
        op->state = WAITING;
        return 0;
    }
    if (n > 0)
        note_read(s, (size_t)n, op->len);
    return finish(p, op, n < 0 ? -errno : (int)n);
}

static unsigned try_send(struct poller *p, struct io_op *op)
{
    ssize_t n;
    do
        n = op->kind == OP_SEND ? send(op->fd, op->buf, op->len, MSG_DONTWAIT | MSG_NOSIGNAL)
                                : sendmsg(op->fd, op->buf, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) {
        p->slots[op->fd].writable = false;
        op->state = WAITING;
        return 0;
    }
    return finish(p, op, n < 0 ? -errno : (int)n);
}

/* op is in no list. */
static unsigned try(struct poller *p, struct io_op *op)
{
    if (op->cancelled)
        return finish(p, op, -ECANCELED);
    if (p->slots[op->fd].error)
        return finish(p, op, -p->slots[op->fd].error);
    switch ((enum op_kind)op->kind) {
    case OP_ACCEPT:
        return try_accept(p, op);
    case OP_RECV:
        return try_recv(p, op);
    case OP_RECV_INTO:
        return try_recv_into(p, op);
    case OP_SEND:
    case OP_SENDMSG:
        return try_send(p, op);
    case OP_DATASYNC: /* never queued */
        break;
    }
    return 0;
}

/* --- Running --- */

/* Tries what was queued before; what callbacks queue is for the next run. */
static unsigned try_queued(struct poller *p)
{
    unsigned delivered = 0;
    struct list now;
    list_move(&now, &p->ready);
    for (struct list *l; (l = list_pop_front(&now));)
        delivered += try(p, container_of(l, struct io_op, link));
    return delivered;
}

static unsigned deliver_synced(struct poller *p)
{
    unsigned delivered = 0;
    struct list done;
    syncer_take(p->syncer, &done);
    for (struct list *l; (l = list_pop_front(&done)); delivered++) {
        struct io_op *op = container_of(l, struct io_op, link);
        op_finish(op, syncer_result(op));
    }
    return delivered;
}

static unsigned on_event(struct poller *p, const struct epoll_event *e)
{
    if (e->data.u64 == WAKE_EVENT)
        return 0; /* edge-triggered: the counter need not be read */
    struct slot *s = &p->slots[(uint32_t)e->data.u64];
    uint32_t generation = (uint32_t)(e->data.u64 >> 32);
    if (s->generation != generation)
        return 0;
    unsigned delivered = 0;
    if (e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        s->peer_closed = true;
    if (e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        s->readable = true;
        if (s->in && s->in->state == WAITING)
            delivered += try(p, s->in);
    }
    s = &p->slots[(uint32_t)e->data.u64]; /* the callback may have made them grow */
    if (s->generation == generation && (e->events & (EPOLLOUT | EPOLLHUP | EPOLLERR))) {
        s->writable = true;
        if (s->out && s->out->state == WAITING)
            delivered += try(p, s->out);
    }
    return delivered;
}

static int wait_events(struct poller *p, struct epoll_event *events, uint64_t deadline_ns)
{
    if (deadline_ns == 0 || deadline_ns == UINT64_MAX)
        return epoll_wait(p->fd, events, EVENTS_MAX, deadline_ns ? -1 : 0);
    uint64_t now = real_now_ns(&p->base);
    uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
    if (!p->whole_ms) {
        struct timespec ts = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
        int n = epoll_pwait2(p->fd, events, EVENTS_MAX, &ts, NULL);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM)) /* EPERM: a seccomp profile that does not know it */
            return n;
        p->whole_ms = true;
    }
    uint64_t ms = left / 1000000 + (left % 1000000 != 0);
    return epoll_wait(p->fd, events, EVENTS_MAX, ms < INT32_MAX ? (int)ms : INT32_MAX);
}

/* Returns the deadline, or the end of the pause if that is earlier. */
static uint64_t resume_paused(struct poller *p, uint64_t deadline_ns)
{
    if (real_now_ns(&p->base) < p->resume_ns)
        return deadline_ns < p->resume_ns ? deadline_ns : p->resume_ns;
    for (struct list *l; (l = list_pop_front(&p->paused));)
        list_push_back(&p->ready, l);
    return deadline_ns;
}

static unsigned poller_run(struct io *io, uint64_t deadline_ns)
{
    struct poller *p = of(io);
    p->arena_used = 0;
    p->awaited = 0;
    if (!list_empty(&p->paused))
        deadline_ns = resume_paused(p, deadline_ns);
    unsigned delivered = try_queued(p);
    if (p->awaited || !list_empty(&p->ready))
        deadline_ns = 0;
    struct epoll_event events[EVENTS_MAX];
    int n = wait_events(p, events, deadline_ns);
    ASSERT(n >= 0 || errno == EINTR);
    for (int i = 0; i < n; i++)
        delivered += on_event(p, &events[i]);
    if (p->syncer)
        delivered += deliver_synced(p);
    return delivered;
}

/* --- Life --- */

static int poller_enter(struct io *io) { return 0; }

static void poller_destroy(struct io *io)
{
    struct poller *p = of(io);
    ASSERT(list_empty(&p->ready) && list_empty(&p->paused));
    if (p->syncer)
        syncer_destroy(p->syncer);
    close(p->fd);
    close(p->base.wake_fd);
    mem_free(NULL, p->slots);
    mem_free(NULL, p->arena);
    mem_free(NULL, p);
}

static const struct io_vtable vtable = {
    .name = "epoll",
    .enter = poller_enter,
    .destroy = poller_destroy,
    .start = poller_start,
    .cancel = poller_cancel,
    .close = poller_close,
    .run = poller_run,
    .wake = poller_wake,
    .now_ns = real_now_ns,
    .wall_us = real_wall_us,
};

int epoll_backend_create(struct io **out, const struct io_config *config)
{
    int fd = epoll_create1(EPOLL_CLOEXEC);
    int wake_fd = eventfd(0, EFD_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_EVENT};
    if (fd < 0 || wake_fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, wake_fd, &e) < 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        if (wake_fd >= 0)
            close(wake_fd);
        return -error;
    }
    struct poller *p = mem_zalloc(NULL, sizeof *p);
    p->base = (struct io){&vtable, wake_fd};
    p->fd = fd;
    list_init(&p->ready);
    list_init(&p->paused);
    p->recv_bytes = config->recv_buffer_bytes;
    p->arena_bytes = (size_t)config->recv_buffers * config->recv_buffer_bytes;
    if (p->arena_bytes > ARENA_BYTES_MAX)
        p->arena_bytes = ARENA_BYTES_MAX > p->recv_bytes ? ARENA_BYTES_MAX : p->recv_bytes;
    p->arena = mem_alloc_aligned(NULL, LINE_BYTES, p->arena_bytes);
    *out = &p->base;
    return 0;
}
