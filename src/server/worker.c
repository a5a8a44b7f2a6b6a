#include "src/server/worker.h"

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/server/ask.h"
#include "src/server/batch.h"
#include "src/server/bundle.h"
#include "src/server/client.h"
#include "src/server/config.h"
#include "src/server/durable.h"
#include "src/server/group.h"
#include "src/server/listen.h"
#include "src/server/load_chunk.h"
#include "src/server/loader.h"
#include "src/server/loading.h"
#include "src/server/server.h"

enum {
    CRON_NS = 100 * 1000 * 1000,
    FIBER_SLICE_NS = 1000 * 1000,
    EXPIRE_BUDGET = 256, /* keys looked at in one iteration */
    FREE_BUDGET = 512,   /* entries freed in one iteration */
};

/* ---- Messages ---- */

void worker_send(struct worker *w, uint32_t target, struct message *msg, enum message_kind kind)
{
    msg->kind = (int)kind;
    struct outbox *o = &w->outbox[target];
    if (!o->newest && target != w->id)
        w->outbox_dirty[w->outbox_ndirty++] = target;
    outbox_add(o, msg);
}

static void wake(struct worker *w, struct worker *target)
{
    stat_add(&w->stats.wakes, 1);
    io_wake(w->io, target->io);
}

static void publish(struct worker *w)
{
    for (uint32_t i = 0; i < w->outbox_ndirty; i++) {
        uint32_t target = w->outbox_dirty[i];
        struct worker *t = w->server->workers[target];
        if (mailbox_publish(&t->mailbox, &w->outbox[target]))
            wake(w, t);
    }
    w->outbox_ndirty = 0;
}

void worker_wake(struct worker *w, uint32_t target)
{
    struct worker *t = w->server->workers[target];
    if (mailbox_needs_wake(&t->mailbox))
        wake(w, t);
}

static void park(struct worker *w, struct message *msg)
{
    msg->next = NULL;
    *w->parked_tail = msg;
    w->parked_tail = &msg->next;
}

static void run_on_shard(struct worker *w, struct message *msg)
{
    if (msg->kind == MSG_CHUNK) {
        struct load_chunk *c = (struct load_chunk *)msg;
        load_chunk_run(w, c);
        worker_send(w, c->batch.home->id, msg, MSG_CHUNK_DONE);
        return;
    }
    if (msg->kind == MSG_ASK_SHARD) {
        /* It changes nothing itself, but keys that it finds expired are deleted. */
        struct effects *effects = PLANTED(PLANTED_EXPIRY_UNTOLD) ? NULL : durable_effects(w);
        shard_begin(&w->shard, w->id, w->now_ms, effects);
        ask_step(w, (struct ask_part *)msg);
        return;
    }
    struct group *g = (struct group *)msg;
    group_run(w, g);
    if (g->home == w->id)
        batch_progress(g->batch);
    else
        worker_send(w, g->home, msg, MSG_GROUP_DONE);
}

static void take_message(struct worker *w, struct message *msg)
{
    switch ((enum message_kind)msg->kind) {
    case MSG_GROUP:
    case MSG_CHUNK:
    case MSG_ASK_SHARD:
        if ((lane_is_held(w->lane) && !PLANTED(PLANTED_HELD_SHARD_RUNS)) || w->parked)
            park(w, msg); /* behind those that wait already */
        else
            run_on_shard(w, msg);
        break;
    case MSG_GROUP_DONE:
        batch_progress(((struct group *)msg)->batch);
        break;
    case MSG_CHUNK_DONE:
        loader_take_back((struct load_chunk *)msg);
        break;
    case MSG_HOLD_READY:
        bundle_ready(w, container_of(msg, struct hold, ready));
        break;
    case MSG_ASK:
        ask_step(w, (struct ask_part *)msg);
        break;
    case MSG_ASK_DONE: {
        struct ask *a = (struct ask *)msg;
        a->done(w, a);
        break;
    }
    case MSG_CLIENT:
        client_adopt(w, container_of(msg, struct client, msg));
        break;
    }
}

/* What this worker sent itself (which needs no mailbox), then what others sent it. */
static struct message *collect_mail(struct worker *w)
{
    struct message *own = outbox_take(&w->outbox[w->id]), *last = own;
    struct message *others = mailbox_empty(&w->mailbox) ? NULL : mailbox_take(&w->mailbox);
    if (!own)
        return others;
    while (last->next)
        last = last->next;
    last->next = others;
    return own;
}

static void take_mail(struct worker *w)
{
    struct message *msg = collect_mail(w);
    const struct message *ahead = msg; /* up to here all is on its way into the cache */
    while (msg) {
        struct message *next = msg->next;
        if (msg == ahead && !lane_is_held(w->lane))
            ahead = groups_look_ahead(w, msg);
        else if (msg == ahead)
            ahead = next;
        take_message(w, msg);
        msg = next;
    }
}

static void run_parked(struct worker *w)
{
    struct message *msg = w->parked;
    w->parked = NULL;
    w->parked_tail = &w->parked;
    while (msg) {
        struct message *next = msg->next;
        run_on_shard(w, msg);
        msg = next;
    }
}

static void run_again(struct worker *w)
{
    struct list now, *n;
    list_take_all(&now, &w->again);
    while ((n = list_pop_front(&now))) {
        struct ask_part *part = container_of(n, struct ask_part, node);
        take_message(w, &part->msg);
    }
}

/* ---- Lanes ---- */

static bool lane_is_due(const struct worker *w)
{
    return lane_has_work(w->lane) || lane_deadline_ns(w->lane) <= w->now_ns;
}

static void run_lane(struct worker *w)
{
    while (lane_is_due(w)) {
        if (!PLANTED(PLANTED_HELD_UNQUEUED))
            durable_queue(w); /* the shard may be held from the next line on */
        struct lane_news news = lane_step(&w->server->lanes, w->id, w->now_ns);
        if (news.complete)
            for (uint32_t s = shard_set_next(&news.complete->shards, 0); s < SHARDS_MAX;
                 s = shard_set_next(&news.complete->shards, s + 1))
                if (s != w->id)
                    worker_wake(w, s);
        if (news.ready && news.ready->home != w->id)
            worker_send(w, news.ready->home, &news.ready->ready, MSG_HOLD_READY);
        else if (news.ready)
            bundle_ready(w, news.ready);
        /* What queued up during a hold runs before the next one; while taken back, the shard is free as well. */
        if (!lane_is_held(w->lane) && w->parked)
            run_parked(w);
        if (!news.released && !news.ready)
            return;
    }
}

/* ---- Fibers ---- */

static void fiber_step(struct worker *w, struct worker_fiber *f)
{
    f->wake_ns = 0;
    fiber_resume(f->fiber);
    if (!fiber_done(f->fiber))
        return;
    list_remove(&f->node);
    fiber_destroy(f->fiber);
    f->finish(f->arg);
    mem_free(NULL, f);
    w->busy = true;
}

bool worker_spawn(struct worker *w, fiber_fn *fn, void (*finish)(void *arg), void *arg)
{
    struct worker_fiber *f = mem_zalloc(NULL, sizeof *f);
    f->fiber = fiber_create(fn, arg, 0);
    if (!f->fiber) {
        mem_free(NULL, f);
        return false;
    }
    f->finish = finish;
    f->arg = arg;
    list_push_back(&w->fibers, &f->node);
    fiber_step(w, f);
    return true;
}

/* NULL: it is none of this worker's. */
static struct worker_fiber *find_fiber(struct worker *w, const struct fiber *fiber)
{
    for (struct list *n = w->fibers.next; n != &w->fibers; n = n->next) {
        struct worker_fiber *f = container_of(n, struct worker_fiber, node);
        if (f->fiber == fiber)
            return f;
    }
    return NULL;
}

void worker_yield_until(struct worker *w, uint64_t wake_ns)
{
    struct worker_fiber *f = find_fiber(w, fiber_current());
    if (!f)
        return;
    f->wake_ns = wake_ns;
    fiber_yield();
}

/* For commands that take long. */
static void give_way(struct cmd_host *host)
{
    struct worker *w = container_of(host, struct worker, host);
    if (io_now_ns(w->io) - w->now_ns >= FIBER_SLICE_NS)
        worker_yield_until(w, 0);
}

void worker_wake_fiber(struct worker *w, const struct fiber *fiber)
{
    struct worker_fiber *f = find_fiber(w, fiber);
    ASSERT(f);
    f->wake_ns = 0;
}

static void run_fibers(struct worker *w)
{
    for (struct list *n = w->fibers.next, *next; n != &w->fibers; n = next) {
        next = n->next;
        struct worker_fiber *f = container_of(n, struct worker_fiber, node);
        if (f->wake_ns <= w->now_ns)
            fiber_step(w, f);
    }
}

/* ---- The loop ---- */

void worker_tick(struct worker *w)
{
    w->time_seen = true;
    w->now_ns = io_now_ns(w->io);
    w->now_ms = io_wall_us(w->io) / 1000;
}

/* A slice of what is due. */
static void expire(struct worker *w)
{
    uint64_t began_ns = io_now_ns(w->io);
    if (keyspace_expire_step(w->shard.keyspace, EXPIRE_BUDGET)) {
        w->busy = true;
        stat_add(&w->stats.expire_unfinished, 1);
    }
    stat_add(&w->stats.expire_ns, io_now_ns(w->io) - began_ns);
}

/* Expiry and freeing, a slice an iteration as long as there is something due. */
static void maintain(struct worker *w)
{
    if (lane_is_held(w->lane))
        return;
    shard_begin(&w->shard, w->id, w->now_ms, durable_effects(w));
    if (w->expire_active && !w->write_fault && keyspace_next_expiry_ms(w->shard.keyspace) <= w->now_ms)
        expire(w);
    if (w->freeing) {
        w->freeing = keyspace_free_step(w->shard.keyspace, FREE_BUDGET);
        w->busy = w->busy || w->freeing;
    }
}

static void cron(struct worker *w)
{
    if (w->now_ns < w->cron_ns)
        return;
    w->cron_ns = w->now_ns + CRON_NS;
    w->freeing = true; /* looks whether there is something to free or to merge */
    clients_cron(w);
    batches_trim(w);
    groups_trim(w);
    server_cron(w);
}

static uint64_t next_deadline(struct worker *w)
{
    uint64_t deadline = w->cron_ns;
    uint64_t lane = lane_deadline_ns(w->lane);
    uint64_t journal = durable_deadline_ns(w);
    if (lane < deadline)
        deadline = lane;
    if (journal < deadline)
        deadline = journal;
    for (struct list *n = w->fibers.next; n != &w->fibers; n = n->next) {
        uint64_t wake = container_of(n, struct worker_fiber, node)->wake_ns;
        if (wake < deadline)
            deadline = wake;
    }
    return deadline;
}

/* Waits for the kernel or for others, unless there is something to do already. */
static void wait_for_work(struct worker *w)
{
    if (w->busy || w->outbox[w->id].newest || !mailbox_empty(&w->mailbox) || lane_has_work(w->lane)) {
        w->busy = false;
        io_reap(w->io);
        return;
    }
    mailbox_announce_sleep(&w->mailbox);
    if (mailbox_empty(&w->mailbox) && !lane_has_work(w->lane) && !durable_has_work(w))
        io_wait(w->io, next_deadline(w));
    else
        io_reap(w->io);
    mailbox_awake(&w->mailbox);
}

void worker_run(struct worker *w)
{
    mem_count_thread(&w->memory);
    ASSERT(io_enter(w->io) == 0);
    worker_tick(w);
    w->cron_ns = w->now_ns + CRON_NS;
    if (w->id == 0)
        server_started(w);
    while (!w->ended || durable_is_syncing(w)) {
        w->time_seen = false;
        wait_for_work(w);
        worker_see_time(w);
        take_mail(w);
        run_again(w);
        run_lane(w);
        if (!list_empty(&w->fibers))
            run_fibers(w);
        bundles_progress(w);
        clients_unthrottle(w);
        cron(w);
        if (w->id == 0)
            server_poll(w);
        maintain(w);
        durable_queue(w);
        bundles_put(w);
        publish(w);
        durable_write(w);
        clients_flush(w);
        durable_sync(w);
        clients_reap(w);
        stat_add(&w->stats.iterations, 1);
    }
    io_reap(w->io); /* sends the last wakes off */
}

/* While nothing can be written, or in a pause, what expires stays: nobody sees it, and nothing is queued for it. */
static void keep_expired(struct worker *w)
{
    int64_t pause_until_ms = w->pause == PAUSE_NONE ? 0 : w->pause_until_ms;
    keyspace_keep_expired(w->shard.keyspace, w->write_fault ? INT64_MAX : pause_until_ms);
}

void worker_set_write_fault(struct worker *w, int fault)
{
    if (w->write_fault == fault)
        return;
    w->write_fault = fault;
    keep_expired(w);
}

static struct limits limits_of(const struct config *config)
{
    return (struct limits){
        .proto_max_bulk_len = (int64_t)config->proto_max_bulk_len,
        .hll_sparse_max_bytes = config->hll_sparse_max_bytes,
        .databases = (uint32_t)config->databases,
        .hash = {(uint64_t)config->hash_max_listpack_entries, (uint64_t)config->hash_max_listpack_value},
        .set = {{(uint64_t)config->set_max_listpack_entries, (uint64_t)config->set_max_listpack_value},
                (uint64_t)config->set_max_intset_entries},
        .list_node_size = (int32_t)config->list_max_listpack_size,
        .collate = config->locale_collate,
        .stream = {(uint64_t)config->stream_node_max_bytes, (uint64_t)config->stream_node_max_entries},
        .zset = {(uint64_t)config->zset_max_listpack_entries, (uint64_t)config->zset_max_listpack_value},
    };
}

void worker_take_control(struct worker *w, const struct control_state *state)
{
    const struct control_state *old = w->control;
    w->control = state;
    w->config = state->config;
    w->limits = limits_of(state->config);
    w->strict_order = state->config->pipeline_order == PIPELINE_ORDER_STRICT;
    w->pause = state->pause;
    w->pause_until_ms = state->pause_until_ms;
    w->expire_active = state->expire_active;
    keep_expired(w);
    if (old)
        control_release(old);
    clients_unpause(w);
}

uint64_t worker_random(struct worker *w) { return random_u64(&w->random); }

void worker_init(struct worker *w, struct server *server, uint32_t id, struct io *io)
{
    w->id = id;
    w->server = server;
    w->io = io;
    mailbox_init(&w->mailbox);
    w->lane = &server->lanes.lane[id];
    w->shape = (struct key_space_shape){server->hash_seed, server->nworkers};
    w->host = (struct cmd_host){&w->shape, give_way};
    w->outbox = mem_zalloc(NULL, server->nworkers * sizeof *w->outbox);
    w->outbox_dirty = mem_zalloc(NULL, server->nworkers * sizeof *w->outbox_dirty);
    w->group_of = mem_zalloc(NULL, server->nworkers * sizeof(struct group *));
    w->parked_tail = &w->parked;
    list_init(&w->again);
    list_init(&w->clients);
    list_init(&w->dirty);
    list_init(&w->unsafe);
    list_init(&w->closing);
    list_init(&w->paused);
    list_init(&w->throttled);
    list_init(&w->open_bundles);
    list_init(&w->flying_bundles);
    list_init(&w->fibers);
    effects_init(&w->effects);
    random_init(&w->random, server->hash_seed ^ (id + 1));
    w->held_done_tail = &w->held_done;
    shard_init(&w->shard, id, server->databases, server->hash_seed);
}

void worker_deinit(struct worker *w)
{
    control_release(w->control);
    batches_deinit(w);
    groups_deinit(w);
    out_pool_deinit(&w->out_pool);
    shard_deinit(&w->shard);
    effects_deinit(&w->effects);
    mem_free(NULL, w->stamps);
    mem_free(NULL, w->outbox);
    mem_free(NULL, w->outbox_dirty);
    mem_free(NULL, w->group_of);
    io_destroy(w->io);
}
