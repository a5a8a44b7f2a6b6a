/* Heap memory and who it is counted for. Everything that Skua allocates at run time comes from here (mimalloc; the
 * system's allocator under sanitizers). A mem_account is a plain counter: it is changed only by the thread that owns
 * what it counts for (a shard's owner or holder, a worker for its connections), and read by others with mem_used. It
 * may have a parent, in which everything is counted too: a large value has an account of its own in that of its shard.
 * Besides, each thread counts everything that it allocates and frees in an account of its own (mem_count_thread), so
 * that the sum over all threads is what the process uses, whoever frees what. Running out of memory ends the process
 * with a message: Linux reports it by killing, not by NULL. */
#ifndef SKUA_BASE_MEM_H
#define SKUA_BASE_MEM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes as the allocator holds them (rounded up to its size classes). Written by one thread at a time. */
struct mem_account {
    _Atomic int64_t bytes;
    struct mem_account *parent; /* has none itself; NULL: none. Of one owner at any time with this one */
};

static inline void mem_count_one(struct mem_account *a, int64_t delta)
{
    int64_t v = atomic_load_explicit(&a->bytes, memory_order_relaxed);
    atomic_store_explicit(&a->bytes, v + delta, memory_order_relaxed);
}

static inline void mem_count(struct mem_account *a, int64_t delta)
{
    mem_count_one(a, delta);
    if (a->parent)
        mem_count_one(a->parent, delta);
}

static inline int64_t mem_used(const struct mem_account *a)
{
    return atomic_load_explicit(&((struct mem_account *)a)->bytes, memory_order_relaxed);
}

/* What a counts is counted in another parent from now on. */
static inline void mem_account_move(struct mem_account *a, struct mem_account *parent)
{
    mem_count_one(a->parent, -mem_used(a));
    mem_count_one(parent, mem_used(a));
    a->parent = parent;
}

/* From now on all of this thread's allocations and frees are counted in account as well; NULL: in none. The account may
 * become negative: another thread's memory is freed here. */
void mem_count_thread(struct mem_account *account);

/* The caller owns the result and frees it with mem_free against the same account. account may be NULL (not counted).
 * mem_alloc_aligned: align is a power of two. mem_zalloc returns zeroed memory. */
void *mem_alloc(struct mem_account *account, size_t size);
void *mem_zalloc(struct mem_account *account, size_t size);
void *mem_alloc_aligned(struct mem_account *account, size_t align, size_t size);
void *mem_realloc(struct mem_account *account, void *ptr, size_t size);
void mem_free(struct mem_account *account, void *ptr);

/* Bytes that ptr really occupies. */
size_t mem_size(const void *ptr);

/* What an allocation of size bytes will occupy. */
size_t mem_good_size(size_t size);

/* As INFO names it. */
#ifdef SKUA_SYSTEM_MALLOC
#define MEM_ALLOCATOR "libc"
#else
#define MEM_ALLOCATOR "mimalloc"
#endif

/* Gives unused pages of this thread's heap back to the kernel. */
void mem_collect(void);

/* What of the process is in memory, or 0 if the kernel does not tell. */
uint64_t mem_resident_bytes(void);

#endif
