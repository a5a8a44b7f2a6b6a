/* What the program says about itself: --version, --help, the sample configuration. */
#ifndef SKUA_SERVER_CONFIG_HELP_H
#define SKUA_SERVER_CONFIG_HELP_H

#include <stdbool.h>
#include <stdio.h>

/* Whether the program was called as redis-server, by its path. */
bool config_is_redis(const char *argv0);

/* Answers -v, --version, -h, --help and --print-sample-config; false if arg is none of them. */
bool config_help(const char *arg, bool as_redis, FILE *out);

#endif
