/* Commands that make and change groups of consumers: XGROUP, XACK. Semantics, order of checks and error texts:
 * Redis 7.4 t_stream.c. */
#include "src/cmd/args.h"
#include "src/cmd/error.h"
#include "src/cmd/stream_args.h"

struct group_options {
    bool make_stream;
    int64_t entries_read;
};

/* [MKSTREAM] [ENTRIESREAD entries-read], the first one only if may_make. */
static bool arg_options(struct cmd *c, bool may_make, struct group_options *o)
{
    *o = (struct group_options){.entries_read = STREAM_READ_UNKNOWN};
    for (uint32_t i = 5; i < c->argc; i++) {
        if (may_make && slice_is(c->argv[i], "mkstream")) {
            o->make_stream = true;
        } else if (slice_is(c->argv[i], "entriesread") && i + 1 < c->argc) {
            if (!arg_i64(c, ++i, &o->entries_read))
                return false;
            if (o->entries_read < 0 && o->entries_read != STREAM_READ_UNKNOWN) {
                reply_error(c->reply, "ERR value for ENTRIESREAD must be positive or -1");
                return false;
            }
        } else {
            stream_reply_subcommand_error(c);
            return false;
        }
    }
    return true;
}

/* The stream at key 0, which has to be there unless it may be made. */
static bool open_stream(struct cmd *c, bool may_be_missing, struct stream **s)
{
    if (!stream_open_to_write(c, s))
        return false;
    if (!*s && !may_be_missing) {
        reply_error(c->reply, "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want "
                              "to use the MKSTREAM option to create an empty stream automatically.");
        return false;
    }
    return true;
}

/* The same with its group. */
static bool open_group(struct cmd *c, struct stream **s, struct stream_group **g)
{
    return open_stream(c, false, s) && stream_open_group(c, *s, g);
}

/* XGROUP CREATE key group id|$ [MKSTREAM] [ENTRIESREAD entries-read] */
void stream_xgroup_create(struct cmd *c)
{
    struct group_options o;
    struct stream *s;
    struct stream_id id = STREAM_ID_MIN;
    if (!arg_options(c, true, &o) || !open_stream(c, o.make_stream, &s))
        return;
    if (c->argc > 8) {
        stream_reply_subcommand_error(c);
        return;
    }
    if (!slice_is(c->argv[4], "$")) {
        if (!stream_arg_id(c, 4, &id))
            return;
    } else if (s) {
        id = s->last_id;
    }
    s = s ? s : stream_create(cmd_keyspace(c, 0), c->db, &c->keys[0]);
    if (!stream_add_group(s, c->argv[3], id, o.entries_read)) {
        reply_error(c->reply, "BUSYGROUP Consumer Group name already exists");
        return;
    }
    cmd_changed(c);
    reply_ok(c->reply);
}

/* The ID that a group is set to, where "-" and "+" are allowed. */
static bool arg_last_id(struct cmd *c, const struct stream *s, struct stream_id *id)
{
    if (slice_is(c->argv[4], "$"))
        *id = s->last_id;
    else if (slice_is(c->argv[4], "-"))
        *id = STREAM_ID_MIN;
    else if (slice_is(c->argv[4], "+"))
        *id = STREAM_ID_MAX;
    else
        return stream_arg_id(c, 4, id);
    return true;
}

/* XGROUP SETID key group id|$ [ENTRIESREAD entries-read] */
void stream_xgroup_setid(struct cmd *c)
{
    struct group_options o;
    struct stream *s;
    struct stream_group *g;
    struct stream_id id;
    if (!arg_options(c, false, &o) || !open_group(c, &s, &g))
        return;
    if (c->argc > 7) {
        stream_reply_subcommand_error(c);
        return;
    }
    if (!arg_last_id(c, s, &id))
        return;
    stream_set_group(s, g, id, o.entries_read);
    cmd_changed(c);
    reply_ok(c->reply);
}

/* XGROUP DESTROY key group */
void stream_xgroup_destroy(struct cmd *c)
{
    struct stream *s;
    if (!open_stream(c, false, &s))
        return;
    struct stream_group *g = stream_find_group(s, c->argv[3]);
    if (g) {
        stream_remove_group(s, g);
        cmd_changed(c);
    }
    reply_int(c->reply, g != NULL);
}

/* XGROUP CREATECONSUMER key group consumer */
void stream_xgroup_createconsumer(struct cmd *c)
{
    struct stream *s;
    struct stream_group *g;
    if (!open_group(c, &s, &g))
        return;
    bool created = stream_add_consumer(s, g, c->argv[4], c->now_ms);
    if (created)
        cmd_changed(c);
    reply_int(c->reply, created);
}

/* XGROUP DELCONSUMER key group consumer */
void stream_xgroup_delconsumer(struct cmd *c)
{
    struct stream *s;
    struct stream_group *g;
    uint64_t pending = 0;
    if (!open_group(c, &s, &g))
        return;
    struct stream_consumer *consumer = stream_find_consumer(g, c->argv[4]);
    if (consumer) {
        pending = consumer->pending.items;
        stream_remove_consumer(s, g, consumer);
        cmd_changed(c);
    }
    reply_int(c->reply, (int64_t)pending);
}

/* XACK key group id [id ...] */
void stream_xack(struct cmd *c)
{
    struct stream *s;
    struct stream_id *ids;
    int64_t acknowledged = 0;
    if (!stream_open_to_consume(c, &s))
        return;
    struct stream_group *g = s ? stream_find_group(s, c->argv[2]) : NULL;
    if (!g) {
        reply_int(c->reply, 0);
        return;
    }
    if (stream_arg_ids(c, 3, &ids)) {
        for (uint32_t i = 0; i < c->argc - 3; i++) {
            struct stream_pending *p = stream_find_pending(g, ids[i]);
            if (!p)
                continue;
            stream_drop(s, g, p);
            acknowledged++;
        }
        if (acknowledged > 0)
            cmd_changed(c);
        reply_int(c->reply, acknowledged);
    }
    mem_free(NULL, ids);
}
