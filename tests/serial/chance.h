/* What tests that draw need beside src/base/random.h. */
#ifndef SKUA_TESTS_SERIAL_CHANCE_H
#define SKUA_TESTS_SERIAL_CHANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/random.h"

/* Less than n, n > 0. */
static inline uint32_t chance_below(struct random *r, uint32_t n) { return (uint32_t)random_below(r, n); }

/* From low to high, both included. */
static inline uint32_t chance_between(struct random *r, uint32_t low, uint32_t high)
{
    return low + chance_below(r, high - low + 1);
}

static inline bool chance_percent(struct random *r, uint32_t percent) { return chance_below(r, 100) < percent; }

#endif
