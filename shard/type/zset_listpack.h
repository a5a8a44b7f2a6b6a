/* The compact encoding of sorted sets: a listpack of member, score, member, score, ... in the order of the set. A score
 * is an integer where Redis makes it one, else its text. Source: Redis 7.4 t_zset.c (zzlInsertAt, zzlGetScore).
 *
 * A place is that of a member. Owner, and what changes do to places: as of any listpack. */
#ifndef SKUA_SHARD_TYPE_ZSET_LISTPACK_H
#define SKUA_SHARD_TYPE_ZSET_LISTPACK_H

#include "shard/ds/listpack.h"

/* Bytes that a pair takes at most, besides its member's content. */
enum { ZSET_LISTPACK_PAIR_BYTES = 48 };

static inline uint32_t zset_listpack_len(const struct listpack *lp) { return listpack_count(lp) / 2; }

/* The next and the previous member; LISTPACK_NONE if there is none. */
static inline uint32_t zset_listpack_next(const struct listpack *lp, uint32_t at)
{
    return listpack_next(lp, listpack_next(lp, at));
}
static inline uint32_t zset_listpack_previous(const struct listpack *lp, uint32_t at)
{
    uint32_t score = listpack_prev(lp, at);
    return score == LISTPACK_NONE ? LISTPACK_NONE : listpack_prev(lp, score);
}

static inline uint32_t zset_listpack_seek(const struct listpack *lp, uint64_t rank)
{
    return listpack_seek(lp, (int64_t)rank * 2);
}

static inline uint32_t zset_listpack_find(const struct listpack *lp, struct listpack_value member)
{
    return listpack_find(lp, listpack_first(lp), member, 1);
}

double zset_listpack_score(const struct listpack *lp, uint32_t at);
/* How many members come before the place. */
uint64_t zset_listpack_rank(const struct listpack *lp, uint32_t at);

/* member is packed as it will lie there. */
struct listpack *zset_listpack_add(struct mem_account *account, struct listpack *lp, struct listpack_value member,
                                   double score);
/* Adds a member that comes behind all others. */
struct listpack *zset_listpack_append(struct mem_account *account, struct listpack *lp, struct listpack_value member,
                                      double score);
/* Gives the member at a place another score. */
struct listpack *zset_listpack_set_score(struct mem_account *account, struct listpack *lp, uint32_t at,
                                         struct listpack_value member, double score);

#endif
