/* Memory of values that are one allocation and say themselves how much of it they use (listpack, intset). They grow to
 * what the allocator's size classes give, and move to a smaller class when they have shrunk enough. */
#ifndef SKUA_SHARD_DS_FLAT_H
#define SKUA_SHARD_DS_FLAT_H

#include <string.h>

#include "src/base/mem.h"

/* Makes room for bytes; returns where flat is now. */
static inline void *flat_grow(struct mem_account *account, void *flat, size_t bytes)
{
    return bytes > mem_size(flat) ? mem_realloc(account, flat, bytes) : flat;
}

/* Gives up what lies behind bytes if a class of so many with spare more is smaller. Not by realloc, which keeps a block
 * that is nearly twice as large as asked for. */
static inline void *flat_shrink(struct mem_account *account, void *flat, size_t bytes, size_t spare)
{
    if (mem_good_size(bytes + spare) >= mem_size(flat))
        return flat;
    void *to = memcpy(mem_alloc(account, bytes), flat, bytes);
    mem_free(account, flat);
    return to;
}

/* What is spared where something has been deleted, so that what comes and goes, as in a queue, need not move. */
static inline size_t flat_spare(size_t bytes) { return 16 + bytes / 8; }

#endif
