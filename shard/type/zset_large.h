/* The large encoding of sorted sets (shown as skiplist): elements, each one allocation with a score and a member, that
 * lie in a table by the hash of the member and in a counted B+ tree by the order of the set.
 *
 * A set can also be made in two steps, for results whose scores are known only at the end: elements are collected in
 * the table alone, and zset_large_arrange puts all of them into the tree.
 *
 * For a snapshot the leaves of the tree stand for the elements: what changes or frees an element changes its leaf
 * first. The table needs no epochs.
 *
 * Owner: as of any value. Elements and spots are good until the next change of the set. */
#ifndef SKUA_SHARD_TYPE_ZSET_LARGE_H
#define SKUA_SHARD_TYPE_ZSET_LARGE_H

#include "shard/ds/ranked.h"
#include "shard/ds/table.h"
#include "shard/type/zset_order.h"
#include "shard/value.h"

#define ZSET_MEMBER_BYTES_MAX UINT32_MAX

struct zset_element {
    double score; /* no nan */
    uint32_t len;
    char data[]; /* the member */
};

struct zset_large {
    struct value value; /* first */
    struct table table;
    struct ranked tree; /* keys: zset_order of the scores */
};

/* Where an element lies or, if there is none (NULL), would be put. */
struct zset_spot {
    struct zset_element *element;
    uint64_t hash;            /* private */
    struct table_place table; /* private */
};

static inline struct slice zset_member(const struct zset_element *e) { return slice_of(e->data, e->len); }

static inline uint64_t zset_large_size(const struct zset_large *l) { return l->table.size; }

struct zset_large *zset_large_create(struct value_home *home);

struct zset_spot zset_large_find(const struct zset_large *l, struct slice member);
/* Adds the element that the spot says is missing. */
void zset_large_add(struct zset_large *l, struct zset_spot *spot, struct slice member, double score);
/* Adds an element that is not there and comes behind all others: O(1). */
void zset_large_append(struct zset_large *l, struct slice member, double score);
void zset_large_set_score(struct zset_large *l, struct zset_element *e, double score);
void zset_large_remove(struct zset_large *l, const struct zset_spot *spot);
/* Removes the elements of ranks [first, end). */
void zset_large_remove_ranks(struct zset_large *l, uint64_t first, uint64_t end);

/* As zset_large_add, but the element is not in the tree yet: until zset_large_arrange its score may be changed in its
 * place, and nothing else is done with the set but finding and collecting. */
void zset_large_collect(struct zset_large *l, struct zset_spot *spot, struct slice member, double score);
void zset_large_arrange(struct zset_large *l);

/* The rank of an element of the set. */
uint64_t zset_large_rank(const struct zset_large *l, const struct zset_element *e);

/* As members_scan; gives the scores in the form that ZSCAN shows. */
uint64_t zset_large_scan(const struct zset_large *l, uint64_t position, uint64_t count, value_visit *fn, void *arg);

/* For its row in value.c. */
uint64_t zset_large_count(struct typed_value v);
void zset_large_each(struct typed_value v, value_visit *fn, void *arg);
void *zset_large_copy(struct value_home *to, const void *v);
void zset_large_moved(void *v);
bool zset_large_free_step(void *v);

#endif
