#include "shard/type/stream_node.h"

#include "src/base/assert.h"

enum message_flag { DELETED = 1, SAME_NAMES = 2 };

enum {
    COUNTS = 3,          /* messages, deleted, fields */
    HEAD = 3,            /* flags, ms, seq */
    VALUES_AT_ONCE = 64, /* elements that are put together on the stack */
};

/* ---- Adding ---- */

/* Elements on their way into a listpack. */
struct elements {
    struct listpack_value some[VALUES_AT_ONCE], *v; /* some, or memory of its own */
    uint32_t n;
};

static void elements_begin(struct elements *e, uint32_t most)
{
    e->n = 0;
    e->v = most <= VALUES_AT_ONCE ? e->some : mem_alloc(NULL, most * sizeof *e->v);
}

static void elements_end(struct elements *e)
{
    if (e->v != e->some)
        mem_free(NULL, e->v);
}

static void add_integer(struct elements *e, uint64_t v) { e->v[e->n++] = listpack_integer((int64_t)v); }

static void add_text(struct elements *e, struct slice text) { e->v[e->n++] = listpack_value_of(text); }

static void add_message(struct elements *e, struct stream_id difference, const struct slice *words, uint32_t fields,
                        bool same_names)
{
    uint32_t begin = e->n;
    add_integer(e, same_names ? SAME_NAMES : 0);
    add_integer(e, difference.ms);
    add_integer(e, difference.seq);
    if (!same_names)
        add_integer(e, fields);
    for (uint32_t i = 0; i < fields; i++) {
        if (!same_names)
            add_text(e, words[2 * i]);
        add_text(e, words[2 * i + 1]);
    }
    add_integer(e, e->n - begin);
}

struct stream_node *stream_node_create(struct mem_account *account, struct stream_id id, const struct slice *words,
                                       uint32_t fields)
{
    struct stream_node *n = mem_alloc(account, sizeof *n);
    struct elements e;
    size_t bytes = 0;
    elements_begin(&e, COUNTS + fields + 1 + HEAD + fields + 1);
    add_integer(&e, 1);
    add_integer(&e, 0);
    add_integer(&e, fields);
    for (uint32_t i = 0; i < fields; i++)
        add_text(&e, words[2 * i]);
    add_integer(&e, 0);
    add_message(&e, STREAM_ID_MIN, words, fields, true);
    for (uint32_t i = 0; i < e.n; i++)
        bytes += listpack_value_bytes(e.v[i]);
    n->id = id;
    n->listpack = listpack_insert(account, listpack_create(account, bytes), LISTPACK_NONE, e.v, e.n);
    elements_end(&e);
    return n;
}

struct stream_node *stream_node_copy(struct mem_account *account, const struct stream_node *n)
{
    struct stream_node *copy = mem_alloc(account, sizeof *copy);
    *copy = (struct stream_node){n->id, listpack_copy(account, n->listpack)};
    return copy;
}

void stream_node_free(struct mem_account *account, struct stream_node *n)
{
    mem_free(account, n->listpack);
    mem_free(account, n);
}

/* ---- From outside ---- */

/* The next elements of a listpack that may be none of a node. */
struct checking {
    const struct listpack *lp;
    uint32_t at;
};

static bool check_integer(struct checking *c, int64_t *v)
{
    if (c->at == LISTPACK_NONE)
        return false;
    struct listpack_value e = listpack_get(c->lp, c->at);
    c->at = listpack_next(c->lp, c->at);
    *v = e.integer;
    return !e.string;
}

static bool check_elements(struct checking *c, int64_t n)
{
    for (; n > 0 && c->at != LISTPACK_NONE; n--)
        c->at = listpack_next(c->lp, c->at);
    return n == 0;
}

/* The master entry. */
static bool check_master(struct checking *c, int64_t *messages, int64_t *deleted, int64_t *fields)
{
    int64_t end;
    return check_integer(c, messages) && *messages > 0 && check_integer(c, deleted) && *deleted >= 0 &&
           check_integer(c, fields) && *fields >= 0 && check_elements(c, *fields) && check_integer(c, &end) && end == 0;
}

/* A message; *id: its ID. */
static bool check_message(struct checking *c, struct stream_id first, int64_t fields, struct stream_id *id,
                          bool *deleted)
{
    int64_t flags, ms, seq, elements, content = fields, head = HEAD;
    if (!check_integer(c, &flags) || flags & ~(int64_t)(DELETED | SAME_NAMES) || !check_integer(c, &ms) ||
        !check_integer(c, &seq))
        return false;
    if (!(flags & SAME_NAMES)) {
        if (!check_integer(c, &fields) || fields < 0 || fields > UINT32_MAX)
            return false;
        content = 2 * fields;
        head++;
    }
    *id = (struct stream_id){first.ms + (uint64_t)ms, first.seq + (uint64_t)seq};
    *deleted = flags & DELETED;
    return check_elements(c, content) && check_integer(c, &elements) && elements == head + content;
}

static bool is_node(const struct listpack *lp, struct stream_id first)
{
    struct checking c = {lp, listpack_first(lp)};
    struct stream_id last = first;
    int64_t messages, deleted, fields, live = 0, marked = 0;
    if (!check_master(&c, &messages, &deleted, &fields))
        return false;
    while (c.at != LISTPACK_NONE) {
        struct stream_id id;
        bool is_deleted;
        if (!check_message(&c, first, fields, &id, &is_deleted))
            return false;
        int order = stream_id_compare(id, last);
        if (live + marked == 0 ? order != 0 : order <= 0)
            return false;
        last = id;
        *(is_deleted ? &marked : &live) += 1;
    }
    return live == messages && marked == deleted;
}

struct stream_node *stream_node_load(struct mem_account *account, struct stream_id id, struct slice bytes)
{
    struct listpack *lp = listpack_load(account, bytes);
    if (!lp || !is_node(lp, id)) {
        mem_free(account, lp);
        return NULL;
    }
    struct stream_node *n = mem_alloc(account, sizeof *n);
    *n = (struct stream_node){id, lp};
    return n;
}

/* ---- Counting, appending ---- */

static int64_t integer_at(const struct stream_node *n, uint32_t at)
{
    struct listpack_value v = listpack_get(n->listpack, at);
    DASSERT(!v.string);
    return v.integer;
}

uint64_t stream_node_count(const struct stream_node *n) { return (uint64_t)integer_at(n, LISTPACK_FIRST); }

/* Changes the counts of the master entry: messages come, and some are deleted. Places of elements change. */
static void count(struct mem_account *account, struct stream_node *n, int64_t added, int64_t deleted)
{
    struct listpack_value messages = listpack_integer(integer_at(n, LISTPACK_FIRST) + added - deleted);
    n->listpack = listpack_replace(account, n->listpack, LISTPACK_FIRST, messages);
    if (deleted == 0)
        return;
    uint32_t at = listpack_next(n->listpack, LISTPACK_FIRST);
    n->listpack = listpack_replace(account, n->listpack, at, listpack_integer(integer_at(n, at) + deleted));
}

/* The bytes of all words, as Redis counts them: as if none were an integer. */
static uint64_t words_bytes(const struct slice *words, uint32_t fields)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < 2 * fields; i++)
        bytes += words[i].len;
    return bytes;
}

/* An upper bound for what a message and a master entry for it add to a listpack. */
static uint64_t message_bytes_max(const struct slice *words, uint32_t fields)
{
    enum { OVERHEAD_MAX = 10 }; /* of an element: its encoding, and its size behind it */
    return words_bytes(words, fields) + (uint64_t)OVERHEAD_MAX * (2 * (uint64_t)fields + COUNTS + HEAD + 3);
}

bool stream_node_can_hold(const struct slice *words, uint32_t fields)
{
    return listpack_has_room(NULL, message_bytes_max(words, fields));
}

bool stream_node_has_room(const struct stream_node *n, const struct stream_limits *limits, const struct slice *words,
                          uint32_t fields)
{
    uint64_t bytes_max = limits->node_bytes_max;
    if (bytes_max == 0 || bytes_max > LISTPACK_BYTES_MAX)
        bytes_max = LISTPACK_BYTES_MAX;
    if (n->listpack->bytes + words_bytes(words, fields) >= bytes_max)
        return false;
    uint64_t all = stream_node_count(n) + (uint64_t)integer_at(n, listpack_next(n->listpack, LISTPACK_FIRST));
    return (limits->node_entries_max == 0 || all < limits->node_entries_max) &&
           listpack_has_room(n->listpack, message_bytes_max(words, fields));
}

/* The place of the first name of the master entry; *fields: how many there are. */
static uint32_t master_names(const struct stream_node *n, uint32_t *fields)
{
    uint32_t at = listpack_next(n->listpack, listpack_next(n->listpack, LISTPACK_FIRST));
    *fields = (uint32_t)integer_at(n, at);
    return listpack_next(n->listpack, at);
}

static bool has_master_names(const struct stream_node *n, const struct slice *words, uint32_t fields)
{
    uint32_t master_fields, at = master_names(n, &master_fields);
    char buf[NUM_INT_CHARS];
    if (fields != master_fields)
        return false;
    for (uint32_t i = 0; i < fields; i++, at = listpack_next(n->listpack, at))
        if (!slice_eq(listpack_text_of(listpack_get(n->listpack, at), buf), words[2 * i]))
            return false;
    return true;
}

void stream_node_append(struct mem_account *account, struct stream_node *n, struct stream_id id,
                        const struct slice *words, uint32_t fields)
{
    struct elements e;
    count(account, n, 1, 0);
    elements_begin(&e, HEAD + 1 + 2 * fields + 1);
    add_message(&e, (struct stream_id){id.ms - n->id.ms, id.seq - n->id.seq}, words, fields,
                has_master_names(n, words, fields));
    n->listpack = listpack_insert(account, n->listpack, LISTPACK_NONE, e.v, e.n);
    elements_end(&e);
}

/* ---- Going through them ---- */

static uint32_t skip(const struct stream_node *n, uint32_t at, uint64_t elements)
{
    while (elements-- > 0)
        at = listpack_next(n->listpack, at);
    return at;
}

/* *m, a message of the node, becomes the one whose flags are there. */
static void read_message(struct stream_message *m, uint32_t at)
{
    const struct stream_node *n = m->node;
    int64_t flags = integer_at(n, at);
    m->id = n->id;
    m->at = at;
    m->end_at = LISTPACK_NONE;
    m->deleted = flags & DELETED;
    m->same_names = flags & SAME_NAMES;
    at = listpack_next(n->listpack, at);
    m->id.ms += (uint64_t)integer_at(n, at);
    at = listpack_next(n->listpack, at);
    m->id.seq += (uint64_t)integer_at(n, at);
    at = listpack_next(n->listpack, at);
    m->fields = m->master_fields;
    if (!m->same_names) {
        m->fields = (uint32_t)integer_at(n, at);
        at = listpack_next(n->listpack, at);
    }
    m->content_at = at;
}

void stream_node_first(const struct stream_node *n, struct stream_message *m)
{
    m->node = n;
    m->master_names_at = master_names(n, &m->master_fields);
    read_message(m, skip(n, m->master_names_at, (uint64_t)m->master_fields + 1));
}

/* The message that ends there. */
static void read_message_back(struct stream_message *m, uint32_t end_at)
{
    const struct stream_node *n = m->node;
    uint32_t at = end_at;
    for (int64_t elements = integer_at(n, end_at); elements > 0; elements--)
        at = listpack_prev(n->listpack, at);
    read_message(m, at);
    m->end_at = end_at;
}

void stream_node_last(const struct stream_node *n, struct stream_message *m)
{
    m->node = n;
    m->master_names_at = master_names(n, &m->master_fields);
    read_message_back(m, listpack_last(n->listpack));
}

bool stream_node_next(struct stream_message *m)
{
    const struct stream_node *n = m->node;
    if (m->end_at == LISTPACK_NONE)
        m->end_at = skip(n, m->content_at, (uint64_t)m->fields * (m->same_names ? 1 : 2));
    uint32_t next = listpack_next(n->listpack, m->end_at);
    if (next == LISTPACK_NONE)
        return false;
    read_message(m, next);
    return true;
}

bool stream_node_previous(struct stream_message *m)
{
    const struct stream_node *n = m->node;
    uint32_t end_at = listpack_prev(n->listpack, m->at);
    if (integer_at(n, end_at) == 0) /* of the master entry */
        return false;
    read_message_back(m, end_at);
    return true;
}

/* Whether an ID from first to last is in the later half, if they come evenly. */
static bool is_late(struct stream_id first, struct stream_id id, struct stream_id last)
{
    if (first.ms == last.ms)
        return last.seq - id.seq < id.seq - first.seq;
    return last.ms - id.ms < id.ms - first.ms;
}

bool stream_node_find(const struct stream_node *n, struct stream_id id, struct stream_message *m)
{
    stream_node_last(n, m);
    if (stream_id_compare(m->id, id) < 0)
        return false;
    if (stream_id_compare(n->id, id) < 0 && is_late(n->id, id, m->id)) {
        struct stream_message later;
        do
            later = *m;
        while (stream_node_previous(m) && stream_id_compare(m->id, id) >= 0);
        *m = later;
        return true;
    }
    stream_node_first(n, m);
    while (stream_id_compare(m->id, id) < 0)
        stream_node_next(m);
    return true;
}

void stream_message_each(struct stream_message *m, value_visit *fn, void *arg)
{
    const struct listpack *lp = m->node->listpack;
    char name_buf[NUM_INT_CHARS], value_buf[NUM_INT_CHARS];
    uint32_t at = m->content_at, name_at = m->master_names_at;
    for (uint32_t i = 0; i < m->fields; i++) {
        if (!m->same_names) {
            name_at = at;
            at = listpack_next(lp, at);
        }
        struct slice name = listpack_text_of(listpack_get(lp, name_at), name_buf);
        fn(arg, name, listpack_text_of(listpack_get(lp, at), value_buf));
        at = listpack_next(lp, at);
        if (m->same_names)
            name_at = listpack_next(lp, name_at);
    }
    m->end_at = at;
}

/* ---- Deleting ---- */

/* Takes one byte before and after, so nothing moves. */
static void mark(struct mem_account *account, struct stream_node *n, const struct stream_message *m)
{
    ASSERT(!m->deleted && m->node == n);
    struct listpack_value flags = listpack_integer(DELETED | (m->same_names ? SAME_NAMES : 0));
    n->listpack = listpack_replace(account, n->listpack, m->at, flags);
}

void stream_node_delete(struct mem_account *account, struct stream_node *n, const struct stream_message *m)
{
    ASSERT(stream_node_count(n) > 1);
    mark(account, n, m);
    count(account, n, 0, 1);
}

uint64_t stream_node_trim(struct mem_account *account, struct stream_node *n, uint64_t most, struct stream_id below)
{
    struct stream_message m;
    uint64_t trimmed = 0;
    stream_node_first(n, &m);
    do {
        if (trimmed == most || stream_id_compare(m.id, below) >= 0)
            break;
        if (!m.deleted) {
            mark(account, n, &m);
            trimmed++;
        }
    } while (stream_node_next(&m));
    if (trimmed > 0)
        count(account, n, 0, (int64_t)trimmed);
    return trimmed;
}
