#include "src/base/split.h"

#include <ctype.h>

/* A NUL behind the last byte, as the C strings have that the rules are written for. */
static char at(struct slice s, size_t i) { return i < s.len ? s.ptr[i] : '\0'; }

static bool ends_word(char c) { return c == '\0' || isspace((unsigned char)c); }

static int hex(char c)
{
    if (!isxdigit((unsigned char)c))
        return -1;
    return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

/* One byte inside quotes: sets *out and returns how many bytes of s it took. s.ptr[i] is not the closing quote. */
static size_t quoted_byte(struct slice s, size_t i, char quote, char *out)
{
    char c = at(s, i), next = at(s, i + 1);
    *out = c;
    if (c != '\\' || (quote == '\'' && next != '\'') || !next)
        return 1;
    *out = next;
    if (quote == '\'')
        return 2;
    if (next == 'x' && hex(at(s, i + 2)) >= 0 && hex(at(s, i + 3)) >= 0) {
        *out = (char)(hex(at(s, i + 2)) * 16 + hex(at(s, i + 3)));
        return 4;
    }
    switch (next) {
    case 'n':
        *out = '\n';
        break;
    case 'r':
        *out = '\r';
        break;
    case 't':
        *out = '\t';
        break;
    case 'b':
        *out = '\b';
        break;
    case 'a':
        *out = '\a';
        break;
    default:
        break;
    }
    return 2;
}

enum split_status split_next(struct slice line, size_t *pos, struct split_word *word)
{
    size_t i = *pos;
    while (at(line, i) && isspace((unsigned char)at(line, i)))
        i++;
    if (!at(line, i))
        return SPLIT_END;
    size_t start = i;
    word->quoted = false;
    for (;;) {
        char c = at(line, i);
        /* Vertical tab and form feed are skipped before a word but do not end one. */
        if (c == '\0' || c == ' ' || c == '\n' || c == '\r' || c == '\t')
            break;
        i++;
        if (c != '"' && c != '\'')
            continue;
        word->quoted = true;
        char byte;
        while (at(line, i) && at(line, i) != c)
            i += quoted_byte(line, i, c, &byte);
        if (!at(line, i) || !ends_word(at(line, i + 1)))
            return SPLIT_UNBALANCED;
        i++;
        break;
    }
    word->raw = slice_of(line.ptr + start, i - start);
    *pos = i;
    return SPLIT_WORD;
}

size_t split_unquote(struct slice raw, char *dst)
{
    size_t n = 0;
    for (size_t i = 0; i < raw.len;) {
        char c = raw.ptr[i];
        if (c != '"' && c != '\'') {
            dst[n++] = c;
            i++;
            continue;
        }
        for (i++; i < raw.len && raw.ptr[i] != c;)
            i += quoted_byte(raw, i, c, &dst[n++]);
        i++;
    }
    return n;
}
