/* An entry: a key and its value, in one allocation if the value is an integer or a string of up to
 * ENTRY_INLINE_BYTES_MAX. Only keyspace.c and entry.c change entries; the rules for that are in shard/keyspace.h. */
#ifndef SKUA_SHARD_ENTRY_H
#define SKUA_SHARD_ENTRY_H

#include "shard/keyspace.h"

enum entry_flag {
    ENTRY_HAS_EXPIRY = 1,
    ENTRY_SWEPT = 2,    /* equals the database's bit if the running sweep has met a reference to it; see expire.c */
    ENTRY_UNSHARED = 4, /* an integer that COPY made: Redis would not share it, see entry_refcount */
};

struct entry {
    uint32_t access;      /* LRU clock (seconds) or LFU counter, as maxmemory-policy says */
    uint8_t type : 4;     /* enum value_type */
    uint8_t encoding : 4; /* enum encoding */
    uint8_t flags;        /* enum entry_flag */
    uint16_t capacity8;   /* bytes allocated / 8; 0: too many for it, ask the allocator */
    uint64_t key_len : 48;
    uint64_t value_len : 16; /* of a value inside the entry */
    /* then: int64_t expiry_ms if ENTRY_HAS_EXPIRY; the value if an int64_t or a pointer; the key; an inline string */
    char data[];
};

_Static_assert(sizeof(struct entry) == 16, "a header takes 16 bytes of each key");
_Static_assert(ENTRY_INLINE_BYTES_MAX <= UINT16_MAX, "value_len");

static inline bool entry_has_expiry(const struct entry *e) { return e->flags & ENTRY_HAS_EXPIRY; }

static inline uint32_t entry_word_offset(const struct entry *e) { return entry_has_expiry(e) ? 8 : 0; }

static inline bool entry_has_word(const struct entry *e) { return e->encoding >= ENC_INT; }

static inline uint32_t entry_key_offset(const struct entry *e)
{
    return entry_word_offset(e) + (entry_has_word(e) ? 8 : 0);
}

/* EXPIRY_NONE if it has none. */
static inline int64_t entry_expiry_ms(const struct entry *e)
{
    int64_t ms = EXPIRY_NONE;
    if (entry_has_expiry(e))
        memcpy(&ms, e->data, sizeof ms);
    return ms;
}

static inline struct slice entry_key(const struct entry *e)
{
    return slice_of(e->data + entry_key_offset(e), e->key_len);
}

/* ENC_INT only. */
static inline int64_t entry_int(const struct entry *e)
{
    int64_t v;
    memcpy(&v, e->data + entry_word_offset(e), sizeof v);
    return v;
}

/* ENC_BLOB only; borrowed. */
static inline struct blob *entry_blob(const struct entry *e)
{
    struct blob *b;
    memcpy(&b, e->data + entry_word_offset(e), sizeof b);
    return b;
}

/* Of another type than string; borrowed. */
static inline void *entry_value(const struct entry *e)
{
    void *v;
    memcpy(&v, e->data + entry_word_offset(e), sizeof v);
    return v;
}

static inline struct typed_value entry_typed_value(const struct entry *e)
{
    return (struct typed_value){e->type, e->encoding, entry_value(e)};
}

/* The value of a string entry as bytes (entry_word_string: one that is no inline string). int_buf holds the text of an
 * ENC_INT value and must outlive the slice. blob is set if the value is one (borrowed), else NULL. */
enum { ENTRY_INT_BUF_BYTES = 24 };
struct slice entry_word_string(const struct entry *e, char int_buf[static ENTRY_INT_BUF_BYTES], struct blob **blob);
static inline struct slice entry_string(const struct entry *e, char int_buf[static ENTRY_INT_BUF_BYTES],
                                        struct blob **blob)
{
    *blob = NULL;
    if (entry_has_word(e))
        return entry_word_string(e, int_buf, blob);
    return slice_of(e->data + entry_word_offset(e) + e->key_len, e->value_len);
}

/* The length of a string entry's value. */
size_t entry_string_len(const struct entry *e);

/* As OBJECT REFCOUNT shows it: Redis shares small integers, which then have the highest count there is. */
int32_t entry_refcount(const struct entry *e);

/* Bytes that the allocator holds for entry and value. */
size_t entry_memory(const struct entry *e);

/* What a value is to be made of. */
struct entry_content {
    enum value_type type;
    enum encoding encoding;
    union {
        int64_t integer;     /* ENC_INT */
        struct blob *blob;   /* ENC_BLOB, one reference */
        void *value;         /* other types than string */
        struct slice string; /* the others */
    };
};

/* A new entry, or one in place of old, which it then takes over: keeps its memory if the new content fits well, else
 * frees it. The string must not lie in old. Owns the blob or value. An old one is released. */
struct entry *entry_write(struct value_home *home, struct entry *old, struct slice key,
                          const struct entry_content *content, int64_t expiry_ms);
/* Gives an inline string another length and keeps its bytes (up to the shorter length); it is shown as raw from now on.
 */
struct entry *entry_resize(struct value_home *home, struct entry *e, size_t value_len);
/* Gives it another deadline, or none (EXPIRY_NONE). May move it. */
struct entry *entry_set_expiry(struct value_home *home, struct entry *e, int64_t expiry_ms);
void entry_destroy(struct value_home *home, struct entry *e);

/* The value of another type than string became this. */
static inline void entry_put_value(struct entry *e, enum encoding encoding, void *value)
{
    e->encoding = (uint8_t)encoding;
    memcpy(e->data + entry_word_offset(e), &value, sizeof value);
}
/* The value of another type than string, which the caller owns; the entry is only good for being destroyed then. */
void *entry_take_value(struct entry *e);

/* The bytes of an inline string. */
static inline char *entry_inline(struct entry *e) { return e->data + entry_key_offset(e) + e->key_len; }

#endif
