/* Writes what all shards have as a base of the append-only file, on a fiber of worker 0 that gives the loop back now
 * and then. */
#ifndef SKUA_SERVER_BASE_WRITER_H
#define SKUA_SERVER_BASE_WRITER_H

#include <stdatomic.h>
#include <stdint.h>

struct disk;
struct worker;

/* How far it is; any thread may look. */
struct base_progress {
    _Atomic uint64_t keys, keys_total;
    _Atomic uint64_t bytes; /* of the whole base, once it is there */
};

/* To fd, an empty file opened with DISK_APPEND, and syncs it; w0 holds all shards. 0, or -errno: -ECANCELED if the
 * server stops. */
int base_write(struct worker *w0, struct disk *disk, int fd, struct base_progress *progress);

#endif
