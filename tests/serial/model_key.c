/* Commands on keys with values of any type, and on whole databases, each below its grammar. */
#include "tests/serial/model_call.h"

/* EXISTS key [key ...], TOUCH key [key ...] */
static void exists(struct model_call *c)
{
    int64_t n = 0;
    for (uint32_t i = 1; i < c->op->argc; i++)
        n += *model_at(c, i) != VALUE_NONE;
    model_answer_integer(c, n);
}

/* TYPE key */
static void type(struct model_call *c)
{
    static const char *const names[] = {[KIND_STRING] = "string", [KIND_LIST] = "list", [KIND_SET] = "set"};
    bool there = *model_at(c, 1) != VALUE_NONE;
    model_putf(c, "+%s\r\n", there ? names[collection_kind(model_value_at(c, 1))] : "none");
}

/* DEL key [key ...], UNLINK key [key ...] */
static void del(struct model_call *c)
{
    int64_t n = 0;
    for (uint32_t i = 1; i < c->op->argc; i++) {
        n += *model_at(c, i) != VALUE_NONE;
        *model_at(c, i) = VALUE_NONE;
    }
    model_answer_integer(c, n);
}

static void move_value(uint32_t *from, uint32_t *to)
{
    uint32_t v = *from;
    *from = VALUE_NONE; /* first: both may be the same key */
    *to = v;
}

/* RENAME key newkey */
static void rename_key(struct model_call *c)
{
    if (*model_at(c, 1) == VALUE_NONE) {
        model_putf(c, "-ERR no such key\r\n");
        return;
    }
    move_value(model_at(c, 1), model_at(c, 2));
    model_answer_ok(c);
}

/* RENAMENX key newkey */
static void renamenx(struct model_call *c)
{
    if (*model_at(c, 1) == VALUE_NONE) {
        model_putf(c, "-ERR no such key\r\n");
        return;
    }
    bool free_to_go = *model_at(c, 2) == VALUE_NONE;
    if (free_to_go)
        move_value(model_at(c, 1), model_at(c, 2));
    model_answer_integer(c, free_to_go);
}

static void answer_same(struct model_call *c) { model_putf(c, "-ERR source and destination objects are the same\r\n"); }

/* COPY source destination [DB index] [REPLACE] */
static void copy(struct model_call *c)
{
    uint32_t db = model_has_word(c, 3, "DB") ? model_database_of_arg(c, 4) : c->op->db;
    uint32_t *from = model_at(c, 1), *to = model_at_in(c, 2, db);
    if (from == to) {
        answer_same(c);
        return;
    }
    bool copied = *from != VALUE_NONE && (*to == VALUE_NONE || model_has_word(c, 3, "REPLACE"));
    if (copied)
        *to = *from;
    model_answer_integer(c, copied);
}

/* MOVE key db */
static void move_key(struct model_call *c)
{
    uint32_t *from = model_at(c, 1), *to = model_at_in(c, 1, model_database_of_arg(c, 2));
    if (from == to) {
        answer_same(c);
        return;
    }
    bool free_to_go = *from != VALUE_NONE && *to == VALUE_NONE;
    if (free_to_go)
        move_value(from, to);
    model_answer_integer(c, free_to_go);
}

/* SWAPDB index1 index2 */
static void swapdb(struct model_call *c)
{
    uint32_t a = model_database_of_arg(c, 1), b = model_database_of_arg(c, 2);
    for (uint32_t k = 0; k < HISTORY_KEYS_MAX; k++) {
        uint32_t value = c->store[model_cell(k, a)];
        c->store[model_cell(k, a)] = c->store[model_cell(k, b)];
        c->store[model_cell(k, b)] = value;
    }
    model_answer_ok(c);
}

/* FLUSHDB */
static void flushdb(struct model_call *c)
{
    for (uint32_t k = 0; k < HISTORY_KEYS_MAX; k++)
        c->store[model_cell(k, c->op->db)] = VALUE_NONE;
    model_answer_ok(c);
}

/* FLUSHALL */
static void flushall(struct model_call *c)
{
    memset(c->store, 0, HISTORY_CELLS_MAX * sizeof(c->store[0])); /* VALUE_NONE */
    model_answer_ok(c);
}

/* DEBUG SLEEP seconds */
static void debug_sleep(struct model_call *c) { model_answer_ok(c); }

const struct model_row model_keys[] = {
    {"COPY", -3, 1, 2, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, copy},
    {"DEBUG", 3, 0, 0, 0, MODEL_READ | MODEL_ALL_SHARDS, debug_sleep},
    {"DEL", -2, 1, -1, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, del},
    {"EXISTS", -2, 1, -1, 1, MODEL_READ, exists},
    {"FLUSHALL", 1, 0, 0, 0, MODEL_SIGNAL | MODEL_ALL_SHARDS, flushall},
    {"FLUSHDB", 1, 0, 0, 0, MODEL_SIGNAL | MODEL_ALL_SHARDS, flushdb},
    {"MOVE", 3, 1, 1, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, move_key},
    {"RENAME", 3, 1, 2, 1, MODEL_SIGNAL, rename_key},
    {"RENAMENX", 3, 1, 2, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, renamenx},
    {"SWAPDB", 3, 0, 0, 0, MODEL_SIGNAL | MODEL_ALL_SHARDS, swapdb},
    {"TOUCH", -2, 1, -1, 1, MODEL_READ, exists},
    {"TYPE", 2, 1, 1, 1, MODEL_READ, type},
    {"UNLINK", -2, 1, -1, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, del},
    {0},
};
