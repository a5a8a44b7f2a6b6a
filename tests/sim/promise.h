/* What replies have promised: each tells of an item of the past (past.h), and that item has to be there after a
 * restart, as far as the policy of the time promises it.
 *
 *  - After a kill everything that was told is there, under every policy.
 *  - After a crash of the machine: under `always` everything that was told; under `everysec` what was told more than
 *    PROMISE_WINDOW_NS before the server died. A disk that hangs may make that longer, but then replies stop: what is
 *    lost was all told within that time of the first batch that is lost.
 *
 * Once a server is ready again, what it has loaded is on disk and everything else was never to be kept: promises end.
 * Owner: the test. */
#ifndef SKUA_TESTS_SIM_PROMISE_H
#define SKUA_TESTS_SIM_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/past.h"

/* Two seconds (design of appendfsync everysec), and what a slow world may add: workers notice late, replies travel. */
static const uint64_t PROMISE_WINDOW_NS = UINT64_C(2500000000);

/* What a machine that crashes may take; the weakest first. */
enum guard { GUARD_NONE, GUARD_WINDOW, GUARD_ALL };

struct promise {
    uint32_t item;
    enum guard guard;
    uint64_t ns; /* when the client had the reply */
};

struct promises {
    struct promise *list; /* in order of time */
    uint32_t n, cap;
    enum guard guard;    /* of the policy that is in force for certain */
    uint32_t generation; /* of the policy */
    uint32_t floor;      /* the last item that is on disk whatever happens */
    bool died, crashed;  /* since the server was ready last; crashed: the machine, too */
    uint64_t died_ns;
    bool disk_hangs;  /* syncs take long, or have failed: the age of what is lost says nothing */
    bool disk_faults; /* writes have failed: neither does the age of the first batch that is lost */
};

void promises_free(struct promises *p);

/* The policy changes: before it is asked for, and once the answer is there. */
void promises_policy_changes(struct promises *p, enum guard guard, uint64_t now_ns);
void promises_policy_changed(struct promises *p, enum guard guard);

/* A reply tells of item. generation: of the policy when its request was sent. */
void promises_add(struct promises *p, uint32_t item, uint32_t generation, uint64_t now_ns);
/* All up to item is on disk. */
void promises_keep(struct promises *p, uint32_t item);

/* The server, or the machine, has died. */
void promises_died(struct promises *p, bool machine, uint64_t now_ns);

/* Whether a server that has found `item` keeps what was promised; else a line goes to stderr. */
bool promises_kept(const struct promises *p, const struct past *past, uint32_t item);
/* It is ready, with all up to item. */
void promises_end(struct promises *p, uint32_t item);

#endif
