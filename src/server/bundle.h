/* Bundles: transactions of one worker's iteration that share a hold and run back to back (design section 5). Requests
 * join an open bundle; at the end of the iteration it is put on the lanes of its shards, unless it would only queue
 * behind another of this worker's that shares a shard with it: then it stays open and grows. */
#ifndef SKUA_SERVER_BUNDLE_H
#define SKUA_SERVER_BUNDLE_H

#include "shard/lane.h"

struct batch;
struct worker;

/* The requests [hold_first, hold_end) of b, which need b->shards, run under one hold; then batch_progress(b). */
void bundle_join(struct worker *w, struct batch *b);

/* Holds all shards for other than requests: waits, on a fiber of w, until they have arrived. What the fiber does with
 * them then until it releases them it does as their user. Effects are nobody's. */
struct bundle *bundle_hold_all(struct worker *w);
void bundle_release_all(struct bundle *u);

/* End of an iteration: puts open bundles on the lanes. */
void bundles_put(struct worker *w);

/* All shards of h, whose home is w, have arrived: runs its bundle and releases it, or wakes the fiber that waits. */
void bundle_ready(struct worker *w, struct hold *h);

/* Goes on with the batches whose bundles have run in this iteration. */
void bundles_progress(struct worker *w);

#endif
