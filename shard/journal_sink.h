/* The journal as shards and workers see it: where batches of effects go, and how far they are safe. Implemented by
 * persistence (persist/journal.h). Positions count batches. */
#ifndef SKUA_SHARD_JOURNAL_SINK_H
#define SKUA_SHARD_JOURNAL_SINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/shared.h"

struct effects;

/* What a reply waits for: positions up to which the journal is to be written, and synced; 0 for neither. */
struct journal_wait {
    uint64_t written, synced;
};

struct journal_sink {
    /* Queues the effects, of which there are some, as one batch behind all that were queued before, and returns its
     * position. Takes their memory, e is empty afterwards. worker: the caller, who owns or holds the shards that they
     * are of. transaction: they happened at one instant. Any worker's thread. */
    uint64_t (*append)(struct journal_sink *self, uint32_t worker, struct effects *e, bool transaction);
    _Atomic uint64_t queued, written, synced; /* the last position that was given, is in the file, is on disk */
    _Atomic bool strict;                      /* replies wait for synced, too: as the policy says */
};

/* Whether a reply that waits for this may leave. */
static inline bool journal_is_safe(const struct journal_sink *sink, const struct journal_wait *wait)
{
    struct journal_sink *s = (struct journal_sink *)sink;
    SHARED_OP();
    if (wait->written > atomic_load_explicit(&s->written, memory_order_acquire))
        return false;
    return wait->synced <= atomic_load_explicit(&s->synced, memory_order_acquire) ||
           !atomic_load_explicit(&s->strict, memory_order_relaxed);
}

#endif
