/* Chunks: commands of a file that is being loaded, on their way to the worker of the one shard that they are for
 * (design section 8). A chunk owns all it needs, the bytes of its commands included, so that whoever reads the file
 * goes on. Its commands lie in a batch without a client, so that they run as a client's do; what they answer is thrown
 * away.
 *
 * Owner: the loader (loader.h), which fills chunks and uses them again; while one is under way the shard's worker. */
#ifndef SKUA_SERVER_LOAD_CHUNK_H
#define SKUA_SERVER_LOAD_CHUNK_H

#include "shard/mailbox.h"
#include "src/server/batch.h"

struct loader;
struct worker;

enum {
    LOAD_CHUNK_BYTES = 64 * 1024, /* of arguments; a single command may have more */
    LOAD_CHUNK_COMMANDS_MAX = 512,
};

struct load_chunk {
    struct message msg; /* first */
    struct loader *loader;
    uint32_t shard;
    struct batch batch;           /* the commands; client NULL */
    size_t used;                  /* of batch.bytes */
    size_t bytes;                 /* of all arguments, see load_chunk_bytes; large ones lie in blobs */
    bool of_rdb;                  /* the commands are keys of an RDB */
    const struct request *failed; /* one that answered an error, if they must not; NULL: none */
    struct load_chunk *next;      /* of the free ones */
};

/* home: the worker that loads. */
struct load_chunk *load_chunk_create(struct loader *loader, struct worker *home);
void load_chunk_destroy(struct load_chunk *c);

/* What arguments take. */
static inline size_t load_chunk_bytes(uint32_t argc, const struct slice *argv)
{
    size_t bytes = argc * sizeof *argv;
    for (uint32_t i = 0; i < argc; i++)
        bytes += argv[i].len;
    return bytes;
}

/* Whether a command whose arguments take so many bytes goes into it: one always does. */
static inline bool load_chunk_has_room(const struct load_chunk *c, size_t bytes)
{
    return c->batch.count == 0 || (c->batch.count < LOAD_CHUNK_COMMANDS_MAX && c->bytes + bytes <= LOAD_CHUNK_BYTES);
}

/* What a request has, that batch_add does not find in its arguments. */
static inline void load_chunk_bind(struct request *r, uint32_t db)
{
    r->db = db;
    r->resp = 2;
    r->no_touch = r->silent = false;
}

/* Adds a copy of r, which is bound, and of its arguments, for which there is room. */
void load_chunk_add(struct load_chunk *c, const struct request *r, const struct slice *argv, size_t bytes);

/* Runs all commands on this worker's shard (owned, not held). */
void load_chunk_run(struct worker *w, struct load_chunk *c);

/* Runs one command of b on shards that this worker owns or holds. False: it answered an error, which has been logged.
 * As Redis does it, that is all, but for keys of an RDB. */
bool load_chunk_run_one(struct worker *w, struct batch *b, struct request *r);

/* Empties it, for the next commands. */
void load_chunk_clear(struct load_chunk *c);

#endif
