#include "src/base/fiber.h"

#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define FIBER_ASAN 1
#endif
#ifdef __SANITIZE_THREAD__
#define FIBER_TSAN 1
#endif
#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

struct fiber {
    ucontext_t context, caller;
    struct fiber *resumer; /* the fiber that resumed this one, NULL for the thread itself */
    fiber_fn *fn;
    void *arg;
    void *stack;
    size_t stack_bytes;
    bool done;
    void *asan_fake, *asan_caller_fake;
    const void *caller_stack;
    size_t caller_stack_bytes;
    void *tsan, *tsan_caller;
};

static _Thread_local struct fiber *running;

/* Before and after a switch; dying says that the stack left behind is never used again. Inlined, because TSan would
 * count a return from here as one of the fiber that was switched to. */
static inline __attribute__((always_inline)) void leave(struct fiber *f, bool into, bool dying)
{
    (void)f, (void)into, (void)dying;
#ifdef FIBER_ASAN
    if (into)
        __sanitizer_start_switch_fiber(&f->asan_caller_fake, f->stack, f->stack_bytes);
    else
        __sanitizer_start_switch_fiber(dying ? NULL : &f->asan_fake, f->caller_stack, f->caller_stack_bytes);
#endif
#ifdef FIBER_TSAN
    if (into)
        f->tsan_caller = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(into ? f->tsan : f->tsan_caller, 0);
#endif
}

static inline __attribute__((always_inline)) void arrive(struct fiber *f, bool into)
{
    (void)f, (void)into;
#ifdef FIBER_ASAN
    if (into)
        __sanitizer_finish_switch_fiber(f->asan_fake, &f->caller_stack, &f->caller_stack_bytes);
    else
        __sanitizer_finish_switch_fiber(f->asan_caller_fake, NULL, NULL);
#endif
}

static void entry(unsigned hi, unsigned lo)
{
    struct fiber *f = (struct fiber *)(((uintptr_t)hi << 32) | lo);
    arrive(f, true);
    f->fn(f->arg);
    f->done = true;
    running = f->resumer;
    leave(f, false, true);
    setcontext(&f->caller);
    ASSERT(!"a finished fiber ran on");
}

struct fiber *fiber_create(fiber_fn *fn, void *arg, size_t stack_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!stack_bytes)
        stack_bytes = FIBER_STACK_BYTES;
    char *map = mmap(NULL, stack_bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    ASSERT(mprotect(map, page, PROT_NONE) == 0);
    struct fiber *f = mem_zalloc(NULL, sizeof *f);
    f->fn = fn;
    f->arg = arg;
    f->stack = map + page;
    f->stack_bytes = stack_bytes;
    ASSERT(getcontext(&f->context) == 0);
    f->context.uc_stack.ss_sp = f->stack;
    f->context.uc_stack.ss_size = f->stack_bytes;
    f->context.uc_link = NULL;
    uintptr_t p = (uintptr_t)f;
    makecontext(&f->context, (void (*)(void))entry, 2, (unsigned)(p >> 32), (unsigned)p);
#ifdef FIBER_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
    return f;
}

void fiber_destroy(struct fiber *f)
{
    ASSERT(running != f);
#ifdef FIBER_TSAN
    __tsan_destroy_fiber(f->tsan);
#endif
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    munmap((char *)f->stack - page, f->stack_bytes + page);
    mem_free(NULL, f);
}

void fiber_resume(struct fiber *f)
{
    ASSERT(!f->done && running != f);
    f->resumer = running;
    running = f;
    leave(f, true, false);
    ASSERT(swapcontext(&f->caller, &f->context) == 0);
    arrive(f, false);
}

void fiber_yield(void)
{
    struct fiber *f = running;
    ASSERT(f);
    running = f->resumer;
    leave(f, false, false);
    ASSERT(swapcontext(&f->context, &f->caller) == 0);
    arrive(f, true);
}

bool fiber_done(const struct fiber *f) { return f->done; }

struct fiber *fiber_current(void) { return running; }
