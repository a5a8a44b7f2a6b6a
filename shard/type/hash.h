/* Operations on hashes. They know no reply format: each says what a reply is made of. Semantics, order of checks, and
 * when the encoding changes: Redis 7.4 t_hash.c.
 *
 * A hash is a listpack of field, value, field, value, ... as long as it is small (struct flat_limits), and then members
 * (shard/members.h); it never goes back. A hash without fields does not exist: whoever deletes the last one removes the
 * key, and whoever makes a hash puts a field into it. */
#ifndef SKUA_SHARD_TYPE_HASH_H
#define SKUA_SHARD_TYPE_HASH_H

#include "shard/ds/listpack.h"
#include "shard/keyspace.h"
#include "shard/status.h"
#include "src/base/dtoa.h"
#include "src/base/random.h"

/* A hash that has been looked up, for all that one command does with it; nothing else may be done with its keyspace
 * meanwhile. */
struct hash {
    struct keyspace *keyspace;
    const struct key *key;
    struct place place; /* entry NULL: there is no such key */
};

/* To read it, and to write it. STATUS_WRONG_TYPE if the key holds something else; a missing key is STATUS_OK. */
enum status hash_read(struct keyspace *ks, uint32_t db, const struct key *key, struct hash *h);
enum status hash_write(struct keyspace *ks, uint32_t db, const struct key *key, struct hash *h);

static inline bool hash_exists(const struct hash *h) { return h->place.entry != NULL; }

uint64_t hash_len(const struct hash *h);

/* The value of a field, borrowed until the hash changes; false if there is none. */
bool hash_get(const struct hash *h, struct slice field, struct listpack_value *value);

/* Before fields are set: makes the hash if it is missing, in the encoding that it needs for words (n of them: field,
 * value, field, ...), or changes the encoding of the one there is. STATUS_TOO_LONG if one of them is too long for any.
 */
enum status hash_prepare(struct hash *h, const struct flat_limits *limits, const struct slice *words, uint32_t n);
/* Returns whether the field is new. */
bool hash_set(struct hash *h, const struct flat_limits *limits, struct slice field, struct slice value);

/* Adds to a number; a missing field counts as 0, a missing hash is made. STATUS_NOT_INTEGER, NOT_FLOAT, OVERFLOW,
 * NAN_OR_INF, TOO_LONG change nothing. text has room for DTOA_HUMAN_CHARS and is given the new value, *len bytes. */
enum status hash_increment(struct hash *h, const struct flat_limits *limits, struct slice field, int64_t by,
                           int64_t *result);
enum status hash_increment_float(struct hash *h, const struct flat_limits *limits, struct slice field, long double by,
                                 char *text, size_t *len);

/* Returns whether there was such a field. The key is gone with the last one: hash_exists. */
bool hash_delete(struct hash *h, struct slice field);

/* Calls fn with each field and its value. The hash exists. */
void hash_each(const struct hash *h, value_visit *fn, void *arg);

/* Calls fn with n random fields: any of them each time; n different ones, all if there are no more. The hash exists. */
void hash_pick(const struct hash *h, uint64_t n, struct random *random, value_visit *fn, void *arg);
void hash_sample(const struct hash *h, uint64_t n, struct random *random, value_visit *fn, void *arg);

/* HSCAN: calls fn with fields from cursor on, until about count were given; returns the cursor to go on from, 0 at the
 * end. A field that is there all the time is given at least once. The hash exists. */
uint64_t hash_scan(const struct hash *h, uint64_t cursor, uint64_t count, value_visit *fn, void *arg);

#endif
