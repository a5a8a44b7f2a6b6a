/* A large list: a sequence of listpacks in a counted B+ tree (shard/ds/ranked.h), in which each weighs as many as it
 * has elements. It is the quicklist encoding: what lies in which listpack is what Redis 7.4 (quicklist.c) would have
 * there, so that a list goes back to being one listpack when it does so in Redis, and what is written is made of the
 * same parts. Listpacks are filled up to a limit (struct quicklist_limit); an element that is longer than it lies in
 * one of its own. They are joined only where a full one was divided.
 *
 * An item's key is, in its low 32 bits, the number of elements, and in the 16 bits above the epoch of the listpack:
 * before it changes or goes, the home's clock is told of the leaf that it is in, then of the listpack.
 *
 * Owner: as of any value. Places and elements are good until the next change. Elements are up to
 * QUICKLIST_ELEMENT_BYTES_MAX long, which the type has to see to, and don't lie in the list. */
#ifndef SKUA_SHARD_TYPE_QUICKLIST_H
#define SKUA_SHARD_TYPE_QUICKLIST_H

#include "shard/ds/listpack.h"
#include "shard/ds/ranked.h"
#include "shard/value.h"

/* So that the listpack of a large element alone stays below 4 GB. */
#define QUICKLIST_ELEMENT_BYTES_MAX (UINT32_MAX - 64)

enum list_end { LIST_HEAD, LIST_TAIL };

/* How much a listpack may hold: one in a quicklist, or one that is a list by itself. */
struct quicklist_limit {
    uint64_t bytes, elements;
};

struct quicklist {
    struct value value; /* first */
    struct ranked nodes;
    struct quicklist_limit limit; /* as it was when the list became large */
};

/* Where an element lies. */
struct quicklist_place {
    struct ranked_place node;
    uint32_t at; /* in its listpack */
};

/* What list-max-listpack-size says: a number of elements, or, if negative, a power of two of bytes. */
struct quicklist_limit quicklist_limit(int32_t size);

static inline bool quicklist_exceeds(const struct quicklist_limit *limit, uint64_t bytes, uint64_t elements)
{
    return bytes > limit->bytes || elements > limit->elements;
}

/* An empty one, and one of a listpack that was counted for home's account; takes that. */
struct quicklist *quicklist_create(struct value_home *home, const struct quicklist_limit *limit);
struct quicklist *quicklist_of_listpack(struct value_home *home, const struct quicklist_limit *limit,
                                        struct listpack *lp);

/* Puts a listpack behind the others, as one, that was counted for the home's account; takes it. */
void quicklist_append_listpack(struct quicklist *q, struct listpack *lp);

/* Whether a listpack of the list is there for one large element. */
bool quicklist_is_plain(const struct quicklist *q, const struct listpack *lp);

/* The listpack that the list could be instead: there is only one, and it is not there for a large element. Else NULL.
 */
const struct listpack *quicklist_only_listpack(const struct quicklist *q);
/* Ends the list and returns that listpack, counted for the home's account. */
struct listpack *quicklist_to_listpack(struct quicklist *q);

static inline uint64_t quicklist_len(const struct quicklist *q) { return q->nodes.weight; }

static inline struct listpack *quicklist_listpack(const struct ranked_place *node) { return ranked_pointer(node); }

/* The first or the last listpack. The list is not empty. */
static inline struct listpack *quicklist_end_listpack(const struct quicklist *q, enum list_end end)
{
    struct ranked_place node;
    (end == LIST_HEAD ? ranked_first : ranked_last)(&q->nodes, &node);
    return quicklist_listpack(&node);
}

/* The element with that index; false if there is none. */
bool quicklist_at(const struct quicklist *q, uint64_t index, struct quicklist_place *place);
/* The first element that equals v. */
bool quicklist_find(const struct quicklist *q, struct listpack_value v, struct quicklist_place *place);

void quicklist_push(struct quicklist *q, enum list_end end, struct slice element);
void quicklist_insert(struct quicklist *q, const struct quicklist_place *place, bool after, struct slice element);
void quicklist_replace(struct quicklist *q, const struct quicklist_place *place, struct slice element);
/* Deletes n elements at an end; there are so many. */
void quicklist_trim(struct quicklist *q, enum list_end end, uint64_t n);
/* Deletes elements that equal v, at most so many, those nearest to that end. Returns how many. */
uint64_t quicklist_remove_equal(struct quicklist *q, struct listpack_value v, enum list_end from, uint64_t most);

/* The places of the elements of one listpack that quicklist_remove_equal would delete if it were all: n of them,
 * ascending; place[] to be freed. For lists that are one listpack, too. */
struct quicklist_matches {
    uint32_t *place, *first; /* first: that of the n */
    uint32_t n;
};
struct quicklist_matches quicklist_match(const struct listpack *lp, struct listpack_value v, enum list_end from,
                                         uint64_t most);

/* For its row in value.c. */
uint64_t quicklist_count(struct typed_value v);
void quicklist_each(struct typed_value v, value_visit *fn, void *arg);
void *quicklist_copy(struct value_home *to, const void *v);
void quicklist_moved(void *v);
bool quicklist_free_step(void *v);

#endif
