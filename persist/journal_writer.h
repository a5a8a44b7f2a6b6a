/* Writes batches to the end of the append-only file, each behind its header line (aof_format.h), many with one call.
 * Goes on after a short write. After an error the piece of a batch that may stand at the file's end is cut off, and the
 * batch stays, first of all: the file has whole batches, without a gap. Owner: who has the turn to append. */
#ifndef SKUA_PERSIST_JOURNAL_WRITER_H
#define SKUA_PERSIST_JOURNAL_WRITER_H

#include "persist/append_queue.h"
#include "src/io/disk.h"

enum { WRITER_BATCHES_MAX = 256, WRITER_BYTES_MAX = 1 << 20 };

struct journal_writer {
    struct disk *disk;
    struct append_queue *queue;              /* that batches come from, and that written ones are given back to */
    int fd;                                  /* -1: none */
    bool torn;                               /* there may be a piece of a batch behind size */
    uint64_t size;                           /* of the file, without such a piece */
    uint64_t offset;                         /* in the stream, of the file's end */
    uint64_t position;                       /* of the last batch in the file */
    uint64_t commands;                       /* in all batches ever written */
    uint64_t bytes;                          /* memory of all batches ever taken and done with */
    int64_t stamped_seconds;                 /* of the last timestamp; 0: none in this file */
    struct queued_batch *first, **last_next; /* not written yet */
    struct iovec parts[2 * WRITER_BATCHES_MAX];
};

/* What stands before a batch. */
struct journal_lines {
    uint64_t synced_offset; /* in the stream: all before it is on disk */
    int64_t unix_seconds;   /* for a timestamp, where the last one is older; 0: no timestamps */
};

void journal_writer_init(struct journal_writer *w, struct disk *disk, struct append_queue *queue);
/* Drops what is not written and closes the file. */
void journal_writer_deinit(struct journal_writer *w);

/* Goes on in another file, or none (-1), which the writer then owns; the one before is closed. Batches that are not
 * written, here and in the queue, are dropped: position counts them. */
void journal_writer_switch(struct journal_writer *w, int fd, uint64_t size, uint64_t offset, uint64_t position);

/* Writes from the head of the queue, at most WRITER_BATCHES_MAX batches, and no more after WRITER_BYTES_MAX. 0, or
 * -errno with the file, position, offset and size as they were behind the last whole batch. */
int journal_writer_write(struct journal_writer *w, const struct journal_lines *lines);

#endif
