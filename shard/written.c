#include "shard/written.h"

#include <string.h>

bool written_is_unwritten(const struct written *w, uint64_t hash)
{
    if (w->nunwritten > WRITTEN_UNWRITTEN_MAX)
        return true;
    for (uint32_t i = 0; i < w->nunwritten; i++)
        if (w->unwritten[i] == hash)
            return true;
    return false;
}

void written_synced(struct written *w, uint64_t synced)
{
    struct written_filter *f = &w->filter[w->current], *older = &w->filter[!w->current];
    if (older->last != 0 && older->last <= synced)
        memset(older, 0, sizeof *older);
    if (older->last == 0 && f->last != 0 && f->last != WRITTEN_NOW)
        w->current = !w->current;
}
