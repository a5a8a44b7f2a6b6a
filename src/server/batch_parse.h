/* How the bytes that a connection received become the requests of a batch, each with its keys and its route. */
#ifndef SKUA_SERVER_BATCH_PARSE_H
#define SKUA_SERVER_BATCH_PARSE_H

#include "src/server/batch.h"

/* Fills b, which is empty, with the complete commands of the client's input, up to BATCH_REQUESTS_MAX. A protocol error
 * becomes a request without arguments, so that it is answered in its turn. */
void batch_parse(struct batch *b);

/* Adds the request that the arguments [arg_first, arg_first + argc) of b->args make, and finds its keys and its route;
 * argc 0: a protocol error. What it sees of its client is bound later. Returned until the next one is added. */
struct request *batch_add(struct batch *b, uint32_t arg_first, uint32_t argc);

/* Room for n more keys. */
void batch_reserve_keys(struct batch *b, uint32_t n);

/* Arguments point into the connection's input, which dies with the call that parsed it: copies those of requests from
 * stage_first on, once. Before any of these is put into a group. */
void batch_copy_source(struct batch *b);

#endif
