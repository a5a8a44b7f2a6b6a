#include "src/server/commands.h"

void server_commands_bind(void)
{
    command_bind(client_bindings);
    command_bind(client_kill_bindings);
    command_bind(client_list_bindings);
    command_bind(client_pause_bindings);
    command_bind(config_bindings);
    command_bind(connection_bindings);
    command_bind(debug_bindings);
    command_bind(info_bindings);
    command_bind(keys_bindings);
    command_bind(selftest_bindings);
    command_bind(shutdown_bindings);
}
