/* A set of small numbers in which the next member is found in a few steps, however far it is: a bitmap, above it one
 * that says which words of it have a bit, and so on up to a single word. Owner: one thread changes it; any may look,
 * and then finds every member that is there all the while. Takes address space for the whole range, and memory only
 * where there are members. */
#ifndef SKUA_SHARD_DS_IDSET_H
#define SKUA_SHARD_DS_IDSET_H

#include <stdatomic.h>
#include <stdint.h>

#define IDSET_NONE UINT32_MAX

enum { IDSET_LEVELS_MAX = 6 }; /* 64^6 > 2^32 */

struct idset {
    _Atomic uint64_t *bits[IDSET_LEVELS_MAX]; /* lowest level first, in one allocation */
    uint32_t words[IDSET_LEVELS_MAX];
    uint32_t levels;
};

/* Empty; for members below capacity, which is not 0. */
void idset_init(struct idset *s, uint32_t capacity);
void idset_deinit(struct idset *s);

void idset_add(struct idset *s, uint32_t id);
void idset_remove(struct idset *s, uint32_t id);

/* The lowest member that is not below from; IDSET_NONE if there is none. Any thread. */
uint32_t idset_next(const struct idset *s, uint32_t from);

#endif
