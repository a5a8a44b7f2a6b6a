/* Effects: what a command did to the data, as commands that would do the same again, in RESP, as the journal keeps them
 * (design ideas 3 and 4). They are collected while a group or transaction runs and handed to the journal sink when it
 * has ended. Without a sink nobody collects. */
#ifndef SKUA_SHARD_EFFECTS_H
#define SKUA_SHARD_EFFECTS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"

/* Where the effects of a finished group or transaction go. Implemented by persistence (later replication). */
struct journal_sink {
    /* bytes: whole commands, the first one a SELECT. atomic: they came from one transaction. Returns the position in
     * the journal behind them, which the replies wait for. */
    uint64_t (*append)(struct journal_sink *self, uint32_t shard, struct slice bytes, uint32_t commands, bool atomic);
    _Atomic uint64_t safe; /* replies that wait for a position up to this one may leave */
};

/* Owner: the worker that executes. */
struct effects {
    char *buf; /* owned */
    size_t len, cap;
    uint32_t commands;
    int64_t db; /* that the last command in buf ran in; -1: none yet */
};

void effects_init(struct effects *e);
void effects_deinit(struct effects *e);

/* Appends one command, after a SELECT if db differs from the last one's. Copies. The SELECT is spelled in lower case:
 * by that persistence tells it from those of a redis-server that went on with the file. */
void effects_add(struct effects *e, uint32_t db, uint32_t argc, const struct slice *argv);

/* Gives what was collected to sink and forgets it. Returns the position, 0 if there was nothing. */
uint64_t effects_flush(struct effects *e, struct journal_sink *sink, uint32_t shard, bool atomic);

#endif
