/* The rows of each family of commands, ended by one without name. Used by table.c alone. */
#ifndef SKUA_CMD_FAMILIES_H
#define SKUA_CMD_FAMILIES_H

#include "src/cmd/command.h"

extern struct command acl_commands[], bitmap_commands[], cluster_commands[], command_commands[], connection_commands[],
    database_commands[], dump_commands[], expire_commands[], scan_commands[], generic_commands[], geo_commands[],
    geo_search_commands[], hash_commands[], hyperloglog_commands[], list_commands[], observe_commands[],
    persistence_commands[], pubsub_commands[], replication_commands[], script_commands[], sentinel_commands[],
    server_commands[], set_commands[], sort_commands[], stream_commands[], string_commands[], transaction_commands[],
    zset_commands[], zset_combine_commands[], zset_pop_commands[], zset_range_commands[];

#endif
