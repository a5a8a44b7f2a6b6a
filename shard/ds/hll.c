#include "shard/ds/hll.h"

#include <math.h>

#include "shard/ds/hll_sparse.h"

_Static_assert(sizeof(struct hll_header) == HLL_HEADER_BYTES, "the header is as it lies in the string");

enum { EIGHT_BYTES = 8 * HLL_REGISTER_BITS / 8 }; /* that eight dense registers take */

/* ---- Header ---- */

bool hll_is(struct slice bytes)
{
    if (bytes.len < HLL_HEADER_BYTES || memcmp(bytes.ptr, "HYLL", 4) != 0 || (uint8_t)bytes.ptr[4] > HLL_SPARSE)
        return false;
    return hll_encoding(bytes.ptr) == HLL_SPARSE || bytes.len == HLL_DENSE_BYTES;
}

bool hll_cached(const char *hll, uint64_t *count)
{
    memcpy(count, hll + offsetof(struct hll_header, cardinality), sizeof *count);
    return *count >> 63 == 0;
}

void hll_set_cached(char *hll, uint64_t count)
{
    memcpy(hll + offsetof(struct hll_header, cardinality), &count, sizeof count);
}

/* ---- Hash ---- */

/* MurmurHash64A by Austin Appleby (public domain), with the seed that Redis gives it. */
static uint64_t murmur(struct slice s)
{
    const uint64_t m = 0xc6a4a7935bd1e995, seed = 0xadc83b19;
    uint64_t h = seed ^ (s.len * m);
    const char *p = s.ptr, *end = p + (s.len & ~(size_t)7);
    for (uint64_t k; p < end; p += 8) {
        memcpy(&k, p, 8);
        k *= m;
        k ^= k >> 47;
        h = (h ^ k * m) * m;
    }
    size_t rest = s.len & 7;
    if (rest > 0) {
        uint64_t k = 0;
        memcpy(&k, p, rest);
        h = (h ^ k) * m;
    }
    h = (h ^ h >> 47) * m;
    return h ^ h >> 47;
}

struct hll_element hll_hash(struct slice element)
{
    uint64_t hash = murmur(element), rest = hash >> HLL_INDEX_BITS | UINT64_C(1) << (64 - HLL_INDEX_BITS);
    return (struct hll_element){hash % HLL_REGISTERS, (uint8_t)(__builtin_ctzll(rest) + 1)};
}

/* ---- Eight registers at once ---- */

/* A byte each from six bits each, by halving the groups three times. */
static inline uint64_t load_eight(const char *p)
{
    uint64_t x = 0;
    memcpy(&x, p, EIGHT_BYTES);
    x = (x & 0xffffff) | (x & 0xffffff000000) << 8;
    x = (x & 0xfff00000fff) | (x & 0xfff00000fff000) << 4;
    return (x & 0x3f003f003f003f) | (x & 0xfc00fc00fc00fc0) << 2;
}

static inline void store_eight(char *p, uint64_t x)
{
    x = (x & 0x3f003f003f003f) | (x >> 2 & 0xfc00fc00fc00fc0);
    x = (x & 0xfff00000fff) | (x >> 4 & 0xfff00000fff000);
    x = (x & 0xffffff) | (x >> 8 & 0xffffff000000);
    memcpy(p, &x, EIGHT_BYTES);
}

/* Byte by byte; none has its highest bit set. */
static inline uint64_t higher_eight(uint64_t a, uint64_t b)
{
    const uint64_t top = 0x8080808080808080;
    uint64_t a_wins = ((a | top) - b) & top, mask = a_wins - (a_wins >> 7);
    return b ^ ((a ^ b) & mask);
}

static inline const char *dense_eight(const char *hll, size_t eight)
{
    return hll + HLL_HEADER_BYTES + eight * EIGHT_BYTES;
}

/* ---- Merging ---- */

static void raise_dense(struct hll_registers *r, const char *hll)
{
    for (size_t i = 0; i < HLL_REGISTERS / 8; i++) {
        uint64_t x;
        memcpy(&x, r->rank + 8 * i, 8);
        x = higher_eight(x, load_eight(dense_eight(hll, i)));
        memcpy(r->rank + 8 * i, &x, 8);
    }
}

static bool raise_sparse(struct hll_registers *r, struct slice hll)
{
    struct hll_run run;
    uint32_t index = 0;
    for (size_t at = HLL_HEADER_BYTES; at < hll.len; at += run.bytes) {
        if (!hll_run_at(hll, at, &run) || run.span > HLL_REGISTERS - index)
            return false;
        for (uint32_t i = index; run.rank > 0 && i < index + run.span; i++)
            if (r->rank[i] < run.rank)
                r->rank[i] = run.rank;
        index += run.span;
    }
    return index == HLL_REGISTERS;
}

bool hll_raise(struct hll_registers *r, struct slice hll)
{
    if (hll_encoding(hll.ptr) == HLL_SPARSE)
        return raise_sparse(r, hll);
    raise_dense(r, hll.ptr);
    return true;
}

void hll_write_dense(char *hll, const struct hll_registers *r)
{
    for (size_t i = 0; i < HLL_REGISTERS / 8; i++) {
        uint64_t x;
        memcpy(&x, r->rank + 8 * i, 8);
        store_eight((char *)dense_eight(hll, i), x);
    }
}

/* ---- Counting ---- */

/* How many registers have each rank, in as many parts as keep one increment from waiting for the one before. */
enum { HISTOGRAM_PARTS = 4 };
struct histogram {
    uint32_t part[HISTOGRAM_PARTS][HLL_REGISTER_MAX + 1];
};

static inline void histogram_add_eight(struct histogram *h, uint64_t x)
{
    for (int i = 0; i < 8; i++)
        h->part[i % HISTOGRAM_PARTS][x >> 8 * i & HLL_REGISTER_MAX]++;
}

static uint32_t registers_of(const struct histogram *h, uint32_t rank)
{
    uint32_t n = 0;
    for (int i = 0; i < HISTOGRAM_PARTS; i++)
        n += h->part[i][rank];
    return n;
}

/* sigma and tau are the paper's. The order of operations is Redis's: the result must not differ by one. */
static double sigma(double x)
{
    if (x == 1)
        return INFINITY;
    double before, y = 1, z = x;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (before != z);
    return z;
}

static double tau(double x)
{
    if (x == 0 || x == 1)
        return 0;
    double before, y = 1, z = 1 - x;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (before != z);
    return z / 3;
}

static uint64_t estimate(const struct histogram *h)
{
    const double m = HLL_REGISTERS, alpha = 0.721347520444481703680;
    double z = m * tau((m - registers_of(h, HLL_RANK_MAX)) / m);
    for (uint32_t rank = HLL_RANK_MAX - 1; rank >= 1; rank--) {
        z += registers_of(h, rank);
        z *= 0.5;
    }
    z += m * sigma(registers_of(h, 0) / m);
    double n = alpha * m * m / z;
    /* Only a client's bytes get there. That is what Redis makes of it, which converts without looking. */
    return n < 0x1p63 ? (uint64_t)llround(n) : UINT64_C(1) << 63;
}

uint64_t hll_registers_count(const struct hll_registers *r)
{
    struct histogram h = {0};
    for (size_t i = 0; i < HLL_REGISTERS / 8; i++) {
        uint64_t x;
        memcpy(&x, r->rank + 8 * i, 8);
        histogram_add_eight(&h, x);
    }
    return estimate(&h);
}

static void count_dense(struct histogram *h, const char *hll)
{
    for (size_t i = 0; i < HLL_REGISTERS / 8; i++)
        histogram_add_eight(h, load_eight(dense_eight(hll, i)));
}

static bool count_sparse(struct histogram *h, struct slice hll)
{
    struct hll_run run;
    uint32_t index = 0;
    for (size_t at = HLL_HEADER_BYTES; at < hll.len; at += run.bytes) {
        if (!hll_run_at(hll, at, &run) || run.span > HLL_REGISTERS - index)
            return false;
        h->part[0][run.rank] += run.span;
        index += run.span;
    }
    return index == HLL_REGISTERS;
}

bool hll_count(struct slice hll, uint64_t *count)
{
    struct histogram h = {0};
    if (hll_encoding(hll.ptr) == HLL_DENSE)
        count_dense(&h, hll.ptr);
    else if (!count_sparse(&h, hll))
        return false;
    *count = estimate(&h);
    return true;
}
