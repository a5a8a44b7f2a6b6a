/* The sparse form of a HyperLogLog (shard/ds/hll.h): behind the header come runs of equal registers, which together are
 * all registers in order:
 *
 *   00llllll           l + 1 registers of 0
 *   01llllll llllllll  l + 1 registers of 0, the high bits first
 *   1rrrrrll           l + 1 registers of rank r + 1
 *
 * A form changes by edits, so that whoever owns the bytes decides how they get room. Which runs an edit makes and which
 * it joins is as Redis 7.4 does it (hllSparseSet): the same elements in the same order give the same bytes. */
#ifndef SKUA_SHARD_DS_HLL_SPARSE_H
#define SKUA_SHARD_DS_HLL_SPARSE_H

#include "shard/ds/hll.h"

enum {
    HLL_SPARSE_RANK_MAX = 32,
    HLL_EMPTY_BYTES = HLL_HEADER_BYTES + 2,
    /* A form that is not corrupt is no longer: a run takes at most two bytes. */
    HLL_SPARSE_BYTES_MAX = HLL_HEADER_BYTES + 2 * HLL_REGISTERS,
    HLL_EDIT_BYTES_MAX = 24,
};

struct hll_run {
    uint32_t span; /* registers */
    uint8_t rank;
    uint8_t bytes; /* 1 or 2 */
};

/* The run that begins at offset at, which is within hll. False: it is cut off. */
static inline bool hll_run_at(struct slice hll, size_t at, struct hll_run *run)
{
    const uint8_t *p = (const uint8_t *)hll.ptr + at;
    if (*p & 0x80) {
        *run = (struct hll_run){(*p & 3) + 1u, (*p >> 2 & 31) + 1, 1};
    } else if (!(*p & 0x40)) {
        *run = (struct hll_run){*p + 1u, 0, 1};
    } else {
        if (hll.len - at < 2)
            return false;
        *run = (struct hll_run){((*p & 0x3fu) << 8 | p[1]) + 1, 0, 2};
    }
    return true;
}

/* A HyperLogLog without elements, whose cached count is out of date. */
void hll_make_empty(char bytes[static HLL_EMPTY_BYTES]);

/* Bytes [at, at + old_bytes) become the new ones. */
struct hll_edit {
    size_t at;
    uint8_t old_bytes, new_bytes;
    uint8_t bytes[HLL_EDIT_BYTES_MAX];
};

enum hll_outcome {
    HLL_UNCHANGED, /* the register is as high already */
    HLL_EDITED,    /* the edit does it */
    HLL_PROMOTED,  /* it has to become dense first: too high a rank for this form, or too many bytes */
    HLL_CORRUPT,
};

/* Where a search begins: a run, and the first register of it. Runs before it don't matter. */
struct hll_mark {
    size_t at;
    uint32_t first;
};

static inline struct hll_mark hll_begin(void) { return (struct hll_mark){HLL_HEADER_BYTES, 0}; }

/* What lets the register of e rise to e's rank. bytes_max: a form that would grow beyond becomes dense. mark is moved
 * up to where the search for a higher register may begin, once the edit has been made. */
enum hll_outcome hll_sparse_set(struct slice hll, struct hll_element e, uint64_t bytes_max, struct hll_mark *mark,
                                struct hll_edit *edit);

/* How long hll of len bytes is after the edit. */
static inline size_t hll_edited_len(size_t len, const struct hll_edit *edit)
{
    return len - edit->old_bytes + edit->new_bytes;
}

/* Makes the edit where hll lies, which has room for both lengths, and forgets the cached count. */
void hll_edit_in_place(char *hll, size_t len, const struct hll_edit *edit);
/* Makes it on the way from one place to another. */
void hll_edit_to(char *to, struct slice hll, const struct hll_edit *edit);

#endif
