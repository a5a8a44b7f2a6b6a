/* Random numbers for sampling, tables' seeds and tests: xoshiro256** by David Blackman and Sebastiano Vigna (public
 * domain, prng.di.unimi.it), seeded through splitmix64 as its authors advise. Not for secrets. Whoever uses it owns the
 * state, so the same seed gives the same run. */
#ifndef SKUA_BASE_RANDOM_H
#define SKUA_BASE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t s[4];
};

/* Any seed will do, 0 included. */
static inline void random_init(struct random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = seed += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        r->s[i] = z ^ (z >> 31);
    }
}

static inline uint64_t random_rotate(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

static inline uint64_t random_u64(struct random *r)
{
    uint64_t *s = r->s, result = random_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = random_rotate(s[3], 45);
    return result;
}

/* Less than n, n > 0. The high half of the product: off from uniform by less than n / 2^64. */
static inline uint64_t random_below(struct random *r, uint64_t n)
{
    return (uint64_t)(((unsigned __int128)random_u64(r) * n) >> 64);
}

/* In [0, 1). */
static inline double random_unit(struct random *r) { return (double)(random_u64(r) >> 11) * 0x1p-53; }

#endif
