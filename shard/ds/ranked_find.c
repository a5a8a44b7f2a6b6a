/* The counted B+ tree: finding items and ranks, and stepping from one to the next. See ranked.h for the whole. Changes
 * nothing, so a place stays good over all of it. */
#include "shard/ds/ranked_node.h"
#include "src/base/prefetch.h"

enum {
    LINE_WORDS = 64 / sizeof(uint64_t),
    AHEAD = 8, /* how many items ahead of a walk what they point to is fetched */
};

/* How many of n keys, which are in order, are less than sought. First it is asked how many lines are less, so that
 * their misses overlap, and then about one of them; no branch depends on a key. */
static inline uint32_t count_less(const uint64_t *key, uint32_t n, uint64_t sought)
{
    uint32_t lines = 0;
    for (uint32_t last = LINE_WORDS - 1; last < n; last += LINE_WORDS)
        lines += key[last] < sought;
    uint32_t less = lines * LINE_WORDS, end = less + LINE_WORDS < n ? less + LINE_WORDS : n;
    for (uint32_t i = lines * LINE_WORDS; i < end; i++)
        less += key[i] < sought;
    return less;
}

/* The first slot from `from` on that is not before what is sought. */
static inline uint32_t first_not_before(struct ranked_node *n, uint32_t from, uint64_t key, ranked_compare *compare,
                                        const void *sought)
{
    const uint64_t *keys = column(n, KEY), *pointers = column(n, POINTER);
    uint32_t low = from + count_less(keys + from, n->count - from, key);
    if (!compare || low == n->count || keys[low] != key)
        return low;
    uint32_t high = key == UINT64_MAX ? n->count : low + count_less(keys + low, n->count - low, key + 1);
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (compare(sought, (const void *)(uintptr_t)pointers[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The lines of keys of a node that is searched next, so that their misses overlap. */
static inline void prefetch_keys(const struct ranked_node *n)
{
    for (uint32_t i = 0; i < RANKED_SLOTS_MAX; i += LINE_WORDS)
        prefetch_line(&n->word[i]);
}

/* Goes down from the slot at level to its first or last item. */
static void descend(struct ranked_place *p, uint32_t level, bool last)
{
    while (level > 0) {
        struct ranked_node *n = child(p->level[level].node, p->level[level].slot);
        p->level[--level].node = n;
        p->level[level].slot = last ? n->count - 1 : 0;
    }
}

static bool to_edge(const struct ranked *t, struct ranked_place *p, bool last)
{
    p->level[t->height].node = t->root;
    p->level[t->height].slot = t->root && last ? t->root->count - 1 : 0;
    descend(p, t->height, last);
    return t->root;
}

bool ranked_first(const struct ranked *t, struct ranked_place *p) { return to_edge(t, p, false); }

bool ranked_last(const struct ranked *t, struct ranked_place *p) { return to_edge(t, p, true); }

void ranked_end(const struct ranked *t, struct ranked_place *p)
{
    if (to_edge(t, p, true))
        p->level[0].slot++;
}

/* The first item of the next leaf; false, and p as it was, if there is none. */
static bool next_leaf(const struct ranked *t, struct ranked_place *p)
{
    uint32_t level = 1;
    while (level <= t->height && p->level[level].slot + 1 == p->level[level].node->count)
        level++;
    if (level > t->height)
        return false;
    uint32_t slot = ++p->level[level].slot;
    descend(p, level, false);
    if (level == 1 && slot + 1 < p->level[1].node->count)
        prefetch_keys(child(p->level[1].node, slot + 1));
    return true;
}

bool ranked_settle(const struct ranked *t, struct ranked_place *p)
{
    return p->level[0].slot < p->level[0].node->count || next_leaf(t, p);
}

bool ranked_find(const struct ranked *t, uint64_t key, ranked_compare *compare, const void *sought,
                 struct ranked_place *p)
{
    struct ranked_node *n = t->root;
    if (!n)
        return to_edge(t, p, false);
    for (uint32_t level = t->height; level > 0; level--) {
        uint32_t slot = first_not_before(n, 1, key, compare, sought) - 1;
        p->level[level].node = n;
        p->level[level].slot = slot;
        n = child(n, slot);
        prefetch_keys(n);
    }
    p->level[0].node = n;
    p->level[0].slot = first_not_before(n, 0, key, compare, sought);
    return ranked_settle(t, p);
}

bool ranked_at_rank(const struct ranked *t, uint64_t rank, struct ranked_place *p, uint64_t *offset)
{
    if (rank >= t->weight) {
        ranked_end(t, p);
        return false;
    }
    struct ranked_node *n = t->root;
    for (uint32_t level = t->height; level > 0; level--) {
        const uint64_t *weight = column(n, WEIGHT);
        uint32_t slot = 0;
        for (; rank >= weight[slot]; slot++)
            rank -= weight[slot];
        p->level[level].node = n;
        p->level[level].slot = slot;
        n = child(n, slot);
    }
    uint32_t slot = 0;
    if (t->kind == RANKED_BY_KEY) {
        slot = (uint32_t)rank;
        rank = 0;
    } else {
        for (; rank >= (uint32_t)n->word[slot]; slot++)
            rank -= (uint32_t)n->word[slot];
    }
    p->level[0].node = n;
    p->level[0].slot = slot;
    if (offset)
        *offset = rank;
    return true;
}

uint64_t ranked_rank(const struct ranked *t, const struct ranked_place *p)
{
    uint64_t rank = p->level[0].slot;
    if (t->kind == RANKED_BY_PLACE) {
        rank = 0;
        for (uint32_t i = 0; i < p->level[0].slot; i++)
            rank += (uint32_t)p->level[0].node->word[i];
    }
    for (uint32_t level = 1; level <= t->height; level++) {
        const uint64_t *weight = column(p->level[level].node, WEIGHT);
        for (uint32_t i = 0; i < p->level[level].slot; i++)
            rank += weight[i];
    }
    return rank;
}

bool ranked_next(const struct ranked *t, struct ranked_place *p)
{
    if (ranked_at_end(p))
        return false;
    const struct ranked_node *leaf = p->level[0].node;
    uint32_t slot = ++p->level[0].slot;
    if (slot + AHEAD < leaf->count)
        prefetch_line((void *)(uintptr_t)leaf->word[leaf->capacity + slot + AHEAD]);
    return ranked_settle(t, p);
}

bool ranked_previous(const struct ranked *t, struct ranked_place *p)
{
    if (p->level[0].slot > 0) {
        p->level[0].slot--;
        return true;
    }
    uint32_t level = 1;
    while (level <= t->height && p->level[level].slot == 0)
        level++;
    if (level > t->height)
        return false;
    p->level[level].slot--;
    descend(p, level, true);
    return true;
}
