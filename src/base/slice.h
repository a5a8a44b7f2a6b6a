/* A borrowed stretch of bytes. Slices borrow; buffers own. */
#ifndef SKUA_BASE_SLICE_H
#define SKUA_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

struct slice {
    const char *ptr;
    size_t len;
};

static inline struct slice slice_of(const void *ptr, size_t len) { return (struct slice){ptr, len}; }
static inline struct slice slice_str(const char *s) { return (struct slice){s, strlen(s)}; }

static inline bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

/* ASCII case is ignored, as in command names and option words. */
static inline bool slice_is(struct slice a, const char *word)
{
    return strlen(word) == a.len && strncasecmp(a.ptr, word, a.len) == 0;
}

#endif
