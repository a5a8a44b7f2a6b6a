/* Parts of sorted sets. Every range is one of ranks in the end, from the lowest score up: so it is known how many
 * members it has before the first is given, and there is one way to walk and one to remove.
 *
 * Ranges of names are for sets whose scores are all the same. In others a listpack gives what Redis gives; of a large
 * set it is some range, as in Redis. */
#ifndef SKUA_SHARD_TYPE_ZSET_RANGE_H
#define SKUA_SHARD_TYPE_ZSET_RANGE_H

#include "shard/type/zset.h"
#include "src/base/random.h"

struct zset_ranks {
    uint64_t first, end; /* first <= end; end itself is out */
};

static inline uint64_t zset_ranks_count(struct zset_ranks r) { return r.end - r.first; }

/* Neither is nan. Open: without the members that have it. */
struct zset_scores {
    double min, max;
    bool min_open, max_open;
};

struct zset_name_bound {
    enum { ZSET_NAME, ZSET_BEFORE_ALL, ZSET_BEHIND_ALL } what;
    struct slice name; /* ZSET_NAME */
    bool open;
};

struct zset_names {
    struct zset_name_bound min, max;
};

/* From one to another, both included; negative ones count from the end. */
struct zset_ranks zset_by_rank(struct typed_value v, int64_t first, int64_t last);
struct zset_ranks zset_by_score(struct typed_value v, const struct zset_scores *range);
/* reverse: as it is when looked for from the end, which matters where scores differ. */
struct zset_ranks zset_by_name(struct typed_value v, const struct zset_names *range, bool reverse);

/* The same ranks, counted from the other end. */
static inline struct zset_ranks zset_ranks_turned(struct typed_value v, struct zset_ranks r)
{
    uint64_t n = value_count(v);
    return (struct zset_ranks){n - r.end, n - r.first};
}

typedef void zset_visit(void *arg, struct slice member, double score);

enum zset_walk_flag {
    ZSET_REVERSE = 1,
    ZSET_NO_SCORES = 2, /* gives 0 in place of a score, which may be quicker */
};
/* Calls fn with the members of these ranks. */
void zset_walk(struct typed_value v, struct zset_ranks ranks, unsigned flags, zset_visit *fn, void *arg);

/* Removes the members of these ranks. The key is gone with the last one: zset_exists. */
void zset_remove_ranks(struct zset *z, struct zset_ranks ranks);

/* Calls fn with n random members: any of them each time; n different ones, all if there are no more, each set of them
 * equally likely. */
void zset_pick(struct typed_value v, uint64_t n, struct random *random, zset_visit *fn, void *arg);
void zset_sample(struct typed_value v, uint64_t n, struct random *random, zset_visit *fn, void *arg);

#endif
