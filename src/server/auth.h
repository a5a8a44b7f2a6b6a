/* Logging in. */
#ifndef SKUA_SERVER_AUTH_H
#define SKUA_SERVER_AUTH_H

#include <stdbool.h>

#include "src/cmd/command.h"

/* Logs the client of c in as user; false after WRONGPASS, which is counted. Only the default user exists; without a
 * password any is right, as in Redis. Takes the same time whether or not the password is right. */
bool auth_login(struct cmd *c, struct slice user, struct slice password);

#endif
