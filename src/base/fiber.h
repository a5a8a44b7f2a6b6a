/* Fibers: functions on a C stack of their own that can give the thread back in the middle (design section 6). A fiber
 * belongs to the thread that created it and is resumed only there. Stacks are mmapped with a guard page. Switches are
 * announced to ASan and TSan. */
#ifndef SKUA_BASE_FIBER_H
#define SKUA_BASE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

struct fiber;
typedef void fiber_fn(void *arg);

enum { FIBER_STACK_BYTES = 256 * 1024 };

/* Owned by the caller, who frees it with fiber_destroy once fiber_done() (or without ever having resumed it).
 * NULL when no stack can be mapped. stack_bytes 0 means FIBER_STACK_BYTES. */
struct fiber *fiber_create(fiber_fn *fn, void *arg, size_t stack_bytes);
void fiber_destroy(struct fiber *f);

/* Runs f until it yields or returns. Must not be called from inside f. Fibers may resume other fibers. */
void fiber_resume(struct fiber *f);

/* Gives the thread back to whoever resumed the running fiber. Only inside a fiber. */
void fiber_yield(void);

bool fiber_done(const struct fiber *f);

/* The fiber that runs on this thread, or NULL. */
struct fiber *fiber_current(void);

#endif
