/* Commands on whole databases. They run on every shard, all of which are held. */
#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/num.h"
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* [ASYNC|SYNC]. Without a word memory is freed in slices too: nothing that a client can ask for waits for it. */
static bool parse_flush_mode(struct cmd *c, bool *sync)
{
    *sync = c->argc == 2 && slice_is(c->argv[1], "sync");
    if (c->argc == 1 || *sync || (c->argc == 2 && slice_is(c->argv[1], "async")))
        return true;
    reply_syntax_error(c);
    return false;
}

static struct keyspace *held_keyspace(struct cmd *c, uint32_t i)
{
    ASSERT(c->shards[i]->user == c->executor);
    return c->shards[i]->keyspace;
}

static void flush(struct cmd *c, uint32_t db, bool sync)
{
    for (uint32_t i = 0; i < c->nshards; i++)
        keyspace_flush(held_keyspace(c, i), db, sync);
}

/* Also without keys it goes into the journal, as in Redis. */
static void reply_flushed(struct cmd *c)
{
    cmd_changed(c);
    reply_ok(c->reply);
}

/* FLUSHDB [ASYNC|SYNC] */
static void database_flushdb(struct cmd *c)
{
    bool sync;
    if (!parse_flush_mode(c, &sync))
        return;
    flush(c, c->db, sync);
    reply_flushed(c);
}

/* FLUSHALL [ASYNC|SYNC] */
static void database_flushall(struct cmd *c)
{
    bool sync;
    if (!parse_flush_mode(c, &sync))
        return;
    for (uint32_t db = 0; (db = shards_next_database(c->shards, c->nshards, db)) != DATABASE_NONE; db++)
        flush(c, db, sync);
    reply_flushed(c);
}

/* An index of SWAPDB; whether it exists is looked at once both are known to be numbers. */
static bool swap_index(struct cmd *c, uint32_t i, const char *error, int64_t *out)
{
    if (num_parse_i64(c->argv[i], out) && *out >= INT32_MIN && *out <= INT32_MAX)
        return true;
    reply_error(c->reply, error);
    return false;
}

/* SWAPDB index1 index2 */
static void database_swapdb(struct cmd *c)
{
    int64_t a, b, end = c->limits->databases;
    if (!swap_index(c, 1, "ERR invalid first DB index", &a) || !swap_index(c, 2, "ERR invalid second DB index", &b))
        return;
    if (a < 0 || b < 0 || a >= end || b >= end) {
        reply_error(c->reply, "ERR DB index is out of range");
        return;
    }
    for (uint32_t i = 0; a != b && i < c->nshards; i++)
        keyspace_swap(held_keyspace(c, i), (uint32_t)a, (uint32_t)b);
    cmd_changed(c);
    reply_ok(c->reply);
}

/* clang-format off */
struct command database_commands[] = {
    {ROW("dbsize", NULL, 1, CMD_READONLY | CMD_FAST | CMD_HOME | CMD_BARRIER, ACL_KEYSPACE),
     DOC("1.0.0", "server", "O(1)", "Counts the keys of the database."),
     .tips = "request_policy:all_shards response_policy:agg_sum"},
    {ROW("flushall", database_flushall, -1, CMD_WRITE | CMD_SIGNAL | CMD_ALL_SHARDS, ACL_KEYSPACE | ACL_DANGEROUS),
     DOC("1.0.0", "server", "O(N) where N is the total number of keys in all databases",
         "Deletes all keys of all databases."),
     .tips = "request_policy:all_shards response_policy:all_succeeded",
     HISTORY({"4.0.0", "Added the `ASYNC` flushing mode modifier."},
             {"6.2.0", "Added the `SYNC` flushing mode modifier."})},
    {ROW("flushdb", database_flushdb, -1, CMD_WRITE | CMD_SIGNAL | CMD_ALL_SHARDS, ACL_KEYSPACE | ACL_DANGEROUS),
     DOC("1.0.0", "server", "O(N) where N is the number of keys in the selected database",
         "Deletes all keys of the database."),
     .tips = "request_policy:all_shards response_policy:all_succeeded",
     HISTORY({"4.0.0", "Added the `ASYNC` flushing mode modifier."},
             {"6.2.0", "Added the `SYNC` flushing mode modifier."})},
    {ROW("swapdb", database_swapdb, 3, CMD_WRITE | CMD_FAST | CMD_SIGNAL | CMD_ALL_SHARDS, ACL_KEYSPACE |
         ACL_DANGEROUS),
     DOC("4.0.0", "server",
         "O(N) where N is the count of clients watching or blocking on keys from both databases.",
         "Exchanges two databases.")},
    {.name = NULL},
};
/* clang-format on */
