/* One client of a plan: sends its pipelines one after the other, waits for their replies, and records both. Where an
 * operation is for another database than the one before it, a SELECT goes between them, which is not recorded. Owner:
 * the thread or coroutine that plays it; the plan's operations of this client are its own while it plays. */
#ifndef SKUA_TESTS_SERIAL_PLAYER_H
#define SKUA_TESTS_SERIAL_PLAYER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/random.h"
#include "tests/serial/caller.h"
#include "tests/serial/history.h"

struct player {
    uint32_t number;         /* of the client in the plan */
    struct caller caller;    /* may be connected already, and stays connected */
    uint32_t connection;     /* how many it had before this one */
    uint32_t db;             /* that the connection has selected */
    struct random random;    /* where pipelines are cut in two, when it hesitates */
    struct history replies;  /* memory for them (a plan's is not for several threads): history_adopt it afterwards */
    _Atomic uint64_t *clock; /* numbers the events of all players */
    bool goes_on;            /* after a lost connection, with a new one; else it stops */
    bool lost;               /* a connection was lost that the plan did not hang up */
};

/* clock is shared by all players; random is to be seeded before each play. */
void player_init(struct player *p, const struct transport *transport, void *world, uint16_t port,
                 _Atomic uint64_t *clock);
void player_deinit(struct player *p);

/* Plays all operations of its client. Sets lost. */
void player_play(struct player *p, struct history *plan);

#endif
