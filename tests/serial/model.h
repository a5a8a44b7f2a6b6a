/* The sequential specification that histories are held against: what each command does to a handful of keys when it
 * runs alone, and what it answers, byte for byte in RESP2. One row and one function a command; a new command is added
 * to the table of its type (model_call.h) and nowhere else (workload.c decides how often it is drawn).
 *
 * The store is an array of value numbers, for each key of the history one in each database (model_cell); the model
 * keeps nothing between calls but the strings behind the numbers. It knows no time: expiry is not part of it. */
#ifndef SKUA_TESTS_SERIAL_MODEL_H
#define SKUA_TESTS_SERIAL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"
#include "tests/serial/history.h"
#include "tests/serial/values.h"

enum model_flag {
    MODEL_READ = 1 << 0,         /* never changes the store */
    MODEL_SIGNAL = 1 << 1,       /* `signal` of design section 4: waits for the earlier commands of its connection */
    MODEL_ZERO_IS_READ = 1 << 2, /* has not changed it if the reply is 0 */
    MODEL_NIL_IS_READ = 1 << 3,  /* has not changed it if the reply is nil */
    MODEL_ALL_SHARDS = 1 << 4,   /* works on whole databases, or stops the whole server */
};

struct model_call;
typedef void model_fn(struct model_call *c);

struct model_row {
    const char *name;
    int arity;             /* as in COMMAND INFO: negative: at least */
    int first, last, step; /* arguments that are keys, as in COMMAND INFO; first 0: none */
    uint32_t flags;
    model_fn *apply;
};

struct model {
    struct values values;
    char *answer; /* the reply of the last model_apply */
    size_t answer_len, answer_cap;
};

void model_init(struct model *m);
void model_deinit(struct model *m);

/* NULL if the model has no such command. */
const struct model_row *model_row(struct slice name);
bool model_arity_fits(const struct model_row *row, uint32_t argc);
/* Is argument i of a command with argc arguments a key? */
bool model_is_key(const struct model_row *row, uint32_t argc, uint32_t i);

/* Where the store has a key's value in a database: those of one key lie together. */
static inline uint32_t model_cell(uint32_t key, uint32_t db) { return key * HISTORY_DATABASES + db; }

/* Has an answered op, by what it is and was told, changed nothing? Errors never have. */
bool model_was_read(const struct op *op);

/* Runs op on store (HISTORY_CELLS_MAX value numbers), which it changes; the reply is returned, borrowed until the next
 * call. */
struct slice model_apply(struct model *m, const struct op *op, uint32_t *store);

#endif
