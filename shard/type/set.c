#include "shard/type/set.h"

#include "shard/members.h"
#include "shard/type/set_algebra.h"

static enum status checked(const struct set *s)
{
    return s->place.entry && s->place.entry->type != TYPE_SET ? STATUS_WRONG_TYPE : STATUS_OK;
}

enum status set_read(struct keyspace *ks, uint32_t db, const struct key *key, struct set *s)
{
    *s = (struct set){ks, key, keyspace_read(ks, db, key)};
    return checked(s);
}

enum status set_write(struct keyspace *ks, uint32_t db, const struct key *key, struct set *s)
{
    *s = (struct set){ks, key, keyspace_write(ks, db, key)};
    return checked(s);
}

static struct value_home *home_of(const struct set *s) { return keyspace_values(s->keyspace); }

/* The value, for the caller to change, who then gives it back to put_value. */
static struct typed_value change_value(struct set *s)
{
    struct typed_value v = set_content(s);
    v.ptr = keyspace_change_value(s->keyspace, s->place);
    return v;
}

static void put_value(struct set *s, struct typed_value v) { keyspace_put_value(s->place, v.encoding, v.ptr); }

/* ---- Adding ---- */

enum status set_prepare(struct set *s, const struct set_limits *limits, const struct slice *members, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (members[i].len > MEMBER_BYTES_MAX)
            return STATUS_TOO_LONG;
    if (!set_exists(s)) {
        struct typed_value made = set_value_create(home_of(s), set_value_first_encoding(limits, members[0], n));
        s->place = keyspace_set_value(s->keyspace, s->place, s->key, &made, EXPIRY_NONE);
        return STATUS_OK;
    }
    if (set_content(s).encoding != ENC_TABLE) {
        struct typed_value v = change_value(s);
        set_value_expect(home_of(s), &v, limits, n);
        put_value(s, v);
    }
    return STATUS_OK;
}

bool set_add(struct set *s, const struct set_limits *limits, struct slice member)
{
    struct typed_value v = change_value(s);
    bool added = set_value_add(home_of(s), &v, limits, set_text(member));
    put_value(s, v);
    return added;
}

/* ---- Removing ---- */

void set_delete(struct set *s)
{
    keyspace_remove(s->keyspace, s->place, s->key);
    s->place.entry = NULL;
}

bool set_remove(struct set *s, struct slice member)
{
    if (set_len(s) <= 1) {
        bool is_last = set_has(s, member);
        if (is_last)
            set_delete(s);
        return is_last;
    }
    struct typed_value v = change_value(s);
    bool removed = set_value_remove(home_of(s), &v, set_text(member));
    put_value(s, v);
    return removed;
}

void set_pop(struct set *s, uint64_t n, struct random *random, value_visit *fn, void *arg)
{
    if (n >= set_len(s)) {
        value_each(set_content(s), fn, arg);
        set_delete(s);
        return;
    }
    struct typed_value v = change_value(s);
    set_value_pop(home_of(s), &v, n, random, fn, arg);
    put_value(s, v);
}

/* ---- All of it ---- */

bool set_make_compact(struct set *s, const struct set_limits *limits)
{
    struct typed_value v = set_content(s);
    uint64_t count = value_count(v);
    if (v.encoding != ENC_TABLE || (count > limits->flat.elements && count > limits->integers))
        return false;
    struct typed_value made = set_union(home_of(s), limits, &v, 1);
    bool is_compact = made.encoding != ENC_TABLE;
    struct typed_value unwanted = is_compact ? change_value(s) : made;
    if (is_compact)
        put_value(s, made);
    value_discard(home_of(s), unwanted.encoding, unwanted.ptr);
    return is_compact;
}

bool set_store(struct keyspace *ks, uint32_t db, const struct key *key, struct typed_value value)
{
    struct place place = keyspace_write(ks, db, key);
    if (value_count(value) > 0) {
        keyspace_set_value(ks, place, key, &value, EXPIRY_NONE);
        return true;
    }
    value_discard(keyspace_values(ks), value.encoding, value.ptr);
    if (place.entry)
        keyspace_remove(ks, place, key);
    return place.entry != NULL;
}

uint64_t set_scan(const struct set *s, uint64_t cursor, uint64_t count, value_visit *fn, void *arg)
{
    struct typed_value v = set_content(s);
    if (v.encoding == ENC_TABLE)
        return members_scan(v.ptr, cursor, count, fn, arg);
    value_each(v, fn, arg);
    return 0;
}
