#include "tests/serial/model.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/base/num.h"

struct model_call {
    struct model *model;
    const struct op *op;
    uint32_t *store;
};

void model_init(struct model *m)
{
    *m = (struct model){0};
    values_init(&m->values);
}

void model_deinit(struct model *m)
{
    values_deinit(&m->values);
    mem_free(NULL, m->answer);
}

/* Replies */

static void put(struct model_call *c, const char *ptr, size_t len)
{
    struct model *m = c->model;
    if (m->answer_cap - m->answer_len < len) {
        m->answer_cap = 2 * (m->answer_len + len) + 64;
        m->answer = mem_realloc(NULL, m->answer, m->answer_cap);
    }
    memcpy(m->answer + m->answer_len, ptr, len);
    m->answer_len += len;
}

__attribute__((format(printf, 2, 3))) static void putf(struct model_call *c, const char *format, ...)
{
    char line[128];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    ASSERT(n >= 0 && (size_t)n < sizeof(line));
    put(c, line, (size_t)n);
}

static void answer_ok(struct model_call *c) { putf(c, "+OK\r\n"); }
static void answer_integer(struct model_call *c, int64_t n) { putf(c, ":%" PRId64 "\r\n", n); }

static void answer_value(struct model_call *c, uint32_t value)
{
    if (value == VALUE_NONE) {
        putf(c, "$-1\r\n");
        return;
    }
    struct slice s = values_get(&c->model->values, value);
    putf(c, "$%zu\r\n", s.len);
    put(c, s.ptr, s.len);
    putf(c, "\r\n");
}

/* Arguments and the store */

static uint32_t *at_in(struct model_call *c, uint32_t arg, uint32_t db)
{
    ASSERT(c->op->key_of_arg[arg] >= 0 && db < HISTORY_DATABASES);
    return &c->store[model_cell((uint32_t)c->op->key_of_arg[arg], db)];
}

static uint32_t *at(struct model_call *c, uint32_t arg) { return at_in(c, arg, c->op->db); }

static uint32_t database_of_arg(struct model_call *c, uint32_t arg)
{
    int64_t db;
    ASSERT(num_parse_i64(c->op->argv[arg], &db) && db >= 0 && db < HISTORY_DATABASES);
    return (uint32_t)db;
}

static uint32_t value_of_arg(struct model_call *c, uint32_t arg)
{
    return values_number(&c->model->values, c->op->argv[arg]);
}

static bool has_word(struct model_call *c, uint32_t from, const char *word)
{
    for (uint32_t i = from; i < c->op->argc; i++)
        if (slice_is(c->op->argv[i], word))
            return true;
    return false;
}

/* Commands, each below its grammar */

/* GET key */
static void get(struct model_call *c) { answer_value(c, *at(c, 1)); }

/* STRLEN key */
static void length(struct model_call *c)
{
    uint32_t v = *at(c, 1);
    answer_integer(c, v == VALUE_NONE ? 0 : (int64_t)values_get(&c->model->values, v).len);
}

/* TYPE key */
static void type(struct model_call *c) { putf(c, *at(c, 1) == VALUE_NONE ? "+none\r\n" : "+string\r\n"); }

/* MGET key [key ...] */
static void mget(struct model_call *c)
{
    putf(c, "*%u\r\n", c->op->argc - 1);
    for (uint32_t i = 1; i < c->op->argc; i++)
        answer_value(c, *at(c, i));
}

/* EXISTS key [key ...], TOUCH key [key ...] */
static void exists(struct model_call *c)
{
    int64_t n = 0;
    for (uint32_t i = 1; i < c->op->argc; i++)
        n += *at(c, i) != VALUE_NONE;
    answer_integer(c, n);
}

/* SET key value [NX|XX] [GET] */
static void set(struct model_call *c)
{
    uint32_t *v = at(c, 1), old = *v;
    bool refused = (has_word(c, 3, "NX") && old != VALUE_NONE) || (has_word(c, 3, "XX") && old == VALUE_NONE);
    if (!refused)
        *v = value_of_arg(c, 2);
    if (has_word(c, 3, "GET"))
        answer_value(c, old);
    else if (refused)
        answer_value(c, VALUE_NONE);
    else
        answer_ok(c);
}

/* SETNX key value */
static void setnx(struct model_call *c)
{
    uint32_t *v = at(c, 1);
    answer_integer(c, *v == VALUE_NONE);
    if (*v == VALUE_NONE)
        *v = value_of_arg(c, 2);
}

/* GETSET key value */
static void getset(struct model_call *c)
{
    answer_value(c, *at(c, 1));
    *at(c, 1) = value_of_arg(c, 2);
}

/* GETDEL key */
static void getdel(struct model_call *c)
{
    answer_value(c, *at(c, 1));
    *at(c, 1) = VALUE_NONE;
}

static void add(struct model_call *c, int64_t delta)
{
    uint32_t *v = at(c, 1);
    int64_t n = 0;
    if (*v != VALUE_NONE && !num_parse_i64(values_get(&c->model->values, *v), &n)) {
        putf(c, "-ERR value is not an integer or out of range\r\n");
        return;
    }
    if (__builtin_add_overflow(n, delta, &n)) {
        putf(c, "-ERR increment or decrement would overflow\r\n");
        return;
    }
    char text[NUM_INT_CHARS];
    *v = values_number(&c->model->values, slice_of(text, num_i64(text, n)));
    answer_integer(c, n);
}

/* INCR key */
static void incr(struct model_call *c) { add(c, 1); }

/* DECR key */
static void decr(struct model_call *c) { add(c, -1); }

/* INCRBY key increment */
static void incrby(struct model_call *c)
{
    int64_t delta;
    if (num_parse_i64(c->op->argv[2], &delta))
        add(c, delta);
    else
        putf(c, "-ERR value is not an integer or out of range\r\n");
}

/* APPEND key value */
static void append(struct model_call *c)
{
    uint32_t *v = at(c, 1);
    struct slice old = values_get(&c->model->values, *v), more = c->op->argv[2];
    char *joined = mem_alloc(NULL, old.len + more.len + 1);
    if (old.len)
        memcpy(joined, old.ptr, old.len);
    memcpy(joined + old.len, more.ptr, more.len);
    *v = values_number(&c->model->values, slice_of(joined, old.len + more.len));
    mem_free(NULL, joined);
    answer_integer(c, (int64_t)(values_get(&c->model->values, *v).len));
}

/* DEL key [key ...], UNLINK key [key ...] */
static void del(struct model_call *c)
{
    int64_t n = 0;
    for (uint32_t i = 1; i < c->op->argc; i++) {
        n += *at(c, i) != VALUE_NONE;
        *at(c, i) = VALUE_NONE;
    }
    answer_integer(c, n);
}

/* MSET key value [key value ...] */
static void mset(struct model_call *c)
{
    for (uint32_t i = 1; i < c->op->argc; i += 2)
        *at(c, i) = value_of_arg(c, i + 1);
    answer_ok(c);
}

/* MSETNX key value [key value ...] */
static void msetnx(struct model_call *c)
{
    for (uint32_t i = 1; i < c->op->argc; i += 2) {
        if (*at(c, i) != VALUE_NONE) {
            answer_integer(c, 0);
            return;
        }
    }
    for (uint32_t i = 1; i < c->op->argc; i += 2)
        *at(c, i) = value_of_arg(c, i + 1);
    answer_integer(c, 1);
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
    if (*at(c, 1) == VALUE_NONE) {
        putf(c, "-ERR no such key\r\n");
        return;
    }
    move_value(at(c, 1), at(c, 2));
    answer_ok(c);
}

/* RENAMENX key newkey */
static void renamenx(struct model_call *c)
{
    if (*at(c, 1) == VALUE_NONE) {
        putf(c, "-ERR no such key\r\n");
        return;
    }
    bool free_to_go = *at(c, 2) == VALUE_NONE;
    if (free_to_go)
        move_value(at(c, 1), at(c, 2));
    answer_integer(c, free_to_go);
}

static void answer_same(struct model_call *c) { putf(c, "-ERR source and destination objects are the same\r\n"); }

/* COPY source destination [DB index] [REPLACE] */
static void copy(struct model_call *c)
{
    uint32_t *from = at(c, 1), *to = at_in(c, 2, has_word(c, 3, "DB") ? database_of_arg(c, 4) : c->op->db);
    if (from == to) {
        answer_same(c);
        return;
    }
    bool copied = *from != VALUE_NONE && (*to == VALUE_NONE || has_word(c, 3, "REPLACE"));
    if (copied)
        *to = *from;
    answer_integer(c, copied);
}

/* MOVE key db */
static void move_key(struct model_call *c)
{
    uint32_t *from = at(c, 1), *to = at_in(c, 1, database_of_arg(c, 2));
    if (from == to) {
        answer_same(c);
        return;
    }
    bool free_to_go = *from != VALUE_NONE && *to == VALUE_NONE;
    if (free_to_go)
        move_value(from, to);
    answer_integer(c, free_to_go);
}

/* SWAPDB index1 index2 */
static void swapdb(struct model_call *c)
{
    uint32_t a = database_of_arg(c, 1), b = database_of_arg(c, 2);
    for (uint32_t k = 0; k < HISTORY_KEYS_MAX; k++) {
        uint32_t value = c->store[model_cell(k, a)];
        c->store[model_cell(k, a)] = c->store[model_cell(k, b)];
        c->store[model_cell(k, b)] = value;
    }
    answer_ok(c);
}

/* FLUSHDB */
static void flushdb(struct model_call *c)
{
    for (uint32_t k = 0; k < HISTORY_KEYS_MAX; k++)
        c->store[model_cell(k, c->op->db)] = VALUE_NONE;
    answer_ok(c);
}

/* FLUSHALL */
static void flushall(struct model_call *c)
{
    memset(c->store, 0, HISTORY_CELLS_MAX * sizeof(c->store[0])); /* VALUE_NONE */
    answer_ok(c);
}

/* DEBUG SLEEP seconds */
static void debug_sleep(struct model_call *c) { answer_ok(c); }

static const struct model_row rows[] = {
    {"APPEND", 3, 1, 1, 1, 0, append},
    {"COPY", -3, 1, 2, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, copy},
    {"DEBUG", 3, 0, 0, 0, MODEL_READ | MODEL_ALL_SHARDS, debug_sleep},
    {"DECR", 2, 1, 1, 1, 0, decr},
    {"DEL", -2, 1, -1, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, del},
    {"EXISTS", -2, 1, -1, 1, MODEL_READ, exists},
    {"FLUSHALL", 1, 0, 0, 0, MODEL_SIGNAL | MODEL_ALL_SHARDS, flushall},
    {"FLUSHDB", 1, 0, 0, 0, MODEL_SIGNAL | MODEL_ALL_SHARDS, flushdb},
    {"GET", 2, 1, 1, 1, MODEL_READ, get},
    {"GETDEL", 2, 1, 1, 1, MODEL_SIGNAL | MODEL_NIL_IS_READ, getdel},
    {"GETSET", 3, 1, 1, 1, 0, getset},
    {"INCR", 2, 1, 1, 1, 0, incr},
    {"INCRBY", 3, 1, 1, 1, 0, incrby},
    {"MGET", -2, 1, -1, 1, MODEL_READ, mget},
    {"MOVE", 3, 1, 1, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, move_key},
    {"MSET", -3, 1, -1, 2, 0, mset},
    {"MSETNX", -3, 1, -1, 2, MODEL_ZERO_IS_READ, msetnx},
    {"RENAME", 3, 1, 2, 1, MODEL_SIGNAL, rename_key},
    {"RENAMENX", 3, 1, 2, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, renamenx},
    {"SET", -3, 1, 1, 1, 0, set},
    {"SETNX", 3, 1, 1, 1, MODEL_ZERO_IS_READ, setnx},
    {"STRLEN", 2, 1, 1, 1, MODEL_READ, length},
    {"SWAPDB", 3, 0, 0, 0, MODEL_SIGNAL | MODEL_ALL_SHARDS, swapdb},
    {"TOUCH", -2, 1, -1, 1, MODEL_READ, exists},
    {"TYPE", 2, 1, 1, 1, MODEL_READ, type},
    {"UNLINK", -2, 1, -1, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, del},
};

const struct model_row *model_row(struct slice name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (slice_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

bool model_arity_fits(const struct model_row *row, uint32_t argc)
{
    return row->arity >= 0 ? argc == (uint32_t)row->arity : argc >= (uint32_t)-row->arity;
}

bool model_is_key(const struct model_row *row, uint32_t argc, uint32_t i)
{
    int last = row->last >= 0 ? row->last : (int)argc + row->last;
    return row->first > 0 && (int)i >= row->first && (int)i <= last && ((int)i - row->first) % row->step == 0;
}

bool model_was_read(const struct op *op)
{
    uint32_t flags = op->row->flags;
    return (flags & MODEL_READ) || op->reply.ptr[0] == '-' ||
           ((flags & MODEL_ZERO_IS_READ) && slice_eq(op->reply, slice_str(":0\r\n"))) ||
           ((flags & MODEL_NIL_IS_READ) && slice_eq(op->reply, slice_str("$-1\r\n")));
}

struct slice model_apply(struct model *m, const struct op *op, uint32_t *store)
{
    m->answer_len = 0;
    struct model_call c = {m, op, store};
    op->row->apply(&c);
    return slice_of(m->answer, m->answer_len);
}
