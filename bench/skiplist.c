#include "bench/skiplist.h"

#include <string.h>

static struct skiplist_node *node_create(struct skiplist *s, int levels, double score, const char *member)
{
    struct skiplist_node *n = mem_alloc(s->account, sizeof *n + (size_t)levels * sizeof n->level[0]);
    n->score = score;
    n->member = member;
    return n;
}

void skiplist_init(struct skiplist *s, struct mem_account *account)
{
    *s = (struct skiplist){.levels = 1, .account = account};
    random_init(&s->random, 1);
    s->header = node_create(s, SKIPLIST_LEVELS_MAX, 0, NULL);
    s->header->backward = NULL;
    memset(s->header->level, 0, SKIPLIST_LEVELS_MAX * sizeof s->header->level[0]);
}

void skiplist_deinit(struct skiplist *s)
{
    for (struct skiplist_node *n = s->header, *next; n; n = next) {
        next = n->level[0].forward;
        mem_free(s->account, n);
    }
}

static int random_levels(struct skiplist *s)
{
    int levels = 1;
    while (levels < SKIPLIST_LEVELS_MAX && random_below(&s->random, 4) == 0)
        levels++;
    return levels;
}

static bool is_before(const struct skiplist_node *n, double score, const char *member)
{
    return n->score < score || (n->score == score && strcmp(n->member, member) < 0);
}

void skiplist_insert(struct skiplist *s, double score, const char *member)
{
    struct skiplist_node *update[SKIPLIST_LEVELS_MAX], *x = s->header;
    uint64_t rank[SKIPLIST_LEVELS_MAX];
    for (int i = s->levels - 1; i >= 0; i--) {
        rank[i] = i == s->levels - 1 ? 0 : rank[i + 1];
        while (x->level[i].forward && is_before(x->level[i].forward, score, member)) {
            rank[i] += x->level[i].span;
            x = x->level[i].forward;
        }
        update[i] = x;
    }
    int levels = random_levels(s);
    for (; s->levels < levels; s->levels++) {
        rank[s->levels] = 0;
        update[s->levels] = s->header;
        s->header->level[s->levels].span = s->length;
    }
    x = node_create(s, levels, score, member);
    for (int i = 0; i < levels; i++) {
        x->level[i].forward = update[i]->level[i].forward;
        update[i]->level[i].forward = x;
        x->level[i].span = update[i]->level[i].span - (rank[0] - rank[i]);
        update[i]->level[i].span = rank[0] - rank[i] + 1;
    }
    for (int i = levels; i < s->levels; i++)
        update[i]->level[i].span++;
    x->backward = update[0] == s->header ? NULL : update[0];
    if (x->level[0].forward)
        x->level[0].forward->backward = x;
    else
        s->tail = x;
    s->length++;
}

void skiplist_remove(struct skiplist *s, double score, const char *member)
{
    struct skiplist_node *update[SKIPLIST_LEVELS_MAX], *x = s->header;
    for (int i = s->levels - 1; i >= 0; i--) {
        while (x->level[i].forward && is_before(x->level[i].forward, score, member))
            x = x->level[i].forward;
        update[i] = x;
    }
    x = x->level[0].forward;
    for (int i = 0; i < s->levels; i++) {
        if (update[i]->level[i].forward == x) {
            update[i]->level[i].span += x->level[i].span - 1;
            update[i]->level[i].forward = x->level[i].forward;
        } else {
            update[i]->level[i].span--;
        }
    }
    if (x->level[0].forward)
        x->level[0].forward->backward = x->backward;
    else
        s->tail = x->backward;
    while (s->levels > 1 && !s->header->level[s->levels - 1].forward)
        s->levels--;
    s->length--;
    mem_free(s->account, x);
}

uint64_t skiplist_rank(const struct skiplist *s, double score, const char *member)
{
    const struct skiplist_node *x = s->header;
    uint64_t rank = 0;
    for (int i = s->levels - 1; i >= 0; i--)
        while (x->level[i].forward &&
               (is_before(x->level[i].forward, score, member) ||
                (x->level[i].forward->score == score && strcmp(x->level[i].forward->member, member) == 0))) {
            rank += x->level[i].span;
            x = x->level[i].forward;
        }
    return rank;
}

struct skiplist_node *skiplist_at_rank(const struct skiplist *s, uint64_t rank)
{
    struct skiplist_node *x = s->header;
    uint64_t done = 0;
    for (int i = s->levels - 1; i >= 0; i--) {
        while (x->level[i].forward && done + x->level[i].span <= rank) {
            done += x->level[i].span;
            x = x->level[i].forward;
        }
        if (done == rank)
            return x;
    }
    return NULL;
}
