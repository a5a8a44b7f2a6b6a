/* The bytes of a HyperLogLog, as Redis keeps them in a string (hyperloglog.c of Redis 7.4), to the byte.
 *
 * An element's hash names one of HLL_REGISTERS registers and has a rank: one more than the zero bits behind those that
 * name the register. A register holds the highest rank it has seen, 0 if none. The bytes are a header (struct
 * hll_header) and then the registers, in one of two forms:
 *
 *   dense    6 bits each, the first one in the lowest bits
 *   sparse   runs of equal registers, see shard/ds/hll_sparse.h
 *
 * hll_is is all that the other functions ask of the bytes: they may come from a client. What a sparse form says is
 * checked while it is read. Writes nothing but what it is given room for; knows no keys. Little-endian machines. */
#ifndef SKUA_SHARD_DS_HLL_H
#define SKUA_SHARD_DS_HLL_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"

enum {
    HLL_INDEX_BITS = 14,
    HLL_REGISTERS = 1 << HLL_INDEX_BITS,
    HLL_REGISTER_BITS = 6,
    HLL_REGISTER_MAX = (1 << HLL_REGISTER_BITS) - 1,
    HLL_RANK_MAX = 64 - HLL_INDEX_BITS + 1, /* of a hash; a client's bytes may have more in a register */
    HLL_HEADER_BYTES = 16,
    HLL_DENSE_BYTES = HLL_HEADER_BYTES + HLL_REGISTERS * HLL_REGISTER_BITS / 8,
};

enum hll_encoding { HLL_DENSE, HLL_SPARSE };

struct hll_header {
    char magic[4];
    uint8_t encoding;
    uint8_t unused[3];      /* kept as they are */
    uint8_t cardinality[8]; /* little-endian; the highest bit says that it is out of date */
};

/* Whether it may be a HyperLogLog, as far as Redis looks at first. */
bool hll_is(struct slice bytes);

static inline enum hll_encoding hll_encoding(const char *hll) { return (enum hll_encoding)hll[4]; }

/* The estimate that the header keeps. False: it is out of date. */
bool hll_cached(const char *hll, uint64_t *count);
void hll_set_cached(char *hll, uint64_t count);
static inline void hll_forget_cached(char *hll) { hll[HLL_HEADER_BYTES - 1] |= (char)0x80; }

/* What adding an element does: its register rises to rank. */
struct hll_element {
    uint16_t index;
    uint8_t rank; /* 1..HLL_RANK_MAX */
};
struct hll_element hll_hash(struct slice element);

/* ---- Dense ---- */

/* Four registers share three bytes. They are read with the byte before them, which is there: the header's last. */
static inline char *hll_dense_word(const char *hll, uint32_t index)
{
    return (char *)hll + HLL_HEADER_BYTES - 1 + index / 4 * 3;
}

static inline uint32_t hll_dense_shift(uint32_t index) { return 8 + index % 4 * HLL_REGISTER_BITS; }

static inline uint8_t hll_dense_get(const char *hll, uint32_t index)
{
    uint32_t word;
    memcpy(&word, hll_dense_word(hll, index), sizeof word);
    return word >> hll_dense_shift(index) & HLL_REGISTER_MAX;
}

static inline void hll_dense_set(char *hll, uint32_t index, uint8_t rank)
{
    uint32_t word, shift = hll_dense_shift(index);
    memcpy(&word, hll_dense_word(hll, index), sizeof word);
    word = (word & ~((uint32_t)HLL_REGISTER_MAX << shift)) | (uint32_t)rank << shift;
    memcpy(hll_dense_word(hll, index), &word, sizeof word);
}

/* ---- All registers ---- */

/* A byte each: what several HyperLogLogs are merged in. */
struct hll_registers {
    uint8_t rank[HLL_REGISTERS];
};

/* Raises each register to that of hll, where that is higher. False if hll is corrupt; some may have risen then. */
bool hll_raise(struct hll_registers *r, struct slice hll);

/* Writes the registers of a dense HyperLogLog, whose header is there. */
void hll_write_dense(char *hll, const struct hll_registers *r);

/* How many different elements there were, by estimate: Otmar Ertl, "New cardinality estimation algorithms for
 * HyperLogLog sketches", arXiv:1702.01284. Of hll: false if it is corrupt. */
uint64_t hll_registers_count(const struct hll_registers *r);
bool hll_count(struct slice hll, uint64_t *count);

#endif
