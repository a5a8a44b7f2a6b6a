/* Running one request of a batch on this worker: whether its client may, what it sees of it, and its answer. */
#ifndef SKUA_SERVER_REQUEST_RUN_H
#define SKUA_SERVER_REQUEST_RUN_H

#include "src/server/batch.h"
#include "src/server/client.h"

/* Runs a request of b now, on shards that this worker owns or holds, and appends its answer to reply. With effects
 * (NULL: nothing is journalled) what it did goes there, and what its answer has to wait for into wait. */
void request_execute(struct worker *w, struct batch *b, struct request *r, struct reply *reply, struct effects *effects,
                     struct journal_wait *wait);
/* The same for one that no client has asked for: it is journalled nowhere, and counts nowhere. */
void request_apply(struct worker *w, struct batch *b, struct request *r, struct reply *reply);

/* Why the client may not run this command. */
enum refusal { REFUSED_NOT, REFUSED_PROTECTED, REFUSED_UNAUTHENTICATED, REFUSED_LOADING, REFUSED_WRITE_FAULT };

enum refusal request_refusal(const struct client *c, const struct request *r);

/* CLIENT PAUSE. What is refused anyway is answered now, as Redis does it. */
bool request_must_pause(const struct client *c, const struct request *r);

/* Fixes what a request sees of its client, now that everything before it has been routed. */
static inline void request_bind(struct batch *b, struct request *r)
{
    struct client *c = b->client;
    r->db = c->db;
    r->resp = c->resp;
    r->no_touch = c->no_touch;
    c->commands++;
    c->last_command = r->row;
}

enum request_run { RAN, RAN_DEFERRED, RAN_NOT };

/* Runs b's request i, which needs no other worker: an error, a home command, or one of the own shard (not held). */
enum request_run request_run_here(struct batch *b, uint32_t i, struct reply *reply);

#endif
