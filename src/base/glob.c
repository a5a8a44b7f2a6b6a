#include "src/base/glob.h"

#include <stddef.h>
#include <stdint.h>

/* Bytes are signed on every machine, as they are where Redis mostly runs. */
static int fold(signed char c, bool nocase) { return nocase && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

/* The class whose '[' is before *pos; moves *pos behind it. */
static bool match_class(struct slice pattern, size_t *pos, signed char c, bool nocase)
{
    const signed char *p = (const signed char *)pattern.ptr;
    size_t i = *pos, end = pattern.len;
    bool matched = false, negated = i < end && p[i] == '^';
    for (i += negated; i < end && p[i] != ']'; i++) {
        if (p[i] == '\\' && end - i >= 2) {
            matched |= p[++i] == c;
        } else if (end - i >= 3 && p[i + 1] == '-') {
            signed char low = p[i] < p[i + 2] ? p[i] : p[i + 2];
            signed char high = p[i] < p[i + 2] ? p[i + 2] : p[i];
            int folded = fold(c, nocase);
            matched |= folded >= fold(low, nocase) && folded <= fold(high, nocase);
            i += 2;
        } else {
            matched |= fold(p[i], nocase) == fold(c, nocase);
        }
    }
    *pos = i < end ? i + 1 : end;
    return matched != negated;
}

/* Whether the element at *pos, which is no '*', matches c; moves *pos behind it. */
static bool match_one(struct slice pattern, size_t *pos, signed char c, bool nocase)
{
    signed char p = (signed char)pattern.ptr[(*pos)++];
    if (p == '?')
        return true;
    if (p == '[')
        return match_class(pattern, pos, c, nocase);
    if (p == '\\' && *pos < pattern.len)
        p = (signed char)pattern.ptr[(*pos)++];
    return fold(p, nocase) == fold(c, nocase);
}

static size_t skip_stars(struct slice pattern, size_t pos)
{
    while (pos < pattern.len && pattern.ptr[pos] == '*')
        pos++;
    return pos;
}

bool glob_match(struct slice pattern, struct slice text, bool nocase)
{
    /* Behind the last '*' met, and where in text it was last tried to end. Only that one is ever tried again: if what
     * follows it fits nowhere, a longer match of an earlier one leaves even less text to fit it in. */
    size_t retry = SIZE_MAX, retry_at = 0;
    size_t p = 0, t = 0;
    if (text.len == 0)
        return pattern.len == 0;
    while (t < text.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            retry = p = skip_stars(pattern, p);
            retry_at = t;
            if (p == pattern.len)
                return true;
            continue;
        }
        if (p < pattern.len && match_one(pattern, &p, (signed char)text.ptr[t], nocase)) {
            t++;
            continue;
        }
        if (retry == SIZE_MAX)
            return false;
        p = retry;
        t = ++retry_at;
    }
    return skip_stars(pattern, p) == pattern.len;
}
