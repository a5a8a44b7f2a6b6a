#include "src/base/blob.h"

#include "src/base/assert.h"

struct blob *blob_create(size_t cap)
{
    struct blob *b = mem_alloc(NULL, sizeof *b + cap);
    atomic_init(&b->refs, 1);
    b->ranges = 0;
    b->len = 0;
    b->cap = cap;
    atomic_init(&b->followed_by, NULL);
    b->range_epochs = NULL;
    return b;
}

void blob_release(struct blob *b)
{
    /* acq_rel: the thread that frees must see every other thread's last read as done. */
    if (atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    ASSERT(!b->range_epochs);
    mem_free(NULL, b);
}

struct blob *blob_grow(struct blob *b, size_t cap)
{
    ASSERT(blob_is_exclusive(b) && cap >= b->len);
    b = mem_realloc(NULL, b, sizeof *b + cap);
    b->cap = cap;
    return b;
}

size_t blob_memory(const struct blob *b) { return mem_size(b); }
