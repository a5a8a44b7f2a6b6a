#include "src/base/huge_pages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "src/base/mem.h"

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static const uint64_t STEP_NS = 2 * 1000 * 1000;
static const char SETTING[] = "/sys/kernel/mm/transparent_hugepage/enabled";

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool is_refused(void)
{
#ifdef SKUA_SYSTEM_MALLOC
    return true; /* the sanitizers' own memory is far too large to be looked through */
#endif
    char text[64] = "[never]";
    FILE *f = fopen(SETTING, "r");
    if (f) {
        if (!fgets(text, sizeof text, f))
            text[0] = '\0';
        fclose(f);
    }
    return strstr(text, "[never]") != NULL;
}

void huge_pages_init(struct huge_pages *h)
{
    *h = (struct huge_pages){.off = is_refused()};
}

static bool is_full(void *region)
{
    unsigned char there[HUGE_PAGE_BYTES / 4096];
    size_t pages = HUGE_PAGE_BYTES / (size_t)sysconf(_SC_PAGESIZE);
    if (pages > sizeof there || mincore(region, HUGE_PAGE_BYTES, there) != 0)
        return false;
    for (size_t i = 0; i < pages; i++)
        if (!(there[i] & 1))
            return false;
    return true;
}

/* A region that is joined already costs a look. What can't be joined now, because the kernel holds on to one of its
 * pages, stays as it is. False: there are no huge pages left, or never were. */
static bool join(struct huge_pages *h, void *region)
{
    if (madvise(region, HUGE_PAGE_BYTES, MADV_COLLAPSE) == 0)
        return true;
    h->off = errno == EINVAL || errno == EPERM || errno == ENOSYS;
    return !h->off && errno != ENOMEM;
}

/* Of a line of /proc/self/maps: the heap's, that is anonymous, private, writable and without a name. */
static bool parse_heap(const char *line, uintptr_t *start, uintptr_t *end)
{
    char mode[5];
    unsigned long inode;
    int rest = 0;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*x %*s %lu %n", start, end, mode, &inode, &rest) != 4)
        return false;
    return strcmp(mode, "rw-p") == 0 && inode == 0 && line[rest] == '\0';
}

enum progress {
    WHOLE,   /* all has been looked at */
    PAUSED,  /* enough for now */
    GIVEN_UP /* no more in this pass */
};

static enum progress look_through(struct huge_pages *h, uintptr_t start, uintptr_t end, uint64_t until_ns)
{
    const uintptr_t size = HUGE_PAGE_BYTES;
    uintptr_t region = ((start > h->next ? start : h->next) + size - 1) & ~(size - 1);
    for (; region < end && end - region >= size; region += size) {
        if (now_ns() >= until_ns)
            return PAUSED;
        h->next = region + size;
        if (is_full((void *)region) && !join(h, (void *)region))
            return GIVEN_UP;
    }
    return WHOLE;
}

static enum progress look_through_heap(struct huge_pages *h)
{
    uint64_t until_ns = now_ns() + STEP_NS;
    char line[512];
    uintptr_t start, end;
    enum progress p = WHOLE;
    FILE *maps = fopen("/proc/self/maps", "r");
    if (!maps)
        return GIVEN_UP;
    while (p == WHOLE && fgets(line, sizeof line, maps))
        if (parse_heap(line, &start, &end))
            p = look_through(h, start, end, until_ns);
    fclose(maps);
    return p;
}

bool huge_pages_step(struct huge_pages *h)
{
    if (h->off)
        return false;
    if (h->next == 0) {
        h->now = mem_resident_bytes();
        if (h->now < h->last)
            h->last = h->now;
        if (h->now - h->last < HUGE_PAGE_BYTES)
            return false;
    }
    if (look_through_heap(h) == PAUSED)
        return true;
    h->next = 0;
    h->last = h->now;
    return false;
}
