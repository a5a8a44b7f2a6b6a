/* Strings that a client passes off as HyperLogLogs: whatever the bytes, nothing is read or written behind them, every
 * operation of a key ends with a status, and what counts as one before an element is added does so afterwards.
 * The input is hll-sparse-max-bytes / 64, a byte for how many elements to add, and the string behind "HYLL". */
#include <stdlib.h>

#include "shard/ds/hll_sparse.h"
#include "shard/entry.h"
#include "shard/type/hyperloglog.h"
#include "src/base/assert.h"

static const struct key_space_shape shape = {.nshards = 1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads it where it ends with its memory. */
static bool can_be_read(struct slice hll)
{
    struct hll_registers r = {0};
    uint64_t count;
    char *exact = malloc(hll.len);
    memcpy(exact, hll.ptr, hll.len);
    struct slice s = slice_of(exact, hll.len);
    bool raised = hll_raise(&r, s), counted = hll_count(s, &count);
    ASSERT(raised == counted);
    for (uint32_t i = 0; i < HLL_REGISTERS && hll_encoding(exact) == HLL_SPARSE; i += 1500) {
        struct hll_mark mark = hll_begin();
        struct hll_edit edit;
        enum hll_outcome outcome = hll_sparse_set(s, (struct hll_element){(uint16_t)i, 9}, UINT64_MAX, &mark, &edit);
        ASSERT(!raised || (outcome == HLL_UNCHANGED) == (r.rank[i] >= 9));
        ASSERT(!raised || outcome != HLL_CORRUPT);
        ASSERT(outcome != HLL_EDITED || edit.at + edit.old_bytes <= s.len);
    }
    free(exact);
    return raised;
}

static struct slice value(struct keyspace *ks, const struct key *key)
{
    static char number[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    return entry_string(keyspace_peek(ks, 0, key).entry, number, &blob);
}

static void use(struct keyspace *ks, const struct key *key, uint64_t sparse_bytes_max, uint8_t elements)
{
    struct hll_registers r = {0};
    struct key copy = key_make(&shape, slice_str("copy"));
    bool changed, dense = false, valid = can_be_read(value(ks, key));
    uint64_t count;
    for (int i = 0; i < elements % 32; i++) {
        struct slice element = slice_of(&i, sizeof i);
        enum status status = hyperloglog_add(ks, 0, key, &element, 1, sparse_bytes_max, &changed);
        ASSERT(!valid || !status);
    }
    ASSERT(can_be_read(value(ks, key)) == valid || !valid);
    hyperloglog_count(ks, 0, key, &count, &changed);
    if (hyperloglog_raise(ks, 0, key, &r, &dense) != STATUS_OK)
        return;
    hyperloglog_store(ks, 0, &copy, &r, dense, sparse_bytes_max);
    ASSERT(can_be_read(value(ks, &copy)));
    hyperloglog_store(ks, 0, key, &r, dense, sparse_bytes_max);
    ASSERT(can_be_read(value(ks, key)));
    ASSERT(hyperloglog_make_dense(ks, 0, key, &changed) == STATUS_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t len = size - 2 + 4;
    char *bytes = malloc(len);
    memcpy(bytes, "HYLL", 4);
    memcpy(bytes + 4, data + 2, len - 4);
    if (hll_is(slice_of(bytes, len))) {
        struct mem_account account = {0};
        struct keyspace *ks = keyspace_create(&account, 1, 0);
        struct key key = key_make(&shape, slice_str("key"));
        keyspace_set_string(ks, keyspace_write(ks, 0, &key), &key, slice_of(bytes, len), EXPIRY_NONE, STRING_ENCODED);
        use(ks, &key, data[0] * 64u, data[1]);
        keyspace_destroy(ks);
    }
    free(bytes);
    return 0;
}
