/* Loads an append-only file: reads its parts in order, in windows, decides what of them is good, and hands out their
 * commands. It knows no key and no shard: what a command means is its handlers' business. It changes no file: where a
 * torn end is to be cut off it says (aof_load_result), and its caller cuts.
 *
 * What is handed out is a prefix of what was appended, command by command:
 *  - Of a batch (aof_format.h) nothing before its checksum has been found right, of a bare MULTI nothing before its
 *    EXEC has been found. MULTI and EXEC themselves are not handed out, SELECT is, and each part begins with one.
 *  - Sequence numbers go up by one through all incremental files, and a file begins where the one before it ends.
 *    Anything else is corruption: no crash leaves it. A base counts for itself.
 *  - What Redis appended, which has no headers, is loaded as it stands, also behind a batch or an annotation that a
 *    crash tore and Redis went on from.
 *
 * A place that is not good ends loading. It is the tail that a crash leaves, and is cut off with all that follows,
 * later parts included, if
 *  - no header behind it, in its part or a later one, knows it to have been on disk, and
 *  - Redis has not gone on behind it (it knows no checksums, and reads over a wrong one), and
 *  - its part is the last one, or it is one of ours and all later ones are (of ours, or empty), and
 *  - it is a header or a batch of ours, or it is cut short by the end of the file or by zeros up to there. What Redis
 *    wrote says nothing of what was on disk, so other damage in it may have anything behind it.
 * Otherwise it is corruption, and is refused. With truncated false a tail is refused as well.
 *
 * The arguments of a command are slices into the window, which grows when a batch, a transaction or a command does not
 * fit, and never past what its file has. */
#ifndef SKUA_PERSIST_AOF_LOAD_H
#define SKUA_PERSIST_AOF_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/rdb_load.h"
#include "src/base/slice.h"
#include "src/io/disk.h"

enum { AOF_LOAD_ERROR_BYTES_MAX = 1024 };

struct aof_load_part {
    const char *name; /* in messages */
    bool base;        /* the state to begin with: the first part, or none */
};

/* What to load. Borrowed, all of it. */
struct aof_load_config {
    struct disk *disk;
    const struct aof_load_part *parts; /* in order; an RDB, or an RDB with commands behind it, is told by its bytes */
    uint32_t nparts;
    int (*open)(void *arg, uint32_t part); /* with DISK_READ: a descriptor, which is closed here, or -errno */
    void *arg;
    bool truncated;    /* aof-load-truncated: a tail is cut off, not refused */
    bool rdb_checksum; /* rdbchecksum */
};

/* The slices are valid during the call; it may take its time and run other fibers meanwhile. */
struct aof_load_handlers {
    /* One command. Returns NULL, or why it can't be executed, which ends loading. */
    const char *(*command)(void *ctx, uint32_t argc, const struct slice *argv);
    const struct rdb_load_handlers *rdb; /* called with the same ctx */
    /* Called before each window is read, so at least every few hundred kilobytes but for larger batches, with how much
     * of all parts is done. False ends loading. */
    bool (*progress)(void *ctx, uint64_t bytes_done, uint64_t bytes_total);
    /* A line for the log; it names file and offset. */
    void (*log)(void *ctx, bool warning, const char *line);

    /* The rest may be NULL. */
    void (*part_begins)(void *ctx, uint32_t part, uint64_t size, bool rdb);
    /* All of it was good. lines: those of its commands, and one. */
    void (*part_ends)(void *ctx, uint32_t part, uint64_t size, uint64_t lines);
    /* A line of aof-timestamp-enabled that begins at this offset of the part. False ends loading. */
    bool (*timestamp)(void *ctx, uint32_t part, uint64_t offset, int64_t unix_seconds);
    /* An AOF_TORN piece of a line that Redis does not read as it has left it: see aof_mend_torn. */
    void (*torn)(void *ctx, uint32_t part, uint64_t offset, size_t len);
};

enum aof_load_end {
    AOF_LOAD_DONE,        /* everything but a tail, if there was one */
    AOF_LOAD_INTERRUPTED, /* a handler wished it */
    AOF_LOAD_REFUSED,     /* error says why, and what to do */
};

struct aof_load_result {
    uint64_t position; /* of the last batch of the incremental files; 0: there is none */
    uint64_t offset;   /* of the stream at their end, after the cut if there is one */
    uint64_t batches, commands;
    bool wants_base; /* Redis went on from what a crash had torn, and may not read what it made of it: a fresh base
                        is to replace it soon */

    /* Damage was met: part is good up to good_bytes, and dropped_bytes is all behind it, later parts included. */
    bool damaged;
    bool cut; /* with AOF_LOAD_DONE: it is a tail. Before anything is appended part is to be cut to good_bytes, and all
                 later parts are to be retired. With AOF_LOAD_REFUSED: it would be one, but truncated is false */
    uint32_t part;
    uint64_t good_bytes, dropped_bytes, lines;
    const char *why;                      /* what is wrong there; constant */
    char error[AOF_LOAD_ERROR_BYTES_MAX]; /* with AOF_LOAD_REFUSED: one line; file, offset, reason, what to do */
};

enum aof_load_end aof_load(const struct aof_load_config *config, const struct aof_load_handlers *handlers, void *ctx,
                           struct aof_load_result *result);

#endif
