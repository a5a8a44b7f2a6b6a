/* Effects: what commands did to the data, as commands that would do the same again, in RESP, as the journal keeps them
 * (design ideas 3 and 4). They are collected while an iteration or a transaction runs and then queued as one batch.
 * Where nothing is journalled nobody collects. */
#ifndef SKUA_SHARD_EFFECTS_H
#define SKUA_SHARD_EFFECTS_H

#include <stdint.h>

#include "src/base/slice.h"

/* Owner: the worker that executes. */
struct effects {
    char *buf; /* owned; whole commands, the first one a SELECT */
    size_t len, cap;
    uint32_t commands; /* besides SELECTs */
    int64_t db;        /* that the last command in buf ran in; -1: none yet */
};

void effects_init(struct effects *e);
void effects_deinit(struct effects *e);

/* Forgets what it has; keeps the buffer. */
void effects_clear(struct effects *e);

/* Appends one command, after a SELECT if db differs from the last one's. Copies. The SELECT is spelled in lower case:
 * by that persistence tells it from those of a redis-server that went on with the file. */
void effects_add(struct effects *e, uint32_t db, uint32_t argc, const struct slice *argv);

/* The same word by word: effects_begin, then effects_word exactly argc times. */
void effects_begin(struct effects *e, uint32_t db, uint32_t argc);
void effects_word(struct effects *e, struct slice word);

#endif
