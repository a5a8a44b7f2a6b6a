#include "shard/ds/idset.h"

#include "src/base/assert.h"
#include "src/base/mem.h"

enum { WORD_SHIFT = 6, WORD_BITS = 64 };

static uint64_t load(const struct idset *s, uint32_t level, uint64_t word)
{
    return atomic_load_explicit(&s->bits[level][word], memory_order_relaxed);
}

void idset_init(struct idset *s, uint32_t capacity)
{
    uint64_t total = 0, n = capacity;
    *s = (struct idset){0};
    ASSERT(capacity > 0);
    do {
        n = (n + WORD_BITS - 1) >> WORD_SHIFT;
        s->words[s->levels++] = (uint32_t)n;
        total += n;
    } while (n > 1);
    s->bits[0] = mem_zalloc(NULL, total * sizeof(uint64_t));
    for (uint32_t level = 1; level < s->levels; level++)
        s->bits[level] = s->bits[level - 1] + s->words[level - 1];
}

void idset_deinit(struct idset *s) { mem_free(NULL, (void *)s->bits[0]); }

void idset_add(struct idset *s, uint32_t id)
{
    for (uint32_t level = 0; level < s->levels; level++, id >>= WORD_SHIFT)
        atomic_store_explicit(&s->bits[level][id >> WORD_SHIFT],
                              load(s, level, id >> WORD_SHIFT) | UINT64_C(1) << id % WORD_BITS, memory_order_relaxed);
}

void idset_remove(struct idset *s, uint32_t id)
{
    for (uint32_t level = 0; level < s->levels; level++, id >>= WORD_SHIFT) {
        uint64_t rest = load(s, level, id >> WORD_SHIFT) & ~(UINT64_C(1) << id % WORD_BITS);
        atomic_store_explicit(&s->bits[level][id >> WORD_SHIFT], rest, memory_order_relaxed);
        if (rest)
            return;
    }
}

/* Goes up where a word has nothing more, and down into the first that has; one that lost its last bit on the way is
 * passed over. */
uint32_t idset_next(const struct idset *s, uint32_t from)
{
    uint64_t at = from;
    uint32_t level = 0;
    while (level < s->levels && at >> WORD_SHIFT < s->words[level]) {
        uint64_t ahead = load(s, level, at >> WORD_SHIFT) >> at % WORD_BITS;
        if (!ahead) {
            at = (at >> WORD_SHIFT) + 1;
            level++;
            continue;
        }
        at += (uint64_t)__builtin_ctzll(ahead);
        if (level == 0)
            return (uint32_t)at;
        at <<= WORD_SHIFT;
        level--;
    }
    return IDSET_NONE;
}
