#include "src/server/group.h"

#include "shard/ds/lookahead.h"
#include "src/base/mem.h"
#include "src/base/prefetch.h"
#include "src/server/batch.h"
#include "src/server/durable.h"
#include "src/server/request_run.h"
#include "src/server/worker.h"

enum {
    FREE_GROUPS_MAX = 256,
    REPLY_KEEP_BYTES = 16 * 1024, /* a reused group keeps no buffer larger than this */
};

struct group *group_get(struct worker *w, struct batch *b, uint32_t shard)
{
    struct group *g = w->free_groups;
    if (g) {
        w->free_groups = g->next;
        w->nfree_groups--;
    } else {
        g = mem_zalloc(NULL, sizeof *g);
        reply_init(&g->reply, 2);
    }
    g->batch = b;
    g->shard = shard;
    g->home = w->id;
    g->count = g->taken = 0;
    g->taken_bytes = 0;
    g->wait = (struct journal_wait){0};
    g->next = b->groups;
    b->groups = g;
    return g;
}

static void group_free(struct group *g)
{
    reply_deinit(&g->reply);
    mem_free(NULL, g->requests);
    mem_free(NULL, g);
}

void group_put(struct worker *w, struct group *g)
{
    if (g->wait.written == WRITTEN_NOW || g->wait.synced == WRITTEN_NOW)
        durable_unstamp(w, &g->wait);
    if (w->nfree_groups >= FREE_GROUPS_MAX) {
        group_free(g);
        return;
    }
    reply_clear(&g->reply, REPLY_KEEP_BYTES);
    g->next = w->free_groups;
    w->free_groups = g;
    w->nfree_groups++;
}

void group_add(struct group *g, const struct request *r)
{
    if (g->count == g->cap) {
        g->cap = g->cap ? g->cap * 2 : 8;
        g->requests = mem_realloc(NULL, g->requests, g->cap * sizeof *g->requests);
    }
    g->requests[g->count++] = *r;
}

static void free_unused(struct worker *w, uint32_t n)
{
    while (n-- > 0) {
        struct group *g = w->free_groups;
        w->free_groups = g->next;
        w->nfree_groups--;
        group_free(g);
    }
}

void groups_trim(struct worker *w)
{
    enum { PART = 8 };
    free_unused(w, (w->nfree_groups + PART - 1) / PART);
}

void groups_deinit(struct worker *w) { free_unused(w, w->nfree_groups); }

void group_look_ahead(const struct worker *w, const struct request *requests, uint32_t n, struct lookahead *l)
{
    for (uint32_t i = 0; i < n; i++)
        if (requests[i].nkeys > 0)
            keyspace_look_ahead(w->shard.keyspace, requests[i].db, requests[i].key.hash, l);
}

const struct message *groups_look_ahead(struct worker *w, const struct message *chain)
{
    struct lookahead ahead;
    const struct message *end = chain;
    ahead.n = 0;
    for (uint32_t keys = 0; end && keys < LOOKAHEAD_MAX; end = end->next)
        if (end->kind == MSG_GROUP) {
            prefetch_line(((const struct group *)end)->requests);
            prefetch_line(((const struct group *)end)->batch);
            keys += ((const struct group *)end)->count;
        }
    for (const struct message *m = chain; m != end; m = m->next)
        if (m->kind == MSG_GROUP)
            group_look_ahead(w, ((const struct group *)m)->requests, ((const struct group *)m)->count, &ahead);
    lookahead_end(&ahead);
    return end;
}

void group_run(struct worker *w, struct group *g)
{
    struct batch *b = g->batch;
    struct effects *effects = durable_effects(w);
    shard_begin(&w->shard, w->id, w->now_ms, effects);
    for (uint32_t i = 0; i < g->count; i++)
        request_execute(w, b, &g->requests[i], &g->reply, effects, &g->wait);
    stat_add(&w->stats.groups_run, 1);
    /* At home, the last one of its stage becomes part of the client's wait at once, and that is stamped. */
    if (g->home != w->id || b->pending > 1)
        durable_stamp(w, &g->wait);
}
