/* Commands of lists, each below its grammar. */
#include "src/base/assert.h"
#include "src/base/num.h"
#include "tests/serial/model_call.h"

/* The list at the key that an argument names. False: it answered an error. */
static bool load(struct model_call *c, uint32_t arg, struct collection *list)
{
    if (!model_holds(c, arg, KIND_LIST))
        return false;
    collection_load(list, KIND_LIST, model_value_at(c, arg));
    return true;
}

static void push(struct collection *list, struct slice element, bool left)
{
    collection_insert(list, left ? 0 : list->n, element);
}

static struct slice pop(struct collection *list, bool left) { return collection_remove(list, left ? 0 : list->n - 1); }

/* The end that a command is named after. */
static bool is_left(struct model_call *c) { return c->op->row->name[0] == 'L'; }

/* LPUSH key element [element ...], RPUSH */
static void push_all(struct model_call *c)
{
    struct collection list;
    if (!load(c, 1, &list))
        return;
    for (uint32_t i = 2; i < c->op->argc; i++)
        push(&list, c->op->argv[i], is_left(c));
    model_store(c, 1, &list);
    model_answer_integer(c, list.n);
}

/* LPUSHX key element [element ...], RPUSHX */
static void push_if_there(struct model_call *c)
{
    if (*model_at(c, 1) == VALUE_NONE)
        model_answer_integer(c, 0);
    else
        push_all(c);
}

/* Takes up to n elements from the list at an argument, which it has loaded, and answers with them. */
static void pop_some(struct model_call *c, uint32_t arg, struct collection *list, uint32_t n, bool left)
{
    n = n < list->n ? n : list->n;
    model_putf(c, "*%u\r\n", n);
    while (n-- > 0)
        model_answer_bulk(c, pop(list, left));
    model_store(c, arg, list);
}

/* LPOP key [count], RPOP */
static void pop_from(struct model_call *c)
{
    struct collection list;
    int64_t n = 0;
    bool counts = c->op->argc > 2;
    ASSERT(!counts || num_parse_i64(c->op->argv[2], &n));
    if (!load(c, 1, &list))
        return;
    if (list.n == 0) {
        model_putf(c, counts ? "*-1\r\n" : "$-1\r\n");
    } else if (counts) {
        pop_some(c, 1, &list, (uint32_t)n, is_left(c));
    } else {
        model_answer_bulk(c, pop(&list, is_left(c)));
        model_store(c, 1, &list);
    }
}

/* LMPOP 2 key key LEFT|RIGHT */
static void lmpop(struct model_call *c)
{
    struct collection list;
    for (uint32_t i = 2; i < 4; i++) {
        if (!load(c, i, &list))
            return;
        if (list.n == 0)
            continue;
        model_putf(c, "*2\r\n");
        model_answer_bulk(c, c->op->argv[i]);
        pop_some(c, i, &list, 1, model_has_word(c, 4, "LEFT"));
        return;
    }
    model_putf(c, "*-1\r\n");
}

static void move_element(struct model_call *c, bool from_left, bool to_left)
{
    struct collection from, to;
    if (!load(c, 1, &from) || (from.n > 0 && !load(c, 2, &to)))
        return;
    if (from.n == 0) {
        model_answer_value(c, VALUE_NONE);
        return;
    }
    struct slice element = pop(&from, from_left);
    model_store(c, 1, &from);
    load(c, 2, &to); /* both may be the same */
    push(&to, element, to_left);
    model_store(c, 2, &to);
    model_answer_bulk(c, element);
}

/* LMOVE source destination LEFT|RIGHT LEFT|RIGHT */
static void lmove(struct model_call *c)
{
    move_element(c, slice_is(c->op->argv[3], "LEFT"), slice_is(c->op->argv[4], "LEFT"));
}

/* RPOPLPUSH source destination */
static void rpoplpush(struct model_call *c) { move_element(c, false, true); }

/* LLEN key */
static void llen(struct model_call *c)
{
    struct collection list;
    if (load(c, 1, &list))
        model_answer_integer(c, list.n);
}

/* LRANGE key 0 -1 */
static void lrange(struct model_call *c)
{
    struct collection list;
    if (load(c, 1, &list))
        model_answer_elements(c, &list);
}

const struct model_row model_lists[] = {
    {"LLEN", 2, 1, 1, 1, MODEL_READ, llen},
    {"LMOVE", 5, 1, 2, 1, MODEL_SIGNAL | MODEL_NIL_IS_READ, lmove},
    {"LMPOP", 5, 2, 3, 1, 0, lmpop},
    {"LPOP", -2, 1, 1, 1, MODEL_NIL_IS_READ, pop_from},
    {"LPUSH", -3, 1, 1, 1, MODEL_SIGNAL, push_all},
    {"LPUSHX", -3, 1, 1, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, push_if_there},
    {"LRANGE", 4, 1, 1, 1, MODEL_READ, lrange},
    {"RPOP", -2, 1, 1, 1, MODEL_NIL_IS_READ, pop_from},
    {"RPOPLPUSH", 3, 1, 2, 1, MODEL_SIGNAL | MODEL_NIL_IS_READ, rpoplpush},
    {"RPUSH", -3, 1, 1, 1, MODEL_SIGNAL, push_all},
    {"RPUSHX", -3, 1, 1, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, push_if_there},
    {0},
};
