#include "shard/type/hash.h"

#include <math.h>

#include "shard/entry.h"
#include "shard/members.h"
#include "src/base/assert.h"

static enum status checked(const struct hash *h)
{
    return h->place.entry && h->place.entry->type != TYPE_HASH ? STATUS_WRONG_TYPE : STATUS_OK;
}

enum status hash_read(struct keyspace *ks, uint32_t db, const struct key *key, struct hash *h)
{
    *h = (struct hash){ks, key, keyspace_read(ks, db, key)};
    return checked(h);
}

enum status hash_write(struct keyspace *ks, uint32_t db, const struct key *key, struct hash *h)
{
    *h = (struct hash){ks, key, keyspace_write(ks, db, key)};
    return checked(h);
}

static bool is_listpack(const struct hash *h) { return h->place.entry->encoding == ENC_LISTPACK; }

static void *value_of(const struct hash *h) { return entry_value(h->place.entry); }

static struct mem_account *account_of(const struct hash *h) { return keyspace_values(h->keyspace)->account; }

uint64_t hash_len(const struct hash *h) { return hash_exists(h) ? value_count(entry_typed_value(h->place.entry)) : 0; }

/* ---- Fields ----
 *
 * All that is done with a field goes by its place, so that it is searched for once. */

struct field {
    struct slice name;
    struct listpack_value packed; /* the name as it is in a listpack; only if the hash is one */
    uint32_t at;                  /* its place in the listpack, LISTPACK_NONE: it is missing */
    struct member_place member;   /* in members */
};

/* Returns whether it is there. */
static bool find_field(const struct hash *h, struct slice name, struct field *f)
{
    f->name = name;
    f->at = LISTPACK_NONE;
    f->member.member = NULL;
    if (is_listpack(h)) {
        const struct listpack *lp = value_of(h);
        f->packed = listpack_value_of(name);
        f->at = listpack_find(lp, listpack_first(lp), f->packed, 1);
        return f->at != LISTPACK_NONE;
    }
    f->member = members_find(value_of(h), name);
    return f->member.member != NULL;
}

static struct listpack_value text_value(struct slice text)
{
    return (struct listpack_value){.string = text.ptr, .len = text.len};
}

/* The value of a field that is there. */
static struct listpack_value field_value(const struct hash *h, const struct field *f)
{
    if (!is_listpack(h))
        return text_value(member_value(f->member.member));
    const struct listpack *lp = value_of(h);
    return listpack_get(lp, listpack_next(lp, f->at));
}

bool hash_get(const struct hash *h, struct slice field, struct listpack_value *value)
{
    struct field f;
    if (!hash_exists(h) || !find_field(h, field, &f))
        return false;
    *value = field_value(h, &f);
    return true;
}

/* ---- Setting ---- */

static void add_pair(void *members, struct slice name, struct slice value)
{
    struct member_place place = members_find(members, name);
    members_put(members, &place, name, value);
}

static void to_members(struct hash *h)
{
    struct listpack *lp = keyspace_change_value(h->keyspace, h->place);
    struct members *m = members_create(keyspace_values(h->keyspace));
    hash_each(h, add_pair, m);
    keyspace_put_value(h->place, ENC_TABLE, m);
    mem_free(account_of(h), lp);
}

static void make_hash(struct hash *h, bool flat, size_t room)
{
    struct typed_value made = {.type = TYPE_HASH, .encoding = flat ? ENC_LISTPACK : ENC_TABLE};
    made.ptr = flat ? (void *)listpack_create(account_of(h), room) : members_create(keyspace_values(h->keyspace));
    h->place = keyspace_set_value(h->keyspace, h->place, h->key, &made, EXPIRY_NONE);
}

enum status hash_prepare(struct hash *h, const struct flat_limits *limits, const struct slice *words, uint32_t n)
{
    size_t longest = 0, sum = 0;
    for (uint32_t i = 0; i < n; i++) {
        longest = words[i].len > longest ? words[i].len : longest;
        sum += listpack_value_bytes(text_value(words[i]));
    }
    if (longest > MEMBER_BYTES_MAX)
        return STATUS_TOO_LONG;
    if (hash_exists(h) && !is_listpack(h))
        return STATUS_OK;
    bool flat = n / 2 <= limits->elements && longest <= limits->element_bytes &&
                listpack_has_room(hash_exists(h) ? value_of(h) : NULL, sum);
    if (!hash_exists(h))
        make_hash(h, flat, sum);
    else if (!flat)
        to_members(h);
    return STATUS_OK;
}

/* Gives the field its value, which is there or not as the last find_field says. */
static void put_packed(struct hash *h, const struct flat_limits *limits, const struct field *f,
                       struct listpack_value value)
{
    struct mem_account *account = account_of(h);
    struct listpack *lp = keyspace_change_value(h->keyspace, h->place);
    if (f->at != LISTPACK_NONE)
        lp = listpack_replace(account, lp, listpack_next(lp, f->at), value);
    else
        lp = listpack_insert(account, lp, LISTPACK_NONE, (struct listpack_value[]){f->packed, value}, 2);
    keyspace_put_value(h->place, ENC_LISTPACK, lp);
    if (listpack_count(lp) / 2 > limits->elements)
        to_members(h);
}

static void put_field(struct hash *h, const struct flat_limits *limits, struct field *f, struct slice value)
{
    if (is_listpack(h)) {
        put_packed(h, limits, f, listpack_value_of(value));
        return;
    }
    members_put(keyspace_change_value(h->keyspace, h->place), &f->member, f->name, value);
}

bool hash_set(struct hash *h, const struct flat_limits *limits, struct slice field, struct slice value)
{
    struct field f;
    bool is_new = !find_field(h, field, &f);
    put_field(h, limits, &f, value);
    return is_new;
}

/* As hash_set, for a field and a value that nobody has seen before. */
static enum status set_result(struct hash *h, const struct flat_limits *limits, struct slice field, struct slice text)
{
    enum status status = hash_prepare(h, limits, (struct slice[]){field, text}, 2);
    if (!status)
        hash_set(h, limits, field, text);
    return status;
}

static bool integer_of(struct listpack_value v, int64_t *out)
{
    *out = v.integer;
    return !v.string || num_parse_i64(slice_of(v.string, v.len), out);
}

enum status hash_increment(struct hash *h, const struct flat_limits *limits, struct slice field, int64_t by,
                           int64_t *result)
{
    struct field f;
    int64_t value = 0;
    bool exists = hash_exists(h) && find_field(h, field, &f);
    if (exists) {
        struct listpack_value old = field_value(h, &f);
        if (!integer_of(old, &value))
            return STATUS_NOT_INTEGER;
    }
    if (__builtin_add_overflow(value, by, result))
        return STATUS_OVERFLOW;
    bool fits = field.len <= limits->element_bytes && NUM_INT_CHARS <= limits->element_bytes;
    if (exists && is_listpack(h) && fits) { /* what counters do all day */
        put_packed(h, limits, &f, listpack_integer(*result));
        return STATUS_OK;
    }
    char text[NUM_INT_CHARS];
    return set_result(h, limits, field, slice_of(text, num_i64(text, *result)));
}

enum status hash_increment_float(struct hash *h, const struct flat_limits *limits, struct slice field, long double by,
                                 char *text, size_t *len)
{
    struct listpack_value old;
    long double value = 0;
    if (hash_get(h, field, &old)) {
        if (!old.string)
            value = (long double)old.integer;
        else if (!num_parse_long_double(slice_of(old.string, old.len), &value))
            return STATUS_NOT_FLOAT;
    }
    value += by;
    if (isnan(value) || isinf(value))
        return STATUS_NAN_OR_INF;
    *len = dtoa_human(text, value);
    return set_result(h, limits, field, slice_of(text, *len));
}

/* ---- Deleting ---- */

static void remove_field(struct hash *h, const struct field *f)
{
    void *value = keyspace_change_value(h->keyspace, h->place);
    if (is_listpack(h))
        keyspace_put_value(h->place, ENC_LISTPACK, listpack_delete(account_of(h), value, f->at, 2));
    else
        members_remove(value, &f->member);
}

bool hash_delete(struct hash *h, struct slice field)
{
    struct field f;
    if (!hash_exists(h) || !find_field(h, field, &f))
        return false;
    if (hash_len(h) > 1) {
        remove_field(h, &f);
    } else {
        keyspace_remove(h->keyspace, h->place, h->key);
        h->place.entry = NULL;
    }
    return true;
}

/* ---- Many fields ---- */

void hash_each(const struct hash *h, value_visit *fn, void *arg)
{
    value_each(entry_typed_value(h->place.entry), fn, arg);
}

static void give_pair(const struct listpack *lp, uint32_t at, value_visit *fn, void *arg)
{
    char field[NUM_INT_CHARS], value[NUM_INT_CHARS];
    struct slice first = listpack_text_of(listpack_get(lp, at), field);
    fn(arg, first, listpack_text_of(listpack_get(lp, listpack_next(lp, at)), value));
}

void hash_pick(const struct hash *h, uint64_t n, struct random *random, value_visit *fn, void *arg)
{
    if (!is_listpack(h)) {
        members_pick(value_of(h), n, random, fn, arg);
        return;
    }
    const struct listpack *lp = value_of(h);
    uint64_t size = hash_len(h);
    if (n == 1) {
        give_pair(lp, listpack_seek(lp, (int64_t)random_below(random, size) * 2), fn, arg);
        return;
    }
    uint32_t *places = mem_alloc(NULL, size * sizeof *places);
    listpack_places(lp, 2, places);
    while (n-- > 0)
        give_pair(lp, places[random_below(random, size)], fn, arg);
    mem_free(NULL, places);
}

void hash_sample(const struct hash *h, uint64_t n, struct random *random, value_visit *fn, void *arg)
{
    if (!is_listpack(h)) {
        members_sample(value_of(h), n, random, fn, arg);
        return;
    }
    const struct listpack *lp = value_of(h);
    uint32_t wanted = (uint32_t)(n < hash_len(h) ? n : hash_len(h)), *places = mem_alloc(NULL, wanted * sizeof *places);
    uint32_t found = listpack_sample(lp, 2, wanted, random, places);
    for (uint32_t i = 0; i < found; i++)
        give_pair(lp, places[i], fn, arg);
    mem_free(NULL, places);
}

uint64_t hash_scan(const struct hash *h, uint64_t cursor, uint64_t count, value_visit *fn, void *arg)
{
    if (!is_listpack(h))
        return members_scan(value_of(h), cursor, count, fn, arg);
    hash_each(h, fn, arg);
    return 0;
}
