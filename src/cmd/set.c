/* Set commands. Semantics, order of checks and error texts: Redis 7.4 t_set.c. */
#include "shard/type/set.h"

#include "shard/type/set_algebra.h"
#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"
#include "src/cmd/scan.h"

/* ---- What many handlers do ---- */

/* The set at key i, to read it or to write it. False: it answered an error. */
static bool open_to_read(struct cmd *c, uint32_t i, struct set *s)
{
    enum status status = set_read(cmd_keyspace(c, i), c->db, &c->keys[i], s);
    if (status)
        error_reply(c->reply, status);
    return !status;
}

static bool open_to_write(struct cmd *c, uint32_t i, struct set *s)
{
    enum status status = set_write(cmd_keyspace(c, i), c->db, &c->keys[i], s);
    if (status)
        error_reply(c->reply, status);
    return !status;
}

static void give_member(void *reply, struct slice member, struct slice none) { reply_bulk_slice(reply, member); }

/* ---- Single sets ---- */

/* SADD key member [member ...] */
static void set_sadd(struct cmd *c)
{
    const struct set_limits *limits = &c->limits->set;
    struct set s;
    if (!open_to_write(c, 0, &s))
        return;
    enum encoding before = set_exists(&s) ? set_content(&s).encoding : ENC_INTSET;
    enum status status = set_prepare(&s, limits, c->argv + 2, c->argc - 2);
    if (status) {
        error_reply(c->reply, status);
        return;
    }
    int64_t added = 0;
    for (uint32_t i = 2; i < c->argc; i++)
        added += set_add(&s, limits, c->argv[i]);
    /* Another encoding is a change too, after which a restart must give the same. */
    if (added > 0 || set_content(&s).encoding != before)
        cmd_changed(c);
    reply_int(c->reply, added);
}

/* SREM key member [member ...] */
static void set_srem(struct cmd *c)
{
    struct set s;
    int64_t removed = 0;
    if (!open_to_write(c, 0, &s))
        return;
    for (uint32_t i = 2; i < c->argc && set_exists(&s); i++)
        removed += set_remove(&s, c->argv[i]);
    if (removed > 0)
        cmd_changed(c);
    reply_int(c->reply, removed);
}

/* SISMEMBER key member */
static void set_sismember(struct cmd *c)
{
    struct set s;
    if (open_to_read(c, 0, &s))
        reply_int(c->reply, set_has(&s, c->argv[2]));
}

/* SMISMEMBER key member [member ...] */
static void set_smismember(struct cmd *c)
{
    struct set s;
    if (!open_to_read(c, 0, &s))
        return;
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++)
        reply_int(c->reply, set_has(&s, c->argv[i]));
}

/* SCARD key */
static void set_scard(struct cmd *c)
{
    struct set s;
    if (open_to_read(c, 0, &s))
        reply_int(c->reply, (int64_t)set_len(&s));
}

/* SMEMBERS key */
static void set_smembers(struct cmd *c)
{
    struct set s;
    if (!open_to_read(c, 0, &s))
        return;
    reply_set(c->reply, (int64_t)set_len(&s));
    if (set_exists(&s))
        value_each(set_content(&s), give_member, c->reply);
}

static void give_scanned(void *arg, struct slice member, struct slice none)
{
    struct scan_run *run = arg;
    if (!scan_matches(run, member))
        return;
    reply_bulk_slice(&run->items, member);
    run->count++;
}

/* SSCAN key cursor [MATCH pattern] [COUNT count] */
static void set_sscan(struct cmd *c)
{
    struct set s;
    struct scan_run run;
    uint64_t cursor;
    if (!scan_parse_cursor(c, 2, &cursor) || !open_to_read(c, 0, &s))
        return;
    if (!set_exists(&s))
        scan_reply_nothing(c);
    else if (scan_begin(c, 3, 0, &run))
        scan_end(c, set_scan(&s, cursor, run.options.count, give_scanned, &run), &run);
}

/* ---- Random members ---- */

static void reply_random(struct cmd *c, const struct set *s, int64_t count)
{
    uint64_t len = set_len(s), n = count < 0 ? -(uint64_t)count : (uint64_t)count;
    if (!set_exists(s))
        n = 0;
    else if (count > 0 && n > len)
        n = len;
    reply_array(c->reply, (int64_t)n);
    if (n == 0)
        return;
    if (count > 0 && n == len)
        value_each(set_content(s), give_member, c->reply);
    else if (count > 1)
        set_value_sample(set_content(s), n, c->random, give_member, c->reply);
    else
        set_value_pick(set_content(s), n, c->random, give_member, c->reply);
}

/* SRANDMEMBER key [count] */
static void set_srandmember(struct cmd *c)
{
    int64_t count;
    struct set s;
    if (c->argc > 3) {
        reply_syntax_error(c);
        return;
    }
    if (c->argc == 3 && !arg_i64_signed(c, 2, &count))
        return;
    if (!open_to_read(c, 0, &s))
        return;
    if (c->argc == 3)
        reply_random(c, &s, count);
    else if (set_exists(&s))
        set_value_pick(set_content(&s), 1, c->random, give_member, c->reply);
    else
        reply_null(c->reply);
}

/* Members on their way out: to the reply, and into the journal as SREMs of so many members at most, as Redis has it. */
enum { MEMBERS_PER_EFFECT = 1024 };

struct popping {
    struct cmd *cmd;
    uint64_t left; /* that no effect was begun for */
    uint32_t open; /* that the effect that was begun still gets */
};

static void pop_member(void *arg, struct slice member, struct slice none)
{
    struct popping *p = arg;
    if (p->open == 0) {
        p->open = p->left < MEMBERS_PER_EFFECT ? (uint32_t)p->left : MEMBERS_PER_EFFECT;
        p->left -= p->open;
        cmd_effect_begin(p->cmd, 2 + p->open);
        cmd_effect_word(p->cmd, slice_str("SREM"));
        cmd_effect_word(p->cmd, p->cmd->argv[1]);
    }
    cmd_effect_word(p->cmd, member);
    p->open--;
    reply_bulk_slice(p->cmd->reply, member);
}

static void pop_members(struct cmd *c, struct set *s, uint64_t n)
{
    struct popping p = {.cmd = c, .left = n};
    set_pop(s, n, c->random, pop_member, &p);
    cmd_changed(c);
}

/* A set as it is replied; it is gone then. */
static void reply_result(struct cmd *c, struct value_home *home, struct typed_value result)
{
    reply_set(c->reply, (int64_t)value_count(result));
    value_each(result, give_member, c->reply);
    value_discard(home, result.encoding, result.ptr);
}

/* All members, in the order of a union of one set, as Redis replies them. */
static void pop_all(struct cmd *c, struct set *s)
{
    struct value_home *home = keyspace_values(s->keyspace);
    struct typed_value all = set_content(s);
    reply_result(c, home, set_union(home, &c->limits->set, &all, 1));
    set_delete(s);
    cmd_changed(c);
    cmd_effect(c, 2, (struct slice[]){slice_str("DEL"), c->argv[1]});
}

/* An integer from 0 on; whatever else it is gets that error. */
static bool arg_not_negative(struct cmd *c, uint32_t i, const char *error, int64_t *out)
{
    if (num_parse_i64(c->argv[i], out) && *out >= 0)
        return true;
    reply_error(c->reply, error);
    return false;
}

/* Redis makes a new set of what is left if that is a sixth at most, which may be compact again. For a restart to give
 * the same encoding this is said in words that redis-server understands, too. */
static void compact_the_rest(struct cmd *c, struct set *s, uint64_t popped)
{
    enum { POPPED_PER_LEFT = 5 };
    if (set_len(s) > popped / POPPED_PER_LEFT || !set_make_compact(s, &c->limits->set))
        return;
    char text[NUM_INT_CHARS];
    int64_t deadline = entry_expiry_ms(s->place.entry);
    cmd_effect(c, 3, (struct slice[]){slice_str("SUNIONSTORE"), c->argv[1], c->argv[1]});
    if (deadline != EXPIRY_NONE)
        cmd_effect(c, 3, (struct slice[]){slice_str("PEXPIREAT"), c->argv[1], slice_of(text, num_i64(text, deadline))});
}

static void pop_count(struct cmd *c)
{
    int64_t count;
    struct set s;
    if (!arg_not_negative(c, 2, "ERR value is out of range, must be positive", &count) || !open_to_write(c, 0, &s))
        return;
    if (count == 0 || !set_exists(&s)) {
        reply_set(c->reply, 0);
    } else if ((uint64_t)count >= set_len(&s)) {
        pop_all(c, &s);
    } else {
        reply_set(c->reply, count);
        pop_members(c, &s, (uint64_t)count);
        compact_the_rest(c, &s, (uint64_t)count);
    }
}

/* SPOP key [count] */
static void set_spop(struct cmd *c)
{
    struct set s;
    if (c->argc > 3) {
        reply_syntax_error(c);
        return;
    }
    if (c->argc == 3) {
        pop_count(c);
        return;
    }
    if (!open_to_write(c, 0, &s))
        return;
    if (set_exists(&s))
        pop_members(c, &s, 1);
    else
        reply_null(c->reply);
}

/* ---- Several sets ---- */

/* SMOVE source destination member. Sets are looked up again before they change: finding or changing another one may
 * have moved them. */
static void set_smove(struct cmd *c)
{
    struct set from, to;
    struct slice member = c->argv[3];
    if (!open_to_write(c, 0, &from))
        return;
    bool to_itself = slice_eq(c->argv[1], c->argv[2]), had = set_has(&from, member);
    if (!set_exists(&from)) {
        reply_int(c->reply, 0);
        return;
    }
    if (!open_to_write(c, 1, &to))
        return;
    if (had && !to_itself) {
        open_to_write(c, 0, &from);
        set_remove(&from, member);
        open_to_write(c, 1, &to);
        if (!set_exists(&to))
            set_prepare(&to, &c->limits->set, &member, 1);
        set_add(&to, &c->limits->set, member);
        cmd_changed(c);
    }
    reply_int(c->reply, had);
}

/* What the sets at keys from first on are made of, ptr NULL of a missing one. NULL: it answered an error. The caller
 * frees it. */
static struct typed_value *open_all(struct cmd *c, uint32_t first)
{
    struct typed_value *sets = mem_zalloc(NULL, (c->nkeys - first) * sizeof *sets);
    for (uint32_t i = first; i < c->nkeys; i++) {
        struct set s;
        if (!open_to_read(c, i, &s)) {
            mem_free(NULL, sets);
            return NULL;
        }
        if (set_exists(&s))
            sets[i - first] = set_content(&s);
    }
    return sets;
}

typedef struct typed_value combine_fn(struct value_home *home, const struct set_limits *limits,
                                      struct typed_value *sets, uint32_t n);

static void combine(struct cmd *c, combine_fn *fn)
{
    struct typed_value *sets = open_all(c, 0);
    if (!sets)
        return;
    struct value_home *home = keyspace_values(cmd_keyspace(c, 0));
    reply_result(c, home, fn(home, &c->limits->set, sets, c->nkeys));
    mem_free(NULL, sets);
}

static void combine_and_store(struct cmd *c, combine_fn *fn)
{
    struct keyspace *ks = cmd_keyspace(c, 0);
    struct typed_value *sets = open_all(c, 1);
    if (!sets)
        return;
    struct typed_value result = fn(keyspace_values(ks), &c->limits->set, sets, c->nkeys - 1);
    mem_free(NULL, sets);
    int64_t count = (int64_t)value_count(result);
    if (set_store(ks, c->db, &c->keys[0], result))
        cmd_changed(c);
    reply_int(c->reply, count);
}

/* SUNION key [key ...] */
static void set_sunion(struct cmd *c) { combine(c, set_union); }

/* SUNIONSTORE destination key [key ...] */
static void set_sunionstore(struct cmd *c) { combine_and_store(c, set_union); }

/* SDIFF key [key ...] */
static void set_sdiff(struct cmd *c) { combine(c, set_difference); }

/* SDIFFSTORE destination key [key ...] */
static void set_sdiffstore(struct cmd *c) { combine_and_store(c, set_difference); }

/* SINTERSTORE destination key [key ...] */
static void set_sinterstore(struct cmd *c) { combine_and_store(c, set_intersection); }

struct counting {
    struct reply *reply; /* NULL: members are only counted */
    int64_t count, limit;
};

static bool count_member(void *arg, struct listpack_value member)
{
    struct counting *counting = arg;
    if (counting->reply && member.string)
        reply_bulk(counting->reply, member.string, member.len);
    else if (counting->reply)
        reply_bulk_int(counting->reply, member.integer);
    return ++counting->count != counting->limit;
}

/* Counts what the sets at all keys have in common, up to limit (0: none). False: it answered an error. */
static bool intersect(struct cmd *c, struct counting *counting)
{
    struct typed_value *sets = open_all(c, 0);
    if (!sets)
        return false;
    set_intersect(sets, c->nkeys, count_member, counting);
    mem_free(NULL, sets);
    return true;
}

/* SINTER key [key ...] */
static void set_sinter(struct cmd *c)
{
    struct counting counting = {.reply = c->reply};
    size_t header = reply_defer(c->reply);
    if (intersect(c, &counting))
        reply_defer_end(c->reply, header, '~', counting.count);
}

/* SINTERCARD numkeys key [key ...] [LIMIT limit] */
static void set_sintercard(struct cmd *c)
{
    struct counting counting = {0};
    int64_t keys;
    if (!num_parse_i64(c->argv[1], &keys) || keys < 1) {
        reply_error(c->reply, "ERR numkeys should be greater than 0");
        return;
    }
    if (keys > c->argc - 2) {
        reply_error(c->reply, "ERR Number of keys can't be greater than number of args");
        return;
    }
    for (uint32_t i = 2 + (uint32_t)keys; i < c->argc; i += 2) {
        if (!slice_is(c->argv[i], "limit") || i + 1 == c->argc) {
            reply_syntax_error(c);
            return;
        }
        if (!arg_not_negative(c, i + 1, "ERR LIMIT can't be negative", &counting.limit))
            return;
    }
    if (intersect(c, &counting))
        reply_int(c->reply, counting.count);
}

/* clang-format off */
struct command set_commands[] = {
    {ROW("sadd", set_sadd, -3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_INSERT)},
     DOC("1.0.0", "set",
         "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
         "Adds members to a set; creates the set if it is missing."),
     HISTORY({"2.4.0", "Accepts multiple `member` arguments."})},
    {ROW("scard", set_scard, 2, CMD_READONLY | CMD_FAST, ACL_SET),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("1.0.0", "set", "O(1)", "Counts the members of a set.")},
    {ROW("sdiff", set_sdiff, -2, CMD_READONLY, ACL_SET),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "set", "O(N) where N is the total number of elements in all given sets.",
         "Returns the members of a set that others do not have."),
     .tips = "nondeterministic_output_order"},
    {ROW("sdiffstore", set_sdiffstore, -3, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_SET),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_RANGE(2, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "set", "O(N) where N is the total number of elements in all given sets.",
         "Stores the members of a set that others do not have.")},
    {ROW("sinter", set_sinter, -2, CMD_READONLY, ACL_SET),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "set",
         "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
         "Returns the members that all sets have."),
     .tips = "nondeterministic_output_order"},
    {ROW("sintercard", set_sintercard, -3, CMD_READONLY, ACL_SET),
     .keys = {KEY_COUNTED(1, KEY_RO | KEY_ACCESS)},
     DOC("7.0.0", "set",
         "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
         "Counts the members that all sets have.")},
    {ROW("sinterstore", set_sinterstore, -3, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_SET),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_RANGE(2, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "set",
         "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
         "Stores the members that all sets have.")},
    {ROW("sismember", set_sismember, 3, CMD_READONLY | CMD_FAST, ACL_SET),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("1.0.0", "set", "O(1)", "Tells whether a set has a member.")},
    {ROW("smembers", set_smembers, 2, CMD_READONLY, ACL_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "set", "O(N) where N is the set cardinality.", "Returns the members of a set."),
     .tips = "nondeterministic_output_order"},
    {ROW("smismember", set_smismember, -3, CMD_READONLY | CMD_FAST, ACL_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("6.2.0", "set", "O(N) where N is the number of elements being checked for membership",
         "Tells which members a set has.")},
    {ROW("smove", set_smove, 4, CMD_WRITE | CMD_FAST | CMD_SIGNAL, ACL_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_RW | KEY_INSERT)},
     DOC("1.0.0", "set", "O(1)", "Moves a member from a set to another.")},
    {ROW("spop", set_spop, -2, CMD_WRITE | CMD_FAST, ACL_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
     DOC("1.0.0", "set",
         "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
         "Removes random members of a set and returns them."),
     .tips = "nondeterministic_output",
     HISTORY({"3.2.0", "Added the `count` argument."})},
    {ROW("srandmember", set_srandmember, -2, CMD_READONLY, ACL_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "set",
         "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
         "Returns random members of a set."),
     .tips = "nondeterministic_output",
     HISTORY({"2.6.0", "Added the optional `count` argument."})},
    {ROW("srem", set_srem, -3, CMD_WRITE | CMD_FAST, ACL_SET),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("1.0.0", "set", "O(N) where N is the number of members to be removed.", "Removes members from a set."),
     HISTORY({"2.4.0", "Accepts multiple `member` arguments."})},
    {ROW("sscan", set_sscan, -3, CMD_READONLY, ACL_SET),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.8.0", "set",
         "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return"
         " back to 0. N is the number of elements inside the collection..",
         "Iterates over the members of a set."),
     .tips = "nondeterministic_output"},
    {ROW("sunion", set_sunion, -2, CMD_READONLY, ACL_SET),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "set", "O(N) where N is the total number of elements in all given sets.",
         "Returns the members that any of the sets has."),
     .tips = "nondeterministic_output_order"},
    {ROW("sunionstore", set_sunionstore, -3, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_SET),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE), KEY_RANGE(2, -1, 1, KEY_RO | KEY_ACCESS)},
     DOC("1.0.0", "set", "O(N) where N is the total number of elements in all given sets.",
         "Stores the members that any of the sets has.")},
    {.name = NULL},
};
/* clang-format on */
