/* A skiplist with spans, written after that of Redis's sorted sets (t_zset.c): for ranked_bench to compare with. Nodes
 * are in order of their scores, then of their members. Does not own the members. */
#ifndef SKUA_BENCH_SKIPLIST_H
#define SKUA_BENCH_SKIPLIST_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/mem.h"
#include "src/base/random.h"

enum { SKIPLIST_LEVELS_MAX = 32 };

struct skiplist_node {
    const char *member;
    double score;
    struct skiplist_node *backward;
    struct {
        struct skiplist_node *forward;
        uint64_t span;
    } level[];
};

struct skiplist {
    struct skiplist_node *header, *tail;
    uint64_t length;
    int levels;
    struct random random;
    struct mem_account *account;
};

void skiplist_init(struct skiplist *s, struct mem_account *account);
void skiplist_deinit(struct skiplist *s);

/* The member is not in it yet. */
void skiplist_insert(struct skiplist *s, double score, const char *member);
/* The member is in it. */
void skiplist_remove(struct skiplist *s, double score, const char *member);
/* From 1 on, as in Redis. */
uint64_t skiplist_rank(const struct skiplist *s, double score, const char *member);
struct skiplist_node *skiplist_at_rank(const struct skiplist *s, uint64_t rank);

#endif
