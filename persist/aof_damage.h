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
    uint64_t sequence; /* of the last batch before it; 0: there is none */
    bool ours;         /* the part is one of ours */
    bool to_end;       /* the part ends with it */
};

enum aof_damage_verdict {
    AOF_DAMAGE_TAIL,
    AOF_DAMAGE_CORRUPTION, /* text says why it is no tail */
    AOF_DAMAGE_STOPPED,    /* go_on said so */
};

enum { AOF_DAMAGE_TEXT_BYTES_MAX = 512 };

/* Whether a place that a crash can leave is a tail. go_on is called before each window is read. */
enum aof_damage_verdict aof_damage_judge(const struct aof_load_config *config, const struct aof_damage *damage,
                                         bool (*go_on)(void *arg), void *arg, char *text);

/* Where the zeros begin that end a file of size bytes, at from or behind it; size if there are none. Returns -errno. */
int aof_damage_zeros(struct disk *disk, int fd, uint64_t from, uint64_t size, uint64_t *begin);

#endif
