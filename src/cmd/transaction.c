/* Transactions. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
struct command transaction_commands[] = {
    {ROW("discard", NULL, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY, ACL_TRANSACTION),
     DOC("2.0.0", "transactions", "O(N), when N is the number of queued commands",
         "Drops a transaction that has not been executed.")},
    {ROW("exec", NULL, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SKIP_SLOWLOG | CMD_SIGNAL, ACL_TRANSACTION),
     DOC("1.2.0", "transactions", "Depends on commands in the transaction", "Executes the commands of a transaction.")},
    {ROW("multi", NULL, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY, ACL_TRANSACTION),
     DOC("1.2.0", "transactions", "O(1)", "Begins a transaction.")},
    {ROW("unwatch", NULL, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY, ACL_TRANSACTION),
     DOC("2.2.0", "transactions", "O(1)", "Forgets the watched keys of the connection.")},
    {ROW("watch", NULL, -2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_ALLOW_BUSY, ACL_TRANSACTION),
     .keys = {KEY_RANGE(1, -1, 1, KEY_RO)},
     DOC("2.2.0", "transactions", "O(1) for every key.",
         "Makes the next transaction fail if one of the keys is changed before it.")},
    {.name = NULL},
};
/* clang-format on */
