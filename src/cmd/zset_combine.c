/* Unions, intersections and differences of sorted sets and sets. Semantics, order of checks and error texts: Redis 7.4
 * t_zset.c. */
#include "shard/type/zset_combine.h"

#include "src/base/assert.h"
#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"
#include "src/cmd/zset_common.h"

enum how { UNION, INTERSECTION, DIFFERENCE, COUNT_ONLY };

/* A command on its way. */
struct combining {
    enum how how;
    bool stores; /* key 0 gets the result; the inputs are the others */
    uint32_t n;
    struct zset_input *inputs; /* owned */
    enum zset_aggregate aggregate;
    bool with_scores;
    int64_t limit; /* 0: none */
};

/* ---- Arguments. Each function that returns false has answered an error. ---- */

static bool parse_count(struct cmd *c, uint32_t at, uint32_t *n)
{
    int64_t count;
    if (!arg_i64(c, at, &count))
        return false;
    if (count < 1) {
        reply_errorf(c->reply, "ERR at least 1 input key is needed for '%s' command", c->row->full_name);
        return false;
    }
    if (count > c->argc - at - 1) {
        reply_syntax_error(c);
        return false;
    }
    *n = (uint32_t)count;
    return true;
}

static bool open_inputs(struct cmd *c, struct combining *x)
{
    for (uint32_t i = 0; i < x->n; i++) {
        uint32_t key = i + x->stores;
        struct entry *e = keyspace_read(cmd_keyspace(c, key), c->db, &c->keys[key]).entry;
        if (e && e->type != TYPE_ZSET && e->type != TYPE_SET) {
            error_reply(c->reply, STATUS_WRONG_TYPE);
            return false;
        }
        x->inputs[i] = (struct zset_input){.weight = 1};
        if (e)
            x->inputs[i].value = entry_typed_value(e);
    }
    return true;
}

static bool parse_weights(struct cmd *c, uint32_t at, struct combining *x)
{
    for (uint32_t i = 0; i < x->n; i++)
        if (!arg_double(c, at + i, "ERR weight value is not a float", &x->inputs[i].weight))
            return false;
    return true;
}

static bool parse_aggregate(struct cmd *c, uint32_t at, struct combining *x)
{
    static const char *const names[] = {[ZSET_SUM] = "sum", [ZSET_MIN] = "min", [ZSET_MAX] = "max"};
    for (x->aggregate = ZSET_SUM; x->aggregate <= ZSET_MAX; x->aggregate++)
        if (slice_is(c->argv[at], names[x->aggregate]))
            return true;
    reply_syntax_error(c);
    return false;
}

/* The options from argument i on. */
static bool parse_options(struct cmd *c, uint32_t i, struct combining *x)
{
    bool scores = x->how == UNION || x->how == INTERSECTION;
    while (i < c->argc) {
        uint32_t left = c->argc - i;
        if (scores && left > x->n && slice_is(c->argv[i], "weights")) {
            if (!parse_weights(c, i + 1, x))
                return false;
            i += 1 + x->n;
        } else if (scores && left >= 2 && slice_is(c->argv[i], "aggregate")) {
            if (!parse_aggregate(c, i + 1, x))
                return false;
            i += 2;
        } else if (!x->stores && x->how != COUNT_ONLY && slice_is(c->argv[i], "withscores")) {
            x->with_scores = true;
            i++;
        } else if (x->how == COUNT_ONLY && left >= 2 && slice_is(c->argv[i], "limit")) {
            if (!arg_i64_from(c, i + 1, 0, "ERR LIMIT can't be negative", &x->limit))
                return false;
            i += 2;
        } else {
            reply_syntax_error(c);
            return false;
        }
    }
    return true;
}

/* ---- Results ---- */

static struct zset_large *make(struct cmd *c, const struct combining *x)
{
    struct value_home *home = keyspace_values(cmd_keyspace(c, 0));
    switch (x->how) {
    case UNION:
        return zset_union(home, x->inputs, x->n, x->aggregate);
    case INTERSECTION:
        return zset_intersection(home, x->inputs, x->n, x->aggregate);
    default:
        ASSERT(x->how == DIFFERENCE);
        return zset_difference(home, x->inputs, x->n);
    }
}

static void store(struct cmd *c, const struct combining *x)
{
    struct zset target;
    struct zset_large *made = make(c, x);
    uint64_t n = zset_large_size(made);
    zset_write(cmd_keyspace(c, 0), c->db, &c->keys[0], &target); /* of whatever type: it is overwritten */
    if (zset_store(&target, &c->limits->zset, made))
        cmd_changed(c);
    reply_int(c->reply, (int64_t)n);
}

static void reply_result(struct cmd *c, const struct combining *x)
{
    struct zset_large *made = make(c, x);
    uint64_t n = zset_large_size(made);
    zset_visit *give = zset_reply_begin(c->reply, n, x->with_scores);
    zset_walk((struct typed_value){TYPE_ZSET, ENC_SKIPLIST, made}, (struct zset_ranks){0, n}, 0, give, c->reply);
    value_discard(made->value.home, ENC_SKIPLIST, made);
}

static void reply_size(struct cmd *c, const struct combining *x)
{
    uint64_t limit = x->limit > 0 ? (uint64_t)x->limit : UINT64_MAX;
    reply_int(c->reply, (int64_t)zset_intersection_count(x->inputs, x->n, limit));
}

static void combine(struct cmd *c, enum how how, bool stores)
{
    struct combining x = {.how = how, .stores = stores};
    uint32_t count_at = stores ? 2 : 1;
    if (!parse_count(c, count_at, &x.n))
        return;
    x.inputs = mem_alloc(NULL, x.n * sizeof *x.inputs);
    if (open_inputs(c, &x) && parse_options(c, count_at + 1 + x.n, &x)) {
        if (stores)
            store(c, &x);
        else if (how == COUNT_ONLY)
            reply_size(c, &x);
        else
            reply_result(c, &x);
    }
    mem_free(NULL, x.inputs);
}

/* ZUNION numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX] [WITHSCORES] */
static void zset_zunion(struct cmd *c) { combine(c, UNION, false); }

/* ZUNIONSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX] */
static void zset_zunionstore(struct cmd *c) { combine(c, UNION, true); }

/* ZINTER numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX] [WITHSCORES] */
static void zset_zinter(struct cmd *c) { combine(c, INTERSECTION, false); }

/* ZINTERSTORE destination numkeys key [key ...] [WEIGHTS weight [weight ...]] [AGGREGATE SUM|MIN|MAX] */
static void zset_zinterstore(struct cmd *c) { combine(c, INTERSECTION, true); }

/* ZINTERCARD numkeys key [key ...] [LIMIT limit] */
static void zset_zintercard(struct cmd *c) { combine(c, COUNT_ONLY, false); }

/* ZDIFF numkeys key [key ...] [WITHSCORES] */
static void zset_zdiff(struct cmd *c) { combine(c, DIFFERENCE, false); }

/* ZDIFFSTORE destination numkeys key [key ...] */
static void zset_zdiffstore(struct cmd *c) { combine(c, DIFFERENCE, true); }

/* clang-format off */
struct command zset_combine_commands[] = {
    {ROW("zdiff", zset_zdiff, -3, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_COUNTED(1, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "sorted-set",
         "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the"
         " first set, and K is the size of the result set.",
         "Returns the members of a sorted set that others do not have.")},
    {ROW("zdiffstore", zset_zdiffstore, -4, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_COUNTED(2, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "sorted-set",
         "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the"
         " first set, and K is the size of the result set.",
         "Stores the members of a sorted set that others do not have.")},
    {ROW("zinter", zset_zinter, -3, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_COUNTED(1, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "sorted-set",
         "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input "
         "sorted sets and M being the number of elements in the resulting sorted set.",
         "Returns the members that all sorted sets have.")},
    {ROW("zintercard", zset_zintercard, -3, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_COUNTED(1, KEY_RO | KEY_ACCESS)},
     DOC("7.0.0", "sorted-set",
         "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.",
         "Counts the members that all sorted sets have.")},
    {ROW("zinterstore", zset_zinterstore, -4, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_COUNTED(2, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "sorted-set",
         "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input "
         "sorted sets and M being the number of elements in the resulting sorted set.",
         "Stores the members that all sorted sets have.")},
    {ROW("zunion", zset_zunion, -3, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_COUNTED(1, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "sorted-set",
         "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of "
         "elements in the resulting sorted set.",
         "Returns the members that any of the sorted sets has.")},
    {ROW("zunionstore", zset_zunionstore, -4, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_COUNTED(2, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "sorted-set",
         "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of "
         "elements in the resulting sorted set.",
         "Stores the members that any of the sorted sets has.")},
    {.name = NULL},
};
/* clang-format on */
