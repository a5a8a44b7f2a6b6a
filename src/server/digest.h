/* Digests of the data set, equal to those of Redis: DEBUG DIGEST, DEBUG DIGEST-VALUE. Source: Redis 7 debug.c
 * (computeDatasetDigest, xorObjectDigest): SHA-1 of SHA-1s, combined by XOR where order does not count. */
#ifndef SKUA_SERVER_DIGEST_H
#define SKUA_SERVER_DIGEST_H

#include <stdint.h>

#include "shard/keyspace.h"

enum { DIGEST_BYTES = 20 };

struct digest {
    uint8_t bytes[DIGEST_BYTES];
};

/* XORs the SHA-1 of what is given into d. */
void digest_xor(struct digest *d, const void *data, size_t len);
/* The same, then replaces d by its own SHA-1: order counts. */
void digest_mix(struct digest *d, const void *data, size_t len);
/* XORs type, value and whether it expires into d. */
void digest_value(struct digest *d, const struct entry *e);

/* Lower-case hexadecimal and a final zero. */
void digest_text(const struct digest *d, char out[static 2 * DIGEST_BYTES + 1]);

#endif
