/* The longest common subsequence of two strings, as the LCS command answers it. Source: Redis 7.4 t_string.c
 * (lcsCommand): the same table and the same way back through it, since several answers may be right. */
#ifndef SKUA_CMD_LCS_H
#define SKUA_CMD_LCS_H

#include "src/wire/reply.h"

struct lcs_options {
    bool length;              /* LEN: the length alone */
    bool matches;             /* IDX: where the matching stretches lie */
    bool match_lengths;       /* WITHMATCHLEN */
    int64_t match_length_min; /* MINMATCHLEN */
};

/* Answers in time and memory of a.len * b.len; memory_max bounds the latter, more is an error. */
void lcs_reply(struct reply *r, struct slice a, struct slice b, const struct lcs_options *options, uint64_t memory_max);

#endif
