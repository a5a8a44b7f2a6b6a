/* Commands about what consumers have been given and not acknowledged: XPENDING, XCLAIM, XAUTOCLAIM. Semantics, order of
 * checks and error texts: Redis 7.4 t_stream.c. */
#include <limits.h>

#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/stream_args.h"

/* ---- What they share ---- */

/* argv[i] as a number that is at least 0, else 0; error: what is answered if it is none. */
static bool arg_idle(struct cmd *c, uint32_t i, const char *error, int64_t *ms)
{
    if (!num_parse_i64(c->argv[i], ms)) {
        reply_error(c->reply, error);
        return false;
    }
    *ms = *ms < 0 ? 0 : *ms;
    return true;
}

/* The group, argv[2], of the stream at key 0; false: there is none, which has been answered. */
static bool find_group(struct cmd *c, const struct stream *s, struct stream_group **g)
{
    *g = s ? stream_find_group(s, c->argv[2]) : NULL;
    if (!*g)
        reply_errorf(c->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s'", (int)c->argv[1].len,
                     c->argv[1].ptr, (int)c->argv[2].len, c->argv[2].ptr);
    return *g;
}

/* ---- XPENDING ---- */

struct pending_options {
    int64_t idle_ms_min, count;
    struct stream_id from, to;
    struct slice consumer; /* ptr NULL: all */
};

/* [IDLE min-idle-ms] start end count [consumer] */
static bool arg_pending(struct cmd *c, struct pending_options *o)
{
    uint32_t at = 3;
    if (slice_is(c->argv[at], "idle")) {
        if (!arg_i64(c, at + 1, &o->idle_ms_min))
            return false;
        at += 2;
        if (c->argc < at + 3) {
            reply_syntax_error(c);
            return false;
        }
    }
    if (!arg_i64(c, at + 2, &o->count) || !stream_arg_start(c, at, &o->from) || !stream_arg_end(c, at + 1, &o->to))
        return false;
    if (at + 3 < c->argc)
        o->consumer = c->argv[at + 3];
    return true;
}

static void reply_summary(struct reply *r, const struct stream_group *g)
{
    struct ranked_place first, last, p;
    int64_t n = 0;
    reply_array(r, 4);
    reply_int(r, (int64_t)g->pending.items);
    if (!ranked_first(&g->pending, &first) || !ranked_last(&g->pending, &last)) {
        reply_null(r);
        reply_null(r);
        reply_null_array(r);
        return;
    }
    stream_reply_id(r, stream_pending_at(&first)->id);
    stream_reply_id(r, stream_pending_at(&last)->id);
    size_t place = reply_defer(r);
    for (bool more = ranked_first(&g->consumers, &p); more; more = ranked_next(&g->consumers, &p)) {
        const struct stream_consumer *consumer = ranked_pointer(&p);
        if (consumer->pending.items == 0)
            continue;
        reply_array(r, 2);
        reply_bulk_slice(r, consumer->name);
        reply_bulk_int(r, (int64_t)consumer->pending.items);
        n++;
    }
    reply_defer_end(r, place, '*', n);
}

static void reply_pending(struct cmd *c, const struct ranked *pending, const struct pending_options *o)
{
    struct ranked_place at;
    int64_t n = 0;
    size_t place = reply_defer(c->reply);
    for (bool more = stream_seek(pending, o->from, &at); more && n < o->count; more = ranked_next(pending, &at)) {
        const struct stream_pending *p = stream_pending_at(&at);
        int64_t idle_ms = c->now_ms - p->delivered_ms;
        if (stream_id_compare(p->id, o->to) > 0)
            break;
        if (o->idle_ms_min != 0 && idle_ms < o->idle_ms_min)
            continue;
        reply_array(c->reply, 4);
        stream_reply_id(c->reply, p->id);
        reply_bulk_slice(c->reply, p->consumer->name);
        reply_int(c->reply, idle_ms < 0 ? 0 : idle_ms);
        reply_int(c->reply, (int64_t)p->deliveries);
        n++;
    }
    reply_defer_end(c->reply, place, '*', n);
}

/* XPENDING key group [[IDLE min-idle-ms] start end count [consumer]] */
void stream_xpending(struct cmd *c)
{
    struct pending_options o = {.count = 0};
    struct stream *s;
    struct stream_group *g;
    if (c->argc != 3 && (c->argc < 6 || c->argc > 9)) {
        reply_syntax_error(c);
        return;
    }
    if ((c->argc > 3 && !arg_pending(c, &o)) || !stream_open_to_read(c, &s) || !find_group(c, s, &g))
        return;
    if (c->argc == 3) {
        reply_summary(c->reply, g);
        return;
    }
    const struct stream_consumer *consumer = o.consumer.ptr ? stream_find_consumer(g, o.consumer) : NULL;
    if (o.consumer.ptr && !consumer)
        reply_array(c->reply, 0);
    else
        reply_pending(c, consumer ? &consumer->pending : &g->pending, &o);
}

/* ---- Claiming ---- */

/* Who claims, and how. */
struct claim {
    struct stream *stream;
    struct stream_group *group;
    struct stream_consumer *consumer;
    struct stream_names names;
    int64_t idle_ms_min, delivered_ms;
    int64_t deliveries; /* -1: one more, if the message is shown */
    bool just_id;
};

static void open_claimant(struct cmd *c, struct claim *claim)
{
    claim->names = (struct stream_names){c->argv[1], c->argv[2]};
    claim->consumer = stream_open_consumer(c, claim->stream, claim->group, c->argv[3], claim->names);
}

/* Gives it to the consumer if it has been idle long enough; then it is shown in r. Returns whether it was. */
static bool claim_pending(struct cmd *c, const struct claim *claim, struct stream_pending *p, struct reply *r)
{
    if (p->consumer && claim->idle_ms_min > 0 && c->now_ms - p->delivered_ms < claim->idle_ms_min)
        return false;
    uint64_t deliveries = claim->deliveries >= 0 ? (uint64_t)claim->deliveries : p->deliveries + !claim->just_id;
    stream_give(claim->stream, claim->group, p, claim->consumer, claim->delivered_ms, deliveries);
    stream_touch_consumer(claim->stream, claim->group, claim->consumer, c->now_ms, true);
    if (claim->just_id)
        stream_reply_id(r, p->id);
    else
        stream_reply_message_of(r, claim->stream, p->id);
    stream_effect_claim(c, claim->names, claim->group, p);
    return true;
}

/* The stream has the message no more. For the journal, who claims it will see that. */
static void forget_pending(struct cmd *c, const struct claim *claim, struct stream_pending *p)
{
    stream_effect_claim(c, claim->names, claim->group, p);
    stream_drop(claim->stream, claim->group, p);
}

/* ---- XCLAIM ---- */

struct claim_options {
    uint32_t ids_end; /* argument behind the last ID */
    bool force;
    struct stream_id last_id;
};

static bool arg_claim_number(struct cmd *c, uint32_t i, const char *option, int64_t *out)
{
    if (num_parse_i64(c->argv[i], out))
        return true;
    reply_errorf(c->reply, "ERR Invalid %s option argument for XCLAIM", option);
    return false;
}

/* What follows the IDs. A time that cannot be true is taken for now. */
static bool arg_claim_options(struct cmd *c, struct claim *claim, struct claim_options *o)
{
    struct stream_id id;
    uint32_t i = 5;
    int64_t time = c->now_ms;
    while (i < c->argc && stream_id_parse(c->argv[i], 0, &id))
        i++;
    *o = (struct claim_options){.ids_end = i};
    for (; i < c->argc; i++) {
        struct slice word = c->argv[i];
        bool more = i + 1 < c->argc;
        if (slice_is(word, "force")) {
            o->force = true;
        } else if (slice_is(word, "justid")) {
            claim->just_id = true;
        } else if (slice_is(word, "idle") && more) {
            if (!arg_claim_number(c, ++i, "IDLE", &time))
                return false;
            if (__builtin_sub_overflow(c->now_ms, time, &time))
                time = c->now_ms;
        } else if (slice_is(word, "time") && more) {
            if (!arg_claim_number(c, ++i, "TIME", &time))
                return false;
        } else if (slice_is(word, "retrycount") && more) {
            if (!arg_claim_number(c, ++i, "RETRYCOUNT", &claim->deliveries))
                return false;
        } else if (slice_is(word, "lastid") && more) {
            if (!stream_arg_id(c, ++i, &o->last_id))
                return false;
        } else {
            reply_errorf(c->reply, "ERR Unrecognized XCLAIM option '%.*s'", (int)word.len, word.ptr);
            return false;
        }
    }
    claim->delivered_ms = time < 0 || time > c->now_ms ? c->now_ms : time;
    return true;
}

/* Returns whether it was claimed. */
static bool claim_id(struct cmd *c, const struct claim *claim, struct stream_id id, bool force)
{
    struct stream_pending *p = stream_find_pending(claim->group, id);
    if (!stream_has(claim->stream, id)) {
        if (p)
            forget_pending(c, claim, p);
        return false;
    }
    if (!p && force)
        p = stream_pend(claim->stream, claim->group, id);
    return p && claim_pending(c, claim, p, c->reply);
}

/* XCLAIM key group consumer min-idle-ms id [id ...] [IDLE ms] [TIME unix-time-ms] [RETRYCOUNT count] [FORCE] [JUSTID]
 * [LASTID id] */
void stream_xclaim(struct cmd *c)
{
    struct claim claim = {.deliveries = -1};
    struct claim_options o;
    int64_t n = 0;
    if (!stream_open_to_consume(c, &claim.stream) || !find_group(c, claim.stream, &claim.group) ||
        !arg_idle(c, 4, "ERR Invalid min-idle-time argument for XCLAIM", &claim.idle_ms_min) ||
        !arg_claim_options(c, &claim, &o))
        return;
    open_claimant(c, &claim);
    if (stream_id_compare(o.last_id, claim.group->last_id) > 0) {
        stream_set_group(claim.stream, claim.group, o.last_id, claim.group->entries_read);
        stream_effect_group(c, claim.names, claim.group);
    }
    size_t place = reply_defer(c->reply);
    for (uint32_t i = 5; i < o.ids_end; i++) {
        struct stream_id id;
        stream_id_parse(c->argv[i], 0, &id);
        n += claim_id(c, &claim, id, o.force);
    }
    reply_defer_end(c->reply, place, '*', n);
}

/* ---- XAUTOCLAIM ---- */

/* [COUNT count] [JUSTID] */
static bool arg_autoclaim(struct cmd *c, struct claim *claim, int64_t *count)
{
    for (uint32_t i = 6; i < c->argc; i++) {
        if (slice_is(c->argv[i], "count") && i + 1 < c->argc) {
            if (!num_parse_i64(c->argv[++i], count) || *count < 1 || *count > LONG_MAX / 16) {
                reply_error(c->reply, "ERR COUNT must be > 0");
                return false;
            }
        } else if (slice_is(c->argv[i], "justid")) {
            claim->just_id = true;
        } else {
            reply_syntax_error(c);
            return false;
        }
    }
    return true;
}

/* A reply on its way, and how many elements it has. */
struct items {
    struct reply reply;
    int64_t n;
};

/* Looks at what is pending from *id on: at most ten times count; takes count of them. *id is where to go on. */
static void claim_from(struct cmd *c, const struct claim *claim, struct stream_id *id, int64_t count,
                       struct items *claimed, struct items *deleted)
{
    const struct ranked *pending = &claim->group->pending;
    struct ranked_place at;
    bool more = stream_seek(pending, *id, &at);
    for (int64_t attempts = 10 * count; more && attempts > 0 && claimed->n + deleted->n < count; attempts--) {
        struct stream_pending *p = stream_pending_at(&at);
        struct stream_id seen = p->id;
        if (!stream_has(claim->stream, seen)) {
            stream_reply_id(&deleted->reply, seen);
            deleted->n++;
            forget_pending(c, claim, p);
            more = stream_seek(pending, seen, &at);
            continue;
        }
        claimed->n += claim_pending(c, claim, p, &claimed->reply);
        more = ranked_next(pending, &at);
    }
    *id = more ? stream_pending_at(&at)->id : STREAM_ID_MIN;
}

static void reply_items(struct reply *r, struct items *items)
{
    reply_array(r, items->n);
    reply_append_range(r, &items->reply, 0, items->reply.len);
    reply_deinit(&items->reply);
}

/* XAUTOCLAIM key group consumer min-idle-ms start [COUNT count] [JUSTID] */
void stream_xautoclaim(struct cmd *c)
{
    struct claim claim = {.deliveries = -1, .delivered_ms = c->now_ms};
    struct items claimed = {.n = 0}, deleted = {.n = 0};
    struct stream_id id;
    int64_t count = 100;
    if (!arg_idle(c, 4, "ERR Invalid min-idle-time argument for XAUTOCLAIM", &claim.idle_ms_min) ||
        !stream_arg_start(c, 5, &id) || !arg_autoclaim(c, &claim, &count) ||
        !stream_open_to_consume(c, &claim.stream) || !find_group(c, claim.stream, &claim.group))
        return;
    open_claimant(c, &claim);
    reply_init(&claimed.reply, c->reply->resp);
    reply_init(&deleted.reply, c->reply->resp);
    claim_from(c, &claim, &id, count, &claimed, &deleted);
    reply_array(c->reply, 3);
    stream_reply_id(c->reply, id);
    reply_items(c->reply, &claimed);
    reply_items(c->reply, &deleted);
}
