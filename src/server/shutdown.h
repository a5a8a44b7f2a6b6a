/* Whether and how to stop: what SHUTDOWN and the signals have in common. How the workers come to their end is in
 * server.c. */
#ifndef SKUA_SERVER_SHUTDOWN_H
#define SKUA_SERVER_SHUTDOWN_H

#include <stdbool.h>

struct worker;

enum { SHUTDOWN_ERROR_BYTES = 160 };

/* Stops the server as asked for by bits of ON_SIGNAL_* (config.h). False: it cannot be done so, error says why, and the
 * server goes on. Worker 0's thread. */
bool shutdown_begin(struct worker *w0, unsigned how, char error[static SHUTDOWN_ERROR_BYTES]);

#endif
