/* The journal's part in an iteration, and what each reply has to wait for (design section 8).
 *
 * What an iteration changes is collected in worker->effects and queued as one batch before anything of the iteration
 * becomes visible to others: before the shard counts as held, before a transaction that this worker runs, and before
 * the outboxes are published. Only then is the batch's position known: until then a wait says WRITTEN_NOW, and those
 * that do are on a list (stamps) to be filled in.
 *
 * A reply waits for the last write of its keys to be written; and, where the policy asks for more, to be synced
 * (shard/written.h). That is enough for kill -9 to lose nothing that was told, as the journal's order is that of
 * causes, and while the file can't be written reads of all other keys go on. */
#ifndef SKUA_SERVER_DURABLE_H
#define SKUA_SERVER_DURABLE_H

#include "shard/journal_sink.h"
#include "shard/shard.h"
#include "src/server/worker.h"

struct client;
struct cmd;

/* Where the shard of this worker, which is not held, puts its effects; NULL: nothing is journalled. */
static inline struct effects *durable_effects(struct worker *w)
{
    return shard_journal(&w->shard) ? &w->effects : NULL;
}

static inline void journal_wait_merge(struct journal_wait *into, const struct journal_wait *other)
{
    into->written = other->written > into->written ? other->written : into->written;
    into->synced = other->synced > into->synced ? other->synced : into->synced;
}

/* c has run with effects: what its reply waits for on account of its keys goes into wait. */
void durable_note(const struct cmd *c, struct journal_wait *wait);

/* A reply has seen all shards, as they were a moment ago. */
void durable_saw_all(struct worker *w, struct journal_wait *wait);

/* Once nothing more is added to wait in this iteration: it is filled in when the batch is queued, and must be there
 * until then (the end of the iteration at the latest). */
void durable_stamp(struct worker *w, struct journal_wait *wait);

/* The wait goes away before that; another one has become what it would. */
void durable_unstamp(struct worker *w, const struct journal_wait *wait);

/* Queues what the worker has collected. */
void durable_queue(struct worker *w);

/* The same for one request of a transaction that ran on the shards of set, which this worker holds; wait is its
 * reply's. */
void durable_queue_held(struct worker *w, const struct shard_set *set, struct effects *effects,
                        struct journal_wait *wait);

/* Whether a reply with this wait may leave. */
static inline bool durable_may_leave(const struct worker *w, const struct journal_wait *wait)
{
    const struct journal_sink *journal = shard_journal(&w->shard);
    return !journal || journal_is_safe(journal, wait);
}

/* Asks for durable_called to say when it may; true if it may by now. */
bool durable_await(struct worker *w, const struct journal_wait *wait);
/* Whether replies that wait are to be looked at again. */
bool durable_called(struct worker *w);

/* More waits to be written than may be: no transaction is begun, and nothing is taken from clients. The worker is woken
 * when that may have changed. While writes are refused anyway it is not so. */
bool durable_is_full(struct worker *w);

/* In each iteration, behind publishing: writes. */
void durable_write(struct worker *w);
/* And at its end: syncs. */
void durable_sync(struct worker *w);
/* Between announcing sleep and sleeping: whether there is something to do here. */
bool durable_has_work(struct worker *w);
/* When there is, if nothing happens before. */
uint64_t durable_deadline_ns(const struct worker *w);
/* This worker has a sync under way: it must not end yet. */
bool durable_is_syncing(const struct worker *w);

#endif
