/* Fetching a cache line ahead of use. Not bare __builtin_prefetch: gcc 12 takes a function that does nothing else for a
 * pure one and drops calls of it, as nobody uses their result. The empty asm says that it does something. */
#ifndef SKUA_BASE_PREFETCH_H
#define SKUA_BASE_PREFETCH_H

static inline void prefetch_line(const void *p)
{
    __builtin_prefetch(p);
    __asm__ volatile("" : : "r"(p));
}

#endif
