/* The request parser: RESP multibulk and inline commands, incremental at every byte boundary. It owns no input: the
 * caller shows it the unconsumed bytes of a connection again and again, each time with what has arrived since; the
 * parser remembers how far it got, so a command in a thousand pieces is still parsed once.
 *
 * Error texts and limits are Redis's (networking.c of 7.4: processMultibulkBuffer, processInlineBuffer). */
#ifndef SKUA_WIRE_PARSE_H
#define SKUA_WIRE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/blob.h"
#include "src/base/slice.h"

enum {
    PARSE_INLINE_BYTES_MAX = 64 * 1024,
    PARSE_DIRECT_BYTES_MIN = 32 * 1024, /* a bulk of this size or more may be received straight into a blob */
};

/* Arguments of parsed commands, one after the other. Reused for each batch; the parser only appends. */
struct arg_arena {
    struct slice *v;
    uint32_t n, cap;
};

struct parse_limits {
    int64_t bulk_bytes_max;  /* proto-max-bulk-len */
    bool authenticated;      /* unauthenticated connections: at most 10 arguments and 16 KB a bulk */
};

enum parse_status {
    PARSE_COMMAND, /* one command, argc > 0, its arguments appended to the arena */
    PARSE_EMPTY,   /* consumed something that is no command ("\r\n", "*0\r\n", "*-1\r\n"): go on */
    PARSE_MORE,    /* needs more bytes */
    PARSE_BULK,    /* needs more bytes, and they belong to a large bulk: see parse_take_bulk */
    PARSE_ERROR,   /* protocol error: error is the text after "-ERR "; the connection is to be closed after sending it */
};

struct parser; /* zeroed memory is a fresh parser; embedded by value, so its definition is in this header's second part */

struct parse_result {
    uint32_t argc;
    size_t consumed;   /* with PARSE_COMMAND, PARSE_EMPTY: drop this many bytes from the front of the input */
    char error[160];   /* with PARSE_ERROR */
};

struct parse_part {   /* an argument of a command that is not complete yet */
    size_t offset, len;      /* in the input, from the command's first byte; meaningless if blob is set */
    struct blob *blob;       /* owned */
};

struct parser {
    size_t pos;                /* input bytes of the current command that are done with */
    int64_t args_left;         /* bulks still missing; 0: between commands */
    int64_t bulk_len;          /* of the bulk whose header was read; -1: none */
    bool in_bulk;              /* bulk_len is valid */
    struct parse_part *parts;  /* owned */
    uint32_t nparts, parts_cap;
    struct blob *direct;       /* the blob being received; owned until parse_bulk_received */
};

/* A blob that holds argument arg of the command just returned; taken over by the caller. */
struct arg_blob {
    uint32_t arg; /* index in the arena */
    struct blob *blob;
};

struct arg_blobs {
    struct arg_blob *v;
    uint32_t n, cap;
};

/* Parses one command from in, the unconsumed input of the connection: same bytes as at the call before, if that gave
 * PARSE_MORE, and more behind them. The slices appended to args point into in, or into blobs, which are appended to
 * blobs and then owned by the caller. */
enum parse_status parse_next(struct parser *p, struct slice in, const struct parse_limits *limits,
                             struct arg_arena *args, struct arg_blobs *blobs, struct parse_result *result);

/* After PARSE_BULK: makes the blob that will hold the bulk, copies what of it is in the input, and returns how many bytes
 * of the bulk (without its CRLF) are still to come: the caller receives them at *dst and calls parse_bulk_received. The
 * bytes that were copied are to be dropped: *consumed is how many to drop from the END of the input. */
size_t parse_take_bulk(struct parser *p, struct slice in, char **dst, size_t *consumed);
void parse_bulk_received(struct parser *p);

/* Frees what the parser owns and makes it fresh. */
void parse_reset(struct parser *p);

/* Bytes of memory that the parser owns (query buffer accounting). */
size_t parse_memory(const struct parser *p);

#endif
