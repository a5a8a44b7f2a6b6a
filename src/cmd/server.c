/* Rows of commands about the whole server. Their handlers lie in src/server and are bound with command_bind. */
#include "src/cmd/families.h"
#include "src/cmd/help.h"
#include "src/cmd/row.h"

static const char *const config_help[] = {
    "GET <pattern>",
    "    Return parameters matching the glob-like <pattern> and their values.",
    "SET <directive> <value>",
    "    Set the configuration <directive> to <value>.",
    "RESETSTAT",
    "    Reset statistics reported by the INFO command.",
    "REWRITE",
    "    Rewrite the configuration file.",
    NULL,
};

/* clang-format off */
static struct command config_subcommands[] = {
    {ROW("get", NULL, -3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_HOME, 0),
     DOC("2.0.0", "server", "O(N) when N is the number of configuration parameters provided",
         "Returns the values of the options that match."),
     HISTORY({"7.0.0", "Added the ability to pass multiple pattern parameters in one call"})},
    {ROW("help", help_command, 2, CMD_LOADING | CMD_STALE | CMD_HOME, 0),
     DOC("5.0.0", "server", "O(1)", "Shows what the subcommands do.")},
    {ROW("resetstat", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_HOME | CMD_BARRIER, 0),
     DOC("2.0.0", "server", "O(1)", "Sets the counters of INFO back to zero.")},
    {ROW("rewrite", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_HOME | CMD_BARRIER, 0),
     DOC("2.8.0", "server", "O(1)", "Writes the configuration in use to the configuration file.")},
    {ROW("set", NULL, -4, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_HOME | CMD_BARRIER, 0),
     DOC("2.0.0", "server", "O(N) when N is the number of configuration parameters provided",
         "Changes options while the server runs."),
     .tips = "request_policy:all_nodes response_policy:all_succeeded",
     HISTORY({"7.0.0", "Added the ability to set multiple parameters in one call."})},
    {.name = NULL},
};

static struct command module_subcommands[] = {
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_HOME, 0),
     DOC("5.0.0", "server", "O(1)", "Shows what the subcommands do.")},
    {ROW("list", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT, 0),
     DOC("4.0.0", "server", "O(N) where N is the number of loaded modules.", "Lists the loaded modules."),
     .tips = "nondeterministic_output_order"},
    {ROW("load", NULL, -3, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT | CMD_PROTECTED, 0),
     DOC("4.0.0", "server", "O(1)", "Loads a module.")},
    {ROW("loadex", NULL, -3, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT | CMD_PROTECTED, 0),
     DOC("7.0.0", "server", "O(1)", "Loads a module with options.")},
    {ROW("unload", NULL, 3, CMD_NO_ASYNC_LOADING | CMD_ADMIN | CMD_NOSCRIPT | CMD_PROTECTED, 0),
     DOC("4.0.0", "server", "O(1)", "Unloads a module.")},
    {.name = NULL},
};

struct command server_commands[] = {
    {ROW("config", NULL, -2, 0, 0),
     DOC("2.0.0", "server", "Depends on subcommand.",
         "Container of the commands that read and change the configuration."),
     .help = config_help,
     .subcommands = config_subcommands},
    {ROW("debug", NULL, -2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_PROTECTED | CMD_ALL_SHARDS |
         CMD_FIBER, 0),
     DOC("1.0.0", "server", "Depends on subcommand.", "Helps those who develop and test the server."),
     .system = true},
    {ROW("info", NULL, -1, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_HOME | CMD_BARRIER, ACL_DANGEROUS),
     DOC("1.0.0", "server", "O(1)", "Returns what there is to know about the server, and its counters."),
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special",
     HISTORY({"7.0.0", "Added support for taking multiple section arguments."})},
    {ROW("module", NULL, -2, 0, 0),
     DOC("4.0.0", "server", "Depends on subcommand.", "Container of the commands about modules."),
     .subcommands = module_subcommands},
    {ROW("shutdown", NULL, -1, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_NO_MULTI | CMD_SENTINEL |
         CMD_ALLOW_BUSY | CMD_HOME | CMD_BARRIER, 0),
     DOC("1.0.0", "server",
         "O(N) when saving, where N is the total number of keys in all databases when saving data, otherwise O(1)",
         "Saves as configured and stops the server."),
     HISTORY({"7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers."})},
    {ROW("time", NULL, 1, CMD_LOADING | CMD_STALE | CMD_FAST | CMD_HOME, 0),
     DOC("2.6.0", "server", "O(1)", "Returns the time of the server."),
     .tips = "nondeterministic_output"},
    {.name = NULL},
};
/* clang-format on */
