/* Operations on sorted sets. They know no reply format: each says what a reply is made of. Semantics, order of checks,
 * and when the encoding changes: Redis 7.4 t_zset.c. Ranges are in zset_range.h, unions and the like in
 * zset_combine.h.
 *
 * A sorted set is a listpack (zset_listpack.h) as long as it is small (struct flat_limits), and then a struct
 * zset_large; it never goes back. A set without members does not exist: whoever removes the last one removes the key,
 * and whoever makes a set puts a member into it. */
#ifndef SKUA_SHARD_TYPE_ZSET_H
#define SKUA_SHARD_TYPE_ZSET_H

#include "shard/entry.h"
#include "shard/keyspace.h"
#include "shard/status.h"

struct zset_large;

/* A sorted set that has been looked up, for all that one command does with it; nothing else may be done with its
 * keyspace meanwhile. */
struct zset {
    struct keyspace *keyspace;
    const struct key *key;
    struct place place; /* entry NULL: there is no such key */
};

/* To read it, and to write it. STATUS_WRONG_TYPE if the key holds something else; a missing key is STATUS_OK. */
enum status zset_read(struct keyspace *ks, uint32_t db, const struct key *key, struct zset *z);
enum status zset_write(struct keyspace *ks, uint32_t db, const struct key *key, struct zset *z);

static inline bool zset_exists(const struct zset *z) { return z->place.entry != NULL; }

/* The value. The set exists. */
static inline struct typed_value zset_value(const struct zset *z) { return entry_typed_value(z->place.entry); }

uint64_t zset_len(const struct zset *z);

/* The score of a member; false if there is none. */
bool zset_score(struct typed_value v, struct slice member, double *score);
/* How many members come before it, and its score; false if there is none. */
bool zset_rank(struct typed_value v, struct slice member, uint64_t *rank, double *score);

/* Before members are added: makes the set if it is missing, in the encoding that it needs for so many, the longest of
 * which has so many bytes, or changes the encoding of the one there is. STATUS_TOO_LONG if that is too long for any. */
enum status zset_prepare(struct zset *z, const struct flat_limits *limits, uint64_t members, size_t longest);

/* How to add: not if it is there, only if it is there, only if the score becomes greater, less; to the score. */
enum zset_how { ZSET_NX = 1, ZSET_XX = 2, ZSET_GT = 4, ZSET_LT = 8, ZSET_INCR = 16 };
/* ZSET_NAN and ZSET_SKIPPED changed nothing. */
enum zset_outcome { ZSET_ADDED, ZSET_UPDATED, ZSET_SAME, ZSET_SKIPPED, ZSET_NAN };
/* *score is no nan, and becomes what the member's is, or would be. The set exists. */
enum zset_outcome zset_add(struct zset *z, const struct flat_limits *limits, struct slice member, unsigned how,
                           double *score);

/* Returns whether there was such a member. The key is gone with the last one: zset_exists. */
bool zset_remove(struct zset *z, struct slice member);

/* What is in made, of which there is some, as a value that is a listpack if it may be one; takes it. */
struct typed_value zset_compact(struct value_home *home, const struct flat_limits *limits, struct zset_large *made);

/* The key, of whatever type it is (zset_write), becomes a sorted set of what is in made, which is taken over; if that
 * is empty it is removed. Returns whether anything has changed. */
bool zset_store(struct zset *z, const struct flat_limits *limits, struct zset_large *made);

/* ZSCAN: calls fn with members and the texts of their scores from cursor on, until about count were given; returns the
 * cursor to go on from, 0 at the end. A member that is there all the time is given at least once. The set exists. */
uint64_t zset_scan(const struct zset *z, uint64_t cursor, uint64_t count, value_visit *fn, void *arg);

#endif
