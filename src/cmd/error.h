/* What shards and types answer, in Redis's words; nothing else turns a status into text. */
#ifndef SKUA_CMD_ERROR_H
#define SKUA_CMD_ERROR_H

#include "shard/status.h"
#include "src/wire/reply.h"

#define ERROR_WRONG_TYPE "WRONGTYPE Operation against a key holding the wrong kind of value"

/* Answers with the error that status is; STATUS_OK, NOT_FOUND and EXISTS are no errors and not for here. */
void error_reply(struct reply *r, enum status status);

#endif
