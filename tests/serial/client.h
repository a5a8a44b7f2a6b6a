/* A blocking connection to a server on this machine, for one thread. It sends what it is given and hands out replies as
 * they came. Failures of the connection are results, not errors: some tests cut connections on purpose. */
#ifndef SKUA_TESTS_SERIAL_CLIENT_H
#define SKUA_TESTS_SERIAL_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"
#include "tests/serial/resp.h"

struct client {
    int fd; /* -1: not connected */
    uint16_t port;
    struct bytes in;
    size_t taken; /* of in, by the reply that was handed out last */
};

enum { CLIENT_SECONDS_MAX = 30 }; /* a reply that takes longer counts as lost */

void client_init(struct client *c, uint16_t port);
/* Connects if it is not connected. */
bool client_connect(struct client *c);
/* Drops what was not read; sends a reset if hard. */
void client_close(struct client *c, bool hard);

bool client_send(struct client *c, const struct bytes *bytes);
/* Waits for the next reply, which is borrowed until the next call. False if the connection was lost. */
bool client_reply(struct client *c, struct slice *reply);

/* Sends one command given as a text of words separated by single blanks and waits for its reply. */
bool client_command(struct client *c, const char *text, struct slice *reply);

#endif
