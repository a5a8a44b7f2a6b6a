/* A counted B+ tree: a sequence of items in which the place of a key, the place at a rank and the rank of a place are
 * found in O(log n) steps. It carries sorted sets, lists of listpacks, streams and what is due when.
 *
 * An item is a key of 64 bits and a pointer, which the tree does not follow. The tree knows no order but the one its
 * user keeps: ranked_find looks for a key, and among equal keys asks a callback about the pointers; what is then
 * inserted at the place found keeps the order. There are two kinds of tree:
 * - RANKED_BY_KEY: items are in order of their keys, and each weighs 1, so that a rank is a number of items.
 * - RANKED_BY_PLACE: items are where they were put; the low 32 bits of a key are the item's weight, at least 1 (for a
 *   listpack: how many elements it has), the high ones are the user's. A rank is a sum of weights.
 *
 * Leaves hold the items; inner nodes have, for each child, its first item and its weight. A node is one allocation of
 * at most 2 KB, in columns, so that a search touches few cache lines. Nodes hold at least half of what they can, but
 * for those at the edges of the tree, which may be nearly empty: so what is filled in order has full nodes, and a queue
 * moves no items. Before a full node is divided its neighbours take what they have room for, which keeps nodes filled
 * to more than three quarters in whatever order items come. A root that is all the tree is as small as its items allow.
 *
 * Each leaf has an epoch (epoch.h), which stands for its items; what the pointers lead to, too, if the user calls
 * ranked_before_change. An inner node's says that all leaves below have been seen.
 *
 * ranked_find.c has what only looks, ranked.c what changes.
 *
 * Owner: whoever owns the tree; nothing locks. The tree does not own what the pointers lead to. */
#ifndef SKUA_SHARD_DS_RANKED_H
#define SKUA_SHARD_DS_RANKED_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/ds/epoch.h"
#include "src/base/mem.h"

enum ranked_kind { RANKED_BY_KEY, RANKED_BY_PLACE };

enum {
    RANKED_SLOTS_MAX = 63, /* a node's: a leaf takes 1 KB, an inner node 2 */
    RANKED_LEVELS_MAX = 9, /* enough for 32 * 16^8 items, as an inner node's 63 are never less than a quarter full */
};

/* All columns have room for capacity slots. A leaf's: key, pointer. An inner node's: key and pointer of the first item
 * of each child, child, weight. */
struct ranked_node {
    uint16_t epoch;
    uint8_t count, capacity;
    uint8_t columns;
    uint64_t word[];
};

struct ranked {
    struct ranked_node *root; /* NULL: there are no items */
    uint32_t height;          /* levels of inner nodes */
    enum ranked_kind kind;
    uint64_t items, weight;
    struct mem_account *account;
    const struct epoch_clock *clock; /* changes when the tree is given to another shard */
    void *owner;                     /* is told to the clock */
};

/* Where an item is, or where one can be inserted: before the item, or behind the last (the end). It is a path from a
 * leaf to the root. Good until the tree changes, but for the one that a change is given: that is kept up. */
struct ranked_place {
    struct {
        struct ranked_node *node;
        uint32_t slot;
    } level[RANKED_LEVELS_MAX]; /* 0: the leaf */
};

/* Initialises caller's memory. */
void ranked_init(struct ranked *t, enum ranked_kind kind, struct mem_account *account, const struct epoch_clock *clock,
                 void *owner);
/* Frees all nodes. */
void ranked_deinit(struct ranked *t);

static inline bool ranked_at_end(const struct ranked_place *p)
{
    return !p->level[0].node || p->level[0].slot == p->level[0].node->count;
}

static inline uint64_t ranked_key(const struct ranked_place *p) { return p->level[0].node->word[p->level[0].slot]; }

static inline void *ranked_pointer(const struct ranked_place *p)
{
    const struct ranked_node *leaf = p->level[0].node;
    return (void *)(uintptr_t)leaf->word[leaf->capacity + p->level[0].slot];
}

/* Finding. Each says whether there is an item at the place found; if not it is the end. */

bool ranked_first(const struct ranked *t, struct ranked_place *p);
bool ranked_last(const struct ranked *t, struct ranked_place *p);
/* The place behind all items. */
void ranked_end(const struct ranked *t, struct ranked_place *p);

/* Less than 0, 0 or more than 0, as what is sought is before, at or behind the item. */
typedef int ranked_compare(const void *sought, const void *pointer);

/* The first item that is not before what is sought: whose key is greater, or equal and compare(sought, pointer) <= 0.
 * Without compare: whose key is not less. */
bool ranked_find(const struct ranked *t, uint64_t key, ranked_compare *compare, const void *sought,
                 struct ranked_place *p);

/* The item that the rank falls into; *offset, if offset is not NULL: how far into it. */
bool ranked_at_rank(const struct ranked *t, uint64_t rank, struct ranked_place *p, uint64_t *offset);

/* The weight of all items before the place. */
uint64_t ranked_rank(const struct ranked *t, const struct ranked_place *p);

/* The next item; false, and the end, behind the last and at the end. */
bool ranked_next(const struct ranked *t, struct ranked_place *p);
/* The item before; false, and p as it was, at the first. */
bool ranked_previous(const struct ranked *t, struct ranked_place *p);

/* Changing. */

/* Inserts before the place, which then is that of the new item. Inserting at the end and stepping to the next builds a
 * tree from a sorted stream in O(1) an item. */
void ranked_insert(struct ranked *t, struct ranked_place *p, uint64_t key, void *pointer);

/* Removes the item; then the place is that of the next one, or the end. */
void ranked_remove(struct ranked *t, struct ranked_place *p);

/* Gives the item another key or pointer, that don't change the order. */
void ranked_set(struct ranked *t, const struct ranked_place *p, uint64_t key, void *pointer);

/* What the item's pointer leads to is about to change; only for users to whom an epoch stands for that as well. */
static inline void ranked_before_change(struct ranked *t, const struct ranked_place *p)
{
    struct ranked_node *leaf = p->level[0].node;
    epoch_before_change(t->clock, t->owner, leaf, &leaf->epoch);
}

/* Empties a tree that nothing else is done with any more: gives each item of one leaf to visit, unless that is NULL,
 * and frees the leaf. Returns false when all are gone; nothing is left to deinit then. */
typedef void ranked_visit(void *arg, uint64_t key, void *pointer);
bool ranked_clear_step(struct ranked *t, ranked_visit *visit, void *arg);

/* For a snapshot: gives the first leaf that has not been seen in this epoch to the clock. False if there is none. */
bool ranked_epoch_step(struct ranked *t);

/* Gives each item of a leaf to visit: for who is given one by the clock. */
void ranked_visit_leaf(const struct ranked_node *leaf, ranked_visit *visit, void *arg);

#endif
