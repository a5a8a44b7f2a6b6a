/* What effects do to a state. An effect that would change nothing, or is an error, makes no sense: the server must not
 * have journalled it. */
#include "src/base/mem.h"
#include "src/base/num.h"
#include "tests/sim/past.h"

/* An effect, and the state that it meets. */
struct effect {
    struct values *values;
    struct past_state *state;
    int64_t db;
    uint32_t argc;
    const struct slice *argv;
};

static const struct past_cell absent;

static bool is_there(const struct past_cell *c) { return c->value != VALUE_NONE; }

/* ---- Keys ---- */

/* NULL: no key or no database that is used here. */
static struct past_cell *find_in(const struct effect *e, int64_t db, uint32_t arg)
{
    int64_t n;
    if (arg >= e->argc || e->argv[arg].len < 2 || e->argv[arg].ptr[0] != 'k' ||
        !num_parse_i64(slice_of(e->argv[arg].ptr + 1, e->argv[arg].len - 1), &n) || n < 0 || n >= PAST_KEYS || db < 0 ||
        db >= PAST_DATABASES)
        return NULL;
    return &e->state->cells[db * PAST_KEYS + n];
}

static struct past_cell *find(const struct effect *e, uint32_t arg) { return find_in(e, e->db, arg); }

static enum kind kind_of(const struct effect *e, const struct past_cell *c)
{
    return past_kind((uint32_t)(c - e->state->cells) % PAST_KEYS);
}

/* from goes to to, or also stays. */
static bool transfer(struct past_cell *from, struct past_cell *to, bool replace, bool stays)
{
    if (!from || !to || !is_there(from) || (is_there(to) && !replace))
        return false;
    *to = *from;
    if (!stays && to != from)
        *from = absent;
    return true;
}

/* RENAME key newkey */
static bool rename_key(struct effect *e) { return e->argc == 3 && transfer(find(e, 1), find(e, 2), true, false); }

/* MOVE key database */
static bool move(struct effect *e)
{
    int64_t db;
    return e->argc == 3 && num_parse_i64(e->argv[2], &db) && transfer(find(e, 1), find_in(e, db, 1), false, false);
}

/* COPY source destination [DB database] [REPLACE] */
static bool copy(struct effect *e)
{
    bool replace = false;
    int64_t db = e->db;
    for (uint32_t i = 3; i < e->argc; i++) {
        if (slice_is(e->argv[i], "replace"))
            replace = true;
        else if (!slice_is(e->argv[i], "db") || i + 1 == e->argc || !num_parse_i64(e->argv[++i], &db))
            return false;
    }
    return transfer(find(e, 1), find_in(e, db, 2), replace, true);
}

/* DEL key [key ...] */
static bool del(struct effect *e)
{
    for (uint32_t i = 1; i < e->argc; i++) {
        if (!find(e, i))
            return false;
        *find(e, i) = absent;
    }
    return e->argc > 1;
}

/* PEXPIREAT key deadline */
static bool pexpireat(struct effect *e)
{
    struct past_cell *cell = find(e, 1);
    return e->argc == 3 && cell && is_there(cell) && num_parse_i64(e->argv[2], &cell->deadline_ms);
}

/* PERSIST key */
static bool persist(struct effect *e)
{
    struct past_cell *cell = find(e, 1);
    if (!cell || !is_there(cell))
        return false;
    cell->deadline_ms = -1;
    return true;
}

/* SWAPDB database database */
static bool swapdb(struct effect *e)
{
    int64_t a, b;
    if (e->argc != 3 || !num_parse_i64(e->argv[1], &a) || !num_parse_i64(e->argv[2], &b) || a < 0 || b < 0 ||
        a >= PAST_DATABASES || b >= PAST_DATABASES)
        return false;
    for (int i = 0; i < PAST_KEYS; i++) {
        struct past_cell *left = &e->state->cells[a * PAST_KEYS + i], *right = &e->state->cells[b * PAST_KEYS + i];
        struct past_cell old = *left;
        *left = *right;
        *right = old;
    }
    return true;
}

/* FLUSHDB */
static bool flushdb(struct effect *e)
{
    memset(&e->state->cells[e->db * PAST_KEYS], 0, PAST_KEYS * sizeof e->state->cells[0]);
    return true;
}

/* FLUSHALL */
static bool flushall(struct effect *e)
{
    *e->state = (struct past_state){0};
    return true;
}

/* ---- Strings ---- */

/* SET key value [PXAT deadline | KEEPTTL] */
static bool set(struct effect *e)
{
    struct past_cell *cell = find(e, 1);
    int64_t deadline_ms = -1;
    if (!cell || e->argc < 3 || kind_of(e, cell) != KIND_STRING)
        return false;
    if (e->argc == 4 && slice_is(e->argv[3], "keepttl"))
        deadline_ms = is_there(cell) ? cell->deadline_ms : -1;
    else if (e->argc != 3 && !(e->argc == 5 && slice_is(e->argv[3], "pxat") && num_parse_i64(e->argv[4], &deadline_ms)))
        return false;
    *cell = (struct past_cell){values_number(e->values, e->argv[2]), deadline_ms};
    return true;
}

/* MSET key value [key value ...] */
static bool mset(struct effect *e)
{
    for (uint32_t i = 1; i + 1 < e->argc; i += 2) {
        struct past_cell *cell = find(e, i);
        if (!cell || kind_of(e, cell) != KIND_STRING)
            return false;
        *cell = (struct past_cell){values_number(e->values, e->argv[i + 1]), -1};
    }
    return e->argc % 2 == 1;
}

/* The number that follows; empty if there is none. */
static struct slice increment(struct slice old, char text[static NUM_INT_CHARS])
{
    int64_t n = 0;
    if (old.len > 0 && !num_parse_i64(old, &n))
        return (struct slice){0};
    return slice_of(text, num_i64(text, n + 1));
}

/* INCR key */
static bool incr(struct effect *e)
{
    char text[NUM_INT_CHARS];
    struct past_cell *cell = find(e, 1);
    if (!cell || kind_of(e, cell) != KIND_STRING)
        return false;
    struct slice n = increment(values_get(e->values, cell->value), text);
    if (n.len == 0)
        return false;
    *cell = (struct past_cell){values_number(e->values, n), is_there(cell) ? cell->deadline_ms : -1};
    return true;
}

/* ---- Sets and hashes ---- */

/* What the key at an argument holds; NULL: it can't be of that kind. */
static struct past_cell *load(const struct effect *e, uint32_t arg, enum kind kind, struct collection *c)
{
    struct past_cell *cell = find(e, arg);
    if (!cell || kind_of(e, cell) != kind)
        return NULL;
    collection_load(c, kind, values_get(e->values, cell->value));
    return cell;
}

/* A new key has no deadline. */
static void store(const struct effect *e, struct past_cell *cell, const struct collection *c)
{
    int64_t deadline_ms = is_there(cell) ? cell->deadline_ms : -1;
    uint32_t value = collection_number(c, e->values);
    *cell = value == VALUE_NONE ? absent : (struct past_cell){value, deadline_ms};
}

/* SADD key member [member ...], SREM key member [member ...] */
static bool change_members(struct effect *e, bool add)
{
    struct collection set;
    struct past_cell *cell = load(e, 1, KIND_SET, &set);
    uint32_t changed = 0;
    for (uint32_t i = 2; cell && i < e->argc; i++)
        changed += (add ? collection_add : collection_drop)(&set, e->argv[i]);
    if (changed > 0)
        store(e, cell, &set);
    return changed > 0;
}

static bool sadd(struct effect *e) { return change_members(e, true); }

static bool srem(struct effect *e) { return change_members(e, false); }

/* SMOVE source destination member */
static bool smove(struct effect *e)
{
    struct collection from, to;
    struct past_cell *source = load(e, 1, KIND_SET, &from), *destination = load(e, 2, KIND_SET, &to);
    if (e->argc != 4 || !source || !destination || source == destination || !collection_drop(&from, e->argv[3]))
        return false;
    collection_add(&to, e->argv[3]);
    store(e, source, &from);
    store(e, destination, &to);
    return true;
}

/* SUNIONSTORE, SDIFFSTORE and SINTERSTORE destination key key */
static bool combine(struct effect *e)
{
    struct collection result, other;
    struct past_cell *destination = find(e, 1);
    uint32_t at;
    char how = e->argv[0].len > 1 ? (char)(e->argv[0].ptr[1] | 0x20) : '\0';
    if (!destination || kind_of(e, destination) != KIND_SET || !load(e, 2, KIND_SET, &result))
        return false;
    for (uint32_t i = 3; i < e->argc; i++) {
        if (!load(e, i, KIND_SET, &other))
            return false;
        for (uint32_t k = 0; how == 'u' && k < other.n; k++)
            collection_add(&result, other.elements[k]);
        for (uint32_t k = result.n; how != 'u' && k-- > 0;)
            if (collection_find(&other, result.elements[k], &at) == (how == 'd'))
                collection_remove(&result, k);
    }
    if (result.n == 0 && !is_there(destination))
        return false;
    *destination = absent;
    store(e, destination, &result);
    return true;
}

/* The place of a field in a hash, or its size. */
static uint32_t find_field(const struct collection *hash, struct slice field)
{
    uint32_t at = 0;
    while (at < hash->n && !(hash->elements[at].len > field.len && hash->elements[at].ptr[field.len] == '=' &&
                             memcmp(hash->elements[at].ptr, field.ptr, field.len) == 0))
        at++;
    return at;
}

static void set_field(struct effect *e, struct past_cell *cell, struct collection *hash, struct slice field,
                      struct slice value)
{
    uint32_t at = find_field(hash, field);
    if (at < hash->n)
        collection_remove(hash, at);
    size_t len = field.len + 1 + value.len;
    char *text = mem_alloc(NULL, len);
    memcpy(text, field.ptr, field.len);
    text[field.len] = '=';
    memcpy(text + field.len + 1, value.ptr, value.len);
    collection_add(hash, slice_of(text, len));
    store(e, cell, hash);
    mem_free(NULL, text);
}

/* HSET key field value [field value ...], HMSET */
static bool hset(struct effect *e)
{
    struct collection hash;
    for (uint32_t i = 2; i + 1 < e->argc; i += 2) {
        struct past_cell *cell = load(e, 1, KIND_HASH, &hash);
        if (!cell)
            return false;
        set_field(e, cell, &hash, e->argv[i], e->argv[i + 1]);
    }
    return e->argc > 2 && e->argc % 2 == 0;
}

/* HDEL key field [field ...] */
static bool hdel(struct effect *e)
{
    struct collection hash;
    struct past_cell *cell = load(e, 1, KIND_HASH, &hash);
    uint32_t removed = 0;
    for (uint32_t i = 2; cell && i < e->argc; i++) {
        uint32_t at = find_field(&hash, e->argv[i]);
        if (at == hash.n)
            continue;
        collection_remove(&hash, at);
        removed++;
    }
    if (removed > 0)
        store(e, cell, &hash);
    return removed > 0;
}

/* HINCRBY key field 1 */
static bool hincrby(struct effect *e)
{
    struct collection hash;
    char text[NUM_INT_CHARS];
    struct past_cell *cell = load(e, 1, KIND_HASH, &hash);
    if (!cell || e->argc != 4 || !slice_is(e->argv[3], "1"))
        return false;
    uint32_t at = find_field(&hash, e->argv[2]);
    struct slice old = {0};
    if (at < hash.n) {
        size_t skipped = e->argv[2].len + 1;
        old = slice_of(hash.elements[at].ptr + skipped, hash.elements[at].len - skipped);
    }
    struct slice n = increment(old, text);
    if (n.len > 0)
        set_field(e, cell, &hash, e->argv[2], n);
    return n.len > 0;
}

/* ---- Lists ---- */

/* LPUSH key element [element ...], RPUSH */
static bool push(struct effect *e, bool left)
{
    struct collection list;
    struct past_cell *cell = load(e, 1, KIND_LIST, &list);
    for (uint32_t i = 2; cell && i < e->argc; i++)
        collection_insert(&list, left ? 0 : list.n, e->argv[i]);
    if (cell)
        store(e, cell, &list);
    return cell && e->argc > 2;
}

static bool lpush(struct effect *e) { return push(e, true); }

static bool rpush(struct effect *e) { return push(e, false); }

/* LPOP key [count], RPOP */
static bool pop(struct effect *e, bool left)
{
    struct collection list;
    int64_t n = 1;
    struct past_cell *cell = load(e, 1, KIND_LIST, &list);
    if (!cell || list.n == 0 || (e->argc > 2 && !num_parse_i64(e->argv[2], &n)))
        return false;
    for (; n > 0 && list.n > 0; n--)
        collection_remove(&list, left ? 0 : list.n - 1);
    store(e, cell, &list);
    return true;
}

static bool lpop(struct effect *e) { return pop(e, true); }

static bool rpop(struct effect *e) { return pop(e, false); }

/* LMOVE source destination LEFT RIGHT */
static bool lmove(struct effect *e)
{
    struct collection from, to;
    struct past_cell *source = load(e, 1, KIND_LIST, &from), *destination = load(e, 2, KIND_LIST, &to);
    if (e->argc != 5 || !source || !destination || source == destination || from.n == 0)
        return false;
    collection_insert(&to, to.n, collection_remove(&from, 0));
    store(e, source, &from);
    store(e, destination, &to);
    return true;
}

/* LTRIM key 0 last */
static bool ltrim(struct effect *e)
{
    struct collection list;
    int64_t last;
    struct past_cell *cell = load(e, 1, KIND_LIST, &list);
    if (!cell || e->argc != 4 || !slice_is(e->argv[2], "0") || !num_parse_i64(e->argv[3], &last) || last < 0)
        return false;
    while (list.n > last + 1)
        collection_remove(&list, list.n - 1);
    store(e, cell, &list);
    return true;
}

/* ---- All of them ---- */

static const struct {
    const char *name;
    bool (*execute)(struct effect *e);
} rows[] = {
    {"copy", copy},
    {"del", del},
    {"flushall", flushall},
    {"flushdb", flushdb},
    {"hdel", hdel},
    {"hincrby", hincrby},
    {"hmset", hset},
    {"hset", hset},
    {"incr", incr},
    {"lmove", lmove},
    {"lpop", lpop},
    {"lpush", lpush},
    {"ltrim", ltrim},
    {"move", move},
    {"mset", mset},
    {"persist", persist},
    {"pexpireat", pexpireat},
    {"rename", rename_key},
    {"rpop", rpop},
    {"rpush", rpush},
    {"sadd", sadd},
    {"sdiffstore", combine},
    {"set", set},
    {"sinterstore", combine},
    {"smove", smove},
    {"srem", srem},
    {"sunionstore", combine},
    {"swapdb", swapdb},
};

bool past_execute(struct past *p, struct past_state *s, int64_t db, uint32_t argc, const struct slice *argv)
{
    struct effect e = {&p->values, s, db, argc, argv};
    if (db < 0 || db >= PAST_DATABASES)
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (slice_is(argv[0], rows[i].name))
            return rows[i].execute(&e);
    return false;
}
