/* Commands of Redis Sentinel, which stay with redis-sentinel: known here only so that they are told apart from
 * misspelled ones, and hidden from COMMAND. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
static struct command sentinel_subcommands[] = {
    {ROW("ckquorum", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", NULL, "Tells whether there are enough Sentinels for a failover.")},
    {ROW("config", NULL, -4, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("6.2.0", "sentinel", "O(N) when N is the number of configuration parameters provided",
         "Reads or changes the configuration of Sentinel.")},
    {ROW("debug", NULL, -2, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("7.0.0", "sentinel", "O(N) where N is the number of configurable parameters",
         "Shows or changes the timing of Sentinel.")},
    {ROW("failover", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", NULL, "Forces a failover.")},
    {ROW("flushconfig", NULL, 2, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(1)", "Writes the configuration file of Sentinel.")},
    {ROW("get-master-addr-by-name", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(1)", "Returns the address of a master.")},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_SENTINEL | CMD_ONLY_SENTINEL | CMD_HOME, 0),
     DOC("6.2.0", "sentinel", "O(1)", "Shows what the subcommands do.")},
    {ROW("info-cache", NULL, -3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("3.2.0", "sentinel", "O(N) where N is the number of instances",
         "Returns the INFO replies that Sentinel has kept.")},
    {ROW("is-master-down-by-addr", NULL, 6, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(1)", "Asks whether a master is down.")},
    {ROW("master", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(1)", "Describes a master.")},
    {ROW("masters", NULL, 2, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(N) where N is the number of masters", "Describes all masters that are watched.")},
    {ROW("monitor", NULL, 6, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(1)", "Begins to watch a master.")},
    {ROW("myid", NULL, 2, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("6.2.0", "sentinel", "O(1)", "Returns the id of this Sentinel.")},
    {ROW("pending-scripts", NULL, 2, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", NULL, "Describes the scripts that wait or run.")},
    {ROW("remove", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(1)", "Stops watching a master.")},
    {ROW("replicas", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("5.0.0", "sentinel", "O(N) where N is the number of replicas", "Describes the replicas of a master.")},
    {ROW("reset", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(N) where N is the number of monitored masters",
         "Resets the masters that match a pattern.")},
    {ROW("sentinels", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(N) where N is the number of Sentinels", "Describes the other Sentinels of a master.")},
    {ROW("set", NULL, -5, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "O(1)", "Changes how a master is watched.")},
    {ROW("simulate-failure", NULL, -3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("3.2.0", "sentinel", NULL, "Simulates a crash during failover.")},
    {ROW("slaves", NULL, 3, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.0", "sentinel", "O(N) where N is the number of replicas", "Describes the replicas of a master.")},
    {.name = NULL},
};

struct command sentinel_commands[] = {
    {ROW("sentinel", NULL, -2, CMD_ADMIN | CMD_SENTINEL | CMD_ONLY_SENTINEL, 0),
     DOC("2.8.4", "sentinel", "Depends on subcommand.", "Container of the commands of Sentinel."),
     .subcommands = sentinel_subcommands},
    {.name = NULL},
};
/* clang-format on */
