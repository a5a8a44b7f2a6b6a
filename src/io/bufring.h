/* The receive buffers of one ring: a provided buffer ring (Linux 5.19) from which the kernel picks a buffer when data
 * is there, so that idle connections hold none. Owner: the ring's thread.
 *
 * Only `given` buffers circulate. The kernel uses them in turn, so the fewer there are, the more of them are in the
 * CPU's caches; but with too few, receives fail with ENOBUFS. So the pool starts small, doubles when the kernel ran
 * out, and shrinks when most were idle for a long time, whereby the memory goes back to the kernel. */
#ifndef SKUA_IO_BUFRING_H
#define SKUA_IO_BUFRING_H

#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

/* Buffers begin at different cache lines of their pages, else all would fall into the same sets of the caches. */
enum { BUFRING_GROUP = 0, BUFRING_COLOURS = 16, BUFRING_LINE_BYTES = 64 };

struct bufring {
    struct io_uring_buf_ring *ring;
    char *memory;
    uint32_t stride;      /* bytes of address space a buffer */
    uint32_t max, given;  /* powers of two: buffers there are, and those that circulate */
    uint32_t taken_count; /* buffers that the caller reads from */
    uint32_t taken_peak;  /* since the last look at shrinking */
    uint32_t recycles;
    uint16_t *taken;
    bool *lent; /* in the kernel's hands or the caller's */
};

/* -errno on failure; the ring may still be disabled. */
int bufring_init(struct bufring *b, struct io_uring *ring, uint32_t buffers_max, uint32_t stride);
/* After the ring is gone. */
void bufring_deinit(struct bufring *b);

/* The buffer that a completion names; it stays the caller's until bufring_recycle. */
static inline const char *bufring_take(struct bufring *b, uint32_t cqe_flags)
{
    uint32_t id = cqe_flags >> IORING_CQE_BUFFER_SHIFT;
    b->taken[b->taken_count++] = (uint16_t)id;
    return b->memory + (size_t)id * b->stride + (id % BUFRING_COLOURS) * BUFRING_LINE_BYTES;
}

/* Gives all taken buffers back to the kernel. */
void bufring_recycle(struct bufring *b);

/* The kernel had none: lets more circulate, up to the maximum. */
void bufring_grow(struct bufring *b);

#endif
