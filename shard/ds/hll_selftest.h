/* The test that PFSELFTEST runs, in steps: registers keep what they are given, the dense and the sparse form agree, and
 * estimates are as good as the algorithm promises. Owner: whoever runs it. */
#ifndef SKUA_SHARD_DS_HLL_SELFTEST_H
#define SKUA_SHARD_DS_HLL_SELFTEST_H

#include "src/base/slice.h"

enum { HLL_SELFTEST_TEXT_BYTES = 128 };

enum hll_selftest_outcome { HLL_SELFTEST_GOES_ON, HLL_SELFTEST_PASSED, HLL_SELFTEST_FAILED };

/* sparse_bytes_max: hll-sparse-max-bytes. Freed with hll_selftest_destroy. */
struct hll_selftest *hll_selftest_create(uint64_t seed, uint64_t sparse_bytes_max);
void hll_selftest_destroy(struct hll_selftest *t);

/* Takes a fraction of a millisecond. What has failed is said in text. */
enum hll_selftest_outcome hll_selftest_step(struct hll_selftest *t, char text[static HLL_SELFTEST_TEXT_BYTES]);

#endif
