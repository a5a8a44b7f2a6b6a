/* HELP of containers: the container's row has the lines, this puts Redis's frame around them. */
#ifndef SKUA_CMD_HELP_H
#define SKUA_CMD_HELP_H

#include "src/cmd/command.h"

command_fn help_command;

#endif
