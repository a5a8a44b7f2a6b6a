/* Commands about the connection that sends them, and CLIENT. Their handlers lie in src/server (command_bind). */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
static struct command client_subcommands[] = {
    {ROW("caching", NULL, 3, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, ACL_CONNECTION),
     DOC("6.0.0", "connection", "O(1)", "Says whether the keys of the next command are to be tracked.")},
    {ROW("getname", NULL, 2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.6.9", "connection", "O(1)", "Returns the name of this connection.")},
    {ROW("getredir", NULL, 2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, ACL_CONNECTION),
     DOC("6.0.0", "connection", "O(1)", "Returns the connection that tracking messages are redirected to.")},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("5.0.0", "connection", "O(1)", "Shows what the subcommands do.")},
    {ROW("id", NULL, 2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("5.0.0", "connection", "O(1)", "Returns the id of this connection.")},
    {ROW("info", NULL, 2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("6.2.0", "connection", "O(1)", "Describes this connection."),
     .tips = "nondeterministic_output"},
    {ROW("kill", NULL, -3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL |
         CMD_HOME, ACL_CONNECTION),
     DOC("2.4.0", "connection", "O(N) where N is the number of client connections",
         "Closes the connections that match."),
     HISTORY({"2.8.12", "Added new filter format."},
             {"2.8.12", "`ID` option."},
             {"3.2.0", "Added `master` type in for `TYPE` option."},
             {"5.0.0", "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward compatibility."},
             {"6.2.0", "`LADDR` option."})},
    {ROW("list", NULL, -2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL |
         CMD_HOME, ACL_CONNECTION),
     DOC("2.4.0", "connection", "O(N) where N is the number of client connections", "Describes all connections."),
     .tips = "nondeterministic_output",
     HISTORY({"2.8.12", "Added unique client `id` field."},
             {"5.0.0", "Added optional `TYPE` filter."},
             {"6.0.0", "Added `user` field."},
             {"6.2.0", "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter."},
             {"7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."},
             {"7.0.3", "Added `ssub` field."})},
    {ROW("no-evict", NULL, 3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, ACL_CONNECTION),
     DOC("7.0.0", "connection", "O(1)", "Keeps this connection from being closed when clients take too much memory.")},
    {ROW("no-touch", NULL, 3, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_HOME, ACL_CONNECTION),
     DOC("7.2.0", "connection", "O(1)", "Lets this connection read keys without changing when they were last used.")},
    {ROW("pause", NULL, -3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL |
         CMD_HOME, ACL_CONNECTION),
     DOC("3.0.0", "connection", "O(1)", "Stops serving commands for some time."),
     HISTORY({"6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option."})},
    {ROW("reply", NULL, 3, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("3.2.0", "connection", "O(1)", "Switches the replies of this connection on or off.")},
    {ROW("setinfo", NULL, 4, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("7.2.0", "connection", "O(1)", "Sets what library this connection is made by.")},
    {ROW("setname", NULL, 3, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.6.9", "connection", "O(1)", "Names this connection.")},
    {ROW("tracking", NULL, -3, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, ACL_CONNECTION),
     DOC("6.0.0", "connection", "O(1). Some options may introduce additional complexity.",
         "Switches tracking of the keys that this connection reads on or off.")},
    {ROW("trackinginfo", NULL, 2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, ACL_CONNECTION),
     DOC("6.2.0", "connection", "O(1)", "Tells how this connection tracks keys.")},
    {ROW("unblock", NULL, -3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, ACL_CONNECTION),
     DOC("5.0.0", "connection", "O(log N) where N is the number of client connections",
         "Ends the waiting of a connection in a blocking command.")},
    {ROW("unpause", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL |
         CMD_HOME, ACL_CONNECTION),
     DOC("6.2.0", "connection", "O(N) Where N is the number of paused clients",
         "Goes on serving commands after CLIENT PAUSE.")},
    {.name = NULL},
};

struct command connection_commands[] = {
    {ROW("auth", NULL, -2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_SENTINEL |
         CMD_ALLOW_BUSY | CMD_HOME, ACL_CONNECTION),
     DOC("1.0.0", "connection", "O(N) where N is the number of passwords defined for the user",
         "Authenticates the connection."),
     HISTORY({"6.0.0", "Added ACL style (username and password)."})},
    {ROW("client", NULL, -2, CMD_SENTINEL, 0),
     DOC("2.4.0", "connection", "Depends on subcommand.", "Container of the commands about client connections."),
     .subcommands = client_subcommands},
    {ROW("echo", NULL, 2, CMD_LOADING | CMD_STALE | CMD_FAST | CMD_HOME, ACL_CONNECTION),
     DOC("1.0.0", "connection", "O(1)", "Returns its argument.")},
    {ROW("hello", NULL, -1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_SENTINEL |
         CMD_ALLOW_BUSY | CMD_HOME, ACL_CONNECTION),
     DOC("6.0.0", "connection", "O(1)",
         "Greets the server: chooses the protocol, authenticates, names the connection."),
     HISTORY({"6.2.0", "`protover` made optional; when called without arguments the command reports the current "
                       "connection's context."})},
    {ROW("ping", NULL, -1, CMD_FAST | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("1.0.0", "connection", "O(1)", "Tells that the server is alive."),
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {ROW("quit", NULL, -1, CMD_ALLOW_BUSY | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH |
         CMD_HOME, ACL_CONNECTION),
     DOC("1.0.0", "connection", "O(1)", "Closes the connection.")},
    {ROW("reset", NULL, 1, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_NO_AUTH | CMD_ALLOW_BUSY |
         CMD_HOME, ACL_CONNECTION),
     DOC("6.2.0", "connection", "O(1)", "Brings the connection back to its first state.")},
    {ROW("select", NULL, 2, CMD_LOADING | CMD_STALE | CMD_FAST | CMD_HOME, ACL_CONNECTION),
     DOC("1.0.0", "connection", "O(1)", "Chooses the database.")},
    {.name = NULL},
};
/* clang-format on */
