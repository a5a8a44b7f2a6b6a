/* Values as they stand in RDB files and DUMP payloads: their rdb_type, then the value. Source: Redis 7.4 rdb.c
 * (rdbLoadObject, rdbSaveObject).
 *
 * Reading takes every type of Redis up to 7.4 but those of modules and of rdb_value_unread. It believes nothing:
 * whatever the bytes are, what comes out is a value as its type's commands make them (no element twice, in order, in
 * a form that the limits allow or Redis would keep), or nothing. Writing gives the oldest form that can express the
 * value.
 *
 * There is a file for each type, rdb_hash.c and so on. Owner: as of any value. */
#ifndef SKUA_PERSIST_RDB_VALUE_H
#define SKUA_PERSIST_RDB_VALUE_H

#include "persist/rdb_read.h"
#include "persist/rdb_write.h"
#include "shard/entry.h"
#include "shard/value.h"

/* Up to which sizes values are made compact, as options say. */
struct rdb_value_limits {
    struct flat_limits hash, zset;
    struct set_limits set;
    int32_t list_node_size; /* list-max-listpack-size */
};

struct rdb_value {
    bool is_integer;
    int64_t integer;          /* a string, if is_integer */
    struct slice string;      /* any other string; good as long as input and reader are */
    struct typed_value typed; /* of other types than string ptr is the value, made in home */
};

struct rdb_value_reader {
    struct rdb_read in;
    struct rdb_buffer first, second; /* strings of one element that do not stand in the input as they are */
    uint8_t type;                    /* enum rdb_type, of the value being read */
    struct value_home *home;
    const struct rdb_value_limits *limits;
};

/* Reads the value that in begins with. False: there is none, and in.error of the reader says why. To be ended with
 * rdb_value_reader_end once a string has been used. */
bool rdb_value_read(struct rdb_value_reader *r, struct slice in, struct value_home *home,
                    const struct rdb_value_limits *limits, struct rdb_value *out);
void rdb_value_reader_end(struct rdb_value_reader *r);

/* What values of this type (enum rdb_type) are called if they cannot be read yet; NULL: they can. */
const char *rdb_value_unread(uint8_t type);

/* Writes type and value of an entry; returns the RDB version that has this form. */
int rdb_value_write(struct rdb_write *w, const struct entry *e);

#endif
