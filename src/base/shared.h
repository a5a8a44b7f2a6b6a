/* SHARED_OP() marks the place before an atomic operation that workers share. It is empty in release builds; in builds
 * with -Dsimpoints=true it lets the simulator switch to another worker there (design section 10). */
#ifndef SKUA_BASE_SHARED_H
#define SKUA_BASE_SHARED_H

#ifdef SKUA_SIM_POINTS
/* Set by the simulator while it runs; NULL on real threads. */
extern void (*shared_op_hook)(void);
#define SHARED_OP() (shared_op_hook ? shared_op_hook() : (void)0)
#else
#define SHARED_OP() ((void)0)
#endif

#endif
