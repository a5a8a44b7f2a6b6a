#include "shard/entry.h"

#include "src/base/assert.h"
#include "src/base/num.h"

/* entry_string for what does not lie in the entry as text. */
struct slice entry_word_string(const struct entry *e, char int_buf[static ENTRY_INT_BUF_BYTES], struct blob **blob)
{
    if (e->encoding == ENC_INT)
        return slice_of(int_buf, num_i64(int_buf, entry_int(e)));
    ASSERT(e->type == TYPE_STRING);
    *blob = entry_blob(e);
    return slice_of((*blob)->data, (*blob)->len);
}

size_t entry_string_len(const struct entry *e)
{
    char buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    return entry_string(e, buf, &blob).len;
}

static size_t capacity(const struct entry *e) { return e->capacity8 ? e->capacity8 * (size_t)8 : mem_size(e); }

size_t entry_memory(const struct entry *e)
{
    size_t bytes = capacity(e);
    if (e->type != TYPE_STRING)
        return bytes + value_memory(entry_typed_value(e));
    return bytes + (e->encoding == ENC_BLOB ? blob_memory(entry_blob(e)) : 0);
}

/* ---- Writing ---- */

/* The size class is what the allocator would hold anyway, so asking for all of it makes the capacity known without a
 * look at the allocator's books. */
static struct entry *allocate(struct value_home *home, size_t bytes)
{
    size_t good = mem_good_size(bytes);
    struct entry *e = mem_alloc(NULL, good);
    e->capacity8 = good / 8 <= UINT16_MAX && good % 8 == 0 ? (uint16_t)(good / 8) : 0;
    mem_count(home->account, (int64_t)capacity(e));
    return e;
}

static void release_memory(struct value_home *home, struct entry *e)
{
    mem_count(home->account, -(int64_t)capacity(e));
    mem_free(NULL, e);
}

/* Lets go what the entry points to. */
static void release_value(struct value_home *home, const struct entry *e)
{
    if (e->type != TYPE_STRING) {
        value_discard(home, e->encoding, entry_value(e));
    } else if (e->encoding == ENC_BLOB) {
        mem_count(home->account, -(int64_t)blob_memory(entry_blob(e)));
        blob_release(entry_blob(e));
    }
}

void entry_destroy(struct value_home *home, struct entry *e)
{
    release_value(home, e);
    release_memory(home, e);
}

void *entry_take_value(struct entry *e)
{
    void *value = entry_value(e);
    e->type = TYPE_STRING; /* what is left counts as a number */
    e->encoding = ENC_INT;
    return value;
}

/* In place, unless that would waste more than half of what is held. */
static bool fits_well(const struct entry *e, size_t bytes)
{
    size_t has = capacity(e);
    return bytes <= has && (bytes * 2 >= has || has <= 64);
}

struct entry *entry_write(struct value_home *home, struct entry *old, struct slice key,
                          const struct entry_content *content, int64_t expiry_ms)
{
    bool has_word = content->encoding >= ENC_INT, has_expiry = expiry_ms != EXPIRY_NONE;
    size_t value_len = has_word ? 0 : content->string.len;
    size_t key_offset = (has_expiry ? 8 : 0) + (has_word ? 8 : 0),
           bytes = sizeof *old + key_offset + key.len + value_len;
    struct entry *e = old;
    if (old)
        release_value(home, old);
    if (!old || !fits_well(old, bytes)) {
        e = allocate(home, bytes);
        e->access = old ? old->access : 0;
        e->flags = old ? old->flags : 0;
        memcpy(e->data + key_offset, key.ptr, key.len);
    } else if (key_offset != entry_key_offset(old)) {
        memmove(e->data + key_offset, old->data + entry_key_offset(old), key.len);
    }
    e->type = (uint8_t)content->type;
    e->encoding = (uint8_t)content->encoding;
    e->flags = (uint8_t)((e->flags & ~(ENTRY_HAS_EXPIRY | ENTRY_UNSHARED)) | (has_expiry ? ENTRY_HAS_EXPIRY : 0));
    e->key_len = key.len;
    e->value_len = (uint16_t)value_len;
    if (has_expiry)
        memcpy(e->data, &expiry_ms, 8);
    if (content->encoding == ENC_BLOB)
        mem_count(home->account, (int64_t)blob_memory(content->blob));
    if (has_word) {
        memcpy(e->data + entry_word_offset(e), &content->integer, 8); /* or the pointer that lies there */
    } else if (value_len > 0) {
        memcpy(e->data + key_offset + key.len, content->string.ptr, value_len);
    }
    if (old && e != old)
        release_memory(home, old);
    return e;
}

struct entry *entry_resize(struct value_home *home, struct entry *e, size_t value_len)
{
    size_t before = sizeof *e + entry_key_offset(e) + e->key_len,
           keep = e->value_len < value_len ? e->value_len : value_len;
    struct entry *to = e;
    if (!fits_well(e, before + value_len)) {
        to = allocate(home, before + value_len);
        uint16_t capacity8 = to->capacity8;
        memcpy(to, e, before + keep);
        to->capacity8 = capacity8;
        release_memory(home, e);
    }
    to->encoding = ENC_RAW;
    to->value_len = (uint16_t)value_len;
    return to;
}

struct entry *entry_set_expiry(struct value_home *home, struct entry *e, int64_t expiry_ms)
{
    uint32_t has = entry_word_offset(e), needs = expiry_ms != EXPIRY_NONE ? 8 : 0;
    size_t rest = (entry_has_word(e) ? 8 : 0) + (size_t)e->key_len + e->value_len;
    struct entry *to = e;
    if (has != needs) {
        if (!fits_well(e, sizeof *e + needs + rest)) {
            to = allocate(home, sizeof *e + needs + rest);
            uint16_t capacity8 = to->capacity8;
            *to = *e;
            to->capacity8 = capacity8;
        }
        memmove(to->data + needs, e->data + has, rest);
        if (to != e)
            release_memory(home, e);
    }
    to->flags = (uint8_t)((to->flags & ~ENTRY_HAS_EXPIRY) | (needs ? ENTRY_HAS_EXPIRY : 0));
    if (needs)
        memcpy(to->data, &expiry_ms, 8);
    return to;
}

int32_t entry_refcount(const struct entry *e)
{
    enum { SHARED_INTEGERS = 10000 };
    bool integer = e->type == TYPE_STRING && e->encoding == ENC_INT && !(e->flags & ENTRY_UNSHARED);
    return integer && entry_int(e) >= 0 && entry_int(e) < SHARED_INTEGERS ? INT32_MAX : 1;
}
