/* Checking passwords. */
#ifndef SKUA_SERVER_AUTH_H
#define SKUA_SERVER_AUTH_H

#include <stdbool.h>

#include "src/base/slice.h"

/* Whether user may log in with given. Only the default user exists; required is its password, "" if it has none (then
 * any is right, as in Redis). Takes the same time whether or not the password is right. */
bool auth_check(const char *required, struct slice user, struct slice given);

#endif
