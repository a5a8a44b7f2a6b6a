#include "shard/ds/wheel.h"

#include <string.h>

enum { CHUNK_REFERENCES = 30, LEVEL_BITS = 6 };

/* 256 bytes. Only the first of a slot's list may have room. */
struct wheel_chunk {
    struct wheel_chunk *next;
    uint64_t count;
    uint64_t reference[CHUNK_REFERENCES];
};

static uint64_t tick_of(int64_t ms) { return ms > 0 ? (uint64_t)ms >> WHEEL_TICK_SHIFT : 0; }

static uint32_t level_index(uint64_t tick, uint32_t level) { return tick >> (LEVEL_BITS * level) & (WHEEL_SLOTS - 1); }

void wheel_init(struct wheel *w, struct mem_account *account, int64_t now_ms)
{
    *w = (struct wheel){.account = account, .tick = tick_of(now_ms)};
}

/* When the slot of that level that starts with that tick comes. */
static int64_t comes_ms(uint32_t level, uint64_t start)
{
    return (int64_t)((level ? start : start + 1) << WHEEL_TICK_SHIFT);
}

/* The level is that of the highest group of bits in which deadline and now differ, so the slots of a level up to the
 * current one are always empty, and a lower level's slots come before those of a higher. */
int64_t wheel_add(struct wheel *w, uint64_t reference, int64_t deadline_ms, int64_t now_ms)
{
    const uint64_t span = (UINT64_C(1) << (LEVEL_BITS * WHEEL_LEVELS)) - 1;
    if (w->count == 0)
        w->tick = tick_of(now_ms);
    uint64_t tick = tick_of(deadline_ms);
    if (tick < w->tick)
        tick = w->tick;
    if ((tick ^ w->tick) > span)
        tick = w->tick | span;
    uint64_t differs = tick ^ w->tick;
    uint32_t level = differs ? (63 - (uint32_t)__builtin_clzll(differs)) / LEVEL_BITS : 0, i = level_index(tick, level);
    struct wheel_chunk **slot = &w->slot[level][i];
    if (!*slot || (*slot)->count == CHUNK_REFERENCES) {
        struct wheel_chunk *c = mem_alloc(w->account, sizeof *c);
        c->next = *slot;
        c->count = 0;
        *slot = c;
        w->used[level] |= UINT64_C(1) << i;
    }
    (*slot)->reference[(*slot)->count++] = reference;
    w->count++;
    uint32_t shift = LEVEL_BITS * level;
    return comes_ms(level, tick >> shift << shift);
}

/* The next slot that has anything. Returns its level, or WHEEL_LEVELS; *start is the tick at which it begins. */
static uint32_t next_slot(const struct wheel *w, uint64_t *start)
{
    for (uint32_t level = 0; level < WHEEL_LEVELS; level++) {
        uint64_t ahead = w->used[level] >> level_index(w->tick, level) << level_index(w->tick, level);
        if (!ahead)
            continue;
        uint32_t shift = LEVEL_BITS * level;
        *start = w->tick >> shift >> LEVEL_BITS << LEVEL_BITS << shift | (uint64_t)__builtin_ctzll(ahead) << shift;
        return level;
    }
    return WHEEL_LEVELS;
}

static struct wheel_chunk *take_slot(struct wheel *w, uint32_t level, uint32_t i)
{
    struct wheel_chunk *c = w->slot[level][i];
    w->slot[level][i] = NULL;
    w->used[level] &= ~(UINT64_C(1) << i);
    return c;
}

/* Makes the next slot whose time has come pending. */
static bool turn(struct wheel *w, uint64_t now_tick)
{
    uint64_t start;
    uint32_t level = next_slot(w, &start);
    bool come = level < WHEEL_LEVELS && (level ? start <= now_tick : start < now_tick);
    if (!come) {
        if (w->tick < now_tick)
            w->tick = now_tick;
        return false;
    }
    w->pending = take_slot(w, level, level_index(start, level));
    w->tick = level ? start : start + 1;
    return true;
}

/* The next slot of those that the sweep has not been through. */
static void next_unswept(struct wheel *w)
{
    while (!w->pending && w->unswept_next < WHEEL_LEVELS * WHEEL_SLOTS)
        w->pending = w->unswept[w->unswept_next++];
    if (w->pending)
        return;
    mem_free(w->account, w->unswept);
    w->unswept = NULL;
    w->sweeping = false;
}

bool wheel_take(struct wheel *w, int64_t now_ms, uint64_t *reference)
{
    if (!w->pending && w->sweeping)
        next_unswept(w);
    if (!w->pending && !turn(w, tick_of(now_ms)))
        return false;
    struct wheel_chunk *c = w->pending;
    *reference = c->reference[--c->count];
    w->count--;
    if (c->count == 0) {
        w->pending = c->next;
        mem_free(w->account, c);
    }
    return true;
}

int64_t wheel_next_ms(const struct wheel *w)
{
    uint64_t start;
    if (w->pending || w->sweeping)
        return 0;
    uint32_t level = next_slot(w, &start);
    return level == WHEEL_LEVELS ? INT64_MAX : comes_ms(level, start);
}

bool wheel_is_ahead(const struct wheel *w, int64_t now_ms) { return w->tick > tick_of(now_ms + WHEEL_LATE_MS); }

/* The slots are set aside, because what is added again while the sweep goes on must not be met twice. */
void wheel_sweep(struct wheel *w, int64_t now_ms)
{
    if (w->sweeping || w->pending)
        return;
    w->unswept = mem_alloc(w->account, sizeof w->slot);
    memcpy(w->unswept, w->slot, sizeof w->slot);
    memset(w->slot, 0, sizeof w->slot);
    memset(w->used, 0, sizeof w->used);
    w->tick = tick_of(now_ms);
    w->unswept_next = 0;
    w->sweeping = true;
}

bool wheel_drop_step(struct wheel *w)
{
    uint64_t start;
    if (!w->pending && w->sweeping)
        next_unswept(w);
    if (!w->pending) {
        uint32_t level = next_slot(w, &start);
        if (level == WHEEL_LEVELS)
            return false;
        w->pending = take_slot(w, level, level_index(start, level));
    }
    struct wheel_chunk *c = w->pending;
    w->pending = c->next;
    w->count -= c->count;
    mem_free(w->account, c);
    return true;
}
