/* Commands on keys of any type: delete, rename, copy, move, look into. Expiry is in expire.c, iteration in scan.c. */
#include "shard/entry.h"
#include "src/cmd/args.h"
#include "src/cmd/families.h"
#include "src/cmd/help.h"
#include "src/cmd/keys.h"
#include "src/cmd/row.h"

static bool same_key(const struct key *a, const struct key *b) { return slice_eq(key_slice(a), key_slice(b)); }

/* Keys are independent, so that a run on several shards is as on one. */
static void delete_keys(struct cmd *c)
{
    int64_t deleted = 0;
    for (uint32_t i = 0; i < c->nkeys; i++) {
        struct keyspace *ks = cmd_keyspace(c, i);
        struct place place = keyspace_write(ks, c->db, &c->keys[i]);
        if (!place.entry)
            continue;
        keyspace_remove(ks, place, &c->keys[i]);
        deleted++;
    }
    if (deleted)
        cmd_changed(c);
    reply_int(c->reply, deleted);
}

/* DEL key [key ...] */
static void generic_del(struct cmd *c) { delete_keys(c); }

/* UNLINK key [key ...]: as DEL, which frees large values in slices too. */
static void generic_unlink(struct cmd *c) { delete_keys(c); }

/* EXISTS key [key ...]: a key named twice counts twice. */
static void generic_exists(struct cmd *c)
{
    int64_t found = 0;
    for (uint32_t i = 0; i < c->nkeys; i++)
        found += keyspace_look(cmd_keyspace(c, i), c->db, &c->keys[i]).entry != NULL;
    reply_int(c->reply, found);
}

/* TOUCH key [key ...] */
static void generic_touch(struct cmd *c)
{
    int64_t found = 0;
    for (uint32_t i = 0; i < c->nkeys; i++)
        found += keyspace_touch(cmd_keyspace(c, i), c->db, &c->keys[i]).entry != NULL;
    reply_int(c->reply, found);
}

/* TYPE key */
static void generic_type(struct cmd *c)
{
    struct place place = keyspace_look(cmd_keyspace(c, 0), c->db, &c->keys[0]);
    reply_status(c->reply, place.entry ? type_name(place.entry->type) : "none");
}

static void rename_key(struct cmd *c, bool only_if_free)
{
    const struct key *from = &c->keys[0], *to = &c->keys[1];
    struct keyspace *src = cmd_keyspace(c, 0), *dst = cmd_keyspace(c, 1);
    if (!keyspace_write(src, c->db, from).entry) {
        reply_error(c->reply, "ERR no such key");
        return;
    }
    bool moves = !same_key(from, to) && !(keyspace_write(dst, c->db, to).entry && only_if_free);
    if (moves) {
        /* Looked up again: finding the target may have deleted it as expired, and with it moved others. */
        keyspace_move(src, keyspace_write(src, c->db, from), from, dst, c->db, to);
        cmd_changed(c);
    }
    if (only_if_free)
        reply_int(c->reply, moves);
    else
        reply_ok(c->reply);
}

/* RENAME key newkey */
static void generic_rename(struct cmd *c) { rename_key(c, false); }

/* RENAMENX key newkey */
static void generic_renamenx(struct cmd *c) { rename_key(c, true); }

struct copy_options {
    uint32_t db;
    bool replace;
};

static bool parse_copy_options(struct cmd *c, struct copy_options *options)
{
    *options = (struct copy_options){.db = c->db};
    for (uint32_t i = 3; i < c->argc; i++) {
        if (slice_is(c->argv[i], "replace")) {
            options->replace = true;
        } else if (slice_is(c->argv[i], "db") && i + 1 < c->argc) {
            if (!arg_database(c, ++i, &options->db))
                return false;
        } else {
            reply_syntax_error(c);
            return false;
        }
    }
    return true;
}

static void reply_same_object(struct cmd *c)
{
    reply_error(c->reply, "ERR source and destination objects are the same");
}

/* COPY source destination [DB destination-db] [REPLACE] */
static void generic_copy(struct cmd *c)
{
    struct copy_options options;
    if (!parse_copy_options(c, &options))
        return;
    const struct key *from = &c->keys[0], *to = &c->keys[1];
    if (options.db == c->db && same_key(from, to)) {
        reply_same_object(c);
        return;
    }
    struct keyspace *src = cmd_keyspace(c, 0), *dst = cmd_keyspace(c, 1);
    bool copies =
        keyspace_read(src, c->db, from).entry && !(keyspace_write(dst, options.db, to).entry && !options.replace);
    if (copies) {
        keyspace_copy(src, keyspace_write(src, c->db, from), dst, options.db, to);
        cmd_changed(c);
    }
    reply_int(c->reply, copies);
}

/* MOVE key db: both databases lie in the same shard. */
static void generic_move(struct cmd *c)
{
    uint32_t db;
    if (!arg_database(c, 2, &db))
        return;
    if (db == c->db) {
        reply_same_object(c);
        return;
    }
    const struct key *key = &c->keys[0];
    struct keyspace *ks = cmd_keyspace(c, 0);
    bool moves = keyspace_write(ks, c->db, key).entry && !keyspace_write(ks, db, key).entry;
    if (moves) {
        keyspace_move(ks, keyspace_write(ks, c->db, key), key, ks, db, key);
        cmd_changed(c);
    }
    reply_int(c->reply, moves);
}

/* The entry that an OBJECT subcommand asks about; answers null and returns NULL if there is none. */
static const struct entry *object_entry(struct cmd *c)
{
    const struct entry *e = keyspace_look(cmd_keyspace(c, 0), c->db, &c->keys[0]).entry;
    if (!e)
        reply_null(c->reply);
    return e;
}

/* OBJECT ENCODING key */
static void object_encoding(struct cmd *c)
{
    const struct entry *e = object_entry(c);
    if (e)
        reply_bulk_str(c->reply, encoding_name(e->encoding));
}

/* OBJECT IDLETIME key */
static void object_idletime(struct cmd *c)
{
    const struct entry *e = object_entry(c);
    if (e)
        reply_int(c->reply, (int64_t)keyspace_idle_seconds(cmd_keyspace(c, 0), e));
}

/* OBJECT REFCOUNT key */
static void object_refcount(struct cmd *c)
{
    const struct entry *e = object_entry(c);
    if (!e)
        return;
    reply_int(c->reply, entry_refcount(e));
}

static const char *const object_help[] = {
    "ENCODING <key>",
    "    Return the kind of internal representation used in order to store the value",
    "    associated with a <key>.",
    "FREQ <key>",
    "    Return the access frequency index of the <key>. The returned integer is",
    "    proportional to the logarithm of the recent access frequency of the key.",
    "IDLETIME <key>",
    "    Return the idle time of the <key>, that is the approximated number of",
    "    seconds elapsed since the last access to the key.",
    "REFCOUNT <key>",
    "    Return the number of references of the value associated with the specified",
    "    <key>.",
    NULL,
};

/* clang-format off */
static struct command object_subcommands[] = {
    {ROW("encoding", object_encoding, 3, CMD_READONLY, ACL_KEYSPACE),
     .keys = {KEY_AT(2, KEY_RO)},
     DOC("2.2.3", "generic", "O(1)", "Returns how the value of a key is stored."),
     .tips = "nondeterministic_output"},
    {ROW("freq", NULL, 3, CMD_READONLY, ACL_KEYSPACE),
     .keys = {KEY_AT(2, KEY_RO)},
     DOC("4.0.0", "generic", "O(1)", "Returns how often a key was used, as a logarithmic counter."),
     .tips = "nondeterministic_output"},
    {ROW("help", help_command, 2, CMD_LOADING | CMD_STALE | CMD_HOME, ACL_KEYSPACE),
     DOC("6.2.0", "generic", "O(1)", "Shows what the subcommands do.")},
    {ROW("idletime", object_idletime, 3, CMD_READONLY, ACL_KEYSPACE),
     .keys = {KEY_AT(2, KEY_RO)},
     DOC("2.2.3", "generic", "O(1)", "Returns how many seconds ago a key was last used."),
     .tips = "nondeterministic_output"},
    {ROW("refcount", object_refcount, 3, CMD_READONLY, ACL_KEYSPACE),
     .keys = {KEY_AT(2, KEY_RO)},
     DOC("2.2.3", "generic", "O(1)", "Returns how many references there are to the value of a key."),
     .tips = "nondeterministic_output"},
    {.name = NULL},
};

struct command generic_commands[] = {
    {ROW("copy", generic_copy, -3, CMD_WRITE | CMD_DENYOOM | CMD_SIGNAL, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RO | KEY_ACCESS), KEY_AT(2, KEY_OW | KEY_UPDATE)},
     DOC("6.2.0", "generic",
         "O(N) worst case for collections, where N is the number of nested items. O(1) for string values.",
         "Copies a value to another key.")},
    {ROW("del", generic_del, -2, CMD_WRITE | CMD_SIGNAL | CMD_BY_KEY, ACL_KEYSPACE),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RM | KEY_DELETE)},
     DOC("1.0.0", "generic",
         "O(N) where N is the number of keys that will be removed. When a key to remove holds a value other than a "
         "string, the individual complexity for this key is O(M) where M is the number of elements in the list, set, "
         "sorted set or hash. Removing a single key that holds a string value is O(1).",
         "Deletes keys."),
     .tips = "request_policy:multi_shard response_policy:agg_sum"},
    {ROW("exists", generic_exists, -2, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RO)},
     DOC("1.0.0", "generic", "O(N) where N is the number of keys to check.", "Counts which of the keys exist."),
     .tips = "request_policy:multi_shard response_policy:agg_sum",
     HISTORY({"3.0.3", "Accepts multiple `key` arguments."})},
    {ROW("migrate", NULL, -6, CMD_WRITE, ACL_KEYSPACE | ACL_DANGEROUS),
     .keys = {KEY_AT(3, KEY_RW | KEY_ACCESS | KEY_DELETE),
              KEY_BEHIND("KEYS", -2, -1, 0, KEY_RW | KEY_ACCESS | KEY_DELETE | KEY_INCOMPLETE)},
     .find_keys = keys_of_migrate,
     DOC("2.6.0", "generic",
         "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the target instance. See"
         " the pages of these commands for time complexity. Also an O(N) data transfer between the two instances is "
         "performed.",
         "Moves keys to another server."),
     .tips = "nondeterministic_output",
     HISTORY({"3.0.0", "Added the `COPY` and `REPLACE` options."},
             {"3.0.6", "Added the `KEYS` option."},
             {"4.0.7", "Added the `AUTH` option."},
             {"6.0.0", "Added the `AUTH2` option."})},
    {ROW("move", generic_move, 3, CMD_WRITE | CMD_FAST | CMD_SIGNAL, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("1.0.0", "generic", "O(1)", "Moves a key to another database.")},
    {ROW("object", NULL, -2, 0, 0),
     DOC("2.2.3", "generic", "Depends on subcommand.", "Container of the commands that look into values."),
     .help = object_help,
     .subcommands = object_subcommands},
    {ROW("rename", generic_rename, 3, CMD_WRITE | CMD_SIGNAL, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_OW | KEY_UPDATE)},
     DOC("1.0.0", "generic", "O(1)", "Renames a key; replaces what was there.")},
    {ROW("renamenx", generic_renamenx, 3, CMD_WRITE | CMD_FAST | CMD_SIGNAL, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE), KEY_AT(2, KEY_OW | KEY_INSERT)},
     DOC("1.0.0", "generic", "O(1)", "Renames a key if the new name is free."),
     HISTORY({"3.2.0", "The command no longer returns an error when source and destination names are the same."})},
    {ROW("touch", generic_touch, -2, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RO)},
     DOC("3.2.1", "generic", "O(N) where N is the number of keys that will be touched.",
         "Marks keys as just used and counts which of them exist."),
     .tips = "request_policy:multi_shard response_policy:agg_sum"},
    {ROW("type", generic_type, 2, CMD_READONLY | CMD_FAST, ACL_KEYSPACE),
     .keys = {KEY_AT(1, KEY_RO)},
     DOC("1.0.0", "generic", "O(1)", "Returns the type of the value of a key.")},
    {ROW("unlink", generic_unlink, -2, CMD_WRITE | CMD_FAST | CMD_SIGNAL | CMD_BY_KEY, ACL_KEYSPACE),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RM | KEY_DELETE)},
     DOC("4.0.0", "generic",
         "O(1) for each key removed regardless of its size. Then the command does O(N) work in a different thread in "
         "order to reclaim memory, where N is the number of allocations the deleted objects where composed of.",
         "Deletes keys, and frees their memory later."),
     .tips = "request_policy:multi_shard response_policy:agg_sum"},
    {.name = NULL},
};
/* clang-format on */
