/* Writes down in the past (past.h) what the journal of a server is given, through all its lives, and finds out what a
 * server has loaded: the state after which item. The position up to which it has loaded says so, and its data must
 * agree. What it queues before it has been asked (keys that have expired meanwhile) waits for the answer; and if it
 * dies before, that stays unknown, and changes nothing that could be seen.
 *
 * Owner: the test. One in a process, as the journal calls it without a context. */
#ifndef SKUA_TESTS_SIM_SCRIBE_H
#define SKUA_TESTS_SIM_SCRIBE_H

#include "shard/journal_sink.h"
#include "src/io/sim.h"
#include "tests/sim/past.h"

/* A batch that was queued before it was known what had been loaded. */
struct early {
    uint64_t position, ns;
    struct bytes batch;
};

struct scribe {
    struct past past;
    bool failed; /* what was queued makes no sense, as stderr says */

    /* Private, of the present server. */
    struct sim *sim;
    struct journal_sink *sink;
    uint64_t (*append)(struct journal_sink *, uint32_t, struct effects *, bool);
    bool known; /* what it has loaded */
    uint64_t loaded_position;
    struct early *early;
    uint32_t nearly;
    /* Servers that died before it was known what they had loaded have queued batches of these positions. */
    uint64_t unknown_from, unknown_to;
};

void scribe_init(struct scribe *s);

/* A new server, before it runs. */
void scribe_attach(struct scribe *s, struct sim *sim, struct journal_sink *sink);
/* The last item that explains what the server had when it was ready. UINT32_MAX: no state that existed does, as stderr
 * says. */
uint32_t scribe_find(const struct scribe *s, const struct past_state *found, int64_t now_ms);
/* It goes on from there: later items have not happened. */
void scribe_go_on(struct scribe *s, uint32_t item, const struct past_state *found);
/* The server is gone. looked_only: on a copy of the disk, which is gone too. */
void scribe_detach(struct scribe *s, bool looked_only);

#endif
