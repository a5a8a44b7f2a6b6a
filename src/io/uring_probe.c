#include "src/io/uring_probe.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/io/bufring.h"
#include "src/io/io.h"

/* The submission queue is written out when full, so its size bounds only how many operations one system call carries.
 * The kernel keeps what does not fit into the completion queue, which costs time but loses nothing. */
enum { SQ_ENTRIES = 512, CQ_ENTRIES = 4096 };

int uring_setup(struct io_uring *ring, const struct uring_traits *traits)
{
    struct io_uring_params p = {.flags = traits->setup_flags | IORING_SETUP_CQSIZE, .cq_entries = CQ_ENTRIES};
    return io_uring_queue_init_params(SQ_ENTRIES, ring, &p);
}

int uring_enable(struct io_uring *ring)
{
    /* io_uring_enable_rings is missing from the shared library of liburing 2.3 */
    return io_uring_register((unsigned)ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
}

static const char *setup_refused(int error)
{
    switch (error) {
    case EPERM:
        return "io_uring_setup: Operation not permitted (seccomp profile or kernel.io_uring_disabled)";
    case EACCES:
        return "io_uring_setup: Permission denied (security module)";
    case ENOSYS:
        return "io_uring_setup: Function not implemented (seccomp profile, or a kernel without io_uring)";
    case ENOMEM:
        return "io_uring_setup: Cannot allocate memory (memory limit, or RLIMIT_MEMLOCK)";
    case EMFILE:
    case ENFILE:
        return "io_uring_setup: Too many open files";
    case EINVAL:
        return "io_uring_setup: Invalid argument (kernel older than 6.0)";
    default:
        return "io_uring_setup: unexpected error";
    }
}

/* From best to plainest: DEFER_TASKRUN is 6.1, SINGLE_ISSUER 6.0, COOP_TASKRUN and TASKRUN_FLAG 5.19. Each needs its
 * ring to be made disabled, so that the thread that enables it becomes the single issuer. */
static const unsigned setup_flags[] = {
    IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_R_DISABLED | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_R_DISABLED,
};

static int setup_best(struct io_uring *ring, struct uring_traits *traits)
{
    int r = -EINVAL;
    for (size_t i = 0; i < sizeof setup_flags / sizeof *setup_flags && r == -EINVAL; i++) {
        traits->setup_flags = setup_flags[i];
        r = uring_setup(ring, traits);
    }
    return r;
}

/* Submits all and waits briefly for a completion with user_data; false if none comes. */
static bool completion_of(struct io_uring *ring, uint64_t user_data, struct io_uring_cqe *out)
{
    for (;;) {
        struct __kernel_timespec limit = {.tv_nsec = 200 * 1000 * 1000};
        struct io_uring_cqe *cqe;
        int r = io_uring_submit_and_wait_timeout(ring, &cqe, 1, &limit, NULL);
        if (r == -EINTR)
            continue;
        if (r < 0 || io_uring_peek_cqe(ring, &cqe) < 0)
            return false;
        *out = *cqe;
        io_uring_cqe_seen(ring, cqe);
        if (out->user_data == user_data)
            return true;
    }
}

/* Does a multishot receive (6.0) take a provided buffer and stay armed? No probe of the kernel's tells. */
static bool multishot_recv_works(struct io_uring *ring, const int pair[2])
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_recv_multishot(sqe, pair[0], NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFRING_GROUP;
    sqe->user_data = 1;
    struct io_uring_cqe cqe;
    bool works = write(pair[1], "x", 1) == 1 && completion_of(ring, 1, &cqe) && cqe.res == 1 &&
                 (cqe.flags & IORING_CQE_F_BUFFER) && (cqe.flags & IORING_CQE_F_MORE);
    sqe = io_uring_get_sqe(ring);
    io_uring_prep_cancel64(sqe, 1, 0);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = 0;
    return works && completion_of(ring, 1, &cqe);
}

/* Does a send that does not fit into the socket say how much it sent, although success is asked to be silent, and
 * without waiting for room? */
static bool quiet_sends_work(struct io_uring *ring, const int pair[2])
{
    enum { LARGE = 4 << 20, SNDBUF = 16 << 10 };
    int small = SNDBUF;
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    char *bytes = mem_zalloc(NULL, LARGE);
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    io_uring_prep_send(sqe, pair[1], bytes, LARGE, MSG_NOSIGNAL | MSG_WAITALL | MSG_DONTWAIT);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = 2;
    struct io_uring_cqe partial, again;
    bool works = completion_of(ring, 2, &partial) && partial.res > 0 && partial.res < LARGE;
    if (works) { /* now it is full */
        sqe = io_uring_get_sqe(ring);
        io_uring_prep_send(sqe, pair[1], bytes, LARGE, MSG_NOSIGNAL | MSG_WAITALL | MSG_DONTWAIT);
        sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
        sqe->user_data = 3;
        works = completion_of(ring, 3, &again) && again.res == -EAGAIN;
    }
    mem_free(NULL, bytes);
    return works;
}

static bool has_msg_ring(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool has = probe && io_uring_opcode_supported(probe, IORING_OP_MSG_RING);
    if (probe)
        io_uring_free_probe(probe);
    return has;
}

/* Why the ring cannot do what uring.c needs, or NULL. */
static const char *try_out(struct io_uring *ring, const int pair[2], struct uring_traits *traits)
{
    if (!(ring->features & IORING_FEAT_CQE_SKIP) || !(ring->features & IORING_FEAT_NODROP))
        return "io_uring: kernel older than 6.0";
    if (uring_enable(ring) < 0)
        return "io_uring_register: refused (seccomp profile)";
    if (!multishot_recv_works(ring, pair))
        return "io_uring: no multishot receive (kernel older than 6.0, or seccomp profile)";
    traits->quiet_sends = quiet_sends_work(ring, pair);
    traits->msg_ring = has_msg_ring(ring);
    return NULL;
}

static const char *try_out_with_buffers(struct io_uring *ring, const int pair[2], struct uring_traits *traits)
{
    struct bufring buffers;
    if (bufring_init(&buffers, ring, 4, (uint32_t)sysconf(_SC_PAGESIZE)) < 0) {
        io_uring_queue_exit(ring);
        return "io_uring: no provided buffer rings (kernel older than 5.19, or seccomp profile)";
    }
    const char *why = try_out(ring, pair, traits);
    io_uring_queue_exit(ring);
    bufring_deinit(&buffers);
    return why;
}

const char *uring_probe(struct uring_traits *traits)
{
    struct io_uring ring;
    *traits = (struct uring_traits){0};
    int r = setup_best(&ring, traits);
    if (r < 0)
        return setup_refused(-r);
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        io_uring_queue_exit(&ring);
        return "io_uring: could not be tried (socketpair failed)";
    }
    const char *why = try_out_with_buffers(&ring, pair, traits);
    close(pair[0]);
    close(pair[1]);
    return why;
}

const char *io_uring_unavailable(void)
{
    struct uring_traits traits;
    return uring_probe(&traits);
}
