#include "src/server/commands.h"

void server_commands_bind(void)
{
    command_bind(connection_bindings);
    command_bind(debug_bindings);
    command_bind(info_bindings);
    command_bind(keys_bindings);
}
