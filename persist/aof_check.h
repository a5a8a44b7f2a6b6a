/* skua-server --check-aof, also under the name redis-check-aof: reads an append-only file as the server does when it
 * starts, reports, and mends it where it is told to. Texts and exit codes are those of redis-check-aof 7.0 where it has
 * them. */
#ifndef SKUA_PERSIST_AOF_CHECK_H
#define SKUA_PERSIST_AOF_CHECK_H

#include <stdio.h>

/* arguments: those behind the program's name, or behind --check-aof: [--fix] [--truncate-to-timestamp T] PATH, where
 * PATH is a data directory, an append-only directory, a manifest or a single file. program: as the usage names it.
 * Returns the exit code: 0 if all is well, or is now. */
int aof_check_main(const char *program, int argc, char *const *arguments, FILE *in, FILE *out);

#endif
