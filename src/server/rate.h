/* A rate over the last second and a half, as INFO's instantaneous_* fields show it: the mean of 16 samples, one each
 * 100 ms. Source: Redis trackInstantaneousMetric. Owner: a worker. */
#ifndef SKUA_SERVER_RATE_H
#define SKUA_SERVER_RATE_H

#include <stdint.h>

enum { RATE_SAMPLES = 16 };

struct rate {
    uint64_t last_value, last_ns;
    uint64_t samples[RATE_SAMPLES]; /* per second */
    unsigned next;
};

/* value: a counter that only grows, as it stands at now_ns. */
static inline void rate_sample(struct rate *r, uint64_t value, uint64_t now_ns)
{
    if (r->last_ns && now_ns > r->last_ns) {
        double per_second = (double)(value - r->last_value) * 1e9 / (double)(now_ns - r->last_ns);
        r->samples[r->next++ % RATE_SAMPLES] = (uint64_t)per_second;
    }
    r->last_value = value;
    r->last_ns = now_ns;
}

static inline uint64_t rate_get(const struct rate *r)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < RATE_SAMPLES; i++)
        sum += r->samples[i];
    return sum / RATE_SAMPLES;
}

#endif
