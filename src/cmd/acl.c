/* Commands that manage users. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
static struct command acl_subcommands[] = {
    {ROW("cat", NULL, -2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(1) since the categories and commands are a fixed set.",
         "Lists the command categories, or the commands of one.")},
    {ROW("deluser", NULL, -3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(1) amortized time considering the typical user.",
         "Deletes users and closes their connections.")},
    {ROW("dryrun", NULL, -4, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("7.0.0", "server", "O(1).", "Says whether a user could run a command, without running it.")},
    {ROW("genpass", NULL, -2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(1)", "Makes a random password.")},
    {ROW("getuser", NULL, 3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server",
         "O(N). Where N is the number of password, command and pattern rules that the user has.",
         "Shows the rules of a user."),
     HISTORY({"6.2.0", "Added Pub/Sub channel patterns."},
             {"7.0.0", "Added selectors and changed the format of key and channel patterns from a list to their rule "
                       "representation."})},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, 0),
     DOC("6.0.0", "server", "O(1)", "Shows what the subcommands do.")},
    {ROW("list", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(N). Where N is the number of configured users.", "Lists all users with their rules.")},
    {ROW("load", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(N). Where N is the number of configured users.",
         "Loads the users again from the ACL file.")},
    {ROW("log", NULL, -2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(N) with N being the number of entries shown.", "Lists what was denied lately.")},
    {ROW("save", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(N). Where N is the number of configured users.", "Writes the users to the ACL file.")},
    {ROW("setuser", NULL, -3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(N). Where N is the number of rules provided.", "Creates a user or changes its rules."),
     HISTORY({"6.2.0", "Added Pub/Sub channel patterns."},
             {"7.0.0", "Added selectors and key based permissions."})},
    {ROW("users", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(N). Where N is the number of configured users.", "Lists the names of all users.")},
    {ROW("whoami", NULL, 2, CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "O(1)", "Tells which user this connection has authenticated as.")},
    {.name = NULL},
};

struct command acl_commands[] = {
    {ROW("acl", NULL, -2, CMD_SENTINEL, 0),
     DOC("6.0.0", "server", "Depends on subcommand.",
         "Container of the commands that manage users and what they may do."),
     .subcommands = acl_subcommands},
    {.name = NULL},
};
/* clang-format on */
