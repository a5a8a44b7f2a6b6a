/* What stands behind a place of an append-only file that is not good: whether it is the tail that a crash leaves, which
 * may be cut off, or corruption. Reads files and decides; says and changes nothing. The rule stands in aof_load.h. */
#ifndef SKUA_PERSIST_AOF_DAMAGE_H
#define SKUA_PERSIST_AOF_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/aof_load.h"

/* A place that is not good. */
struct aof_damage {
    uint32_t part;
    uint64_t at;       /* offset in the part */
    uint64_t start;    /* of the part in the stream */
    uint64_t end;      /* in the stream: a header that knows everything before it to be synced knows the place */
    uint64_t sequence; /* of the last batch before it */
    bool ours;         /* the part is one of ours */
};

enum aof_damage_verdict {
    AOF_DAMAGE_TAIL,
    AOF_DAMAGE_KNOWN,   /* the header at offset of part knows that it was on disk */
    AOF_DAMAGE_FOREIGN, /* part, a later one, is not ours */
    AOF_DAMAGE_STOPPED, /* go_on said so */
    AOF_DAMAGE_UNREAD,  /* part can't be read, because of error */
};

struct aof_behind {
    uint32_t part;
    uint64_t offset;
    int error; /* -errno */
};

/* go_on is called before each window is read. */
enum aof_damage_verdict aof_damage_judge(const struct aof_load_config *config, const struct aof_damage *damage,
                                         bool (*go_on)(void *arg), void *arg, struct aof_behind *behind);

/* Where the zeros begin that end a file of size bytes, at from or behind it; size if there are none. Returns -errno. */
int aof_damage_zeros(struct disk *disk, int fd, uint64_t from, uint64_t size, uint64_t *begin);

#endif
