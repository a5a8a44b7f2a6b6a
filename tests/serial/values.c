#include "tests/serial/values.h"

#include "src/base/hash.h"
#include "src/base/mem.h"

enum { CAP_FIRST = 64 };

void values_init(struct values *v)
{
    *v = (struct values){.count = 1, .cap = CAP_FIRST};
    v->all = mem_zalloc(NULL, sizeof(v->all[0]) * v->cap);
    v->slots = mem_zalloc(NULL, sizeof(v->slots[0]) * 2 * v->cap);
}

void values_deinit(struct values *v)
{
    for (uint32_t i = 1; i < v->count; i++)
        mem_free(NULL, (void *)v->all[i].ptr);
    mem_free(NULL, v->all);
    mem_free(NULL, v->slots);
    *v = (struct values){0};
}

/* The slot that holds s, or the free one where it belongs. */
static uint32_t *find_slot(struct values *v, struct slice s)
{
    uint64_t mask = 2 * (uint64_t)v->cap - 1;
    for (uint64_t i = hash_bytes(s.ptr, s.len, 0) & mask;; i = (i + 1) & mask)
        if (v->slots[i] == VALUE_NONE || slice_eq(v->all[v->slots[i]], s))
            return &v->slots[i];
}

static void grow(struct values *v)
{
    v->cap *= 2;
    v->all = mem_realloc(NULL, v->all, sizeof(v->all[0]) * v->cap);
    mem_free(NULL, v->slots);
    v->slots = mem_zalloc(NULL, sizeof(v->slots[0]) * 2 * v->cap);
    for (uint32_t i = 1; i < v->count; i++)
        *find_slot(v, v->all[i]) = i;
}

uint32_t values_number(struct values *v, struct slice s)
{
    uint32_t *slot = find_slot(v, s);
    if (*slot != VALUE_NONE)
        return *slot;
    if (v->count == v->cap) {
        grow(v);
        slot = find_slot(v, s);
    }
    char *copy = mem_alloc(NULL, s.len + 1);
    if (s.len)
        memcpy(copy, s.ptr, s.len);
    v->all[v->count] = slice_of(copy, s.len);
    *slot = v->count;
    return v->count++;
}
