/* DUMP and RESTORE: values of any type in the form of RDB files. Semantics, order of checks and error texts: Redis 7.4
 * cluster.c (restoreCommand). What a payload is: persist/dump.h. */
#include "persist/dump.h"
#include "shard/shard.h"
#include "src/base/num.h"
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* DUMP key */
static void dump_dump(struct cmd *c)
{
    struct place place = keyspace_read(cmd_keyspace(c, 0), c->db, &c->keys[0]);
    if (!place.entry) {
        reply_null(c->reply);
        return;
    }
    struct blob *payload = dump_entry(place.entry);
    reply_bulk_blob(c->reply, payload, 0, payload->len);
    blob_release(payload);
}

struct restore_options {
    bool replace, absolute;
    int64_t idle_s, frequency; /* -1: not given */
};

static bool parse_idle(struct cmd *c, uint32_t i, struct restore_options *o)
{
    if (!arg_i64(c, i, &o->idle_s))
        return false;
    if (o->idle_s < 0)
        reply_error(c->reply, "ERR Invalid IDLETIME value, must be >= 0");
    return o->idle_s >= 0;
}

static bool parse_frequency(struct cmd *c, uint32_t i, struct restore_options *o)
{
    if (!arg_i64(c, i, &o->frequency))
        return false;
    bool good = o->frequency >= 0 && o->frequency <= UINT8_MAX;
    if (!good)
        reply_error(c->reply, "ERR Invalid FREQ value, must be >= 0 and <= 255");
    return good;
}

/* [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency] */
static bool parse_options(struct cmd *c, struct restore_options *o)
{
    *o = (struct restore_options){.idle_s = -1, .frequency = -1};
    for (uint32_t i = 4; i < c->argc; i++) {
        bool more = i + 1 < c->argc;
        if (slice_is(c->argv[i], "replace")) {
            o->replace = true;
        } else if (slice_is(c->argv[i], "absttl")) {
            o->absolute = true;
        } else if (slice_is(c->argv[i], "idletime") && more && o->frequency < 0) {
            if (!parse_idle(c, ++i, o))
                return false;
        } else if (slice_is(c->argv[i], "freq") && more && o->idle_s < 0) {
            if (!parse_frequency(c, ++i, o))
                return false;
        } else {
            reply_syntax_error(c);
            return false;
        }
    }
    return true;
}

/* argv[2] as the time at which the key expires. */
static bool parse_deadline(struct cmd *c, const struct restore_options *o, int64_t *deadline_ms)
{
    int64_t ttl;
    if (!arg_i64(c, 2, &ttl))
        return false;
    if (ttl < 0) {
        reply_error(c->reply, "ERR Invalid TTL value, must be >= 0");
        return false;
    }
    /* As Redis: what is too far in the future wraps around, and has passed. */
    *deadline_ms = o->absolute ? ttl : (int64_t)((uint64_t)ttl + (uint64_t)c->now_ms);
    if (ttl == 0)
        *deadline_ms = EXPIRY_NONE;
    return true;
}

static bool read_payload(struct cmd *c, struct rdb_value_reader *r, struct rdb_value *value)
{
    const struct rdb_value_limits limits = {.hash = c->limits->hash,
                                            .set = c->limits->set,
                                            .zset = c->limits->zset,
                                            .list_node_size = c->limits->list_node_size};
    struct slice content;
    if (!dump_open(c->argv[3], &content)) {
        reply_error(c->reply, "ERR DUMP payload version or checksum are wrong");
        return false;
    }
    bool good = rdb_value_read(r, content, keyspace_values(cmd_keyspace(c, 0)), &limits, value);
    if (!good) {
        rdb_value_reader_end(r);
        reply_error(c->reply, "ERR Bad data format");
    }
    return good;
}

/* The time has passed before the key could come: what it would have replaced goes all the same. */
static void come_too_late(struct cmd *c, struct place place, const struct rdb_value *value)
{
    struct keyspace *ks = cmd_keyspace(c, 0);
    if (value->typed.type != TYPE_STRING)
        value_discard(keyspace_values(ks), value->typed.encoding, value->typed.ptr);
    if (!place.entry)
        return;
    keyspace_remove(ks, place, &c->keys[0]);
    cmd_changed(c);
    cmd_effect(c, 2, (struct slice[]){slice_str("DEL"), c->argv[1]});
}

static struct place put_value(struct cmd *c, struct place place, const struct rdb_value *value, int64_t deadline_ms)
{
    struct keyspace *ks = cmd_keyspace(c, 0);
    if (value->typed.type != TYPE_STRING)
        return keyspace_set_value(ks, place, &c->keys[0], &value->typed, deadline_ms);
    if (value->is_integer)
        return keyspace_set_int(ks, place, &c->keys[0], value->integer, deadline_ms);
    return keyspace_set_string(ks, place, &c->keys[0], value->string, deadline_ms, STRING_ENCODED);
}

/* Into the journal with an absolute time. */
static void effect_restore(struct cmd *c, const struct restore_options *o, int64_t deadline_ms)
{
    char deadline[NUM_INT_CHARS], number[NUM_INT_CHARS];
    int64_t access = o->idle_s >= 0 ? o->idle_s : o->frequency;
    struct slice argv[8] = {slice_str("RESTORE"), c->argv[1], slice_str("0"), c->argv[3], slice_str("ABSTTL")};
    uint32_t argc = 5;
    if (deadline_ms != EXPIRY_NONE)
        argv[2] = slice_of(deadline, num_i64(deadline, deadline_ms));
    if (o->replace)
        argv[argc++] = slice_str("REPLACE");
    if (access >= 0) {
        argv[argc++] = slice_str(o->idle_s >= 0 ? "IDLETIME" : "FREQ");
        argv[argc++] = slice_of(number, num_i64(number, access));
    }
    cmd_changed(c);
    cmd_effect(c, argc, argv);
}

static void restore(struct cmd *c)
{
    struct restore_options options;
    struct rdb_value_reader reader;
    struct rdb_value value;
    int64_t deadline_ms;
    if (!parse_options(c, &options))
        return;
    struct keyspace *ks = cmd_keyspace(c, 0);
    struct place place = keyspace_write(ks, c->db, &c->keys[0]);
    if (place.entry && !options.replace) {
        reply_error(c->reply, "BUSYKEY Target key name already exists.");
        return;
    }
    if (!parse_deadline(c, &options, &deadline_ms) || !read_payload(c, &reader, &value))
        return;
    if (deadline_ms != EXPIRY_NONE && keyspace_is_past(ks, deadline_ms)) {
        come_too_late(c, place, &value);
    } else {
        place = put_value(c, place, &value, deadline_ms);
        if (options.idle_s >= 0)
            keyspace_set_idle_seconds(ks, place.entry, (uint64_t)options.idle_s);
        effect_restore(c, &options, deadline_ms);
    }
    rdb_value_reader_end(&reader);
    reply_ok(c->reply);
}

/* RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]: there are no LFU policies
 * yet, and a frequency is of no use without. */
static void dump_restore(struct cmd *c) { restore(c); }

/* RESTORE-ASKING key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency] */
static void dump_restore_asking(struct cmd *c) { restore(c); }

/* clang-format off */
struct command dump_commands[] = {
    {ROW("dump", dump_dump, 2, CMD_READONLY, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("2.6.0", "generic",
         "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of Redis objects "
         "composing the value and M their average size. For small string values the time complexity is thus "
         "O(1)+O(1*M) where M is small, so simply O(1).",
         "Returns the value of a key in serialized form."),
     .tips = "nondeterministic_output"},
    {ROW("restore", dump_restore, -4, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_KEYSPACE | ACL_DANGEROUS),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE)},
     DOC("2.6.0", "generic",
         "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number"
         " of Redis objects composing the value and M their average size. For small string values the time complexity"
         " is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is "
         "O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).",
         "Creates a key from a serialized value."),
     HISTORY({"3.0.0", "Added the `REPLACE` modifier."},
             {"5.0.0", "Added the `ABSTTL` modifier."},
             {"5.0.0", "Added the `IDLETIME` and `FREQ` options."})},
    {ROW("restore-asking", dump_restore_asking, -4, CMD_WRITE | CMD_DENYOOM | CMD_ASKING | CMD_SIGNAL,
      ACL_KEYSPACE | ACL_DANGEROUS),
     .keys = {KEY_AT(1, KEY_OW | KEY_UPDATE)},
     DOC("3.0.0", "server",
         "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, where N is the number"
         " of Redis objects composing the value and M their average size. For small string values the time complexity"
         " is thus O(1)+O(1*M) where M is small, so simply O(1). However for sorted set values the complexity is "
         "O(N*M*log(N)) because inserting values into sorted sets is O(log(N)).",
         "Creates a key from a serialized value while its slot is moved."),
     .system = true,
     HISTORY({"3.0.0", "Added the `REPLACE` modifier."},
             {"5.0.0", "Added the `ABSTTL` modifier."},
             {"5.0.0", "Added the `IDLETIME` and `FREQ` options."})},
    {.name = NULL},
};
/* clang-format on */
