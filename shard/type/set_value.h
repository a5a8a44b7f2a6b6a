/* Sets without their keys: what one is made of, and what is done with its members; for sets that are looked up
 * (type/set.h), for results that have no key yet (type/set_algebra.h), and for other types that read sets. Semantics,
 * and when the encoding changes: Redis 7.4 t_set.c.
 *
 * A set of integers is an intset, another small one a listpack, and what is too large for either (struct set_limits)
 * members (shard/members.h) without values. The encoding changes as members are added, and never back as they are
 * removed: so a listpack may be left with nothing but integers.
 *
 * A member is given as text, or as an integer where one is at hand; the text of an integer is the same member. Text is
 * at most MEMBER_BYTES_MAX long. Owner: whoever owns the value; a function that changes one is given the home it is
 * made in, and leaves in *v what it is now. */
#ifndef SKUA_SHARD_TYPE_SET_VALUE_H
#define SKUA_SHARD_TYPE_SET_VALUE_H

#include "shard/ds/listpack.h"
#include "shard/value.h"
#include "src/base/random.h"

static inline struct listpack_value set_text(struct slice text)
{
    return (struct listpack_value){.string = text.ptr, .len = text.len};
}

/* The encoding that Redis begins a set with, to which about so many members will be added, first being one of them. */
enum encoding set_value_first_encoding(const struct set_limits *limits, struct slice first, uint64_t members);

/* An empty one in that encoding; for a key only once there is a member in it. */
struct typed_value set_value_create(struct value_home *home, enum encoding encoding);

bool set_value_has(struct typed_value v, struct listpack_value member);

/* Returns whether the member is new. */
bool set_value_add(struct value_home *home, struct typed_value *v, const struct set_limits *limits,
                   struct listpack_value member);

/* Returns whether there was such a member. The set may be empty then. */
bool set_value_remove(struct value_home *home, struct typed_value *v, struct listpack_value member);

/* So many members will be added: turns a set that can't take them as it is into members. */
void set_value_expect(struct value_home *home, struct typed_value *v, const struct set_limits *limits,
                      uint64_t members);

/* All members are integers: makes it an intset, if an intset may be so large. */
void set_value_to_intset(struct value_home *home, struct typed_value *v, const struct set_limits *limits);

/* Calls fn with each member, as it is kept, until fn returns false. Slices are good during the call. */
typedef bool set_visit(void *arg, struct listpack_value member);
void set_value_each(struct typed_value v, set_visit *fn, void *arg);

/* Calls fn with n random members, as text and an empty slice: any of them each time; n different ones, all if there are
 * no more, each set of them equally likely. The set is not empty. */
void set_value_pick(struct typed_value v, uint64_t n, struct random *random, value_visit *fn, void *arg);
void set_value_sample(struct typed_value v, uint64_t n, struct random *random, value_visit *fn, void *arg);

/* Removes n random members, which there are, and calls fn with each before it goes. */
void set_value_pop(struct value_home *home, struct typed_value *v, uint64_t n, struct random *random, value_visit *fn,
                   void *arg);

#endif
