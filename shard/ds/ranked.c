#include "shard/ds/ranked.h"

#include <string.h>

#include "shard/ds/ranked_node.h"
#include "src/base/assert.h"

enum {
    SMALLEST_ROOT = 4,
    LEAST = RANKED_SLOTS_MAX / 2,      /* a node with less, that is not at an edge, is laid out anew */
    FILL = RANKED_SLOTS_MAX * 13 / 16, /* what is laid out anew has at most so many if it need not have more */
    GROUP_MAX = 3,                     /* neighbours that are laid out anew together */
};

/* ---- Nodes ---- */

static size_t node_bytes(uint32_t columns, uint32_t capacity)
{
    return sizeof(struct ranked_node) + (size_t)columns * capacity * sizeof(uint64_t);
}

static uint64_t node_weight(const struct ranked *t, struct ranked_node *n)
{
    uint64_t sum = 0;
    if (is_leaf(n))
        for (uint32_t i = 0; i < n->count; i++)
            sum += item_weight(t, n->word[i]);
    else
        for (uint32_t i = 0; i < n->count; i++)
            sum += column(n, WEIGHT)[i];
    return sum;
}

/* An inner node may lead to leaves that have not been seen; a leaf has nothing to show. */
static struct ranked_node *node_create(struct ranked *t, uint32_t columns, uint32_t capacity)
{
    struct ranked_node *n = mem_alloc(t->account, node_bytes(columns, capacity));
    n->count = 0;
    n->capacity = (uint8_t)capacity;
    n->columns = (uint8_t)columns;
    n->epoch = (uint16_t)(is_leaf(n) ? t->clock->now : t->clock->now - 1);
    return n;
}

static void before_change(struct ranked *t, struct ranked_node *n)
{
    if (is_leaf(n))
        epoch_before_change(t->clock, t->owner, n, &n->epoch);
    else
        n->epoch = (uint16_t)(t->clock->now - 1);
}

/* Moves the slots from `from` on so that they begin at `to`. */
static inline void shift(struct ranked_node *n, uint32_t from, uint32_t to)
{
    for (uint32_t c = 0; c < n->columns; c++)
        memmove(column(n, c) + to, column(n, c) + from, (n->count - from) * sizeof(uint64_t));
    n->count = (uint8_t)(n->count + to - from);
}

/* Only a root may have less than the full capacity. Returns it where it is now. */
static struct ranked_node *resize_root(struct ranked *t, uint32_t capacity)
{
    struct ranked_node *old = t->root, *n = mem_alloc(t->account, node_bytes(old->columns, capacity));
    *n = *old;
    n->capacity = (uint8_t)capacity;
    for (uint32_t c = 0; c < n->columns; c++)
        memcpy(column(n, c), column(old, c), n->count * sizeof(uint64_t));
    mem_free(t->account, old);
    return t->root = n;
}

static uint32_t grown(uint32_t capacity) { return capacity * 2 < RANKED_SLOTS_MAX ? capacity * 2 : RANKED_SLOTS_MAX; }

/* ---- Laying nodes out anew ---- */

/* Enters what is known of a child into its parent's slot. */
static void describe(struct ranked *t, struct ranked_node *parent, uint32_t slot, struct ranked_node *n)
{
    column(parent, KEY)[slot] = column(n, KEY)[0];
    column(parent, POINTER)[slot] = column(n, POINTER)[0];
    column(parent, CHILD)[slot] = (uintptr_t)n;
    column(parent, WEIGHT)[slot] = node_weight(t, n);
}

/* Puts all that is in `from` children, from slot first on, into `to` nodes instead, of which size[i] slots into each.
 * The parent has room. */
static void lay_out(struct ranked *t, struct ranked_node *parent, uint32_t first, uint32_t from, uint32_t to,
                    const uint32_t *size)
{
    uint64_t word[INNER_COLUMNS][GROUP_MAX * RANKED_SLOTS_MAX];
    struct ranked_node *node[GROUP_MAX + 1];
    uint32_t total = 0, columns = child(parent, first)->columns;
    for (uint32_t i = 0; i < from; i++) {
        struct ranked_node *n = node[i] = child(parent, first + i);
        before_change(t, n);
        for (uint32_t c = 0; c < columns; c++)
            memcpy(word[c] + total, column(n, c), n->count * sizeof(uint64_t));
        total += n->count;
    }
    for (uint32_t i = from; i < to; i++)
        node[i] = node_create(t, columns, RANKED_SLOTS_MAX);
    for (uint32_t i = to; i < from; i++)
        mem_free(t->account, node[i]);
    shift(parent, first + from, first + to);
    for (uint32_t i = 0, done = 0; i < to; done += size[i++]) {
        node[i]->count = (uint8_t)size[i];
        for (uint32_t c = 0; c < columns; c++)
            memcpy(column(node[i], c), word[c] + done, size[i] * sizeof(uint64_t));
        describe(t, parent, first + i, node[i]);
    }
}

/* Whether the node of p at level is the first or the last of all at its level. */
static bool is_first(const struct ranked *t, const struct ranked_place *p, uint32_t level)
{
    while (level < t->height && p->level[level + 1].slot == 0)
        level++;
    return level == t->height;
}

static bool is_last(const struct ranked *t, const struct ranked_place *p, uint32_t level)
{
    while (level < t->height && p->level[level + 1].slot + 1 == p->level[level + 1].node->count)
        level++;
    return level == t->height;
}

static void add_root(struct ranked *t, struct ranked_place *p)
{
    struct ranked_node *root = node_create(t, INNER_COLUMNS, SMALLEST_ROOT);
    root->count = 1;
    describe(t, root, 0, t->root);
    t->root = root;
    t->height++;
    ASSERT(t->height < RANKED_LEVELS_MAX);
    p->level[t->height].node = root;
    p->level[t->height].slot = 0;
}

/* Lays out a child and its neighbours anew, over as many nodes as they then fill well: one more at most, and that only
 * if may_add, for which the parent has room. */
static void even_out(struct ranked *t, struct ranked_node *parent, uint32_t slot, bool may_add)
{
    uint32_t from = parent->count < GROUP_MAX ? parent->count : GROUP_MAX, first = slot > 0 ? slot - 1 : 0;
    if (first + from > parent->count)
        first = parent->count - from;
    uint32_t total = 0;
    for (uint32_t i = 0; i < from; i++)
        total += child(parent, first + i)->count;
    uint32_t to = (total + FILL - 1) / FILL;
    if (to > from + may_add)
        to = from + may_add;
    uint32_t size[GROUP_MAX + 1];
    for (uint32_t i = 0; i < to; i++)
        size[i] = total / to + (i < total % to);
    lay_out(t, parent, first, from, to, size);
}

/* Divides a full node at an edge so that what comes behind it there again finds room, and what is filled in order stays
 * full; elsewhere lays it out anew with its neighbours. If the parent has no room for one more, does so with that
 * instead. p is good no more. */
static void make_room(struct ranked *t, struct ranked_place *p, uint32_t level)
{
    if (level == t->height)
        add_root(t, p);
    struct ranked_node *parent = p->level[level + 1].node;
    if (parent->count == parent->capacity) {
        if (parent->capacity == RANKED_SLOTS_MAX) {
            make_room(t, p, level + 1);
            return;
        }
        parent = p->level[level + 1].node = resize_root(t, grown(parent->capacity));
    }
    uint32_t slot = p->level[level + 1].slot, in_node = p->level[level].slot;
    if (in_node + (level > 0) >= RANKED_SLOTS_MAX && is_last(t, p, level)) {
        lay_out(t, parent, slot, 1, 2, (uint32_t[]){RANKED_SLOTS_MAX - 1, 1});
        return;
    }
    if (in_node == 0 && is_first(t, p, level)) {
        lay_out(t, parent, slot, 1, 2, (uint32_t[]){1, RANKED_SLOTS_MAX - 1});
        return;
    }
    even_out(t, parent, slot, true);
}

/* ---- Changing ---- */

/* The first item of p's node at level is another one now: notes that above. */
static void first_changed(const struct ranked *t, const struct ranked_place *p, uint32_t level)
{
    for (; level < t->height; level++) {
        struct ranked_node *n = p->level[level].node, *parent = p->level[level + 1].node;
        uint32_t slot = p->level[level + 1].slot;
        column(parent, KEY)[slot] = column(n, KEY)[0];
        column(parent, POINTER)[slot] = column(n, POINTER)[0];
        if (slot > 0)
            return;
    }
}

static void add_weight(struct ranked *t, const struct ranked_place *p, uint64_t delta)
{
    t->weight += delta;
    for (uint32_t level = 1; level <= t->height; level++)
        column(p->level[level].node, WEIGHT)[p->level[level].slot] += delta;
}

static void put_item(const struct ranked *t, const struct ranked_place *p, uint64_t key, void *pointer)
{
    struct ranked_node *leaf = p->level[0].node;
    uint32_t slot = p->level[0].slot;
    column(leaf, KEY)[slot] = key;
    column(leaf, POINTER)[slot] = (uintptr_t)pointer;
    if (slot == 0)
        first_changed(t, p, 0);
}

void ranked_insert(struct ranked *t, struct ranked_place *p, uint64_t key, void *pointer)
{
    DASSERT(item_weight(t, key) > 0);
    if (!t->root) {
        t->root = node_create(t, LEAF_COLUMNS, SMALLEST_ROOT);
        ranked_first(t, p);
    }
    while (p->level[0].node->count == p->level[0].node->capacity) {
        if (p->level[0].node->capacity < RANKED_SLOTS_MAX) {
            p->level[0].node = resize_root(t, grown(t->root->capacity));
        } else {
            uint64_t rank = ranked_rank(t, p);
            make_room(t, p, 0);
            ranked_at_rank(t, rank, p, NULL);
        }
    }
    ranked_before_change(t, p);
    shift(p->level[0].node, p->level[0].slot, p->level[0].slot + 1);
    put_item(t, p, key, pointer);
    add_weight(t, p, item_weight(t, key));
    t->items++;
}

void ranked_set(struct ranked *t, const struct ranked_place *p, uint64_t key, void *pointer)
{
    DASSERT(item_weight(t, key) > 0);
    ranked_before_change(t, p);
    add_weight(t, p, item_weight(t, key) - item_weight(t, ranked_key(p)));
    put_item(t, p, key, pointer);
}

static bool is_too_empty(const struct ranked *t, const struct ranked_place *p, uint32_t level)
{
    return p->level[level].node->count < LEAST && !is_first(t, p, level) && !is_last(t, p, level);
}

/* Takes the empty node of p at level out of the tree. */
static void drop_node(struct ranked *t, struct ranked_place *p, uint32_t level)
{
    mem_free(t->account, p->level[level].node);
    if (level == t->height) {
        t->root = NULL;
        t->height = 0;
        return;
    }
    struct ranked_node *parent = p->level[level + 1].node;
    uint32_t slot = p->level[level + 1].slot;
    shift(parent, slot + 1, slot);
    if (slot == 0 && parent->count > 0)
        first_changed(t, p, level + 1);
}

/* Sees to nodes that are too empty after an item was removed from p's leaf, and to a root that need not be. p is good
 * no more. */
static void tidy(struct ranked *t, struct ranked_place *p)
{
    uint32_t height = t->height;
    for (uint32_t level = 0; level <= height; level++) {
        if (p->level[level].node->count == 0)
            drop_node(t, p, level);
        else if (is_too_empty(t, p, level))
            even_out(t, p->level[level + 1].node, p->level[level + 1].slot, false);
        else
            break;
    }
    while (t->height > 0 && t->root->count == 1) {
        struct ranked_node *only = child(t->root, 0);
        mem_free(t->account, t->root);
        t->root = only;
        t->height--;
    }
    if (t->root && t->root->capacity > SMALLEST_ROOT && t->root->count <= t->root->capacity / 4)
        resize_root(t, t->root->capacity / 2);
}

void ranked_remove(struct ranked *t, struct ranked_place *p)
{
    struct ranked_node *leaf = p->level[0].node;
    ranked_before_change(t, p);
    add_weight(t, p, -item_weight(t, ranked_key(p)));
    t->items--;
    shift(leaf, p->level[0].slot + 1, p->level[0].slot);
    if (p->level[0].slot == 0 && leaf->count > 0)
        first_changed(t, p, 0);
    if (leaf->count > 0 && t->height > 0 && !is_too_empty(t, p, 0)) {
        ranked_settle(t, p);
        return;
    }
    uint64_t rank = ranked_rank(t, p);
    tidy(t, p);
    ranked_at_rank(t, rank, p, NULL);
}

/* ---- The whole tree ---- */

void ranked_init(struct ranked *t, enum ranked_kind kind, struct mem_account *account, const struct epoch_clock *clock,
                 void *owner)
{
    *t = (struct ranked){.kind = kind, .account = account, .clock = clock, .owner = owner};
}

void ranked_deinit(struct ranked *t)
{
    while (ranked_clear_step(t, NULL, NULL))
        ;
}

void ranked_visit_leaf(const struct ranked_node *leaf, ranked_visit *visit, void *arg)
{
    for (uint32_t i = 0; i < leaf->count; i++)
        visit(arg, leaf->word[i], (void *)(uintptr_t)leaf->word[leaf->capacity + i]);
}

bool ranked_clear_step(struct ranked *t, ranked_visit *visit, void *arg)
{
    struct ranked_place p;
    if (!ranked_last(t, &p))
        return false;
    struct ranked_node *leaf = p.level[0].node;
    before_change(t, leaf);
    if (visit)
        ranked_visit_leaf(leaf, visit, arg);
    t->items -= leaf->count;
    add_weight(t, &p, -node_weight(t, leaf));
    leaf->count = 0;
    for (uint32_t level = 0; t->root && p.level[level].node->count == 0; level++)
        drop_node(t, &p, level);
    return t->root;
}

/* As ranked_epoch_step, for what is below n. */
static bool epoch_step(struct ranked *t, struct ranked_node *n)
{
    if (n->epoch == t->clock->now)
        return false;
    if (is_leaf(n)) {
        epoch_before_change(t->clock, t->owner, n, &n->epoch);
        return true;
    }
    for (uint32_t i = 0; i < n->count; i++)
        if (epoch_step(t, child(n, i)))
            return true;
    n->epoch = t->clock->now;
    return false;
}

bool ranked_epoch_step(struct ranked *t) { return t->root && epoch_step(t, t->root); }
