/* XREAD and XREADGROUP. What they do at once stands alone (read_at_once), for when they are to wait for more.
 * Semantics, order of checks and error texts: Redis 7.4 t_stream.c. */
#include "src/base/assert.h"
#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/stream_args.h"

/* A stream that is read. */
struct source {
    struct stream *stream;      /* NULL: there is none */
    struct stream_group *group; /* XREADGROUP only */
    struct stream_id after;     /* the last ID that is known already; the greatest: ">" */
};

struct reading {
    bool is_group, no_ack, blocks;
    int64_t count; /* of messages from each stream; 0: all */
    struct slice group, consumer;
    uint32_t keys_at, n; /* then n IDs follow */
    struct source *sources;
};

/* ---- Arguments ---- */

/* BLOCK's; how long it is does not matter yet. */
static bool arg_timeout(struct cmd *c, uint32_t i)
{
    int64_t ms;
    if (!num_parse_i64(c->argv[i], &ms)) {
        reply_error(c->reply, "ERR timeout is not an integer or out of range");
        return false;
    }
    bool overflows = __builtin_add_overflow(ms, c->now_ms, &ms);
    if (overflows || ms < c->now_ms)
        reply_error(c->reply, overflows ? "ERR timeout is out of range" : "ERR timeout is negative");
    return !overflows && ms >= c->now_ms;
}

static bool only_in_group(struct cmd *c, const struct reading *r, const char *option)
{
    if (!r->is_group)
        reply_errorf(c->reply, "ERR The %s option is only supported by XREADGROUP. You called XREAD instead.", option);
    return r->is_group;
}

static bool arg_streams(struct cmd *c, uint32_t i, struct reading *r)
{
    r->keys_at = i;
    r->n = (c->argc - i) / 2;
    if ((c->argc - i) % 2 == 0)
        return true;
    reply_errorf(c->reply, "ERR Unbalanced '%s' list of streams: for each stream key an ID or '%c' must be specified.",
                 c->row->full_name, r->is_group ? '>' : '$');
    return false;
}

/* All words before the keys. */
static bool arg_words(struct cmd *c, struct reading *r)
{
    for (uint32_t i = 1; i < c->argc; i++) {
        uint32_t more = c->argc - i - 1;
        if (slice_is(c->argv[i], "block") && more > 0) {
            r->blocks = true;
            if (!arg_timeout(c, ++i))
                return false;
        } else if (slice_is(c->argv[i], "count") && more > 0) {
            if (!arg_i64(c, ++i, &r->count))
                return false;
            r->count = r->count < 0 ? 0 : r->count;
        } else if (slice_is(c->argv[i], "streams") && more > 0) {
            return arg_streams(c, i + 1, r);
        } else if (slice_is(c->argv[i], "group") && more > 1) {
            if (!only_in_group(c, r, "GROUP"))
                return false;
            r->group = c->argv[++i];
            r->consumer = c->argv[++i];
        } else if (slice_is(c->argv[i], "noack")) {
            if (!only_in_group(c, r, "NOACK"))
                return false;
            r->no_ack = true;
        } else {
            break;
        }
    }
    reply_syntax_error(c);
    return false;
}

#define MEANINGLESS(ID)                                                                                                \
    "ERR The " ID " ID is meaningless in the context of XREADGROUP: you want to read the history of this "             \
    "consumer by specifying a proper ID, or use the > ID to get new messages. The " ID " ID would just return "        \
    "an empty result set."

/* The ID of the source: from where on it is read. */
static bool arg_after(struct cmd *c, uint32_t i, const struct reading *r, struct source *from)
{
    const struct stream *s = from->stream;
    const char *error = NULL;
    from->after = STREAM_ID_MIN;
    if (slice_is(c->argv[i], "$")) {
        if (r->is_group)
            error = MEANINGLESS("$");
        else if (s)
            from->after = s->last_id;
    } else if (slice_is(c->argv[i], "+")) {
        if (r->is_group) {
            error = MEANINGLESS("+");
        } else if (s && s->length > 0) {
            from->after = stream_last_message(s);
            stream_id_decrement(&from->after);
        }
    } else if (slice_is(c->argv[i], ">")) {
        if (!r->is_group)
            error = "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> "
                    "option.";
        from->after = STREAM_ID_MAX;
    } else {
        return stream_arg_id(c, i, &from->after);
    }
    if (error)
        reply_error(c->reply, error);
    return !error;
}

static bool open_source(struct cmd *c, uint32_t i, const struct reading *r, struct source *from)
{
    struct slice key = c->argv[r->keys_at + i];
    enum status status =
        (r->is_group ? stream_consume : stream_read)(cmd_keyspace(c, i), c->db, &c->keys[i], &from->stream);
    if (status) {
        error_reply(c->reply, status);
        return false;
    }
    from->group = r->is_group && from->stream ? stream_find_group(from->stream, r->group) : NULL;
    if (r->is_group && !from->group) {
        reply_errorf(c->reply, "NOGROUP No such key '%.*s' or consumer group '%.*s' in XREADGROUP with GROUP option",
                     (int)key.len, key.ptr, (int)r->group.len, r->group.ptr);
        return false;
    }
    return arg_after(c, r->keys_at + r->n + i, r, from);
}

/* ---- Messages ---- */

/* New ones to a group's consumer. */
static int64_t deliver(struct cmd *c, const struct reading *r, const struct source *from, struct stream_id start,
                       struct stream_consumer *consumer, struct stream_names names)
{
    struct stream *s = from->stream;
    struct stream_group *g = from->group;
    struct stream_cursor at;
    int64_t n = 0;
    for (bool more = stream_find(s, start, &at); more; more = stream_next(&at)) {
        struct stream_id id = at.message.id;
        stream_advance_group(s, g, id);
        stream_reply_message(c->reply, &at);
        if (!r->no_ack) {
            struct stream_pending *p = stream_find_pending(g, id);
            p = p ? p : stream_pend(s, g, id);
            stream_give(s, g, p, consumer, c->now_ms, 1);
            stream_effect_claim(c, names, g, p);
        }
        if (++n == r->count)
            break;
    }
    if (n > 0) /* claims do not say how much has been read */
        stream_effect_group(c, names, g);
    if (n > 0 && !r->no_ack)
        stream_touch_consumer(s, g, consumer, c->now_ms, true);
    return n;
}

/* What a consumer has been given already; nobody else sees that it was given it again, as in Redis. */
static int64_t repeat(struct cmd *c, const struct reading *r, const struct source *from, struct stream_id start,
                      struct stream_consumer *consumer)
{
    struct stream *s = from->stream;
    struct ranked_place place;
    struct stream_cursor at;
    int64_t n = 0;
    for (bool more = stream_seek(&consumer->pending, start, &place); more && (r->count == 0 || n < r->count);
         more = ranked_next(&consumer->pending, &place), n++) {
        struct stream_pending *p = stream_pending_at(&place);
        if (stream_find(s, p->id, &at) && stream_id_compare(at.message.id, p->id) == 0) {
            stream_reply_message(c->reply, &at);
            stream_give(s, from->group, p, consumer, c->now_ms, p->deliveries + 1);
        } else {
            reply_array(c->reply, 2);
            stream_reply_id(c->reply, p->id);
            reply_null_array(c->reply);
        }
    }
    return n;
}

static int64_t read_plainly(struct cmd *c, const struct reading *r, const struct source *from, struct stream_id start)
{
    struct stream_cursor at;
    int64_t n = 0;
    for (bool more = stream_find(from->stream, start, &at); more; more = stream_next(&at)) {
        stream_reply_message(c->reply, &at);
        if (++n == r->count)
            break;
    }
    return n;
}

/* ---- Streams ---- */

static bool has_newer(const struct stream *s, struct stream_id id)
{
    return s->length > 0 && stream_id_compare(stream_last_message(s), id) > 0;
}

/* Replies with what the source has, if it has something; returns whether it has. */
static bool read_source(struct cmd *c, const struct reading *r, uint32_t i)
{
    const struct source *from = &r->sources[i];
    struct stream_names names = {c->argv[r->keys_at + i], r->group};
    if (!from->stream)
        return false;
    bool is_new = stream_id_compare(from->after, STREAM_ID_MAX) == 0, is_history = r->is_group && !is_new;
    struct stream_id start = r->is_group && is_new ? from->group->last_id : from->after;
    struct stream_consumer *consumer = NULL;
    if (r->is_group)
        consumer = stream_open_consumer(c, from->stream, from->group, r->consumer, names);
    if (!is_history && !has_newer(from->stream, start))
        return false;
    stream_id_increment(&start);
    if (c->reply->resp == 2)
        reply_array(c->reply, 2);
    reply_bulk_slice(c->reply, names.key);
    size_t place = reply_defer(c->reply);
    int64_t n;
    if (is_history)
        n = repeat(c, r, from, start, consumer);
    else if (r->is_group)
        n = deliver(c, r, from, start, consumer, names);
    else
        n = read_plainly(c, r, from, start);
    reply_defer_end(c->reply, place, '*', n);
    return true;
}

/* Replies with what all sources have; false, and no reply: nothing. */
static bool read_at_once(struct cmd *c, const struct reading *r)
{
    int64_t n = 0;
    size_t place = reply_defer(c->reply);
    for (uint32_t i = 0; i < r->n; i++)
        n += read_source(c, r, i);
    if (n > 0)
        reply_defer_end(c->reply, place, c->reply->resp == 2 ? '*' : '%', n);
    return n > 0;
}

static bool open_sources(struct cmd *c, const struct reading *r)
{
    ASSERT(c->nkeys == r->n); /* keys_of_xread reads the words as arg_words does */
    for (uint32_t i = 0; i < r->n; i++)
        if (!open_source(c, i, r, &r->sources[i]))
            return false;
    return true;
}

static void read_streams(struct cmd *c, bool is_group)
{
    struct reading r = {.is_group = is_group};
    if (!arg_words(c, &r))
        return;
    if (is_group && !r.group.ptr) {
        reply_error(c->reply, "ERR Missing GROUP option for XREADGROUP");
        return;
    }
    r.sources = mem_alloc(NULL, r.n * sizeof *r.sources);
    if (open_sources(c, &r) && !read_at_once(c, &r)) {
        if (r.blocks)
            reply_error(c->reply, "ERR waiting for messages (BLOCK) is not built yet");
        else
            reply_null_array(c->reply);
    }
    mem_free(NULL, r.sources);
}

/* XREAD [COUNT count] [BLOCK ms] STREAMS key [key ...] id [id ...] */
void stream_xread(struct cmd *c) { read_streams(c, false); }

/* XREADGROUP GROUP group consumer [COUNT count] [BLOCK ms] [NOACK] STREAMS key [key ...] id [id ...] */
void stream_xreadgroup(struct cmd *c) { read_streams(c, true); }
