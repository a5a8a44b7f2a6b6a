/* Writes a base of the append-only file: a state as commands, in batches with headers (aof_format.h) whose sequence
 * numbers are its own, from 1. The commands are those of Redis's own rewrite (aof.c): SET for a string, for another
 * value commands of up to 64 elements each, then PEXPIREAT. Owns no file: its caller opens it, and makes it durable. */
#ifndef SKUA_PERSIST_AOF_BASE_H
#define SKUA_PERSIST_AOF_BASE_H

#include <stdint.h>

#include "shard/effects.h"
#include "shard/entry.h"
#include "src/io/disk.h"

/* Owner: who writes, one thread at a time. */
struct aof_base {
    struct disk *disk;
    int fd;
    int error;            /* -errno of the first write that failed; nothing is written after it */
    struct effects batch; /* the next one */
    uint64_t sequence;    /* of the last batch written */
    uint64_t keys, bytes; /* so far */
    /* After each batch, also in the middle of a large value: for a fiber to give way. NULL: nobody waits. */
    void (*pause)(void *arg);
    void *pause_arg;
};

/* Begins with the file line. fd: an empty file, opened with DISK_APPEND. */
void aof_base_begin(struct aof_base *b, struct disk *disk, int fd, uint64_t hash_seed);
void aof_base_add(struct aof_base *b, uint32_t db, const struct entry *e);
/* Writes the rest and frees the memory. 0 or -errno of the first write that failed. */
int aof_base_end(struct aof_base *b);

#endif
