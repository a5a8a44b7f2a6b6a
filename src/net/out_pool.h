/* Output buffers for reuse. A connection has one only while it has something to send; taking it from here costs next to
 * nothing, where allocating and growing one for each pipeline cost a tenth of a GET. Owner: a worker. */
#ifndef SKUA_NET_OUT_POOL_H
#define SKUA_NET_OUT_POOL_H

#include "src/wire/reply.h"

enum { OUT_POOL_BUFFERS = 64, OUT_POOL_BYTES_MAX = 8 * 1024 };

struct out_pool {
    unsigned count;
    struct {
        char *buf; /* owned */
        size_t cap;
    } kept[OUT_POOL_BUFFERS];
};

/* Gives r, which has no buffer, one from the pool, if there is one. */
static inline void out_pool_take(struct out_pool *p, struct reply *r)
{
    if (p->count == 0)
        return;
    p->count--;
    r->buf = p->kept[p->count].buf;
    r->cap = p->kept[p->count].cap;
}

/* Empties r; its buffer goes into the pool, or is freed if that is full or the buffer is large. */
static inline void out_pool_give(struct out_pool *p, struct reply *r)
{
    reply_clear(r, OUT_POOL_BYTES_MAX);
    if (!r->buf)
        return;
    if (p->count == OUT_POOL_BUFFERS) {
        reply_clear(r, 0);
        return;
    }
    p->kept[p->count].buf = r->buf;
    p->kept[p->count].cap = r->cap;
    p->count++;
    r->buf = NULL;
    r->cap = 0;
}

static inline void out_pool_deinit(struct out_pool *p)
{
    while (p->count > 0)
        mem_free(NULL, p->kept[--p->count].buf);
}

#endif
