/* The stages in which a batch runs (batch.h says what ends one): how its requests leave for their shards, and how the
 * answers come back in order. */
#ifndef SKUA_SERVER_STAGE_H
#define SKUA_SERVER_STAGE_H

#include "src/server/batch.h"

/* Routes requests from b->cursor on until one that must wait for those before it. False if it cannot even begin: the
 * first one has to wait for the end of CLIENT PAUSE. */
bool stage_start(struct batch *b);

/* Once nothing of it is pending: gives its answers out and forgets it. */
void stage_finish(struct batch *b);

#endif
