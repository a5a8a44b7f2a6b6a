/* A reference-counted stretch of bytes: a large value, or a bulk that was received straight into the memory that will
 * hold it. Replies send it from where it lies, so a blob with more than one reference is never changed: whoever wants
 * to, copies it (keyspace_change_blob). References may be dropped on any thread; the last one frees. */
#ifndef SKUA_BASE_BLOB_H
#define SKUA_BASE_BLOB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/mem.h"

struct blob {
    _Atomic uint32_t refs;
    uint32_t ranges; /* how many epochs there are */
    size_t len;      /* bytes in use */
    size_t cap;      /* bytes that data has room for */
    /* For keyspace_follow, whose they are: the keyspace whose snapshot reads this blob while its value changes, and the
     * epoch bit of each of the ranges that it had at the cut, 1 once the snapshot has seen it. Only the keyspace that
     * finds itself in followed_by may touch the others; NULL, nearly always, as all that is new needs no epochs. */
    _Atomic(const void *) followed_by;
    uint8_t *range_epochs;
    char data[];
};

enum { BLOB_RANGE_BYTES = 64 * 1024 };

/* One reference, owned by the caller. Not counted for anybody: who keeps a blob as a value counts blob_memory(). */
struct blob *blob_create(size_t cap);
/* The same with len zero bytes in it. Of a large one the kernel gives memory only where it is touched. */
struct blob *blob_create_zeroed(size_t len);

static inline struct blob *blob_hold(struct blob *b)
{
    atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void blob_release(struct blob *b);

/* How many references there are. Others may drop theirs at any time, and have read for the last time then. */
static inline uint32_t blob_refs(const struct blob *b)
{
    return atomic_load_explicit(&((struct blob *)b)->refs, memory_order_acquire);
}

/* Whether the caller's reference is the only one, so that it may change the bytes. */
static inline int blob_is_exclusive(const struct blob *b) { return blob_refs(b) == 1; }

/* Makes room for cap bytes, cap >= len; takes the caller's reference, which is the only one, and returns the blob in
 * its new place. */
struct blob *blob_grow(struct blob *b, size_t cap);

/* Bytes the allocator holds for it. */
size_t blob_memory(const struct blob *b);

#endif
