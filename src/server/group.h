/* Groups: the commands of one stage of a batch for one shard, on their way to its worker and back. The message that
 * workers exchange most; the cost of a command on another shard is the cost of its group, shared. */
#ifndef SKUA_SERVER_GROUP_H
#define SKUA_SERVER_GROUP_H

#include <stdint.h>

#include "shard/journal_sink.h"
#include "shard/mailbox.h"
#include "src/server/batch.h"
#include "src/wire/reply.h"

/* The commands of one stage for one shard. Owner: the home worker; while under way the shard's worker. */
struct group {
    struct message msg; /* first */
    struct batch *batch;
    uint32_t shard, home;
    struct request *requests; /* copies, in order; owned */
    uint32_t count, cap;
    struct reply reply; /* the answers, one behind the other */
    uint32_t taken;     /* requests whose answers have been put into the output, and their bytes */
    size_t taken_bytes;
    struct journal_wait wait; /* of its answers */
    struct group *next;       /* of the batch's stage, or of the free list */
};

/* An empty group of b's running stage, which it joins. */
struct group *group_get(struct worker *w, struct batch *b, uint32_t shard);
void group_put(struct worker *w, struct group *g);
/* Ten times a second: frees a part of what is kept for reuse, so that a crowd's memory is given back within seconds. */
void groups_trim(struct worker *w);
void groups_deinit(struct worker *w);

/* Adds a copy of r. */
void group_add(struct group *g, const struct request *r);

/* Adds what the keys of n requests, which are for this worker's shard, will touch there. */
struct lookahead;
void group_look_ahead(const struct worker *w, const struct request *requests, uint32_t n, struct lookahead *l);

/* Fetches ahead what the first groups of a chain of messages will touch, so that cache misses overlap. Returns the
 * first message that nothing was done for. */
const struct message *groups_look_ahead(struct worker *w, const struct message *chain);

/* Runs a group on this worker's shard (owned, not held). */
void group_run(struct worker *w, struct group *g);

#endif
