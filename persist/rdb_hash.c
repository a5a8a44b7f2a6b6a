/* Hashes in RDB files: as pairs of strings, or as a listpack, a ziplist or a zipmap of field, value, field, value, ...
 */
#include "persist/rdb_types.h"
#include "shard/members.h"

/* ---- Reading ---- */

/* A hash on its way. */
struct making {
    struct rdb_value_reader *r;
    struct typed_value hash; /* ENC_LISTPACK or ENC_TABLE */
    bool bad;                /* a field that was there already, or what no hash can hold */
};

static bool is_flat(const struct making *m) { return m->hash.encoding == ENC_LISTPACK; }

static void put_member(struct making *m, struct slice field, struct slice value)
{
    struct member_place place = members_find(m->hash.ptr, field);
    m->bad = m->bad || place.member || field.len > MEMBER_BYTES_MAX || value.len > MEMBER_BYTES_MAX;
    if (!m->bad)
        members_put(m->hash.ptr, &place, field, value);
}

static void put_in_table(void *arg, struct slice field, struct slice value) { put_member(arg, field, value); }

static void to_members(struct making *m)
{
    struct value_home *home = m->r->home;
    struct typed_value flat = m->hash;
    m->hash = (struct typed_value){TYPE_HASH, ENC_TABLE, members_create(home)};
    value_each(flat, put_in_table, m);
    value_discard(home, flat.encoding, flat.ptr);
}

static void append_pair(struct making *m, struct slice field, struct slice value)
{
    struct listpack_value pair[] = {listpack_value_of(field), listpack_value_of(value)};
    m->hash.ptr = listpack_insert(m->r->home->account, m->hash.ptr, LISTPACK_NONE, pair, 2);
}

static bool fits(const struct making *m, struct slice field, struct slice value)
{
    size_t longest = m->r->limits->hash.element_bytes;
    return field.len <= longest && value.len <= longest && listpack_has_room(m->hash.ptr, field.len + value.len + 32);
}

static void add_pair(struct making *m, struct slice field, struct slice value)
{
    if (is_flat(m) && !fits(m, field, value))
        to_members(m);
    if (is_flat(m))
        append_pair(m, field, value);
    else
        put_member(m, field, value);
}

static bool read_pairs(struct making *m, uint64_t pairs)
{
    struct rdb_value_reader *r = m->r;
    struct slice field, value;
    for (; pairs > 0 && !m->bad; pairs--) {
        if (!rdb_read_text(&r->in, &r->first, &field) || !rdb_read_text(&r->in, &r->second, &value))
            return false;
        add_pair(m, field, value);
    }
    return true;
}

static bool begin_pairs(struct making *m, uint64_t *pairs)
{
    struct value_home *home = m->r->home;
    if (!rdb_read_length(&m->r->in, pairs))
        return false;
    bool flat = *pairs <= m->r->limits->hash.elements;
    m->hash.encoding = flat ? ENC_LISTPACK : ENC_TABLE;
    m->hash.ptr = flat ? (void *)listpack_create(home->account, 0) : members_create(home);
    return true;
}

static bool read_listpack(struct making *m)
{
    const struct flat_limits *limits = &m->r->limits->hash;
    struct listpack *lp = rdb_read_listpack(m->r);
    if (!lp)
        return false;
    m->hash.ptr = lp;
    m->bad = listpack_count(lp) % 2 > 0;
    if (!m->bad && listpack_count(lp) / 2 > limits->elements)
        to_members(m);
    return true;
}

bool rdb_read_hash(struct rdb_value_reader *r, struct typed_value *out)
{
    struct making m = {.r = r, .hash = {TYPE_HASH, ENC_LISTPACK, NULL}};
    uint64_t pairs;
    if (r->type == RDB_TYPE_HASH) {
        if (!begin_pairs(&m, &pairs))
            return false;
        if (!read_pairs(&m, pairs))
            return rdb_discard(r, &m.hash);
    } else if (!read_listpack(&m)) {
        return false;
    }
    if (m.bad || value_count(m.hash) == 0 || (is_flat(&m) && !rdb_listpack_is_unique(m.hash.ptr, 2))) {
        rdb_read_bad(r, "a hash that is empty or has a field twice");
        return rdb_discard(r, &m.hash);
    }
    *out = m.hash;
    return true;
}

/* ---- Writing ---- */

static void write_pair(void *w, struct slice field, struct slice value)
{
    rdb_write_string(w, field);
    rdb_write_string(w, value);
}

int rdb_write_hash(struct rdb_write *w, struct typed_value v)
{
    if (v.encoding == ENC_LISTPACK) {
        rdb_write_byte(w, RDB_TYPE_HASH_LISTPACK);
        rdb_write_string(w, listpack_bytes(v.ptr));
        return RDB_VERSION_7_0;
    }
    rdb_write_byte(w, RDB_TYPE_HASH);
    rdb_write_length(w, value_count(v));
    value_each(v, write_pair, w);
    return RDB_VERSION_7_0;
}
