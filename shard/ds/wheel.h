/* A hierarchical timing wheel (G. Varghese and T. Lauck, "Hashed and Hierarchical Timing Wheels", SOSP 1987, scheme 7)
 * of 8-byte references. What a reference refers to and when that is really due only the owner knows: a reference may be
 * stale, or there may be several for one thing. So the wheel only says "look at this one now"; whoever takes a
 * reference that is not due yet adds it again with its deadline.
 *
 * Six levels of 64 slots; a slot of the lowest is 128 ms, one of the next 64 times as long, and so on (278 years; what
 * lies beyond waits in the last slot). A slot's references lie in a list of chunks. A slot of the lowest level comes
 * when it is over, one of the higher levels when it begins. Owner: whoever owns the wheel; nothing locks. */
#ifndef SKUA_SHARD_DS_WHEEL_H
#define SKUA_SHARD_DS_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/mem.h"

enum { WHEEL_LEVELS = 6, WHEEL_SLOTS = 64, WHEEL_TICK_SHIFT = 7, WHEEL_LATE_MS = 1024 };

struct wheel_chunk;

struct wheel {
    struct mem_account *account;
    uint64_t tick;  /* what lies before it has been taken */
    uint64_t count; /* references, pending ones included */
    bool sweeping;  /* what was there when the sweep began has not all been taken yet */
    uint64_t used[WHEEL_LEVELS];
    struct wheel_chunk *pending;  /* slots whose time has come */
    struct wheel_chunk **unswept; /* while sweeping: the slots as they were; owned */
    uint32_t unswept_next;
    struct wheel_chunk *slot[WHEEL_LEVELS][WHEEL_SLOTS];
};

void wheel_init(struct wheel *w, struct mem_account *account, int64_t now_ms);

/* Returns when wheel_take will have it. */
int64_t wheel_add(struct wheel *w, uint64_t reference, int64_t deadline_ms, int64_t now_ms);

/* A reference that is to be looked at. False if there is none now. */
bool wheel_take(struct wheel *w, int64_t now_ms, uint64_t *reference);

/* When wheel_take can have the next one; INT64_MAX: never. */
int64_t wheel_next_ms(const struct wheel *w);

/* Whether the clock was set back so far that what is added now may come more than WHEEL_LATE_MS late. The wheel cannot
 * turn back; a sweep lets it start anew. */
bool wheel_is_ahead(const struct wheel *w, int64_t now_ms);

/* All references are to be looked at, so that stale ones can be dropped. sweeping stays set until the last one of them
 * was taken. What is added meanwhile is filed by now_ms. */
void wheel_sweep(struct wheel *w, int64_t now_ms);

/* Drops one chunk of references; false if none is left. */
bool wheel_drop_step(struct wheel *w);

#endif
