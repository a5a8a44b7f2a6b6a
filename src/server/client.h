/* A client: a connection with what Redis keeps for it. Owner: its home worker. Freed at the end of an iteration, once
 * it is closed and nothing of it is under way on other workers. */
#ifndef SKUA_SERVER_CLIENT_H
#define SKUA_SERVER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/mailbox.h"
#include "src/base/list.h"
#include "src/net/conn.h"
#include "src/wire/parse.h"

struct batch;
struct command;
struct server;
struct worker;

enum client_reply_mode { REPLY_ON, REPLY_OFF, REPLY_SKIP_NEXT, REPLY_SKIP };

enum { CLIENT_ADDRESS_BYTES = 128 };

struct client {
    struct conn conn; /* first: conn events give a pointer to it */
    struct message msg;
    struct worker *worker;
    struct list node;       /* worker->clients */
    struct list dirty_node; /* worker->dirty */
    struct list wait_node;  /* worker->closing or worker->paused */
    struct parser parser;
    struct batch *batch;    /* under way; NULL: none */

    uint64_t id;
    uint32_t db;
    uint8_t resp;
    bool authenticated;
    bool unix_socket;
    bool close_after_reply;
    bool no_touch;
    bool paused;
    bool peer_is_local;
    enum client_reply_mode reply_mode;
    char *name, *lib_name, *lib_ver; /* owned; NULL: not set */
    char address[CLIENT_ADDRESS_BYTES], local_address[CLIENT_ADDRESS_BYTES];
    int64_t created_ms, active_ms;
    int64_t soft_limit_since_ms; /* output above the soft limit since; 0: below */
    const struct command *last_command;
    uint64_t commands;
};

/* A new client around an accepted descriptor, not yet with a worker; -1 addresses are filled in from the socket. */
struct client *client_create(int fd, uint64_t id, bool unix_socket, int64_t now_ms);
/* Takes it in: from now on w is its home. */
void client_adopt(struct worker *w, struct client *c);

/* Parses and runs as much of the input as can be run now. */
void client_run(struct client *c);

/* Marks it for sending at the end of the iteration. */
void client_dirty(struct client *c);

/* Closes at once, dropping output. */
void client_close(struct client *c);
/* Closes once what is in its output has been sent. */
void client_close_after_reply(struct client *c);

/* End of an iteration: frees those that are done. */
void clients_reap(struct worker *w);
/* Ten times a second: idle timeout, soft output limits. */
void clients_cron(struct worker *w);

/* Sends what the dirty clients have, checks output limits. */
void clients_flush(struct worker *w);

#endif
