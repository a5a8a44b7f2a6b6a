#include "shard/written.h"

#include <string.h>

static void filter_add_all(struct written_filter *f)
{
    f->all = true;
    f->last = WRITTEN_NOW;
}

void written_add_all(struct written *w)
{
    filter_add_all(&w->unwritten);
    filter_add_all(&w->unsynced[w->current]);
}

static void filter_queued(struct written_filter *f, uint64_t position)
{
    if (f->last == WRITTEN_NOW)
        f->last = position;
}

void written_queued(struct written *w, uint64_t position)
{
    filter_queued(&w->unwritten, position);
    filter_queued(&w->unsynced[w->current], position);
}

static void filter_passed(struct written_filter *f, uint64_t position)
{
    if (f->last != 0 && f->last <= position)
        memset(f, 0, sizeof *f);
}

void written_safe(struct written *w, uint64_t written, uint64_t synced)
{
    const struct written_filter *f = &w->unsynced[w->current];
    struct written_filter *older = &w->unsynced[!w->current];
    filter_passed(&w->unwritten, written);
    filter_passed(older, synced);
    if (older->last == 0 && f->last != 0 && f->last != WRITTEN_NOW)
        w->current = !w->current;
}
