#include "shard/entry.h"

#include "src/base/assert.h"
#include "src/base/num.h"

/* entry_string for what does not lie in the entry as text. */
struct slice entry_word_string(const struct entry *e, char int_buf[static ENTRY_INT_BUF_BYTES], struct blob **blob)
{
    if (e->encoding == ENC_INT)
        return slice_of(int_buf, num_i64(int_buf, entry_int(e)));
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
    return capacity(e) + (e->encoding == ENC_BLOB ? blob_memory(entry_blob(e)) : 0);
}

const char *type_name(enum value_type type)
{
    static const char *const names[TYPE_COUNT] = {
        [TYPE_STRING] = "string", [TYPE_LIST] = "list", [TYPE_SET] = "set",
        [TYPE_ZSET] = "zset",     [TYPE_HASH] = "hash", [TYPE_STREAM] = "stream",
    };
    ASSERT(type < TYPE_COUNT);
    return names[type];
}

const char *encoding_name(const struct entry *e)
{
    switch ((enum encoding)e->encoding) {
    case ENC_RAW:
    case ENC_BLOB:
        return "raw";
    case ENC_EMBSTR:
        return "embstr";
    case ENC_INT:
        return "int";
    }
    ASSERT(!"an encoding");
    return NULL;
}

/* ---- Writing ---- */

/* The size class is what the allocator would hold anyway, so asking for all of it makes the capacity known without a
 * look at the allocator's books. */
static struct entry *allocate(struct mem_account *account, size_t bytes)
{
    size_t good = mem_good_size(bytes);
    struct entry *e = mem_alloc(NULL, good);
    e->capacity8 = good / 8 <= UINT16_MAX && good % 8 == 0 ? (uint16_t)(good / 8) : 0;
    mem_count(account, (int64_t)capacity(e));
    return e;
}

static void release_memory(struct mem_account *account, struct entry *e)
{
    mem_count(account, -(int64_t)capacity(e));
    mem_free(NULL, e);
}

static void release_blob(struct mem_account *account, struct blob *b)
{
    mem_count(account, -(int64_t)blob_memory(b));
    blob_release(b);
}

void entry_destroy(struct mem_account *account, struct entry *e)
{
    if (e->encoding == ENC_BLOB)
        release_blob(account, entry_blob(e));
    release_memory(account, e);
}

/* In place, unless that would waste more than half of what is held. */
static bool fits_well(const struct entry *e, size_t bytes)
{
    size_t has = capacity(e);
    return bytes <= has && (bytes * 2 >= has || has <= 64);
}

struct entry *entry_write(struct mem_account *account, struct entry *old, struct slice key,
                          const struct entry_content *content, int64_t expiry_ms)
{
    bool has_word = content->encoding >= ENC_INT, has_expiry = expiry_ms != EXPIRY_NONE;
    size_t value_len = has_word ? 0 : content->string.len;
    size_t key_offset = (has_expiry ? 8 : 0) + (has_word ? 8 : 0),
           bytes = sizeof *old + key_offset + key.len + value_len;
    struct entry *e = old;
    if (old && old->encoding == ENC_BLOB)
        release_blob(account, entry_blob(old));
    if (!old || !fits_well(old, bytes)) {
        e = allocate(account, bytes);
        e->access = old ? old->access : 0;
        e->type = TYPE_STRING;
        e->flags = old ? old->flags : 0;
        memcpy(e->data + key_offset, key.ptr, key.len);
    } else if (key_offset != entry_key_offset(old)) {
        memmove(e->data + key_offset, old->data + entry_key_offset(old), key.len);
    }
    e->encoding = (uint8_t)content->encoding;
    e->flags = (uint8_t)((e->flags & ~(ENTRY_HAS_EXPIRY | ENTRY_UNSHARED)) | (has_expiry ? ENTRY_HAS_EXPIRY : 0));
    e->key_len = key.len;
    e->value_len = (uint16_t)value_len;
    if (has_expiry)
        memcpy(e->data, &expiry_ms, 8);
    if (content->encoding == ENC_INT) {
        memcpy(e->data + entry_word_offset(e), &content->integer, 8);
    } else if (content->encoding == ENC_BLOB) {
        mem_count(account, (int64_t)blob_memory(content->blob));
        memcpy(e->data + entry_word_offset(e), &content->blob, 8);
    } else if (value_len > 0) {
        memcpy(e->data + key_offset + key.len, content->string.ptr, value_len);
    }
    if (old && e != old)
        release_memory(account, old);
    return e;
}

struct entry *entry_resize(struct mem_account *account, struct entry *e, size_t value_len)
{
    size_t before = sizeof *e + entry_key_offset(e) + e->key_len,
           keep = e->value_len < value_len ? e->value_len : value_len;
    struct entry *to = e;
    if (!fits_well(e, before + value_len)) {
        to = allocate(account, before + value_len);
        uint16_t capacity8 = to->capacity8;
        memcpy(to, e, before + keep);
        to->capacity8 = capacity8;
        release_memory(account, e);
    }
    to->encoding = ENC_RAW;
    to->value_len = (uint16_t)value_len;
    return to;
}

struct entry *entry_set_expiry(struct mem_account *account, struct entry *e, int64_t expiry_ms)
{
    uint32_t has = entry_word_offset(e), needs = expiry_ms != EXPIRY_NONE ? 8 : 0;
    size_t rest = (entry_has_word(e) ? 8 : 0) + (size_t)e->key_len + e->value_len;
    struct entry *to = e;
    if (has != needs) {
        if (!fits_well(e, sizeof *e + needs + rest)) {
            to = allocate(account, sizeof *e + needs + rest);
            uint16_t capacity8 = to->capacity8;
            *to = *e;
            to->capacity8 = capacity8;
        }
        memmove(to->data + needs, e->data + has, rest);
        if (to != e)
            release_memory(account, e);
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
