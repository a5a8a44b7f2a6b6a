#include "shard/ds/hll_selftest.h"

#include <math.h>
#include <stdio.h>

#include "shard/ds/hll_sparse.h"
#include "src/base/mem.h"
#include "src/base/random.h"

enum {
    REGISTER_ROUNDS = 200,
    ELEMENTS = 10000000,
    STEP_ELEMENTS = 10000,
    STEP_ELEMENTS_SPARSE = 100, /* the form may be as long as hll-sparse-max-bytes lets it be */
    ERRORS_MAX = 6,             /* standard errors that an estimate may be off */
};

struct hll_selftest {
    struct random random;
    uint64_t sparse_bytes_max;
    uint32_t round;      /* of the registers' test */
    uint64_t elements;   /* added so far */
    uint64_t checkpoint; /* how many there will be when the estimates are looked at next */
    uint64_t mask;       /* makes elements of numbers */
    size_t sparse_len;   /* HLL_DENSE_BYTES once it is dense, too */
    char dense[HLL_DENSE_BYTES], sparse[HLL_SPARSE_BYTES_MAX];
};

struct hll_selftest *hll_selftest_create(uint64_t seed, uint64_t sparse_bytes_max)
{
    struct hll_selftest *t = mem_zalloc(NULL, sizeof *t);
    random_init(&t->random, seed);
    t->sparse_bytes_max = sparse_bytes_max;
    t->checkpoint = 1;
    t->mask = random_u64(&t->random);
    t->sparse_len = HLL_EMPTY_BYTES;
    hll_make_empty(t->sparse);
    memcpy(t->dense, t->sparse, HLL_HEADER_BYTES);
    t->dense[offsetof(struct hll_header, encoding)] = HLL_DENSE;
    return t;
}

void hll_selftest_destroy(struct hll_selftest *t) { mem_free(NULL, t); }

/* Each register is set to a random value, and has it still when all have been set. */
static bool test_registers(struct hll_selftest *t, char *text)
{
    uint8_t expected[HLL_REGISTERS];
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        expected[i] = random_u64(&t->random) & HLL_REGISTER_MAX;
        hll_dense_set(t->dense, i, expected[i]);
    }
    for (uint32_t i = 0; i < HLL_REGISTERS; i++) {
        uint8_t got = hll_dense_get(t->dense, i);
        if (got != expected[i]) {
            snprintf(text, HLL_SELFTEST_TEXT_BYTES, "Register %u should be %u but is %u", i, expected[i], got);
            return false;
        }
    }
    return true;
}

static bool is_sparse(const struct hll_selftest *t) { return hll_encoding(t->sparse) == HLL_SPARSE; }

static void raise_dense(char *hll, struct hll_element e)
{
    if (hll_dense_get(hll, e.index) < e.rank)
        hll_dense_set(hll, e.index, e.rank);
}

static bool promote(struct hll_selftest *t, struct hll_element e)
{
    struct hll_registers r = {0};
    if (!hll_raise(&r, slice_of(t->sparse, t->sparse_len)))
        return false;
    t->sparse[offsetof(struct hll_header, encoding)] = HLL_DENSE;
    t->sparse_len = HLL_DENSE_BYTES;
    hll_write_dense(t->sparse, &r);
    raise_dense(t->sparse, e);
    return true;
}

/* False: it is corrupt. */
static bool add_to_sparse(struct hll_selftest *t, struct hll_element e)
{
    struct hll_mark mark = hll_begin();
    struct hll_edit edit;
    switch (hll_sparse_set(slice_of(t->sparse, t->sparse_len), e, t->sparse_bytes_max, &mark, &edit)) {
    case HLL_UNCHANGED:
        return true;
    case HLL_EDITED:
        hll_edit_in_place(t->sparse, t->sparse_len, &edit);
        t->sparse_len = hll_edited_len(t->sparse_len, &edit);
        return true;
    case HLL_PROMOTED:
        return promote(t, e);
    case HLL_CORRUPT:
        break;
    }
    return false;
}

static bool add_elements(struct hll_selftest *t, uint64_t to, char *text)
{
    while (t->elements < to) {
        uint64_t element = ++t->elements ^ t->mask;
        struct hll_element e = hll_hash(slice_of(&element, sizeof element));
        raise_dense(t->dense, e);
        if (!is_sparse(t)) {
            raise_dense(t->sparse, e);
        } else if (!add_to_sparse(t, e)) {
            snprintf(text, HLL_SELFTEST_TEXT_BYTES, "sparse form corrupt");
            return false;
        }
    }
    return true;
}

static bool check_estimates(struct hll_selftest *t, char *text)
{
    uint64_t dense, sparse;
    if (t->elements < t->sparse_bytes_max / 2 && !is_sparse(t)) {
        snprintf(text, HLL_SELFTEST_TEXT_BYTES, "sparse encoding not used");
        return false;
    }
    hll_count(slice_of(t->dense, HLL_DENSE_BYTES), &dense);
    if (!hll_count(slice_of(t->sparse, t->sparse_len), &sparse) || dense != sparse) {
        snprintf(text, HLL_SELFTEST_TEXT_BYTES, "dense/sparse disagree");
        return false;
    }
    uint64_t n = t->elements, off = dense > n ? dense - n : n - dense;
    double standard_error = 1.04 / sqrt(HLL_REGISTERS);
    if ((double)off > ceil(standard_error * ERRORS_MAX * (double)n)) {
        snprintf(text, HLL_SELFTEST_TEXT_BYTES, "Too big error. card:%llu abserr:%llu", (unsigned long long)n,
                 (unsigned long long)off);
        return false;
    }
    return true;
}

enum hll_selftest_outcome hll_selftest_step(struct hll_selftest *t, char text[static HLL_SELFTEST_TEXT_BYTES])
{
    if (t->round < REGISTER_ROUNDS) {
        if (!test_registers(t, text))
            return HLL_SELFTEST_FAILED;
        if (++t->round == REGISTER_ROUNDS)
            memset(t->dense + HLL_HEADER_BYTES, 0, HLL_DENSE_BYTES - HLL_HEADER_BYTES);
        return HLL_SELFTEST_GOES_ON;
    }
    uint64_t to = t->elements + (is_sparse(t) ? STEP_ELEMENTS_SPARSE : STEP_ELEMENTS);
    to = to < t->checkpoint ? to : t->checkpoint;
    if (!add_elements(t, to, text))
        return HLL_SELFTEST_FAILED;
    if (to < t->checkpoint)
        return HLL_SELFTEST_GOES_ON;
    if (!check_estimates(t, text))
        return HLL_SELFTEST_FAILED;
    t->checkpoint *= 10;
    return t->elements >= ELEMENTS ? HLL_SELFTEST_PASSED : HLL_SELFTEST_GOES_ON;
}
