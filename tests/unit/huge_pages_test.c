/* Stretches of 2 MB of which all pages are in use are joined, those with a single hole are not, and nothing that is in
 * them changes. Skipped where there are no huge pages (the machine's setting, a kernel before 6.1, sanitizers). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/base/huge_pages.h"
#include "src/base/mem.h"

enum { REGIONS = 6, HOLE_IN = 2, PAGE_BYTES = 4096 };

/* kB of huge pages among the REGIONS regions at start. */
static uint64_t huge_kb(const char *start)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char line[512];
    uintptr_t first, end;
    unsigned long long kb, sum = 0;
    bool inside = false;
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            inside = first < (uintptr_t)start + REGIONS * HUGE_PAGE_BYTES && end > (uintptr_t)start;
        else if (inside && sscanf(line, "AnonHugePages: %llu kB", &kb) == 1)
            sum += kb;
    }
    fclose(f);
    return sum;
}

/* Aligned to 2 MB; what lies behind belongs to another mapping. */
static char *map_regions(void)
{
    size_t size = (REGIONS + 1) * HUGE_PAGE_BYTES;
    char *p = mmap(NULL, size + PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(p, MAP_FAILED);
    assert_int_equal(mprotect(p + size, PAGE_BYTES, PROT_NONE), 0);
    return p + (-(uintptr_t)p & (HUGE_PAGE_BYTES - 1));
}

static void fill(char *start, bool also_the_hole)
{
    for (uint32_t page = 0; page < REGIONS * (HUGE_PAGE_BYTES / PAGE_BYTES); page++)
        if (also_the_hole || page != HOLE_IN * (HUGE_PAGE_BYTES / PAGE_BYTES) + 77)
            memset(start + page * PAGE_BYTES, (int)(page % 251 + 1), PAGE_BYTES);
}

static void check(const char *start, bool also_the_hole)
{
    for (uint32_t page = 0; page < REGIONS * (HUGE_PAGE_BYTES / PAGE_BYTES); page++) {
        bool is_hole = !also_the_hole && page == HOLE_IN * (HUGE_PAGE_BYTES / PAGE_BYTES) + 77;
        for (uint32_t i = 0; i < PAGE_BYTES && !is_hole; i++)
            assert_int_equal((unsigned char)start[page * PAGE_BYTES + i], page % 251 + 1);
    }
}

static void pass(struct huge_pages *h)
{
    while (huge_pages_step(h))
        usleep(100);
}

static void test_full_regions_are_joined(void **state)
{
    struct huge_pages h;
    huge_pages_init(&h);
    if (h.off) {
        printf("skipped: no huge pages here\n");
        return;
    }
    char *start = map_regions();
    fill(start, false);
    pass(&h);
    if (h.off || huge_kb(start) == 0) {
        printf("skipped: the kernel has none to give\n");
        return;
    }
    uint64_t resident = mem_resident_bytes();
    assert_int_equal(huge_kb(start), (REGIONS - 1) * (HUGE_PAGE_BYTES / 1024));
    check(start, false);

    pass(&h); /* nothing has grown */
    assert_int_equal(huge_kb(start), (REGIONS - 1) * (HUGE_PAGE_BYTES / 1024));
    assert_true(mem_resident_bytes() < resident + HUGE_PAGE_BYTES);

    char *more = map_regions();
    fill(start, true);
    fill(more, true);
    pass(&h);
    assert_int_equal(huge_kb(start), REGIONS * (HUGE_PAGE_BYTES / 1024));
    assert_int_equal(huge_kb(more), REGIONS * (HUGE_PAGE_BYTES / 1024));
    check(start, true);
    check(more, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full_regions_are_joined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
