/* Streams in RDB files: nodes, what has happened to them, groups with what they have pending and their consumers. The
 * shape of all versions is in rdb_pass.c. */
#include "persist/rdb_types.h"
#include "shard/type/stream_group.h"

/* ---- Reading ---- */

static bool read_id(struct rdb_value_reader *r, struct stream_id *id)
{
    return rdb_read_length(&r->in, &id->ms) && rdb_read_length(&r->in, &id->seq);
}

static uint64_t big_endian(const char *bytes)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v = v << 8 | (uint8_t)bytes[i];
    return v;
}

static struct stream_id raw_id(const char *bytes)
{
    return (struct stream_id){big_endian(bytes), big_endian(bytes + 8)};
}

/* The ID of a message as its 16 bytes. */
static bool read_raw_id(struct rdb_value_reader *r, struct stream_id *id)
{
    const char *bytes = rdb_read_bytes(&r->in, 16);
    if (bytes)
        *id = raw_id(bytes);
    return bytes != NULL;
}

static bool read_time(struct rdb_value_reader *r, int64_t *ms)
{
    uint64_t v;
    if (!rdb_read_little_endian(&r->in, sizeof v, &v))
        return false;
    *ms = (int64_t)v;
    return true;
}

static bool read_node(struct rdb_value_reader *r, struct stream *s)
{
    struct slice key, listpack;
    if (!rdb_read_text(&r->in, &r->first, &key) || !rdb_read_text(&r->in, &r->second, &listpack))
        return false;
    if (key.len == 16 && stream_append_node(s, raw_id(key.ptr), listpack))
        return true;
    return rdb_read_bad(r, "a node of a stream that is damaged");
}

/* What is behind the nodes. The ID of the first message is known from these. */
static bool read_past(struct rdb_value_reader *r, struct stream *s)
{
    struct stream_id last = s->last_id, first;
    uint64_t length;
    if (!rdb_read_length(&r->in, &length) || !read_id(r, &s->last_id))
        return false;
    s->entries_added = length;
    if (r->type != RDB_TYPE_STREAM &&
        (!read_id(r, &first) || !read_id(r, &s->max_deleted_id) || !rdb_read_length(&r->in, &s->entries_added)))
        return false;
    return (length == s->length && stream_id_compare(last, s->last_id) <= 0) ||
           rdb_read_bad(r, "a stream that has other messages than it says");
}

static bool read_pending(struct rdb_value_reader *r, struct stream *s, struct stream_group *g)
{
    struct stream_id id;
    int64_t delivered_ms;
    uint64_t deliveries;
    if (!read_raw_id(r, &id) || !read_time(r, &delivered_ms) || !rdb_read_length(&r->in, &deliveries))
        return false;
    if (stream_find_pending(g, id))
        return rdb_read_bad(r, "a message that is pending twice");
    struct stream_pending *p = stream_pend(s, g, id);
    p->delivered_ms = delivered_ms;
    p->deliveries = deliveries;
    return true;
}

static bool read_owned(struct rdb_value_reader *r, struct stream *s, struct stream_group *g, struct stream_consumer *c)
{
    struct stream_id id;
    if (!read_raw_id(r, &id))
        return false;
    struct stream_pending *p = stream_find_pending(g, id);
    if (!p || p->consumer)
        return rdb_read_bad(r, "a message that a consumer has, but not its group, or another has, too");
    stream_give(s, g, p, c, p->delivered_ms, p->deliveries);
    return true;
}

static bool read_consumer(struct rdb_value_reader *r, struct stream *s, struct stream_group *g)
{
    struct slice name;
    int64_t seen_ms, active_ms;
    uint64_t owned;
    if (!rdb_read_text(&r->in, &r->first, &name) || !read_time(r, &seen_ms))
        return false;
    active_ms = seen_ms;
    if ((r->type == RDB_TYPE_STREAM_3 && !read_time(r, &active_ms)) || !rdb_read_length(&r->in, &owned))
        return false;
    struct stream_consumer *c = stream_add_consumer(s, g, name, seen_ms);
    if (!c)
        return rdb_read_bad(r, "a group that has a consumer twice");
    c->active_ms = active_ms;
    while (owned > 0 && read_owned(r, s, g, c))
        owned--;
    return owned == 0;
}

static bool all_have_consumers(const struct stream_group *g)
{
    uint64_t owned = 0;
    struct ranked_place p;
    for (bool more = ranked_first(&g->consumers, &p); more; more = ranked_next(&g->consumers, &p))
        owned += ((const struct stream_consumer *)ranked_pointer(&p))->pending.items;
    return owned == g->pending.items;
}

static struct stream_group *read_group_head(struct rdb_value_reader *r, struct stream *s)
{
    struct slice name;
    struct stream_id last;
    uint64_t entries_read = 0;
    if (!rdb_read_text(&r->in, &r->first, &name) || !read_id(r, &last))
        return NULL;
    if (r->type != RDB_TYPE_STREAM && !rdb_read_length(&r->in, &entries_read))
        return NULL;
    int64_t read = r->type == RDB_TYPE_STREAM ? stream_estimate_read(s, last) : (int64_t)entries_read;
    struct stream_group *g = stream_add_group(s, name, last, read);
    if (!g)
        rdb_read_bad(r, "a stream that has a group twice");
    return g;
}

static bool read_group(struct rdb_value_reader *r, struct stream *s)
{
    struct stream_group *g = read_group_head(r, s);
    uint64_t pending, consumers;
    if (!g || !rdb_read_length(&r->in, &pending))
        return false;
    while (pending > 0 && read_pending(r, s, g))
        pending--;
    if (pending > 0 || !rdb_read_length(&r->in, &consumers))
        return false;
    while (consumers > 0 && read_consumer(r, s, g))
        consumers--;
    if (consumers > 0)
        return false;
    return all_have_consumers(g) || rdb_read_bad(r, "a message that is pending, but that no consumer has");
}

static bool read_parts(struct rdb_value_reader *r, struct stream *s)
{
    uint64_t nodes, groups;
    if (!rdb_read_length(&r->in, &nodes))
        return false;
    while (nodes > 0 && read_node(r, s))
        nodes--;
    if (nodes > 0 || !read_past(r, s) || !rdb_read_length(&r->in, &groups))
        return false;
    while (groups > 0 && read_group(r, s))
        groups--;
    return groups == 0;
}

bool rdb_read_stream(struct rdb_value_reader *r, struct typed_value *out)
{
    *out = (struct typed_value){TYPE_STREAM, ENC_STREAM, stream_make(r->home)};
    return read_parts(r, out->ptr) || rdb_discard(r, out);
}

/* ---- Writing ---- */

static void write_id(struct rdb_write *w, struct stream_id id)
{
    rdb_write_length(w, id.ms);
    rdb_write_length(w, id.seq);
}

static void put_big_endian(char *to, uint64_t v)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        to[i] = (char)v;
}

static struct slice to_raw_id(char buf[static 16], struct stream_id id)
{
    put_big_endian(buf, id.ms);
    put_big_endian(buf + 8, id.seq);
    return slice_of(buf, 16);
}

static void write_raw_id(struct rdb_write *w, struct stream_id id)
{
    char raw[16];
    rdb_write_bytes(w, to_raw_id(raw, id).ptr, sizeof raw);
}

static void write_nodes(struct rdb_write *w, const struct stream *s)
{
    struct ranked_place p;
    char raw[16];
    rdb_write_length(w, s->nodes.items);
    for (bool more = ranked_first(&s->nodes, &p); more; more = ranked_next(&s->nodes, &p)) {
        const struct stream_node *n = ranked_pointer(&p);
        rdb_write_string(w, to_raw_id(raw, n->id));
        rdb_write_string(w, listpack_bytes(n->listpack));
    }
}

static void write_past(struct rdb_write *w, const struct stream *s)
{
    rdb_write_length(w, s->length);
    write_id(w, s->last_id);
    write_id(w, s->first_id);
    write_id(w, s->max_deleted_id);
    rdb_write_length(w, s->entries_added);
}

static void write_consumer(struct rdb_write *w, const struct stream_consumer *c, bool with_active)
{
    struct ranked_place p;
    rdb_write_string(w, c->name);
    rdb_write_little_endian(w, 8, (uint64_t)c->seen_ms);
    if (with_active)
        rdb_write_little_endian(w, 8, (uint64_t)c->active_ms);
    rdb_write_length(w, c->pending.items);
    for (bool more = ranked_first(&c->pending, &p); more; more = ranked_next(&c->pending, &p))
        write_raw_id(w, stream_pending_at(&p)->id);
}

static void write_pending(struct rdb_write *w, const struct stream_pending *p)
{
    write_raw_id(w, p->id);
    rdb_write_little_endian(w, 8, (uint64_t)p->delivered_ms);
    rdb_write_length(w, p->deliveries);
}

static void write_group(struct rdb_write *w, const struct stream_group *g, bool with_active)
{
    struct ranked_place p;
    rdb_write_string(w, g->name);
    write_id(w, g->last_id);
    rdb_write_length(w, (uint64_t)g->entries_read);
    rdb_write_length(w, g->pending.items);
    for (bool more = ranked_first(&g->pending, &p); more; more = ranked_next(&g->pending, &p))
        write_pending(w, stream_pending_at(&p));
    rdb_write_length(w, g->consumers.items);
    for (bool more = ranked_first(&g->consumers, &p); more; more = ranked_next(&g->consumers, &p))
        write_consumer(w, ranked_pointer(&p), with_active);
}

/* Whether version 2 tells all: it has one time for a consumer, not two. */
static bool needs_active(const struct stream *s)
{
    struct ranked_place p, q;
    for (bool more = ranked_first(&s->groups, &p); more; more = ranked_next(&s->groups, &p)) {
        const struct stream_group *g = ranked_pointer(&p);
        for (bool one = ranked_first(&g->consumers, &q); one; one = ranked_next(&g->consumers, &q)) {
            const struct stream_consumer *c = ranked_pointer(&q);
            if (c->active_ms != c->seen_ms)
                return true;
        }
    }
    return false;
}

int rdb_write_stream(struct rdb_write *w, struct typed_value v)
{
    const struct stream *s = v.ptr;
    struct ranked_place p;
    bool with_active = needs_active(s);
    rdb_write_byte(w, with_active ? RDB_TYPE_STREAM_3 : RDB_TYPE_STREAM_2);
    write_nodes(w, s);
    write_past(w, s);
    rdb_write_length(w, s->groups.items);
    for (bool more = ranked_first(&s->groups, &p); more; more = ranked_next(&s->groups, &p))
        write_group(w, ranked_pointer(&p), with_active);
    return with_active ? RDB_VERSION_7_2 : RDB_VERSION_7_0;
}
