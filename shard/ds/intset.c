#include "shard/ds/intset.h"

#include "shard/ds/flat.h"
#include "src/base/assert.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "header and members are little-endian");

static uint32_t width_of(int64_t v)
{
    if (v >= INT16_MIN && v <= INT16_MAX)
        return 2;
    return v >= INT32_MIN && v <= INT32_MAX ? 4 : 8;
}

static inline int64_t load(const uint8_t *members, uint32_t width, uint32_t index)
{
    int16_t v16;
    int32_t v32;
    int64_t v64;
    const uint8_t *p = members + (size_t)index * width;
    switch (width) {
    case 2:
        memcpy(&v16, p, sizeof v16);
        return v16;
    case 4:
        memcpy(&v32, p, sizeof v32);
        return v32;
    default:
        memcpy(&v64, p, sizeof v64);
        return v64;
    }
}

/* Little-endian, so that the low bytes of a wider integer are the integer. */
static void store(struct intset *s, uint32_t index, int64_t v)
{
    memcpy(s->members + (size_t)index * s->width, &v, s->width);
}

/* How many members are less than v. Halves without branches: which half it is cannot be foretold. */
static inline uint32_t count_less(const struct intset *s, uint32_t width, int64_t v)
{
    uint32_t base = 0;
    if (s->count == 0)
        return 0;
    for (uint32_t n = s->count; n > 1; n -= n / 2)
        base = load(s->members, width, base + n / 2 - 1) < v ? base + n / 2 : base;
    return base + (load(s->members, width, base) < v);
}

/* The index of v or, if it is not a member, where it belongs. A call for each width, so that the loop knows it. */
static uint32_t index_of(const struct intset *s, int64_t v)
{
    return s->width == 2 ? count_less(s, 2, v) : s->width == 4 ? count_less(s, 4, v) : count_less(s, 8, v);
}

static bool is_at(const struct intset *s, uint32_t index, int64_t v)
{
    return index < s->count && intset_get(s, index) == v;
}

struct intset *intset_create(struct mem_account *account)
{
    struct intset *s = mem_alloc(account, sizeof *s);
    *s = (struct intset){.width = sizeof(int16_t)};
    return s;
}

struct intset *intset_copy(struct mem_account *account, const struct intset *s)
{
    return memcpy(mem_alloc(account, intset_size(s)), s, intset_size(s));
}

struct intset *intset_load(struct mem_account *account, struct slice bytes)
{
    struct intset header;
    if (bytes.len < sizeof header)
        return NULL;
    memcpy(&header, bytes.ptr, sizeof header);
    if ((header.width != 2 && header.width != 4 && header.width != 8) || header.count == 0 ||
        header.count > INTSET_COUNT_MAX || bytes.len != intset_size(&header))
        return NULL;
    const uint8_t *members = (const uint8_t *)bytes.ptr + sizeof header;
    for (uint32_t i = 1; i < header.count; i++)
        if (load(members, header.width, i - 1) >= load(members, header.width, i))
            return NULL;
    return memcpy(mem_alloc(account, bytes.len), bytes.ptr, bytes.len);
}

int64_t intset_get(const struct intset *s, uint32_t index)
{
    DASSERT(index < s->count);
    return load(s->members, s->width, index);
}

bool intset_has(const struct intset *s, int64_t v) { return is_at(s, index_of(s, v), v); }

/* Gives every member more bytes, the last first, as they grow over those behind them. */
static struct intset *widen(struct mem_account *account, struct intset *s, uint32_t width)
{
    uint32_t old_width = s->width;
    s = flat_grow(account, s, sizeof *s + (size_t)width * (s->count + 1));
    s->width = width;
    for (uint32_t i = s->count; i-- > 0;)
        store(s, i, load(s->members, old_width, i));
    return s;
}

struct intset *intset_add(struct mem_account *account, struct intset *s, int64_t v, bool *done)
{
    uint32_t index = index_of(s, v);
    bool is_new = !is_at(s, index, v);
    if (done)
        *done = is_new;
    if (!is_new)
        return s;
    ASSERT(s->count < INTSET_COUNT_MAX);
    if (width_of(v) > s->width)
        s = widen(account, s, width_of(v));
    s = flat_grow(account, s, intset_size(s) + s->width);
    uint8_t *p = s->members + (size_t)index * s->width;
    memmove(p + s->width, p, (size_t)(s->count - index) * s->width);
    store(s, index, v);
    s->count++;
    return s;
}

struct intset *intset_remove(struct mem_account *account, struct intset *s, int64_t v, bool *done)
{
    uint32_t index = index_of(s, v);
    bool is_member = is_at(s, index, v);
    if (done)
        *done = is_member;
    if (!is_member)
        return s;
    uint8_t *p = s->members + (size_t)index * s->width;
    s->count--;
    memmove(p, p + s->width, (size_t)(s->count - index) * s->width);
    return flat_shrink(account, s, intset_size(s), flat_spare(intset_size(s)));
}
