/* A borrowed stretch of bytes. Slices borrow; buffers own. */
#ifndef SKUA_BASE_SLICE_H
#define SKUA_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *ptr;
    size_t len;
};

static inline struct slice slice_of(const void *ptr, size_t len) { return (struct slice){ptr, len}; }
static inline struct slice slice_str(const char *s) { return (struct slice){s, strlen(s)}; }

/* memcmp(a, b, n) == 0, without a call for what most keys are: 8 to 16 bytes. */
static inline bool bytes_equal(const void *a, const void *b, size_t n)
{
    uint64_t first[2], last[2];
    if (n < 8 || n > 16)
        return memcmp(a, b, n) == 0;
    memcpy(&first[0], a, 8);
    memcpy(&first[1], b, 8);
    memcpy(&last[0], (const char *)a + n - 8, 8);
    memcpy(&last[1], (const char *)b + n - 8, 8);
    return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
}

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && bytes_equal(a.ptr, b.ptr, a.len);
}

/* ASCII case is ignored, as in command names and option words. */
static inline bool slice_is(struct slice a, const char *word)
{
    return strlen(word) == a.len && strncasecmp(a.ptr, word, a.len) == 0;
}

#endif
