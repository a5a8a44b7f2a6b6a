/* Workers that are to be woken when something moves on. A worker adds itself and then looks whether it has moved on
 * already; who moves it publishes that and then takes all out of the set. There is a full fence between the two steps
 * of either, so that one of them sees the other: nobody sleeps through it. */
#ifndef SKUA_PERSIST_WAKE_SET_H
#define SKUA_PERSIST_WAKE_SET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Any worker. A bit is set by the worker that it stands for. */
struct wake_set {
    _Atomic uint64_t *bits; /* owned */
    uint32_t words;
};

void wake_set_init(struct wake_set *s, uint32_t nworkers);
void wake_set_deinit(struct wake_set *s);

/* False if the worker is in it already. */
bool wake_set_add(struct wake_set *s, uint32_t worker);
/* Not taken out yet. What was published before it was is visible if it was. */
bool wake_set_has(const struct wake_set *s, uint32_t worker);

/* Takes all out and calls wake for each. */
void wake_set_take(struct wake_set *s, void (*wake)(void *ctx, uint32_t worker), void *ctx);

#endif
