/* The append queue: batches of all workers in the one order in which they stand in the file (design section 8).
 *
 * The order is made by one short spin lock, under which a batch is given its number and linked behind the last one, and
 * nothing else: the third of the process, besides the order of lanes and the turn to append. All work on the bytes is
 * done before, by the worker that queues, or later, by the one that writes. Any worker may put and free, only who has
 * the turn takes.
 *
 * A batch has the buffer in which its effects were collected. A few batches that were freed are kept for the worker
 * that queued them, and whoever fills one gets its old buffer: where the load is steady nothing is allocated. */
#ifndef SKUA_PERSIST_APPEND_QUEUE_H
#define SKUA_PERSIST_APPEND_QUEUE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "persist/aof_format.h"
#include "shard/effects.h"

struct queued_batch {
    struct queued_batch *next;
    uint64_t position;
    uint64_t sum;
    char *buf; /* owned */
    size_t len, cap;
    uint32_t worker;
    uint32_t commands;
    uint32_t lines_len;                 /* 0: the writer has not made them yet */
    char lines[2 * AOF_LINE_BYTES_MAX]; /* that stand before it: header, perhaps a timestamp */
};

struct batch_spares;

struct append_queue {
    _Alignas(64) _Atomic uint32_t lock;
    /* Under the lock. */
    struct queued_batch *first, **last_next;
    _Atomic uint64_t *position; /* of the last batch ever queued, which others read */
    _Atomic uint64_t bytes;     /* memory of all batches ever queued, likewise */
    /* Constant. */
    _Alignas(64) uint32_t nworkers;
    struct batch_spares *spares; /* [nworkers], owned */
};

/* position: where that of the last batch is kept, 0 at first. Borrowed. */
void append_queue_init(struct append_queue *q, uint32_t nworkers, _Atomic uint64_t *position);
/* Frees what is queued. */
void append_queue_deinit(struct append_queue *q);

/* Queues what is in e, in MULTI and EXEC if it is a transaction of more than one command. e is empty then, but may have
 * been left a buffer. Returns the position. */
uint64_t append_queue_put(struct append_queue *q, uint32_t worker, struct effects *e, bool transaction);

/* All that is queued, in order, linked by next; NULL if there is nothing. The caller owns it. */
struct queued_batch *append_queue_take(struct append_queue *q);

/* Memory that a batch counts for. */
static inline uint64_t queued_batch_bytes(const struct queued_batch *b) { return sizeof *b + b->cap; }
void append_queue_free(struct append_queue *q, struct queued_batch *b);

#endif
