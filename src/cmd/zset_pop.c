/* Commands that take members from an end of a sorted set. Semantics, order of checks and error texts: Redis 7.4
 * t_zset.c. */
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"
#include "src/cmd/zset_common.h"

/* The n members at an end of a set that has so many, from the outermost inwards. */
static void walk_end(const struct zset *z, bool max, uint64_t n, zset_visit *give, struct reply *r)
{
    uint64_t len = zset_len(z);
    struct zset_ranks ranks = max ? (struct zset_ranks){len - n, len} : (struct zset_ranks){0, n};
    zset_walk(zset_value(z), ranks, max ? ZSET_REVERSE : 0, give, r);
}

static void remove_end(struct zset *z, bool max, uint64_t n)
{
    uint64_t len = zset_len(z);
    zset_remove_ranks(z, max ? (struct zset_ranks){len - n, len} : (struct zset_ranks){0, n});
}

static void pop(struct cmd *c, bool max)
{
    int64_t count = 1;
    struct zset z;
    if (c->argc > 3) {
        reply_syntax_error(c);
        return;
    }
    bool counted = c->argc == 3;
    if (counted && !arg_i64_from(c, 2, 0, "ERR value is out of range, must be positive", &count))
        return;
    if (!zset_open_to_write(c, 0, &z))
        return;
    uint64_t len = zset_len(&z), n = (uint64_t)count < len ? (uint64_t)count : len;
    zset_visit *give = zset_give_scored;
    if (counted)
        give = zset_reply_begin(c->reply, n, true);
    else
        reply_array(c->reply, (int64_t)n * 2);
    if (n == 0)
        return;
    walk_end(&z, max, n, give, c->reply);
    remove_end(&z, max, n);
    cmd_changed(c);
}

/* ZPOPMIN key [count] */
static void zset_zpopmin(struct cmd *c) { pop(c, false); }

/* ZPOPMAX key [count] */
static void zset_zpopmax(struct cmd *c) { pop(c, true); }

struct mpop {
    bool max;
    int64_t count;
};

/* numkeys key [key ...] MIN|MAX [COUNT count] from argument 1 on. False: it answered an error. */
static bool parse_mpop(struct cmd *c, struct mpop *m)
{
    int64_t keys;
    *m = (struct mpop){.count = 1};
    if (!arg_i64_from(c, 1, 1, "ERR numkeys should be greater than 0", &keys))
        return false;
    if (keys >= c->argc - 2) {
        reply_syntax_error(c);
        return false;
    }
    uint32_t at = (uint32_t)keys + 2, end = at + 1;
    m->max = slice_is(c->argv[at], "max");
    bool known = m->max || slice_is(c->argv[at], "min");
    if (known && end + 1 < c->argc && slice_is(c->argv[end], "count")) {
        if (!arg_i64_from(c, end + 1, 1, "ERR count should be greater than 0", &m->count))
            return false;
        end += 2;
    }
    if (!known || end < c->argc)
        reply_syntax_error(c);
    return known && end == c->argc;
}

/* ZMPOP numkeys key [key ...] MIN|MAX [COUNT count] */
static void zset_zmpop(struct cmd *c)
{
    struct mpop m;
    struct zset z = {0};
    if (!parse_mpop(c, &m))
        return;
    uint32_t i = 0;
    for (; i < c->nkeys && !zset_exists(&z); i++)
        if (!zset_open_to_write(c, i, &z))
            return;
    if (!zset_exists(&z)) {
        reply_null_array(c->reply);
        return;
    }
    struct slice key = key_slice(z.key);
    uint64_t len = zset_len(&z), n = (uint64_t)m.count < len ? (uint64_t)m.count : len;
    reply_array(c->reply, 2);
    reply_bulk_slice(c->reply, key);
    reply_array(c->reply, (int64_t)n);
    walk_end(&z, m.max, n, zset_give_pair, c->reply);
    remove_end(&z, m.max, n);
    char text[NUM_INT_CHARS];
    cmd_changed(c);
    cmd_effect(c, 3, (struct slice[]){slice_str(m.max ? "ZPOPMAX" : "ZPOPMIN"), key, slice_of(text, num_u64(text, n))});
}

/* clang-format off */
struct command zset_pop_commands[] = {
    {ROW("bzmpop", NULL, -5, CMD_WRITE | CMD_BLOCKING, ACL_SORTED_SET),
     .keys = {KEY_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("7.0.0", "sorted-set",
         "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted "
         "set, and M being the number of elements popped.",
         "Pops members from the first sorted set that is not empty; waits if all are.")},
    {ROW("bzpopmax", NULL, -3, CMD_WRITE | CMD_FAST | CMD_BLOCKING, ACL_SORTED_SET),
     .keys = {KEY_RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("5.0.0", "sorted-set", "O(log(N)) with N being the number of elements in the sorted set.",
         "Pops the member with the highest score of the first sorted set that is not empty; waits if all are."),
     HISTORY({"6.0.0", "`timeout` is interpreted as a double instead of an integer."})},
    {ROW("bzpopmin", NULL, -3, CMD_WRITE | CMD_FAST | CMD_BLOCKING, ACL_SORTED_SET),
     .keys = {KEY_RANGE(1, -2, 1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("5.0.0", "sorted-set", "O(log(N)) with N being the number of elements in the sorted set.",
         "Pops the member with the lowest score of the first sorted set that is not empty; waits if all are."),
     HISTORY({"6.0.0", "`timeout` is interpreted as a double instead of an integer."})},
    {ROW("zmpop", zset_zmpop, -4, CMD_WRITE, ACL_SORTED_SET),
     .keys = {KEY_COUNTED(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("7.0.0", "sorted-set",
         "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted "
         "set, and M being the number of elements popped.",
         "Pops members from the first sorted set that is not empty.")},
    {ROW("zpopmax", zset_zpopmax, -2, CMD_WRITE | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("5.0.0", "sorted-set",
         "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements "
         "popped.",
         "Pops the members with the highest scores.")},
    {ROW("zpopmin", zset_zpopmin, -2, CMD_WRITE | CMD_FAST, ACL_SORTED_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("5.0.0", "sorted-set",
         "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements "
         "popped.",
         "Pops the members with the lowest scores.")},
    {.name = NULL},
};
/* clang-format on */
