/* Reading an entry. Layout and invariants are explained in shard/keyspace.h; only keyspace.c changes entries. */
#ifndef SKUA_SHARD_ENTRY_H
#define SKUA_SHARD_ENTRY_H

#include "shard/keyspace.h"

enum { ENTRY_HAS_EXPIRY = 1 };

struct entry {
    uint32_t access;       /* LRU clock or LFU counter, as maxmemory-policy says */
    uint8_t type : 4;      /* enum value_type */
    uint8_t encoding : 4;  /* enum encoding */
    uint8_t flags;
    uint16_t reserved;
    uint32_t key_len;
    uint32_t value_len;    /* of a value inside the entry */
    /* then: int64_t expiry_ms if ENTRY_HAS_EXPIRY; the value if an int64_t or a pointer; the key; an inline string */
    char data[];
};

int64_t entry_expiry_ms(const struct entry *e);
struct slice entry_key(const struct entry *e);

/* The value of a string entry as bytes. int_buf holds the text of an ENC_INT value and must outlive the slice. blob is
 * set if the value is one (borrowed), else NULL. */
enum { ENTRY_INT_BUF_BYTES = 24 };
struct slice entry_string(const struct entry *e, char int_buf[static ENTRY_INT_BUF_BYTES], struct blob **blob);

int64_t entry_int(const struct entry *e);   /* ENC_INT only */

/* As OBJECT REFCOUNT shows it: Redis shares small integers, which then have the highest count there is. */
int32_t entry_refcount(const struct entry *e);

/* Bytes that the allocator holds for entry and value. */
size_t entry_memory(const struct entry *e);

const char *type_name(enum value_type type);   /* as TYPE replies */
const char *encoding_name(const struct entry *e);   /* as OBJECT ENCODING replies */

#endif
