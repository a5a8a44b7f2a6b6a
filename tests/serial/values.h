/* Values by number. The checker compares and copies states of the store many thousand times a history, so each distinct
 * string is kept once and states hold its number. Numbers are given in order of first use; VALUE_NONE is a missing key.
 */
#ifndef SKUA_TESTS_SERIAL_VALUES_H
#define SKUA_TESTS_SERIAL_VALUES_H

#include <stdint.h>

#include "src/base/slice.h"

enum { VALUE_NONE = 0 };

struct values {
    struct slice *all; /* by number; owned; [VALUE_NONE] is empty */
    uint32_t count, cap;
    uint32_t *slots; /* open addressing, 2 * cap of them: number, or 0 */
};

void values_init(struct values *v);
void values_deinit(struct values *v);

/* The number of a string, which is copied if it is new. */
uint32_t values_number(struct values *v, struct slice s);

/* The string of a number; borrowed until values_deinit. */
static inline struct slice values_get(const struct values *v, uint32_t number) { return v->all[number]; }

#endif
