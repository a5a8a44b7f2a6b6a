/* The journal: one ordered stream of batches from all workers into one file (design section 8). It knows no shards, no
 * clients and no loop: a worker is a number, and is told to run an iteration through a callback.
 *
 * A position is the number of a batch, 1, 2, 3 and so on through all files, which its header carries as sequence: known
 * as soon as it is queued. Offsets of bytes are the writer's business. What a worker does with it, in each iteration:
 *
 *   sink->append         queues a batch: before anything that tells of it is published, before a hold's arrival or
 *                        release. Replies are stamped with what they wait for.
 *   journal_write        behind publishing
 *   journal_called       if so, it looks at all its replies that wait
 *   journal_is_safe      for each of those, and each new one; if not,
 *   journal_await
 *   journal_sync
 *   journal_has_work, journal_deadline_ns     between announcing sleep and sleeping
 *
 * Roles. Whoever takes the *turn* writes what is queued; whoever takes the *sync* has the one fdatasync in flight, on
 * its own io. Both are taken by trying, nobody waits for them, and neither is lost: who gives one back looks again, at
 * the latest in journal_has_work, before it sleeps; and what is not due yet is in its deadline. Between publishing and
 * trying, and between giving back and looking again, there is a full fence: one of the two sides sees the other.
 *
 * Faults. After an error the torn piece of a batch is cut off, and the batch stays with all behind it and is tried
 * again each second, by whoever comes. After a failed sync the file is no longer trusted: it is written on, so that
 * what waits for being written goes on, but nothing in it counts as synced until journal_start gives another one. */
#ifndef SKUA_PERSIST_JOURNAL_H
#define SKUA_PERSIST_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/journal_sink.h"

struct disk;
struct io;
struct journal;

/* appendfsync. */
enum journal_policy { JOURNAL_EVERYSEC, JOURNAL_ALWAYS, JOURNAL_NO };

enum {
    JOURNAL_QUEUED_BYTES_MAX = 64 << 20,  /* journal_is_full beyond; what is under way then still finds a place */
    JOURNAL_SYNC_NS = 1000 * 1000 * 1000, /* everysec: from the beginning of a sync to that of the next */
    JOURNAL_LATE_NS = 2000 * 1000 * 1000, /* everysec: unsynced for longer, and replies wait */
    JOURNAL_RETRY_NS = 1000 * 1000 * 1000,
};

struct journal_config {
    struct disk *disk; /* borrowed */
    uint32_t nworkers;
    enum journal_policy policy;
    /* Lets worker `to` run an iteration, unless it is in one: called on the thread of worker `from`, which is another,
     * and after what it is to see was published. */
    void (*wake)(void *ctx, uint32_t from, uint32_t to);
    void *ctx;
};

/* The caller owns it. It has no file. */
struct journal *journal_create(const struct journal_config *config);
/* By whoever is left when all workers have ended. Closes the file as it is: see journal_finish. */
void journal_destroy(struct journal *j);

/* Where batches go and what has become of them. Borrowed. */
struct journal_sink *journal_sink(struct journal *j);

/* Where to go on. */
struct journal_place {
    int fd;            /* of the disk, with DISK_APPEND */
    uint64_t size;     /* of the file, all of which is synced */
    uint64_t offset;   /* in the stream, of the file's end */
    uint64_t position; /* of the last batch before it */
};

/* Takes over place->fd, drops what is queued and counts all positions handed out so far as written and synced: its
 * caller holds all shards and has just made a base of them durable (or loaded everything). Ends any fault and closes
 * the file before. False, and nothing has happened, if some worker writes or syncs at this moment: to be tried again a
 * moment later. */
bool journal_start(struct journal *j, uint32_t worker, const struct journal_place *place);
/* The same without a file (appendonly no): nothing may be queued until journal_start. */
bool journal_stop(struct journal *j, uint32_t worker);

/* Writes what is queued if nobody is at it. unix_seconds: for timestamps. Whether replies wait for the disk (strict) is
 * as of now_ns behind it. */
void journal_write(struct journal *j, uint32_t worker, uint64_t now_ns, int64_t unix_seconds);

/* Starts a sync on the worker's own io if one is due and none in flight. The op is the journal's. */
void journal_sync(struct journal *j, uint32_t worker, struct io *io, uint64_t now_ns);
/* The worker's io has the sync that is in flight: it goes on reaping before it ends. */
bool journal_is_syncing(const struct journal *j, uint32_t worker);

/* Without workers, at the end: writes what is queued and syncs it, waiting for both. 0 or -errno. */
int journal_finish(struct journal *j, int64_t unix_seconds);

/* Asks for the worker to be woken, and to be told by journal_called, when this may have become safe, and then looks
 * whether it is by now: true, and nobody needs to wake. */
bool journal_await(struct journal *j, uint32_t worker, const struct journal_wait *wait);
/* True, once, if something that the worker awaits has happened: it looks at all its replies that wait, and awaits anew
 * what is left. */
bool journal_called(struct journal *j, uint32_t worker);

/* Whether the worker has something to do here before it may sleep. */
bool journal_has_work(const struct journal *j, uint32_t worker, uint64_t now_ns);
/* When it has, if nothing happens before; UINT64_MAX: never. */
uint64_t journal_deadline_ns(const struct journal *j);

/* 0, or the -errno for which writes are refused with MISCONF. */
int journal_fault(const struct journal *j);
/* What counts as synced may not be there after a crash, as somebody else found out: as after a failed sync. */
void journal_distrust(struct journal *j, int error);
/* The fault is a failed sync: only journal_start ends it. */
bool journal_needs_base(const struct journal *j);
/* No new transactions, and no requests are taken, until the queue is shorter. */
bool journal_is_full(const struct journal *j);

/* By any worker, between its other calls. */
void journal_set_policy(struct journal *j, uint32_t worker, enum journal_policy policy);
void journal_set_timestamps(struct journal *j, bool enabled);

/* Where in the stream the bytes written so far end, and those of a next file would begin. */
uint64_t journal_offset(const struct journal *j);

/* For INFO; each by itself is right, together they may be of different moments. */
struct journal_stats {
    uint64_t file_bytes;     /* of the present file */
    uint64_t queued_batches; /* not written yet */
    uint64_t queued_bytes;
    uint64_t syncs;         /* that succeeded */
    uint64_t delayed_syncs; /* everysec: times that something was unsynced for more than JOURNAL_LATE_NS */
    bool is_syncing;
    int write_error; /* 0, or -errno of the last write */
};
struct journal_stats journal_stats(const struct journal *j);

#endif
