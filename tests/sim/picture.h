/* What is in a server in the simulator: a line for each key, to be compared with what another server has. */
#ifndef SKUA_TESTS_SIM_PICTURE_H
#define SKUA_TESTS_SIM_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "src/server/server.h"

/* Lines "database key deadline value", in order; a deadline of -1 is none. Of a string zeros are shown as _; another
 * value is its encoding and its elements, in order but for lists, which have their own. */
struct picture {
    char **lines; /* owned */
    uint32_t n, cap;
    uint32_t db; /* private */
};

/* Of what databases below `databases` hold at now_ms. The caller owns *p. */
void picture_take(struct picture *p, const struct server *s, uint32_t databases, int64_t now_ms);
void picture_free(struct picture *p);

/* Whether both are the same; the lines that only one of them has go to stderr. */
bool picture_equal(const char *name_a, const struct picture *a, const char *name_b, const struct picture *b);

#endif
