/* What follows from a new configuration for the process as a whole: sockets, directory, log, limit of open files.
 * What workers do with theirs is in worker_take_control. */
#ifndef SKUA_SERVER_CONFIG_APPLY_H
#define SKUA_SERVER_CONFIG_APPLY_H

#include <stdbool.h>

struct config;
struct worker;

/* On worker 0. False if something cannot be had: then nothing has changed and error, of CONFIG_ERROR_BYTES, is the
 * reply of CONFIG SET. */
bool config_apply(struct worker *w0, const struct config *old, const struct config *new, char *error);

#endif
