/* A reference-counted stretch of bytes: a large value, or a bulk that was received straight into the memory that will
 * hold it. Replies send it from where it lies, so a blob with more than one reference is never changed: whoever wants
 * to, copies it (blob_own). References may be dropped on any thread; the last one frees. */
#ifndef SKUA_BASE_BLOB_H
#define SKUA_BASE_BLOB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/mem.h"

struct blob {
    _Atomic uint32_t refs;
    uint32_t reserved;
    size_t len;             /* bytes in use */
    size_t cap;             /* bytes that data has room for */
    uint32_t *range_epochs; /* one per 64 KB range of a value over 64 KB (design section 9); NULL otherwise; owned */
    char data[];
};

enum { BLOB_RANGE_BYTES = 64 * 1024 };

/* One reference, owned by the caller. Not counted for anybody: who keeps a blob as a value counts blob_memory(). */
struct blob *blob_create(size_t cap);

static inline struct blob *blob_hold(struct blob *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void blob_release(struct blob *b);

/* Whether the caller's reference is the only one, so that it may change the bytes. */
static inline int blob_is_exclusive(const struct blob *b)
{
    return atomic_load_explicit(&((struct blob *)b)->refs, memory_order_acquire) == 1;
}

/* Makes room for cap bytes, cap >= len; takes the caller's reference, which is the only one, and returns the blob in
 * its new place. */
struct blob *blob_grow(struct blob *b, size_t cap);

/* Bytes the allocator holds for it. */
size_t blob_memory(const struct blob *b);

#endif
