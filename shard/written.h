/* Which keys of a shard have been written and may not be on disk yet, so that a reply that read one can wait for it and
 * others need not (design section 8): two filters of key hashes, each with the journal position of its last write. One
 * takes the writes; the other one is cleared once its position is synced, and then they change places. So it may say
 * that a key waits which was not written, but not the other way round.
 *
 * Besides it has the hashes of the keys that were written and may not be in the file yet, which are few: while nothing
 * can be written reads of all others go on.
 *
 * A write is added when it is made; its position is known when the batch that tells of it is queued (written_queued).
 * Owner: the shard's. */
#ifndef SKUA_SHARD_WRITTEN_H
#define SKUA_SHARD_WRITTEN_H

#include <stdbool.h>
#include <stdint.h>

enum { WRITTEN_BITS = 1 << 15, WRITTEN_UNWRITTEN_MAX = 256 };

/* In place of a position: that of the batch that is being collected. */
#define WRITTEN_NOW UINT64_MAX

struct written_filter {
    uint64_t last; /* of its writes; 0: it is empty */
    bool all;      /* every key has been written */
    uint64_t bits[WRITTEN_BITS / 64];
};

/* Zeroed memory is an empty one. */
struct written {
    struct written_filter filter[2];
    uint32_t current;    /* the one that takes writes */
    uint32_t nunwritten; /* more than there is room for: any key may be one */
    uint64_t unwritten[WRITTEN_UNWRITTEN_MAX];
};

static inline void written_add(struct written *w, uint64_t hash)
{
    struct written_filter *f = &w->filter[w->current];
    f->bits[hash % WRITTEN_BITS / 64] |= 1ull << (hash % 64);
    f->last = WRITTEN_NOW;
    if (w->nunwritten < WRITTEN_UNWRITTEN_MAX)
        w->unwritten[w->nunwritten] = hash;
    w->nunwritten += w->nunwritten <= WRITTEN_UNWRITTEN_MAX;
}

/* All keys there are or were. */
static inline void written_add_all(struct written *w)
{
    w->filter[w->current].all = true;
    w->filter[w->current].last = WRITTEN_NOW;
    w->nunwritten = WRITTEN_UNWRITTEN_MAX + 1;
}

/* All that has been added is in the file. */
static inline void written_all_written(struct written *w) { w->nunwritten = 0; }

/* Whether this key may not be in the file as it is. */
bool written_is_unwritten(const struct written *w, uint64_t hash);

static inline bool written_filter_has(const struct written_filter *f, uint64_t hash)
{
    return f->last != 0 && (f->all || f->bits[hash % WRITTEN_BITS / 64] >> (hash % 64) & 1);
}

/* The position to wait for before a reply that tells of this key may leave: WRITTEN_NOW, a position, or 0 for none. */
static inline uint64_t written_position(const struct written *w, uint64_t hash)
{
    const struct written_filter *f = &w->filter[w->current], *older = &w->filter[!w->current];
    if (written_filter_has(f, hash))
        return f->last;
    return written_filter_has(older, hash) ? older->last : 0;
}

/* The same for a reply that tells of the shard as a whole. */
static inline uint64_t written_last(const struct written *w)
{
    uint64_t last = w->filter[w->current].last;
    return last ? last : w->filter[!w->current].last;
}

/* The batch with what was added has been queued at position. */
static inline void written_queued(struct written *w, uint64_t position)
{
    if (w->filter[w->current].last == WRITTEN_NOW)
        w->filter[w->current].last = position;
}

/* Everything up to position synced is on disk. Now and then: it does something only if that has moved on. */
void written_synced(struct written *w, uint64_t synced);

#endif
