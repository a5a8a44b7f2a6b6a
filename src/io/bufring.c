#include "src/io/bufring.h"

#include <errno.h>
#include <sys/mman.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

enum { GIVEN_MIN = 16, SHRINK_EVERY = 4096 };

static void add(struct bufring *b, uint32_t id, int offset)
{
    char *start = b->memory + (size_t)id * b->stride + (id % BUFRING_COLOURS) * BUFRING_LINE_BYTES;
    io_uring_buf_ring_add(b->ring, start, b->stride - (BUFRING_COLOURS - 1) * BUFRING_LINE_BYTES, (unsigned short)id,
                          io_uring_buf_ring_mask(b->max), offset);
    b->lent[id] = true;
}

/* Lets buffers from..to circulate too. One that did so before the pool shrank may not have come back yet. */
static void give(struct bufring *b, uint32_t from, uint32_t to)
{
    int n = 0;
    for (uint32_t id = from; id < to; id++)
        if (!b->lent[id])
            add(b, id, n++);
    io_uring_buf_ring_advance(b->ring, n);
    b->given = to;
}

static void *map(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

int bufring_init(struct bufring *b, struct io_uring *ring, uint32_t buffers_max, uint32_t stride)
{
    ASSERT(buffers_max && (buffers_max & (buffers_max - 1)) == 0 && buffers_max <= 32768);
    *b = (struct bufring){.max = buffers_max, .stride = stride};
    b->memory = map((size_t)buffers_max * stride);
    b->ring = map(buffers_max * sizeof(struct io_uring_buf));
    b->taken = mem_alloc(NULL, buffers_max * sizeof *b->taken);
    b->lent = mem_zalloc(NULL, buffers_max * sizeof *b->lent);
    int r = -ENOMEM;
    if (b->memory && b->ring) {
        struct io_uring_buf_reg reg = {
            .ring_addr = (uintptr_t)b->ring, .ring_entries = buffers_max, .bgid = BUFRING_GROUP};
        r = io_uring_register_buf_ring(ring, &reg, 0);
    }
    if (r < 0) {
        bufring_deinit(b);
        return r;
    }
    /* A huge page would make 2 MB resident where 4 KB are used. Not having that advice is no error. */
    madvise(b->memory, (size_t)buffers_max * stride, MADV_NOHUGEPAGE);
    io_uring_buf_ring_init(b->ring);
    give(b, 0, buffers_max < GIVEN_MIN ? buffers_max : GIVEN_MIN);
    return 0;
}

void bufring_deinit(struct bufring *b)
{
    if (b->memory)
        munmap(b->memory, (size_t)b->max * b->stride);
    if (b->ring)
        munmap(b->ring, b->max * sizeof(struct io_uring_buf));
    mem_free(NULL, b->taken);
    mem_free(NULL, b->lent);
}

static void consider_shrinking(struct bufring *b)
{
    if (b->taken_peak * 4 < b->given && b->given > GIVEN_MIN)
        b->given /= 2;
    b->taken_peak = 0;
}

void bufring_recycle(struct bufring *b)
{
    if (b->taken_count == 0)
        return;
    if (b->taken_count > b->taken_peak)
        b->taken_peak = b->taken_count;
    if (++b->recycles % SHRINK_EVERY == 0)
        consider_shrinking(b);
    int n = 0;
    for (uint32_t i = 0; i < b->taken_count; i++) {
        uint32_t id = b->taken[i];
        if (id < b->given) {
            add(b, id, n++);
        } else {
            b->lent[id] = false;
            madvise(b->memory + (size_t)id * b->stride, b->stride, MADV_DONTNEED);
        }
    }
    io_uring_buf_ring_advance(b->ring, n);
    b->taken_count = 0;
}

void bufring_grow(struct bufring *b)
{
    if (b->given < b->max)
        give(b, b->given, b->given * 2);
}
