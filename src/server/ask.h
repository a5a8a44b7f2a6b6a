/* Asks: one function run on several workers, each on its own thread, and a continuation at home when all have answered.
 * The one mechanism behind everything that looks at or changes the whole server without a hold: KEYS, RANDOMKEY, CLIENT
 * LIST and KILL, INFO's sums, and the control plane's snapshots.
 *
 * A part that touches the shard (ask_shards) waits while the shard is held; one that does not (ask_workers) is answered
 * by a held worker too. */
#ifndef SKUA_SERVER_ASK_H
#define SKUA_SERVER_ASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shard/mailbox.h"
#include "src/base/list.h"

struct ask;
struct worker;

struct ask_part {
    struct message msg; /* first */
    struct list node;   /* worker->again */
    struct ask *ask;
    void *state; /* run's own between slices */
};

struct ask {
    struct message msg; /* first; goes home */
    /* Runs on worker w. True: done; false: wants to be called again in the next iteration (a slice of long work). */
    bool (*run)(struct worker *w, struct ask *a, struct ask_part *part);
    /* At home, when every part is done. Owns a from now on: frees it with ask_free. */
    void (*done)(struct worker *home, struct ask *a);
    void *arg;
    uint32_t home;
    _Atomic uint32_t left;
    uint32_t nparts;
    struct ask_part part[]; /* part[i] is worker i's */
};

typedef bool ask_run(struct worker *w, struct ask *a, struct ask_part *part);
typedef void ask_done(struct worker *home, struct ask *a);

/* Asks every worker, the caller's own included (it too is asked by message, so done never runs inside the call). */
void ask_workers(struct worker *home, ask_run *run, ask_done *done, void *arg);
void ask_shards(struct worker *home, ask_run *run, ask_done *done, void *arg);
/* Asks one worker. */
void ask_one(struct worker *home, uint32_t target, ask_run *run, ask_done *done, void *arg);

void ask_free(struct ask *a);

/* For the loop: runs a part, again next time if it wants to. */
void ask_step(struct worker *w, struct ask_part *part);

#endif
