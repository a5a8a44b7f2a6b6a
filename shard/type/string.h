/* Operations on string values. They know no reply format: each returns a status and what a reply is made of. Semantics
 * and order of checks: Redis 7.4 t_string.c. */
#ifndef SKUA_SHARD_TYPE_STRING_H
#define SKUA_SHARD_TYPE_STRING_H

#include "shard/keyspace.h"
#include "shard/status.h"
#include "src/base/dtoa.h"

/* The place of a key that is a string or missing. */
enum status string_place(struct keyspace *ks, uint32_t db, const struct key *key, struct place *place);

/* Makes the value a raw string of at least end bytes, for the caller to write [first, end) of, with zeros between what
 * it had and first; a missing key is created. place comes from string_place. Returns the string's bytes. */
char *string_make_room(struct keyspace *ks, struct place *place, const struct key *key, size_t first, size_t end);

/* Appends, or creates the key. *len: of the result. len_max: what a string may have. */
enum status string_append(struct keyspace *ks, uint32_t db, const struct key *key, struct slice value, size_t len_max,
                          size_t *len);

/* Overwrites from offset on, with zero bytes up to there if the string is shorter; an empty value changes nothing
 * (*changed). *len: of the result. */
enum status string_set_range(struct keyspace *ks, uint32_t db, const struct key *key, size_t offset, struct slice value,
                             size_t len_max, size_t *len, bool *changed);

/* The bytes [*start, *start + *len) that first and last mean in a string of size bytes; negative ones count from the
 * end. */
void string_range(int64_t first, int64_t last, size_t size, size_t *start, size_t *len);

/* Adds to an integer; a missing key counts as 0. Keeps the expiry. */
enum status string_increment(struct keyspace *ks, uint32_t db, const struct key *key, int64_t by, int64_t *result);

/* Adds by, the text of a number, to a number; a missing key counts as 0. Keeps the expiry. text has room for
 * DTOA_HUMAN_CHARS and is given the new value, *len bytes. */
enum status string_increment_float(struct keyspace *ks, uint32_t db, const struct key *key, struct slice by, char *text,
                                   size_t *len);

#endif
