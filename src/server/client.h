/* A client: a connection with what Redis keeps for it. Owner: its home worker. Freed at the end of an iteration, once
 * it is closed and nothing of it is under way on other workers. */
#ifndef SKUA_SERVER_CLIENT_H
#define SKUA_SERVER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/journal_sink.h"
#include "shard/mailbox.h"
#include "src/base/list.h"
#include "src/net/conn.h"
#include "src/wire/parse.h"

struct batch;
struct command;
struct server;
struct worker;

enum client_reply_mode { REPLY_ON, REPLY_OFF, REPLY_SKIP_NEXT, REPLY_SKIP };

struct client_traffic {
    uint64_t bytes_in, bytes_out, reads, writes;
};

enum { CLIENT_ADDRESS_BYTES = 128 };

/* What every request touches comes first, behind conn: with a thousand clients each of its lines is a cache miss. */
struct client {
    struct conn conn; /* first: conn events give a pointer to it */
    struct worker *worker;
    struct batch *batch;    /* under way; NULL: none */
    struct list dirty_node; /* worker->dirty */
    struct parser parser;
    uint32_t db;
    uint8_t resp;
    bool authenticated;
    bool unix_socket;
    bool close_after_reply;
    bool input_ended; /* the peer has sent all it will send; it may still read */
    bool lingers;     /* the other way round: it has been sent all, and what it still sends is dropped */
    bool no_touch;
    bool paused;
    bool peer_is_local;
    enum client_reply_mode reply_mode;
    int64_t active_ms;
    int64_t soft_limit_since_ms;        /* output above the soft limit since; 0: below */
    const struct command *last_command; /* NULL: none yet, or unknown */
    uint64_t commands;
    struct journal_wait wait;      /* of its output, before it may leave */
    struct client_traffic counted; /* of conn's counters, what the worker's have */
    char protocol_error[160];      /* set once its input makes no sense; "" before */

    struct message msg;
    struct list node;      /* worker->clients */
    struct list wait_node; /* worker->closing, worker->paused or worker->throttled */
    uint64_t id;
    int64_t created_ms;
    char *name, *lib_name, *lib_ver; /* owned; NULL: not set */
    char address[CLIENT_ADDRESS_BYTES], local_address[CLIENT_ADDRESS_BYTES];
};

/* A new client around an accepted descriptor, not yet with a worker; -1 addresses are filled in from the socket. */
struct client *client_create(int fd, uint64_t id, bool unix_socket, int64_t now_ms);
/* One that no worker has taken in; its descriptor is the caller's. */
void client_discard(struct client *c);
/* Takes it in: from now on w is its home. */
void client_adopt(struct worker *w, struct client *c);

/* Parses and runs as much of the input as can be run now; reads again if reading had been paused. */
void client_run(struct client *c);

/* Whether the server asks for a password. */
bool client_password_is_set(const struct client *c);
/* Whether it may run nothing but AUTH, HELLO and the like. A password that is taken away lets everybody in. */
static inline bool client_must_authenticate(const struct client *c)
{
    return __builtin_expect(!c->authenticated, false) && client_password_is_set(c);
}

/* Whether CLIENT PAUSE keeps this command from running now. */
bool client_must_pause(const struct client *c, const struct command *row);
/* Nothing is taken from it until clients_unthrottle. */
void client_throttle(struct client *c);
/* In each iteration: if the journal has room again, goes on with those that wait for that. */
void clients_unthrottle(struct worker *w);

/* Its batch waits for the end of the pause. */
void client_pause(struct client *c);
/* The pause may have ended: goes on with those that waited. */
void clients_unpause(struct worker *w);

/* Whether name may be a client's name: no blanks, no control or non-ASCII bytes. */
bool client_name_valid(struct slice name);
/* Copies text to name, lib_name or lib_ver; an empty one takes it away. */
void client_set_text(char **field, struct slice text);

/* What it has received and been sent so far counts in INFO from now on; at the end of an iteration it does anyway. */
void client_count_traffic(struct client *c);

/* Marks it for sending at the end of the iteration. */
void client_dirty(struct client *c);

/* Whether CLIENT REPLY keeps silent what the client has just been answered; uses up a SKIP. */
bool client_take_silence(struct client *c);

/* Nothing more of what it has sent is to run. */
static inline bool client_is_leaving(const struct client *c) { return c->close_after_reply || c->conn.closing; }

/* Closes at once, dropping output. */
void client_close(struct client *c);
/* Closes once what is in its output has been sent. */
void client_close_after_reply(struct client *c);

/* The server stops: sees all out, those who do not take their replies or wait for the end of a pause without them. */
void clients_stop(struct worker *w);

/* End of an iteration: frees those that are done. */
void clients_reap(struct worker *w);
/* Ten times a second, for a tenth of the clients: idle timeout, soft output limits. When the worker stops, all that are
 * left. */
void clients_cron(struct worker *w);

/* Sends what the dirty clients have, checks output limits. */
void clients_flush(struct worker *w);

#endif
