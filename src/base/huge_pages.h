/* Huge pages without waste: where all of an aligned 2 MB is resident in pages of 4 KB, they are joined to one. Data
 * that is looked up at random misses the TLB at every access otherwise, and a walk of the page tables costs as much as
 * the access (bench/README.md has what this gains). Only memory that is in use anyway is joined, so nothing becomes
 * larger; asking the kernel for huge pages beforehand (MADV_HUGEPAGE) would cost half of one for each worker and heap.
 *
 * One thread that has nothing else to do calls huge_pages_step now and then. A pass over the process's memory is made
 * when it has grown since the last one. Joining copies 2 MB, in which time other threads' page faults wait.
 *
 * Source: madvise(2), MADV_COLLAPSE (Linux 6.1). Where there is none, or the machine's setting of transparent huge
 * pages is `never`, nothing is done. */
#ifndef SKUA_BASE_HUGE_PAGES_H
#define SKUA_BASE_HUGE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

enum { HUGE_PAGE_BYTES = 2 << 20 };

struct huge_pages {
    bool off;           /* there are none to be had */
    uintptr_t next;     /* what lies before has been looked at in this pass; 0: no pass is under way */
    uint64_t now, last; /* bytes that were resident when this pass began, and when the last complete one did */
};

void huge_pages_init(struct huge_pages *h);

/* At most a few milliseconds of work. True: a pass is under way, call again soon; false: once a second is enough. */
bool huge_pages_step(struct huge_pages *h);

#endif
