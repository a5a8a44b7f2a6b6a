/* Commands of sets, each below its grammar. Members are single digits: so the server keeps them as an intset, and
 * replies them in order. */
#include "tests/serial/collection.h"
#include "tests/serial/model_call.h"

/* The set at the key that an argument names. False: it answered an error. */
static bool load(struct model_call *c, uint32_t arg, struct collection *set)
{
    if (!model_holds(c, arg, KIND_SET))
        return false;
    collection_load(set, KIND_SET, model_value_at(c, arg));
    return true;
}

/* SADD key member [member ...] */
static void sadd(struct model_call *c)
{
    struct collection set;
    int64_t added = 0;
    if (!load(c, 1, &set))
        return;
    for (uint32_t i = 2; i < c->op->argc; i++)
        added += collection_add(&set, c->op->argv[i]);
    model_store(c, 1, &set);
    model_answer_integer(c, added);
}

/* SREM key member [member ...] */
static void srem(struct model_call *c)
{
    struct collection set;
    int64_t removed = 0;
    if (!load(c, 1, &set))
        return;
    for (uint32_t i = 2; i < c->op->argc; i++)
        removed += collection_drop(&set, c->op->argv[i]);
    model_store(c, 1, &set);
    model_answer_integer(c, removed);
}

/* SISMEMBER key member */
static void sismember(struct model_call *c)
{
    struct collection set;
    uint32_t at;
    if (load(c, 1, &set))
        model_answer_integer(c, collection_find(&set, c->op->argv[2], &at));
}

/* SCARD key */
static void scard(struct model_call *c)
{
    struct collection set;
    if (load(c, 1, &set))
        model_answer_integer(c, set.n);
}

/* SMOVE source destination member */
static void smove(struct model_call *c)
{
    struct collection from, to;
    if (!load(c, 1, &from) || (from.n > 0 && !load(c, 2, &to)))
        return;
    bool moves = collection_drop(&from, c->op->argv[3]);
    if (moves) {
        model_store(c, 1, &from);
        load(c, 2, &to); /* both may be the same */
        collection_add(&to, c->op->argv[3]);
        model_store(c, 2, &to);
    }
    model_answer_integer(c, moves);
}

/* The union (U), intersection (I) or difference (D) of the sets at keys from an argument on; the second letter of the
 * command says which. False: an error was answered. */
static bool combine(struct model_call *c, uint32_t first, struct collection *result)
{
    char how = c->op->row->name[1];
    if (!load(c, first, result))
        return false;
    for (uint32_t i = first + 1; i < c->op->argc; i++) {
        struct collection other;
        uint32_t at;
        if (!load(c, i, &other))
            return false;
        for (uint32_t k = 0; how == 'U' && k < other.n; k++)
            collection_add(result, other.elements[k]);
        for (uint32_t k = result->n; how != 'U' && k-- > 0;)
            if (collection_find(&other, result->elements[k], &at) == (how == 'D'))
                collection_remove(result, k);
    }
    return true;
}

/* SUNION key [key ...], SINTER key [key ...], SDIFF key [key ...], SMEMBERS key */
static void combination(struct model_call *c)
{
    struct collection result;
    if (combine(c, 1, &result))
        model_answer_elements(c, &result);
}

/* SUNIONSTORE destination key [key ...], SINTERSTORE, SDIFFSTORE */
static void store_combination(struct model_call *c)
{
    struct collection result;
    if (!combine(c, 2, &result))
        return;
    model_store(c, 1, &result);
    model_answer_integer(c, result.n);
}

const struct model_row model_sets[] = {
    {"SADD", -3, 1, 1, 1, MODEL_ZERO_IS_READ, sadd},
    {"SCARD", 2, 1, 1, 1, MODEL_READ, scard},
    {"SDIFF", -2, 1, -1, 1, MODEL_READ, combination},
    {"SDIFFSTORE", -3, 1, -1, 1, MODEL_SIGNAL, store_combination},
    {"SINTER", -2, 1, -1, 1, MODEL_READ, combination},
    {"SINTERSTORE", -3, 1, -1, 1, MODEL_SIGNAL, store_combination},
    {"SISMEMBER", 3, 1, 1, 1, MODEL_READ, sismember},
    {"SMEMBERS", 2, 1, 1, 1, MODEL_READ, combination},
    {"SMOVE", 4, 1, 2, 1, MODEL_SIGNAL | MODEL_ZERO_IS_READ, smove},
    {"SREM", -3, 1, 1, 1, MODEL_ZERO_IS_READ, srem},
    {"SUNION", -2, 1, -1, 1, MODEL_READ, combination},
    {"SUNIONSTORE", -3, 1, -1, 1, MODEL_SIGNAL, store_combination},
    {0},
};
