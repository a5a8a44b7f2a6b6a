#include "src/server/stage.h"

#include "src/base/planted.h"
#include "src/cmd/keys.h"
#include "src/server/batch_parse.h"
#include "src/server/bundle.h"
#include "src/server/durable.h"
#include "src/server/group.h"
#include "src/server/request_run.h"
#include "src/server/server.h"
#include "src/server/worker.h"

/* What the stage being built has so far. */
struct stage {
    uint32_t shard; /* of its groups, if there is one kind */
    uint32_t ngroups;
};

static bool may_join(const struct batch *b, const struct stage *s, const struct request *r)
{
    switch ((enum request_route)r->route) {
    case ROUTE_ERROR:
        return true;
    case ROUTE_HOME:
        return s->ngroups == 0 || !(r->row->flags & CMD_BARRIER);
    case ROUTE_HOLD:
        return false;
    case ROUTE_SHARD:
        break;
    }
    bool ordered = ((r->row->flags & CMD_SIGNAL) && !PLANTED(PLANTED_SIGNAL_OVERTAKES)) || b->home->strict_order;
    return !ordered || s->ngroups == 0 || (s->ngroups == 1 && s->shard == r->key.shard);
}

static void join_group(struct batch *b, struct stage *s, struct request *r)
{
    struct worker *w = b->home;
    uint32_t shard = r->key.shard;
    struct group *g = w->group_of[shard];
    if (!g) {
        g = w->group_of[shard] = group_get(w, b, shard);
        s->shard = shard;
        s->ngroups++;
    }
    r->in_group = true;
    group_add(g, r);
}

/* Consecutive requests that need several shards run under one hold. */
static void start_hold(struct batch *b)
{
    b->hold_first = b->cursor;
    b->shards = (struct shard_set){0};
    while (b->cursor < b->count && b->requests[b->cursor].route == ROUTE_HOLD) {
        struct request *r = &b->requests[b->cursor];
        bool alone = r->row->flags & CMD_FIBER;
        if ((alone && b->cursor > b->hold_first) || request_must_pause(b->client, r) ||
            request_refusal(b->client, r) != REFUSED_NOT)
            break;
        request_bind(b, r);
        r->silent = client_take_silence(b->client);
        for (uint32_t k = 0; k < r->nkeys; k++)
            shard_set_add(&b->shards, request_keys(b, r)[k].shard);
        bool all = command_needs_all_shards(r->row, r->argc, b->args.v + r->arg_first);
        for (uint32_t s = 0; all && s < b->home->shape.nshards; s++)
            shard_set_add(&b->shards, s);
        b->cursor++;
        if (alone)
            break;
    }
    b->hold_end = b->cursor;
    if (b->hold_end == b->hold_first)
        return;
    b->pending++;
    bundle_join(b->home, b);
}

/* Sends off the groups of the stage. The own shard's goes the same way: it runs in this iteration, with those of
 * others, so that the cache misses of all overlap. */
static void start_groups(struct batch *b)
{
    struct worker *w = b->home;
    for (struct group *g = b->groups; g; g = g->next) {
        w->group_of[g->shard] = NULL;
        b->pending++;
        worker_send(w, g->shard, &g->msg, MSG_GROUP);
    }
}

/* Nothing that a client or the configuration can ask for makes its requests for shards anything but usual. Holds until
 * a command of its own runs. */
static bool is_plain(const struct client *c)
{
    return c->worker->pause == PAUSE_NONE && !client_must_authenticate(c) && c->reply_mode == REPLY_ON &&
           !c->worker->strict_order && !c->worker->loading && !c->worker->write_fault;
}

bool stage_start(struct batch *b)
{
    struct stage s = {0};
    struct client *c = b->client;
    bool plain = is_plain(c);
    b->stage_first = b->cursor;
    batch_copy_source(b);
    while (b->cursor < b->count && !client_is_leaving(c)) {
        struct request *r = &b->requests[b->cursor];
        if (plain && r->route == ROUTE_SHARD && !(r->row->flags & (CMD_SIGNAL | CMD_PROTECTED))) {
            request_bind(b, r);
            r->silent = false;
            join_group(b, &s, r);
            b->cursor++;
            continue;
        }
        enum refusal why = request_refusal(c, r);
        if (why == REFUSED_NOT && (!may_join(b, &s, r) || (r->route == ROUTE_SHARD && request_must_pause(c, r))))
            break;
        if (why != REFUSED_NOT || r->route != ROUTE_SHARD) {
            enum request_run ran = request_run_here(b, b->cursor, &b->reply);
            if (ran == RAN_NOT)
                break;
            b->cursor++;
            if (ran == RAN_DEFERRED)
                break;
            plain = is_plain(c);
            continue;
        }
        request_bind(b, r);
        r->silent = client_take_silence(c);
        join_group(b, &s, r);
        b->cursor++;
    }
    if (s.ngroups)
        start_groups(b);
    else if (b->cursor == b->stage_first)
        start_hold(b);
    return b->cursor > b->stage_first;
}

/* Puts the replies of the stage in order into the output. */
static void append_replies(struct batch *b)
{
    struct reply *out = &b->client->conn.out;
    struct group **group_of = b->home->group_of;
    size_t here = 0; /* bytes of b->reply that are done with */
    for (struct group *g = b->groups; g; g = g->next)
        group_of[g->shard] = g;
    for (uint32_t i = b->stage_first; i < b->cursor; i++) {
        const struct request *r = &b->requests[i];
        size_t len = r->reply_len;
        if (r->in_group) {
            struct group *g = group_of[r->key.shard];
            len = g->requests[g->taken++].reply_len;
            if (!r->silent)
                reply_append_range(out, &g->reply, g->taken_bytes, g->taken_bytes + len);
            g->taken_bytes += len;
        } else {
            if (!r->silent)
                reply_append_range(out, &b->reply, here, here + len);
            here += len;
        }
    }
    for (struct group *g = b->groups; g; g = g->next)
        group_of[g->shard] = NULL;
}

void stage_finish(struct batch *b)
{
    struct client *c = b->client;
    struct worker *w = b->home;
    if (!c->conn.closing)
        append_replies(b);
    while (b->groups) {
        struct group *g = b->groups;
        b->groups = g->next;
        journal_wait_merge(&c->wait, &g->wait);
        group_put(w, g);
    }
    reply_clear(&b->reply, BATCH_KEEP_BYTES);
    if (!PLANTED(PLANTED_REPLY_EARLY))
        journal_wait_merge(&c->wait, &b->wait);
    b->wait = (struct journal_wait){0};
    b->stage_first = b->cursor;
}
