/* Commands of masters and replicas. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
struct command replication_commands[] = {
    {ROW("failover", NULL, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE, 0),
     DOC("6.2.0", "server", "O(1)", "Starts a coordinated failover from this server to a replica.")},
    {ROW("psync", NULL, -3, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NO_MULTI | CMD_NOSCRIPT, 0),
     DOC("2.8.0", "server", NULL, "Begins replication, as replicas do.")},
    {ROW("replconf", NULL, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_ALLOW_BUSY, 0),
     DOC("3.0.0", "server", "O(1)", "Negotiates details of replication, as replicas do."),
     .system = true},
    {ROW("replicaof", NULL, 3, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE, 0),
     DOC("5.0.0", "server", "O(1)", "Makes the server a replica of another, or a master.")},
    {ROW("role", NULL, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_SENTINEL, ACL_ADMIN |
         ACL_DANGEROUS),
     DOC("2.8.12", "server", "O(1)", "Returns the role of the server in replication.")},
    {ROW("slaveof", NULL, 3, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT | CMD_STALE, 0),
     DOC("1.0.0", "server", "O(1)", "Makes the server a replica of another, or a master."),
     DEPRECATED("5.0.0", "`REPLICAOF`")},
    {ROW("sync", NULL, 1, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NO_MULTI | CMD_NOSCRIPT, 0),
     DOC("1.0.0", "server", NULL, "Begins replication, as old replicas do.")},
    {ROW("wait", NULL, 3, CMD_BLOCKING, ACL_CONNECTION),
     DOC("3.0.0", "generic", "O(1)", "Waits until replicas have received this connection's writes."),
     .tips = "request_policy:all_shards response_policy:agg_min"},
    {ROW("waitaof", NULL, 4, CMD_BLOCKING, ACL_CONNECTION),
     DOC("7.2.0", "generic", "O(1)", "Waits until this connection's writes are on disk, here and on replicas."),
     .tips = "request_policy:all_shards response_policy:agg_min"},
    {.name = NULL},
};
/* clang-format on */
