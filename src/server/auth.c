#include "src/server/auth.h"

#include <string.h>

#include "src/server/commands.h"
#include "src/server/config.h"
#include "src/server/worker.h"

/* Compares without a branch on the content; only the length of what the client sent shows in the time. */
static bool equal_constant_time(struct slice a, struct slice b)
{
    unsigned char different = a.len != b.len;
    for (size_t i = 0; i < a.len; i++)
        different |= (unsigned char)(a.ptr[i] ^ (b.len ? b.ptr[i % b.len] : 0));
    return different == 0;
}

bool auth_login(struct cmd *c, struct slice user, struct slice password)
{
    struct client *client = command_client(c);
    const char *required = client->worker->config->requirepass;
    bool is_default = slice_eq(user, slice_str("default"));
    bool right = required[0] == '\0' || equal_constant_time(password, slice_str(required));
    if (is_default && right) {
        client->authenticated = true;
        return true;
    }
    stat_add(&client->worker->stats.auth_denied, 1);
    reply_error(c->reply, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}
