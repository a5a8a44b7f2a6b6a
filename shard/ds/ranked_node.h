/* The inside of a node of a counted B+ tree, for ranked.c and ranked_find.c alone. */
#ifndef SKUA_SHARD_DS_RANKED_NODE_H
#define SKUA_SHARD_DS_RANKED_NODE_H

#include "shard/ds/ranked.h"

enum ranked_column { KEY, POINTER, LEAF_COLUMNS, CHILD = LEAF_COLUMNS, WEIGHT, INNER_COLUMNS };

static inline uint64_t *column(struct ranked_node *n, enum ranked_column c)
{
    return n->word + (size_t)c * n->capacity;
}

static inline struct ranked_node *child(struct ranked_node *n, uint32_t slot)
{
    return (struct ranked_node *)(uintptr_t)column(n, CHILD)[slot];
}

static inline bool is_leaf(const struct ranked_node *n) { return n->columns == LEAF_COLUMNS; }

static inline uint64_t item_weight(const struct ranked *t, uint64_t key)
{
    return t->kind == RANKED_BY_KEY ? 1 : (uint32_t)key;
}

/* A place behind the last slot of a leaf is the same as that at the beginning of the next, and is always given as that:
 * makes it so. False if there is no next. */
bool ranked_settle(const struct ranked *t, struct ranked_place *p);

#endif
