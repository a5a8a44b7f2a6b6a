/* Listening sockets: opened from bind, port and unixsocket, all accepted on worker 0. */
#ifndef SKUA_SERVER_LISTEN_H
#define SKUA_SERVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

struct config;
struct listeners;
struct worker;

/* Opens what config asks for, without accepting yet. NULL on failure, with a text of at most error_bytes that names the
 * address and says what to do. Owned by the caller. */
struct listeners *listeners_open(const struct config *config, char *error, size_t error_bytes);

/* Begins to accept on worker 0, which takes them over. */
void listeners_start(struct listeners *l, struct worker *w0);

/* Replaces the TCP sockets by those that config asks for (CONFIG SET port, bind). On failure the old ones stay. */
bool listeners_rebind(struct listeners *l, struct worker *w0, const struct config *config, char *error,
                      size_t error_bytes);

/* Ends accepting; listeners_free follows once nothing is in flight (worker 0's loop has ended). */
void listeners_stop(struct listeners *l);
void listeners_free(struct listeners *l);

#endif
