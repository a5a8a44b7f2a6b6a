#include "bench/histogram.h"

enum { STEPS = 1 << HISTOGRAM_STEP_BITS };

/* Small values have a bucket each; above, the highest bits name the bucket. */
static unsigned bucket_of(uint64_t ns)
{
    if (ns < STEPS)
        return (unsigned)ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - HISTOGRAM_STEP_BITS;
    return ((shift + 1) << HISTOGRAM_STEP_BITS) + (unsigned)((ns >> shift) & (STEPS - 1));
}

/* The largest duration that falls into a bucket. */
static uint64_t bucket_end_ns(unsigned bucket)
{
    if (bucket < STEPS)
        return bucket;
    unsigned shift = (bucket >> HISTOGRAM_STEP_BITS) - 1;
    return (((uint64_t)STEPS + (bucket & (STEPS - 1)) + 1) << shift) - 1;
}

void histogram_record(struct histogram *h, uint64_t ns, uint64_t times)
{
    h->counts[bucket_of(ns)] += times;
    h->total += times;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

uint64_t histogram_quantile_ns(const struct histogram *h, double fraction)
{
    uint64_t wanted = (uint64_t)(fraction * (double)h->total), seen = 0;
    for (unsigned bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        seen += h->counts[bucket];
        if (h->counts[bucket] && seen >= wanted) {
            uint64_t end_ns = bucket_end_ns(bucket);
            return end_ns < h->max_ns ? end_ns : h->max_ns;
        }
    }
    return h->max_ns;
}

uint64_t histogram_count_above(const struct histogram *h, uint64_t ns)
{
    uint64_t count = 0;
    for (unsigned bucket = bucket_of(ns) + 1; bucket < HISTOGRAM_BUCKETS; bucket++)
        count += h->counts[bucket];
    return count;
}
