#include "src/base/shared.h"

#ifdef SKUA_SIM_POINTS
void (*shared_op_hook)(void);
#else
typedef int shared_is_empty_in_release;
#endif
