/* Operations on sets at keys. They know no reply format: each says what a reply is made of. Semantics and order of
 * checks: Redis 7.4 t_set.c. What a set is made of: type/set_value.h; unions and the like: type/set_algebra.h.
 *
 * A set without members does not exist: whoever removes the last one removes the key, and whoever makes a set puts a
 * member into it. */
#ifndef SKUA_SHARD_TYPE_SET_H
#define SKUA_SHARD_TYPE_SET_H

#include "shard/entry.h"
#include "shard/keyspace.h"
#include "shard/status.h"
#include "shard/type/set_value.h"

/* A set that has been looked up, for all that one command does with it; nothing else may be done with its keyspace
 * meanwhile: looking another key up may move this one's entry. */
struct set {
    struct keyspace *keyspace;
    const struct key *key;
    struct place place; /* entry NULL: there is no such key */
};

/* To read it, and to write it. STATUS_WRONG_TYPE if the key holds something else; a missing key is STATUS_OK. */
enum status set_read(struct keyspace *ks, uint32_t db, const struct key *key, struct set *s);
enum status set_write(struct keyspace *ks, uint32_t db, const struct key *key, struct set *s);

static inline bool set_exists(const struct set *s) { return s->place.entry != NULL; }

/* What it is made of, borrowed until the set changes, whatever is looked up meanwhile. The set exists. */
static inline struct typed_value set_content(const struct set *s) { return entry_typed_value(s->place.entry); }

static inline uint64_t set_len(const struct set *s) { return set_exists(s) ? value_count(set_content(s)) : 0; }

static inline bool set_has(const struct set *s, struct slice member)
{
    return set_exists(s) && set_value_has(set_content(s), set_text(member));
}

/* Before members (n > 0 of them) are added: makes the set if it is missing, in the encoding that so many need, or
 * changes the encoding of the one there is. STATUS_TOO_LONG if one of them is too long for any. */
enum status set_prepare(struct set *s, const struct set_limits *limits, const struct slice *members, uint32_t n);
/* Returns whether the member is new. */
bool set_add(struct set *s, const struct set_limits *limits, struct slice member);

/* Returns whether there was such a member. The key is gone with the last one: set_exists. */
bool set_remove(struct set *s, struct slice member);
/* Removes n random members, or all if there are no more, and the key with the last one; calls fn with each, as text and
 * an empty slice, before it goes. The set exists. */
void set_pop(struct set *s, uint64_t n, struct random *random, value_visit *fn, void *arg);
/* Makes a set that is kept as members compact again if its members allow it, as SUNIONSTORE of itself would. The set
 * exists. Returns whether it has changed. */
bool set_make_compact(struct set *s, const struct set_limits *limits);
/* Removes the key, which exists. */
void set_delete(struct set *s);

/* The key becomes this set, made in keyspace_values(ks) and taken over, without an expiry; or it is removed if the set
 * is empty. Returns whether anything has changed. */
bool set_store(struct keyspace *ks, uint32_t db, const struct key *key, struct typed_value value);

/* SSCAN: calls fn with members, as text and an empty slice, from cursor on, until about count were given; returns the
 * cursor to go on from, 0 at the end. A member that is there all the time is given at least once. The set exists. */
uint64_t set_scan(const struct set *s, uint64_t cursor, uint64_t count, value_visit *fn, void *arg);

#endif
