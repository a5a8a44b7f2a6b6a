/* The bytes of an append-only file: plain RESP commands, and between them annotation lines, which begin with '#' and
 * which Redis skips. Nothing here reads or writes a file, and nothing owns what it is shown.
 *
 *   #SKUA:F VERSION SEED START CHECK                    the first line of a file
 *   #SKUA:B SEQUENCE SHARD LENGTH SYNCED SUM CHECK      before a batch: the LENGTH bytes behind the line
 *   #TS:SECONDS                                         with aof-timestamp-enabled, as Redis writes it
 *
 * All end in CRLF and are under 1,024 bytes, which is what Redis reads at once. SEED and SUM are 16, CHECK 8 digits of
 * hexadecimal, the rest is decimal without leading zeros: a line has one spelling, and any other is damaged. SUM is
 * XXH3 (seed 0) of the batch, CHECK the low half of XXH3 of the line up to it, so a line is known to be whole before
 * its batch is there. Redis tolerates annotations wherever a command may begin, inside MULTI too (checked with 7.0's
 * redis-server and redis-check-aof); here they stand between batches only.
 *
 * Invariants: a batch is whole commands and begins with SELECT; one that was a transaction is MULTI, SELECT, ..., EXEC.
 * Our SELECT, MULTI and EXEC are spelled in lower case, Redis's in upper case: that tells where Redis went on after it
 * had cut a batch that a crash had torn, as it starts with a SELECT whatever came before.
 *
 * What Redis 7.0 gets wrong, and would with a file of its own:
 *  - It takes an annotation without its line end, torn by a crash, for whole, and appends to it. The first line of its
 *    first command is part of that annotation then, and it refuses the file at its next start. Such a piece is an item
 *    of its own here (AOF_TORN), and aof_mend_torn makes the file one that Redis reads.
 *  - A transaction torn inside a command it cuts in front of that command, not of MULTI, and appends. It has not run
 *    what it left of the transaction, and nor may we; at its next start it takes back all it wrote since. */
#ifndef SKUA_PERSIST_AOF_FORMAT_H
#define SKUA_PERSIST_AOF_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"
#include "src/wire/parse.h"

enum {
    AOF_VERSION = 1,
    AOF_LINE_BYTES_MAX = 160,        /* room for the longest line that is written here */
    AOF_ANNOTATION_BYTES_MAX = 1023, /* what Redis's loader takes as one line, its end included */
    AOF_FRAME_BYTES = 15 + 14,       /* MULTI and EXEC */
};

/* The first line of a file. */
struct aof_file_line {
    uint32_t version;
    uint64_t hash_seed;
    uint64_t start; /* position in the journal of the file's first byte, which is this line's */
};

#define AOF_HEADER_PREFIX "#SKUA:B "

/* The line before a batch. */
struct aof_header {
    uint64_t sequence; /* counts batches through all files */
    uint64_t length;   /* of the batch, in bytes */
    uint64_t synced;   /* everything before this position of the journal was on disk when the line was written */
    uint64_t sum;      /* of the batch */
    uint32_t shard;
};

/* Each writes one line to dst (room for AOF_LINE_BYTES_MAX), unterminated, and returns its length. */
size_t aof_write_file_line(char *dst, const struct aof_file_line *line);
size_t aof_write_header(char *dst, const struct aof_header *header);
size_t aof_write_timestamp(char *dst, int64_t unix_seconds);

/* Writes the batch that effects become: commands as a journal sink gets them, the first one a SELECT. transaction: in
 * MULTI and EXEC, which a batch of one command besides its SELECT can do without. dst has room for effects.len +
 * AOF_FRAME_BYTES; returns the length. Such effects that nothing is put around need not be copied. */
size_t aof_write_batch(char *dst, struct slice effects, bool transaction);

/* The sum for the header of this batch. */
uint64_t aof_batch_sum(struct slice batch);

/* What stands at a place of a file. */
enum aof_item_kind {
    AOF_FILE_LINE,
    AOF_HEADER,
    AOF_TIMESTAMP,
    AOF_FOREIGN, /* an annotation of others: to be skipped */
    AOF_COMMAND,
    AOF_TORN,    /* the beginning of an annotation, directly followed by a command that Redis appended */
    AOF_SHORT,   /* not all of it is in the window; if the file ends there, it is cut off */
    AOF_GARBAGE, /* nothing that we or Redis write, or one of our lines damaged; why says what */
};

struct aof_item {
    size_t len; /* bytes of the item; AOF_SHORT: the window it needs at least; AOF_GARBAGE: 0 */
    union {
        struct aof_file_line file_line;
        struct aof_header header;
        int64_t unix_seconds;
        const char *why;
    };
};

/* Looks at the item that window begins with; window.len > 0. at_end: nothing follows the window in its file. Of a
 * command the arguments are appended to args (slices into window), of anything else nothing. To go on after AOF_SHORT
 * show the same bytes and more, at least twice as many if that can be: it starts anew each time. */
enum aof_item_kind aof_next(struct slice window, bool at_end, struct arg_arena *args, struct aof_item *item);

/* Why the batch behind header is not good, or NULL if it is. rest: the file's bytes behind the header's line, as many
 * as there are up to header->length or more. args is for its own use and left as it was. */
const char *aof_batch_fault(const struct aof_header *header, struct slice rest, struct arg_arena *args);

/* Whether a batch with a fault is one that Redis cut at the end of a command, and went on from: whole commands, and
 * Redis's SELECT (behind its timestamp and MULTI, if there are) beginning inside the batch's length. If so, what is in
 * rest from *offset on is to be loaded as commands without a header, up to where the file ends or no longer parses
 * (Redis may have been killed in its turn): that is the batch's beginning too, unless it was a transaction. rest as
 * above, and a few lines more; at_end: its file ends with it. */
enum aof_continued {
    AOF_NOT_CONTINUED,
    AOF_CONTINUED,
    AOF_CONTINUED_SHORT, /* show it at least *offset bytes */
};
enum aof_continued aof_redis_continued(const struct aof_header *header, struct slice rest, bool at_end,
                                       struct arg_arena *args, size_t *offset);

/* Changes piece, an AOF_TORN item, and the one byte behind it such that Redis reads an annotation and then the command
 * (or the command alone), and so does aof_next. To be written back with one write. */
void aof_mend_torn(char *piece, size_t len);

#endif
