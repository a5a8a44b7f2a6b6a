/* The clients of one life of a server in the crash simulator: they send random commands, in pipelines, and hold each
 * reply against the past (past.h). A reply is right if there is a state it may have seen, between the last batch that
 * had been queued when it was asked for and the last one now; the item that made what it tells is then promised.
 * Owner: the test, whose tasks they are. */
#ifndef SKUA_TESTS_SIM_CROWD_H
#define SKUA_TESTS_SIM_CROWD_H

#include "tests/serial/chance.h"
#include "tests/sim/past.h"
#include "tests/sim/promise.h"
#include "tests/sim/world.h"

enum { CROWD_MAX = 5 };

struct crowd {
    struct world *world;
    struct past *past;
    struct promises *promises;
    uint32_t life;             /* makes tokens of different lives different */
    uint32_t ops_max;          /* of a client */
    uint64_t sleep_ns_max;     /* between pipelines */
    uint64_t filler_bytes_max; /* of a value */
    bool paused;               /* no pipelines are begun */
    bool untracked;            /* nothing is journalled, so replies are not looked at */
    uint32_t busy;             /* clients with a pipeline under way */
    uint32_t left;             /* clients that have not finished */
    bool failed;               /* a reply was wrong, as stderr says */
    uint64_t replies, checked;

    /* Private. */
    struct crowd *clients[CROWD_MAX]; /* a task finds its number by where its argument points */
    struct random randoms[CROWD_MAX];
    uint32_t *weights, weight_sum;
};

/* Draws what the clients are like; the fields above `paused` are set. Spawns n of them. */
void crowd_begin(struct crowd *c, struct random *random, uint32_t n);
void crowd_free(struct crowd *c);

/* Wall-clock milliseconds of the world. */
int64_t crowd_now_ms(const struct crowd *c);

/* No pipeline is under way when it returns. In a task. */
void crowd_pause(struct crowd *c);
void crowd_resume(struct crowd *c);

/* In a task, while no client changes anything: asks the server for all its data. */
void crowd_read_state(struct crowd *c, struct past_state *state);
/* In a task: asks until there is an answer, on new connections if need be. False if it is an error. */
bool crowd_command(struct world *world, const char *text);

#endif
