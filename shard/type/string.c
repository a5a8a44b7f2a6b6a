#include "shard/type/string.h"

#include <math.h>

#include "shard/entry.h"
#include "src/base/num.h"

enum status string_place(struct keyspace *ks, uint32_t db, const struct key *key, struct place *place)
{
    *place = keyspace_write(ks, db, key);
    return place->entry && place->entry->type != TYPE_STRING ? STATUS_WRONG_TYPE : STATUS_OK;
}

/* A raw string of len bytes that begins with from and goes on with zeros; from may be part of the value that it
 * replaces. Returns its bytes. */
static char *make_raw(struct keyspace *ks, struct place *place, const struct key *key, struct slice from, size_t len)
{
    int64_t expiry_ms = place->entry ? entry_expiry_ms(place->entry) : EXPIRY_NONE;
    if (len <= ENTRY_INLINE_BYTES_MAX) {
        char bytes[ENTRY_INLINE_BYTES_MAX];
        if (from.len > 0)
            memcpy(bytes, from.ptr, from.len);
        memset(bytes + from.len, 0, len - from.len);
        *place = keyspace_set_string(ks, *place, key, slice_of(bytes, len), expiry_ms, STRING_RAW);
        return entry_inline(place->entry);
    }
    struct blob *b = blob_create_zeroed(len);
    if (from.len > 0)
        memcpy(b->data, from.ptr, from.len);
    *place = keyspace_set_blob(ks, *place, key, b, expiry_ms);
    return b->data;
}

char *string_make_room(struct keyspace *ks, struct place *place, const struct key *key, size_t first, size_t end)
{
    char buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob = NULL;
    struct slice old = place->entry ? entry_string(place->entry, buf, &blob) : slice_of(NULL, 0);
    size_t had = old.len, len = end > had ? end : had;
    /* What is copied is less than what would have to be zeroed, and large memory comes with zeros at no cost. */
    bool far = blob && len > blob->cap && first > 2 * had;
    if (far || (!blob && (!place->entry || place->entry->encoding == ENC_INT || len > ENTRY_INLINE_BYTES_MAX)))
        return make_raw(ks, place, key, old, len);
    char *bytes = blob ? keyspace_change_blob(ks, place, first, end)->data : keyspace_resize_string(ks, place, len);
    if (first > had)
        memset(bytes + had, 0, first - had);
    return bytes;
}

enum status string_append(struct keyspace *ks, uint32_t db, const struct key *key, struct slice value, size_t len_max,
                          size_t *len)
{
    struct place place;
    enum status status = string_place(ks, db, key, &place);
    if (status)
        return status;
    if (!place.entry) {
        keyspace_set_string(ks, place, key, value, EXPIRY_NONE, STRING_ENCODED);
        *len = value.len;
        return STATUS_OK;
    }
    size_t had = entry_string_len(place.entry);
    if (value.len > len_max || had > len_max - value.len)
        return STATUS_TOO_LONG;
    char *bytes = string_make_room(ks, &place, key, had, had + value.len);
    memcpy(bytes + had, value.ptr, value.len);
    *len = had + value.len;
    return STATUS_OK;
}

enum status string_set_range(struct keyspace *ks, uint32_t db, const struct key *key, size_t offset, struct slice value,
                             size_t len_max, size_t *len, bool *changed)
{
    struct place place;
    enum status status = string_place(ks, db, key, &place);
    if (status)
        return status;
    size_t had = place.entry ? entry_string_len(place.entry) : 0;
    *changed = value.len > 0;
    *len = had;
    if (value.len == 0)
        return STATUS_OK;
    if (value.len > len_max || offset > len_max - value.len)
        return STATUS_TOO_LONG;
    if (offset + value.len > had)
        *len = offset + value.len;
    memcpy(string_make_room(ks, &place, key, offset, offset + value.len) + offset, value.ptr, value.len);
    return STATUS_OK;
}

void string_range(int64_t first, int64_t last, size_t size, size_t *start, size_t *len)
{
    int64_t n = (int64_t)size;
    *start = *len = 0;
    if (first < 0 && last < 0 && first > last)
        return;
    first = first < 0 ? first + n : first;
    last = last < 0 ? last + n : last;
    first = first < 0 ? 0 : first;
    last = last < 0 ? 0 : last;
    last = last >= n ? n - 1 : last;
    if (n == 0 || first > last)
        return;
    *start = (size_t)first;
    *len = (size_t)(last - first + 1);
}

enum status string_increment(struct keyspace *ks, uint32_t db, const struct key *key, int64_t by, int64_t *result)
{
    struct place place;
    enum status status = string_place(ks, db, key, &place);
    if (status)
        return status;
    int64_t value = 0, expiry_ms = EXPIRY_NONE;
    if (place.entry) {
        char buf[ENTRY_INT_BUF_BYTES];
        struct blob *blob;
        expiry_ms = entry_expiry_ms(place.entry);
        if (place.entry->encoding == ENC_INT)
            value = entry_int(place.entry);
        else if (!num_parse_i64(entry_string(place.entry, buf, &blob), &value))
            return STATUS_NOT_INTEGER;
    }
    if (__builtin_add_overflow(value, by, result))
        return STATUS_OVERFLOW;
    keyspace_set_int(ks, place, key, *result, expiry_ms);
    return STATUS_OK;
}

enum status string_increment_float(struct keyspace *ks, uint32_t db, const struct key *key, struct slice by, char *text,
                                   size_t *len)
{
    struct place place;
    enum status status = string_place(ks, db, key, &place);
    if (status)
        return status;
    long double value = 0, delta;
    int64_t expiry_ms = EXPIRY_NONE;
    if (place.entry) {
        char buf[ENTRY_INT_BUF_BYTES];
        struct blob *blob;
        expiry_ms = entry_expiry_ms(place.entry);
        if (!num_parse_long_double(entry_string(place.entry, buf, &blob), &value))
            return STATUS_NOT_FLOAT;
    }
    if (!num_parse_long_double(by, &delta))
        return STATUS_NOT_FLOAT;
    value += delta;
    if (isnan(value) || isinf(value))
        return STATUS_NAN_OR_INF;
    *len = dtoa_human(text, value);
    keyspace_set_string(ks, place, key, slice_of(text, *len), expiry_ms, STRING_PLAIN);
    return STATUS_OK;
}
