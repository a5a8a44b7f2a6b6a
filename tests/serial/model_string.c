/* Commands of strings, each below its grammar. */
#include "src/base/mem.h"
#include "src/base/num.h"
#include "tests/serial/model_call.h"

/* GET key */
static void get(struct model_call *c)
{
    if (model_holds(c, 1, KIND_STRING))
        model_answer_value(c, *model_at(c, 1));
}

/* STRLEN key */
static void length(struct model_call *c)
{
    if (model_holds(c, 1, KIND_STRING))
        model_answer_integer(c, (int64_t)model_value_at(c, 1).len);
}

/* MGET key [key ...] */
static void mget(struct model_call *c)
{
    model_putf(c, "*%u\r\n", c->op->argc - 1);
    for (uint32_t i = 1; i < c->op->argc; i++)
        model_answer_value(c, collection_kind(model_value_at(c, i)) == KIND_STRING ? *model_at(c, i) : VALUE_NONE);
}

/* SET key value [NX|XX] [GET] */
static void set(struct model_call *c)
{
    uint32_t *v = model_at(c, 1), old = *v;
    if (model_has_word(c, 3, "GET") && !model_holds(c, 1, KIND_STRING))
        return;
    bool refused =
        (model_has_word(c, 3, "NX") && old != VALUE_NONE) || (model_has_word(c, 3, "XX") && old == VALUE_NONE);
    if (!refused)
        *v = model_value_of_arg(c, 2);
    if (model_has_word(c, 3, "GET"))
        model_answer_value(c, old);
    else if (refused)
        model_answer_value(c, VALUE_NONE);
    else
        model_answer_ok(c);
}

/* SETNX key value */
static void setnx(struct model_call *c)
{
    uint32_t *v = model_at(c, 1);
    model_answer_integer(c, *v == VALUE_NONE);
    if (*v == VALUE_NONE)
        *v = model_value_of_arg(c, 2);
}

/* GETSET key value */
static void getset(struct model_call *c)
{
    if (!model_holds(c, 1, KIND_STRING))
        return;
    model_answer_value(c, *model_at(c, 1));
    *model_at(c, 1) = model_value_of_arg(c, 2);
}

/* GETDEL key */
static void getdel(struct model_call *c)
{
    if (!model_holds(c, 1, KIND_STRING))
        return;
    model_answer_value(c, *model_at(c, 1));
    *model_at(c, 1) = VALUE_NONE;
}

static void add(struct model_call *c, int64_t delta)
{
    uint32_t *v = model_at(c, 1);
    int64_t n = 0;
    if (!model_holds(c, 1, KIND_STRING))
        return;
    if (*v != VALUE_NONE && !num_parse_i64(values_get(&c->model->values, *v), &n)) {
        model_putf(c, "-ERR value is not an integer or out of range\r\n");
        return;
    }
    if (__builtin_add_overflow(n, delta, &n)) {
        model_putf(c, "-ERR increment or decrement would overflow\r\n");
        return;
    }
    char text[NUM_INT_CHARS];
    *v = values_number(&c->model->values, slice_of(text, num_i64(text, n)));
    model_answer_integer(c, n);
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
        model_putf(c, "-ERR value is not an integer or out of range\r\n");
}

/* APPEND key value */
static void append(struct model_call *c)
{
    uint32_t *v = model_at(c, 1);
    if (!model_holds(c, 1, KIND_STRING))
        return;
    struct slice old = values_get(&c->model->values, *v), more = c->op->argv[2];
    char *joined = mem_alloc(NULL, old.len + more.len + 1);
    if (old.len)
        memcpy(joined, old.ptr, old.len);
    memcpy(joined + old.len, more.ptr, more.len);
    *v = values_number(&c->model->values, slice_of(joined, old.len + more.len));
    mem_free(NULL, joined);
    model_answer_integer(c, (int64_t)(values_get(&c->model->values, *v).len));
}

/* MSET key value [key value ...] */
static void mset(struct model_call *c)
{
    for (uint32_t i = 1; i < c->op->argc; i += 2)
        *model_at(c, i) = model_value_of_arg(c, i + 1);
    model_answer_ok(c);
}

/* MSETNX key value [key value ...] */
static void msetnx(struct model_call *c)
{
    for (uint32_t i = 1; i < c->op->argc; i += 2) {
        if (*model_at(c, i) != VALUE_NONE) {
            model_answer_integer(c, 0);
            return;
        }
    }
    for (uint32_t i = 1; i < c->op->argc; i += 2)
        *model_at(c, i) = model_value_of_arg(c, i + 1);
    model_answer_integer(c, 1);
}

const struct model_row model_strings[] = {
    {"APPEND", 3, 1, 1, 1, 0, append},
    {"DECR", 2, 1, 1, 1, 0, decr},
    {"GET", 2, 1, 1, 1, MODEL_READ, get},
    {"GETDEL", 2, 1, 1, 1, MODEL_SIGNAL | MODEL_NIL_IS_READ, getdel},
    {"GETSET", 3, 1, 1, 1, 0, getset},
    {"INCR", 2, 1, 1, 1, 0, incr},
    {"INCRBY", 3, 1, 1, 1, 0, incrby},
    {"MGET", -2, 1, -1, 1, MODEL_READ, mget},
    {"MSET", -3, 1, -1, 2, 0, mset},
    {"MSETNX", -3, 1, -1, 2, MODEL_ZERO_IS_READ, msetnx},
    {"SET", -3, 1, 1, 1, 0, set},
    {"SETNX", 3, 1, 1, 1, MODEL_ZERO_IS_READ, setnx},
    {"STRLEN", 2, 1, 1, 1, MODEL_READ, length},
    {0},
};
