#include "shard/lane.h"

#include <string.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/base/shared.h"

void shard_set_add(struct shard_set *s, uint32_t shard)
{
    if (!shard_set_has(s, shard)) {
        s->bits[shard / 64] |= UINT64_C(1) << (shard % 64);
        s->count++;
    }
}

uint32_t shard_set_union_count(const struct shard_set *a, const struct shard_set *b)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < SHARDS_MAX / 64; i++)
        n += (uint32_t)__builtin_popcountll(a->bits[i] | b->bits[i]);
    return n;
}

bool shard_set_intersects(const struct shard_set *a, const struct shard_set *b)
{
    for (unsigned i = 0; i < SHARDS_MAX / 64; i++)
        if (a->bits[i] & b->bits[i])
            return true;
    return false;
}

void shard_set_unite(struct shard_set *into, const struct shard_set *s)
{
    into->count = shard_set_union_count(into, s);
    for (unsigned i = 0; i < SHARDS_MAX / 64; i++)
        into->bits[i] |= s->bits[i];
}

uint32_t shard_set_next(const struct shard_set *s, uint32_t from)
{
    for (uint32_t word = from / 64; word < SHARDS_MAX / 64; word++) {
        uint64_t bits = s->bits[word];
        if (word == from / 64)
            bits &= ~UINT64_C(0) << (from % 64);
        if (bits)
            return word * 64 + (uint32_t)__builtin_ctzll(bits);
    }
    return SHARDS_MAX;
}

void lanes_init(struct lanes *l, uint32_t count)
{
    ASSERT(count >= 1 && count <= SHARDS_MAX);
    atomic_flag_clear(&l->order);
    l->count = count;
    l->lane = mem_alloc_aligned(NULL, 64, count * sizeof *l->lane);
    memset(l->lane, 0, count * sizeof *l->lane);
}

void lanes_deinit(struct lanes *l)
{
    mem_free(NULL, l->lane);
    l->lane = NULL;
}

static bool lane_full(const struct lane *l)
{
    return atomic_load_explicit(&l->tail, memory_order_relaxed) -
               atomic_load_explicit(&l->head, memory_order_acquire) ==
           LANE_ENTRIES_MAX;
}

static bool put_locked(struct lanes *l, struct hold *h)
{
    const struct shard_set *set = &h->shards;
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX; s = shard_set_next(set, s + 1))
        if (lane_full(&l->lane[s]))
            return false;
    for (uint32_t s = shard_set_next(set, 0); s < SHARDS_MAX; s = shard_set_next(set, s + 1)) {
        struct lane *lane = &l->lane[s];
        uint32_t tail = atomic_load_explicit(&lane->tail, memory_order_relaxed);
        lane->slots[tail % LANE_ENTRIES_MAX] = h;
        if (PLANTED(PLANTED_LANES_DISAGREE) && tail - lane->head > 0 && s % 2) {
            lane->slots[tail % LANE_ENTRIES_MAX] = lane->slots[(tail - 1) % LANE_ENTRIES_MAX];
            lane->slots[(tail - 1) % LANE_ENTRIES_MAX] = h;
        }
        SHARED_OP();
        atomic_store_explicit(&lane->tail, tail + 1, memory_order_release);
    }
    return true;
}

bool lanes_put(struct lanes *l, struct hold *h)
{
    SHARED_OP();
    if (atomic_flag_test_and_set_explicit(&l->order, memory_order_acquire))
        return false;
    atomic_init(&h->missing, h->shards.count);
    atomic_init(&h->at_head, 0);
    atomic_init(&h->released, 0);
    atomic_init(&h->refs, h->shards.count);
    bool put = put_locked(l, h);
    atomic_flag_clear_explicit(&l->order, memory_order_release);
    return put;
}

/* seq_cst throughout this file's three functions on missing and at_head: see the head of lane.h. */
static bool arrive(struct lane *l, struct hold *h, uint64_t now_ns)
{
    l->state = LANE_ARRIVED;
    l->arrived_ns = now_ns;
    SHARED_OP();
    uint32_t missing = atomic_fetch_sub(&h->missing, 1);
    return missing == (PLANTED(PLANTED_RUN_BEFORE_HELD) ? 2 : 1);
}

static bool is_complete(struct hold *h)
{
    SHARED_OP();
    return atomic_load(&h->at_head) == h->shards.count;
}

static bool take_back(struct lane *l, struct hold *h)
{
    SHARED_OP();
    uint32_t missing = atomic_load(&h->missing);
    while (missing > 0)
        if (atomic_compare_exchange_weak(&h->missing, &missing, missing + !PLANTED(PLANTED_TAKEN_BACK_UNSEEN))) {
            l->state = LANE_TOOK_BACK;
            l->takebacks++;
            return true;
        }
    return false;
}

static void let_go(struct lane *l)
{
    struct hold *h = l->current;
    l->current = NULL;
    l->state = LANE_FREE;
    SHARED_OP();
    if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) == 1)
        h->free(h);
}

static bool is_released(const struct lane *l)
{
    SHARED_OP();
    return atomic_load_explicit(&l->current->released, memory_order_acquire);
}

struct lane_news lane_step(struct lanes *lanes, uint32_t shard, uint64_t now_ns)
{
    struct lane *l = &lanes->lane[shard];
    struct lane_news news = {0};
    if (l->state == LANE_ARRIVED && is_released(l)) {
        let_go(l);
        news.released = true;
        return news;
    }
    if (l->state == LANE_ARRIVED && now_ns - l->arrived_ns >= HOLD_WAIT_NS)
        take_back(l, l->current);
    if (l->state == LANE_TOOK_BACK && is_complete(l->current) && arrive(l, l->current, now_ns))
        news.ready = l->current;
    if (l->state != LANE_FREE)
        return news;

    SHARED_OP();
    uint32_t head = atomic_load_explicit(&l->head, memory_order_relaxed);
    if (head == atomic_load_explicit(&l->tail, memory_order_acquire))
        return news;
    struct hold *h = l->slots[head % LANE_ENTRIES_MAX];
    atomic_store_explicit(&l->head, head + 1, memory_order_release);
    l->current = h;
    SHARED_OP();
    if (atomic_fetch_add(&h->at_head, 1) + 1 == h->shards.count)
        news.complete = h;
    if (arrive(l, h, now_ns))
        news.ready = h;
    return news;
}

bool lane_has_work(const struct lane *l)
{
    switch (l->state) {
    case LANE_ARRIVED:
        return is_released(l);
    case LANE_TOOK_BACK:
        return is_complete(l->current);
    case LANE_FREE:
        break;
    }
    SHARED_OP();
    return atomic_load_explicit(&l->head, memory_order_relaxed) != atomic_load_explicit(&l->tail, memory_order_acquire);
}

uint64_t lane_deadline_ns(const struct lane *l)
{
    /* Once nobody is missing the hold runs, and there is nothing to take back. */
    if (l->state != LANE_ARRIVED || atomic_load_explicit(&l->current->missing, memory_order_relaxed) == 0)
        return UINT64_MAX;
    return l->arrived_ns + HOLD_WAIT_NS;
}

void hold_release(struct hold *h)
{
    SHARED_OP();
    atomic_store_explicit(&h->released, 1, memory_order_release);
}
