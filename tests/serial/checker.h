/* Is a history strictly serializable? That is: is there one order of its operations in which each, run alone on the
 * model, gives the reply that was recorded; in which what was answered before another was sent comes first; and in
 * which a connection's own commands stand as the server promises (history_in_order)? For single operations on a store
 * this is linearizability (Herlihy and Wing 1990, "Linearizability: a correctness condition for concurrent objects") of
 * the store as one object.
 *
 * The search is that of Wing and Gong (1993, "Testing and verifying concurrent objects"): try, one after the other,
 * each operation that may come next, and go back where none fits. It remembers which pairs of (operations done, store)
 * it has been at, and never goes on from one twice (Lowe 2017, "Testing for linearizability"). Two shortcuts, which
 * change no verdict: keys that no operation and no promise of order ties together are checked apart (locality, Herlihy
 * and Wing); a command that changed nothing, as its reply tells, is taken at once if it fits now, because any order
 * that has it later works with it here too.
 *
 * Unanswered operations may be taken with whatever reply, or left out. */
#ifndef SKUA_TESTS_SERIAL_CHECKER_H
#define SKUA_TESTS_SERIAL_CHECKER_H

#include <stdint.h>

#include "tests/serial/history.h"

enum verdict { VERDICT_SERIAL, VERDICT_NOT_SERIAL, VERDICT_UNDECIDED };

enum { CHECKER_STEPS_MAX = 1000 * 1000 }; /* a usual limit: about a second */

/* A step is one run of a command on the model. After steps_max of them for one part of the history the answer is
 * VERDICT_UNDECIDED. steps, unless NULL, is set to how many there were. */
enum verdict checker_run(const struct history *h, uint64_t steps_max, uint64_t *steps);

/* For the report on a history that is not serial: the first reply that cannot be explained. Returns the number of the
 * event that ends the shortest prefix that is not serial (a prefix of a serial history is serial). */
uint64_t checker_first_bad_event(const struct history *h, uint64_t steps_max);

#endif
