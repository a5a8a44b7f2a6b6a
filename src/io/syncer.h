/* A thread that calls fdatasync for an io whose backend has no other way to do that beside its work. It belongs to the
 * io; ops go to it and come back by two lists under one lock. It is made for the first op. Not for sim. */
#ifndef SKUA_IO_SYNCER_H
#define SKUA_IO_SYNCER_H

#include "src/base/list.h"
#include "src/io/io.h"

struct syncer;

/* owner is woken whenever ops are done. */
struct syncer *syncer_create(struct io *owner);
/* No op may be with it. */
void syncer_destroy(struct syncer *s);

/* The op is the syncer's until syncer_take hands it out with its result in len. Where there can be no thread it is
 * done at once. */
void syncer_start(struct syncer *s, struct io_op *op);
/* Is done with -ECANCELED if it has not been begun, else as it comes. */
void syncer_cancel(struct syncer *s, struct io_op *op);
/* All that are done, in order. done is uninitialised. */
void syncer_take(struct syncer *s, struct list *done);
static inline int syncer_result(const struct io_op *op) { return (int)(intptr_t)op->len; }

#endif
