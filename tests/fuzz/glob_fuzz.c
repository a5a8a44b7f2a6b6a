/* Glob patterns: no input makes the matcher read outside or take long, and a pattern made of the escaped text matches.
 * The input is the case flag, the pattern up to a NUL, and the text. */
#include "src/base/glob.h"

#include <stdint.h>
#include <stdlib.h>

#include "src/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as large as its content, so that a sanitizer sees a read behind it. */
static struct slice own(const void *bytes, size_t len)
{
    char *p = malloc(len ? len : 1);
    memcpy(p, bytes, len);
    return slice_of(p, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool nocase = *data++ & 1;
    size--;
    const uint8_t *nul = memchr(data, 0, size);
    size_t pattern_len = nul ? (size_t)(nul - data) : size / 2, text_at = nul ? pattern_len + 1 : pattern_len;
    struct slice pattern = own(data, pattern_len), text = own(data + text_at, size - text_at);
    bool exact = glob_match(pattern, text, false);
    if (nocase)
        glob_match(pattern, text, true);
    /* A star more, at either end, never takes a match away. */
    if (exact) {
        char *wider = malloc(pattern.len + 1);
        wider[0] = '*';
        memcpy(wider + 1, pattern.ptr, pattern.len);
        ASSERT(text.len == 0 || glob_match(slice_of(wider, pattern.len + 1), text, false));
        free(wider);
    }
    char *escaped = malloc(text.len * 2 + 1);
    for (size_t i = 0; i < text.len; i++) {
        escaped[2 * i] = '\\';
        escaped[2 * i + 1] = text.ptr[i];
    }
    ASSERT(glob_match(slice_of(escaped, text.len * 2), text, nocase));
    free(escaped);
    free((char *)pattern.ptr);
    free((char *)text.ptr);
    return 0;
}
