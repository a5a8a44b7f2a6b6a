#include "src/server/durable.h"

#include "persist/journal.h"
#include "shard/effects.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/cmd/command.h"
#include "src/server/server.h"

/* ---- One command ---- */

/* One that has no keys tells of all that it may look at: every shard, or the one that it is run on. */
static void note_shard(struct shard *s, bool wrote, struct journal_wait *wait)
{
    if (wrote)
        written_add_all(&s->written);
    journal_wait_merge(wait, &(struct journal_wait){s->written.unwritten.last, written_any_unsynced(&s->written)});
}

void durable_note(const struct cmd *c, struct journal_wait *wait)
{
    bool wrote = c->changed || c->effects_given;
    if (PLANTED(PLANTED_READ_EARLY) && !wrote)
        return;
    if (c->row->flags & CMD_ALL_SHARDS) {
        for (uint32_t i = 0; i < c->nshards; i++)
            note_shard(c->shards[i], wrote, wait);
        return;
    }
    bool reaches = c->row->reaches && c->row->reaches(c->argc, c->argv);
    for (uint32_t i = 0; reaches && i < c->nshards; i++)
        note_shard(c->shards[i], false, wait);
    if (c->nkeys == 0)
        note_shard(c->shards[c->executor], wrote, wait);
    for (uint32_t i = 0; i < c->nkeys; i++) {
        struct written *written = &c->shards[c->keys[i].shard]->written;
        uint64_t hash = c->keys[i].hash;
        if (wrote)
            written_add(written, hash);
        journal_wait_merge(wait,
                           &(struct journal_wait){written_unwritten(written, hash), written_unsynced(written, hash)});
    }
}

void durable_saw_all(struct worker *w, struct journal_wait *wait)
{
    struct journal_sink *journal = shard_journal(&w->shard);
    if (!journal)
        return;
    uint64_t position =
        w->effects.commands > 0 ? WRITTEN_NOW : atomic_load_explicit(&journal->queued, memory_order_acquire);
    journal_wait_merge(wait, &(struct journal_wait){position, position});
}

/* ---- Positions ---- */

static void fill_in(struct journal_wait *wait, uint64_t position)
{
    if (wait->written == WRITTEN_NOW)
        wait->written = position;
    if (wait->synced == WRITTEN_NOW)
        wait->synced = position;
}

void durable_stamp(struct worker *w, struct journal_wait *wait)
{
    if (wait->written != WRITTEN_NOW && wait->synced != WRITTEN_NOW)
        return;
    if (w->nstamps == w->stamps_cap) {
        w->stamps_cap = w->stamps_cap ? 2 * w->stamps_cap : 64;
        w->stamps = mem_realloc(NULL, w->stamps, w->stamps_cap * sizeof(struct journal_wait *));
    }
    w->stamps[w->nstamps++] = wait;
}

void durable_unstamp(struct worker *w, const struct journal_wait *wait)
{
    for (uint32_t i = w->nstamps; i-- > 0;)
        if (w->stamps[i] == wait)
            w->stamps[i] = w->stamps[--w->nstamps];
}

void durable_queue(struct worker *w)
{
    if (w->effects.commands == 0)
        return;
    uint64_t position = 0;
    if (!PLANTED(PLANTED_EFFECTS_LATE)) {
        struct journal_sink *journal = shard_journal(&w->shard);
        position = journal->append(journal, w->id, &w->effects, false);
        written_queued(&w->shard.written, position);
    }
    for (uint32_t i = 0; i < w->nstamps; i++)
        fill_in(w->stamps[i], position);
    w->nstamps = 0;
}

void durable_queue_held(struct worker *w, const struct shard_set *set, struct effects *effects,
                        struct journal_wait *wait)
{
    if (effects->commands == 0)
        return;
    struct journal_sink *journal = shard_journal(w->server->shards[shard_set_next(set, 0)]);
    uint64_t position = journal->append(journal, w->id, effects, true);
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX; s = shard_set_next(set, s + 1))
        written_queued(&w->server->shards[s]->written, position);
    fill_in(wait, position);
    journal_wait_merge(wait, &(struct journal_wait){.written = position});
}

/* ---- The journal's roles ---- */

/* NULL: nothing is journalled, or into a test's sink, which has no roles and calls nobody. */
static struct journal *active(const struct worker *w) { return shard_journal(&w->shard) ? w->server->journal : NULL; }

bool durable_await(struct worker *w, const struct journal_wait *wait)
{
    struct journal *j = active(w);
    return j && journal_await(j, w->id, wait);
}

bool durable_called(struct worker *w)
{
    struct journal *j = active(w);
    return !j || journal_called(j, w->id);
}

bool durable_is_full(struct worker *w)
{
    struct journal *j = active(w);
    if (!j || w->write_fault || !journal_is_full(j))
        return false;
    struct journal_wait all = {.written = atomic_load_explicit(&journal_sink(j)->queued, memory_order_acquire)};
    return !journal_await(j, w->id, &all) && journal_is_full(j);
}

void durable_write(struct worker *w)
{
    struct journal *j = active(w);
    if (!j) {
        worker_set_write_fault(w, 0);
        return;
    }
    journal_write(j, w->id, w->now_ns, w->now_ms / 1000);
    const struct journal_sink *sink = journal_sink(j);
    if (!lane_is_held(w->lane))
        written_safe(&w->shard.written, atomic_load_explicit(&sink->written, memory_order_acquire),
                     atomic_load_explicit(&sink->synced, memory_order_acquire));
    worker_set_write_fault(w, journal_fault(j));
}

void durable_sync(struct worker *w)
{
    struct journal *j = active(w);
    if (j)
        journal_sync(j, w->id, w->io, w->now_ns);
}

bool durable_has_work(struct worker *w)
{
    struct journal *j = active(w);
    return j && journal_has_work(j, w->id, w->now_ns);
}

uint64_t durable_deadline_ns(const struct worker *w)
{
    struct journal *j = active(w);
    return j ? journal_deadline_ns(j) : UINT64_MAX;
}

bool durable_is_syncing(const struct worker *w)
{
    return w->server->journal && journal_is_syncing(w->server->journal, w->id);
}
