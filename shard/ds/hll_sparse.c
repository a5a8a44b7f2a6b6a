#include "shard/ds/hll_sparse.h"

#include "src/base/assert.h"

enum {
    RANKED_SPAN_MAX = 4,
    SHORT_ZERO_SPAN_MAX = 64,
    SPLIT_BYTES_MAX = 5,  /* long zeros, the register, long zeros */
    JOIN_STEPS_MAX = 5,   /* runs that are looked at for joining, as in Redis */
    FOLLOWING_BYTES = 12, /* as many behind a change can take part in joining, and more */
};

_Static_assert(2 + SPLIT_BYTES_MAX + FOLLOWING_BYTES <= HLL_EDIT_BYTES_MAX, "what put_window fills");

void hll_make_empty(char bytes[static HLL_EMPTY_BYTES])
{
    const uint32_t zeros = HLL_REGISTERS - 1;
    const struct hll_header header = {.magic = "HYLL", .encoding = HLL_SPARSE};
    memcpy(bytes, &header, sizeof header);
    hll_forget_cached(bytes);
    bytes[HLL_HEADER_BYTES] = (char)(0x40 | zeros >> 8);
    bytes[HLL_HEADER_BYTES + 1] = (char)(zeros & 0xff);
}

/* ---- Finding ---- */

/* The run that a register is in. */
struct found {
    size_t at, before; /* before: where the run before it begins; the same as at if it is the first */
    uint32_t first;    /* its first register */
    struct hll_run run;
};

/* Registers of eight runs of one byte each; 0 if there is one of two bytes among them. */
static inline uint32_t span_of_eight(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    const uint64_t second = 0x4040404040404040, ones = 0x0101010101010101, even = 0x00ff00ff00ff00ff;
    if (x & ~(x >> 1) & second)
        return 0;
    uint64_t is_ranked = x >> 7 & ones;
    x &= 0x3f * ones & ~(0x3c * is_ranked); /* six bits of a run of zeros, two of a ranked one */
    uint64_t pairs = (x & even) + (x >> 8 & even);
    return 8 + (uint32_t)(pairs * 0x0001000100010001 >> 48);
}

/* Walks in strides of eight runs. mark goes to the beginning of the stride before that of the result: at least one run
 * before the one that joining begins with. */
static bool find(struct slice hll, uint32_t index, struct hll_mark *mark, struct found *f)
{
    struct hll_mark here = *mark, stride_before = *mark;
    f->before = here.at;
    while (here.at < hll.len) {
        struct hll_mark stride = here;
        uint32_t span = hll.len - here.at >= 8 ? span_of_eight(hll.ptr + here.at) : 0;
        if (span > 0 && span <= index - here.first) {
            here.at += 8;
            here.first += span;
            f->before = here.at - 1;
            stride_before = stride;
            continue;
        }
        for (int i = 0; i < 8 && here.at < hll.len; i++) {
            if (!hll_run_at(hll, here.at, &f->run))
                return false;
            if (f->run.span > index - here.first) {
                f->at = here.at;
                f->first = here.first;
                *mark = stride_before;
                return true;
            }
            f->before = here.at;
            here.at += f->run.bytes;
            here.first += f->run.span;
        }
        stride_before = stride;
    }
    return false;
}

/* ---- Changing ---- */

static uint8_t *put_run(uint8_t *p, uint8_t rank, uint32_t span)
{
    if (span == 0)
        return p;
    if (rank > 0) {
        *p++ = (uint8_t)(0x80 | (rank - 1) << 2 | (span - 1));
    } else if (span <= SHORT_ZERO_SPAN_MAX) {
        *p++ = (uint8_t)(span - 1);
    } else {
        *p++ = (uint8_t)(0x40 | (span - 1) >> 8);
        *p++ = (uint8_t)((span - 1) & 0xff);
    }
    return p;
}

static bool is_ranked(uint8_t opcode) { return opcode & 0x80; }

/* Joins neighbours of the same rank among the first runs of n bytes; returns how many bytes are left. */
static size_t join(uint8_t *bytes, size_t n)
{
    size_t at = 0;
    for (int steps = 0; steps < JOIN_STEPS_MAX && at < n; steps++) {
        uint8_t a = bytes[at], b = at + 1 < n ? bytes[at + 1] : 0;
        uint32_t span = (a & 3) + (b & 3) + 2u;
        if (!is_ranked(a)) {
            at += a & 0x40 ? 2 : 1;
        } else if (!is_ranked(b) || (a ^ b) >> 2 != 0 || span > RANKED_SPAN_MAX) {
            at++;
        } else {
            bytes[at] = (uint8_t)((a & ~3) | (span - 1));
            memmove(bytes + at + 1, bytes + at + 2, n - at - 2);
            n--; /* the next one may have the same rank, too */
        }
    }
    return n;
}

/* The edit that puts a split of the found run in its place, from the run before it on. */
static void make_edit(struct slice hll, const struct found *f, const uint8_t *split, size_t split_bytes,
                      struct hll_edit *edit)
{
    size_t before_bytes = f->at - f->before, behind = f->at + f->run.bytes;
    size_t following = hll.len - behind < FOLLOWING_BYTES ? hll.len - behind : FOLLOWING_BYTES;
    uint8_t *p = edit->bytes;
    memcpy(p, hll.ptr + f->before, before_bytes);
    memcpy(p + before_bytes, split, split_bytes);
    memcpy(p + before_bytes + split_bytes, hll.ptr + behind, following);
    edit->at = f->before;
    edit->old_bytes = (uint8_t)(before_bytes + f->run.bytes + following);
    edit->new_bytes = (uint8_t)join(p, before_bytes + split_bytes + following);
}

enum hll_outcome hll_sparse_set(struct slice hll, struct hll_element e, uint64_t bytes_max, struct hll_mark *mark,
                                struct hll_edit *edit)
{
    if (e.rank > HLL_SPARSE_RANK_MAX)
        return HLL_PROMOTED;
    struct found f;
    if (!find(hll, e.index, mark, &f))
        return HLL_CORRUPT;
    if (f.run.rank >= e.rank)
        return HLL_UNCHANGED;
    uint8_t split[SPLIT_BYTES_MAX], *p = split;
    p = put_run(p, f.run.rank, e.index - f.first);
    p = put_run(p, e.rank, 1);
    p = put_run(p, f.run.rank, f.first + f.run.span - 1 - e.index);
    size_t split_bytes = (size_t)(p - split);
    if (split_bytes > f.run.bytes && hll.len + split_bytes - f.run.bytes > bytes_max)
        return HLL_PROMOTED;
    make_edit(hll, &f, split, split_bytes, edit);
    return HLL_EDITED;
}

void hll_edit_in_place(char *hll, size_t len, const struct hll_edit *edit)
{
    size_t behind = edit->at + edit->old_bytes;
    ASSERT(behind <= len);
    if (edit->new_bytes != edit->old_bytes)
        memmove(hll + edit->at + edit->new_bytes, hll + behind, len - behind);
    memcpy(hll + edit->at, edit->bytes, edit->new_bytes);
    hll_forget_cached(hll);
}

void hll_edit_to(char *to, struct slice hll, const struct hll_edit *edit)
{
    size_t behind = edit->at + edit->old_bytes;
    ASSERT(behind <= hll.len);
    memcpy(to, hll.ptr, edit->at);
    memcpy(to + edit->at, edit->bytes, edit->new_bytes);
    memcpy(to + edit->at + edit->new_bytes, hll.ptr + behind, hll.len - behind);
    hll_forget_cached(to);
}
