#include "src/base/shared.h"

#include "src/base/planted.h"

#ifdef SKUA_SIM_POINTS
void (*shared_op_hook)(void);
enum planted_bug planted_bug;
#else
typedef int shared_is_empty_in_release;
#endif
