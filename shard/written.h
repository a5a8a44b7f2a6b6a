/* Which keys of a shard have been written and may not be in the journal's file, or not on disk, yet, so that a reply
 * that has seen one waits for it and others need not (design section 8). Filters of key hashes: they may say of a key
 * that it waits although it was not written, but not the other way round.
 *
 *   unwritten     cleared when everything that was queued is in the file
 *   unsynced[2]   each with the journal position of its last write. One takes the writes; the other one is cleared once
 *                 its position is synced, and then they change places.
 *
 * A write is added when it is made; its position is known when the batch that tells of it is queued (written_queued).
 * Owner: the shard's. */
#ifndef SKUA_SHARD_WRITTEN_H
#define SKUA_SHARD_WRITTEN_H

#include <stdbool.h>
#include <stdint.h>

enum { WRITTEN_BITS = 1 << 15 };

/* In place of a position: that of the batch that is being collected. */
#define WRITTEN_NOW UINT64_MAX

struct written_filter {
    uint64_t last; /* position of its last write; 0: it is empty */
    bool all;      /* every key has been written */
    uint64_t bits[WRITTEN_BITS / 64];
};

/* Zeroed memory is an empty one. */
struct written {
    struct written_filter unwritten, unsynced[2];
    uint32_t current; /* of unsynced, the one that takes writes */
};

static inline void written_filter_add(struct written_filter *f, uint64_t hash)
{
    f->bits[hash % WRITTEN_BITS / 64] |= 1ull << (hash % 64);
    f->last = WRITTEN_NOW;
}

static inline void written_add(struct written *w, uint64_t hash)
{
    written_filter_add(&w->unwritten, hash);
    written_filter_add(&w->unsynced[w->current], hash);
}

/* All keys there are or were. */
void written_add_all(struct written *w);

/* What to wait for before a reply that tells of this key may leave: WRITTEN_NOW, a position, or 0 for nothing. */
static inline uint64_t written_filter_position(const struct written_filter *f, uint64_t hash)
{
    return f->last != 0 && (f->all || f->bits[hash % WRITTEN_BITS / 64] >> (hash % 64) & 1) ? f->last : 0;
}

static inline uint64_t written_unwritten(const struct written *w, uint64_t hash)
{
    return written_filter_position(&w->unwritten, hash);
}

static inline uint64_t written_unsynced(const struct written *w, uint64_t hash)
{
    uint64_t position = written_filter_position(&w->unsynced[w->current], hash);
    return position ? position : written_filter_position(&w->unsynced[!w->current], hash);
}

/* The same for a reply that tells of the shard as a whole. */
static inline uint64_t written_any_unsynced(const struct written *w)
{
    uint64_t last = w->unsynced[w->current].last;
    return last ? last : w->unsynced[!w->current].last;
}

/* The batch with what was added has been queued at position. */
void written_queued(struct written *w, uint64_t position);

/* Everything up to position written is in the file, and up to synced on disk. Now and then: it does something only
 * where that has passed a filter. */
void written_safe(struct written *w, uint64_t written, uint64_t synced);

#endif
