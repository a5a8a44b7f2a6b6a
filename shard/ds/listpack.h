/* A listpack: a sequence of integers and strings in one allocation, in the form that Redis keeps small collections in
 * and writes to RDB files, byte for byte. Source: Redis 7.4, listpack.c; specification: github.com/antirez/listpack.
 *
 *   uint32_t bytes | uint16_t count | element ... | 0xff
 *
 * Each element is its content (first byte: encoding, often with the length or the value in it), then the content's size
 * once more, to be read backwards. Invariant: each element has the shortest encoding that there is for it, and what is
 * the text of an int64_t is an integer; so equal elements are equal bytes. listpack_load sees to it for bytes from
 * outside; everything here relies on it and checks nothing.
 *
 * A place is the offset of an element. It survives that the listpack moves in memory, and that something behind it
 * changes. LISTPACK_NONE is no element: what a search gives that finds nothing, and the end where something is to be
 * put in. Every function that changes a listpack takes it, and returns it where it is now. Elements that are put in may
 * not lie in the same listpack.
 *
 * Owner: who holds the value it belongs to; const functions may run on several threads while nobody changes it. Knows
 * nothing of pairs or scores: a hash is a listpack of field, value, field, value, ... because its type says so. */
#ifndef SKUA_SHARD_DS_LISTPACK_H
#define SKUA_SHARD_DS_LISTPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/base/random.h"
#include "src/base/slice.h"

struct listpack {
    uint32_t bytes; /* all of it, this header and the end byte included */
    uint16_t count; /* 65535: that or more, listpack_count has to walk */
    uint8_t elements[];
} __attribute__((packed));

enum {
    LISTPACK_NONE = 0,
    LISTPACK_FIRST = offsetof(struct listpack, elements), /* the place of the first element, if there is one */
    LISTPACK_BYTES_MAX = 1 << 30,
};

/* An element, or what is to become one. A string is borrowed. */
struct listpack_value {
    const char *string; /* NULL: an integer */
    union {
        size_t len;
        int64_t integer;
    };
};

static inline struct listpack_value listpack_integer(int64_t v)
{
    return (struct listpack_value){.string = NULL, .integer = v};
}

/* The value that text is stored as: an integer if it is the canonical text of one. A field that is looked up and then
 * inserted needs this only once. */
struct listpack_value listpack_value_of(struct slice text);

/* The text of v. buf holds that of an integer and must outlive the slice. */
static inline struct slice listpack_text_of(struct listpack_value v, char buf[static NUM_INT_CHARS])
{
    return v.string ? slice_of(v.string, v.len) : slice_of(buf, num_i64(buf, v.integer));
}

static inline bool listpack_value_eq(struct listpack_value a, struct listpack_value b)
{
    if (!a.string || !b.string)
        return !a.string && !b.string && a.integer == b.integer;
    return slice_eq(slice_of(a.string, a.len), slice_of(b.string, b.len));
}

/* Bytes that v takes in a listpack. */
size_t listpack_value_bytes(struct listpack_value v);

/* An empty one, with room for so many bytes of elements before it has to grow. Freed with mem_free. */
struct listpack *listpack_create(struct mem_account *account, size_t room);
struct listpack *listpack_copy(struct mem_account *account, const struct listpack *lp);

/* A listpack made of bytes from outside, all of them; NULL if they are not one. Elements that Redis would have encoded
 * otherwise (written by another program) get the encoding that they have here. */
struct listpack *listpack_load(struct mem_account *account, struct slice bytes);

/* The serialised form: the bytes themselves, borrowed. */
static inline struct slice listpack_bytes(const struct listpack *lp) { return slice_of(lp, lp->bytes); }

/* Whether bytes more (see listpack_value_bytes) keep it within the 1 GB that Redis allows. Callers ask before they put
 * in what a client sent. lp may be NULL: one that is yet to be created. */
static inline bool listpack_has_room(const struct listpack *lp, size_t bytes)
{
    return bytes <= LISTPACK_BYTES_MAX && (lp ? lp->bytes : LISTPACK_FIRST + 1) + bytes <= LISTPACK_BYTES_MAX;
}

/* How many elements there are: O(1) below 65535, else a walk. */
uint32_t listpack_count(const struct listpack *lp);
static inline bool listpack_is_empty(const struct listpack *lp) { return lp->bytes == LISTPACK_FIRST + 1; }

/* The place of the first and the last element, and of those next to an element. */
static inline uint32_t listpack_first(const struct listpack *lp)
{
    return listpack_is_empty(lp) ? LISTPACK_NONE : LISTPACK_FIRST;
}
uint32_t listpack_last(const struct listpack *lp);
uint32_t listpack_next(const struct listpack *lp, uint32_t at);
uint32_t listpack_prev(const struct listpack *lp, uint32_t at);

/* at, or LISTPACK_NONE if nothing is there any more, because what was at that place and all behind it was deleted. */
static inline uint32_t listpack_still(const struct listpack *lp, uint32_t at)
{
    return at < lp->bytes - 1 ? at : LISTPACK_NONE;
}

/* The place of the element with that index; negative ones count from the end, -1 is the last. Walks from the nearer
 * end. */
uint32_t listpack_seek(const struct listpack *lp, int64_t index);

/* The element at a place; its string is borrowed from the listpack until that changes. */
struct listpack_value listpack_get(const struct listpack *lp, uint32_t at);

/* The first element from place from on (LISTPACK_NONE: none) that equals v, of every (skip + 1)th: 0 looks at all, 1 at
 * the fields of a hash only. */
uint32_t listpack_find(const struct listpack *lp, uint32_t from, struct listpack_value v, uint32_t skip);
/* The places of all elements that equal v, ascending; returns how many. */
uint32_t listpack_find_all(const struct listpack *lp, struct listpack_value v, uint32_t *places);

/* Puts n elements in before the one at a place (LISTPACK_NONE: at the end; LISTPACK_FIRST: at the front, also of an
 * empty one); the first new one is at that place then, at the end at what listpack_end gave before. */
struct listpack *listpack_insert(struct mem_account *account, struct listpack *lp, uint32_t at,
                                 const struct listpack_value *v, uint32_t n);
static inline struct listpack *listpack_append(struct mem_account *account, struct listpack *lp,
                                               struct listpack_value v)
{
    return listpack_insert(account, lp, LISTPACK_NONE, &v, 1);
}
static inline uint32_t listpack_end(const struct listpack *lp) { return lp->bytes - 1; }

/* Another value for the element at a place; where the size stays, as that of a counter mostly does, nothing moves. */
struct listpack *listpack_replace(struct mem_account *account, struct listpack *lp, uint32_t at,
                                  struct listpack_value v);

/* Deletes n elements from a place on, fewer if there are not so many; what followed is at that place then
 * (listpack_still). */
struct listpack *listpack_delete(struct mem_account *account, struct listpack *lp, uint32_t at, uint32_t n);

/* Deletes the elements at n places, which ascend. */
struct listpack *listpack_delete_places(struct mem_account *account, struct listpack *lp, const uint32_t *places,
                                        uint32_t n);

/* Cuts the listpack before a place: the elements from there on are in *rest, a new one. */
struct listpack *listpack_split(struct mem_account *account, struct listpack *lp, uint32_t at, struct listpack **rest);

/* Puts the elements of tail behind those of lp; takes both. */
struct listpack *listpack_join(struct mem_account *account, struct listpack *lp, struct listpack *tail);

/* Gives memory back that the elements do not need: for one that was created with room and is complete now. */
struct listpack *listpack_shrink(struct mem_account *account, struct listpack *lp);

/* The places of the first element and every every-th from there: of all elements with 1, of a hash's fields with
 * 2. Returns how many: count / every, rounded up. Who then picks among them with random_below picks uniformly, with
 * repetition. */
uint32_t listpack_places(const struct listpack *lp, uint32_t every, uint32_t *places);

/* n different ones of these places, each set of them as likely as any other, ascending; all if there are fewer. Returns
 * how many. One walk (selection sampling, as lpRandomPairsUnique). */
uint32_t listpack_sample(const struct listpack *lp, uint32_t every, uint32_t n, struct random *random,
                         uint32_t *places);

#endif
