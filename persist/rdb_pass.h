/* How far a value in an RDB file goes, without a look at what it means: for who hands it to somebody else as it is.
 *
 * It can be gone on with when more bytes have arrived, so that a value of many parts that arrives bit by bit is passed
 * over once. Owner: who reads. */
#ifndef SKUA_PERSIST_RDB_PASS_H
#define SKUA_PERSIST_RDB_PASS_H

#include "persist/rdb_read.h"

enum { RDB_PASS_DEPTH_MAX = 3 };

/* A value being passed over. Zeroed at first. */
struct rdb_pass {
    const char *next; /* in the value's shape; NULL: not begun */
    size_t done;      /* bytes of the value */
    uint32_t depth;
    struct {
        const char *body; /* what is repeated */
        uint64_t left;    /* times */
    } loop[RDB_PASS_DEPTH_MAX];
};

/* Whether values of this rdb_type can be passed over; those of modules can't. */
bool rdb_pass_knows(uint8_t type);

/* Moves r, which stands at the beginning of a value, to its end. */
bool rdb_pass_value(struct rdb_read *r, uint8_t type, struct rdb_pass *pass);

#endif
