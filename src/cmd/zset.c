/* Sorted set commands on single members and whole sets; zset_range.c, zset_pop.c and zset_combine.c have the others.
 * Semantics, order of checks and error texts: Redis 7.4 t_zset.c. */
#include "shard/type/zset.h"

#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"
#include "src/cmd/scan.h"
#include "src/cmd/zset_common.h"

/* ---- Adding ---- */

/* What is to be added: pairs of score and member from an argument on. */
struct adding {
    unsigned how; /* enum zset_how */
    bool changed; /* CH: members whose score changes are counted, too */
    uint32_t first, pairs;
};

/* [NX|XX] [GT|LT] [CH] [INCR] from argument 2 on, in any order; what is none of them is the first score. */
static void parse_options(struct cmd *c, struct adding *a)
{
    static const struct {
        const char *name;
        unsigned how;
    } options[] = {{"nx", ZSET_NX}, {"xx", ZSET_XX}, {"gt", ZSET_GT}, {"lt", ZSET_LT}, {"incr", ZSET_INCR}, {"ch", 0}};
    enum { OPTIONS = sizeof options / sizeof *options };
    *a = (struct adding){.first = 2};
    for (; a->first < c->argc; a->first++) {
        uint32_t i = 0;
        while (i < OPTIONS && !slice_is(c->argv[a->first], options[i].name))
            i++;
        if (i == OPTIONS)
            break;
        a->how |= options[i].how;
        a->changed |= options[i].how == 0;
    }
    a->pairs = (c->argc - a->first) / 2;
}

/* Whether the options go together; else it answered an error. */
static bool check_options(struct cmd *c, const struct adding *a)
{
    unsigned how = a->how;
    if (a->pairs == 0 || (c->argc - a->first) % 2)
        reply_syntax_error(c);
    else if (how & ZSET_NX && how & ZSET_XX)
        reply_error(c->reply, "ERR XX and NX options at the same time are not compatible");
    else if ((how & ZSET_NX && how & (ZSET_GT | ZSET_LT)) || (how & ZSET_GT && how & ZSET_LT))
        reply_error(c->reply, "ERR GT, LT, and/or NX options at the same time are not compatible");
    else if (how & ZSET_INCR && a->pairs > 1)
        reply_error(c->reply, "ERR INCR option supports a single increment-element pair");
    else
        return true;
    return false;
}

/* The scores, all of which have to be numbers before anything is done. False: it answered an error. */
static bool parse_scores(struct cmd *c, const struct adding *a, double *scores)
{
    for (uint32_t i = 0; i < a->pairs; i++)
        if (!arg_double(c, a->first + 2 * i, NULL, &scores[i]))
            return false;
    return true;
}

static size_t longest_member(const struct cmd *c, const struct adding *a)
{
    size_t longest = 0;
    for (uint32_t i = a->first + 1; i < c->argc; i += 2)
        longest = c->argv[i].len > longest ? c->argv[i].len : longest;
    return longest;
}

static void reply_added(struct cmd *c, const struct adding *a, const uint64_t *outcomes, double score)
{
    if (!(a->how & ZSET_INCR))
        reply_int(c->reply, (int64_t)(outcomes[ZSET_ADDED] + (a->changed ? outcomes[ZSET_UPDATED] : 0)));
    else if (outcomes[ZSET_NAN])
        reply_error(c->reply, "ERR resulting score is not a number (NaN)");
    else if (outcomes[ZSET_SKIPPED])
        reply_null(c->reply);
    else
        reply_double(c->reply, score);
}

static void add_scores(struct cmd *c, const struct adding *a, double *scores)
{
    const struct flat_limits *limits = &c->limits->zset;
    uint64_t outcomes[ZSET_NAN + 1] = {0};
    struct zset z;
    if (!zset_open_to_write(c, 0, &z))
        return;
    if (!zset_exists(&z) && a->how & ZSET_XX) {
        outcomes[ZSET_SKIPPED] = a->pairs;
    } else {
        enum status status = zset_prepare(&z, limits, a->pairs, longest_member(c, a));
        if (status) {
            error_reply(c->reply, status);
            return;
        }
        for (uint32_t i = 0; i < a->pairs; i++)
            outcomes[zset_add(&z, limits, c->argv[a->first + 2 * i + 1], a->how, &scores[i])]++;
    }
    if (outcomes[ZSET_ADDED] + outcomes[ZSET_UPDATED] > 0)
        cmd_changed(c);
    reply_added(c, a, outcomes, scores[0]);
}

static void add(struct cmd *c, const struct adding *a)
{
    double few[16], *scores = a->pairs <= 16 ? few : mem_alloc(NULL, a->pairs * sizeof *scores);
    if (parse_scores(c, a, scores))
        add_scores(c, a, scores);
    if (scores != few)
        mem_free(NULL, scores);
}

/* ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member [score member ...] */
void zset_zadd(struct cmd *c)
{
    struct adding a;
    parse_options(c, &a);
    if (check_options(c, &a))
        add(c, &a);
}

/* ZINCRBY key increment member */
static void zset_zincrby(struct cmd *c) { add(c, &(struct adding){.how = ZSET_INCR, .first = 2, .pairs = 1}); }

/* ---- Removing ---- */

/* ZREM key member [member ...] */
static void zset_zrem(struct cmd *c)
{
    struct zset z;
    int64_t removed = 0;
    if (!zset_open_to_write(c, 0, &z))
        return;
    for (uint32_t i = 2; i < c->argc && zset_exists(&z); i++)
        removed += zset_remove(&z, c->argv[i]);
    if (removed > 0)
        cmd_changed(c);
    reply_int(c->reply, removed);
}

/* ---- Reading ---- */

/* ZCARD key */
static void zset_zcard(struct cmd *c)
{
    struct zset z;
    if (zset_open_to_read(c, 0, &z))
        reply_int(c->reply, (int64_t)zset_len(&z));
}

/* The member's score or null. */
static void reply_score(struct cmd *c, const struct zset *z, struct slice member)
{
    double score;
    if (zset_exists(z) && zset_score(zset_value(z), member, &score))
        reply_double(c->reply, score);
    else
        reply_null(c->reply);
}

/* ZSCORE key member */
static void zset_zscore(struct cmd *c)
{
    struct zset z;
    if (zset_open_to_read(c, 0, &z))
        reply_score(c, &z, c->argv[2]);
}

/* ZMSCORE key member [member ...] */
static void zset_zmscore(struct cmd *c)
{
    struct zset z;
    if (!zset_open_to_read(c, 0, &z))
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++)
        reply_score(c, &z, c->argv[i]);
}

static void reply_rank(struct cmd *c, bool reverse)
{
    struct zset z;
    uint64_t rank;
    double score;
    bool with_score = c->argc == 4;
    if (c->argc > 4) {
        command_reply_arity(c->reply, c->row);
        return;
    }
    if (with_score && !slice_is(c->argv[3], "withscore")) {
        reply_syntax_error(c);
        return;
    }
    if (!zset_open_to_read(c, 0, &z))
        return;
    if (!zset_exists(&z) || !zset_rank(zset_value(&z), c->argv[2], &rank, &score)) {
        (with_score ? reply_null_array : reply_null)(c->reply);
        return;
    }
    if (with_score)
        reply_array(c->reply, 2);
    reply_int(c->reply, (int64_t)(reverse ? zset_len(&z) - 1 - rank : rank));
    if (with_score)
        reply_double(c->reply, score);
}

/* ZRANK key member [WITHSCORE] */
static void zset_zrank(struct cmd *c) { reply_rank(c, false); }

/* ZREVRANK key member [WITHSCORE] */
static void zset_zrevrank(struct cmd *c) { reply_rank(c, true); }

/* ---- Random members, scanning ---- */

static void reply_random(struct cmd *c, const struct zset *z, int64_t count, bool scores)
{
    uint64_t len = zset_len(z), n = count < 0 ? -(uint64_t)count : (uint64_t)count;
    if (count > 0 && n > len)
        n = len;
    zset_visit *give = zset_reply_begin(c->reply, n, scores);
    if (n > 0)
        (count < 0 ? zset_pick : zset_sample)(zset_value(z), n, c->random, give, c->reply);
}

/* ZRANDMEMBER key [count [WITHSCORES]] */
static void zset_zrandmember(struct cmd *c)
{
    int64_t count = 0;
    struct zset z;
    if (c->argc >= 3 && !arg_i64_signed(c, 2, &count))
        return;
    if (c->argc > 4 || (c->argc == 4 && !slice_is(c->argv[3], "withscores"))) {
        reply_syntax_error(c);
        return;
    }
    if (c->argc == 4 && (count < -(INT64_MAX / 2) || count > INT64_MAX / 2)) {
        reply_error(c->reply, "ERR value is out of range");
        return;
    }
    if (!zset_open_to_read(c, 0, &z))
        return;
    if (c->argc > 2)
        reply_random(c, &z, zset_exists(&z) ? count : 0, c->argc == 4);
    else if (zset_exists(&z))
        zset_pick(zset_value(&z), 1, c->random, zset_give_member, c->reply);
    else
        reply_null(c->reply);
}

static void give_scanned(void *arg, struct slice member, struct slice score)
{
    struct scan_run *run = arg;
    if (!scan_matches(run, member))
        return;
    reply_bulk_slice(&run->items, member);
    reply_bulk_slice(&run->items, score);
    run->count += 2;
}

/* ZSCAN key cursor [MATCH pattern] [COUNT count] */
static void zset_zscan(struct cmd *c)
{
    struct zset z;
    struct scan_run run;
    uint64_t cursor;
    if (!scan_parse_cursor(c, 2, &cursor) || !zset_open_to_read(c, 0, &z))
        return;
    if (!zset_exists(&z))
        scan_reply_nothing(c);
    else if (scan_begin(c, 3, 0, &run))
        scan_end(c, zset_scan(&z, cursor, run.options.count, give_scanned, &run), &run);
}

/* clang-format off */
struct command zset_commands[] = {
    {ROW("zadd", zset_zadd, -4, CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_SIGNAL, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("1.2.0", "sorted-set",
         "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
         "Adds members to a sorted set or changes their scores; creates the set if it is missing."),
     HISTORY({"2.4.0", "Accepts multiple elements."},
             {"3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."},
             {"6.2.0", "Added the `GT` and `LT` options."})},
    {ROW("zcard", zset_zcard, 2, CMD_READONLY | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("1.2.0", "sorted-set", "O(1)", "Counts the members of a sorted set.")},
    {ROW("zincrby", zset_zincrby, 4, CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_SIGNAL, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("1.2.0", "sorted-set", "O(log(N)) where N is the number of elements in the sorted set.",
         "Adds to the score of a member.")},
    {ROW("zmscore", zset_zmscore, -3, CMD_READONLY | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "sorted-set", "O(N) where N is the number of members being requested.",
         "Returns the scores of members.")},
    {ROW("zrandmember", zset_zrandmember, -2, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "sorted-set", "O(N) where N is the number of elements returned",
         "Returns random members of a sorted set."),
     .tips = "nondeterministic_output"},
    {ROW("zrank", zset_zrank, -3, CMD_READONLY | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "sorted-set", "O(log(N))", "Returns the rank of a member, lowest score first."),
     HISTORY({"7.2.0", "Added the optional `WITHSCORE` argument."})},
    {ROW("zrem", zset_zrem, -3, CMD_WRITE | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("1.2.0", "sorted-set",
         "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be "
         "removed.",
         "Removes members from a sorted set."),
     HISTORY({"2.4.0", "Accepts multiple elements."})},
    {ROW("zrevrank", zset_zrevrank, -3, CMD_READONLY | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "sorted-set", "O(log(N))", "Returns the rank of a member, highest score first."),
     HISTORY({"7.2.0", "Added the optional `WITHSCORE` argument."})},
    {ROW("zscan", zset_zscan, -3, CMD_READONLY, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.0", "sorted-set",
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return"
         " back to 0. N is the number of elements inside the collection..",
         "Iterates over the members of a sorted set."),
     .tips = "nondeterministic_output"},
    {ROW("zscore", zset_zscore, 3, CMD_READONLY | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.2.0", "sorted-set", "O(1)", "Returns the score of a member.")},
    {.name = NULL},
};
/* clang-format on */
