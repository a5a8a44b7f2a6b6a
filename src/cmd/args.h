/* Reading arguments that many commands share. Each function answers the error itself and then returns false, so that a
 * handler goes on with `if (!arg_i64(c, 2, &n)) return;`. Error texts are Redis's (object.c get*FromObjectOrReply). */
#ifndef SKUA_CMD_ARGS_H
#define SKUA_CMD_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/cmd/command.h"

bool arg_i64(struct cmd *c, uint32_t i, int64_t *out);
/* An int of C; what is an integer but no int has a text of its own. */
bool arg_i32(struct cmd *c, uint32_t i, int32_t *out);
/* An integer of which there is a negative. */
bool arg_i64_signed(struct cmd *c, uint32_t i, int64_t *out);
/* An integer that is not less than min; for all else there is one error. */
bool arg_i64_from(struct cmd *c, uint32_t i, int64_t min, const char *error, int64_t *out);
/* A floating-point number. error NULL: the usual one. */
bool arg_double(struct cmd *c, uint32_t i, const char *error, double *out);
/* A database number that exists. */
bool arg_database(struct cmd *c, uint32_t i, uint32_t *out);

void reply_syntax_error(struct cmd *c);

#endif
