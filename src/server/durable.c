#include "src/server/durable.h"

#include "persist/journal.h"
#include "shard/effects.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/cmd/command.h"
#include "src/server/server.h"

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* ---- One command ---- */

static void note_all(const struct cmd *c, bool wrote, struct journal_wait *wait)
{
    for (uint32_t i = 0; i < c->nshards; i++) {
        struct written *written = &c->shards[i]->written;
        if (wrote)
            written_add_all(written);
        wait->synced = later(wait->synced, written_last(written));
    }
}

void durable_note(const struct worker *w, const struct cmd *c, struct journal_wait *wait)
{
    bool wrote = c->changed || c->effects_given;
    if (PLANTED(PLANTED_READ_EARLY) && !wrote)
        return;
    if (c->row->flags & CMD_ALL_SHARDS) {
        note_all(c, wrote, wait);
        return;
    }
    if (c->nkeys == 0)
        wait->synced = later(wait->synced, written_last(&c->shards[c->executor]->written));
    for (uint32_t i = 0; i < c->nkeys; i++) {
        struct written *written = &c->shards[c->keys[i].shard]->written;
        if (wrote)
            written_add(written, c->keys[i].hash);
        uint64_t position = written_position(written, c->keys[i].hash);
        wait->synced = later(wait->synced, position);
        if (__builtin_expect(w->write_fault, 0) && written_is_unwritten(written, c->keys[i].hash))
            wait->written = later(wait->written, position);
    }
}

void durable_saw_all(struct worker *w, struct journal_wait *wait)
{
    struct journal_sink *journal = shard_journal(&w->shard);
    if (!journal || w->write_fault)
        return;
    uint64_t position =
        w->effects.commands > 0 ? WRITTEN_NOW : atomic_load_explicit(&journal->queued, memory_order_acquire);
    wait->written = later(wait->written, position);
    wait->synced = later(wait->synced, position);
}

void durable_saw_held(struct worker *w, const struct shard_set *set, struct journal_wait *wait)
{
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX && !w->write_fault; s = shard_set_next(set, s + 1))
        wait->written = later(wait->written, w->server->shards[s]->journalled);
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

static void shard_queued(struct shard *s, uint64_t position)
{
    s->journalled = position;
    written_queued(&s->written, position);
}

static void fill_in_stamps(struct worker *w)
{
    for (uint32_t i = 0; i < w->nstamps; i++)
        fill_in(w->stamps[i], w->shard.journalled);
    w->nstamps = 0;
}

void durable_queue(struct worker *w)
{
    if (w->effects.commands == 0)
        return;
    if (!PLANTED(PLANTED_EFFECTS_LATE)) {
        struct journal_sink *journal = shard_journal(&w->shard);
        shard_queued(&w->shard, journal->append(journal, w->id, &w->effects, false));
    }
    fill_in_stamps(w);
}

void durable_queue_held(struct worker *w, const struct shard_set *set, struct effects *effects,
                        struct journal_wait *wait)
{
    if (effects->commands == 0)
        return;
    struct journal_sink *journal = shard_journal(w->server->shards[shard_set_next(set, 0)]);
    uint64_t position = journal->append(journal, w->id, effects, true);
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX; s = shard_set_next(set, s + 1))
        shard_queued(w->server->shards[s], position);
    fill_in(wait, position);
    wait->written = later(wait->written, position);
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
    if (!j)
        return;
    journal_write(j, w->id, w->now_ns, w->now_ms / 1000);
    const struct journal_sink *sink = journal_sink(j);
    if (!lane_is_held(w->lane)) {
        written_synced(&w->shard.written, atomic_load_explicit(&sink->synced, memory_order_acquire));
        if (atomic_load_explicit(&sink->written, memory_order_acquire) >= w->shard.journalled)
            written_all_written(&w->shard.written);
    }
    w->write_fault = journal_fault(j);
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
