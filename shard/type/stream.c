#include "shard/type/stream.h"

#include "shard/entry.h"
#include "shard/type/stream_group.h"

/* ---- Opening ---- */

static enum status opened(struct place place, struct stream **s)
{
    *s = NULL;
    if (!place.entry)
        return STATUS_OK;
    if (place.entry->type != TYPE_STREAM)
        return STATUS_WRONG_TYPE;
    *s = entry_value(place.entry);
    return STATUS_OK;
}

static enum status opened_to_change(struct keyspace *ks, struct place place, struct stream **s)
{
    enum status status = opened(place, s);
    if (*s)
        keyspace_change_value(ks, place);
    return status;
}

enum status stream_read(struct keyspace *ks, uint32_t db, const struct key *key, struct stream **s)
{
    return opened(keyspace_read(ks, db, key), s);
}

enum status stream_write(struct keyspace *ks, uint32_t db, const struct key *key, struct stream **s)
{
    return opened_to_change(ks, keyspace_write(ks, db, key), s);
}

enum status stream_consume(struct keyspace *ks, uint32_t db, const struct key *key, struct stream **s)
{
    return opened_to_change(ks, keyspace_read(ks, db, key), s);
}

struct stream *stream_make(struct value_home *home)
{
    struct stream *s = value_create(home, ENC_STREAM, sizeof *s);
    ranked_init(&s->nodes, RANKED_BY_KEY, &s->value.account, &home->clock, s);
    ranked_init(&s->groups, RANKED_BY_KEY, &s->value.account, &home->clock, s);
    return s;
}

struct stream *stream_create(struct keyspace *ks, uint32_t db, const struct key *key)
{
    struct stream *s = stream_make(keyspace_values(ks));
    struct typed_value value = {TYPE_STREAM, ENC_STREAM, s};
    keyspace_set_value(ks, keyspace_write(ks, db, key), key, &value, EXPIRY_NONE);
    return s;
}

/* ---- Finding ---- */

static struct stream_node *node_at(const struct ranked_place *p) { return ranked_pointer(p); }

static int compare_seq(const void *sought, const void *item)
{
    const struct stream_id *a = sought, *b = item;
    return a->seq < b->seq ? -1 : a->seq > b->seq;
}

bool stream_seek(const struct ranked *t, struct stream_id id, struct ranked_place *p)
{
    return ranked_find(t, id.ms, compare_seq, &id, p);
}

/* The node that a message with that ID would be in: the last one that does not begin behind it, or the first one.
 * False: there are no nodes. */
static bool find_node(const struct stream *s, struct stream_id id, struct ranked_place *p)
{
    bool found = stream_seek(&s->nodes, id, p);
    if (found && stream_id_compare(node_at(p)->id, id) == 0)
        return true;
    return s->nodes.items > 0 && (ranked_previous(&s->nodes, p) || found);
}

bool stream_next(struct stream_cursor *c)
{
    do {
        if (stream_node_next(&c->message))
            continue;
        if (!ranked_next(&c->stream->nodes, &c->place))
            return false;
        stream_node_first(node_at(&c->place), &c->message);
    } while (c->message.deleted);
    return true;
}

bool stream_previous(struct stream_cursor *c)
{
    do {
        if (stream_node_previous(&c->message))
            continue;
        if (!ranked_previous(&c->stream->nodes, &c->place))
            return false;
        stream_node_last(node_at(&c->place), &c->message);
    } while (c->message.deleted);
    return true;
}

bool stream_find(const struct stream *s, struct stream_id id, struct stream_cursor *c)
{
    c->stream = s;
    if (!find_node(s, id, &c->place))
        return false;
    bool is_there = stream_node_find(node_at(&c->place), id, &c->message);
    return (is_there && !c->message.deleted) || stream_next(c);
}

bool stream_find_back(const struct stream *s, struct stream_id id, struct stream_cursor *c)
{
    c->stream = s;
    if (!find_node(s, id, &c->place))
        return false;
    stream_node_find(node_at(&c->place), id, &c->message);
    bool is_there = stream_id_compare(c->message.id, id) <= 0;
    return (is_there && !c->message.deleted) || stream_previous(c);
}

static bool find_exactly(const struct stream *s, struct stream_id id, struct stream_cursor *c)
{
    return stream_find(s, id, c) && stream_id_compare(c->message.id, id) == 0;
}

bool stream_has(const struct stream *s, struct stream_id id)
{
    struct stream_cursor c;
    return find_exactly(s, id, &c);
}

struct stream_id stream_last_message(const struct stream *s)
{
    struct stream_cursor c;
    return stream_find_back(s, STREAM_ID_MAX, &c) ? c.message.id : STREAM_ID_MIN;
}

struct stream_id stream_first_kept(const struct stream *s)
{
    struct ranked_place p;
    return ranked_first(&s->nodes, &p) ? node_at(&p)->id : STREAM_ID_MAX;
}

/* ---- Adding ---- */

enum status stream_add(struct stream *s, const struct stream_limits *limits, struct stream_id id,
                       const struct slice *words, uint32_t fields)
{
    struct ranked_place p;
    if (stream_id_compare(id, s->last_id) <= 0)
        return STATUS_EXISTS;
    if (!stream_node_can_hold(words, fields))
        return STATUS_TOO_LONG;
    struct stream_node *last = ranked_last(&s->nodes, &p) ? node_at(&p) : NULL;
    if (last)
        ranked_before_change(&s->nodes, &p);
    if (last && stream_node_has_room(last, limits, words, fields)) {
        stream_node_append(&s->value.account, last, id, words, fields);
    } else {
        if (last)
            last->listpack = listpack_shrink(&s->value.account, last->listpack);
        ranked_end(&s->nodes, &p);
        ranked_insert(&s->nodes, &p, id.ms, stream_node_create(&s->value.account, id, words, fields));
    }
    s->length++;
    s->entries_added++;
    s->last_id = id;
    if (s->length == 1)
        s->first_id = id;
    return STATUS_OK;
}

static void find_first_id(struct stream *s)
{
    struct stream_cursor c;
    s->first_id = stream_find(s, STREAM_ID_MIN, &c) ? c.message.id : STREAM_ID_MIN;
}

bool stream_append_node(struct stream *s, struct stream_id id, struct slice bytes)
{
    struct ranked_place p;
    struct stream_message last;
    struct stream_node *n = NULL;
    if (stream_id_compare(id, s->last_id) > 0)
        n = stream_node_load(&s->value.account, id, bytes);
    if (!n)
        return false;
    ranked_end(&s->nodes, &p);
    ranked_insert(&s->nodes, &p, id.ms, n);
    stream_node_last(n, &last);
    s->last_id = last.id;
    s->length += stream_node_count(n);
    if (stream_id_is_min(s->first_id))
        find_first_id(s);
    return true;
}

/* ---- Deleting ---- */

static void remove_node(struct stream *s, struct ranked_place *p)
{
    struct stream_node *n = node_at(p);
    ranked_remove(&s->nodes, p);
    stream_node_free(&s->value.account, n);
}

bool stream_delete(struct stream *s, struct stream_id id)
{
    struct stream_cursor c;
    if (!find_exactly(s, id, &c))
        return false;
    struct stream_node *n = node_at(&c.place);
    if (stream_node_count(n) == 1) {
        remove_node(s, &c.place);
    } else {
        ranked_before_change(&s->nodes, &c.place);
        stream_node_delete(&s->value.account, n, &c.message);
    }
    s->length--;
    if (stream_id_compare(id, s->first_id) == 0)
        find_first_id(s);
    if (stream_id_compare(id, s->max_deleted_id) > 0)
        s->max_deleted_id = id;
    return true;
}

static bool goes_as_a_whole(const struct stream *s, const struct stream_trim *trim, const struct stream_node *n)
{
    if (trim->by == STREAM_TRIM_LENGTH)
        return s->length - stream_node_count(n) >= trim->length_max;
    struct stream_message last;
    stream_node_last(n, &last);
    return stream_id_compare(last.id, trim->id_min) < 0;
}

uint64_t stream_trim(struct stream *s, const struct stream_trim *trim)
{
    struct ranked_place p;
    uint64_t deleted = 0;
    if (trim->by == STREAM_TRIM_NONE)
        return 0;
    bool by_length = trim->by == STREAM_TRIM_LENGTH;
    while (ranked_first(&s->nodes, &p) && !(by_length && s->length <= trim->length_max)) {
        struct stream_node *n = node_at(&p);
        uint64_t messages = stream_node_count(n);
        if (trim->limit > 0 && deleted + messages > trim->limit)
            break;
        if (goes_as_a_whole(s, trim, n)) {
            remove_node(s, &p);
            s->length -= messages;
            deleted += messages;
            continue;
        }
        if (trim->approximate)
            break;
        ranked_before_change(&s->nodes, &p);
        uint64_t most = by_length ? s->length - trim->length_max : UINT64_MAX;
        messages = stream_node_trim(&s->value.account, n, most, by_length ? STREAM_ID_MAX : trim->id_min);
        s->length -= messages;
        deleted += messages;
        break;
    }
    if (deleted > 0)
        find_first_id(s);
    return deleted;
}

/* ---- As Redis has it ---- */

enum { KEY_BYTES = 16 };

/* How many bytes two IDs have in common, in the form that Redis has them as keys: 16 bytes, the highest first. */
static int common_bytes(struct stream_id a, struct stream_id b)
{
    if (a.ms != b.ms)
        return __builtin_clzll(a.ms ^ b.ms) / 8;
    return 8 + __builtin_clzll(a.seq ^ b.seq) / 8;
}

/* A stretch of bytes takes a node of its own, if there is one between a parting and what is below it. -1: the root. */
static uint32_t nodes_below(int parent, int at) { return at > parent + 1 ? 2 : 1; }

static int larger(int a, int b) { return a > b ? a : b; }

/* Of a compressed radix tree over keys of the same length: a node for each key, one for each place where keys part, and
 * one for each stretch of bytes between two of these. Keys part at the depths of what neighbours have in common; those
 * on the way to the present key are on a stack. */
uint64_t stream_radix_nodes(const struct stream *s)
{
    int stack[KEY_BYTES], depth = 0, before = -1;
    uint64_t nodes = 0;
    struct ranked_place p;
    for (bool more = ranked_first(&s->nodes, &p); more;) {
        struct stream_id id = node_at(&p)->id;
        more = ranked_next(&s->nodes, &p);
        int common = more ? common_bytes(id, node_at(&p)->id) : -1;
        nodes += nodes_below(larger(before, common), KEY_BYTES);
        while (depth > 0 && stack[depth - 1] > common) {
            int at = stack[--depth];
            nodes += nodes_below(larger(depth > 0 ? stack[depth - 1] : -1, common), at);
        }
        if (more && (depth == 0 || stack[depth - 1] < common))
            stack[depth++] = common;
        before = common;
    }
    return nodes > 0 ? nodes : 1;
}

/* ---- As a value ---- */

uint64_t stream_count(struct typed_value v)
{
    const struct stream *s = v.ptr;
    return s->length + stream_groups_size(s);
}

void *stream_copy(struct value_home *to, const void *v)
{
    const struct stream *s = v;
    struct stream *copy = stream_make(to);
    struct ranked_place from, end;
    ranked_end(&copy->nodes, &end);
    for (bool more = ranked_first(&s->nodes, &from); more; more = ranked_next(&s->nodes, &from)) {
        struct stream_node *n = stream_node_copy(&copy->value.account, node_at(&from));
        ranked_insert(&copy->nodes, &end, n->id.ms, n);
        ranked_next(&copy->nodes, &end);
    }
    copy->length = s->length;
    copy->entries_added = s->entries_added;
    copy->last_id = s->last_id;
    copy->first_id = s->first_id;
    copy->max_deleted_id = s->max_deleted_id;
    stream_groups_copy(copy, s);
    return copy;
}

void stream_moved(void *v)
{
    struct stream *s = v;
    s->nodes.clock = s->groups.clock = &s->value.home->clock;
    stream_groups_moved(s);
}

static void free_node(void *account, uint64_t key, void *node) { stream_node_free(account, node); }

bool stream_free_step(void *v)
{
    struct stream *s = v;
    return ranked_clear_step(&s->nodes, free_node, &s->value.account) || stream_groups_free_step(s);
}
