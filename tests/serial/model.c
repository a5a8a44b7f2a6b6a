#include "src/base/assert.h"
#include "src/base/mem.h"
#include "tests/serial/model_call.h"

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

const struct model_row *model_row(struct slice name)
{
    static const struct model_row *const tables[] = {model_keys, model_strings, model_lists, model_sets};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (const struct model_row *row = tables[i]; row->name; row++)
            if (slice_is(name, row->name))
                return row;
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
