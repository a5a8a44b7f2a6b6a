/* Splits a line into words the way Redis does it for inline commands and for its configuration: words end at white
 * space; "..." knows \n \r \t \b \a \xHH and \ before anything else, '...' knows \' only; a closing quote must be
 * followed by white space or the end. A NUL ends the line. Source: sdssplitargs of Redis 7.4. */
#ifndef SKUA_BASE_SPLIT_H
#define SKUA_BASE_SPLIT_H

#include <stdbool.h>

#include "src/base/slice.h"

enum split_status {
    SPLIT_WORD,
    SPLIT_END,
    SPLIT_UNBALANCED, /* a quote is not closed, or its end is glued to what follows */
};

struct split_word {
    struct slice raw; /* as it stands in the line, quotes and escapes included; borrowed from it */
    bool quoted;      /* raw is not yet the word: see split_unquote */
};

/* The next word of line from *pos on; moves *pos behind it. */
enum split_status split_next(struct slice line, size_t *pos, struct split_word *word);

/* Writes the word that raw stands for to dst, which has room for raw.len bytes, and returns its length. */
size_t split_unquote(struct slice raw, char *dst);

#endif
