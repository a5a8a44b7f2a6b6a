/* The parts of rdb_value: a pair of functions for each type, and what they share. Only for the files that implement
 * persist/rdb_value.h.
 *
 * Readers stand behind the type (r->type says which), and make the value in r->home. They return false if it is not
 * one, and have noted why and left nothing. Writers write the type too, and return the version that has the form. */
#ifndef SKUA_PERSIST_RDB_TYPES_H
#define SKUA_PERSIST_RDB_TYPES_H

#include "persist/rdb_format.h"
#include "persist/rdb_value.h"
#include "shard/ds/listpack.h"

bool rdb_read_hash(struct rdb_value_reader *r, struct typed_value *out);
int rdb_write_hash(struct rdb_write *w, struct typed_value v);
bool rdb_read_set(struct rdb_value_reader *r, struct typed_value *out);
int rdb_write_set(struct rdb_write *w, struct typed_value v);
bool rdb_read_list(struct rdb_value_reader *r, struct typed_value *out);
int rdb_write_list(struct rdb_write *w, struct typed_value v);
bool rdb_read_stream(struct rdb_value_reader *r, struct typed_value *out);
int rdb_write_stream(struct rdb_write *w, struct typed_value v);
bool rdb_read_zset(struct rdb_value_reader *r, struct typed_value *out);
int rdb_write_zset(struct rdb_write *w, struct typed_value v);

/* Says that what began at `at` is no such value; false. */
bool rdb_read_bad(struct rdb_value_reader *r, const char *what);

/* A listpack that stands as a string, in r->home: as such, or in one of the forms that came before it (ziplist.h), as
 * r->type says. NULL: it is none. */
struct listpack *rdb_read_listpack(struct rdb_value_reader *r);

/* Whether the first of every so many elements all differ. */
bool rdb_listpack_is_unique(const struct listpack *lp, uint32_t every);

/* The value is not wanted; false. */
bool rdb_discard(struct rdb_value_reader *r, const struct typed_value *v);

#endif
