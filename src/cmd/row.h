/* The macros that command rows are written with, so that a row is a few lines that can be read:
 *
 *     {ROW("getdel", string_getdel, 2, CMD_WRITE | CMD_FAST | CMD_SIGNAL, ACL_STRING),
 *      .keys = {KEY_AT(1, KEY_RW | KEY_ACCESS | KEY_DELETE)},
 *      DOC("6.2.0", "string", "O(1)", "Returns the string at a key and deletes the key.")},
 *
 * Only for files that have rows. */
#ifndef SKUA_CMD_ROW_H
#define SKUA_CMD_ROW_H

#include "src/cmd/command.h"
#include "src/cmd/table.h"

/* clang-format off */
#define ROW(NAME, RUN, ARITY, FLAGS, ACL) .name = (NAME), .run = (RUN), .arity = (ARITY), .flags = (FLAGS), .acl = (ACL)
#define DOC(SINCE, GROUP, COMPLEXITY, SUMMARY) \
    .since = (SINCE), .group = (GROUP), .complexity = (COMPLEXITY), .summary = (SUMMARY)
#define DEPRECATED(SINCE, INSTEAD) .deprecated_since = (SINCE), .replaced_by = (INSTEAD)
#define HISTORY(...) .history = (const struct command_change[]){__VA_ARGS__, {NULL, NULL}}

/* Each of these ends with its flags, which may be followed by .notes = "...". One key at an index: */
#define KEY_AT(INDEX, ...) KEY_RANGE(INDEX, 0, 1, __VA_ARGS__)
/* Every STEP-th argument from FIRST on; LAST is relative to FIRST, or from the end if negative. */
#define KEY_RANGE(FIRST, LAST, STEP, ...) \
    {.begin = BEGIN_INDEX, .index = (FIRST), .find = FIND_RANGE, .last = (LAST), .step = (STEP), .flags = __VA_ARGS__}
/* A number of keys at an index, and the keys behind it. */
#define KEY_COUNTED(INDEX, ...) \
    {.begin = BEGIN_INDEX, .index = (INDEX), .find = FIND_KEYNUM, .keynum_index = 0, .first = 1, .keystep = 1, \
     .flags = __VA_ARGS__}
/* Keys behind a word that is looked for from argument FROM on (negative: from the end, backwards). LIMIT 2: they are
 * the first half of what is left. */
#define KEY_BEHIND(WORD, FROM, LAST, LIMIT, ...) \
    {.begin = BEGIN_KEYWORD, .keyword = (WORD), .start_from = (FROM), .find = FIND_RANGE, .last = (LAST), .step = 1, \
     .limit = (LIMIT), .flags = __VA_ARGS__}
/* Keys that cannot be told from the command line. */
#define KEY_UNKNOWN(...) {.begin = BEGIN_UNKNOWN, .find = FIND_UNKNOWN, .flags = __VA_ARGS__}
/* clang-format on */

#endif
