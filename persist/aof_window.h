/* A file, read once from front to end through a window: the bytes not yet done with lie in one piece in memory. It
 * grows when asked for more than fits, and never past what the file has, whatever a length in the file announces.
 *
 * Owner: who reads; it owns the buffer and the descriptor it was given. */
#ifndef SKUA_PERSIST_AOF_WINDOW_H
#define SKUA_PERSIST_AOF_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"
#include "src/io/disk.h"

enum { AOF_WINDOW_BYTES = 256 * 1024 }; /* that it has at first */

/* Zeroed memory with disk set is one without a file. */
struct aof_window {
    struct disk *disk;
    bool is_open;
    int fd;
    uint64_t size;   /* where the file ends, or is taken to end */
    uint64_t offset; /* in the file, of the first byte not done with */
    char *buf;
    size_t at, end, cap; /* in buf: the bytes not done with that are there */
};

/* From offset of the file on, which is taken over and closed (also on error); the buffer is kept. Returns -errno if
 * the size can't be had. */
int aof_window_open(struct aof_window *w, int fd, uint64_t offset);
void aof_window_close(struct aof_window *w);
void aof_window_deinit(struct aof_window *w);

/* The bytes that are there; valid until aof_window_more. */
static inline struct slice aof_window_rest(const struct aof_window *w)
{
    return slice_of(w->buf + w->at, w->end - w->at);
}

/* Whether the file ends with them. */
static inline bool aof_window_at_end(const struct aof_window *w) { return w->offset + (w->end - w->at) == w->size; }

/* The first n of them are done with. */
static inline void aof_window_skip(struct aof_window *w, size_t n)
{
    w->at += n;
    w->offset += n;
}

/* Reads on, until the rest has at least need bytes and twice as many as it had, or the file ends. Returns -errno. */
int aof_window_more(struct aof_window *w, uint64_t need);

/* The file is taken to end at size, at or behind offset. */
void aof_window_end_at(struct aof_window *w, uint64_t size);

#endif
