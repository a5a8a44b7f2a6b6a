/* Writes what RDB files and DUMP payloads are made of (rdb_format.h), as Redis writes it: the shortest form of a
 * length, integers where a string is the text of one, compressed strings where that is shorter.
 *
 * What is written lies in memory, in a blob, so that a reply may be sent from there. Owner: who writes. */
#ifndef SKUA_PERSIST_RDB_WRITE_H
#define SKUA_PERSIST_RDB_WRITE_H

#include <stdint.h>

#include "src/base/blob.h"
#include "src/base/slice.h"

struct rdb_write {
    struct blob *bytes; /* one reference, for who writes to release */
};

void rdb_write_begin(struct rdb_write *w);

void rdb_write_bytes(struct rdb_write *w, const void *bytes, size_t n);
void rdb_write_byte(struct rdb_write *w, uint8_t v);
void rdb_write_little_endian(struct rdb_write *w, size_t bytes, uint64_t v);
void rdb_write_length(struct rdb_write *w, uint64_t len);
void rdb_write_string(struct rdb_write *w, struct slice s);

#endif
