/* Running one command: the handler's services of command.h, and what happens around a handler. */
#ifndef SKUA_CMD_EXECUTE_H
#define SKUA_CMD_EXECUTE_H

#include "src/cmd/command.h"

/* Runs c->row->run and puts into c->effects what it did. */
void execute(struct cmd *c);

#endif
