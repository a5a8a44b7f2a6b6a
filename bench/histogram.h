/* Counts of durations in buckets of about 1.6% width, for percentiles: 64 linear steps between two powers of two, as in
 * HdrHistogram. Fixed size, no allocation; recording is a few instructions. Knows nothing of what took that long. */
#ifndef SKUA_BENCH_HISTOGRAM_H
#define SKUA_BENCH_HISTOGRAM_H

#include <stdint.h>

enum { HISTOGRAM_STEP_BITS = 6, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_STEP_BITS + 1) << HISTOGRAM_STEP_BITS };

/* Zeroed memory is an empty histogram. */
struct histogram {
    uint64_t counts[HISTOGRAM_BUCKETS];
    uint64_t total;
    uint64_t max_ns;
};

void histogram_record(struct histogram *h, uint64_t ns, uint64_t times);

/* The duration that `fraction` (0 to 1) of all recorded ones do not exceed, to the bucket's width; 0 if there are none.
 */
uint64_t histogram_quantile_ns(const struct histogram *h, double fraction);

/* How many took longer than ns, to the bucket's width. */
uint64_t histogram_count_above(const struct histogram *h, uint64_t ns);

#endif
