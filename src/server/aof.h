/* The append-only file of a server: ties the journal (persist/journal.h), its files (persist/aof_files.h) and loading
 * (loading.h) to options and commands. From the start to the end of the process there is one, also with appendonly no:
 * CONFIG SET may turn it on.
 *
 * Owner: worker 0's thread while workers run, else the main thread; numbers for INFO may be read by any. What takes
 * long runs on fibers of worker 0, at most one at a time. */
#ifndef SKUA_SERVER_AOF_H
#define SKUA_SERVER_AOF_H

#include <stdbool.h>
#include <stdint.h>

struct aof;
struct config;
struct disk;
struct server;
struct worker;

enum { AOF_ERROR_BYTES = 1024 };

/* Looks at what is there, if config has appendonly on. dir: a descriptor of the data directory, which is taken over in
 * any case. NULL: the server must not start, error (of AOF_ERROR_BYTES) says why and what to do. */
struct aof *aof_open(const struct config *config, struct disk *disk, int dir, char *error);
/* The seed of hashes that the files want to go on with; false: any will do. */
bool aof_hash_seed(const struct aof *a, uint64_t *seed);
/* Before the workers run: they will load what there is, or the journal begins at once. False as above. */
bool aof_attach(struct aof *a, struct server *s, char *error);
/* After the workers have ended: writes and syncs what is left; false if that failed, which is logged. */
bool aof_finish(struct aof *a);
void aof_close(struct aof *a);

/* ---- Worker 0 ---- */

/* Turns it on or off as CONFIG SET appendonly wants; on a fiber. False: it is as it was, and the log says why. */
bool aof_turn(struct worker *w0, bool on);
/* Whether the data directory may be another one: not once there are files in it. aof_move then takes over a descriptor
 * of that. */
bool aof_may_move(const struct aof *a);
void aof_move(struct aof *a, int dir);
/* Applies the options that can be at once. */
void aof_apply(struct worker *w0, const struct config *config);
/* Ten times a second: makes a fresh base when the file is not to be trusted any more, forgets old files, logs. */
void aof_cron(struct worker *w0);
/* Nothing of it is under way on a fiber. */
bool aof_is_idle(const struct aof *a);

/* ---- INFO ---- */

struct aof_info {
    bool on;
    bool rewriting;            /* a base is being made */
    int64_t rewrite_seconds;   /* that the present one has taken; -1: none */
    int64_t last_seconds;      /* that the last one took; -1: none */
    bool last_failed;          /* it failed */
    uint64_t rewrites;         /* that succeeded */
    uint64_t failures;         /* in a row */
    uint64_t keys, keys_total; /* of the present one: written, to be written */
    bool write_failed;
    uint64_t size, base_size, queued_bytes, delayed_syncs;
    bool is_syncing;
};
struct aof_info aof_info(const struct server *s, uint64_t now_ns);

#endif
