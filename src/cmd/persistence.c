/* Commands that save the data set. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
struct command persistence_commands[] = {
    {ROW("bgrewriteaof", NULL, 1, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT, 0),
     DOC("1.0.0", "server", "O(1)", "Rewrites the append-only file in the background.")},
    {ROW("bgsave", NULL, -1, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT, 0),
     DOC("1.0.0", "server", "O(1)", "Saves the data set to disk in the background."),
     HISTORY({"3.2.2", "Added the `SCHEDULE` option."})},
    {ROW("lastsave", NULL, 1, CMD_LOADING | CMD_STALE | CMD_FAST, ACL_ADMIN | ACL_DANGEROUS),
     DOC("1.0.0", "server", "O(1)", "Returns the Unix time of the last successful save."),
     .tips = "nondeterministic_output"},
    {ROW("save", NULL, 1, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT | CMD_NO_MULTI, 0),
     DOC("1.0.0", "server", "O(N) where N is the total number of keys in all databases",
         "Saves the data set to disk while everything waits.")},
    {.name = NULL},
};
/* clang-format on */
