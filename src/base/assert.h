/* Assertions that stay on in release builds. ASSERT checks what a bug in Skua would break; DASSERT is for hot loops and
 * is compiled out unless SKUA_DEBUG is set. Input from clients or files never reaches either. */
#ifndef SKUA_BASE_ASSERT_H
#define SKUA_BASE_ASSERT_H

/* Prints expression and place to stderr and aborts. */
_Noreturn void assert_failed(const char *expr, const char *file, int line);

#define ASSERT(expr) (__builtin_expect(!!(expr), 1) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__))

#ifdef SKUA_DEBUG
#define DASSERT(expr) ASSERT(expr)
#else
#define DASSERT(expr) ((void)sizeof(expr))
#endif

#endif
