/* What shards and types answer. Text for clients is made at the edge, src/cmd/error.c, and nowhere else. */
#ifndef SKUA_SHARD_STATUS_H
#define SKUA_SHARD_STATUS_H

enum status {
    STATUS_OK,
    STATUS_NOT_FOUND, /* no such key (or expired) */
    STATUS_EXISTS,    /* a condition (NX, XX, ...) kept it from being done */
    STATUS_WRONG_TYPE,
    STATUS_NOT_INTEGER, /* value is not an integer or out of range */
    STATUS_NOT_FLOAT,
    STATUS_OVERFLOW,   /* increment or decrement would overflow */
    STATUS_NAN_OR_INF, /* increment would produce NaN or Infinity */
    STATUS_TOO_LONG,   /* string exceeds maximum allowed size (proto-max-bulk-len) */
    STATUS_SYNTAX,
    STATUS_OUT_OF_RANGE,
    STATUS_NOT_HLL,     /* a string that is no HyperLogLog */
    STATUS_CORRUPT_HLL, /* one that looks like it, but can't be read */
};

#endif
