#include "shard/written.h"

#include <string.h>

void written_synced(struct written *w, uint64_t synced)
{
    struct written_filter *f = &w->filter[w->current], *older = &w->filter[!w->current];
    if (older->last != 0 && older->last <= synced)
        memset(older, 0, sizeof *older);
    if (older->last == 0 && f->last != 0 && f->last != WRITTEN_NOW)
        w->current = !w->current;
}
