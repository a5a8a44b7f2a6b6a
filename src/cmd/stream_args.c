#include "src/cmd/stream_args.h"

#include "src/base/assert.h"
#include "src/cmd/args.h"
#include "src/cmd/error.h"

/* ---- IDs ---- */

void stream_reply_invalid_id(struct cmd *c)
{
    reply_error(c->reply, "ERR Invalid stream ID specified as stream command argument");
}

bool stream_arg_id(struct cmd *c, uint32_t i, struct stream_id *id)
{
    if (stream_id_parse(c->argv[i], 0, id))
        return true;
    stream_reply_invalid_id(c);
    return false;
}

bool stream_arg_ids(struct cmd *c, uint32_t i, struct stream_id **ids)
{
    *ids = mem_alloc(NULL, (c->argc - i) * sizeof **ids);
    for (uint32_t n = 0; i + n < c->argc; n++)
        if (!stream_arg_id(c, i + n, *ids + n))
            return false;
    return true;
}

/* The ends of all streams. */
static bool parse_edge(struct slice text, struct stream_id *id)
{
    bool is_min = slice_is(text, "-");
    *id = is_min ? STREAM_ID_MIN : STREAM_ID_MAX;
    return is_min || slice_is(text, "+");
}

/* *open: the end does not belong to the range. */
static bool arg_range_end(struct cmd *c, uint32_t i, uint64_t missing_seq, struct stream_id *id, bool *open)
{
    struct slice text = c->argv[i];
    *open = text.len > 1 && text.ptr[0] == '(';
    if (*open)
        text = slice_of(text.ptr + 1, text.len - 1);
    else if (parse_edge(text, id))
        return true;
    if (stream_id_parse(text, missing_seq, id))
        return true;
    stream_reply_invalid_id(c);
    return false;
}

bool stream_arg_start(struct cmd *c, uint32_t i, struct stream_id *id)
{
    bool open;
    if (!arg_range_end(c, i, 0, id, &open))
        return false;
    if (!open || stream_id_increment(id))
        return true;
    reply_error(c->reply, "ERR invalid start ID for the interval");
    return false;
}

bool stream_arg_end(struct cmd *c, uint32_t i, struct stream_id *id)
{
    bool open;
    if (!arg_range_end(c, i, UINT64_MAX, id, &open))
        return false;
    if (!open || stream_id_decrement(id))
        return true;
    reply_error(c->reply, "ERR invalid end ID for the interval");
    return false;
}

/* ---- Options of XADD and XTRIM ---- */

/* The word behind MAXLEN or MINID at *i, and how: [=|~]; then *i is the place of what to trim to. */
static bool arg_trim(struct cmd *c, uint32_t *i, int by, struct stream_options *o)
{
    if (o->trim.by != STREAM_TRIM_NONE) {
        reply_error(c->reply, "ERR syntax error, MAXLEN and MINID options at the same time are not compatible");
        return false;
    }
    uint32_t at = *i + 1;
    if (at + 1 < c->argc && (slice_is(c->argv[at], "~") || slice_is(c->argv[at], "=")))
        o->trim.approximate = slice_is(c->argv[at++], "~");
    o->trim.by = by;
    o->trim_at = *i = at;
    return true;
}

static bool arg_max_length(struct cmd *c, uint32_t i, struct stream_trim *trim)
{
    int64_t length;
    if (!arg_i64(c, i, &length))
        return false;
    trim->length_max = (uint64_t)length;
    if (length < 0)
        reply_error(c->reply, "ERR The MAXLEN argument must be >= 0.");
    return length >= 0;
}

static bool arg_limit(struct cmd *c, uint32_t i, struct stream_trim *trim)
{
    int64_t limit;
    if (!arg_i64(c, i, &limit))
        return false;
    trim->limit = (uint64_t)limit;
    if (limit < 0)
        reply_error(c->reply, "ERR The LIMIT argument must be >= 0.");
    return limit >= 0;
}

/* The ID of XADD: *, ms-*, or a whole one. */
static bool arg_new_id(struct cmd *c, uint32_t i, struct stream_options *o)
{
    struct slice text = c->argv[i];
    o->id_at = i;
    if (slice_is(text, "*"))
        return true;
    o->has_ms = o->has_seq = true;
    if (text.len > 2 && memcmp(text.ptr + text.len - 2, "-*", 2) == 0) {
        o->has_seq = false;
        text.len -= 2;
        if (memchr(text.ptr, '-', text.len)) {
            stream_reply_invalid_id(c);
            return false;
        }
    }
    if (stream_id_parse(text, 0, &o->id))
        return true;
    stream_reply_invalid_id(c);
    return false;
}

/* Up to the ID, if is_add, else up to the end. */
static bool arg_words(struct cmd *c, bool is_add, struct stream_options *o, bool *has_limit)
{
    for (uint32_t i = 2; i < c->argc; i++) {
        bool more = i + 1 < c->argc;
        if (slice_is(c->argv[i], "maxlen") && more) {
            if (!arg_trim(c, &i, STREAM_TRIM_LENGTH, o) || !arg_max_length(c, i, &o->trim))
                return false;
        } else if (slice_is(c->argv[i], "minid") && more) {
            if (!arg_trim(c, &i, STREAM_TRIM_ID, o) || !stream_arg_id(c, i, &o->trim.id_min))
                return false;
        } else if (slice_is(c->argv[i], "limit") && more) {
            *has_limit = true;
            if (!arg_limit(c, ++i, &o->trim))
                return false;
        } else if (is_add && slice_is(c->argv[i], "nomkstream")) {
            o->no_create = true;
        } else if (is_add) {
            return arg_new_id(c, i, o);
        } else {
            reply_syntax_error(c);
            return false;
        }
    }
    o->id_at = c->argc;
    return true;
}

/* How much Redis trims at most if the client does not say: a hundred nodes' worth. */
static uint64_t default_limit(const struct cmd *c)
{
    enum { NODES = 100, MOST = 1000000, UNKNOWN = 10000 };
    uint64_t entries = c->limits->stream.node_entries_max;
    if (entries == 0)
        return UNKNOWN;
    return entries < MOST / NODES ? entries * NODES : MOST;
}

bool stream_arg_options(struct cmd *c, bool is_add, struct stream_options *o)
{
    bool has_limit = false;
    *o = (struct stream_options){.trim.by = STREAM_TRIM_NONE};
    if (!arg_words(c, is_add, o, &has_limit))
        return false;
    if (o->trim.limit > 0 && o->trim.by == STREAM_TRIM_NONE) {
        reply_error(c->reply, "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy");
        return false;
    }
    if (!is_add && o->trim.by == STREAM_TRIM_NONE) {
        reply_error(c->reply, "ERR syntax error, XTRIM must be called with a trimming strategy");
        return false;
    }
    if (keyspace_is_loading(cmd_keyspace(c, 0))) {
        /* What a limited one came to is in the journal as an exact one, with the limit still there. */
        o->trim.limit = 0;
    } else if (has_limit && !o->trim.approximate) {
        reply_error(c->reply, "ERR syntax error, LIMIT cannot be used without the special ~ option");
        return false;
    } else if (!has_limit && o->trim.approximate) {
        o->trim.limit = default_limit(c);
    }
    return true;
}

/* ---- Opening ---- */

static bool answered(struct cmd *c, enum status status)
{
    if (status)
        error_reply(c->reply, status);
    return !status;
}

bool stream_open_to_read(struct cmd *c, struct stream **s)
{
    return answered(c, stream_read(cmd_keyspace(c, 0), c->db, &c->keys[0], s));
}

bool stream_open_to_write(struct cmd *c, struct stream **s)
{
    return answered(c, stream_write(cmd_keyspace(c, 0), c->db, &c->keys[0], s));
}

bool stream_open_to_consume(struct cmd *c, struct stream **s)
{
    return answered(c, stream_consume(cmd_keyspace(c, 0), c->db, &c->keys[0], s));
}

bool stream_open_group(struct cmd *c, const struct stream *s, struct stream_group **g)
{
    struct slice key = c->argv[2], name = c->argv[3];
    *g = stream_find_group(s, name);
    if (!*g)
        reply_errorf(c->reply, "NOGROUP No such consumer group '%.*s' for key name '%.*s'", (int)name.len, name.ptr,
                     (int)key.len, key.ptr);
    return *g;
}

/* ---- Replies and effects ---- */

void stream_reply_id(struct reply *r, struct stream_id id)
{
    char text[STREAM_ID_CHARS];
    reply_bulk(r, text, stream_id_text(text, id));
}

static void give_field(void *reply, struct slice field, struct slice value)
{
    reply_bulk_slice(reply, field);
    reply_bulk_slice(reply, value);
}

void stream_reply_message(struct reply *r, struct stream_cursor *at)
{
    reply_array(r, 2);
    stream_reply_id(r, at->message.id);
    reply_array(r, 2 * (int64_t)at->message.fields);
    stream_message_each(&at->message, give_field, r);
}

void stream_reply_message_of(struct reply *r, const struct stream *s, struct stream_id id)
{
    struct stream_cursor at;
    bool found = stream_find(s, id, &at);
    ASSERT(found && stream_id_compare(at.message.id, id) == 0);
    stream_reply_message(r, &at);
}

void stream_reply_subcommand_error(struct cmd *c)
{
    enum { SHOWN_BYTES_MAX = 128 };
    struct slice word = c->argv[1];
    int shown = word.len < SHOWN_BYTES_MAX ? (int)word.len : SHOWN_BYTES_MAX;
    bool is_group = strcmp(c->row->parent->name, "xgroup") == 0;
    reply_errorf(c->reply, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try %s HELP.", shown,
                 word.ptr, is_group ? "XGROUP" : "XINFO");
}

/* Redis leaves it to the messages that the consumer gets to tell of it, and forgets one that gets none. */
struct stream_consumer *stream_open_consumer(struct cmd *c, struct stream *s, struct stream_group *g, struct slice name,
                                             struct stream_names names)
{
    struct stream_consumer *consumer = stream_find_consumer(g, name);
    if (consumer) {
        stream_touch_consumer(s, g, consumer, c->now_ms, false);
        return consumer;
    }
    struct slice argv[] = {slice_str("XGROUP"), slice_str("CREATECONSUMER"), names.key, names.group, name};
    cmd_effect(c, sizeof argv / sizeof argv[0], argv);
    return stream_add_consumer(s, g, name, c->now_ms);
}

void stream_effect_claim(struct cmd *c, struct stream_names names, const struct stream_group *g,
                         const struct stream_pending *p)
{
    char id[STREAM_ID_CHARS], last_id[STREAM_ID_CHARS], time[NUM_INT_CHARS], count[NUM_INT_CHARS];
    struct slice argv[] = {slice_str("XCLAIM"),
                           names.key,
                           names.group,
                           p->consumer->name,
                           slice_str("0"),
                           slice_of(id, stream_id_text(id, p->id)),
                           slice_str("TIME"),
                           slice_of(time, num_i64(time, p->delivered_ms)),
                           slice_str("RETRYCOUNT"),
                           slice_of(count, num_i64(count, (int64_t)p->deliveries)),
                           slice_str("FORCE"),
                           slice_str("JUSTID"),
                           slice_str("LASTID"),
                           slice_of(last_id, stream_id_text(last_id, g->last_id))};
    cmd_effect(c, sizeof argv / sizeof argv[0], argv);
}

void stream_effect_group(struct cmd *c, struct stream_names names, const struct stream_group *g)
{
    char id[STREAM_ID_CHARS], read[NUM_INT_CHARS];
    struct slice argv[] = {slice_str("XGROUP"),
                           slice_str("SETID"),
                           names.key,
                           names.group,
                           slice_of(id, stream_id_text(id, g->last_id)),
                           slice_str("ENTRIESREAD"),
                           slice_of(read, num_i64(read, g->entries_read))};
    cmd_effect(c, sizeof argv / sizeof argv[0], argv);
}
