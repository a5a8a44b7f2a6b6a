/* Commands on ranges of sorted sets. Semantics, order of checks and error texts: Redis 7.4 t_zset.c. */
#include "shard/type/zset_large.h"
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"
#include "src/cmd/zset_common.h"

/* ---- Arguments. Each function that returns false has answered an error. ---- */

/* "(" before it: without the score itself. */
static bool parse_score_bound(struct slice text, double *score, bool *open)
{
    *open = text.len > 0 && text.ptr[0] == '(';
    return num_parse_bound(slice_of(text.ptr + *open, text.len - *open), score);
}

static bool arg_scores(struct cmd *c, uint32_t min, uint32_t max, struct zset_scores *range)
{
    if (parse_score_bound(c->argv[min], &range->min, &range->min_open) &&
        parse_score_bound(c->argv[max], &range->max, &range->max_open))
        return true;
    reply_error(c->reply, "ERR min or max is not a float");
    return false;
}

/* "-", "+", "[name" or "(name" */
static bool parse_name_bound(struct slice text, struct zset_name_bound *bound)
{
    char first = text.len > 0 ? text.ptr[0] : '\0';
    *bound = (struct zset_name_bound){.what = ZSET_NAME, .open = first == '('};
    if (first == '[' || first == '(') {
        bound->name = slice_of(text.ptr + 1, text.len - 1);
        return true;
    }
    bound->what = first == '-' ? ZSET_BEFORE_ALL : ZSET_BEHIND_ALL;
    return text.len == 1 && (first == '-' || first == '+');
}

static bool arg_names(struct cmd *c, uint32_t min, uint32_t max, struct zset_names *range)
{
    if (parse_name_bound(c->argv[min], &range->min) && parse_name_bound(c->argv[max], &range->max))
        return true;
    reply_error(c->reply, "ERR min or max not valid string range item");
    return false;
}

enum by { BY_ANY, BY_RANK, BY_SCORE, BY_NAME };

/* What range of a set is asked for. */
struct range {
    enum by by;
    int64_t first, last;
    struct zset_scores scores;
    struct zset_names names;
    bool reverse, with_scores;
    int64_t offset, limit; /* negative: no limit */
};

static bool arg_range(struct cmd *c, uint32_t min, uint32_t max, struct range *r)
{
    switch (r->by) {
    case BY_SCORE:
        return arg_scores(c, min, max, &r->scores);
    case BY_NAME:
        return arg_names(c, min, max, &r->names);
    default:
        return arg_i64(c, min, &r->first) && arg_i64(c, max, &r->last);
    }
}

/* What a command allows. */
enum { ANY_WAY = 1, SCORES = 2 };

/* The options from argument i on: [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES]. The range says what the
 * command's name says already. */
static bool parse_options(struct cmd *c, uint32_t i, unsigned allowed, struct range *r)
{
    for (; i < c->argc; i++) {
        if (slice_is(c->argv[i], "withscores") && allowed & SCORES) {
            r->with_scores = true;
        } else if (slice_is(c->argv[i], "limit") && i + 2 < c->argc) {
            if (!arg_i64(c, i + 1, &r->offset) || !arg_i64(c, i + 2, &r->limit))
                return false;
            i += 2;
        } else if (slice_is(c->argv[i], "rev") && allowed & ANY_WAY) {
            r->reverse = true;
        } else if (slice_is(c->argv[i], "bylex") && r->by == BY_ANY) {
            r->by = BY_NAME;
        } else if (slice_is(c->argv[i], "byscore") && r->by == BY_ANY) {
            r->by = BY_SCORE;
        } else {
            reply_syntax_error(c);
            return false;
        }
    }
    return true;
}

/* From the two bounds at argument i on. Backwards the upper one of scores and names comes first. */
static bool parse_range(struct cmd *c, uint32_t i, unsigned allowed, struct range *r)
{
    if (!parse_options(c, i + 2, allowed, r))
        return false;
    bool by_rank = r->by == BY_ANY || r->by == BY_RANK;
    if (r->limit != -1 && by_rank) {
        reply_error(c->reply, "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
        return false;
    }
    if (r->with_scores && r->by == BY_NAME) {
        reply_error(c->reply, "ERR syntax error, WITHSCORES not supported in combination with BYLEX");
        return false;
    }
    bool swapped = r->reverse && !by_rank;
    return arg_range(c, i + swapped, i + !swapped, r);
}

/* ---- Which ranks they are ---- */

/* Only those that LIMIT lets through, which counts from where the walk begins. */
static struct zset_ranks limited(const struct range *r, struct zset_ranks ranks)
{
    uint64_t n = zset_ranks_count(ranks);
    uint64_t skip = r->offset < 0 || (uint64_t)r->offset > n ? n : (uint64_t)r->offset;
    uint64_t take = r->limit < 0 || (uint64_t)r->limit > n - skip ? n - skip : (uint64_t)r->limit;
    if (r->reverse)
        return (struct zset_ranks){ranks.end - skip - take, ranks.end - skip};
    return (struct zset_ranks){ranks.first + skip, ranks.first + skip + take};
}

static struct zset_ranks ranks_of(const struct range *r, struct typed_value v)
{
    struct zset_ranks ranks;
    switch (r->by) {
    case BY_SCORE:
        return limited(r, zset_by_score(v, &r->scores));
    case BY_NAME:
        return limited(r, zset_by_name(v, &r->names, r->reverse));
    default:
        ranks = zset_by_rank(v, r->first, r->last);
        return r->reverse ? zset_ranks_turned(v, ranks) : ranks;
    }
}

/* ---- Reading ---- */

static void reply_range(struct cmd *c, unsigned allowed, struct range r)
{
    struct zset z;
    r.limit = -1;
    if (!parse_range(c, 2, allowed, &r) || !zset_open_to_read(c, 0, &z))
        return;
    if (!zset_exists(&z)) {
        reply_array(c->reply, 0);
        return;
    }
    struct zset_ranks ranks = ranks_of(&r, zset_value(&z));
    zset_visit *give = zset_reply_begin(c->reply, zset_ranks_count(ranks), r.with_scores);
    unsigned flags = (r.reverse ? ZSET_REVERSE : 0) | (r.with_scores ? 0 : ZSET_NO_SCORES);
    zset_walk(zset_value(&z), ranks, flags, give, c->reply);
}

/* ZRANGE key start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] [WITHSCORES] */
static void zset_zrange(struct cmd *c) { reply_range(c, ANY_WAY | SCORES, (struct range){.by = BY_ANY}); }

/* ZREVRANGE key start stop [WITHSCORES] */
static void zset_zrevrange(struct cmd *c) { reply_range(c, SCORES, (struct range){.by = BY_RANK, .reverse = true}); }

/* ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count] */
static void zset_zrangebyscore(struct cmd *c) { reply_range(c, SCORES, (struct range){.by = BY_SCORE}); }

/* ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count] */
static void zset_zrevrangebyscore(struct cmd *c)
{
    reply_range(c, SCORES, (struct range){.by = BY_SCORE, .reverse = true});
}

/* ZRANGEBYLEX key min max [LIMIT offset count] */
static void zset_zrangebylex(struct cmd *c) { reply_range(c, SCORES, (struct range){.by = BY_NAME}); }

/* ZREVRANGEBYLEX key max min [LIMIT offset count] */
static void zset_zrevrangebylex(struct cmd *c)
{
    reply_range(c, SCORES, (struct range){.by = BY_NAME, .reverse = true});
}

static void reply_count(struct cmd *c, enum by by)
{
    struct range r = {.by = by, .limit = -1};
    struct zset z;
    if (arg_range(c, 2, 3, &r) && zset_open_to_read(c, 0, &z))
        reply_int(c->reply, zset_exists(&z) ? (int64_t)zset_ranks_count(ranks_of(&r, zset_value(&z))) : 0);
}

/* ZCOUNT key min max */
static void zset_zcount(struct cmd *c) { reply_count(c, BY_SCORE); }

/* ZLEXCOUNT key min max */
static void zset_zlexcount(struct cmd *c) { reply_count(c, BY_NAME); }

/* ---- Storing, removing ---- */

static void append(void *large, struct slice member, double score) { zset_large_append(large, member, score); }

/* ZRANGESTORE destination source start stop [BYSCORE|BYLEX] [REV] [LIMIT offset count] */
static void zset_zrangestore(struct cmd *c)
{
    struct range r = {.by = BY_ANY, .limit = -1};
    struct zset source, target;
    if (!parse_range(c, 3, ANY_WAY, &r) || !zset_open_to_read(c, 1, &source))
        return;
    struct zset_large *made = zset_large_create(keyspace_values(cmd_keyspace(c, 0)));
    if (zset_exists(&source))
        zset_walk(zset_value(&source), ranks_of(&r, zset_value(&source)), 0, append, made);
    uint64_t n = zset_large_size(made);
    zset_write(cmd_keyspace(c, 0), c->db, &c->keys[0], &target); /* of whatever type: it is overwritten */
    if (zset_store(&target, &c->limits->zset, made))
        cmd_changed(c);
    reply_int(c->reply, (int64_t)n);
}

static void remove_range(struct cmd *c, enum by by)
{
    struct range r = {.by = by, .limit = -1};
    struct zset z;
    if (!arg_range(c, 2, 3, &r) || !zset_open_to_write(c, 0, &z))
        return;
    struct zset_ranks ranks = {0, 0};
    if (zset_exists(&z)) {
        ranks = ranks_of(&r, zset_value(&z));
        zset_remove_ranks(&z, ranks);
    }
    if (zset_ranks_count(ranks) > 0)
        cmd_changed(c);
    reply_int(c->reply, (int64_t)zset_ranks_count(ranks));
}

/* ZREMRANGEBYRANK key start stop */
static void zset_zremrangebyrank(struct cmd *c) { remove_range(c, BY_RANK); }

/* ZREMRANGEBYSCORE key min max */
static void zset_zremrangebyscore(struct cmd *c) { remove_range(c, BY_SCORE); }

/* ZREMRANGEBYLEX key min max */
static void zset_zremrangebylex(struct cmd *c) { remove_range(c, BY_NAME); }

/* clang-format off */
struct command zset_range_commands[] = {
    {ROW("zcount", zset_zcount, 4, CMD_READONLY | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "sorted-set", "O(log(N)) with N being the number of elements in the sorted set.",
         "Counts the members with a score in a range.")},
    {ROW("zlexcount", zset_zlexcount, 4, CMD_READONLY | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.9", "sorted-set", "O(log(N)) with N being the number of elements in the sorted set.",
         "Counts the members in a lexicographical range.")},
    {ROW("zrange", zset_zrange, -4, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.2.0", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
         "Returns the members in a range of ranks, scores or names."),
     HISTORY({"6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options."})},
    {ROW("zrangebylex", zset_zrangebylex, -4, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.9", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being "
         "returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it "
         "O(log(N)).",
         "Returns the members in a lexicographical range."),
     DEPRECATED("6.2.0", "`ZRANGE` with the `BYLEX` argument")},
    {ROW("zrangebyscore", zset_zrangebyscore, -4, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.5", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being "
         "returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it "
         "O(log(N)).",
         "Returns the members in a range of scores."),
     DEPRECATED("6.2.0", "`ZRANGE` with the `BYSCORE` argument"),
     HISTORY({"2.0.0", "Added the `WITHSCORES` modifier."})},
    {ROW("zrangestore", zset_zrangestore, -5, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_AT(2, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into "
         "the destination key.",
         "Stores the members in a range of ranks, scores or names.")},
    {ROW("zremrangebylex", zset_zremrangebylex, 4, CMD_WRITE, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("2.8.9", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by "
         "the operation.",
         "Removes the members in a lexicographical range.")},
    {ROW("zremrangebyrank", zset_zremrangebyrank, 4, CMD_WRITE, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("2.0.0", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by "
         "the operation.",
         "Removes the members in a range of ranks.")},
    {ROW("zremrangebyscore", zset_zremrangebyscore, 4, CMD_WRITE, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("1.2.0", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by "
         "the operation.",
         "Removes the members in a range of scores.")},
    {ROW("zrevrange", zset_zrevrange, -4, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.2.0", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
         "Returns the members in a range of ranks, highest score first."),
     DEPRECATED("6.2.0", "`ZRANGE` with the `REV` argument")},
    {ROW("zrevrangebylex", zset_zrevrangebylex, -4, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.9", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being "
         "returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it "
         "O(log(N)).",
         "Returns the members in a lexicographical range, last first."),
     DEPRECATED("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")},
    {ROW("zrevrangebyscore", zset_zrevrangebyscore, -4, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.2.0", "sorted-set",
         "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being "
         "returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it "
         "O(log(N)).",
         "Returns the members in a range of scores, highest first."),
     DEPRECATED("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments"),
     HISTORY({"2.1.6", "`min` and `max` can be exclusive."})},
    {.name = NULL},
};
/* clang-format on */
