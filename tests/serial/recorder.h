/* Plays plans on real threads: each client is a thread with a connection of its own, which it keeps over many plans.
 * All start together; each sends a pipeline, waits for its replies, and goes on. What is recorded is put into the
 * history.
 *
 * The threads own their clients' operations while a plan is played, the caller everything else and all of it between
 * plans. Only one plan is played at a time. */
#ifndef SKUA_TESTS_SERIAL_RECORDER_H
#define SKUA_TESTS_SERIAL_RECORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/serial/history.h"

struct recorder;

/* For a server on this machine. Owned by the caller, ended with recorder_destroy. */
struct recorder *recorder_create(uint16_t port, uint32_t clients);
void recorder_destroy(struct recorder *r);

/* Plays the operations of clients 0 to clients - 1 at once, then those of client number clients alone. seed decides at
 * which bytes pipelines are cut in two and how long clients hesitate. False if a connection was lost that the plan did
 * not hang up: then the server has failed. */
bool recorder_play(struct recorder *r, struct history *plan, uint32_t clients, uint64_t seed);

#endif
