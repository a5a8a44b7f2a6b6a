/* Epochs of nodes: how a snapshot of large values sees what they were when it began. Each shard has a clock; all show
 * the same epoch, which a snapshot raises as it begins. Every node that a large value is made of carries the epoch in
 * which it was last seen, and whatever changes, moves or frees what a node holds calls epoch_before_change first; so
 * the snapshot is given each node once, as it was, whether it comes upon it or a change does. What is new carries the
 * present epoch from the start: it has nothing to show.
 *
 * As long as no snapshot runs, this sets a number that mostly is set already. An epoch comes round after 65,536: a
 * snapshot that is given up goes on through all nodes, too, with keep NULL.
 *
 * Owner of clock and nodes: the shard's worker or the holder of its lane. */
#ifndef SKUA_SHARD_DS_EPOCH_H
#define SKUA_SHARD_DS_EPOCH_H

#include <stddef.h>
#include <stdint.h>

/* A node of owner, a value, is about to change for the first time in this epoch. Called in the middle of changes:
 * nothing of the value but this node may be looked at. */
typedef void epoch_keep(void *arg, void *owner, void *node);

struct epoch_clock {
    uint16_t now;
    epoch_keep *keep; /* NULL: no snapshot runs */
    void *arg;
};

/* *epoch is that of node, which the caller is about to change. */
static inline void epoch_before_change(const struct epoch_clock *clock, void *owner, void *node, uint16_t *epoch)
{
    if (__builtin_expect(*epoch == clock->now, 1))
        return;
    *epoch = clock->now;
    if (clock->keep)
        clock->keep(clock->arg, owner, node);
}

#endif
