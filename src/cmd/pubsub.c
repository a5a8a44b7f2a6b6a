/* Commands that publish and subscribe. */
#include "src/cmd/families.h"
#include "src/cmd/row.h"

/* clang-format off */
static struct command pubsub_subcommands[] = {
    {ROW("channels", NULL, -2, CMD_PUBSUB | CMD_LOADING | CMD_STALE, 0),
     DOC("2.8.0", "pubsub",
         "O(N) where N is the number of active channels, and assuming constant time pattern matching (relatively "
         "short channels and patterns)",
         "Lists the channels that have listeners.")},
    {ROW("help", NULL, 2, CMD_LOADING | CMD_STALE | CMD_HOME, 0),
     DOC("6.2.0", "pubsub", "O(1)", "Shows what the subcommands do.")},
    {ROW("numpat", NULL, 2, CMD_PUBSUB | CMD_LOADING | CMD_STALE, 0),
     DOC("2.8.0", "pubsub", "O(1)", "Counts the patterns that are listened to.")},
    {ROW("numsub", NULL, -2, CMD_PUBSUB | CMD_LOADING | CMD_STALE, 0),
     DOC("2.8.0", "pubsub", "O(N) for the NUMSUB subcommand, where N is the number of requested channels",
         "Counts the listeners of channels.")},
    {ROW("shardchannels", NULL, -2, CMD_PUBSUB | CMD_LOADING | CMD_STALE, 0),
     DOC("7.0.0", "pubsub",
         "O(N) where N is the number of active shard channels, and assuming constant time pattern matching "
         "(relatively short shard channels).",
         "Lists the sharded channels that have listeners.")},
    {ROW("shardnumsub", NULL, -2, CMD_PUBSUB | CMD_LOADING | CMD_STALE, 0),
     DOC("7.0.0", "pubsub",
         "O(N) for the SHARDNUMSUB subcommand, where N is the number of requested shard channels",
         "Counts the listeners of sharded channels.")},
    {.name = NULL},
};

struct command pubsub_commands[] = {
    {ROW("psubscribe", NULL, -2, CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("2.0.0", "pubsub", "O(N) where N is the number of patterns the client is already subscribed to.",
         "Listens to channels that match patterns.")},
    {ROW("publish", NULL, 3, CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE | CMD_SENTINEL |
         CMD_SIGNAL, 0),
     DOC("2.0.0", "pubsub",
         "O(N+M) where N is the number of clients subscribed to the receiving channel and M is the total number of "
         "subscribed patterns (by any client).",
         "Sends a message to a channel.")},
    {ROW("pubsub", NULL, -2, 0, 0),
     DOC("2.8.0", "pubsub", "Depends on subcommand.", "Container of the commands about channels."),
     .subcommands = pubsub_subcommands},
    {ROW("punsubscribe", NULL, -1, CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("2.0.0", "pubsub",
         "O(N+M) where N is the number of patterns the client is already subscribed and M is the number of total "
         "patterns subscribed in the system (by any client).",
         "Stops listening to patterns.")},
    {ROW("spublish", NULL, 3, CMD_PUBSUB | CMD_LOADING | CMD_STALE | CMD_FAST | CMD_MAY_REPLICATE | CMD_SIGNAL, 0),
     .keys = {KEY_AT(1, KEY_NOT_KEY)},
     DOC("7.0.0", "pubsub",
         "O(N) where N is the number of clients subscribed to the receiving shard channel.",
         "Sends a message to a sharded channel.")},
    {ROW("ssubscribe", NULL, -2, CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     .keys = {KEY_RANGE(1, -1, 1, KEY_NOT_KEY)},
     DOC("7.0.0", "pubsub", "O(N) where N is the number of shard channels to subscribe to.",
         "Listens to sharded channels.")},
    {ROW("subscribe", NULL, -2, CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("2.0.0", "pubsub", "O(N) where N is the number of channels to subscribe to.", "Listens to channels.")},
    {ROW("sunsubscribe", NULL, -1, CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE, 0),
     .keys = {KEY_RANGE(1, -1, 1, KEY_NOT_KEY)},
     DOC("7.0.0", "pubsub", "O(N) where N is the number of clients already subscribed to a shard channel.",
         "Stops listening to sharded channels.")},
    {ROW("unsubscribe", NULL, -1, CMD_PUBSUB | CMD_NOSCRIPT | CMD_LOADING | CMD_STALE | CMD_SENTINEL, 0),
     DOC("2.0.0", "pubsub", "O(N) where N is the number of clients already subscribed to a channel.",
         "Stops listening to channels.")},
    {.name = NULL},
};
/* clang-format on */
