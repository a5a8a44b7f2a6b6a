/* SCAN, and the rows of the other commands that walk over a whole database.
 *
 * A cursor is the position in a shard's table, then ten bits of shard number. It stays under 2^53, so that clients that
 * keep numbers as doubles can carry it. When a shard is exhausted the next cursor is the start of the following one;
 * 0 is both the start of the first and the end. What a cursor names that no server gave out is harmless: it is brought
 * into range here. */
#include "src/cmd/scan.h"

#include "shard/entry.h"
#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/num.h"
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"

enum { SHARD_BITS = 10, SHARD_MASK = (1 << SHARD_BITS) - 1, COUNT_DEFAULT = 10, BUCKETS_PER_COUNT = 10 };

#define POSITION_MASK ((UINT64_C(1) << KEYSPACE_POSITION_BITS) - 1)

static uint32_t shard_of_cursor(uint64_t cursor, uint32_t nshards) { return (uint32_t)(cursor & SHARD_MASK) % nshards; }

/* The shard that the cursor names; one that is no number may be answered anywhere. */
static uint32_t scan_route(uint32_t argc, const struct slice *argv, uint32_t nshards)
{
    uint64_t cursor;
    return num_parse_u64(argv[1], &cursor) ? shard_of_cursor(cursor, nshards) : 0;
}

bool scan_parse_cursor(struct cmd *c, uint32_t i, uint64_t *cursor)
{
    if (num_parse_u64(c->argv[i], cursor))
        return true;
    reply_error(c->reply, "ERR invalid cursor");
    return false;
}

/* Arguments i and i + 1 as one of the options that have a value; false: it answered an error. */
static bool parse_option(struct cmd *c, uint32_t i, unsigned allowed, struct scan_options *options)
{
    int64_t count;
    if (slice_is(c->argv[i], "count")) {
        if (!arg_i64(c, i + 1, &count))
            return false;
        if (count >= 1) {
            options->count = count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
            return true;
        }
    } else if (slice_is(c->argv[i], "match")) {
        bool all = slice_eq(c->argv[i + 1], slice_str("*"));
        options->pattern = all ? (struct slice){NULL, 0} : c->argv[i + 1];
        return true;
    } else if (slice_is(c->argv[i], "type") && allowed & SCAN_TYPE) {
        options->type = c->argv[i + 1];
        return true;
    }
    reply_syntax_error(c);
    return false;
}

static bool parse_options(struct cmd *c, uint32_t first, unsigned allowed, struct scan_options *options)
{
    *options = (struct scan_options){.count = COUNT_DEFAULT};
    for (uint32_t i = first; i < c->argc;) {
        if (slice_is(c->argv[i], "novalues") && allowed & SCAN_NOVALUES) {
            options->novalues = true;
            i++;
        } else if (i + 1 == c->argc) {
            reply_syntax_error(c);
            return false;
        } else {
            if (!parse_option(c, i, allowed, options))
                return false;
            i += 2;
        }
    }
    return true;
}

bool scan_begin(struct cmd *c, uint32_t first, unsigned allowed, struct scan_run *run)
{
    run->count = 0;
    if (!parse_options(c, first, allowed, &run->options))
        return false;
    reply_init(&run->items, c->reply->resp);
    return true;
}

static void reply_cursor(struct cmd *c, uint64_t cursor, int64_t count)
{
    char text[NUM_INT_CHARS];
    reply_array(c->reply, 2);
    reply_bulk(c->reply, text, num_u64(text, cursor));
    reply_array(c->reply, count);
}

void scan_end(struct cmd *c, uint64_t cursor, struct scan_run *run)
{
    reply_cursor(c, cursor, run->count);
    reply_append_range(c->reply, &run->items, 0, run->items.len);
    reply_deinit(&run->items);
}

void scan_reply_nothing(struct cmd *c) { reply_cursor(c, 0, 0); }

static void visit(void *arg, struct entry *e)
{
    struct scan_run *run = arg;
    if (run->options.type.ptr && !slice_is(run->options.type, type_name(e->type)))
        return;
    if (!scan_matches(run, entry_key(e)))
        return;
    reply_bulk_slice(&run->items, entry_key(e));
    run->count++;
}

/* SCAN cursor [MATCH pattern] [COUNT count] [TYPE type] */
static void scan_scan(struct cmd *c)
{
    struct scan_run run;
    uint64_t cursor;
    if (!scan_parse_cursor(c, 1, &cursor) || !scan_begin(c, 2, SCAN_TYPE, &run))
        return;
    uint32_t shard_id = shard_of_cursor(cursor, c->nshards);
    struct shard *shard = c->shards[shard_id];
    ASSERT(shard->user == c->executor);

    uint32_t count_max = UINT32_MAX / BUCKETS_PER_COUNT;
    uint32_t buckets_max = BUCKETS_PER_COUNT * (run.options.count < count_max ? run.options.count : count_max);
    uint64_t position = keyspace_scan(shard->keyspace, c->db, cursor >> SHARD_BITS & POSITION_MASK, run.options.count,
                                      buckets_max, visit, &run);
    uint64_t next = 0;
    if (position != 0)
        next = position << SHARD_BITS | shard_id;
    else if (shard_id + 1 < c->nshards)
        next = shard_id + 1;
    scan_end(c, next, &run);
}

/* clang-format off */
struct command scan_commands[] = {
    {ROW("keys", NULL, 2, CMD_READONLY | CMD_HOME | CMD_BARRIER, ACL_KEYSPACE | ACL_DANGEROUS),
     DOC("1.0.0", "generic",
         "O(N) with N being the number of keys in the database, under the assumption that the key names in the "
         "database and the given pattern have limited length.",
         "Lists the keys that match a pattern."),
     .tips = "request_policy:all_shards nondeterministic_output_order"},
    {ROW("randomkey", NULL, 1, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS | CMD_HOME | CMD_BARRIER, ACL_KEYSPACE),
     DOC("1.0.0", "generic", "O(1)", "Returns a random key."),
     .tips = "request_policy:all_shards response_policy:special nondeterministic_output"},
    {ROW("scan", scan_scan, -2, CMD_READONLY | CMD_TOUCHES_ARBITRARY_KEYS, ACL_KEYSPACE),
     .route = scan_route,
     DOC("2.8.0", "generic",
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return"
         " back to 0. N is the number of elements inside the collection.",
         "Iterates over the keys of the database."),
     .tips = "nondeterministic_output request_policy:special response_policy:special",
     HISTORY({"6.0.0", "Added the `TYPE` subcommand."})},
    {.name = NULL},
};
/* clang-format on */
