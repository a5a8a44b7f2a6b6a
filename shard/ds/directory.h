/* The directory of a hash table (table.h): which segment the first bits of a hash belong to. As many bits count as the
 * deepest segment needs; a segment that needs fewer stands under several prefixes.
 *
 * It has two levels: a root of up to 2^12 lines, and below a full root a sub-directory per line, each of which doubles
 * on its own. So what is copied at once has a limit (256 KB for the root, where a sub-directory of 16 lines serves
 * 20 million entries), however large the table is.
 *
 * Owner: the table. It knows nothing of buckets and frees none. */
#ifndef SKUA_SHARD_DS_DIRECTORY_H
#define SKUA_SHARD_DS_DIRECTORY_H

#include <stdbool.h>

#include "shard/ds/segment.h"
#include "src/base/mem.h"

enum { DIRECTORY_ROOT_DEPTH_MAX = 12 };

/* A line with this bit is no segment but a sub-directory: pointer and depth. */
#define DIRECTORY_SUB (UINT64_C(1) << 63)

struct directory {
    struct segment *root; /* &first while it has one line */
    uint32_t root_depth;
    struct mem_account *account;
    struct segment first;
};

/* Initialises caller's memory, which must not move. first stands for all hashes. */
void directory_init(struct directory *d, struct mem_account *account, const struct segment *first);
void directory_deinit(struct directory *d);

/* Good until the directory changes. */
static inline const struct segment *directory_find(const struct directory *d, uint64_t hash)
{
    const struct segment *s = &d->root[hash >> 1 >> (63 - d->root_depth)];
    if (s->chunk[0] & DIRECTORY_SUB)
        s = (const struct segment *)(const void *)segment_chunk(s, 0) +
            (hash << DIRECTORY_ROOT_DEPTH_MAX >> 1 >> (63 - segment_depth(s)));
    return s;
}

/* Makes it deep enough at hash for segments of that depth. */
void directory_deepen(struct directory *d, uint64_t hash, uint32_t depth);

/* Enters a segment under the prefix that the first bits of hash are, as many as its depth says. */
void directory_set(struct directory *d, uint64_t hash, const struct segment *s);

/* After two segments at hash have become one: gives lines back that no segment needs any more. */
void directory_shrink(struct directory *d, uint64_t hash);

#endif
