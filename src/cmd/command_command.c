/* COMMAND. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
static struct command command_subcommands[] = {
    {ROW("count", NULL, 2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.8.13", "server", "O(1)", "Counts the commands.")},
    {ROW("docs", NULL, -2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("7.0.0", "server", "O(N) where N is the number of commands to look up", "Documents commands."),
     .tips = "nondeterministic_output_order"},
    {ROW("getkeys", NULL, -3, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.8.13", "server", "O(N) where N is the number of arguments to the command",
         "Finds the keys in a command line.")},
    {ROW("getkeysandflags", NULL, -3, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("7.0.0", "server", "O(N) where N is the number of arguments to the command",
         "Finds the keys in a command line and what is done to them.")},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("5.0.0", "server", "O(1)", "Shows what the subcommands do.")},
    {ROW("info", NULL, -2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.8.13", "server", "O(N) where N is the number of commands to look up", "Describes some or all commands."),
     .tips = "nondeterministic_output_order",
     HISTORY({"7.0.0", "Allowed to be called with no argument to get info on all commands."})},
    {ROW("list", NULL, -2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("7.0.0", "server", "O(N) where N is the total number of Redis commands", "Lists the names of the commands."),
     .tips = "nondeterministic_output_order"},
    {.name = NULL},
};

struct command command_commands[] = {
    {ROW("command", NULL, -1, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME, ACL_CONNECTION),
     DOC("2.8.13", "server", "O(N) where N is the total number of Redis commands", "Describes all commands."),
     .tips = "nondeterministic_output_order",
     .subcommands = command_subcommands},
    {.name = NULL},
};
/* clang-format on */
