/* The commands that need more than a shard: their handlers lie in this folder and are bound to their rows at start.
 * Rows: src/cmd. In such a handler the client is command_client(c). */
#ifndef SKUA_SERVER_COMMANDS_H
#define SKUA_SERVER_COMMANDS_H

#include "src/cmd/table.h"
#include "src/server/client.h"

extern const struct command_binding client_bindings[];       /* client_commands.c */
extern const struct command_binding client_kill_bindings[];  /* client_kill.c */
extern const struct command_binding client_list_bindings[];  /* client_list.c */
extern const struct command_binding client_pause_bindings[]; /* client_pause.c */
extern const struct command_binding config_bindings[];       /* config_commands.c */
extern const struct command_binding connection_bindings[];   /* connection_commands.c */
extern const struct command_binding debug_bindings[];        /* debug_commands.c */
extern const struct command_binding info_bindings[];         /* info.c */
extern const struct command_binding keys_bindings[];         /* keys_commands.c */
extern const struct command_binding selftest_bindings[];     /* selftest_commands.c */
extern const struct command_binding shutdown_bindings[];     /* shutdown.c */

/* Binds all of them. After command_table_init. */
void server_commands_bind(void);

static inline struct client *command_client(const struct cmd *c) { return c->client; }

#endif
