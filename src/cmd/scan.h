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

/* One call. The cursor is known only after the items, but comes before them: they are collected aside. */
struct scan_run {
    struct scan_options options;
    struct reply items; /* owned from scan_begin to scan_end */
    int64_t count;      /* of items */
};

/* Argument i. Both answer the error themselves if they return false. */
bool scan_parse_cursor(struct cmd *c, uint32_t i, uint64_t *cursor);
/* From argument first on: [MATCH pattern] [COUNT count] [TYPE type] [NOVALUES]. If true, scan_end must follow. */
bool scan_begin(struct cmd *c, uint32_t first, unsigned allowed, struct scan_run *run);

static inline bool scan_matches(const struct scan_run *run, struct slice name)
{
    return !run->options.pattern.ptr || glob_match(run->options.pattern, name, false);
}

/* Answers with the next cursor and the items. */
void scan_end(struct cmd *c, uint64_t cursor, struct scan_run *run);
/* The answer where there is no key: its options are not looked at. */
void scan_reply_nothing(struct cmd *c);

#endif
