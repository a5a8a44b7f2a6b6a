/* A made-up server that plays a plan on one thread: every operation happens at one instant between its sending and its
 * answer, in an order that chance picks among those that the server promises. What it records is serializable by
 * construction, for tests of the checker. */
#ifndef SKUA_TESTS_SERIAL_MIMIC_H
#define SKUA_TESTS_SERIAL_MIMIC_H

#include "tests/serial/chance.h"
#include "tests/serial/history.h"

enum { MIMIC_CLIENTS_MAX = 32 };

/* Fills in times and replies. Clients are numbered below MIMIC_CLIENTS_MAX; client number last plays when the others
 * have ended. */
void mimic_play(struct history *plan, struct random *random, uint32_t last);

#endif
