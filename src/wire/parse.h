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
    PARSE_LINE_BYTES_MAX = 64 * 1024,   /* an inline command, or the line that announces a count or a length. Redis
                                           lets a longer one pass if its end comes with the read that exceeds this */
    PARSE_DIRECT_BYTES_MIN = 32 * 1024, /* a bulk of this size or more may be received straight into a blob */
    PARSE_UNAUTH_ARGS_MAX = 10,
    PARSE_UNAUTH_BULK_BYTES_MAX = 16 * 1024,
};

/* Arguments of parsed commands, one after the other. Reused for each batch; the parser only appends. */
struct arg_arena {
    struct slice *v;
    uint32_t n, cap;
};

struct parse_limits {
    int64_t bulk_bytes_max; /* proto-max-bulk-len */
    bool authenticated;     /* unauthenticated connections: at most 10 arguments and 16 KB a bulk */
};

enum parse_status {
    PARSE_COMMAND, /* one command, argc > 0, its arguments appended to the arena */
    PARSE_EMPTY,   /* consumed something that is no command ("\r\n", "*0\r\n", "*-1\r\n"): go on */
    PARSE_MORE,    /* needs more bytes */
    PARSE_BULK,    /* needs more bytes, and they belong to a large bulk: see parse_take_bulk (or go on as with MORE) */
    PARSE_ERROR, /* protocol error: error is the text after "-ERR "; the connection is to be closed after sending it */
};

struct parse_result {
    uint32_t argc;
    size_t consumed; /* with PARSE_COMMAND, PARSE_EMPTY: drop this many bytes from the front of the input */
    char error[160]; /* with PARSE_ERROR */
};

/* An argument of a command that is not complete yet. */
struct parse_part {
    size_t offset, len; /* in the input, from the command's first byte; len alone counts if blob is set */
    struct blob *blob;  /* owned */
};

/* Embedded by value; zeroed memory is a fresh parser. A command that lies in the input as a whole is parsed without
 * touching it. Owner: the connection's worker. */
struct parser {
    size_t pos;        /* input bytes of the current command that are done with */
    size_t line_pos;   /* the line at pos has no end before here */
    int64_t args_left; /* bulks still missing; 0: the command's first line is not complete */
    int64_t bulk_len;  /* of the bulk whose header was read, if in_bulk */
    bool in_bulk;
    struct parse_part *parts; /* owned */
    uint32_t nparts, parts_cap;
    size_t blob_bytes;   /* capacity of the parts' blobs */
    struct blob *direct; /* the blob that takes the current bulk, or NULL; owned */
};

/* An argument of the command just returned that lies in a blob, not in the input; the blob is taken by the caller. */
struct arg_blob {
    uint32_t arg; /* index in the arena */
    struct blob *blob;
};

struct arg_blobs {
    struct arg_blob *v;
    uint32_t n, cap;
};

/* Parses one command from in, the unconsumed input of the connection: same bytes as at the call before, if that gave
 * PARSE_MORE or PARSE_BULK, and more behind them. The slices appended to args point into in, or into blobs, which are
 * appended to blobs and then owned by the caller (large bulks, and inline arguments with escapes). limits are looked at
 * when a count or a length is read, so commands behind an AUTH are to be parsed after it ran. After PARSE_ERROR only
 * parse_reset makes sense. Memory grows with what has arrived, never with what a header announces. */
enum parse_status parse_next(struct parser *p, struct slice in, const struct parse_limits *limits,
                             struct arg_arena *args, struct arg_blobs *blobs, struct parse_result *result);

/* After PARSE_BULK: moves what is there of the bulk into a blob and returns how many of the following bytes of the
 * connection, at least 1, the caller is to receive at *dst before it calls parse_bulk_received. *consumed is how many
 * bytes were moved and are to be dropped from the END of in. The blob doubles with what has arrived: once the space is
 * full, go on with parse_next, which may give PARSE_BULK again for the next stretch of the same bulk, be it before or
 * after some of it came as ordinary input. *dst stays valid until the next call that is given p, and parse_reset must
 * not be called while the kernel may still write there. */
size_t parse_take_bulk(struct parser *p, struct slice in, char **dst, size_t *consumed);
/* All bytes that parse_take_bulk asked for are at *dst. */
void parse_bulk_received(struct parser *p);

/* Frees what the parser owns and makes it fresh. */
void parse_reset(struct parser *p);

/* Bytes of memory that the parser has asked for, without what the allocator adds (query buffer accounting: a request
 * below the limit must not be over it because of that). */
size_t parse_memory(const struct parser *p);

#endif
