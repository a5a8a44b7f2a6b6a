/* A connection to a server, for one thread or coroutine. It sends what it is given and hands out replies as they came.
 * Failures of the connection are results, not errors: some tests cut connections on purpose. What carries the bytes is
 * a transport: sockets here, the simulator's network in tests/sim. */
#ifndef SKUA_TESTS_SERIAL_CALLER_H
#define SKUA_TESTS_SERIAL_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "src/base/slice.h"
#include "tests/serial/resp.h"

/* All wait until they have an answer. */
struct transport {
    int (*connect)(void *world, uint16_t port); /* a descriptor, or negative */
    ssize_t (*send)(void *world, int fd, const void *buf, size_t len);
    ssize_t (*recv)(void *world, int fd, void *buf, size_t len);
    void (*close)(void *world, int fd, bool hard);
    void (*hesitate)(void *world); /* lets others go on */
};

/* Blocking TCP on this machine; a reply that takes longer than CALLER_SECONDS_MAX counts as lost. No world. */
extern const struct transport caller_sockets;
enum { CALLER_SECONDS_MAX = 30 };

struct caller {
    const struct transport *transport;
    void *world; /* the transport's */
    int fd;      /* -1: not connected */
    uint16_t port;
    struct bytes in;
    size_t taken; /* of in, by the reply that was handed out last */
};

void caller_init(struct caller *c, const struct transport *transport, void *world, uint16_t port);
/* Connects if it is not connected. */
bool caller_connect(struct caller *c);
/* Drops what was not read; sends a reset if hard. */
void caller_close(struct caller *c, bool hard);

bool caller_send(struct caller *c, const struct bytes *bytes);
/* Waits for the next reply, which is borrowed until the next call. False if the connection was lost. */
bool caller_reply(struct caller *c, struct slice *reply);

/* Sends one command given as a text of words separated by single blanks and waits for its reply. */
bool caller_command(struct caller *c, const char *text, struct slice *reply);

#endif
