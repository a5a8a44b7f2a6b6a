#include "shard/type/zset_listpack.h"

#include "shard/type/zset_order.h"
#include "src/base/dtoa.h"

/* What a score is stored as; its text lies in buf. */
static struct listpack_value pack_score(double score, char buf[static DTOA_CHARS])
{
    int64_t whole;
    if (dtoa_whole(score, &whole))
        return listpack_integer(whole);
    return listpack_value_of(slice_of(buf, dtoa_double(buf, score)));
}

double zset_listpack_score(const struct listpack *lp, uint32_t at)
{
    struct listpack_value v = listpack_get(lp, listpack_next(lp, at));
    double score = 0;
    if (!v.string)
        return (double)v.integer;
    num_parse_double(slice_of(v.string, v.len), &score);
    return score;
}

uint64_t zset_listpack_rank(const struct listpack *lp, uint32_t at)
{
    uint64_t rank = 0;
    for (uint32_t i = listpack_first(lp); i != at; i = zset_listpack_next(lp, i))
        rank++;
    return rank;
}

/* Whether score and member come before the pair at a place. */
static bool is_before(const struct listpack *lp, double score, struct slice member, uint32_t at)
{
    char digits[NUM_INT_CHARS];
    double other = zset_listpack_score(lp, at);
    if (score != other)
        return score < other;
    return zset_compare_members(member, listpack_text_of(listpack_get(lp, at), digits)) < 0;
}

/* The first member that comes behind score and member; LISTPACK_NONE: none does. */
static uint32_t first_behind(const struct listpack *lp, double score, struct slice member)
{
    uint32_t last = zset_listpack_previous(lp, listpack_end(lp));
    if (last == LISTPACK_NONE || !is_before(lp, score, member, last))
        return LISTPACK_NONE;
    uint32_t at = listpack_first(lp);
    while (!is_before(lp, score, member, at))
        at = zset_listpack_next(lp, at);
    return at;
}

static struct listpack *insert(struct mem_account *account, struct listpack *lp, uint32_t at,
                               struct listpack_value member, double score)
{
    char text[DTOA_CHARS];
    return listpack_insert(account, lp, at, (struct listpack_value[]){member, pack_score(score, text)}, 2);
}

struct listpack *zset_listpack_add(struct mem_account *account, struct listpack *lp, struct listpack_value member,
                                   double score)
{
    char digits[NUM_INT_CHARS];
    return insert(account, lp, first_behind(lp, score, listpack_text_of(member, digits)), member, score);
}

struct listpack *zset_listpack_append(struct mem_account *account, struct listpack *lp, struct listpack_value member,
                                      double score)
{
    return insert(account, lp, LISTPACK_NONE, member, score);
}

struct listpack *zset_listpack_set_score(struct mem_account *account, struct listpack *lp, uint32_t at,
                                         struct listpack_value member, double score)
{
    char text[DTOA_CHARS], digits[NUM_INT_CHARS];
    uint32_t to = first_behind(lp, score, listpack_text_of(member, digits));
    if (to == at || to == zset_listpack_next(lp, at))
        return listpack_replace(account, lp, listpack_next(lp, at), pack_score(score, text));
    uint32_t bytes = lp->bytes;
    lp = listpack_delete(account, lp, at, 2);
    if (to > at)
        to -= bytes - lp->bytes;
    return insert(account, lp, to, member, score);
}
