/* Commands that watch the server at work: LATENCY, SLOWLOG, MEMORY, MONITOR. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
static struct command latency_subcommands[] = {
    {ROW("doctor", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     DOC("2.8.13", "server", "O(1)", "Interprets the slow moments for a person."),
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {ROW("graph", NULL, 3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     DOC("2.8.13", "server", "O(1)", "Draws the slow moments of an event."),
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_HOME, 0),
     DOC("2.8.13", "server", "O(1)", "Shows what the subcommands do.")},
    {ROW("histogram", NULL, -2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     DOC("7.0.0", "server",
         "O(N) where N is the number of commands with latency information being retrieved.",
         "Returns how the run times of commands are distributed."),
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {ROW("history", NULL, 3, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     DOC("2.8.13", "server", "O(1)", "Returns the slow moments of an event."),
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {ROW("latest", NULL, 2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     DOC("2.8.13", "server", "O(1)", "Returns the last slow moment of each event."),
     .tips = "nondeterministic_output request_policy:all_nodes response_policy:special"},
    {ROW("reset", NULL, -2, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     DOC("2.8.13", "server", "O(1)", "Forgets the slow moments of events."),
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = NULL},
};

static struct command memory_subcommands[] = {
    {ROW("doctor", NULL, 2, 0, 0),
     DOC("4.0.0", "server", "O(1)", "Interprets the use of memory for a person."),
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_HOME, 0),
     DOC("4.0.0", "server", "O(1)", "Shows what the subcommands do.")},
    {ROW("malloc-stats", NULL, 2, 0, 0),
     DOC("4.0.0", "server", "Depends on how much memory is allocated, could be slow",
         "Returns the numbers of the memory allocator."),
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
    {ROW("purge", NULL, 2, 0, 0),
     DOC("4.0.0", "server", "Depends on how much memory is allocated, could be slow",
         "Asks the allocator to give memory back."),
     .tips = "request_policy:all_shards response_policy:all_succeeded"},
    {ROW("stats", NULL, 2, 0, 0),
     DOC("4.0.0", "server", "O(1)", "Returns where memory goes."),
     .tips = "nondeterministic_output request_policy:all_shards response_policy:special"},
    {ROW("usage", NULL, -3, CMD_READONLY, 0),
     .keys = {KEY_AT(2, KEY_RO)},
     DOC("4.0.0", "server", "O(N) where N is the number of samples.", "Estimates the memory that a key takes.")},
    {.name = NULL},
};

static struct command slowlog_subcommands[] = {
    {ROW("get", NULL, -2, CMD_ADMIN | CMD_LOADING | CMD_STALE, 0),
     DOC("2.2.12", "server", "O(N) where N is the number of entries returned", "Returns entries of the slow log."),
     .tips = "request_policy:all_nodes nondeterministic_output",
     HISTORY({"4.0.0", "Added client IP address, port and name to the reply."})},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_HOME, 0),
     DOC("6.2.0", "server", "O(1)", "Shows what the subcommands do.")},
    {ROW("len", NULL, 2, CMD_ADMIN | CMD_LOADING | CMD_STALE, 0),
     DOC("2.2.12", "server", "O(1)", "Counts the entries of the slow log."),
     .tips = "request_policy:all_nodes response_policy:agg_sum nondeterministic_output"},
    {ROW("reset", NULL, 2, CMD_ADMIN | CMD_LOADING | CMD_STALE, 0),
     DOC("2.2.12", "server", "O(N) where N is the number of entries in the slowlog", "Empties the slow log."),
     .tips = "request_policy:all_nodes response_policy:all_succeeded"},
    {.name = NULL},
};

struct command observe_commands[] = {
    {ROW("latency", NULL, -2, 0, 0),
     DOC("2.8.13", "server", "Depends on subcommand.", "Container of the commands about slow moments."),
     .subcommands = latency_subcommands},
    {ROW("lolwut", NULL, -1, CMD_READONLY | CMD_FAST, 0),
     DOC("5.0.0", "server", NULL, "Draws something and tells the version.")},
    {ROW("memory", NULL, -2, 0, 0),
     DOC("4.0.0", "server", "Depends on subcommand.", "Container of the commands about memory."),
     .subcommands = memory_subcommands},
    {ROW("monitor", NULL, 1, CMD_ADMIN | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     DOC("1.0.0", "server", NULL, "Shows every command that the server executes from now on.")},
    {ROW("slowlog", NULL, -2, 0, 0),
     DOC("2.2.12", "server", "Depends on subcommand.", "Container of the commands about slow commands."),
     .subcommands = slowlog_subcommands},
    {.name = NULL},
};
/* clang-format on */
