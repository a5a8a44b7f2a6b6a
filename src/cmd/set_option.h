/* The options of SET and GETEX, and times to expire at. Source: Redis 7.4 t_string.c
 * (parseExtendedStringArgumentsOrReply, getExpireMillisecondsOrReply). */
#ifndef SKUA_CMD_SET_OPTION_H
#define SKUA_CMD_SET_OPTION_H

#include "src/cmd/command.h"

enum set_option_flag {
    SET_NX = 1 << 0,
    SET_XX = 1 << 1,
    SET_GET = 1 << 2,
    SET_KEEPTTL = 1 << 3,
    SET_PERSIST = 1 << 4,
    SET_EX = 1 << 5,
    SET_PX = 1 << 6,
    SET_EXAT = 1 << 7,
    SET_PXAT = 1 << 8,
    SET_ABSOLUTE = SET_EXAT | SET_PXAT,
    SET_EXPIRES = SET_EX | SET_PX | SET_EXAT | SET_PXAT,
};

struct set_options {
    uint32_t flags;
    uint32_t time; /* index of the argument that goes with SET_EXPIRES */
};

/* Reads the options from argument first on, of which those in allowed may be there. False: it has answered a syntax
 * error. */
bool set_options_parse(struct cmd *c, uint32_t first, uint32_t allowed, struct set_options *out);

/* The deadline that argument i means, by the unit in flags (one of SET_EXPIRES), in ms. False: it answered an error. */
bool set_option_deadline(struct cmd *c, uint32_t i, uint32_t flags, int64_t *deadline_ms);

#endif
