#include "src/base/blob.h"

#include "src/base/assert.h"

static struct blob *init(struct blob *b, size_t len, size_t cap)
{
    atomic_init(&b->refs, 1);
    b->ranges = 0;
    b->len = len;
    b->cap = cap;
    atomic_init(&b->followed_by, NULL);
    b->range_epochs = NULL;
    return b;
}

struct blob *blob_create(size_t cap) { return init(mem_alloc(NULL, sizeof(struct blob) + cap), 0, cap); }

struct blob *blob_create_zeroed(size_t len) { return init(mem_zalloc(NULL, sizeof(struct blob) + len), len, len); }

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
