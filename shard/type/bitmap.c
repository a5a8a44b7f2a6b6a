#include "shard/type/bitmap.h"

#include "shard/type/string.h"

/* ---- Reading ---- */

/* The string at a place, or nothing. */
static struct slice bytes_at(struct place place, char digits[static ENTRY_INT_BUF_BYTES])
{
    struct blob *blob;
    return place.entry ? entry_string(place.entry, digits, &blob) : slice_of(NULL, 0);
}

enum status bitmap_read(struct keyspace *ks, uint32_t db, const struct key *key,
                        char digits[static ENTRY_INT_BUF_BYTES], struct slice *bytes)
{
    struct place place = keyspace_read(ks, db, key);
    if (place.entry && place.entry->type != TYPE_STRING)
        return STATUS_WRONG_TYPE;
    *bytes = bytes_at(place, digits);
    return STATUS_OK;
}

void bitmap_range(int64_t from, int64_t to, bool in_bits, size_t len, uint64_t *first, uint64_t *end)
{
    int64_t unit = in_bits ? 1 : 8, n = (int64_t)len * (in_bits ? 8 : 1);
    from = from < 0 ? from + n : from;
    to = to < 0 ? to + n : to;
    from = from < 0 ? 0 : from;
    to = to < 0 ? 0 : to;
    to = to >= n ? n - 1 : to;
    *first = *end = 0;
    if (from <= to) {
        *first = (uint64_t)(from * unit);
        *end = (uint64_t)((to + 1) * unit);
    }
}

/* ---- Writing ---- */

/* Makes the value a raw string of at least end bytes. Returns whether it was none. */
static bool make_writable(struct keyspace *ks, struct place *place, const struct key *key, size_t end)
{
    size_t had = place->entry ? entry_string_len(place->entry) : 0;
    bool is_raw = place->entry && (place->entry->encoding == ENC_RAW || place->entry->encoding == ENC_BLOB);
    if (is_raw && end <= had)
        return false;
    end = end > had ? end : had;
    string_make_room(ks, place, key, end, end);
    return true;
}

enum status bitmap_set(struct keyspace *ks, uint32_t db, const struct key *key, uint64_t at, bool bit, bool *old,
                       bool *changed)
{
    char digits[ENTRY_INT_BUF_BYTES];
    struct place place;
    enum status status = string_place(ks, db, key, &place);
    if (status)
        return status;
    *changed = make_writable(ks, &place, key, at / 8 + 1);
    *old = bits_get(bytes_at(place, digits), at);
    if (*old != bit) {
        string_make_room(ks, &place, key, at / 8, at / 8 + 1)[at / 8] ^= (char)(0x80 >> at % 8);
        *changed = true;
    }
    return STATUS_OK;
}

size_t bitmap_combine(enum bits_op op, const struct slice *source, size_t n, struct keyspace *ks, uint32_t db,
                      const struct key *key, bool *changed)
{
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len = source[i].len > len ? source[i].len : len;
    /* The result is made beside the sources, of which the key may be one. */
    struct blob *blob = len > ENTRY_INLINE_BYTES_MAX ? blob_create(len) : NULL;
    char small[ENTRY_INLINE_BYTES_MAX];
    bits_combine(op, blob ? blob->data : small, len, source, n);
    struct place place = keyspace_write(ks, db, key);
    *changed = len > 0 || place.entry;
    if (blob) {
        blob->len = len;
        keyspace_set_blob(ks, place, key, blob, EXPIRY_NONE);
    } else if (len > 0) {
        keyspace_set_string(ks, place, key, slice_of(small, len), EXPIRY_NONE, STRING_RAW);
    } else if (place.entry) {
        keyspace_remove(ks, place, key);
    }
    return len;
}

/* ---- Bit fields ---- */

enum status bitfield_open(struct bitfield *f, struct keyspace *ks, uint32_t db, const struct key *key,
                          size_t bytes_written)
{
    *f = (struct bitfield){.keyspace = ks, .key = key};
    if (bytes_written == 0) {
        f->place = keyspace_read(ks, db, key);
        return f->place.entry && f->place.entry->type != TYPE_STRING ? STATUS_WRONG_TYPE : STATUS_OK;
    }
    enum status status = string_place(ks, db, key, &f->place);
    if (!status)
        f->changed = make_writable(ks, &f->place, key, bytes_written);
    return status;
}

static int64_t extend(const struct bitfield_op *op, uint64_t number)
{
    uint32_t spare = BITS_WIDTH_MAX - op->width;
    return op->is_signed ? (int64_t)(number << spare) >> spare : (int64_t)(number << spare >> spare);
}

/* What of the exact number goes into the field. False: nothing, it does not fit. */
static bool fit(const struct bitfield_op *op, __int128 exact, int64_t *number)
{
    __int128 limit = (__int128)1 << (op->is_signed ? op->width - 1 : op->width);
    __int128 low = op->is_signed ? -limit : 0, high = limit - 1;
    bool fits = low <= exact && exact <= high;
    if (!fits && op->overflow == BITFIELD_FAIL)
        return false;
    if (!fits && op->overflow == BITFIELD_SAT) {
        /* Redis looks at the difference first, in 64 bits: what SET is given far below the lowest number is above the
         * highest to it. */
        bool above = exact > high || (op->kind == BITFIELD_SET && high - exact > INT64_MAX);
        exact = above ? high : low;
    }
    *number = extend(op, (uint64_t)exact);
    return true;
}

bool bitfield_run(struct bitfield *f, const struct bitfield_op *op, int64_t *result)
{
    char digits[ENTRY_INT_BUF_BYTES];
    int64_t old = extend(op, bits_read(bytes_at(f->place, digits), op->at, op->width)), number;
    *result = old;
    if (op->kind == BITFIELD_GET)
        return true;
    /* What an unsigned field is set to is a number of 64 bits without a sign. */
    __int128 operand = op->kind == BITFIELD_SET && !op->is_signed ? (__int128)(uint64_t)op->operand : op->operand;
    if (!fit(op, op->kind == BITFIELD_SET ? operand : old + operand, &number))
        return false;
    if (op->kind == BITFIELD_INCRBY)
        *result = number;
    if (number != old) {
        char *bytes = string_make_room(f->keyspace, &f->place, f->key, op->at / 8, (op->at + op->width + 7) / 8);
        bits_write(bytes, op->at, op->width, (uint64_t)number);
        f->changed = true;
    }
    return true;
}
