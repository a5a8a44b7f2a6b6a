/* What every randomised unit test does the same way: the seed comes from SKUA_SEED or the clock and is printed, the
 * number of cases is scaled by SKUA_CASES_PERCENT and printed. */
#ifndef SKUA_TESTS_UNIT_RANDOM_CASES_H
#define SKUA_TESTS_UNIT_RANDOM_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "src/base/random.h"

/* Seeds r, and returns how many cases to do where usually it is usual_cases; at least one. */
static inline long random_cases(struct random *r, long usual_cases)
{
    const char *given = getenv("SKUA_SEED"), *percent = getenv("SKUA_CASES_PERCENT");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    long cases = usual_cases * (percent ? atol(percent) : 100) / 100;
    cases = cases > 0 ? cases : 1;
    printf("seed %llu, %ld cases\n", (unsigned long long)seed, cases);
    random_init(r, seed);
    return cases;
}

#endif
