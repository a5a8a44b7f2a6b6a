/* Loading at start: what the files of the append-only directory hold is brought into the shards before clients may use
 * them. A fiber of worker 0 reads (persist/aof_load.h), the loader spreads the commands (loader.h), and all workers
 * execute. Meanwhile connections are taken, and what needs the data is answered LOADING_ERROR, unless its row has
 * CMD_LOADING; nothing expires, so that the commands find what they found when they ran first.
 *
 * It ends in one of three ways: all is there, and the server is ready; SHUTDOWN or a signal has interrupted it, which
 * changes no file; or the files are refused, which the log says and ends the server with an error. Owner: worker 0, but
 * for what loading_progress reads. */
#ifndef SKUA_SERVER_LOADING_H
#define SKUA_SERVER_LOADING_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/aof_load.h"

struct loading;
struct server;
struct worker;

#define LOADING_ERROR "LOADING Redis is loading the dataset in memory"

/* What is to be done once all has been loaded and before anything can change: makes a new file and starts the journal.
 * Runs on worker 0, which holds all shards, in the fiber, so it may wait. False: it can't be done, error (of
 * AOF_LOAD_ERROR_BYTES_MAX) says why, and the server ends. */
typedef bool loading_done_fn(void *arg, struct worker *w0, const struct aof_load_result *result, char *error);

/* Before the workers run: they begin with loading. What config points to is borrowed until it is over. Freed with
 * loading_free once the workers have ended. */
void loading_prepare(struct server *s, const struct aof_load_config *config, loading_done_fn *done, void *arg);
void loading_free(struct loading *l);

/* On worker 0, as its loop begins. */
void loading_start(struct worker *w0);

/* Nothing of it is under way any more; worker 0. */
bool loading_is_over(const struct loading *l);

/* How far it is; any thread. */
struct loading_progress {
    int64_t start_seconds; /* wall clock */
    uint64_t bytes_total, bytes_done;
};
struct loading_progress loading_progress(const struct loading *l);

#endif
