#include "src/server/durable.h"

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

void durable_note(const struct cmd *c, struct journal_wait *wait)
{
    bool wrote = c->changed || c->effects_given;
    if (c->row->flags & CMD_ALL_SHARDS) {
        note_all(c, wrote, wait);
        return;
    }
    for (uint32_t i = 0; i < c->nkeys; i++) {
        struct written *written = &c->shards[c->keys[i].shard]->written;
        if (wrote)
            written_add(written, c->keys[i].hash);
        wait->synced = later(wait->synced, written_position(written, c->keys[i].hash));
    }
}

void durable_saw_all(struct worker *w, struct journal_wait *wait)
{
    struct journal_sink *journal = shard_journal(&w->shard);
    if (!journal)
        return;
    uint64_t position =
        w->effects.commands > 0 ? WRITTEN_NOW : atomic_load_explicit(&journal->queued, memory_order_acquire);
    wait->written = later(wait->written, position);
    wait->synced = later(wait->synced, position);
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
