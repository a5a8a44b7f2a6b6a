#include "tests/serial/model_call.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/base/num.h"

/* ---- Arguments ---- */

uint32_t *model_at_in(struct model_call *c, uint32_t arg, uint32_t db)
{
    ASSERT(c->op->key_of_arg[arg] >= 0 && db < HISTORY_DATABASES);
    return &c->store[model_cell((uint32_t)c->op->key_of_arg[arg], db)];
}

uint32_t *model_at(struct model_call *c, uint32_t arg) { return model_at_in(c, arg, c->op->db); }

struct slice model_value_at(struct model_call *c, uint32_t arg)
{
    return values_get(&c->model->values, *model_at(c, arg));
}

bool model_holds(struct model_call *c, uint32_t arg, enum kind kind)
{
    if (*model_at(c, arg) == VALUE_NONE || collection_kind(model_value_at(c, arg)) == kind)
        return true;
    model_putf(c, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    return false;
}

void model_store(struct model_call *c, uint32_t arg, const struct collection *value)
{
    *model_at(c, arg) = collection_number(value, &c->model->values);
}

uint32_t model_database_of_arg(struct model_call *c, uint32_t arg)
{
    int64_t db;
    ASSERT(num_parse_i64(c->op->argv[arg], &db) && db >= 0 && db < HISTORY_DATABASES);
    return (uint32_t)db;
}

uint32_t model_value_of_arg(struct model_call *c, uint32_t arg)
{
    return values_number(&c->model->values, c->op->argv[arg]);
}

bool model_has_word(struct model_call *c, uint32_t from, const char *word)
{
    for (uint32_t i = from; i < c->op->argc; i++)
        if (slice_is(c->op->argv[i], word))
            return true;
    return false;
}

/* ---- The answer ---- */

void model_put(struct model_call *c, const char *ptr, size_t len)
{
    struct model *m = c->model;
    if (m->answer_cap - m->answer_len < len) {
        m->answer_cap = 2 * (m->answer_len + len) + 64;
        m->answer = mem_realloc(NULL, m->answer, m->answer_cap);
    }
    memcpy(m->answer + m->answer_len, ptr, len);
    m->answer_len += len;
}

void model_putf(struct model_call *c, const char *format, ...)
{
    char line[128];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    ASSERT(n >= 0 && (size_t)n < sizeof(line));
    model_put(c, line, (size_t)n);
}

void model_answer_ok(struct model_call *c) { model_putf(c, "+OK\r\n"); }
void model_answer_integer(struct model_call *c, int64_t n) { model_putf(c, ":%" PRId64 "\r\n", n); }

void model_answer_bulk(struct model_call *c, struct slice s)
{
    model_putf(c, "$%zu\r\n", s.len);
    model_put(c, s.ptr, s.len);
    model_putf(c, "\r\n");
}

void model_answer_value(struct model_call *c, uint32_t value)
{
    if (value == VALUE_NONE)
        model_putf(c, "$-1\r\n");
    else
        model_answer_bulk(c, values_get(&c->model->values, value));
}

void model_answer_elements(struct model_call *c, const struct collection *value)
{
    model_putf(c, "*%u\r\n", value->n);
    for (uint32_t i = 0; i < value->n; i++)
        model_answer_bulk(c, value->elements[i]);
}
