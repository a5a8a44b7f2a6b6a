/* The patterns of SORT's BY and GET: each names, in terms of an element, a key that holds a string, or a field of a
 * hash. Semantics: Redis 7.4 sort.c (lookupKeyByPattern). As there, what is behind a zero byte is not looked at, but is
 * part of the name.
 *
 * Owner: the arguments that patterns are slices of. */
#ifndef SKUA_CMD_SORT_PATTERN_H
#define SKUA_CMD_SORT_PATTERN_H

#include "shard/ds/listpack.h"
#include "src/cmd/command.h"

struct sort_pattern {
    enum {
        SORT_NOTHING, /* the same for every element, which is not looked up */
        SORT_ELEMENT, /* # */
        SORT_KEY,
    } what;
    struct slice before, behind; /* the element, in the name of the key */
    struct slice field;          /* empty: the key holds a string */
};

struct sort_pattern sort_pattern_of(struct slice text);

/* Whether its keys may lie on other shards than this key does: unless they have its hash tag, whatever the element is.
 */
bool sort_pattern_reaches(const struct sort_pattern *p, struct slice key);

/* What a pattern leads to. Borrowed, until the key is changed. */
struct sort_value {
    bool exists;
    struct listpack_value value;
    struct blob *blob; /* that value is the whole of; NULL: it is in none */
};

/* A key's name, made anew for each element. Owned; zeroed memory is an empty one. */
struct sort_name {
    char *buf;
    size_t cap;
};

void sort_name_deinit(struct sort_name *n);

/* Looks up what a SORT_KEY leads to. */
struct sort_value sort_pattern_look_up(struct cmd *c, const struct sort_pattern *p, struct listpack_value element,
                                       struct sort_name *name);

#endif
