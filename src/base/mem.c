#include "src/base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifdef SKUA_SYSTEM_MALLOC
#define raw_alloc   malloc
#define raw_realloc realloc
#define raw_free    free
#define raw_size(p) malloc_usable_size((void *)(p))
static void *raw_zalloc(size_t size) { return calloc(1, size); }
static void *raw_alloc_aligned(size_t size, size_t align)
{
    return aligned_alloc(align, (size + align - 1) & ~(align - 1));
}
#else
#include <mimalloc.h>
#define raw_alloc         mi_malloc
#define raw_realloc       mi_realloc
#define raw_free          mi_free
#define raw_size          mi_usable_size
#define raw_alloc_aligned mi_malloc_aligned

enum { ZEROED_BY_KERNEL_BYTES_MIN = 4 * 1024 * 1024 };

/* mimalloc (2.0) writes zeros itself, which for 512 MB takes a second. The kernel does it page by page, when they are
 * touched: it is made to take back those that the memory has had so far. */
static void *raw_zalloc(size_t size)
{
    const uintptr_t page_bytes = 4096;
    if (size < ZEROED_BY_KERNEL_BYTES_MIN)
        return mi_zalloc(size);
    char *p = mi_malloc(size);
    if (!p)
        return NULL;
    size_t first = -(uintptr_t)p % page_bytes, end = size - ((uintptr_t)p + size) % page_bytes;
    if (madvise(p + first, end - first, MADV_DONTNEED) != 0)
        return memset(p, 0, size); /* larger pages, or locked in memory */
    memset(p, 0, first);
    memset(p + end, 0, size - end);
    return p;
}
#endif

static _Thread_local struct mem_account *thread_account;

void mem_count_thread(struct mem_account *account) { thread_account = account; }

_Noreturn static void out_of_memory(size_t size)
{
    fprintf(stderr, "Out of memory allocating %zu bytes\n", size);
    abort();
}

static void count(struct mem_account *account, const void *ptr, int sign)
{
    int64_t n = sign * (int64_t)raw_size(ptr);
    if (account)
        mem_count(account, n);
    if (thread_account)
        mem_count(thread_account, n);
}

static void *counted(struct mem_account *account, void *ptr, size_t size)
{
    if (!ptr)
        out_of_memory(size);
    count(account, ptr, 1);
    return ptr;
}

void *mem_alloc(struct mem_account *account, size_t size) { return counted(account, raw_alloc(size), size); }
void *mem_zalloc(struct mem_account *account, size_t size) { return counted(account, raw_zalloc(size), size); }

void *mem_alloc_aligned(struct mem_account *account, size_t align, size_t size)
{
    return counted(account, raw_alloc_aligned(size, align), size);
}

void *mem_realloc(struct mem_account *account, void *ptr, size_t size)
{
    if (ptr)
        count(account, ptr, -1);
    return counted(account, raw_realloc(ptr, size), size);
}

void mem_free(struct mem_account *account, void *ptr)
{
    if (!ptr)
        return;
    count(account, ptr, -1);
    raw_free(ptr);
}

size_t mem_size(const void *ptr) { return raw_size(ptr); }

#ifdef SKUA_SYSTEM_MALLOC
size_t mem_good_size(size_t size) { return (size + 15) & ~(size_t)15; }
void mem_collect(void) { malloc_trim(0); }
#else
size_t mem_good_size(size_t size) { return mi_good_size(size); }
void mem_collect(void) { mi_collect(false); }
#endif

uint64_t mem_resident_bytes(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f) {
        if (fscanf(f, "%*u %llu", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
