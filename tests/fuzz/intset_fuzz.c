/* Sets of integers from outside: whatever the bytes, they are refused, or every member is found and can go. */
#include "shard/ds/intset.h"

#include "src/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mem_account account = {0};
    struct intset *s = intset_load(&account, slice_of(data, size));
    if (!s)
        return 0;
    ASSERT(slice_eq(intset_bytes(s), slice_of(data, size)));
    for (bool done; intset_count(s) > 0;) {
        uint32_t n = intset_count(s), index = n / 2;
        int64_t v = intset_get(s, index);
        ASSERT(intset_has(s, v) && (index == 0 || intset_get(s, index - 1) < v));
        s = intset_add(&account, s, v, &done);
        ASSERT(!done);
        s = intset_remove(&account, s, v, &done);
        ASSERT(done && !intset_has(s, v) && intset_count(s) == n - 1);
    }
    mem_free(&account, s);
    ASSERT(mem_used(&account) == 0);
    return 0;
}
