/* Glob patterns as in KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET: * ? [abc] [^abc] [a-z] and \ before a literal.
 * Source: stringmatchlen of Redis 7.4, with its oddities (below), but without recursion: at most
 * O(pattern.len * text.len) for any pattern. */
#ifndef SKUA_BASE_GLOB_H
#define SKUA_BASE_GLOB_H

#include <stdbool.h>

#include "src/base/slice.h"

/* Whether pattern matches the whole of text. nocase ignores the case of ASCII letters. What one may not expect: "*"
 * does not match an empty text; a class that is not closed ends with the pattern; "[z-a]" is "[a-z]"; the ends of a
 * range are compared as signed bytes; an escaped letter in a class has its case looked at even with nocase. */
bool glob_match(struct slice pattern, struct slice text, bool nocase);

#endif
