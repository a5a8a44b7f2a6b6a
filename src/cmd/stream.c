/* Stream commands: messages. Reading several streams is in stream_read.c, groups in stream_group.c, what is pending in
 * stream_claim.c, XINFO in stream_info.c. Semantics, order of checks and error texts: Redis 7.4 t_stream.c. */
#include "shard/type/stream.h"

#include "src/base/assert.h"
#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/families.h"
#include "src/cmd/help.h"
#include "src/cmd/keys.h"
#include "src/cmd/row.h"
#include "src/cmd/stream_args.h"

/* ---- Adding ---- */

/* The ID of a new message; false: it would not be behind the last one. */
static bool choose_id(const struct cmd *c, const struct stream_options *o, struct stream_id last, struct stream_id *id)
{
    *id = o->id;
    if (!o->has_ms) {
        *id = stream_id_after(last, c->now_ms);
    } else if (!o->has_seq && last.ms == o->id.ms) {
        if (last.seq == UINT64_MAX)
            return false;
        id->seq = last.seq + 1;
    }
    return stream_id_compare(*id, last) > 0;
}

/* Into the journal: the command with what it came to in place of what it said: the ID, and where it trimmed only
 * roughly, exactly to where that went. */
static void effect_exactly(struct cmd *c, const struct stream *s, const struct stream_options *o, struct slice id)
{
    if (!c->effects)
        return;
    char text[STREAM_ID_CHARS];
    struct slice *argv = mem_alloc(NULL, c->argc * sizeof *argv);
    memcpy(argv, c->argv, c->argc * sizeof *argv);
    if (o->trim.by != STREAM_TRIM_NONE && o->trim.approximate) {
        bool by_length = o->trim.by == STREAM_TRIM_LENGTH;
        size_t len = by_length ? num_u64(text, s->length) : stream_id_text(text, stream_first_kept(s));
        argv[o->trim_at - 1] = slice_str("=");
        argv[o->trim_at] = slice_of(text, len);
    }
    if (o->id_at < c->argc)
        argv[o->id_at] = id;
    cmd_effect(c, c->argc, argv);
    mem_free(NULL, argv);
}

/* Adds the message to a stream that takes it. */
static void add_message(struct cmd *c, struct stream *s, const struct stream_options *o, struct stream_id id)
{
    char text[STREAM_ID_CHARS];
    uint32_t words = o->id_at + 1;
    enum status status = stream_add(s, &c->limits->stream, id, c->argv + words, (c->argc - words) / 2);
    ASSERT(!status);
    stream_trim(s, &o->trim);
    cmd_changed(c);
    struct slice id_text = slice_of(text, stream_id_text(text, id));
    if (!o->has_seq || o->trim.approximate)
        effect_exactly(c, s, o, o->has_seq ? c->argv[o->id_at] : id_text);
    reply_bulk_slice(c->reply, id_text);
}

/* XADD key [NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value ...] */
static void stream_xadd(struct cmd *c)
{
    struct stream_options o;
    struct stream *s;
    struct stream_id id;
    if (!stream_arg_options(c, true, &o))
        return;
    if (c->argc < o.id_at + 3 || (c->argc - o.id_at) % 2 == 0) {
        command_reply_arity(c->reply, c->row);
        return;
    }
    if (o.has_seq && stream_id_is_min(o.id)) {
        reply_error(c->reply, "ERR The ID specified in XADD must be greater than 0-0");
        return;
    }
    if (!stream_open_to_write(c, &s))
        return;
    if (!s && o.no_create) {
        reply_null(c->reply);
        return;
    }
    struct stream_id last = s ? s->last_id : STREAM_ID_MIN;
    if (stream_id_compare(last, STREAM_ID_MAX) == 0) {
        reply_error(c->reply, "ERR The stream has exhausted the last possible ID, unable to add more items");
        return;
    }
    if (!choose_id(c, &o, last, &id)) {
        reply_error(c->reply, "ERR The ID specified in XADD is equal or smaller than the target stream top item");
        return;
    }
    if (!stream_node_can_hold(c->argv + o.id_at + 1, (c->argc - o.id_at - 1) / 2)) {
        reply_error(c->reply, "ERR Elements are too large to be stored");
        return;
    }
    add_message(c, s ? s : stream_create(cmd_keyspace(c, 0), c->db, &c->keys[0]), &o, id);
}

/* ---- Reading ---- */

/* XLEN key */
static void stream_xlen(struct cmd *c)
{
    struct stream *s;
    if (stream_open_to_read(c, &s))
        reply_int(c->reply, s ? (int64_t)s->length : 0);
}

/* [COUNT count]; -1: it is not there. */
static bool arg_count(struct cmd *c, uint32_t from, int64_t *count)
{
    *count = -1;
    for (uint32_t i = from; i < c->argc; i += 2) {
        if (!slice_is(c->argv[i], "count") || i + 1 == c->argc) {
            reply_syntax_error(c);
            return false;
        }
        if (!arg_i64(c, i + 1, count))
            return false;
        if (*count < 0)
            *count = 0;
    }
    return true;
}

/* Messages from one ID to the other, the lower one first or last. */
static void reply_range(struct cmd *c, const struct stream *s, struct stream_id from, struct stream_id to,
                        int64_t count, bool back)
{
    struct stream_cursor at;
    int64_t n = 0;
    size_t place = reply_defer(c->reply);
    bool more = back ? stream_find_back(s, to, &at) : stream_find(s, from, &at);
    for (; more && n != count; more = back ? stream_previous(&at) : stream_next(&at)) {
        if (back ? stream_id_compare(at.message.id, from) < 0 : stream_id_compare(at.message.id, to) > 0)
            break;
        stream_reply_message(c->reply, &at);
        n++;
    }
    reply_defer_end(c->reply, place, '*', n);
}

static void range_command(struct cmd *c, bool back)
{
    struct stream_id from, to;
    int64_t count;
    struct stream *s;
    if (!stream_arg_start(c, back ? 3 : 2, &from) || !stream_arg_end(c, back ? 2 : 3, &to) ||
        !arg_count(c, 4, &count) || !stream_open_to_read(c, &s))
        return;
    if (!s)
        reply_array(c->reply, 0);
    else if (count == 0)
        reply_null_array(c->reply);
    else
        reply_range(c, s, from, to, count, back);
}

/* XRANGE key start end [COUNT count] */
static void stream_xrange(struct cmd *c) { range_command(c, false); }

/* XREVRANGE key end start [COUNT count] */
static void stream_xrevrange(struct cmd *c) { range_command(c, true); }

/* ---- Deleting ---- */

/* XDEL key id [id ...] */
static void stream_xdel(struct cmd *c)
{
    struct stream *s;
    struct stream_id *ids;
    int64_t deleted = 0;
    if (!stream_open_to_write(c, &s))
        return;
    if (!s) {
        reply_int(c->reply, 0);
        return;
    }
    if (stream_arg_ids(c, 2, &ids)) {
        for (uint32_t i = 0; i < c->argc - 2; i++)
            deleted += stream_delete(s, ids[i]);
        if (deleted > 0)
            cmd_changed(c);
        reply_int(c->reply, deleted);
    }
    mem_free(NULL, ids);
}

/* XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count] */
static void stream_xtrim(struct cmd *c)
{
    struct stream_options o;
    struct stream *s;
    if (!stream_arg_options(c, false, &o) || !stream_open_to_write(c, &s))
        return;
    uint64_t deleted = s ? stream_trim(s, &o.trim) : 0;
    if (deleted > 0) {
        cmd_changed(c);
        if (o.trim.approximate)
            effect_exactly(c, s, &o, slice_str(""));
    }
    reply_int(c->reply, (int64_t)deleted);
}

/* ---- XSETID ---- */

struct setid_options {
    struct stream_id id, max_deleted_id;
    int64_t entries_added; /* -1: not given */
};

static bool arg_setid(struct cmd *c, struct setid_options *o)
{
    *o = (struct setid_options){.entries_added = -1};
    if (!stream_arg_id(c, 2, &o->id))
        return false;
    for (uint32_t i = 3; i < c->argc; i += 2) {
        const char *error = NULL;
        if (slice_is(c->argv[i], "entriesadded") && i + 1 < c->argc) {
            if (!arg_i64(c, i + 1, &o->entries_added))
                return false;
            if (o->entries_added < 0)
                error = "ERR entries_added must be positive";
        } else if (slice_is(c->argv[i], "maxdeletedid") && i + 1 < c->argc) {
            if (!stream_arg_id(c, i + 1, &o->max_deleted_id))
                return false;
            if (stream_id_compare(o->id, o->max_deleted_id) < 0)
                error = "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id";
        } else {
            error = "ERR syntax error";
        }
        if (error) {
            reply_error(c->reply, error);
            return false;
        }
    }
    return true;
}

/* What keeps the options from being true of the stream; NULL: nothing does. */
static const char *setid_error(const struct stream *s, const struct setid_options *o)
{
    if (!s)
        return "ERR no such key";
    if (stream_id_compare(o->id, s->max_deleted_id) < 0)
        return "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id";
    if (s->length == 0)
        return NULL;
    if (stream_id_compare(o->id, stream_last_message(s)) < 0)
        return "ERR The ID specified in XSETID is smaller than the target stream top item";
    if (o->entries_added != -1 && s->length > (uint64_t)o->entries_added)
        return "ERR The entries_added specified in XSETID is smaller than the target stream length";
    return NULL;
}

/* XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id] */
static void stream_xsetid(struct cmd *c)
{
    struct setid_options o;
    struct stream *s;
    if (!arg_setid(c, &o) || !stream_open_to_write(c, &s))
        return;
    const char *error = setid_error(s, &o);
    if (error) {
        reply_error(c->reply, error);
        return;
    }
    s->last_id = o.id;
    if (o.entries_added != -1)
        s->entries_added = (uint64_t)o.entries_added;
    if (!stream_id_is_min(o.max_deleted_id))
        s->max_deleted_id = o.max_deleted_id;
    cmd_changed(c);
    reply_ok(c->reply);
}

/* ---- Rows ---- */

static const char *const xgroup_help[] = {
    "CREATE <key> <groupname> <id|$> [option]",
    "    Create a new consumer group. Options are:",
    "    * MKSTREAM",
    "      Create the empty stream if it does not exist.",
    "    * ENTRIESREAD entries_read",
    "      Set the group's entries_read counter (internal use).",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Create a new consumer in the specified group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove the specified consumer.",
    "DESTROY <key> <groupname>",
    "    Remove the specified group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Set the current group ID and entries_read counter.",
    NULL,
};

static const char *const xinfo_help[] = {
    "CONSUMERS <key> <groupname>",
    "    Show consumers of <groupname>.",
    "GROUPS <key>",
    "    Show the stream consumer groups.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Show information about the stream.",
    NULL,
};

/* clang-format off */
static struct command xgroup_subcommands[] = {
    {ROW("create", stream_xgroup_create, -5, CMD_WRITE | CMD_DENYOOM, ACL_STREAM),
     .keys = {KEY_AT(2, KEY_RW | KEY_INSERT)},
     DOC("5.0.0", "stream", "O(1)", "Creates a consumer group."),
     HISTORY({"7.0.0", "Added the `entries_read` named argument."})},
    {ROW("createconsumer", stream_xgroup_createconsumer, 5, CMD_WRITE | CMD_DENYOOM, ACL_STREAM),
     .keys = {KEY_AT(2, KEY_RW | KEY_INSERT)},
     DOC("6.2.0", "stream", "O(1)", "Creates a consumer in a group.")},
    {ROW("delconsumer", stream_xgroup_delconsumer, 5, CMD_WRITE, ACL_STREAM),
     .keys = {KEY_AT(2, KEY_RW | KEY_DELETE)},
     DOC("5.0.0", "stream", "O(1)", "Deletes a consumer from a group.")},
    {ROW("destroy", stream_xgroup_destroy, 4, CMD_WRITE, ACL_STREAM),
     .keys = {KEY_AT(2, KEY_RW | KEY_DELETE)},
     DOC("5.0.0", "stream",
         "O(N) where N is the number of entries in the group's pending entries list (PEL).",
         "Destroys a consumer group.")},
    {ROW("help", help_command, 2, CMD_LOADING | CMD_STALE | CMD_HOME, ACL_STREAM),
     DOC("5.0.0", "stream", "O(1)", "Shows what the subcommands do.")},
    {ROW("setid", stream_xgroup_setid, -5, CMD_WRITE, ACL_STREAM),
     .keys = {KEY_AT(2, KEY_RW | KEY_UPDATE)},
     DOC("5.0.0", "stream", "O(1)", "Sets the last message that a group has been given."),
     HISTORY({"7.0.0", "Added the optional `entries_read` argument."})},
    {.name = NULL},
};

static struct command xinfo_subcommands[] = {
    {ROW("consumers", stream_xinfo_consumers, 4, CMD_READONLY, ACL_STREAM),
     .keys = {KEY_AT(2, KEY_RO | KEY_ACCESS)},
     DOC("5.0.0", "stream", "O(1)", "Describes the consumers of a group."),
     .tips = "nondeterministic_output"},
    {ROW("groups", stream_xinfo_groups, 3, CMD_READONLY, ACL_STREAM),
     .keys = {KEY_AT(2, KEY_RO | KEY_ACCESS)},
     DOC("5.0.0", "stream", "O(1)", "Describes the consumer groups of a stream."),
     HISTORY({"7.0.0", "Added the `entries-read` and `lag` fields"})},
    {ROW("help", help_command, 2, CMD_LOADING | CMD_STALE | CMD_HOME, ACL_STREAM),
     DOC("5.0.0", "stream", "O(1)", "Shows what the subcommands do.")},
    {ROW("stream", stream_xinfo_stream, -3, CMD_READONLY, ACL_STREAM),
     .keys = {KEY_AT(2, KEY_RO | KEY_ACCESS)},
     DOC("5.0.0", "stream", "O(1)", "Describes a stream."),
     HISTORY({"6.0.0", "Added the `FULL` modifier."},
             {"7.0.0", "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, `entries-read` "
                       "and `lag` fields"})},
    {.name = NULL},
};

struct command stream_commands[] = {
    {ROW("xack", stream_xack, -4, CMD_WRITE | CMD_FAST, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("5.0.0", "stream", "O(1) for each message ID processed.", "Marks messages as processed by a consumer group.")},
    {ROW("xadd", stream_xadd, -5, CMD_WRITE | CMD_DENYOOM | CMD_FAST | CMD_SIGNAL, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE,
               .notes = "UPDATE instead of INSERT because of the optional trimming feature")},
     DOC("5.0.0", "stream",
         "O(1) when adding a new entry, O(N) when trimming where N being the number of entries evicted.",
         "Appends a message to a stream; creates the stream if it is missing."),
     .tips = "nondeterministic_output",
     HISTORY({"6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."},
             {"7.0.0", "Added support for the `<ms>-*` explicit ID form."})},
    {ROW("xautoclaim", stream_xautoclaim, -6, CMD_WRITE | CMD_FAST, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("6.2.0", "stream", "O(1) if COUNT is small.",
         "Gives messages that were delivered but not acknowledged in time to a consumer."),
     .tips = "nondeterministic_output",
     HISTORY({"7.0.0", "Added an element to the reply array, containing deleted entries the command cleared from the "
                       "PEL"})},
    {ROW("xclaim", stream_xclaim, -6, CMD_WRITE | CMD_FAST, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("5.0.0", "stream", "O(log N) with N being the number of messages in the PEL of the consumer group.",
         "Gives delivered messages to another consumer."),
     .tips = "nondeterministic_output"},
    {ROW("xdel", stream_xdel, -3, CMD_WRITE | CMD_FAST, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("5.0.0", "stream",
         "O(1) for each single item to delete in the stream, regardless of the stream size.",
         "Deletes messages from a stream.")},
    {ROW("xgroup", NULL, -2, 0, 0),
     DOC("5.0.0", "stream", "Depends on subcommand.", "Container of the commands about consumer groups."),
     .help = xgroup_help,
     .subcommands = xgroup_subcommands},
    {ROW("xinfo", NULL, -2, 0, 0),
     DOC("5.0.0", "stream", "Depends on subcommand.", "Container of the commands that describe streams."),
     .help = xinfo_help,
     .subcommands = xinfo_subcommands},
    {ROW("xlen", stream_xlen, 2, CMD_READONLY | CMD_FAST, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("5.0.0", "stream", "O(1)", "Counts the messages of a stream.")},
    {ROW("xpending", stream_xpending, -3, CMD_READONLY, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("5.0.0", "stream",
         "O(N) with N being the number of elements returned, so asking for a small fixed number of entries per call "
         "is O(1). O(M), where M is the total number of entries scanned when used with the IDLE filter. When the "
         "command returns just the summary and the list of consumers is small, it runs in O(1) time; otherwise, an "
         "additional O(N) time for iterating every consumer.",
         "Describes the messages of a group that are not acknowledged."),
     .tips = "nondeterministic_output",
     HISTORY({"6.2.0", "Added the `IDLE` option and exclusive range intervals."})},
    {ROW("xrange", stream_xrange, -4, CMD_READONLY, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("5.0.0", "stream",
         "O(N) with N being the number of elements being returned. If N is constant (e.g. always asking for the first"
         " 10 elements with COUNT), you can consider it O(1).",
         "Returns the messages of a stream in a range of ids."),
     HISTORY({"6.2.0", "Added exclusive ranges."})},
    {ROW("xread", stream_xread, -4, CMD_BLOCKING | CMD_READONLY, ACL_STREAM),
     .keys = {KEY_BEHIND("STREAMS", 1, -1, 2, KEY_RO | KEY_ACCESS)},
     .find_keys = keys_of_xread,
     DOC("5.0.0", "stream",
         "For each stream mentioned: O(N) with N being the number of elements being returned, it means that XREAD-ing"
         " with a fixed COUNT is O(1). Note that when the BLOCK option is used, XADD will pay O(M) time in order to "
         "serve the M clients blocked on the stream getting new data.",
         "Returns the messages after given ids of several streams, and may wait for them.")},
    {ROW("xreadgroup", stream_xreadgroup, -7, CMD_BLOCKING | CMD_WRITE, ACL_STREAM),
     .keys = {KEY_BEHIND("STREAMS", 4, -1, 2, KEY_RO | KEY_ACCESS)},
     .find_keys = keys_of_xread,
     DOC("5.0.0", "stream",
         "For each stream mentioned: O(M) with M being the number of elements returned. If M is constant (e.g. always"
         " asking for the first 10 elements with COUNT), you can consider it O(1). On the other side when XREADGROUP "
         "blocks, XADD will pay the O(N) time in order to serve the N clients blocked on the stream getting new data.",
         "Returns new messages of several streams to a consumer of a group, and may wait for them.")},
    {ROW("xrevrange", stream_xrevrange, -4, CMD_READONLY, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS)},
     DOC("5.0.0", "stream",
         "O(N) with N being the number of elements returned. If N is constant (e.g. always asking for the first 10 "
         "elements with COUNT), you can consider it O(1).",
         "Returns the messages of a stream in a range of ids, last first."),
     HISTORY({"6.2.0", "Added exclusive ranges."})},
    {ROW("xsetid", stream_xsetid, -3, CMD_WRITE | CMD_DENYOOM | CMD_FAST, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RW | KEY_UPDATE)},
     DOC("5.0.0", "stream", "O(1)", "Sets the last id of a stream, as replication needs it."),
     HISTORY({"7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments."})},
    {ROW("xtrim", stream_xtrim, -4, CMD_WRITE, ACL_STREAM),
     .keys = {KEY_AT(1, KEY_RW | KEY_DELETE)},
     DOC("5.0.0", "stream",
         "O(N), with N being the number of evicted entries. Constant times are very small however, since entries are "
         "organized in macro nodes containing multiple entries that can be released with a single deallocation.",
         "Deletes messages from the beginning of a stream."),
     .tips = "nondeterministic_output",
     HISTORY({"6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option."})},
    {.name = NULL},
};
/* clang-format on */
