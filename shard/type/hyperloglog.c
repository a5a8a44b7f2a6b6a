#include "shard/type/hyperloglog.h"

#include "shard/ds/hll_sparse.h"
#include "shard/entry.h"
#include "src/base/assert.h"

/* ---- What is there ---- */

static struct slice bytes_of(const struct entry *e)
{
    char number[ENTRY_INT_BUF_BYTES]; /* is none, so that nobody sees the text of it */
    struct blob *blob;
    return e->encoding == ENC_INT ? slice_of(NULL, 0) : entry_string(e, number, &blob);
}

/* Whether an entry, which is there, is one. Redis has made a short string that a client has set raw by then. */
static enum status check(struct keyspace *ks, struct place *place)
{
    if (place->entry->type != TYPE_STRING)
        return STATUS_WRONG_TYPE;
    struct slice bytes = bytes_of(place->entry);
    if (!hll_is(bytes))
        return STATUS_NOT_HLL;
    if (place->entry->encoding == ENC_EMBSTR)
        keyspace_resize_string(ks, place, bytes.len);
    return STATUS_OK;
}

/* ---- Changing ---- */

/* The bytes of one, to be changed in place. */
static char *change(struct keyspace *ks, struct place *place)
{
    size_t len = bytes_of(place->entry).len;
    if (place->entry->encoding == ENC_BLOB)
        return keyspace_change_blob(ks, place, 0, len)->data;
    return keyspace_resize_string(ks, place, len);
}

static int64_t expiry_of(struct place place) { return place.entry ? entry_expiry_ms(place.entry) : EXPIRY_NONE; }

/* The result does not lie in the entry, or did not: the old value goes only once the new one has been made. */
static void edit_elsewhere(struct keyspace *ks, struct place *place, const struct key *key, struct slice hll,
                           const struct hll_edit *edit)
{
    struct blob *blob = blob_create(hll_edited_len(hll.len, edit));
    blob->len = hll_edited_len(hll.len, edit);
    hll_edit_to(blob->data, hll, edit);
    if (blob->len > ENTRY_INLINE_BYTES_MAX) {
        *place = keyspace_set_blob(ks, *place, key, blob, expiry_of(*place));
    } else {
        *place = keyspace_set_string(ks, *place, key, slice_of(blob->data, blob->len), expiry_of(*place), STRING_RAW);
        blob_release(blob);
    }
}

static void edit_value(struct keyspace *ks, struct place *place, const struct key *key, struct slice hll,
                       const struct hll_edit *edit)
{
    size_t len = hll_edited_len(hll.len, edit);
    if (place->entry->encoding == ENC_BLOB || len > ENTRY_INLINE_BYTES_MAX) {
        edit_elsewhere(ks, place, key, hll, edit);
        return;
    }
    hll_edit_in_place(keyspace_resize_string(ks, place, len > hll.len ? len : hll.len), hll.len, edit);
    if (len < hll.len)
        keyspace_resize_string(ks, place, len);
}

/* With the header of what it had, but for the form. */
static void set_dense(struct keyspace *ks, struct place *place, const struct key *key, const char *header,
                      const struct hll_registers *r)
{
    struct blob *blob = blob_create(HLL_DENSE_BYTES);
    blob->len = HLL_DENSE_BYTES;
    memcpy(blob->data, header, HLL_HEADER_BYTES);
    blob->data[offsetof(struct hll_header, encoding)] = HLL_DENSE;
    hll_write_dense(blob->data, r);
    *place = keyspace_set_blob(ks, *place, key, blob, expiry_of(*place));
}

/* A sparse one. */
static enum status make_dense(struct keyspace *ks, struct place *place, const struct key *key)
{
    struct slice hll = bytes_of(place->entry);
    struct hll_registers r = {0};
    if (!hll_raise(&r, hll))
        return STATUS_CORRUPT_HLL;
    set_dense(ks, place, key, hll.ptr, &r);
    return STATUS_OK;
}

/* ---- Adding ---- */

static void raise_dense(struct keyspace *ks, struct place *place, struct hll_element e, bool *changed)
{
    if (hll_dense_get(entry_blob(place->entry)->data, e.index) >= e.rank)
        return;
    char *hll = change(ks, place);
    hll_dense_set(hll, e.index, e.rank);
    hll_forget_cached(hll);
    *changed = true;
}

static enum status add(struct keyspace *ks, struct place *place, const struct key *key, struct hll_element e,
                       uint64_t sparse_bytes_max, bool *changed)
{
    struct slice hll = bytes_of(place->entry);
    struct hll_mark mark = hll_begin();
    struct hll_edit edit;
    if (hll_encoding(hll.ptr) == HLL_DENSE) {
        raise_dense(ks, place, e, changed);
        return STATUS_OK;
    }
    switch (hll_sparse_set(hll, e, sparse_bytes_max, &mark, &edit)) {
    case HLL_UNCHANGED:
        return STATUS_OK;
    case HLL_EDITED:
        edit_value(ks, place, key, hll, &edit);
        *changed = true;
        return STATUS_OK;
    case HLL_PROMOTED:
        if (make_dense(ks, place, key) == STATUS_OK) {
            raise_dense(ks, place, e, changed);
            return STATUS_OK;
        }
        return STATUS_CORRUPT_HLL;
    case HLL_CORRUPT:
        break;
    }
    return STATUS_CORRUPT_HLL;
}

static struct place create(struct keyspace *ks, struct place place, const struct key *key)
{
    char empty[HLL_EMPTY_BYTES];
    hll_make_empty(empty);
    return keyspace_set_string(ks, place, key, slice_of(empty, sizeof empty), EXPIRY_NONE, STRING_RAW);
}

enum status hyperloglog_add(struct keyspace *ks, uint32_t db, const struct key *key, const struct slice *elements,
                            uint32_t n, uint64_t sparse_bytes_max, bool *changed)
{
    struct place place = keyspace_write(ks, db, key);
    enum status status = STATUS_OK;
    *changed = !place.entry;
    if (place.entry)
        status = check(ks, &place);
    else
        place = create(ks, place, key);
    for (uint32_t i = 0; i < n && !status; i++)
        status = add(ks, &place, key, hll_hash(elements[i]), sparse_bytes_max, changed);
    return status;
}

/* ---- Counting ---- */

enum status hyperloglog_count(struct keyspace *ks, uint32_t db, const struct key *key, uint64_t *count, bool *changed)
{
    struct place place = keyspace_read(ks, db, key);
    *changed = false;
    *count = 0;
    if (!place.entry)
        return STATUS_OK;
    enum status status = check(ks, &place);
    if (status)
        return status;
    struct slice hll = bytes_of(place.entry);
    if (hll_cached(hll.ptr, count))
        return STATUS_OK;
    if (!hll_count(hll, count))
        return STATUS_CORRUPT_HLL;
    if (keyspace_keeps_expired(ks))
        return STATUS_OK; /* nothing can be written now: a read that changed something would wait for that */
    hll_set_cached(change(ks, &place), *count);
    *changed = true;
    return STATUS_OK;
}

/* ---- Merging ---- */

enum status hyperloglog_raise(struct keyspace *ks, uint32_t db, const struct key *key, struct hll_registers *r,
                              bool *dense)
{
    const struct entry *e = keyspace_read(ks, db, key).entry;
    if (!e)
        return STATUS_OK;
    if (e->type != TYPE_STRING)
        return STATUS_WRONG_TYPE;
    struct slice hll = bytes_of(e);
    if (!hll_is(hll))
        return STATUS_NOT_HLL;
    if (hll_encoding(hll.ptr) == HLL_DENSE)
        *dense = true;
    return hll_raise(r, hll) ? STATUS_OK : STATUS_CORRUPT_HLL;
}

/* Raises a sparse form, which is not corrupt, register by register, as Redis does it: the bytes depend on the way
 * there. bytes has room for HLL_SPARSE_BYTES_MAX. False: it has to become dense. */
static bool raise_sparse(char *bytes, size_t *len, const struct hll_registers *r, uint64_t sparse_bytes_max)
{
    struct hll_mark mark = hll_begin();
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        struct hll_edit edit;
        struct hll_element e = {(uint16_t)i, r->rank[i]};
        if (e.rank == 0)
            continue;
        switch (hll_sparse_set(slice_of(bytes, *len), e, sparse_bytes_max, &mark, &edit)) {
        case HLL_UNCHANGED:
            continue;
        case HLL_EDITED:
            break;
        case HLL_PROMOTED:
            return false;
        case HLL_CORRUPT:
            ASSERT(!"a form that was read before");
        }
        hll_edit_in_place(bytes, *len, &edit);
        *len = hll_edited_len(*len, &edit);
        ASSERT(*len <= HLL_SPARSE_BYTES_MAX);
    }
    hll_forget_cached(bytes);
    return true;
}

void hyperloglog_store(struct keyspace *ks, uint32_t db, const struct key *key, const struct hll_registers *r,
                       bool dense, uint64_t sparse_bytes_max)
{
    char sparse[HLL_SPARSE_BYTES_MAX];
    struct place place = keyspace_write(ks, db, key);
    hll_make_empty(sparse);
    struct slice old = place.entry ? bytes_of(place.entry) : slice_of(sparse, HLL_EMPTY_BYTES);
    size_t len = old.len;
    ASSERT(dense || len <= sizeof sparse);
    if (!dense && place.entry)
        memcpy(sparse, old.ptr, len);
    if (!dense && raise_sparse(sparse, &len, r, sparse_bytes_max)) {
        keyspace_set_string(ks, place, key, slice_of(sparse, len), expiry_of(place), STRING_RAW);
        return;
    }
    set_dense(ks, &place, key, old.ptr, r);
    hll_forget_cached(change(ks, &place));
}

/* ---- Looking into ---- */

enum status hyperloglog_look(struct keyspace *ks, uint32_t db, const struct key *key, struct slice *hll)
{
    struct place place = keyspace_write(ks, db, key);
    if (!place.entry)
        return STATUS_NOT_FOUND;
    enum status status = check(ks, &place);
    if (!status)
        *hll = bytes_of(place.entry);
    return status;
}

enum status hyperloglog_make_dense(struct keyspace *ks, uint32_t db, const struct key *key, bool *changed)
{
    struct place place = keyspace_write(ks, db, key);
    *changed = hll_encoding(bytes_of(place.entry).ptr) == HLL_SPARSE;
    return *changed ? make_dense(ks, &place, key) : STATUS_OK;
}
