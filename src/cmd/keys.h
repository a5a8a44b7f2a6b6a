/* Where the keys of a request are. Routing asks this for every command, so the usual form (from one index to another in
 * steps) is worked out when the table is made; the rest goes through the row's specifications or its own function.
 * Source of the rules: Redis 7 "Command key specifications", and db.c's getKeysFromCommandWithSpecs.
 *
 * A hostile number of keys gives no keys; the command's handler then answers the error. */
#ifndef SKUA_CMD_KEYS_H
#define SKUA_CMD_KEYS_H

#include "src/cmd/command.h"

enum key_form {
    KEYS_NONE,
    KEYS_ONE,   /* one key at row->key_first, which the arity guarantees */
    KEYS_RANGE, /* key_first, key_last, key_step */
    KEYS_OTHER, /* command_find_keys */
};

struct key_position {
    uint32_t index; /* in argv */
    uint32_t flags; /* enum key_spec_flag */
};

/* How many specifications the row has. */
uint32_t command_key_specs(const struct command *row);

/* Works out row->key_form. Called once when the table is made. */
void command_keys_prepare(struct command *row);

/* Finds the keys of a request whose arity has been checked: writes to found, which has room for argc, and returns how
 * many. 0 also if the command line makes no sense. Channels (KEY_NOT_KEY) are not given. */
uint32_t command_find_keys(const struct command *row, uint32_t argc, const struct slice *argv,
                           struct key_position *found);

/* The same without flags, in the words that a loop over KEYS_ONE and KEYS_RANGE needs:
 *     for (uint32_t i = row->key_first; i <= command_last_key(row, argc); i += row->key_step) */
static inline uint32_t command_last_key(const struct command *row, uint32_t argc)
{
    return row->key_last >= 0 ? (uint32_t)row->key_last : argc + row->key_last;
}

/* Whether a request needs every shard, whatever its keys are. */
static inline bool command_needs_all_shards(const struct command *row, uint32_t argc, const struct slice *argv)
{
    return row->flags & CMD_ALL_SHARDS || (row->reaches && row->reaches(argc, argv));
}

/* Rows whose specifications do not tell all. */
command_keys_fn keys_of_sort, keys_of_sort_ro, keys_of_migrate, keys_of_set, keys_of_bitfield, keys_of_georadius,
    keys_of_xread;

#endif
