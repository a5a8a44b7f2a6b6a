/* Shows that a simulated test finds bugs: it runs the test's worlds on a server that has one (src/base/planted.h), each
 * bug in a process of its own, because one way to find it is an assertion. Only builds with -Dsimpoints=true can have
 * bugs; with SKUA_SHOW_PLANTED=1 in the environment what was found is shown. */
#ifndef SKUA_TESTS_SIM_PLANTED_H
#define SKUA_TESTS_SIM_PLANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/planted.h"
#include "tests/sim/world.h"

struct planted {
    enum planted_bug bug;
    const char *name;
};

/* True if each bug was found within PLANTED_WORLDS_MAX worlds from seed on. */
bool planted_all_found(const struct planted *bugs, size_t n, world_run *run, uint64_t seed);

#endif
