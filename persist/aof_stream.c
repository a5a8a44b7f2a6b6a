#include "persist/aof_stream.h"

#include "shard/type/stream_group.h"

/* Where commands about one stream go. */
struct writing {
    struct effects *to;
    uint32_t db;
    struct slice key;
    aof_stream_added *added;
    void *arg;
};

static void add_word(struct writing *w, const char *text) { effects_word(w->to, slice_str(text)); }

static void add_number(struct writing *w, int64_t v)
{
    char text[NUM_INT_CHARS];
    effects_word(w->to, slice_of(text, num_i64(text, v)));
}

static void add_id(struct writing *w, struct stream_id id)
{
    char text[STREAM_ID_CHARS];
    effects_word(w->to, slice_of(text, stream_id_text(text, id)));
}

static void begin(struct writing *w, uint32_t words, const char *name)
{
    effects_begin(w->to, w->db, words);
    add_word(w, name);
}

/* ---- Messages ---- */

static void add_field(void *to, struct slice field, struct slice value)
{
    effects_word(to, field);
    effects_word(to, value);
}

static void write_messages(struct writing *w, const struct stream *s)
{
    struct stream_cursor at;
    for (bool more = stream_find(s, STREAM_ID_MIN, &at); more; more = stream_next(&at)) {
        begin(w, 3 + 2 * at.message.fields, "XADD");
        effects_word(w->to, w->key);
        add_id(w, at.message.id);
        stream_message_each(&at.message, add_field, w->to);
        w->added(w->arg);
    }
}

/* A stream without messages comes from one that is trimmed away at once. */
static void write_empty(struct writing *w)
{
    begin(w, 7, "XADD");
    effects_word(w->to, w->key);
    add_word(w, "MAXLEN");
    add_word(w, "0");
    add_word(w, "0-1");
    add_word(w, "x");
    add_word(w, "y");
    w->added(w->arg);
}

static void write_past(struct writing *w, const struct stream *s)
{
    begin(w, 7, "XSETID");
    effects_word(w->to, w->key);
    add_id(w, s->last_id);
    add_word(w, "ENTRIESADDED");
    add_number(w, (int64_t)s->entries_added);
    add_word(w, "MAXDELETEDID");
    add_id(w, s->max_deleted_id);
    w->added(w->arg);
}

/* ---- Groups ---- */

static void begin_about_group(struct writing *w, uint32_t words, const char *subcommand, const struct stream_group *g)
{
    begin(w, words, "XGROUP");
    add_word(w, subcommand);
    effects_word(w->to, w->key);
    effects_word(w->to, g->name);
}

static void write_pending(struct writing *w, const struct stream_group *g, const struct stream_pending *p)
{
    begin(w, 12, "XCLAIM");
    effects_word(w->to, w->key);
    effects_word(w->to, g->name);
    effects_word(w->to, p->consumer->name);
    add_word(w, "0");
    add_id(w, p->id);
    add_word(w, "TIME");
    add_number(w, p->delivered_ms);
    add_word(w, "RETRYCOUNT");
    add_number(w, (int64_t)p->deliveries);
    add_word(w, "JUSTID");
    add_word(w, "FORCE");
    w->added(w->arg);
}

static void write_consumer(struct writing *w, const struct stream_group *g, const struct stream_consumer *c)
{
    struct ranked_place p;
    if (c->pending.items == 0) { /* else what it has tells of it */
        begin_about_group(w, 5, "CREATECONSUMER", g);
        effects_word(w->to, c->name);
        w->added(w->arg);
    }
    for (bool more = ranked_first(&c->pending, &p); more; more = ranked_next(&c->pending, &p))
        write_pending(w, g, stream_pending_at(&p));
}

static void write_group(struct writing *w, const struct stream_group *g)
{
    struct ranked_place p;
    begin_about_group(w, 7, "CREATE", g);
    add_id(w, g->last_id);
    add_word(w, "ENTRIESREAD");
    add_number(w, g->entries_read);
    w->added(w->arg);
    for (bool more = ranked_first(&g->consumers, &p); more; more = ranked_next(&g->consumers, &p))
        write_consumer(w, g, ranked_pointer(&p));
}

void aof_stream_write(struct effects *to, uint32_t db, struct slice key, const struct stream *s,
                      aof_stream_added *added, void *arg)
{
    struct writing w = {to, db, key, added, arg};
    struct ranked_place p;
    if (s->length > 0)
        write_messages(&w, s);
    else
        write_empty(&w);
    write_past(&w, s);
    for (bool more = ranked_first(&s->groups, &p); more; more = ranked_next(&s->groups, &p))
        write_group(&w, ranked_pointer(&p));
}
