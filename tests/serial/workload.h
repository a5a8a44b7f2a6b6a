/* Random plans for short histories on a few hot keys, which lie on all shards if the plan knows the shards. Each plan
 * draws its own mix of commands, its own lengths of pipelines and its own number of clients and keys, so that rare
 * combinations come up often in some history. Values are all different, so that a reply tells which write it saw. */
#ifndef SKUA_TESTS_SERIAL_WORKLOAD_H
#define SKUA_TESTS_SERIAL_WORKLOAD_H

#include "tests/serial/chance.h"
#include "tests/serial/history.h"

enum { WORKLOAD_CLIENTS_MAX = 6 };

/* Fills h, which is empty but for order and shape. prefix goes before every key, so that histories share no keys; but
 * they share databases, which some commands empty or swap: none of those may still be under way when another history
 * begins (a client that hangs up does so only behind other commands). Clients are 0 to the returned number - 1; one
 * client more has a last pipeline that reads all keys and is to be sent when everything else has ended. hang_ups:
 * whether clients may close their connection in the middle. */
uint32_t workload_plan(struct history *h, struct random *random, const char *prefix, bool hang_ups);

#endif
