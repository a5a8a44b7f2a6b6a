/* The one table of commands: it joins the families' rows, gives them ids and full names, derives what follows from
 * their flags, and finds them. Made once at start; nothing changes afterwards, so that every thread reads it freely.
 *
 * Nothing else knows command names. It does not check who may run what, nor run anything. */
#ifndef SKUA_CMD_TABLE_H
#define SKUA_CMD_TABLE_H

#include "src/cmd/command.h"
#include "src/wire/reply.h"

/* In the order that ACL CAT and COMMAND INFO list them. */
enum acl_category {
    ACL_KEYSPACE = 1 << 0,
    ACL_READ = 1 << 1,
    ACL_WRITE = 1 << 2,
    ACL_SET = 1 << 3,
    ACL_SORTED_SET = 1 << 4,
    ACL_LIST = 1 << 5,
    ACL_HASH = 1 << 6,
    ACL_STRING = 1 << 7,
    ACL_BITMAP = 1 << 8,
    ACL_HYPERLOGLOG = 1 << 9,
    ACL_GEO = 1 << 10,
    ACL_STREAM = 1 << 11,
    ACL_PUBSUB = 1 << 12,
    ACL_ADMIN = 1 << 13,
    ACL_FAST = 1 << 14,
    ACL_SLOW = 1 << 15,
    ACL_BLOCKING = 1 << 16,
    ACL_DANGEROUS = 1 << 17,
    ACL_CONNECTION = 1 << 18,
    ACL_TRANSACTION = 1 << 19,
    ACL_SCRIPTING = 1 << 20,
    ACL_CATEGORY_COUNT = 21,
};

/* A name for one bit. */
struct bit_name {
    uint64_t bit;
    const char *name; /* NULL ends the list */
};

extern const struct bit_name acl_category_names[];
extern const struct bit_name command_flag_names[]; /* those that COMMAND INFO shows, in its order */

/* A handler that lies in a layer above this one, for the row of that full name ("config|get"). */
struct command_binding {
    const char *full_name; /* NULL ends the list */
    command_fn *run;
};

/* Makes the table; main calls it before threads start, and then command_bind for what the upper layers implement.
 * A full name that no row has is a programmer's error. */
void command_table_init(void);
void command_bind(const struct command_binding *bindings);

/* The row of a top-level command, or NULL. name may have any case. */
const struct command *command_lookup(struct slice name);
/* The subcommand of a container, or NULL. */
const struct command *command_subcommand(const struct command *container, struct slice name);
/* By full name: "get", "config|get". */
const struct command *command_by_full_name(struct slice name);

/* The row that a request runs: the subcommand's if its command has some and one is named. NULL if there is no such
 * command or subcommand. argc >= 1. */
static inline const struct command *command_of_request(uint32_t argc, const struct slice *argv)
{
    const struct command *row = command_lookup(argv[0]);
    if (__builtin_expect(row && row->subcommands && argc > 1, 0))
        return command_subcommand(row, argv[1]);
    return row;
}

static inline bool command_arity_ok(const struct command *row, uint32_t argc)
{
    return row->arity >= 0 ? argc == (uint32_t)row->arity : argc >= (uint32_t)-row->arity;
}

/* Rows by id, 0 <= id < command_count(): top-level ones first, then subcommands. command_top_count: of the first. */
uint32_t command_count(void);
uint32_t command_top_count(void);
const struct command *command_by_id(uint32_t id);

/* The error for a request without row: unknown command or unknown subcommand, in Redis's words. */
void command_reply_unknown(struct reply *r, uint32_t argc, const struct slice *argv);
/* The error for a wrong number of arguments. */
void command_reply_arity(struct reply *r, const struct command *row);
/* The error for a row without handler. */
void command_reply_not_built(struct reply *r, const struct command *row);

#endif
