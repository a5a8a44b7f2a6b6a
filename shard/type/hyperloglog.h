/* Operations on HyperLogLogs, which are strings (shard/ds/hll.h): a small one lies in its entry, a dense one in a blob.
 * Semantics and order of checks: Redis 7.4 hyperloglog.c. They know no reply format. STATUS_NOT_HLL: the string is
 * none; STATUS_CORRUPT_HLL: it looks like one, but its registers make no sense.
 *
 * sparse_bytes_max is hll-sparse-max-bytes. */
#ifndef SKUA_SHARD_TYPE_HYPERLOGLOG_H
#define SKUA_SHARD_TYPE_HYPERLOGLOG_H

#include "shard/ds/hll.h"
#include "shard/keyspace.h"
#include "shard/status.h"

/* Adds n elements, or creates the key. *changed: a register has risen or the key is new. Also with STATUS_CORRUPT_HLL:
 * those before the element that met what is corrupt have been added. */
enum status hyperloglog_add(struct keyspace *ks, uint32_t db, const struct key *key, const struct slice *elements,
                            uint32_t n, uint64_t sparse_bytes_max, bool *changed);

/* How many elements it has seen; a missing one none. Keeps the result in the value if it was not there (*changed). */
enum status hyperloglog_count(struct keyspace *ks, uint32_t db, const struct key *key, uint64_t *count, bool *changed);

/* Several in one: each is raised into r, which begins with zeros; *dense is set if one of them is. A missing one is
 * nothing. */
enum status hyperloglog_raise(struct keyspace *ks, uint32_t db, const struct key *key, struct hll_registers *r,
                              bool *dense);

/* Gives the key these registers, none of which is lower than what it has; creates it. dense: in that form, else as long
 * as that holds. */
void hyperloglog_store(struct keyspace *ks, uint32_t db, const struct key *key, const struct hll_registers *r,
                       bool dense, uint64_t sparse_bytes_max);

/* Its bytes, good until the next change; STATUS_NOT_FOUND. */
enum status hyperloglog_look(struct keyspace *ks, uint32_t db, const struct key *key, struct slice *hll);

/* Makes an existing one dense; *changed: it was not. */
enum status hyperloglog_make_dense(struct keyspace *ks, uint32_t db, const struct key *key, bool *changed);

#endif
