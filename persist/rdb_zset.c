/* Sorted sets in RDB files: as members and scores in any order, or as a listpack or a ziplist of member, score, member,
 * score, ... in the order of the set. */
#include <math.h>

#include "persist/rdb_types.h"
#include "shard/type/zset.h"
#include "shard/type/zset_large.h"
#include "shard/type/zset_range.h"

/* ---- Reading ---- */

static bool read_text_score(struct rdb_value_reader *r, double *score)
{
    uint8_t len;
    if (!rdb_read_byte(&r->in, &len))
        return false;
    if (len >= RDB_DOUBLE_NAN) {
        *score = len == RDB_DOUBLE_NAN ? NAN : len == RDB_DOUBLE_INFINITE ? INFINITY : -INFINITY;
        return true;
    }
    const char *text = rdb_read_bytes(&r->in, len);
    return text && (num_parse_double(slice_of(text, len), score) || rdb_read_bad(r, "a score that is no number"));
}

static bool read_score(struct rdb_value_reader *r, double *score)
{
    uint64_t bits;
    if (r->type == RDB_TYPE_ZSET)
        return read_text_score(r, score);
    if (!rdb_read_little_endian(&r->in, sizeof bits, &bits))
        return false;
    memcpy(score, &bits, sizeof bits);
    return true;
}

/* Into the table alone; the tree is made once all are there. */
static bool read_members(struct rdb_value_reader *r, struct zset_large *set, uint64_t n)
{
    struct slice member;
    double score;
    for (; n > 0; n--) {
        if (!rdb_read_text(&r->in, &r->first, &member) || !read_score(r, &score))
            return false;
        if (isnan(score) || member.len > ZSET_MEMBER_BYTES_MAX)
            return rdb_read_bad(r, "a sorted set with a score that is none");
        struct zset_spot spot = zset_large_find(set, member);
        if (spot.element)
            return rdb_read_bad(r, "a sorted set that has a member twice");
        zset_large_collect(set, &spot, member, score);
    }
    return true;
}

static bool read_large(struct rdb_value_reader *r, struct typed_value *out)
{
    uint64_t n;
    if (!rdb_read_length(&r->in, &n))
        return false;
    if (n == 0)
        return rdb_read_bad(r, "an empty sorted set");
    struct zset_large *set = zset_large_create(r->home);
    *out = (struct typed_value){TYPE_ZSET, ENC_SKIPLIST, set};
    bool good = read_members(r, set, n);
    zset_large_arrange(set);
    if (!good)
        return rdb_discard(r, out);
    *out = zset_compact(r->home, &r->limits->zset, set);
    return true;
}

struct pair {
    struct slice member;
    double score;
    char digits[NUM_INT_CHARS];
};

/* The pair at a place; false: the score is none. */
static bool get_pair(const struct listpack *lp, uint32_t at, struct pair *p)
{
    p->member = listpack_text_of(listpack_get(lp, at), p->digits);
    struct listpack_value score = listpack_get(lp, listpack_next(lp, at));
    if (!score.string) {
        p->score = (double)score.integer;
        return true;
    }
    return num_parse_double(slice_of(score.string, score.len), &p->score) && !isnan(p->score);
}

static bool comes_before(const struct pair *a, const struct pair *b)
{
    if (a->score != b->score)
        return a->score < b->score;
    return zset_compare_members(a->member, b->member) < 0;
}

/* Whether all scores are numbers and all pairs in order. */
static bool is_in_order(const struct listpack *lp)
{
    struct pair pairs[2], *before = NULL, *now = &pairs[0];
    for (uint32_t at = listpack_first(lp); at != LISTPACK_NONE; at = listpack_next(lp, listpack_next(lp, at))) {
        if (!get_pair(lp, at, now) || (before && !comes_before(before, now)))
            return false;
        before = now;
        now = now == &pairs[0] ? &pairs[1] : &pairs[0];
    }
    return true;
}

static struct zset_large *to_large(struct rdb_value_reader *r, struct listpack *lp)
{
    struct zset_large *set = zset_large_create(r->home);
    struct pair p;
    for (uint32_t at = listpack_first(lp); at != LISTPACK_NONE; at = listpack_next(lp, listpack_next(lp, at))) {
        get_pair(lp, at, &p);
        zset_large_append(set, p.member, p.score);
    }
    mem_free(r->home->account, lp);
    return set;
}

static bool read_listpack(struct rdb_value_reader *r, struct typed_value *out)
{
    struct listpack *lp = rdb_read_listpack(r);
    *out = (struct typed_value){TYPE_ZSET, ENC_LISTPACK, lp};
    if (!lp)
        return false;
    uint32_t count = listpack_count(lp);
    if (count == 0 || count % 2 > 0 || !rdb_listpack_is_unique(lp, 2) || !is_in_order(lp)) {
        rdb_read_bad(r, "a sorted set that is empty, not in order, or has a member twice");
        return rdb_discard(r, out);
    }
    if (count / 2 > r->limits->zset.elements)
        *out = (struct typed_value){TYPE_ZSET, ENC_SKIPLIST, to_large(r, lp)};
    return true;
}

bool rdb_read_zset(struct rdb_value_reader *r, struct typed_value *out)
{
    bool large = r->type == RDB_TYPE_ZSET || r->type == RDB_TYPE_ZSET_2;
    return large ? read_large(r, out) : read_listpack(r, out);
}

/* ---- Writing ---- */

static void write_member(void *w, struct slice member, double score)
{
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    rdb_write_string(w, member);
    rdb_write_little_endian(w, sizeof bits, bits);
}

/* From the greatest down, which Redis reads fastest. */
int rdb_write_zset(struct rdb_write *w, struct typed_value v)
{
    if (v.encoding == ENC_LISTPACK) {
        rdb_write_byte(w, RDB_TYPE_ZSET_LISTPACK);
        rdb_write_string(w, listpack_bytes(v.ptr));
        return RDB_VERSION_7_0;
    }
    rdb_write_byte(w, RDB_TYPE_ZSET_2);
    rdb_write_length(w, value_count(v));
    zset_walk(v, (struct zset_ranks){0, value_count(v)}, ZSET_REVERSE, write_member, w);
    return RDB_VERSION_7_0;
}
