#define XXH_INLINE_ALL
#include "src/base/hash.h"

#include <xxhash.h>

struct slice hash_tag(struct slice key)
{
    const char *open = memchr(key.ptr, '{', key.len);
    if (!open)
        return key;
    const char *end = key.ptr + key.len;
    const char *close = memchr(open + 1, '}', (size_t)(end - open - 1));
    if (!close || close == open + 1)
        return key;
    return slice_of(open + 1, (size_t)(close - open - 1));
}

uint64_t hash_bytes(const void *ptr, size_t len, uint64_t seed) { return XXH3_64bits_withSeed(ptr, len, seed); }
