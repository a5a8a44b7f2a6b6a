/* Commands that run and manage scripts and functions. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
static struct command function_subcommands[] = {
    {ROW("delete", NULL, 3, CMD_NOSCRIPT | CMD_WRITE, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(1)", "Deletes a library and its functions."),
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {ROW("dump", NULL, 2, CMD_NOSCRIPT, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(N) where N is the number of functions", "Returns all libraries in serialized form.")},
    {ROW("flush", NULL, -2, CMD_NOSCRIPT | CMD_WRITE, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(N) where N is the number of functions deleted", "Deletes all libraries."),
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_HOME, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(1)", "Shows what the subcommands do.")},
    {ROW("kill", NULL, 2, CMD_NOSCRIPT | CMD_ALLOW_BUSY, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(1)", "Ends the function that is running."),
     .tips = "request_policy:all_shards response_policy:one_succeeded"},
    {ROW("list", NULL, -2, CMD_NOSCRIPT, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(N) where N is the number of functions", "Describes the libraries."),
     .tips = "nondeterministic_output_order"},
    {ROW("load", NULL, -3, CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(1) (considering compilation time is redundant)", "Creates a library."),
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {ROW("restore", NULL, -3, CMD_NOSCRIPT | CMD_WRITE | CMD_DENYOOM, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(N) where N is the number of functions on the payload",
         "Restores libraries from their serialized form."),
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {ROW("stats", NULL, 2, CMD_NOSCRIPT | CMD_ALLOW_BUSY, ACL_SCRIPTING),
     DOC("7.0.0", "scripting", "O(1)", "Tells which function is running."),
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
    {.name = NULL},
};

static struct command script_subcommands[] = {
    {ROW("debug", NULL, 3, CMD_NOSCRIPT, ACL_SCRIPTING),
     DOC("3.2.0", "scripting", "O(1)", "Sets how EVAL debugs.")},
    {ROW("exists", NULL, -3, CMD_NOSCRIPT, ACL_SCRIPTING),
     DOC("2.6.0", "scripting",
         "O(N) with N being the number of scripts to check (so checking a single script is an O(1) operation).",
         "Tells which scripts are in the script cache."),
     .tips = "request_policy:all_shards response_policy:agg_logical_and"},
    {ROW("flush", NULL, -2, CMD_NOSCRIPT, ACL_SCRIPTING),
     DOC("2.6.0", "scripting", "O(N) with N being the number of scripts in cache", "Empties the script cache."),
     .tips = "request_policy:all_nodes response_policy:all_succeeded",
     HISTORY({"6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers."})},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_HOME, ACL_SCRIPTING),
     DOC("5.0.0", "scripting", "O(1)", "Shows what the subcommands do.")},
    {ROW("kill", NULL, 2, CMD_NOSCRIPT | CMD_ALLOW_BUSY, ACL_SCRIPTING),
     DOC("2.6.0", "scripting", "O(1)", "Ends the script that is running."),
     .tips = "request_policy:all_shards response_policy:one_succeeded"},
    {ROW("load", NULL, 3, CMD_NOSCRIPT | CMD_STALE, ACL_SCRIPTING),
     DOC("2.6.0", "scripting", "O(N) with N being the length in bytes of the script body.",
         "Puts a script into the script cache."),
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = NULL},
};

struct command script_commands[] = {
    {ROW("eval", NULL, -3, CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_MAY_REPLICATE | CMD_NO_MANDATORY_KEYS | CMD_STALE |
         CMD_SIGNAL, ACL_SCRIPTING),
     .keys = {KEY_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_UPDATE,
               .notes = "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")},
     DOC("2.6.0", "scripting", "Depends on the script that is executed.", "Runs a Lua script.")},
    {ROW("eval_ro", NULL, -3, CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_STALE | CMD_READONLY |
         CMD_SIGNAL, ACL_SCRIPTING),
     .keys = {KEY_COUNTED(2, KEY_RO | KEY_ACCESS,
               .notes = "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")},
     DOC("7.0.0", "scripting", "Depends on the script that is executed.", "Runs a Lua script that only reads.")},
    {ROW("evalsha", NULL, -3, CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_MAY_REPLICATE | CMD_NO_MANDATORY_KEYS |
         CMD_STALE | CMD_SIGNAL, ACL_SCRIPTING),
     .keys = {KEY_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_UPDATE)},
     DOC("2.6.0", "scripting", "Depends on the script that is executed.", "Runs a Lua script by its SHA1 digest.")},
    {ROW("evalsha_ro", NULL, -3, CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_STALE | CMD_READONLY |
         CMD_SIGNAL, ACL_SCRIPTING),
     .keys = {KEY_COUNTED(2, KEY_RO | KEY_ACCESS)},
     DOC("7.0.0", "scripting", "Depends on the script that is executed.",
         "Runs a Lua script that only reads by its SHA1 digest.")},
    {ROW("fcall", NULL, -3, CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_MAY_REPLICATE | CMD_NO_MANDATORY_KEYS | CMD_STALE |
         CMD_SIGNAL, ACL_SCRIPTING),
     .keys = {KEY_COUNTED(2, KEY_RW | KEY_ACCESS | KEY_UPDATE,
               .notes = "We cannot tell how the keys will be used so we assume the worst, RW and UPDATE")},
     DOC("7.0.0", "scripting", "Depends on the function that is executed.", "Calls a function.")},
    {ROW("fcall_ro", NULL, -3, CMD_NOSCRIPT | CMD_SKIP_MONITOR | CMD_NO_MANDATORY_KEYS | CMD_STALE | CMD_READONLY |
         CMD_SIGNAL, ACL_SCRIPTING),
     .keys = {KEY_COUNTED(2, KEY_RO | KEY_ACCESS,
               .notes = "We cannot tell how the keys will be used so we assume the worst, RO and ACCESS")},
     DOC("7.0.0", "scripting", "Depends on the function that is executed.", "Calls a function that only reads.")},
    {ROW("function", NULL, -2, 0, 0),
     DOC("7.0.0", "scripting", "Depends on subcommand.", "Container of the commands about functions."),
     .subcommands = function_subcommands},
    {ROW("script", NULL, -2, 0, 0),
     DOC("2.6.0", "scripting", "Depends on subcommand.", "Container of the commands about Lua scripts."),
     .subcommands = script_subcommands},
    {.name = NULL},
};
/* clang-format on */
