/* Reads an RDB file (rdb_format.h) of Redis up to 7.4, in windows of any size, and hands out what is in it, item by
 * item and in the file's order. It reads no file: the caller feeds the bytes, and stops feeding to stop loading.
 *
 * Values other than strings are handed out as they stand in the file, for rdb_value.h to make something of them, and
 * are only known to be as long as they say. Data of modules is an error that names it. Items are handed out before the
 * checksum at the end has been seen, so the caller has to discard them if the status does not become RDB_LOAD_END.
 * Expired keys are handed out as all others, and whether a key comes twice is not noticed.
 *
 * Items that lie in one window are read from there; only an item that goes on in the next window is copied. Memory
 * grows with what has arrived and never with what a length announces. */
#ifndef SKUA_PERSIST_RDB_LOAD_H
#define SKUA_PERSIST_RDB_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/rdb_pass.h"
#include "persist/rdb_read.h"

enum { RDB_LOAD_NONE = -1 }; /* in a key's expire_ms, idle_s and frequency: the file says nothing of it */

/* A key with its value. The slices are valid during the call. */
struct rdb_load_key {
    uint64_t db;
    struct slice key;
    uint8_t type; /* enum rdb_type */
    bool is_integer;
    int64_t integer;    /* the string if is_integer */
    struct slice bytes; /* any other string; of another type the bytes that it stands in the file as */
    int64_t expire_ms;  /* Unix time, also if it has passed */
    int64_t idle_s;     /* since it was used last, as of when the file was written (LRU policies) */
    int frequency;      /* the LFU counter, 0 to 255 (LFU policies) */
};

/* What is called for each item; all of them are set. Each returns NULL to go on, or a text, why the item is refused,
 * which ends loading as an error with that text. The slices are valid during the call. */
struct rdb_load_handlers {
    const char *(*aux)(void *ctx, struct slice name, struct slice value); /* names not known are to be ignored */
    const char *(*select_db)(void *ctx, uint64_t db);                     /* 0 is selected at first, without a call */
    const char *(*resize_db)(void *ctx, uint64_t keys, uint64_t expires); /* hints, which nobody has checked */
    const char *(*key)(void *ctx, const struct rdb_load_key *key);
    const char *(*function)(void *ctx, struct slice library); /* the code of a library */
};

enum rdb_load_status {
    RDB_LOAD_MORE, /* all well so far */
    RDB_LOAD_END,  /* the file has ended well */
    RDB_LOAD_FAILED,
};

/* Owner: who loads; one thread at a time. To be read by others than rdb_load.c: version, offset, unchecked, error. */
struct rdb_load {
    const struct rdb_load_handlers *handlers;
    void *ctx;
    bool check;
    enum rdb_load_status status;
    int version;     /* of the file; 0 until its header has been read */
    uint64_t offset; /* of the item being read: all bytes before it are done with */
    bool unchecked;  /* after RDB_LOAD_END: the file has no checksum, or 0 in its place, or was not to be checked */
    char error[512]; /* with RDB_LOAD_FAILED: where, what */

    uint64_t crc; /* of the bytes before offset */
    uint64_t db;
    int64_t expire_ms, idle_s; /* of the next key */
    int frequency;
    struct rdb_read in;            /* the item being read */
    struct rdb_pass pass;          /* over its value */
    struct rdb_buffer carry;       /* the item, if it began in a former window */
    size_t carry_len;              /* of carry */
    struct rdb_buffer unpacked[2]; /* strings of an item that do not stand in the file as they are */
};

/* check: whether a wrong checksum is an error (`rdbchecksum`). handlers is borrowed until deinit. */
void rdb_load_init(struct rdb_load *l, const struct rdb_load_handlers *handlers, void *ctx, bool check);
void rdb_load_deinit(struct rdb_load *l);

/* Reads the next bytes of the file, and returns how it stands after them. *consumed is set to how many of them belong
 * to the RDB: all with RDB_LOAD_MORE; with RDB_LOAD_END there may be more after it, which is the rest of an append-only
 * file that begins with an RDB. Must not be called again after END or FAILED. */
enum rdb_load_status rdb_load_feed(struct rdb_load *l, struct slice in, size_t *consumed);

/* The input is over: a file whose end has not been seen becomes an error. */
enum rdb_load_status rdb_load_finish(struct rdb_load *l);

#endif
