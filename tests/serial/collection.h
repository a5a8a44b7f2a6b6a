/* Values of other types than string, written as strings: a byte for the kind, which no string in the tests begins with,
 * and the elements, each with the end of a line, which is in none; of hashes "field=value". Those of lists are in their
 * order, those of others sorted and different; so equal values are equal strings (values.h). A struct collection is one
 * taken apart.
 *
 * Elements borrow from the values that they come from, or from what they were put in. Owner: the caller. */
#ifndef SKUA_TESTS_SERIAL_COLLECTION_H
#define SKUA_TESTS_SERIAL_COLLECTION_H

#include <stdbool.h>

#include "tests/serial/values.h"

enum kind { KIND_STRING, KIND_LIST, KIND_SET, KIND_HASH };

enum { COLLECTION_MAX = 256 };

struct collection {
    enum kind kind;
    uint32_t n;
    struct slice elements[COLLECTION_MAX];
};

/* Of a value; of an empty one, which is none, KIND_STRING. */
enum kind collection_kind(struct slice value);

/* Takes a value of that kind apart; an empty one, which is none, has no elements. */
void collection_load(struct collection *c, enum kind kind, struct slice value);
/* Its number among values; VALUE_NONE if there are no elements. */
uint32_t collection_number(const struct collection *c, struct values *values);

void collection_insert(struct collection *c, uint32_t at, struct slice element);
struct slice collection_remove(struct collection *c, uint32_t at);

/* Not of lists: whether there is the element; at: its place, or where it would be. */
bool collection_find(const struct collection *c, struct slice element, uint32_t *at);
/* Return whether that changed anything. */
bool collection_add(struct collection *c, struct slice element);
bool collection_drop(struct collection *c, struct slice element);

#endif
