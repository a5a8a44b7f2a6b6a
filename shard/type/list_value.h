/* Operations on lists. They know no reply format: each says what a reply is made of. Semantics, order of checks, and
 * when the encoding changes: Redis 7.4 t_list.c.
 *
 * A list is a listpack as long as it is small, and then a quicklist; it becomes a listpack again when it has shrunk to
 * half of that. The limit is node_size: list-max-listpack-size, as quicklist_limit reads it. A list without elements
 * does not exist: whoever deletes the last one removes the key, and whoever makes a list puts an element into it. What
 * changes nothing leaves the encoding alone, too, so that a list that is made again from the journal has the same. */
#ifndef SKUA_SHARD_TYPE_LIST_VALUE_H
#define SKUA_SHARD_TYPE_LIST_VALUE_H

#include "shard/ds/listpack.h"
#include "shard/keyspace.h"
#include "shard/status.h"
#include "shard/type/quicklist.h"

/* A list that has been looked up, for all that one command does with it; nothing else may be done with its keyspace
 * meanwhile. */
struct list_value {
    struct keyspace *keyspace;
    const struct key *key;
    struct place place; /* entry NULL: there is no such key */
};

/* To read it, and to write it. STATUS_WRONG_TYPE if the key holds something else; a missing key is STATUS_OK. */
enum status list_value_read(struct keyspace *ks, uint32_t db, const struct key *key, struct list_value *l);
enum status list_value_write(struct keyspace *ks, uint32_t db, const struct key *key, struct list_value *l);

static inline bool list_value_exists(const struct list_value *l) { return l->place.entry != NULL; }

uint64_t list_value_len(const struct list_value *l);

/* Reading; elements are borrowed until the list changes. */

/* The first or the last element. The list exists. */
struct listpack_value list_value_end_element(const struct list_value *l, enum list_end end);
/* The element with that index, negative ones from the end; false if there is none. */
bool list_value_get(const struct list_value *l, int64_t index, struct listpack_value *element);
/* Calls fn with the elements from the one with that index on (there is one), from that end to the other, until it
 * returns false. */
typedef bool list_value_visit(void *arg, struct listpack_value element);
void list_value_walk(const struct list_value *l, uint64_t index, enum list_end from, list_value_visit *fn, void *arg);

/* Changing. STATUS_TOO_LONG, if an element is too long for any encoding, changes nothing. */

/* Puts elements in one after the other at an end; makes the list if it is missing. n > 0. */
enum status list_value_push(struct list_value *l, int32_t node_size, enum list_end end, const struct slice *elements,
                            uint32_t n);
/* Puts one in before or after the first that equals pivot. STATUS_NOT_FOUND if none does. The list exists. */
enum status list_value_insert(struct list_value *l, int32_t node_size, bool after, struct slice pivot,
                              struct slice element);
/* STATUS_OUT_OF_RANGE if there is no element with that index. The list exists. */
enum status list_value_set(struct list_value *l, int32_t node_size, int64_t index, struct slice element);
/* Deletes n elements at an end, at most all there are; the key is gone with the last: list_value_exists. */
void list_value_trim(struct list_value *l, int32_t node_size, enum list_end end, uint64_t n);
/* Deletes elements that equal element, at most so many, those nearest to that end. Returns how many; the key is gone
 * with the last: list_value_exists. */
uint64_t list_value_remove(struct list_value *l, int32_t node_size, enum list_end from, uint64_t most,
                           struct slice element);
/* Moves an element from an end of src, which exists, to an end of dst, which is made if it is missing; both may be the
 * same key. Neither is good any more. */
void list_value_move(struct list_value *src, enum list_end from, struct list_value *dst, enum list_end to,
                     int32_t node_size);
/* The key becomes this list, made in keyspace_values(ks) and taken over, without an expiry; or it is removed if the
 * list is empty. Returns whether anything has changed. */
bool list_value_store(struct keyspace *ks, uint32_t db, const struct key *key, struct quicklist *made);

#endif
