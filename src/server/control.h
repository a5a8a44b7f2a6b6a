/* The control plane (design section 5): state that every worker reads on its hot path and that commands change rarely.
 * It is an immutable snapshot, swapped per worker; a command that changes it is answered when all workers have taken
 * the new one. Changes are made one after the other on worker 0, which owns the newest snapshot. It needs no shard:
 * held workers take part. */
#ifndef SKUA_SERVER_CONTROL_H
#define SKUA_SERVER_CONTROL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "src/base/list.h"

struct config;
struct control;
struct reply;
struct server;
struct worker;

enum pause_kind { PAUSE_NONE, PAUSE_WRITES, PAUSE_ALL };

/* One snapshot. Immutable but for its count; freed with the last reference. */
struct control_state {
    _Atomic uint32_t refs;
    const struct config *config; /* one reference */
    enum pause_kind pause;
    int64_t pause_until_ms;
    bool expire_active; /* DEBUG SET-ACTIVE-EXPIRE */
};

struct control *control_create(const struct config *config);
void control_destroy(struct control *c);

/* The newest snapshot. Worker 0's thread, or before the workers run. */
const struct control_state *control_newest(const struct control *c);
const struct control_state *control_hold(const struct control_state *s);
void control_release(const struct control_state *s);

/* A change. Owner: the asking worker, except during apply. */
struct control_change {
    /* On worker 0, one change at a time, on a fiber: next is a copy of the newest state to be changed. False: nothing
     * changes, and done follows at once. */
    bool (*apply)(struct worker *w0, struct control_change *change, struct control_state *next);
    /* At home, when every worker has taken it, or after apply has returned false. Owns change from now on. */
    void (*done)(struct worker *home, struct control_change *change);
    void *arg;
    uint32_t home;
    struct list node; /* waiting at worker 0 */
};

/* Asks worker 0 for a change; done is called later, never inside. */
void control_submit(struct worker *home, struct control_change *change);

#endif
