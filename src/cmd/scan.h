/* What SCAN and the scans of single keys (HSCAN, SSCAN, ZSCAN) share: their arguments and their reply. */
#ifndef SKUA_CMD_SCAN_H
#define SKUA_CMD_SCAN_H

#include "src/base/glob.h"
#include "src/cmd/command.h"

/* Options that not all of them have. */
enum { SCAN_TYPE = 1, SCAN_NOVALUES = 2 };

struct scan_options {
    uint32_t count;
    struct slice pattern; /* ptr NULL: all */
    struct slice type;    /* ptr NULL: all */
    bool novalues;
};

/* Argument i. Both answer the error themselves if they return false. */
bool scan_parse_cursor(struct cmd *c, uint32_t i, uint64_t *cursor);
/* From argument first on: [MATCH pattern] [COUNT count] [TYPE type] [NOVALUES]. */
bool scan_parse_options(struct cmd *c, uint32_t first, unsigned allowed, struct scan_options *options);

static inline bool scan_matches(const struct scan_options *options, struct slice name)
{
    return !options->pattern.ptr || glob_match(options->pattern, name, false);
}

/* The cursor is known only after the items (count of them), but comes before them: they are collected aside. */
void scan_reply(struct cmd *c, uint64_t cursor, const struct reply *items, int64_t count);

#endif
