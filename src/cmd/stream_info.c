/* XINFO. Replies: Redis 7.4 t_stream.c. */
#include "src/cmd/args.h"
#include "src/cmd/stream_args.h"

/* The stream at key 0, which has to be there. */
static bool open_stream(struct cmd *c, struct stream **s)
{
    if (!stream_open_to_read(c, s))
        return false;
    if (!*s)
        reply_error(c->reply, "ERR no such key");
    return *s;
}

static void reply_named_int(struct reply *r, const char *name, int64_t v)
{
    reply_bulk_str(r, name);
    reply_int(r, v);
}

static void reply_named_id(struct reply *r, const char *name, struct stream_id id)
{
    reply_bulk_str(r, name);
    stream_reply_id(r, id);
}

static void reply_named_text(struct reply *r, const char *name, struct slice text)
{
    reply_bulk_str(r, name);
    reply_bulk_slice(r, text);
}

/* Two fields of every group. */
static void reply_progress(struct reply *r, const struct stream *s, const struct stream_group *g)
{
    int64_t lag;
    reply_bulk_str(r, "entries-read");
    if (g->entries_read != STREAM_READ_UNKNOWN)
        reply_int(r, g->entries_read);
    else
        reply_null(r);
    reply_bulk_str(r, "lag");
    if (stream_group_lag(s, g, &lag))
        reply_int(r, lag);
    else
        reply_null(r);
}

/* ---- Groups and consumers ---- */

/* XINFO GROUPS key */
void stream_xinfo_groups(struct cmd *c)
{
    struct reply *r = c->reply;
    struct stream *s;
    struct ranked_place p;
    if (!open_stream(c, &s))
        return;
    reply_array(r, (int64_t)s->groups.items);
    for (bool more = ranked_first(&s->groups, &p); more; more = ranked_next(&s->groups, &p)) {
        const struct stream_group *g = ranked_pointer(&p);
        reply_map(r, 6);
        reply_named_text(r, "name", g->name);
        reply_named_int(r, "consumers", (int64_t)g->consumers.items);
        reply_named_int(r, "pending", (int64_t)g->pending.items);
        reply_named_id(r, "last-delivered-id", g->last_id);
        reply_progress(r, s, g);
    }
}

/* XINFO CONSUMERS key group */
void stream_xinfo_consumers(struct cmd *c)
{
    struct reply *r = c->reply;
    struct stream *s;
    struct stream_group *g;
    struct ranked_place p;
    if (!open_stream(c, &s) || !stream_open_group(c, s, &g))
        return;
    reply_array(r, (int64_t)g->consumers.items);
    for (bool more = ranked_first(&g->consumers, &p); more; more = ranked_next(&g->consumers, &p)) {
        const struct stream_consumer *consumer = ranked_pointer(&p);
        int64_t idle_ms = c->now_ms - consumer->seen_ms;
        reply_map(r, 4);
        reply_named_text(r, "name", consumer->name);
        reply_named_int(r, "pending", (int64_t)consumer->pending.items);
        reply_named_int(r, "idle", idle_ms < 0 ? 0 : idle_ms);
        reply_named_int(r, "inactive", consumer->active_ms < 0 ? -1 : c->now_ms - consumer->active_ms);
    }
}

/* ---- XINFO STREAM ---- */

/* [FULL [COUNT count]] */
static bool arg_full(struct cmd *c, bool *full, int64_t *count)
{
    *full = c->argc > 3;
    *count = 10;
    if ((*full && !slice_is(c->argv[3], "full")) || (c->argc > 4 && (c->argc != 6 || !slice_is(c->argv[4], "count")))) {
        stream_reply_subcommand_error(c);
        return false;
    }
    if (c->argc == 6 && !arg_i64(c, 5, count))
        return false;
    if (*count < 0)
        *count = 10;
    return true;
}

/* Up to count of a group's or a consumer's, 0: all. */
static void reply_pending(struct reply *r, const struct ranked *pending, int64_t count, bool with_consumer)
{
    struct ranked_place at;
    int64_t n = (int64_t)pending->items;
    n = count > 0 && count < n ? count : n;
    reply_bulk_str(r, "pending");
    reply_array(r, n);
    for (bool more = ranked_first(pending, &at); more && n > 0; more = ranked_next(pending, &at), n--) {
        const struct stream_pending *p = stream_pending_at(&at);
        reply_array(r, with_consumer ? 4 : 3);
        stream_reply_id(r, p->id);
        if (with_consumer)
            reply_bulk_slice(r, p->consumer->name);
        reply_int(r, p->delivered_ms);
        reply_int(r, (int64_t)p->deliveries);
    }
}

static void reply_consumers(struct reply *r, const struct stream_group *g, int64_t count)
{
    struct ranked_place p;
    reply_bulk_str(r, "consumers");
    reply_array(r, (int64_t)g->consumers.items);
    for (bool more = ranked_first(&g->consumers, &p); more; more = ranked_next(&g->consumers, &p)) {
        const struct stream_consumer *consumer = ranked_pointer(&p);
        reply_map(r, 5);
        reply_named_text(r, "name", consumer->name);
        reply_named_int(r, "seen-time", consumer->seen_ms);
        reply_named_int(r, "active-time", consumer->active_ms);
        reply_named_int(r, "pel-count", (int64_t)consumer->pending.items);
        reply_pending(r, &consumer->pending, count, false);
    }
}

static void reply_full(struct reply *r, const struct stream *s, int64_t count)
{
    struct ranked_place p;
    struct stream_cursor at;
    int64_t n = 0;
    reply_bulk_str(r, "entries");
    size_t place = reply_defer(r);
    for (bool more = stream_find(s, STREAM_ID_MIN, &at); more; more = stream_next(&at)) {
        stream_reply_message(r, &at);
        if (++n == count)
            break;
    }
    reply_defer_end(r, place, '*', n);
    reply_bulk_str(r, "groups");
    reply_array(r, (int64_t)s->groups.items);
    for (bool more = ranked_first(&s->groups, &p); more; more = ranked_next(&s->groups, &p)) {
        const struct stream_group *g = ranked_pointer(&p);
        reply_map(r, 7);
        reply_named_text(r, "name", g->name);
        reply_named_id(r, "last-delivered-id", g->last_id);
        reply_progress(r, s, g);
        reply_named_int(r, "pel-count", (int64_t)g->pending.items);
        reply_pending(r, &g->pending, count, true);
        reply_consumers(r, g, count);
    }
}

static void reply_edge(struct reply *r, const char *name, bool found, struct stream_cursor *at)
{
    reply_bulk_str(r, name);
    if (found)
        stream_reply_message(r, at);
    else
        reply_null(r);
}

static void reply_summary(struct reply *r, const struct stream *s)
{
    struct stream_cursor at;
    reply_named_int(r, "groups", (int64_t)s->groups.items);
    reply_edge(r, "first-entry", stream_find(s, STREAM_ID_MIN, &at), &at);
    reply_edge(r, "last-entry", stream_find_back(s, STREAM_ID_MAX, &at), &at);
}

/* XINFO STREAM key [FULL [COUNT count]] */
void stream_xinfo_stream(struct cmd *c)
{
    struct reply *r = c->reply;
    struct stream *s;
    bool full;
    int64_t count;
    if (!open_stream(c, &s) || !arg_full(c, &full, &count))
        return;
    reply_map(r, full ? 9 : 10);
    reply_named_int(r, "length", (int64_t)s->length);
    reply_named_int(r, "radix-tree-keys", (int64_t)s->nodes.items);
    reply_named_int(r, "radix-tree-nodes", (int64_t)stream_radix_nodes(s));
    reply_named_id(r, "last-generated-id", s->last_id);
    reply_named_id(r, "max-deleted-entry-id", s->max_deleted_id);
    reply_named_int(r, "entries-added", (int64_t)s->entries_added);
    reply_named_id(r, "recorded-first-entry-id", s->first_id);
    if (full)
        reply_full(r, s, count);
    else
        reply_summary(r, s);
}
