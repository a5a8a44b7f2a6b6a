/* The io_uring backend. Needs Linux 6.0 (multishot receive into provided buffers); what is better in later kernels is
 * found by uring_probe.
 *
 * An operation is named to the kernel by the address of its op, which its owner keeps until the last completion. An op
 * that is active is in one of these states:
 *
 * ARMED: the kernel has it (or its SQE is queued) and posts a completion.
 *
 * SENT: a send, in `sends`. The kernel is told to try it at once, not to wait (MSG_DONTWAIT), to call it a failure if
 * not all was sent (MSG_WAITALL), and to post a completion only for a failure (CQE_SKIP_SUCCESS). So when the system
 * call that submitted it has returned and all completions are seen, those still in the list succeeded. This saves their
 * completions, and a wait that submits sends does not return at once because of them. A send that found no room is
 * started again as ARMED.
 *
 * PARKED: in one of the lists starved, paused, cancelled; the kernel does not have it.
 *
 * SQEs are executed in order, so an operation that is re-armed before its owner cancels it is found by that. */
#include <errno.h>
#include <liburing.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/base/prefetch.h"
#include "src/io/backend.h"
#include "src/io/bufring.h"
#include "src/io/uring.h"

enum op_state { IDLE, ARMED, SENT, PARKED };

/* What is no op in a user_data: ops are aligned, so the low bits tell. */
enum { UD_IGNORE = 1, UD_WOKEN = 2, UD_EVENTFD = 3, UD_WAKE_FAILED = 4, UD_TAG_MASK = 7 };

struct uring {
    struct io base;
    struct io_uring ring;
    struct uring_traits traits;
    struct bufring buffers;
    struct list sends;     /* SENT, in order of start */
    struct list starved;   /* receives that found no buffer */
    struct list paused;    /* accepts after an error, until resume_ns */
    struct list cancelled; /* parked when cancelled: complete with the next run */
    uint64_t resume_ns;
    uint64_t wake_counter; /* the eventfd is read into it */
    bool send_awaited;     /* an op in sends is not quiet */
};

static const struct io_vtable vtable;

static struct uring *of(const struct io *io) { return (struct uring *)io; }

/* --- Starting and cancelling --- */

/* Submits without waiting. What the kernel cannot take now stays queued. */
static void submit(struct uring *u)
{
    int r = io_uring_submit_and_get_events(&u->ring);
    ASSERT(r >= 0 || r == -EBUSY || r == -EAGAIN || r == -EINTR || r == -ENOMEM);
}

static struct io_uring_sqe *next_sqe(struct uring *u)
{
    struct io_uring_sqe *sqe;
    while (!(sqe = io_uring_get_sqe(&u->ring)))
        submit(u);
    return sqe;
}

static void name(struct io_uring_sqe *sqe, struct io_op *op)
{
    sqe->user_data = (uintptr_t)op;
    op->state = ARMED;
}

static void arm_accept(struct uring *u, struct io_op *op)
{
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_multishot_accept(sqe, op->fd, NULL, NULL, SOCK_CLOEXEC);
    name(sqe, op);
}

static void arm_recv(struct uring *u, struct io_op *op)
{
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_recv_multishot(sqe, op->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFRING_GROUP;
    name(sqe, op);
}

static void arm_recv_into(struct uring *u, struct io_op *op)
{
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_recv(sqe, op->fd, op->buf, op->len, 0);
    name(sqe, op);
}

static struct io_uring_sqe *prepare_send(struct uring *u, struct io_op *op, int flags)
{
    struct io_uring_sqe *sqe = next_sqe(u);
    if (op->kind == OP_SEND)
        io_uring_prep_send(sqe, op->fd, op->buf, op->len, MSG_NOSIGNAL | flags);
    else
        io_uring_prep_sendmsg(sqe, op->fd, op->buf, (unsigned)(MSG_NOSIGNAL | flags));
    name(sqe, op);
    return sqe;
}

static void arm_send(struct uring *u, struct io_op *op) { prepare_send(u, op, 0); }

static void start_send(struct uring *u, struct io_op *op)
{
    if (!u->traits.quiet_sends) {
        arm_send(u, op);
        return;
    }
    prepare_send(u, op, MSG_WAITALL | MSG_DONTWAIT)->flags |= IOSQE_CQE_SKIP_SUCCESS;
    op->state = SENT;
    list_push_back(&u->sends, &op->link);
    u->send_awaited |= !op->quiet;
}

static void arm_datasync(struct uring *u, struct io_op *op)
{
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_fsync(sqe, op->fd, IORING_FSYNC_DATASYNC);
    name(sqe, op);
}

static void uring_start(struct io *io, struct io_op *op)
{
    struct uring *u = of(io);
    switch ((enum op_kind)op->kind) {
    case OP_ACCEPT:
        arm_accept(u, op);
        break;
    case OP_RECV:
        arm_recv(u, op);
        break;
    case OP_RECV_INTO:
        arm_recv_into(u, op);
        break;
    case OP_SEND:
    case OP_SENDMSG:
        start_send(u, op);
        break;
    case OP_DATASYNC:
        arm_datasync(u, op);
        break;
    }
}

static void park(struct list *where, struct io_op *op)
{
    op->state = PARKED;
    list_push_back(where, &op->link);
}

static void uring_cancel(struct io *io, struct io_op *op)
{
    struct uring *u = of(io);
    if (op->state == PARKED) {
        list_remove(&op->link);
        list_push_back(&u->cancelled, &op->link);
    } else if (op->state == ARMED) {
        struct io_uring_sqe *sqe = next_sqe(u);
        io_uring_prep_cancel64(sqe, (uintptr_t)op, 0);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        sqe->user_data = UD_IGNORE; /* not found: it has completed */
    } else {                        /* SENT: ends by itself, but now somebody waits for that */
        u->send_awaited = true;
    }
}

static void uring_close(struct io *io, int fd) { close(fd); }

static void uring_wake(struct io *from, struct io *target)
{
    struct uring *u = of(from);
    if (target->vtable != &vtable || !u->traits.msg_ring) {
        wake_by_eventfd(target);
        return;
    }
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_msg_ring(sqe, of(target)->ring.ring_fd, 0, UD_WOKEN, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = (uintptr_t)target | UD_WAKE_FAILED;
}

static void arm_eventfd(struct uring *u)
{
    struct io_uring_sqe *sqe = next_sqe(u);
    io_uring_prep_read(sqe, u->base.wake_fd, &u->wake_counter, sizeof u->wake_counter, 0);
    sqe->user_data = UD_EVENTFD;
}

/* --- Completions. Each returns how many it delivered. --- */

static unsigned on_accept(struct uring *u, struct io_op *op, int res, uint32_t flags)
{
    bool ended = !(flags & IORING_CQE_F_MORE);
    if (ended && op->cancelled) {
        op_finish(op, res < 0 ? -ECANCELED : res);
        return 1;
    }
    if (res == -ECANCELED) {
        op_finish(op, res);
        return 1;
    }
    if (res >= 0 || accept_error_is_passing(-res)) {
        if (ended)
            arm_accept(u, op);
        if (res < 0)
            return 0;
    } else if (ended) {
        park(&u->paused, op);
        u->resume_ns = real_now_ns(&u->base) + ACCEPT_PAUSE_NS;
    }
    op->done(op, res, NULL);
    return 1;
}

static unsigned on_recv(struct uring *u, struct io_op *op, int res, uint32_t flags)
{
    bool ended = !(flags & IORING_CQE_F_MORE);
    const char *data = flags & IORING_CQE_F_BUFFER ? bufring_take(&u->buffers, flags) : NULL;
    if (__builtin_expect(res > 0, 1)) {
        if (ended && op->cancelled)
            op->state = IDLE;
        else if (ended)
            arm_recv(u, op);
        op->done(op, res, data);
        return 1;
    }
    if (res == -ENOBUFS && !op->cancelled) {
        park(&u->starved, op);
        return 0;
    }
    op_finish(op, res < 0 && op->cancelled ? -ECANCELED : res);
    return 1;
}

static unsigned on_recv_into(struct uring *u, struct io_op *op, int res)
{
    if ((res == -EAGAIN || res == -EINTR) && !op->cancelled) {
        arm_recv_into(u, op);
        return 0;
    }
    op_finish(op, res);
    return 1;
}

static unsigned on_send(struct uring *u, struct io_op *op, int res)
{
    if (op->state == SENT)
        list_remove(&op->link);
    if (res == -EAGAIN || res == -EINTR) {
        if (!op->cancelled) {
            arm_send(u, op);
            return 0;
        }
        res = -ECANCELED;
    }
    op_finish(op, res);
    return 1;
}

static unsigned on_datasync(struct uring *u, struct io_op *op, int res)
{
    if (res == -EINTR && !op->cancelled) {
        arm_datasync(u, op);
        return 0;
    }
    op_finish(op, res == -EINTR ? -ECANCELED : res);
    return 1;
}

static unsigned on_op(struct uring *u, struct io_op *op, int res, uint32_t flags)
{
    switch ((enum op_kind)op->kind) {
    case OP_RECV:
        return on_recv(u, op, res, flags);
    case OP_SEND:
    case OP_SENDMSG:
        return on_send(u, op, res);
    case OP_RECV_INTO:
        return on_recv_into(u, op, res);
    case OP_ACCEPT:
        return on_accept(u, op, res, flags);
    case OP_DATASYNC:
        return on_datasync(u, op, res);
    }
    return 0;
}

static void on_special(struct uring *u, uint64_t user_data)
{
    if (user_data == UD_EVENTFD)
        arm_eventfd(u);
    else if ((user_data & UD_TAG_MASK) == UD_WAKE_FAILED) /* it has not been entered yet, or its queue overflowed */
        wake_by_eventfd((struct io *)(uintptr_t)(user_data & ~(uint64_t)UD_TAG_MASK));
}

/* With a thousand connections an op is not in the cache, nor what its owner has around it: fetches some of it for the
 * completion with this number. */
static void look_ahead(const struct uring *u, unsigned number)
{
    const struct io_uring_cqe *cqe = &u->ring.cq.cqes[number & u->ring.cq.ring_mask];
    uintptr_t op = (uintptr_t)(cqe->user_data & ~(uint64_t)UD_TAG_MASK); /* or no address: fetching does not mind */
    for (int line = 0; line < 4; line++)
        prefetch_line((const void *)(op + (uintptr_t)line * 64));
}

/* Handles the completions that are there now; those that callbacks cause wait for the next run. */
static unsigned drain(struct uring *u)
{
    enum { AHEAD = 2 };
    unsigned delivered = 0, seen = 0, head;
    unsigned ready = io_uring_cq_ready(&u->ring);
    struct io_uring_cqe *cqe;
    io_uring_for_each_cqe(&u->ring, head, cqe)
    {
        if (seen++ == ready) {
            seen--;
            break;
        }
        uint64_t user_data = cqe->user_data;
        if (seen + AHEAD <= ready)
            look_ahead(u, head + AHEAD);
        if (__builtin_expect((user_data & UD_TAG_MASK) == 0, 1))
            delivered += on_op(u, (struct io_op *)(uintptr_t)user_data, cqe->res, cqe->flags);
        else
            on_special(u, user_data);
    }
    io_uring_cq_advance(&u->ring, seen);
    return delivered;
}

/* The sends in list, of which no failure was reported, were sent whole. */
static unsigned conclude(struct list *sent)
{
    unsigned delivered = 0;
    for (struct list *l; (l = list_pop_front(sent)); delivered++) {
        struct io_op *op = container_of(l, struct io_op, link);
        op_finish(op, (int)op->len);
    }
    return delivered;
}

static unsigned deliver_cancelled(struct uring *u)
{
    unsigned delivered = 0;
    struct list now;
    list_move(&now, &u->cancelled);
    for (struct list *l; (l = list_pop_front(&now)); delivered++)
        op_finish(container_of(l, struct io_op, link), -ECANCELED);
    return delivered;
}

/* --- Running --- */

/* No more than there are buffers: the rest would only fail again. */
static void restart_starved(struct uring *u)
{
    bufring_grow(&u->buffers);
    for (uint32_t n = u->buffers.given; n && !list_empty(&u->starved); n--)
        arm_recv(u, container_of(list_pop_front(&u->starved), struct io_op, link));
}

/* Returns the deadline, or the end of the pause if that is earlier. */
static uint64_t resume_paused(struct uring *u, uint64_t deadline_ns)
{
    if (real_now_ns(&u->base) < u->resume_ns)
        return deadline_ns < u->resume_ns ? deadline_ns : u->resume_ns;
    for (struct list *l; (l = list_pop_front(&u->paused));)
        arm_accept(u, container_of(l, struct io_op, link));
    return deadline_ns;
}

static unsigned kernel_flags(struct uring *u) { return __atomic_load_n(u->ring.sq.kflags, __ATOMIC_ACQUIRE); }

static void submit_and_wait(struct uring *u, uint64_t deadline_ns)
{
    int r;
    if (deadline_ns == UINT64_MAX) {
        r = io_uring_submit_and_wait(&u->ring, 1);
    } else {
        uint64_t now = real_now_ns(&u->base);
        uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
        struct __kernel_timespec ts = {(int64_t)(left / 1000000000), (long long)(left % 1000000000)};
        struct io_uring_cqe *cqe;
        r = io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
    }
    ASSERT(r >= 0 || r == -ETIME || r == -EINTR || r == -EBUSY || r == -EAGAIN || r == -ENOMEM);
}

/* One system call at most. */
static void enter_kernel(struct uring *u, bool may_sleep, uint64_t deadline_ns)
{
    if (may_sleep && !u->send_awaited && list_empty(&u->starved) && list_empty(&u->cancelled) &&
        io_uring_cq_ready(&u->ring) == 0)
        submit_and_wait(u, deadline_ns);
    else if (io_uring_sq_ready(&u->ring) || !(u->traits.setup_flags & IORING_SETUP_TASKRUN_FLAG) ||
             (kernel_flags(u) & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)))
        submit(u);
}

static unsigned uring_run(struct io *io, uint64_t deadline_ns)
{
    struct uring *u = of(io);
    bool may_sleep = deadline_ns != 0;
    unsigned delivered = 0;
    bufring_recycle(&u->buffers);
    if (!list_empty(&u->cancelled))
        delivered += deliver_cancelled(u);
    if (!list_empty(&u->starved))
        restart_starved(u);
    if (!list_empty(&u->paused))
        deadline_ns = resume_paused(u, deadline_ns);
    enter_kernel(u, may_sleep && delivered == 0, deadline_ns);

    struct list sent;
    list_init(&sent);
    if (io_uring_sq_ready(&u->ring) == 0) {
        list_move(&sent, &u->sends);
        u->send_awaited = false;
    }
    delivered += drain(u);
    while (kernel_flags(u) & IORING_SQ_CQ_OVERFLOW) { /* failures of `sent` may be among what did not fit */
        submit(u);
        delivered += drain(u);
    }
    return delivered + conclude(&sent);
}

/* --- Life --- */

static int uring_enter(struct io *io)
{
    struct uring *u = of(io);
    int r = uring_enable(&u->ring);
    if (r < 0)
        return r;
    arm_eventfd(u);
    return 0;
}

static void uring_destroy(struct io *io)
{
    struct uring *u = of(io);
    ASSERT(list_empty(&u->sends) && list_empty(&u->starved) && list_empty(&u->paused) && list_empty(&u->cancelled));
    io_uring_submit(&u->ring); /* wakes that were asked for; fails if it was never entered */
    io_uring_queue_exit(&u->ring);
    bufring_deinit(&u->buffers);
    close(u->base.wake_fd);
    mem_free(NULL, u);
}

static const struct io_vtable vtable = {
    .name = "io_uring",
    .enter = uring_enter,
    .destroy = uring_destroy,
    .start = uring_start,
    .cancel = uring_cancel,
    .close = uring_close,
    .run = uring_run,
    .wake = uring_wake,
    .now_ns = real_now_ns,
    .wall_us = real_wall_us,
};

int uring_create_with(struct io **out, const struct io_config *config, const struct uring_traits *traits)
{
    struct uring *u = mem_zalloc(NULL, sizeof *u);
    u->base.vtable = &vtable;
    u->traits = *traits;
    list_init(&u->sends);
    list_init(&u->starved);
    list_init(&u->paused);
    list_init(&u->cancelled);
    int r = uring_setup(&u->ring, traits);
    if (r < 0)
        goto fail;
    r = bufring_init(&u->buffers, &u->ring, config->recv_buffers, config->recv_buffer_bytes);
    if (r < 0)
        goto fail_ring;
    u->base.wake_fd = eventfd(0, EFD_CLOEXEC); /* blocking, or io_uring would not wait for it */
    if (u->base.wake_fd < 0) {
        r = -errno;
        goto fail_buffers;
    }
    *out = &u->base;
    return 0;

fail_buffers:
    io_uring_queue_exit(&u->ring);
    bufring_deinit(&u->buffers);
    goto fail;
fail_ring:
    io_uring_queue_exit(&u->ring);
fail:
    mem_free(NULL, u);
    return r;
}

int uring_backend_create(struct io **out, const struct io_config *config)
{
    struct uring_traits traits;
    if (uring_probe(&traits))
        return -ENOTSUP;
    return uring_create_with(out, config, &traits);
}
