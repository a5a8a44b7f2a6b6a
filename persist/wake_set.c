#include "persist/wake_set.h"

#include "src/base/mem.h"
#include "src/base/shared.h"

void wake_set_init(struct wake_set *s, uint32_t nworkers)
{
    s->words = (nworkers + 63) / 64;
    s->bits = mem_zalloc(NULL, s->words * sizeof *s->bits);
}

void wake_set_deinit(struct wake_set *s) { mem_free(NULL, s->bits); }

static uint64_t bit_of(uint32_t worker) { return UINT64_C(1) << worker % 64; }

bool wake_set_has(const struct wake_set *s, uint32_t worker)
{
    SHARED_OP();
    return atomic_load_explicit(&s->bits[worker / 64], memory_order_acquire) & bit_of(worker);
}

bool wake_set_add(struct wake_set *s, uint32_t worker)
{
    bool is_new = !wake_set_has(s, worker);
    if (is_new) {
        SHARED_OP();
        atomic_fetch_or_explicit(&s->bits[worker / 64], bit_of(worker), memory_order_relaxed);
    }
    /* Pairs with the fence in wake_set_take: the bit must be visible before the worker looks. */
    atomic_thread_fence(memory_order_seq_cst);
    return is_new;
}

void wake_set_take(struct wake_set *s, void (*wake)(void *ctx, uint32_t worker), void *ctx)
{
    /* Pairs with the fence in wake_set_add: what has moved on must be visible before the set is read. */
    atomic_thread_fence(memory_order_seq_cst);
    for (uint32_t i = 0; i < s->words; i++) {
        SHARED_OP();
        if (atomic_load_explicit(&s->bits[i], memory_order_relaxed) == 0)
            continue;
        uint64_t bits = atomic_exchange_explicit(&s->bits[i], 0, memory_order_acq_rel);
        for (; bits; bits &= bits - 1)
            wake(ctx, i * 64 + (uint32_t)__builtin_ctzll(bits));
    }
}
