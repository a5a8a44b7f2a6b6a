/* Starts and stops the server that a test talks to: skua-server, or redis-server to see that the test itself is right.
 */
#ifndef SKUA_TESTS_SERIAL_SERVER_H
#define SKUA_TESTS_SERIAL_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct server {
    pid_t pid; /* 0: not started here */
    uint16_t port;
    bool is_skua;
    char folder[64]; /* its working directory, made for it; its output is in `log` there */
};

/* Starts path on a free port with threads workers and waits until it answers. options: more arguments, ended by NULL;
 * may be NULL. On failure prints why and returns false. */
bool server_start(struct server *s, const char *path, uint32_t threads, const char *const *options);
/* Ends it; false if it had crashed or did not end well, after printing the end of its log. */
bool server_stop(struct server *s);

#endif
