/* Operations on strings as arrays of bits, and of numbers of any width in them (bit fields). They know no reply format.
 * A missing key counts as an empty string, and what lies behind a string's end as zeros. Whatever may write leaves a
 * raw string, even if it changed no bit. Semantics and order of checks: Redis 7.4 bitops.c. */
#ifndef SKUA_SHARD_TYPE_BITMAP_H
#define SKUA_SHARD_TYPE_BITMAP_H

#include "shard/ds/bits.h"
#include "shard/entry.h"
#include "shard/keyspace.h"
#include "shard/status.h"

/* *bytes: the string, good until the key changes; it lies in digits if it is an integer. */
enum status bitmap_read(struct keyspace *ks, uint32_t db, const struct key *key,
                        char digits[static ENTRY_INT_BUF_BYTES], struct slice *bytes);

/* Bits [*first, *end) of a string of len bytes that first and last (inclusive) mean, in bytes or in bits; negative ones
 * count from the end. *end is at most *first if there are none. */
void bitmap_range(int64_t from, int64_t to, bool in_bits, size_t len, uint64_t *first, uint64_t *end);

/* Sets a bit; the string grows if need be. *old: what it was. *changed: whether the journal must know. */
enum status bitmap_set(struct keyspace *ks, uint32_t db, const struct key *key, uint64_t at, bool bit, bool *old,
                       bool *changed);

/* Gives key the combination of n strings, as long as the longest of them; if that is empty, no key. Returns the length.
 */
size_t bitmap_combine(enum bits_op op, const struct slice *source, size_t n, struct keyspace *ks, uint32_t db,
                      const struct key *key, bool *changed);

enum bitfield_kind { BITFIELD_GET, BITFIELD_SET, BITFIELD_INCRBY };
enum bitfield_overflow { BITFIELD_WRAP, BITFIELD_SAT, BITFIELD_FAIL };

struct bitfield_op {
    enum bitfield_kind kind;
    enum bitfield_overflow overflow;
    bool is_signed;
    uint32_t width;  /* in bits: up to 64 if signed, else up to 63 */
    uint64_t at;     /* its first bit */
    int64_t operand; /* of SET and INCRBY */
};

/* A string on which several bitfield operations run. Good until anything else changes its keyspace. */
struct bitfield {
    struct keyspace *keyspace;
    const struct key *key;
    struct place place;
    bool changed; /* whether the journal must know */
};

/* bytes_written: up to which byte there will be writes, and the string grows now; 0: it is only read. */
enum status bitfield_open(struct bitfield *f, struct keyspace *ks, uint32_t db, const struct key *key,
                          size_t bytes_written);
/* *result: the number (GET), the one before (SET) or the new one (INCRBY). False: it did not fit, and was to fail. */
bool bitfield_run(struct bitfield *f, const struct bitfield_op *op, int64_t *result);

#endif
