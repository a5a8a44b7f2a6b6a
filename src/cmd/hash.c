/* Hash commands. Semantics, order of checks and error texts: Redis 7.4 t_hash.c. */
#include "shard/type/hash.h"

#include <math.h>

#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"
#include "src/cmd/scan.h"

/* ---- What many handlers do ---- */

/* The hash at key 0, to read it or to write it. False: it answered an error. */
static bool open_to_read(struct cmd *c, struct hash *h)
{
    enum status status = hash_read(cmd_keyspace(c, 0), c->db, &c->keys[0], h);
    if (status)
        error_reply(c->reply, status);
    return !status;
}

static bool open_to_write(struct cmd *c, struct hash *h)
{
    enum status status = hash_write(cmd_keyspace(c, 0), c->db, &c->keys[0], h);
    if (status)
        error_reply(c->reply, status);
    return !status;
}

static void reply_value(struct reply *r, struct listpack_value v)
{
    if (v.string)
        reply_bulk(r, v.string, v.len);
    else
        reply_bulk_int(r, v.integer);
}

/* The field's value or null. */
static void reply_field(struct cmd *c, const struct hash *h, struct slice field)
{
    struct listpack_value value;
    if (hash_get(h, field, &value))
        reply_value(c->reply, value);
    else
        reply_null(c->reply);
}

/* ---- Reading ---- */

/* HGET key field */
static void hash_hget(struct cmd *c)
{
    struct hash h;
    if (open_to_read(c, &h))
        reply_field(c, &h, c->argv[2]);
}

/* HMGET key field [field ...] */
static void hash_hmget(struct cmd *c)
{
    struct hash h;
    if (!open_to_read(c, &h))
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++)
        reply_field(c, &h, c->argv[i]);
}

/* HEXISTS key field */
static void hash_hexists(struct cmd *c)
{
    struct hash h;
    struct listpack_value value;
    if (open_to_read(c, &h))
        reply_int(c->reply, hash_get(&h, c->argv[2], &value));
}

/* HSTRLEN key field */
static void hash_hstrlen(struct cmd *c)
{
    struct hash h;
    struct listpack_value value;
    char buf[NUM_INT_CHARS];
    if (open_to_read(c, &h))
        reply_int(c->reply, hash_get(&h, c->argv[2], &value) ? (int64_t)listpack_text_of(value, buf).len : 0);
}

/* HLEN key */
static void hash_hlen(struct cmd *c)
{
    struct hash h;
    if (open_to_read(c, &h))
        reply_int(c->reply, (int64_t)hash_len(&h));
}

static void give_field(void *reply, struct slice field, struct slice value) { reply_bulk_slice(reply, field); }

static void give_value(void *reply, struct slice field, struct slice value) { reply_bulk_slice(reply, value); }

static void give_both(void *reply, struct slice field, struct slice value)
{
    reply_bulk_slice(reply, field);
    reply_bulk_slice(reply, value);
}

/* RESP3's form of pairs that may repeat, and so are no map. */
static void give_pair(void *reply, struct slice field, struct slice value)
{
    reply_array(reply, 2);
    give_both(reply, field, value);
}

/* HGETALL key */
static void hash_hgetall(struct cmd *c)
{
    struct hash h;
    if (!open_to_read(c, &h))
        return;
    reply_map(c->reply, (int64_t)hash_len(&h));
    if (hash_exists(&h))
        hash_each(&h, give_both, c->reply);
}

static void reply_each(struct cmd *c, value_visit *give)
{
    struct hash h;
    if (!open_to_read(c, &h))
        return;
    reply_array(c->reply, (int64_t)hash_len(&h));
    if (hash_exists(&h))
        hash_each(&h, give, c->reply);
}

/* HKEYS key */
static void hash_hkeys(struct cmd *c) { reply_each(c, give_field); }

/* HVALS key */
static void hash_hvals(struct cmd *c) { reply_each(c, give_value); }

/* ---- Random fields, scanning ---- */

static void reply_random(struct cmd *c, const struct hash *h, int64_t count, bool with_values)
{
    uint64_t len = hash_len(h), n = count < 0 ? -(uint64_t)count : (uint64_t)count;
    if (count > 0 && n > len)
        n = len;
    bool pairs = with_values && c->reply->resp > 2;
    value_visit *give = pairs ? give_pair : with_values ? give_both : give_field;
    reply_array(c->reply, (int64_t)(with_values && !pairs ? 2 * n : n));
    if (n == 0)
        return;
    if (count < 0)
        hash_pick(h, n, c->random, give, c->reply);
    else
        hash_sample(h, n, c->random, give, c->reply);
}

/* HRANDFIELD key [count [WITHVALUES]] */
static void hash_hrandfield(struct cmd *c)
{
    int64_t count = 0;
    struct hash h;
    if (c->argc >= 3 && !arg_i64_signed(c, 2, &count))
        return;
    if (c->argc > 4 || (c->argc == 4 && !slice_is(c->argv[3], "withvalues"))) {
        reply_syntax_error(c);
        return;
    }
    if (c->argc == 4 && (count < -(INT64_MAX / 2) || count > INT64_MAX / 2)) {
        reply_error(c->reply, "ERR value is out of range");
        return;
    }
    if (!open_to_read(c, &h))
        return;
    if (c->argc == 2 && !hash_exists(&h))
        reply_null(c->reply);
    else if (c->argc == 2)
        hash_pick(&h, 1, c->random, give_field, c->reply);
    else
        reply_random(c, &h, hash_exists(&h) ? count : 0, c->argc == 4);
}

static void give_scanned(void *arg, struct slice field, struct slice value)
{
    struct scan_run *run = arg;
    if (!scan_matches(run, field))
        return;
    (run->options.novalues ? give_field : give_both)(&run->items, field, value);
    run->count += run->options.novalues ? 1 : 2;
}

/* HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES] */
static void hash_hscan(struct cmd *c)
{
    struct hash h;
    struct scan_run run;
    uint64_t cursor;
    if (!scan_parse_cursor(c, 2, &cursor) || !open_to_read(c, &h))
        return;
    if (!hash_exists(&h))
        scan_reply_nothing(c);
    else if (scan_begin(c, 3, SCAN_NOVALUES, &run))
        scan_end(c, hash_scan(&h, cursor, run.options.count, give_scanned, &run), &run);
}

/* ---- Setting ---- */

/* Sets the fields and values from argument 2 on. Returns how many fields are new, or -1: it answered an error. */
static int64_t set_fields(struct cmd *c, struct hash *h)
{
    const struct flat_limits *limits = &c->limits->hash;
    int64_t added = 0;
    enum status status = hash_prepare(h, limits, c->argv + 2, c->argc - 2);
    if (status) {
        error_reply(c->reply, status);
        return -1;
    }
    for (uint32_t i = 2; i < c->argc; i += 2)
        added += hash_set(h, limits, c->argv[i], c->argv[i + 1]);
    cmd_changed(c);
    return added;
}

static bool has_pairs(struct cmd *c)
{
    if (c->argc % 2 == 1)
        command_reply_arity(c->reply, c->row);
    return c->argc % 2 == 0;
}

/* HSET key field value [field value ...] */
static void hash_hset(struct cmd *c)
{
    struct hash h;
    if (!has_pairs(c) || !open_to_write(c, &h))
        return;
    int64_t added = set_fields(c, &h);
    if (added >= 0)
        reply_int(c->reply, added);
}

/* HMSET key field value [field value ...] */
static void hash_hmset(struct cmd *c)
{
    struct hash h;
    if (has_pairs(c) && open_to_write(c, &h) && set_fields(c, &h) >= 0)
        reply_ok(c->reply);
}

/* HSETNX key field value */
static void hash_hsetnx(struct cmd *c)
{
    struct hash h;
    struct listpack_value value;
    if (!open_to_write(c, &h))
        return;
    if (hash_get(&h, c->argv[2], &value))
        reply_int(c->reply, 0);
    else if (set_fields(c, &h) >= 0)
        reply_int(c->reply, 1);
}

/* HINCRBY key field increment */
static void hash_hincrby(struct cmd *c)
{
    struct hash h;
    int64_t by, result;
    if (!arg_i64(c, 3, &by) || !open_to_write(c, &h))
        return;
    enum status status = hash_increment(&h, &c->limits->hash, c->argv[2], by, &result);
    if (status == STATUS_NOT_INTEGER) {
        reply_error(c->reply, "ERR hash value is not an integer");
    } else if (status) {
        error_reply(c->reply, status);
    } else {
        cmd_changed(c);
        reply_int(c->reply, result);
    }
}

/* HINCRBYFLOAT key field increment */
static void hash_hincrbyfloat(struct cmd *c)
{
    struct hash h;
    long double by;
    char text[DTOA_HUMAN_CHARS];
    size_t len;
    if (!num_parse_long_double(c->argv[3], &by)) {
        error_reply(c->reply, STATUS_NOT_FLOAT);
        return;
    }
    if (isinf(by)) {
        reply_error(c->reply, "ERR value is NaN or Infinity");
        return;
    }
    if (!open_to_write(c, &h))
        return;
    enum status status = hash_increment_float(&h, &c->limits->hash, c->argv[2], by, text, &len);
    if (status == STATUS_NOT_FLOAT) {
        reply_error(c->reply, "ERR hash value is not a float");
    } else if (status) {
        error_reply(c->reply, status);
    } else {
        /* Not as it came: another machine may round in another way. */
        cmd_changed(c);
        cmd_effect(c, 4, (struct slice[]){slice_str("HSET"), c->argv[1], c->argv[2], slice_of(text, len)});
        reply_bulk(c->reply, text, len);
    }
}

/* HDEL key field [field ...] */
static void hash_hdel(struct cmd *c)
{
    struct hash h;
    int64_t deleted = 0;
    if (!open_to_write(c, &h))
        return;
    for (uint32_t i = 2; i < c->argc && hash_exists(&h); i++)
        deleted += hash_delete(&h, c->argv[i]);
    if (deleted > 0)
        cmd_changed(c);
    reply_int(c->reply, deleted);
}

/* clang-format off */
struct command hash_commands[] = {
    {ROW("hdel", hash_hdel, -3, CMD_WRITE | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("2.0.0", "hash", "O(N) where N is the number of fields to be removed.", "Deletes fields of a hash."),
     HISTORY({"2.4.0", "Accepts multiple `field` arguments."})},
    {ROW("hexists", hash_hexists, 3, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("2.0.0", "hash", "O(1)", "Tells whether a hash has a field.")},
    {ROW("hexpire", NULL, -6, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Lets fields of a hash expire after some seconds.")},
    {ROW("hexpireat", NULL, -6, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Lets fields of a hash expire at a Unix time.")},
    {ROW("hexpiretime", NULL, -5, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Returns the Unix times in seconds at which fields of a hash expire.")},
    {ROW("hget", hash_hget, 3, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "hash", "O(1)", "Returns the value of a field of a hash.")},
    {ROW("hgetall", hash_hgetall, 2, CMD_READONLY, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "hash", "O(N) where N is the size of the hash.", "Returns all fields and values of a hash."),
     .tips = "nondeterministic_output_order"},
    {ROW("hgetdel", NULL, -5, CMD_WRITE | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("8.0.0", "hash", "O(N) where N is the number of specified fields",
         "Returns the values of fields of a hash and deletes the fields.")},
    {ROW("hgetex", NULL, -5, CMD_WRITE | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("8.0.0", "hash", "O(N) where N is the number of specified fields",
         "Returns the values of fields of a hash after setting when they expire.")},
    {ROW("hincrby", hash_hincrby, 4, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("2.0.0", "hash", "O(1)", "Adds an integer to a field of a hash; a missing one counts as 0.")},
    {ROW("hincrbyfloat", hash_hincrbyfloat, 4, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("2.6.0", "hash", "O(1)", "Adds a number to a field of a hash; a missing one counts as 0.")},
    {ROW("hkeys", hash_hkeys, 2, CMD_READONLY, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "hash", "O(N) where N is the size of the hash.", "Returns the fields of a hash."),
     .tips = "nondeterministic_output_order"},
    {ROW("hlen", hash_hlen, 2, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("2.0.0", "hash", "O(1)", "Counts the fields of a hash.")},
    {ROW("hmget", hash_hmget, -3, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "hash", "O(N) where N is the number of fields being requested.",
         "Returns the values of some fields of a hash.")},
    {ROW("hmset", hash_hmset, -4, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("2.0.0", "hash", "O(N) where N is the number of fields being set.", "Sets fields of a hash."),
     DEPRECATED("4.0.0", "`HSET` with multiple field-value pairs")},
    {ROW("hpersist", NULL, -5, CMD_WRITE | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Takes the expiry away from fields of a hash.")},
    {ROW("hpexpire", NULL, -6, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Lets fields of a hash expire after some milliseconds.")},
    {ROW("hpexpireat", NULL, -6, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Lets fields of a hash expire at a Unix time in milliseconds.")},
    {ROW("hpexpiretime", NULL, -5, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Returns the Unix times in milliseconds at which fields of a hash expire.")},
    {ROW("hpttl", NULL, -5, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Returns how many milliseconds fields of a hash have left."),
     .tips = "nondeterministic_output"},
    {ROW("hrandfield", hash_hrandfield, -2, CMD_READONLY, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "hash", "O(N) where N is the number of fields returned", "Returns random fields of a hash."),
     .tips = "nondeterministic_output"},
    {ROW("hscan", hash_hscan, -3, CMD_READONLY, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.0", "hash",
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return"
         " back to 0. N is the number of elements inside the collection..",
         "Iterates over the fields of a hash."),
     .tips = "nondeterministic_output"},
    {ROW("hset", hash_hset, -4, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("2.0.0", "hash",
         "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with "
         "multiple field/value pairs.",
         "Sets fields of a hash; creates the hash if it is missing."),
     HISTORY({"4.0.0", "Accepts multiple `field` and `value` arguments."})},
    {ROW("hsetex", NULL, -6, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("8.0.0", "hash", "O(N) where N is the number of specified fields",
         "Sets fields of a hash and when they expire.")},
    {ROW("hsetnx", hash_hsetnx, 4, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("2.0.0", "hash", "O(1)", "Sets a field of a hash if it is missing.")},
    {ROW("hstrlen", hash_hstrlen, 3, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("3.2.0", "hash", "O(1)", "Returns the length of a field's value.")},
    {ROW("httl", NULL, -5, CMD_READONLY | CMD_FAST, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("7.4.0", "hash", "O(N) where N is the number of specified fields",
         "Returns how many seconds fields of a hash have left."),
     .tips = "nondeterministic_output"},
    {ROW("hvals", hash_hvals, 2, CMD_READONLY, ACL_HASH),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.0.0", "hash", "O(N) where N is the size of the hash.", "Returns the values of a hash."),
     .tips = "nondeterministic_output_order"},
    {.name = NULL},
};
/* clang-format on */
