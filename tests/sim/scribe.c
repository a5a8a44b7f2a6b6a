#include "tests/sim/scribe.h"

#include <inttypes.h>
#include <stdio.h>

#include "shard/effects.h"
#include "src/base/assert.h"
#include "src/base/mem.h"

enum { SHOWN_ITEMS = 10 };

static struct scribe *current;

void scribe_init(struct scribe *s)
{
    *s = (struct scribe){0};
    past_init(&s->past);
}

/* ---- Writing down ---- */

static void note_batch(struct scribe *s, uint64_t position, uint64_t ns, struct slice batch)
{
    ASSERT(position == s->past.items[past_last(&s->past)].position + 1);
    s->failed = !past_batch(&s->past, position, ns, batch) || s->failed;
}

/* Stands before the journal's append, which gives a position and does not let others go on after it. */
static uint64_t record(struct journal_sink *sink, uint32_t worker, struct effects *e, bool transaction)
{
    struct scribe *s = current;
    struct bytes batch = {0};
    bytes_put(&batch, e->buf, e->len);
    uint64_t position = s->append(sink, worker, e, transaction), ns = sim_now_ns(s->sim);
    if (s->known) {
        note_batch(s, position, ns, slice_of(batch.ptr, batch.len));
        bytes_free(&batch);
        return position;
    }
    if (s->nearly == 0)
        s->loaded_position = position - 1;
    s->early = mem_realloc(NULL, s->early, (s->nearly + 1) * sizeof s->early[0]);
    s->early[s->nearly++] = (struct early){position, ns, batch};
    return position;
}

void scribe_attach(struct scribe *s, struct sim *sim, struct journal_sink *sink)
{
    ASSERT(s->nearly == 0);
    current = s;
    s->sim = sim;
    s->sink = sink;
    s->append = sink->append;
    s->known = false;
    sink->append = record;
}

static void forget_early(struct scribe *s)
{
    for (uint32_t i = 0; i < s->nearly; i++)
        bytes_free(&s->early[i].batch);
    s->nearly = 0;
}

void scribe_detach(struct scribe *s, bool looked_only)
{
    if (s->nearly > 0 && !looked_only) {
        uint64_t to = s->early[s->nearly - 1].position;
        if (s->unknown_to == 0)
            s->unknown_from = s->loaded_position;
        s->unknown_to = to > s->unknown_to ? to : s->unknown_to;
    }
    forget_early(s);
}

/* ---- What has been loaded ---- */

static uint64_t loaded_position(const struct scribe *s)
{
    return s->nearly > 0 ? s->loaded_position : atomic_load(&s->sink->queued);
}

static void complain(const struct scribe *s, const struct past_state *found, int64_t now_ms)
{
    uint64_t position = loaded_position(s);
    uint32_t near = past_last(&s->past);
    while (near > 0 && s->past.items[near].position != position)
        near--;
    fprintf(stderr, "what is there at position %" PRIu64 " is no state that existed; it is, and item %u was:\n",
            position, near);
    past_print_difference(&s->past, found, &s->past.items[near].state, now_ms);
    past_print(&s->past, near > SHOWN_ITEMS ? near - SHOWN_ITEMS : 0, near + SHOWN_ITEMS);
}

uint32_t scribe_find(const struct scribe *s, const struct past_state *found, int64_t now_ms)
{
    uint64_t position = loaded_position(s);
    if (position > s->unknown_from && position <= s->unknown_to)
        position = s->unknown_from;
    for (uint32_t i = s->past.n; i-- > 0;) {
        const struct past_item *item = &s->past.items[i];
        /* A base that nothing was appended to has position 0, and leaves open which item it is of. */
        if (item->ends && (position == 0 || item->position == position) && past_equal(&item->state, found, now_ms))
            return i;
    }
    complain(s, found, now_ms);
    return UINT32_MAX;
}

void scribe_go_on(struct scribe *s, uint32_t item, const struct past_state *found)
{
    past_cut(&s->past, item, loaded_position(s));
    /* A base has no key that had expired, and nobody will delete it. */
    s->past.items[item].state = *found;
    s->known = true;
    s->unknown_from = s->unknown_to = 0;
    for (uint32_t i = 0; i < s->nearly; i++)
        note_batch(s, s->early[i].position, s->early[i].ns, slice_of(s->early[i].batch.ptr, s->early[i].batch.len));
    forget_early(s);
}
