#include "shard/type/zset.h"

#include <math.h>

#include "shard/type/zset_large.h"
#include "shard/type/zset_listpack.h"
#include "src/base/assert.h"

static enum status checked(const struct zset *z)
{
    return z->place.entry && z->place.entry->type != TYPE_ZSET ? STATUS_WRONG_TYPE : STATUS_OK;
}

enum status zset_read(struct keyspace *ks, uint32_t db, const struct key *key, struct zset *z)
{
    *z = (struct zset){ks, key, keyspace_read(ks, db, key)};
    return checked(z);
}

enum status zset_write(struct keyspace *ks, uint32_t db, const struct key *key, struct zset *z)
{
    *z = (struct zset){ks, key, keyspace_write(ks, db, key)};
    return checked(z);
}

static bool is_listpack(const struct zset *z) { return z->place.entry->encoding == ENC_LISTPACK; }

static struct mem_account *account_of(const struct zset *z) { return keyspace_values(z->keyspace)->account; }

uint64_t zset_len(const struct zset *z) { return zset_exists(z) ? value_count(zset_value(z)) : 0; }

/* ---- Members ----
 *
 * All that is done with a member goes by its place, so that it is searched for once. */

struct member {
    struct slice name;
    struct listpack_value packed; /* the name as it is in a listpack; only if the set is one */
    uint32_t at;                  /* its place in the listpack, LISTPACK_NONE: it is missing */
    struct zset_spot spot;        /* in a large set */
};

/* Returns whether it is there. */
static bool find_member(struct typed_value v, struct slice name, struct member *m)
{
    m->name = name;
    m->at = LISTPACK_NONE;
    m->spot.element = NULL;
    if (v.encoding == ENC_LISTPACK) {
        m->packed = listpack_value_of(name);
        m->at = zset_listpack_find(v.ptr, m->packed);
        return m->at != LISTPACK_NONE;
    }
    m->spot = zset_large_find(v.ptr, name);
    return m->spot.element != NULL;
}

/* The score of one that is there. */
static double score_of(struct typed_value v, const struct member *m)
{
    return v.encoding == ENC_LISTPACK ? zset_listpack_score(v.ptr, m->at) : m->spot.element->score;
}

bool zset_score(struct typed_value v, struct slice member, double *score)
{
    struct member m;
    if (!find_member(v, member, &m))
        return false;
    *score = score_of(v, &m);
    return true;
}

bool zset_rank(struct typed_value v, struct slice member, uint64_t *rank, double *score)
{
    struct member m;
    if (!find_member(v, member, &m))
        return false;
    *score = score_of(v, &m);
    *rank = v.encoding == ENC_LISTPACK ? zset_listpack_rank(v.ptr, m.at) : zset_large_rank(v.ptr, m.spot.element);
    return true;
}

/* ---- Adding ---- */

static void to_large(struct zset *z)
{
    struct listpack *lp = keyspace_change_value(z->keyspace, z->place);
    struct zset_large *l = zset_large_create(keyspace_values(z->keyspace));
    char digits[NUM_INT_CHARS];
    for (uint32_t at = listpack_first(lp); at != LISTPACK_NONE; at = zset_listpack_next(lp, at))
        zset_large_append(l, listpack_text_of(listpack_get(lp, at), digits), zset_listpack_score(lp, at));
    keyspace_put_value(z->place, ENC_SKIPLIST, l);
    mem_free(account_of(z), lp);
}

static void make_set(struct zset *z, bool flat, size_t room)
{
    struct typed_value made = {.type = TYPE_ZSET, .encoding = flat ? ENC_LISTPACK : ENC_SKIPLIST};
    made.ptr = flat ? (void *)listpack_create(account_of(z), room) : zset_large_create(keyspace_values(z->keyspace));
    z->place = keyspace_set_value(z->keyspace, z->place, z->key, &made, EXPIRY_NONE);
}

enum status zset_prepare(struct zset *z, const struct flat_limits *limits, uint64_t members, size_t longest)
{
    if (longest > ZSET_MEMBER_BYTES_MAX)
        return STATUS_TOO_LONG;
    bool many = members > limits->elements;
    if (!zset_exists(z)) {
        bool flat = !many && longest <= limits->element_bytes && listpack_has_room(NULL, longest);
        make_set(z, flat, 0);
    } else if (is_listpack(z) && many) {
        to_large(z);
    }
    return STATUS_OK;
}

/* Whether a listpack stays one with this member more. */
static bool has_room(const struct listpack *lp, const struct flat_limits *limits, struct slice name)
{
    return zset_listpack_len(lp) < limits->elements && name.len <= limits->element_bytes &&
           listpack_has_room(lp, name.len + ZSET_LISTPACK_PAIR_BYTES);
}

static void add_member(struct zset *z, const struct flat_limits *limits, struct member *m, double score)
{
    void *value = keyspace_change_value(z->keyspace, z->place);
    if (is_listpack(z) && has_room(value, limits, m->name)) {
        keyspace_put_value(z->place, ENC_LISTPACK, zset_listpack_add(account_of(z), value, m->packed, score));
        return;
    }
    if (is_listpack(z)) {
        to_large(z);
        find_member(zset_value(z), m->name, m);
    }
    zset_large_add(entry_value(z->place.entry), &m->spot, m->name, score);
}

static void set_score(struct zset *z, const struct member *m, double score)
{
    void *value = keyspace_change_value(z->keyspace, z->place);
    if (!is_listpack(z))
        zset_large_set_score(value, m->spot.element, score);
    else
        keyspace_put_value(z->place, ENC_LISTPACK,
                           zset_listpack_set_score(account_of(z), value, m->at, m->packed, score));
}

enum zset_outcome zset_add(struct zset *z, const struct flat_limits *limits, struct slice member, unsigned how,
                           double *score)
{
    struct member m;
    if (!find_member(zset_value(z), member, &m)) {
        if (how & ZSET_XX)
            return ZSET_SKIPPED;
        add_member(z, limits, &m, *score);
        return ZSET_ADDED;
    }
    if (how & ZSET_NX)
        return ZSET_SKIPPED;
    double old = score_of(zset_value(z), &m);
    if (how & ZSET_INCR)
        *score += old;
    if (isnan(*score))
        return ZSET_NAN;
    if ((how & ZSET_LT && *score >= old) || (how & ZSET_GT && *score <= old))
        return ZSET_SKIPPED;
    if (*score == old)
        return ZSET_SAME;
    set_score(z, &m, *score);
    return ZSET_UPDATED;
}

/* ---- Removing ---- */

static void remove_member(struct zset *z, const struct member *m)
{
    void *value = keyspace_change_value(z->keyspace, z->place);
    if (is_listpack(z))
        keyspace_put_value(z->place, ENC_LISTPACK, listpack_delete(account_of(z), value, m->at, 2));
    else
        zset_large_remove(value, &m->spot);
}

bool zset_remove(struct zset *z, struct slice member)
{
    struct member m;
    if (!zset_exists(z) || !find_member(zset_value(z), member, &m))
        return false;
    if (zset_len(z) > 1) {
        remove_member(z, &m);
    } else {
        keyspace_remove(z->keyspace, z->place, z->key);
        z->place.entry = NULL;
    }
    return true;
}

/* ---- Storing results ---- */

/* Whether what has been made may be a listpack. */
static bool is_small(const struct zset_large *made, const struct flat_limits *limits)
{
    size_t sum = 0, longest = 0;
    struct ranked_place p;
    if (zset_large_size(made) > limits->elements)
        return false;
    for (bool more = ranked_first(&made->tree, &p); more; more = ranked_next(&made->tree, &p)) {
        size_t len = zset_member(ranked_pointer(&p)).len;
        longest = len > longest ? len : longest;
        sum += len + ZSET_LISTPACK_PAIR_BYTES;
    }
    return longest <= limits->element_bytes && listpack_has_room(NULL, sum);
}

static struct listpack *packed(struct mem_account *account, const struct zset_large *made)
{
    struct listpack *lp = listpack_create(account, 0);
    struct ranked_place p;
    for (bool more = ranked_first(&made->tree, &p); more; more = ranked_next(&made->tree, &p)) {
        const struct zset_element *e = ranked_pointer(&p);
        lp = zset_listpack_append(account, lp, listpack_value_of(zset_member(e)), e->score);
    }
    return lp;
}

struct typed_value zset_compact(struct value_home *home, const struct flat_limits *limits, struct zset_large *made)
{
    struct typed_value v = {TYPE_ZSET, ENC_SKIPLIST, made};
    if (is_small(made, limits)) {
        v.encoding = ENC_LISTPACK;
        v.ptr = packed(home->account, made);
        value_discard(home, ENC_SKIPLIST, made);
    }
    return v;
}

bool zset_store(struct zset *z, const struct flat_limits *limits, struct zset_large *made)
{
    struct value_home *home = keyspace_values(z->keyspace);
    bool empty = zset_large_size(made) == 0, existed = zset_exists(z);
    struct typed_value v = {.type = TYPE_ZSET};
    if (empty)
        value_discard(home, ENC_SKIPLIST, made);
    else
        v = zset_compact(home, limits, made);
    if (!empty) {
        z->place = keyspace_set_value(z->keyspace, z->place, z->key, &v, EXPIRY_NONE);
    } else if (existed) {
        keyspace_remove(z->keyspace, z->place, z->key);
        z->place.entry = NULL;
    }
    return existed || !empty;
}

/* ---- Scanning ---- */

uint64_t zset_scan(const struct zset *z, uint64_t cursor, uint64_t count, value_visit *fn, void *arg)
{
    struct typed_value v = zset_value(z);
    if (!is_listpack(z))
        return zset_large_scan(v.ptr, cursor, count, fn, arg);
    value_each(v, fn, arg);
    return 0;
}
