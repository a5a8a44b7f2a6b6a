/* HELP of containers: the container's row has the lines, this puts Redis's frame around them. */
#ifndef SKUA_CMD_HELP_H
#define SKUA_CMD_HELP_H

#include "src/cmd/command.h"

command_fn help_command;

/* lines ends with NULL; the lines for HELP itself are added. */
void help_reply(struct reply *r, const char *name, const char *const *lines);

#endif
