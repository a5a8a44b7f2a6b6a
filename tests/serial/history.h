/* A history: what a few clients asked a server, when, and what they were told. It is first a plan (operations without
 * times, made by one thread); a recorder fills in times and replies; then the checker reads it.
 *
 * Times are event numbers from one counter that all clients share: `answered` of one operation is less than `invoked`
 * of another exactly if its reply had been received before the other was sent. An operation whose reply never came has
 * answered == EVENT_NEVER: it may have happened at any time after it was sent, or not at all.
 *
 * The history owns all its bytes (arguments, keys, replies). Keys are numbered in order of appearance, so that a set of
 * keys is a bit mask; a key is a name, whose values in all databases belong together. A history does not know what
 * commands do; it knows which arguments are keys (model.h). */
#ifndef SKUA_TESTS_SERIAL_HISTORY_H
#define SKUA_TESTS_SERIAL_HISTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shard/key.h"
#include "src/base/slice.h"

enum {
    HISTORY_KEYS_MAX = 16,
    HISTORY_DATABASES = 2,
    HISTORY_CELLS_MAX = HISTORY_KEYS_MAX * HISTORY_DATABASES, /* values of all keys in all databases */
    HISTORY_OPS_MAX = 1024,
    OP_ARGS_MAX = 2 * HISTORY_KEYS_MAX + 2,
    HISTORY_SHARDS_MAX = 64,
};

#define EVENT_NEVER UINT64_MAX

struct model_row;

struct op {
    uint32_t client;
    uint32_t connection; /* number of the client's connection: it makes a new one after hanging up */
    uint32_t pipeline;   /* operations of one client with the same number are sent together */
    uint32_t db;         /* below HISTORY_DATABASES: its connection has to have selected it */
    const struct model_row *row;
    uint32_t argc;
    struct slice *argv; /* argv[0] is the command's name */
    int8_t *key_of_arg; /* number of the key that an argument names; -1: it names none */
    uint32_t keys;      /* mask of the keys it names; all, named later ones too, for what works on all shards */
    uint64_t shards;    /* mask of their shards; 0: not known */
    bool hang_up;       /* plan: the client closes its connection instead of waiting for this pipeline's replies */
    uint64_t invoked;   /* 0: never sent */
    uint64_t answered;
    struct slice reply; /* as it came, RESP2 */
};

/* What the server promises about commands of one connection that are not answered yet (design section 4). */
enum pipeline_order { PIPELINE_RELAXED, PIPELINE_STRICT };

struct history {
    struct op *ops; /* those of one client in the order it sent them */
    uint32_t nops;
    struct slice keys[HISTORY_KEYS_MAX];
    uint32_t nkeys;
    enum pipeline_order order;
    struct key_space_shape shape; /* which key is on which shard; nshards 0: not known */
    struct chunk *chunks;         /* memory of everything above */
};

/* For the caller's memory. clear empties it and frees what it holds; it can then be filled again. */
void history_init(struct history *h);
void history_clear(struct history *h);

/* Copies len bytes into memory of the history. */
struct slice history_copy(struct history *h, const void *ptr, size_t len);

/* Takes over the memory of from, which is left empty. */
void history_adopt(struct history *h, struct history *from);

/* Appends a command given as words, on database 0; returns the operation, which stays valid until the next one is
 * added. The command has to be one of the model's. Set shape, if it is known, before. */
struct op *history_add(struct history *h, uint32_t client, uint32_t argc, const struct slice *argv);
/* The same from a text of words separated by single blanks. */
struct op *history_add_text(struct history *h, uint32_t client, const char *text);

/* Must b happen after a, which its connection sent before it, even if both were unanswered at one time?
 * Design section 4: commands on one key run in order; a signal waits for all earlier ones; what needs several shards
 * waits for all earlier ones, and later ones for it; with PIPELINE_STRICT every command waits. */
bool history_in_order(const struct history *h, const struct op *a, const struct op *b);

/* Makes out the prefix of h that ends with event: what was sent later is gone, what was answered later is unanswered.
 * out borrows everything but its array of operations from h. */
void history_prefix(const struct history *h, uint64_t event, struct history *out);

/* One line an operation, in order of invocation. Long values are shortened. */
void history_print(const struct history *h, FILE *to);

#endif
