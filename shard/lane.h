/* Lanes and holds: how a transaction gets several shards at once (design section 5).
 *
 * Each shard has a lane, a bounded queue of holds. A hold is put on the lanes of all its shards under one short lock,
 * so that all lanes agree on the order of any two. A shard that meets a hold at the head of its lane *arrives*: from
 * then on it runs nothing on its keys. When no shard is missing, the hold's home worker, told by the last one to
 * arrive, runs what it wanted on all of them and releases it. Same order in every lane: no deadlock.
 *
 * Taking back. A shard waits at most HOLD_WAIT_NS for a hold that misses others. Then it takes its arrival back (adds
 * one to `missing`, which fails once that is zero), leaves the hold at the head of its lane and goes on with
 * single-shard work. `at_head` counts the shards at whose lane's head the hold is and only goes up: whoever makes it
 * complete wakes all shards, and one that took back arrives again as soon as it sees it complete. Between its
 * compare-and-swap on missing and its look at at_head, as between the increment of at_head and the wake, there is
 * sequential consistency, so one of the two sides always sees the other.
 *
 * What this does not do: run anything, or know workers. Callers wake those whom the functions name. */
#ifndef SKUA_SHARD_LANE_H
#define SKUA_SHARD_LANE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shard/mailbox.h"

enum {
    SHARDS_MAX = 1024,
    LANE_ENTRIES_MAX = 256, /* power of two */
    HOLD_WAIT_NS = 1000 * 1000,
};

struct shard_set {
    uint64_t bits[SHARDS_MAX / 64];
    uint32_t count;
};

void shard_set_add(struct shard_set *s, uint32_t shard);
static inline bool shard_set_has(const struct shard_set *s, uint32_t shard)
{
    return s->bits[shard / 64] >> (shard % 64) & 1;
}
/* The number of shards in either. */
uint32_t shard_set_union_count(const struct shard_set *a, const struct shard_set *b);
bool shard_set_intersects(const struct shard_set *a, const struct shard_set *b);
void shard_set_unite(struct shard_set *into, const struct shard_set *s);
/* The smallest member that is at least from, or SHARDS_MAX. */
uint32_t shard_set_next(const struct shard_set *s, uint32_t from);

/* A wish for several shards. Embedded in what runs on them. Owner: the home worker, until it is put on the lanes; then
 * shared until the last shard has let go (lane_step tells), when the last one to let go frees it. */
struct hold {
    struct message ready; /* goes to the home worker when all have arrived */
    uint32_t home;
    struct shard_set shards;
    void (*free)(struct hold *h);
    _Alignas(64) _Atomic uint32_t missing;
    _Atomic uint32_t at_head;
    _Atomic uint32_t released;
    _Atomic uint32_t refs;
};

enum lane_state { LANE_FREE, LANE_ARRIVED, LANE_TOOK_BACK };

/* Owner: the shard's worker; tail and slots are written under the order lock. */
struct lane {
    _Alignas(64) _Atomic uint32_t tail;
    _Alignas(64) _Atomic uint32_t head;
    struct hold *current; /* taken from the head, not let go yet */
    enum lane_state state;
    uint64_t arrived_ns;
    uint64_t takebacks; /* statistics */
    struct hold *slots[LANE_ENTRIES_MAX];
};

/* All lanes of the process and the lock of their order. */
struct lanes {
    _Alignas(64) atomic_flag order;
    uint32_t count;
    struct lane *lane; /* [count], owned */
};

void lanes_init(struct lanes *l, uint32_t count);
void lanes_deinit(struct lanes *l);

/* Puts h on all its lanes. False if another thread has the lock or a lane is full: try again in the next iteration. The
 * caller then wakes the workers of all its shards. h->shards, home and free are set. */
bool lanes_put(struct lanes *l, struct hold *h);

/* What a shard is to do after lane_step. */
struct lane_news {
    struct hold *ready; /* all have arrived, by this shard's arrival: tell its home (send ready, or run it if home) */
    struct hold *complete; /* this shard made at_head complete: wake all shards of it */
    bool released;         /* a hold was let go: run what queued up meanwhile before the next lane_step */
};

/* Lets go of a released hold, arrives at the next, takes back or arrives again. shard is the lane's. */
struct lane_news lane_step(struct lanes *l, uint32_t shard, uint64_t now_ns);

/* Runs nothing on its keys now. */
static inline bool lane_is_held(const struct lane *l) { return l->state == LANE_ARRIVED; }

/* Whether lane_step would do something now. Called between announcing sleep and sleeping. */
bool lane_has_work(const struct lane *l);

/* When lane_step is to be called even if nothing happens (to take back); UINT64_MAX: never. */
uint64_t lane_deadline_ns(const struct lane *l);

/* The home worker has run what it wanted: lets all shards go. The caller wakes their workers; the shard set must be
 * copied before, as h may be freed by another thread at once. */
void hold_release(struct hold *h);

#endif
