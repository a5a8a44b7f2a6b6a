#include "src/server/bundle.h"

#include "shard/ds/lookahead.h"
#include "src/base/assert.h"
#include "src/base/fiber.h"
#include "src/base/list.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/server/batch.h"
#include "src/server/durable.h"
#include "src/server/request_run.h"
#include "src/server/server.h"
#include "src/server/worker.h"

enum { JOIN_SHARDS_MAX = 4, AHEAD_REQUESTS = 8 };

struct bundle {
    struct hold hold;
    struct list node; /* open_bundles or flying_bundles of its home; until it has run */
    struct worker *home;
    struct batch *first, *last;
    const struct fiber *fiber; /* that holds for other than requests; NULL: a bundle of requests */
    bool held;                 /* for the fiber: all shards have arrived */
    bool alone;                /* runs on a fiber: nobody joins */
    struct effects effects;    /* of one that is alone: the worker's own go on being used while its fiber waits */
};

static void bundle_free(struct hold *h)
{
    struct bundle *u = container_of(h, struct bundle, hold);
    effects_deinit(&u->effects);
    mem_free(NULL, u);
}

static struct bundle *bundle_create(struct worker *w)
{
    struct bundle *u = mem_alloc_aligned(NULL, 64, sizeof *u);
    memset(u, 0, sizeof *u);
    u->home = w;
    u->hold.home = w->id;
    u->hold.free = bundle_free;
    effects_init(&u->effects);
    list_push_back(&w->open_bundles, &u->node);
    return u;
}

static struct bundle *find_open(struct worker *w, const struct shard_set *shards)
{
    for (struct list *n = w->open_bundles.next; n != &w->open_bundles; n = n->next) {
        struct bundle *u = container_of(n, struct bundle, node);
        uint32_t together = shard_set_union_count(&u->hold.shards, shards);
        if (!u->alone && (together == u->hold.shards.count || together <= JOIN_SHARDS_MAX))
            return u;
    }
    return NULL;
}

void bundle_join(struct worker *w, struct batch *b)
{
    bool alone = b->requests[b->hold_first].row->flags & CMD_FIBER;
    struct bundle *u = alone ? NULL : find_open(w, &b->shards);
    if (!u)
        u = bundle_create(w);
    u->alone = alone;
    shard_set_unite(&u->hold.shards, &b->shards);
    b->next = NULL;
    if (u->last)
        u->last->next = b;
    else
        u->first = b;
    u->last = b;
}

static bool queues_behind_own(const struct worker *w, const struct bundle *u)
{
    for (struct list *n = w->flying_bundles.next; n != &w->flying_bundles; n = n->next)
        if (shard_set_intersects(&container_of(n, struct bundle, node)->hold.shards, &u->hold.shards))
            return true;
    return false;
}

static void wake_shards(struct worker *w, const struct shard_set *set)
{
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX; s = shard_set_next(set, s + 1))
        if (s != w->id)
            worker_wake(w, s);
}

void bundles_put(struct worker *w)
{
    struct shard_set waiting = {0}; /* wanted by bundles that stay open: younger ones must not pass them for ever */
    if (list_empty(&w->open_bundles))
        return;
    bool full = durable_is_full(w);
    for (struct list *n = w->open_bundles.next, *next; n != &w->open_bundles; n = next) {
        next = n->next;
        struct bundle *u = container_of(n, struct bundle, node);
        bool behind = queues_behind_own(w, u) || shard_set_intersects(&waiting, &u->hold.shards) || (full && !u->fiber);
        if (behind || !lanes_put(&w->server->lanes, &u->hold)) {
            shard_set_unite(&waiting, &u->hold.shards);
            w->busy = w->busy || !behind;
            continue;
        }
        /* It may have all its shards by now, but only this worker runs it, so it is still there. */
        list_remove(n);
        list_push_back(&w->flying_bundles, n);
        wake_shards(w, &u->hold.shards);
        w->busy = w->busy || shard_set_has(&u->hold.shards, w->id);
    }
}

static void look_ahead(struct worker *w, const struct batch *b, uint32_t from, uint32_t to)
{
    struct lookahead ahead;
    ahead.n = 0;
    for (uint32_t i = from; i < to; i++) {
        const struct request *r = &b->requests[i];
        const struct key *keys = request_keys(b, r);
        for (uint32_t k = 0; k < r->nkeys; k++)
            keyspace_look_ahead(w->server->shards[keys[k].shard]->keyspace, r->db, keys[k].hash, &ahead);
    }
    lookahead_end(&ahead);
}

static void run_batch(struct worker *w, const struct shard_set *set, struct batch *b, struct effects *effects)
{
    for (uint32_t i = b->hold_first; i < b->hold_end; i++) {
        if ((i - b->hold_first) % AHEAD_REQUESTS == 0)
            look_ahead(w, b, i, i + AHEAD_REQUESTS < b->hold_end ? i + AHEAD_REQUESTS : b->hold_end);
        request_execute(w, b, &b->requests[i], &b->reply, effects, &b->wait);
        if (effects && !PLANTED(PLANTED_BUNDLE_EFFECTS_LATE))
            durable_queue_held(w, set, effects, &b->wait);
    }
    stat_add(&w->stats.transactions, b->hold_end - b->hold_first);
}

/* The shards of set are w's to use from now on. */
static void take(struct worker *w, const struct shard_set *set, struct effects *effects)
{
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX; s = shard_set_next(set, s + 1))
        shard_begin(w->server->shards[s], w->id, w->now_ms, effects);
}

/* Or their owners' again. */
static void give_back(struct worker *w, const struct shard_set *set)
{
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX; s = shard_set_next(set, s + 1))
        shard_begin(w->server->shards[s], s, w->now_ms, NULL);
}

static void run(struct worker *w, struct bundle *u)
{
    const struct shard_set *set = &u->hold.shards;
    struct effects *effects = u->alone ? &u->effects : &w->effects;
    if (!shard_journal(w->server->shards[shard_set_next(set, 0)]))
        effects = NULL;
    durable_queue(w); /* what it did before on its own shard, which need not be one of these */
    take(w, set, effects);
    for (struct batch *b = u->first; b; b = b->next)
        run_batch(w, set, b, effects);
    give_back(w, set);
    stat_add(&w->stats.bundles, 1);
}

/* Releases the shards. The batches go on once this worker's own lane, too, has let go. */
static void finish(void *arg)
{
    struct bundle *u = arg;
    struct worker *w = u->home;
    struct shard_set set = u->hold.shards;
    struct batch *b = u->first, *last = u->last;
    list_remove(&u->node);
    hold_release(&u->hold); /* u may be gone from here on */
    wake_shards(w, &set);
    w->busy = true;
    if (!b)
        return;
    *w->held_done_tail = b;
    w->held_done_tail = &last->next;
}

struct bundle *bundle_hold_all(struct worker *w)
{
    struct bundle *u = bundle_create(w);
    u->alone = true;
    u->fiber = fiber_current();
    ASSERT(u->fiber);
    for (uint32_t s = 0; s < w->shape.nshards; s++)
        shard_set_add(&u->hold.shards, s);
    while (!u->held)
        worker_yield_until(w, UINT64_MAX);
    take(w, &u->hold.shards, NULL);
    return u;
}

void bundle_release_all(struct bundle *u)
{
    give_back(u->home, &u->hold.shards);
    finish(u);
}

void bundles_progress(struct worker *w)
{
    struct batch *b = w->held_done;
    w->held_done = NULL;
    w->held_done_tail = &w->held_done;
    while (b) {
        struct batch *next = b->next;
        b->next = NULL;
        batch_progress(b);
        b = next;
    }
}

static void run_on_fiber(void *arg)
{
    struct bundle *u = arg;
    run(u->home, u);
}

void bundle_ready(struct worker *w, struct hold *h)
{
    struct bundle *u = container_of(h, struct bundle, hold);
    ASSERT(u->home == w);
    if (u->fiber) {
        u->held = true;
        worker_wake_fiber(w, u->fiber);
        return;
    }
    if (u->alone && worker_spawn(w, run_on_fiber, finish, u))
        return;
    if (PLANTED(PLANTED_EARLY_RELEASE)) {
        hold_release(h);
        wake_shards(w, &h->shards);
    }
    run(w, u);
    finish(u);
}
