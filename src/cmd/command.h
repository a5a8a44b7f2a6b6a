/* What a command is: its row (everything that dispatch, COMMAND, ACL, MULTI, scripts and cluster need to know) and the
 * context that its handler runs in. Rows lie at the bottom of the file that has the handlers; main joins the families
 * into one table at start (table.h). */
#ifndef SKUA_CMD_COMMAND_H
#define SKUA_CMD_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/key.h"
#include "shard/keyspace.h"
#include "src/base/slice.h"
#include "src/wire/reply.h"

struct cmd;
struct random;
struct shard;
struct command;

/* Runs one command. Everything it needs is in c; it writes exactly one reply. */
typedef void command_fn(struct cmd *c);

/* For a command without keys that runs on one shard (SCAN): which of nshards. */
typedef uint32_t command_route_fn(uint32_t argc, const struct slice *argv, uint32_t nshards);

/* Flags as COMMAND INFO shows them (names in table.c), then ours. */
enum command_flag {
    CMD_WRITE = 1 << 0,
    CMD_READONLY = 1 << 1,
    CMD_DENYOOM = 1 << 2,
    CMD_ADMIN = 1 << 3,
    CMD_PUBSUB = 1 << 4,
    CMD_NOSCRIPT = 1 << 5,
    CMD_BLOCKING = 1 << 6,
    CMD_LOADING = 1 << 7,
    CMD_STALE = 1 << 8,
    CMD_SKIP_MONITOR = 1 << 9,
    CMD_SKIP_SLOWLOG = 1 << 10,
    CMD_ASKING = 1 << 11,
    CMD_FAST = 1 << 12,
    CMD_NO_AUTH = 1 << 13,
    CMD_MAY_REPLICATE = 1 << 14,
    CMD_NO_MANDATORY_KEYS = 1 << 15,
    CMD_PROTECTED = 1 << 16,
    CMD_NO_ASYNC_LOADING = 1 << 17,
    CMD_NO_MULTI = 1 << 18,
    CMD_ALLOW_BUSY = 1 << 19,
    CMD_TOUCHES_ARBITRARY_KEYS = 1 << 20,
    CMD_MOVABLE_KEYS = 1 << 21,
    CMD_SENTINEL = 1 << 22,
    CMD_ONLY_SENTINEL = 1 << 23,
    /* ours, not shown */
    CMD_SIGNAL = 1 << 24,     /* must not overtake earlier commands of its connection (design section 4) */
    CMD_HOME = 1 << 25,       /* runs on the connection's worker, needs no shard; c->client is set */
    CMD_BARRIER = 1 << 26,    /* with CMD_HOME: waits for earlier commands of its connection (INFO, DBSIZE, CONFIG) */
    CMD_ALL_SHARDS = 1 << 27, /* holds every shard (FLUSHALL, SWAPDB, DEBUG DIGEST) */
    CMD_FIBER = 1 << 28,      /* may take long while it holds: runs on a fiber */
    CMD_BY_KEY = 1 << 29,     /* does to each key what it would do to it alone (keys from argv[1] on, in steps) */
};

/* Key specifications as COMMAND DOCS and COMMAND INFO show them (Redis 7 "key specs"). */
enum key_spec_flag {
    KEY_RO = 1 << 0,
    KEY_RW = 1 << 1,
    KEY_OW = 1 << 2,
    KEY_RM = 1 << 3,
    KEY_ACCESS = 1 << 4,
    KEY_UPDATE = 1 << 5,
    KEY_INSERT = 1 << 6,
    KEY_DELETE = 1 << 7,
    KEY_NOT_KEY = 1 << 8,
    KEY_INCOMPLETE = 1 << 9,
    KEY_VARIABLE_FLAGS = 1 << 10,
};

struct key_spec {
    enum { BEGIN_UNKNOWN, BEGIN_INDEX, BEGIN_KEYWORD } begin;
    int index;           /* BEGIN_INDEX */
    const char *keyword; /* BEGIN_KEYWORD */
    int start_from;
    enum { FIND_UNKNOWN, FIND_RANGE, FIND_KEYNUM } find;
    int last, step, limit;            /* FIND_RANGE: last relative to begin, negative: from the end */
    int keynum_index, first, keystep; /* FIND_KEYNUM */
    uint32_t flags;
    const char *notes;
};

enum { COMMAND_KEY_SPECS_MAX = 4 };

/* A version that changed a command, as COMMAND DOCS tells it. */
struct command_change {
    const char *since, *text; /* since NULL ends the list */
};

/* For keys that the specifications cannot tell: writes positions and flags to found (room for argc), returns how many;
 * 0 if the command line makes no sense, which its handler will say. */
struct key_position;
typedef uint32_t command_keys_fn(uint32_t argc, const struct slice *argv, struct key_position *found);

/* Whether a request may touch keys that are no arguments, of any shard: then it holds all. */
typedef bool command_reach_fn(uint32_t argc, const struct slice *argv);

struct command {
    const char *name;            /* lower case; of a subcommand without its container */
    int arity;                   /* as COMMAND INFO: negative: at least */
    uint32_t flags;              /* enum command_flag */
    uint32_t acl;                /* categories that do not follow from flags: enum acl_category in table.h */
    command_fn *run;             /* NULL: not built yet (answers an error) or a container */
    command_route_fn *route;     /* NULL: by its keys */
    struct command *subcommands; /* ended by a row without name; NULL: none */
    struct key_spec keys[COMMAND_KEY_SPECS_MAX]; /* ended by BEGIN_UNKNOWN+FIND_UNKNOWN with flags 0 */
    command_keys_fn *find_keys;                  /* used instead of keys; NULL: keys says all */
    command_reach_fn *reaches;                   /* NULL: it touches no other keys than those */
    const char *since, *group, *complexity, *summary;
    const char *tips;                           /* as COMMAND INFO gives them, between blanks; NULL: none */
    const char *deprecated_since, *replaced_by; /* NULL: not deprecated */
    bool system;                                /* not for users (DEBUG): "syscmd" in COMMAND DOCS */
    const struct command_change *history;       /* NULL: none */
    const char *const *help;                    /* of a container: the lines of its HELP, ended by NULL; see help.h */
    /* Set when the table is made. */
    uint8_t key_form;                      /* enum key_form in keys.h */
    bool one_key;                          /* it runs where its one key lies: KEYS_ONE and no flag that says else */
    int16_t key_first, key_last, key_step; /* KEYS_RANGE, KEYS_ONE; last negative: from the end */
    struct command *parent;
    uint32_t id;             /* dense, over all rows, subcommands included */
    const char *full_name;   /* "config|get" */
    uint64_t acl_categories; /* all of them */
};

/* What handlers may read of the configuration; filled from the worker's snapshot. */
struct limits {
    int64_t proto_max_bulk_len;
    uint64_t hll_sparse_max_bytes;
    uint32_t databases;
    struct flat_limits hash, zset;
    struct set_limits set;
    int32_t list_node_size; /* list-max-listpack-size, see quicklist_limit */
    const char *collate;    /* name of the locale that texts are sorted by */
    struct stream_limits stream;
};

/* What a handler may ask of the worker that runs it. */
struct cmd_host {
    const struct key_space_shape *shape; /* for keys that are no arguments */
    void (*give_way)(struct cmd_host *host);
};

/* One execution. Owner: the thread that executes; nothing in it outlives the handler. */
struct cmd {
    const struct command *row;
    const struct slice *argv; /* argv[0] is the name as the client wrote it; with subcommands argv[1] is theirs */
    uint32_t argc;
    const struct key *keys; /* in the order of the row's key positions */
    uint32_t nkeys;
    uint32_t db;
    struct reply *reply;
    struct shard *const *shards; /* all of the process; only those of keys are held: see cmd_shard */
    uint32_t nshards;
    uint32_t executor;           /* the worker that runs it: user of every shard it may touch */
    bool changed, effects_given; /* by cmd_changed, cmd_effect */
    const struct limits *limits;
    struct random *random;
    struct arg_blobs *blobs; /* arguments that came as blobs, see cmd_take_blob; may be NULL */
    uint32_t arg_first;      /* index of argv[0] in the arena, for blobs */
    struct effects *effects; /* of the group or transaction */
    int64_t now_ms;          /* wall clock, the same for the whole command or transaction */
    struct cmd_host *host;
    void *client; /* CMD_HOME: the connection, for src/server; else NULL */
};

/* The shard of keys[i]; asserts that this thread owns or holds it. */
struct shard *cmd_shard(const struct cmd *c, uint32_t i);
/* Its keyspace: the usual first line of a handler. */
struct keyspace *cmd_keyspace(const struct cmd *c, uint32_t i);
/* The same for a key that is no argument: the row reaches it. */
struct keyspace *cmd_keyspace_of(const struct cmd *c, const struct key *key);

/* Now and then in what takes long (CMD_FIBER): lets the worker go on with other work, if it has had none for about a
 * millisecond. The shards stay held. */
static inline void cmd_give_way(const struct cmd *c) { c->host->give_way(c->host); }

/* The blob behind argv[i], whose reference the caller now owns, or NULL if the argument is not in one. */
struct blob *cmd_take_blob(struct cmd *c, uint32_t i);

/* The command changed something: without cmd_effect it goes into the journal as it came. Else it leaves no trace. */
void cmd_changed(struct cmd *c);
/* Puts argv into the journal instead of the command as it came; several calls add up, in order. Strings are copied.
 * Used where the command is not deterministic or its options depend on the time: SET k v EX 10 -> SET k v PXAT ms. */
void cmd_effect(struct cmd *c, uint32_t argc, const struct slice *argv);
/* The same word by word: cmd_effect_begin, then cmd_effect_word exactly argc times. */
void cmd_effect_begin(struct cmd *c, uint32_t argc);
void cmd_effect_word(struct cmd *c, struct slice word);

#endif
