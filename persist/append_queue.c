#include "persist/append_queue.h"

#include <sched.h>

#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/base/shared.h"

enum {
    SPARES = 4,                  /* of a worker: about as many as it has under way */
    SPARE_BYTES_MAX = 64 * 1024, /* a larger buffer is not kept */
    SPINS = 100,                 /* before others are let on the processor, the one with the lock among them */
};

/* Batches to be filled again. Who frees one puts it into a free slot, the worker takes it out of there. */
struct batch_spares {
    _Alignas(64) _Atomic(struct queued_batch *) slots[SPARES];
};

static void destroy(struct queued_batch *b)
{
    mem_free(NULL, b->buf);
    mem_free(NULL, b);
}

void append_queue_init(struct append_queue *q, uint32_t nworkers, _Atomic uint64_t *position)
{
    *q = (struct append_queue){.last_next = &q->first, .position = position, .nworkers = nworkers};
    q->spares = mem_alloc_aligned(NULL, 64, nworkers * sizeof *q->spares);
    memset(q->spares, 0, nworkers * sizeof *q->spares);
}

void append_queue_deinit(struct append_queue *q)
{
    for (struct queued_batch *b = append_queue_take(q), *next; b; b = next) {
        next = b->next;
        destroy(b);
    }
    for (uint32_t i = 0; i < q->nworkers * SPARES; i++) {
        struct queued_batch *b = atomic_load(&q->spares[i / SPARES].slots[i % SPARES]);
        if (b)
            destroy(b);
    }
    mem_free(NULL, q->spares);
}

/* ---- Memory ---- */

static struct queued_batch *create(struct append_queue *q, uint32_t worker)
{
    for (uint32_t i = 0; i < SPARES; i++) {
        _Atomic(struct queued_batch *) *slot = &q->spares[worker].slots[i];
        if (atomic_load_explicit(slot, memory_order_relaxed))
            return atomic_exchange_explicit(slot, NULL, memory_order_acquire);
    }
    struct queued_batch *b = mem_alloc(NULL, sizeof *b);
    b->buf = NULL;
    b->cap = 0;
    return b;
}

void append_queue_free(struct append_queue *q, struct queued_batch *b)
{
    for (uint32_t i = 0; i < SPARES && b->cap <= SPARE_BYTES_MAX; i++) {
        _Atomic(struct queued_batch *) *slot = &q->spares[b->worker].slots[i];
        struct queued_batch *none = NULL;
        if (!atomic_load_explicit(slot, memory_order_relaxed) &&
            atomic_compare_exchange_strong_explicit(slot, &none, b, memory_order_release, memory_order_relaxed))
            return;
    }
    destroy(b);
}

/* ---- Filling ---- */

/* The effects as they are: e and b exchange their buffers. */
static void fill(struct queued_batch *b, struct effects *e)
{
    char *buf = b->buf;
    size_t cap = b->cap;
    b->buf = e->buf;
    b->len = e->len;
    b->cap = e->cap;
    effects_init(e);
    e->buf = buf;
    e->cap = cap;
}

static void fill_framed(struct queued_batch *b, struct effects *e)
{
    size_t need = e->len + AOF_FRAME_BYTES;
    if (b->cap < need) {
        mem_free(NULL, b->buf);
        b->buf = mem_alloc(NULL, need);
        b->cap = need;
    }
    b->len = aof_write_batch(b->buf, slice_of(e->buf, e->len), true);
    if (e->cap > SPARE_BYTES_MAX)
        effects_deinit(e);
    effects_clear(e);
}

/* ---- The queue ---- */

/* Whoever waits here waits for a few instructions, unless the one with the lock has lost its processor in them. */
static void lock(struct append_queue *q)
{
    SHARED_OP();
    while (atomic_exchange_explicit(&q->lock, 1, memory_order_acquire))
        for (int i = 0; atomic_load_explicit(&q->lock, memory_order_relaxed); i++)
            if (i >= SPINS)
                sched_yield();
}

static void unlock(struct append_queue *q) { atomic_store_explicit(&q->lock, 0, memory_order_release); }

uint64_t append_queue_put(struct append_queue *q, uint32_t worker, struct effects *e, bool transaction)
{
    struct queued_batch *b = create(q, worker);
    b->commands = e->commands;
    if (transaction && e->commands > 1)
        fill_framed(b, e);
    else
        fill(b, e);
    b->sum = aof_batch_sum(slice_of(b->buf, b->len));
    b->worker = worker;
    b->lines_len = 0;
    b->next = NULL;

    lock(q);
    uint64_t position = atomic_load_explicit(q->position, memory_order_relaxed) + 1;
    b->position = position;
    *q->last_next = b;
    q->last_next = &b->next;
    uint64_t bytes = atomic_load_explicit(&q->bytes, memory_order_relaxed) + queued_batch_bytes(b);
    atomic_store_explicit(&q->bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(q->position, position, memory_order_release);
    unlock(q);
    return position;
}

struct queued_batch *append_queue_take(struct append_queue *q)
{
    lock(q);
    struct queued_batch *first = q->first;
    q->first = NULL;
    q->last_next = &q->first;
    unlock(q);
    return first;
}
