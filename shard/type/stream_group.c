#include "shard/type/stream_group.h"

#include "src/base/assert.h"

/* ---- Trees by name ---- */

/* The first bytes of a name, in whose order names are. */
static uint64_t name_key(struct slice name)
{
    uint64_t key = 0;
    for (size_t i = 0; i < sizeof key; i++)
        key = key << 8 | (i < name.len ? (uint8_t)name.ptr[i] : 0);
    return key;
}

/* named: a group or a consumer, which begin with their names. */
static int compare_name(const void *sought, const void *named)
{
    const struct slice *a = sought, *b = named;
    int order = memcmp(a->ptr, b->ptr, a->len < b->len ? a->len : b->len);
    if (order != 0)
        return order;
    return a->len < b->len ? -1 : a->len > b->len;
}

/* False: it would be inserted there. */
static bool find_name(const struct ranked *t, struct slice name, struct ranked_place *p)
{
    return ranked_find(t, name_key(name), compare_name, &name, p) && slice_eq(*(struct slice *)ranked_pointer(p), name);
}

/* What begins with a name, in size bytes, which its own are put behind. */
static void *make_named(struct stream *s, size_t size, struct slice name)
{
    char *made = mem_zalloc(&s->value.account, size + name.len);
    if (name.len > 0)
        memcpy(made + size, name.ptr, name.len);
    *(struct slice *)made = slice_of(made + size, name.len);
    return made;
}

/* A group or consumer of this name is about to change. */
static void before_change(struct ranked *t, struct slice name)
{
    struct ranked_place p;
    bool found = find_name(t, name, &p);
    ASSERT(found);
    ranked_before_change(t, &p);
}

static void remove_name(struct ranked *t, struct slice name)
{
    struct ranked_place p;
    bool found = find_name(t, name, &p);
    ASSERT(found);
    ranked_remove(t, &p);
}

static void init_tree(struct stream *s, struct ranked *t)
{
    ranked_init(t, RANKED_BY_KEY, &s->value.account, &s->value.home->clock, s);
}

/* ---- Groups ---- */

struct stream_group *stream_find_group(const struct stream *s, struct slice name)
{
    struct ranked_place p;
    return find_name(&s->groups, name, &p) ? ranked_pointer(&p) : NULL;
}

struct stream_group *stream_add_group(struct stream *s, struct slice name, struct stream_id last_id,
                                      int64_t entries_read)
{
    struct ranked_place p;
    if (find_name(&s->groups, name, &p))
        return NULL;
    struct stream_group *g = make_named(s, sizeof *g, name);
    g->last_id = last_id;
    g->entries_read = entries_read;
    init_tree(s, &g->pending);
    init_tree(s, &g->consumers);
    ranked_insert(&s->groups, &p, name_key(name), g);
    return g;
}

static bool free_group_step(struct stream *s, struct stream_group *g);

void stream_remove_group(struct stream *s, struct stream_group *g)
{
    remove_name(&s->groups, g->name);
    while (free_group_step(s, g))
        ;
}

void stream_set_group(struct stream *s, struct stream_group *g, struct stream_id last_id, int64_t entries_read)
{
    before_change(&s->groups, g->name);
    g->last_id = last_id;
    g->entries_read = entries_read;
}

/* ---- Counting what a group has read ----
 *
 * The counts are what clients say (XSETID, ENTRIESREAD), so they may be any, and wrap around. */

/* Whether a message was deleted (not trimmed) from that ID on. */
static bool deleted_from(const struct stream *s, struct stream_id from)
{
    return s->length > 0 && !stream_id_is_min(s->max_deleted_id) && stream_id_compare(from, s->max_deleted_id) <= 0;
}

int64_t stream_estimate_read(const struct stream *s, struct stream_id id)
{
    int to_last = stream_id_compare(id, s->last_id), to_first = stream_id_compare(id, s->first_id);
    if (s->entries_added == 0 || (s->length == 0 && to_last <= 0))
        return (int64_t)s->entries_added;
    if (!stream_id_is_min(id) && stream_id_compare(id, s->max_deleted_id) < 0)
        return STREAM_READ_UNKNOWN;
    if (to_last >= 0)
        return to_last == 0 ? (int64_t)s->entries_added : STREAM_READ_UNKNOWN;
    if (to_first > 0)
        return STREAM_READ_UNKNOWN;
    if (!stream_id_is_min(s->max_deleted_id) && stream_id_compare(s->max_deleted_id, s->first_id) >= 0)
        return STREAM_READ_UNKNOWN;
    return (int64_t)(s->entries_added - s->length + (to_first == 0));
}

void stream_advance_group(struct stream *s, struct stream_group *g, struct stream_id id)
{
    int64_t entries_read = g->entries_read;
    if (entries_read != STREAM_READ_UNKNOWN && stream_id_compare(g->last_id, s->first_id) >= 0 &&
        !deleted_from(s, g->last_id))
        entries_read = (int64_t)((uint64_t)entries_read + 1);
    else if (s->entries_added > 0)
        entries_read = stream_estimate_read(s, id);
    stream_set_group(s, g, id, entries_read);
}

bool stream_group_lag(const struct stream *s, const struct stream_group *g, int64_t *lag)
{
    int64_t entries_read;
    if (s->length == 0) {
        *lag = 0;
        return true;
    }
    if (stream_id_compare(g->last_id, s->first_id) < 0 && stream_id_compare(s->max_deleted_id, s->first_id) < 0) {
        *lag = (int64_t)s->length;
        return true;
    }
    if (g->entries_read != STREAM_READ_UNKNOWN && !deleted_from(s, g->last_id))
        entries_read = g->entries_read;
    else
        entries_read = stream_estimate_read(s, g->last_id);
    *lag = (int64_t)(s->entries_added - (uint64_t)entries_read);
    return entries_read != STREAM_READ_UNKNOWN;
}

/* ---- Pending messages ---- */

static bool find_pending(const struct ranked *pending, struct stream_id id, struct ranked_place *p)
{
    return stream_seek(pending, id, p) && stream_id_compare(stream_pending_at(p)->id, id) == 0;
}

struct stream_pending *stream_find_pending(const struct stream_group *g, struct stream_id id)
{
    struct ranked_place p;
    return find_pending(&g->pending, id, &p) ? stream_pending_at(&p) : NULL;
}

static void insert_pending(struct ranked *t, struct stream_pending *p)
{
    struct ranked_place place;
    bool found = find_pending(t, p->id, &place);
    ASSERT(!found);
    ranked_insert(t, &place, p->id.ms, p);
}

static void remove_pending(struct ranked *t, const struct stream_pending *p)
{
    struct ranked_place place;
    bool found = find_pending(t, p->id, &place);
    ASSERT(found);
    ranked_remove(t, &place);
}

struct stream_pending *stream_pend(struct stream *s, struct stream_group *g, struct stream_id id)
{
    struct stream_pending *p = mem_zalloc(&s->value.account, sizeof *p);
    p->id = id;
    p->deliveries = 1;
    insert_pending(&g->pending, p);
    return p;
}

void stream_give(struct stream *s, struct stream_group *g, struct stream_pending *p, struct stream_consumer *c,
                 int64_t delivered_ms, uint64_t deliveries)
{
    struct ranked_place place;
    bool found = find_pending(&g->pending, p->id, &place);
    ASSERT(found);
    ranked_before_change(&g->pending, &place);
    if (p->consumer != c) {
        if (p->consumer)
            remove_pending(&p->consumer->pending, p);
        insert_pending(&c->pending, p);
        p->consumer = c;
    }
    p->delivered_ms = delivered_ms;
    p->deliveries = deliveries;
}

void stream_drop(struct stream *s, struct stream_group *g, struct stream_pending *p)
{
    remove_pending(&g->pending, p);
    remove_pending(&p->consumer->pending, p);
    mem_free(&s->value.account, p);
}

/* ---- Consumers ---- */

struct stream_consumer *stream_find_consumer(const struct stream_group *g, struct slice name)
{
    struct ranked_place p;
    return find_name(&g->consumers, name, &p) ? ranked_pointer(&p) : NULL;
}

struct stream_consumer *stream_add_consumer(struct stream *s, struct stream_group *g, struct slice name, int64_t now_ms)
{
    struct ranked_place p;
    if (find_name(&g->consumers, name, &p))
        return NULL;
    struct stream_consumer *c = make_named(s, sizeof *c, name);
    c->seen_ms = now_ms;
    c->active_ms = -1;
    init_tree(s, &c->pending);
    ranked_insert(&g->consumers, &p, name_key(name), c);
    return c;
}

struct dropping {
    struct stream *stream;
    struct stream_group *group;
};

static void drop_of_consumer(void *arg, uint64_t key, void *pending)
{
    struct dropping *d = arg;
    remove_pending(&d->group->pending, pending);
    mem_free(&d->stream->value.account, pending);
}

void stream_remove_consumer(struct stream *s, struct stream_group *g, struct stream_consumer *c)
{
    struct dropping dropping = {s, g};
    while (ranked_clear_step(&c->pending, drop_of_consumer, &dropping))
        ;
    remove_name(&g->consumers, c->name);
    mem_free(&s->value.account, c);
}

void stream_touch_consumer(struct stream *s, struct stream_group *g, struct stream_consumer *c, int64_t now_ms,
                           bool active)
{
    before_change(&g->consumers, c->name);
    c->seen_ms = now_ms;
    if (active)
        c->active_ms = now_ms;
}

/* ---- As parts of a value ---- */

uint64_t stream_groups_size(const struct stream *s)
{
    uint64_t size = 0;
    struct ranked_place p;
    for (bool more = ranked_first(&s->groups, &p); more; more = ranked_next(&s->groups, &p))
        size += ((struct stream_group *)ranked_pointer(&p))->pending.items;
    return size;
}

static void copy_consumer(struct stream *to, struct stream_group *g, const struct stream_consumer *from)
{
    struct ranked_place p, end;
    struct stream_consumer *c = stream_add_consumer(to, g, from->name, from->seen_ms);
    c->active_ms = from->active_ms;
    ranked_end(&c->pending, &end);
    for (bool more = ranked_first(&from->pending, &p); more; more = ranked_next(&from->pending, &p)) {
        struct stream_pending *copy = mem_alloc(&to->value.account, sizeof *copy);
        *copy = *stream_pending_at(&p);
        copy->consumer = c;
        insert_pending(&g->pending, copy);
        ranked_insert(&c->pending, &end, copy->id.ms, copy);
        ranked_next(&c->pending, &end);
    }
}

void stream_groups_copy(struct stream *to, const struct stream *from)
{
    struct ranked_place p, q;
    for (bool more = ranked_first(&from->groups, &p); more; more = ranked_next(&from->groups, &p)) {
        const struct stream_group *g = ranked_pointer(&p);
        struct stream_group *copy = stream_add_group(to, g->name, g->last_id, g->entries_read);
        for (bool one = ranked_first(&g->consumers, &q); one; one = ranked_next(&g->consumers, &q))
            copy_consumer(to, copy, ranked_pointer(&q));
    }
}

void stream_groups_moved(struct stream *s)
{
    const struct epoch_clock *clock = &s->value.home->clock;
    struct ranked_place p, q;
    for (bool more = ranked_first(&s->groups, &p); more; more = ranked_next(&s->groups, &p)) {
        struct stream_group *g = ranked_pointer(&p);
        g->pending.clock = g->consumers.clock = clock;
        for (bool one = ranked_first(&g->consumers, &q); one; one = ranked_next(&g->consumers, &q))
            ((struct stream_consumer *)ranked_pointer(&q))->pending.clock = clock;
    }
}

static void free_pending(void *account, uint64_t key, void *pending) { mem_free(account, pending); }

/* Frees some of a group; false: that was all, and the group is freed, too. */
static bool free_group_step(struct stream *s, struct stream_group *g)
{
    struct ranked_place p;
    if (ranked_first(&g->consumers, &p)) {
        struct stream_consumer *c = ranked_pointer(&p);
        if (ranked_clear_step(&c->pending, NULL, NULL))
            return true;
        ranked_remove(&g->consumers, &p);
        mem_free(&s->value.account, c);
        return true;
    }
    if (ranked_clear_step(&g->pending, free_pending, &s->value.account))
        return true;
    mem_free(&s->value.account, g);
    return false;
}

bool stream_groups_free_step(struct stream *s)
{
    struct ranked_place p;
    if (!ranked_first(&s->groups, &p))
        return false;
    ranked_before_change(&s->groups, &p); /* as long as there is a group to look at */
    if (!free_group_step(s, ranked_pointer(&p)))
        ranked_remove(&s->groups, &p);
    return true;
}
