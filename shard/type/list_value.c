#include "shard/type/list_value.h"

#include "shard/entry.h"
#include "src/base/assert.h"

enum { VALUES_AT_ONCE = 32 };

static enum status checked(const struct list_value *l)
{
    return l->place.entry && l->place.entry->type != TYPE_LIST ? STATUS_WRONG_TYPE : STATUS_OK;
}

enum status list_value_read(struct keyspace *ks, uint32_t db, const struct key *key, struct list_value *l)
{
    *l = (struct list_value){ks, key, keyspace_read(ks, db, key)};
    return checked(l);
}

enum status list_value_write(struct keyspace *ks, uint32_t db, const struct key *key, struct list_value *l)
{
    *l = (struct list_value){ks, key, keyspace_write(ks, db, key)};
    return checked(l);
}

static bool is_large(const struct list_value *l) { return l->place.entry->encoding == ENC_QUICKLIST; }

static void *value_of(const struct list_value *l) { return entry_value(l->place.entry); }

static void *change_value(struct list_value *l) { return keyspace_change_value(l->keyspace, l->place); }

static struct mem_account *account_of(const struct list_value *l) { return keyspace_values(l->keyspace)->account; }

uint64_t list_value_len(const struct list_value *l)
{
    return list_value_exists(l) ? value_count(entry_typed_value(l->place.entry)) : 0;
}

/* ---- Reading ---- */

struct listpack_value list_value_end_element(const struct list_value *l, enum list_end end)
{
    const struct listpack *lp = is_large(l) ? quicklist_end_listpack(value_of(l), end) : value_of(l);
    return listpack_get(lp, end == LIST_HEAD ? listpack_first(lp) : listpack_last(lp));
}

/* An index that is not negative, of an element that there is; else false. */
static bool from_head(const struct list_value *l, int64_t index, uint64_t *out)
{
    uint64_t len = list_value_len(l);
    *out = (uint64_t)index + (index < 0 ? len : 0);
    return *out < len;
}

bool list_value_get(const struct list_value *l, int64_t index, struct listpack_value *element)
{
    uint64_t i;
    struct quicklist_place p;
    if (!list_value_exists(l) || !from_head(l, index, &i))
        return false;
    if (is_large(l)) {
        quicklist_at(value_of(l), i, &p);
        *element = listpack_get(quicklist_listpack(&p.node), p.at);
    } else {
        *element = listpack_get(value_of(l), listpack_seek(value_of(l), (int64_t)i));
    }
    return true;
}

/* The elements of one listpack from a place on; false if fn ended it. */
static bool walk_listpack(const struct listpack *lp, uint32_t at, enum list_end from, list_value_visit *fn, void *arg)
{
    while (at != LISTPACK_NONE) {
        if (!fn(arg, listpack_get(lp, at)))
            return false;
        at = from == LIST_HEAD ? listpack_next(lp, at) : listpack_prev(lp, at);
    }
    return true;
}

void list_value_walk(const struct list_value *l, uint64_t index, enum list_end from, list_value_visit *fn, void *arg)
{
    if (!is_large(l)) {
        walk_listpack(value_of(l), listpack_seek(value_of(l), (int64_t)index), from, fn, arg);
        return;
    }
    const struct quicklist *q = value_of(l);
    struct quicklist_place p;
    bool more = quicklist_at(q, index, &p);
    while (more && walk_listpack(quicklist_listpack(&p.node), p.at, from, fn, arg)) {
        more = (from == LIST_HEAD ? ranked_next : ranked_previous)(&q->nodes, &p.node);
        if (more)
            p.at = from == LIST_HEAD ? LISTPACK_FIRST : listpack_last(quicklist_listpack(&p.node));
    }
}

/* ---- Encodings ---- */

static void make_list(struct list_value *l, enum encoding encoding, void *value)
{
    struct typed_value made = {.type = TYPE_LIST, .encoding = encoding, .ptr = value};
    l->place = keyspace_set_value(l->keyspace, l->place, l->key, &made, EXPIRY_NONE);
}

/* Whether a list that is no quicklist becomes one if n elements of so many bytes are added. Redis counts the bytes of
 * their text. */
static bool outgrows(const struct list_value *l, const struct quicklist_limit *limit, uint64_t bytes, uint64_t n)
{
    const struct listpack *lp = list_value_exists(l) ? value_of(l) : NULL;
    return quicklist_exceeds(limit, (lp ? lp->bytes : LISTPACK_FIRST + 1) + bytes, (lp ? listpack_count(lp) : 0) + n);
}

static void to_quicklist(struct list_value *l, const struct quicklist_limit *limit)
{
    struct listpack *lp = change_value(l);
    keyspace_put_value(l->place, ENC_QUICKLIST, quicklist_of_listpack(keyspace_values(l->keyspace), limit, lp));
}

/* After a deletion: makes the list a listpack again if it is one listpack of half of what one may hold, so that what
 * grows and shrinks about the limit is not converted each time. As in Redis, bytes don't count where elements do. */
static void shrunk(struct list_value *l, int32_t node_size)
{
    const struct listpack *lp = is_large(l) ? quicklist_only_listpack(value_of(l)) : NULL;
    struct quicklist_limit limit = quicklist_limit(node_size);
    if (!lp || listpack_count(lp) > limit.elements / 2 || (node_size < 0 && lp->bytes > limit.bytes / 2))
        return;
    keyspace_put_value(l->place, ENC_LISTPACK, quicklist_to_listpack(change_value(l)));
}

/* ---- Putting in ---- */

/* Puts elements in one after the other at an end of a listpack, or of one that is yet to be made (NULL). */
static struct listpack *pack(struct mem_account *account, struct listpack *lp, enum list_end end,
                             const struct slice *elements, uint32_t n)
{
    struct listpack_value values[VALUES_AT_ONCE];
    for (uint32_t done = 0, count; done < n; done += count) {
        size_t bytes = 0;
        count = n - done < VALUES_AT_ONCE ? n - done : VALUES_AT_ONCE;
        for (uint32_t i = 0; i < count; i++) {
            struct listpack_value v = listpack_value_of(elements[done + i]);
            values[end == LIST_HEAD ? count - 1 - i : i] = v;
            bytes += listpack_value_bytes(v);
        }
        if (!lp)
            lp = listpack_create(account, bytes);
        lp = listpack_insert(account, lp, end == LIST_HEAD ? LISTPACK_FIRST : LISTPACK_NONE, values, count);
    }
    return lp;
}

static void push_large(struct list_value *l, enum list_end end, const struct slice *elements, uint32_t n)
{
    struct quicklist *q = change_value(l);
    for (uint32_t i = 0; i < n; i++)
        quicklist_push(q, end, elements[i]);
}

enum status list_value_push(struct list_value *l, int32_t node_size, enum list_end end, const struct slice *elements,
                            uint32_t n)
{
    struct quicklist_limit limit = quicklist_limit(node_size);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (elements[i].len > QUICKLIST_ELEMENT_BYTES_MAX)
            return STATUS_TOO_LONG;
        bytes += elements[i].len;
    }
    bool was_large = list_value_exists(l) && is_large(l);
    if (!was_large && !outgrows(l, &limit, bytes, n)) {
        struct listpack *lp = pack(account_of(l), list_value_exists(l) ? change_value(l) : NULL, end, elements, n);
        if (list_value_exists(l))
            keyspace_put_value(l->place, ENC_LISTPACK, lp);
        else
            make_list(l, ENC_LISTPACK, lp);
        return STATUS_OK;
    }
    if (!list_value_exists(l))
        make_list(l, ENC_QUICKLIST, quicklist_create(keyspace_values(l->keyspace), &limit));
    else if (!was_large)
        to_quicklist(l, &limit);
    push_large(l, end, elements, n);
    return STATUS_OK;
}

enum status list_value_insert(struct list_value *l, int32_t node_size, bool after, struct slice pivot,
                              struct slice element)
{
    struct quicklist_limit limit = quicklist_limit(node_size);
    struct listpack_value sought = listpack_value_of(pivot);
    struct quicklist_place p;
    if (element.len > QUICKLIST_ELEMENT_BYTES_MAX)
        return STATUS_TOO_LONG;
    if (!is_large(l)) {
        struct listpack *lp = value_of(l);
        uint32_t at = listpack_find(lp, listpack_first(lp), sought, 0);
        if (at == LISTPACK_NONE)
            return STATUS_NOT_FOUND;
        if (!outgrows(l, &limit, element.len, 1)) {
            struct listpack_value v = listpack_value_of(element);
            lp = listpack_insert(account_of(l), change_value(l), after ? listpack_next(lp, at) : at, &v, 1);
            keyspace_put_value(l->place, ENC_LISTPACK, lp);
            return STATUS_OK;
        }
        to_quicklist(l, &limit);
    }
    if (!quicklist_find(value_of(l), sought, &p))
        return STATUS_NOT_FOUND;
    quicklist_insert(change_value(l), &p, after, element);
    return STATUS_OK;
}

enum status list_value_set(struct list_value *l, int32_t node_size, int64_t index, struct slice element)
{
    struct quicklist_limit limit = quicklist_limit(node_size);
    uint64_t i;
    if (!from_head(l, index, &i))
        return STATUS_OUT_OF_RANGE;
    if (element.len > QUICKLIST_ELEMENT_BYTES_MAX)
        return STATUS_TOO_LONG;
    if (!is_large(l) && !outgrows(l, &limit, element.len, 1)) {
        struct listpack *lp = change_value(l);
        lp = listpack_replace(account_of(l), lp, listpack_seek(lp, (int64_t)i), listpack_value_of(element));
        keyspace_put_value(l->place, ENC_LISTPACK, lp);
        return STATUS_OK;
    }
    if (!is_large(l))
        to_quicklist(l, &limit);
    struct quicklist *q = change_value(l);
    struct quicklist_place p;
    quicklist_at(q, i, &p);
    quicklist_replace(q, &p, element);
    shrunk(l, node_size);
    return STATUS_OK;
}

/* ---- Deleting ---- */

static void remove_list(struct list_value *l)
{
    keyspace_remove(l->keyspace, l->place, l->key);
    l->place.entry = NULL;
}

/* Deletes n elements at an end, also the last one: then the list is to be removed, or to be given another. */
static void take(struct list_value *l, enum list_end end, uint64_t n)
{
    if (is_large(l)) {
        quicklist_trim(change_value(l), end, n);
        return;
    }
    struct listpack *lp = change_value(l);
    uint32_t at = end == LIST_HEAD ? LISTPACK_FIRST : listpack_seek(lp, -(int64_t)n);
    keyspace_put_value(l->place, ENC_LISTPACK, listpack_delete(account_of(l), lp, at, (uint32_t)n));
}

void list_value_trim(struct list_value *l, int32_t node_size, enum list_end end, uint64_t n)
{
    if (n == list_value_len(l)) {
        remove_list(l);
    } else if (n > 0) {
        take(l, end, n);
        shrunk(l, node_size);
    }
}

static uint64_t remove_packed(struct list_value *l, struct listpack_value v, enum list_end from, uint64_t most)
{
    struct listpack *lp = value_of(l);
    struct quicklist_matches m = quicklist_match(lp, v, from, most);
    if (m.n > 0) {
        lp = listpack_delete_places(account_of(l), change_value(l), m.first, m.n);
        keyspace_put_value(l->place, ENC_LISTPACK, lp);
    }
    mem_free(NULL, m.place);
    return m.n;
}

uint64_t list_value_remove(struct list_value *l, int32_t node_size, enum list_end from, uint64_t most,
                           struct slice element)
{
    struct listpack_value v = listpack_value_of(element);
    uint64_t removed =
        is_large(l) ? quicklist_remove_equal(change_value(l), v, from, most) : remove_packed(l, v, from, most);
    if (list_value_len(l) == 0)
        remove_list(l);
    else if (removed > 0)
        shrunk(l, node_size);
    return removed;
}

/* ---- Moving ---- */

static void look_up_again(struct list_value *l) { l->place = keyspace_write(l->keyspace, l->place.db, l->key); }

void list_value_move(struct list_value *src, enum list_end from, struct list_value *dst, enum list_end to,
                     int32_t node_size)
{
    bool rotates = src->place.entry == dst->place.entry;
    char number[NUM_INT_CHARS];
    /* Finding one list may have deleted another as expired, and with it moved entries. So may what follows. */
    look_up_again(src);
    struct slice element = listpack_text_of(list_value_end_element(src, from), number);
    char *copy = memcpy(mem_alloc(NULL, element.len), element.ptr, element.len);
    element.ptr = copy;
    if (rotates) { /* and keeps its expiry */
        take(src, from, 1);
        list_value_push(src, node_size, to, &element, 1);
        shrunk(src, node_size);
    } else {
        list_value_trim(src, node_size, from, 1);
        look_up_again(dst);
        list_value_push(dst, node_size, to, &element, 1);
    }
    mem_free(NULL, copy);
}

/* ---- Storing ---- */

bool list_value_store(struct keyspace *ks, uint32_t db, const struct key *key, struct quicklist *made)
{
    struct list_value l = {ks, key, keyspace_write(ks, db, key)};
    if (quicklist_len(made) > 0) {
        if (quicklist_only_listpack(made))
            make_list(&l, ENC_LISTPACK, quicklist_to_listpack(made));
        else
            make_list(&l, ENC_QUICKLIST, made);
        return true;
    }
    value_discard(keyspace_values(ks), ENC_QUICKLIST, made);
    if (!list_value_exists(&l))
        return false;
    remove_list(&l);
    return true;
}
