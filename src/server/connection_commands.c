/* The connection family: what a client says about itself and its connection (PING, AUTH, HELLO, SELECT, ...). CLIENT
 * and its subcommands have a file of their own. */
#include <stdio.h>

#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/cmd/args.h"
#include "src/server/auth.h"
#include "src/server/commands.h"
#include "src/server/config.h"
#include "src/server/server.h"
#include "src/server/version.h"
#include "src/server/worker.h"

/* PING [message] */
static void ping(struct cmd *c)
{
    if (c->argc > 2)
        command_reply_arity(c->reply, c->row);
    else if (c->argc == 1)
        reply_status(c->reply, "PONG");
    else
        reply_bulk_slice(c->reply, c->argv[1]);
}

/* ECHO message */
static void echo(struct cmd *c) { reply_bulk_slice(c->reply, c->argv[1]); }

/* SELECT index */
static void select_db(struct cmd *c)
{
    if (arg_database(c, 1, &command_client(c)->db))
        reply_ok(c->reply);
}

/* AUTH [username] password */
static void auth(struct cmd *c)
{
    struct client *client = command_client(c);
    const char *password = client->worker->config->requirepass;
    if (c->argc > 3) {
        reply_error(c->reply, "ERR syntax error");
        return;
    }
    if (c->argc == 2 && password[0] == '\0') {
        reply_error(c->reply, "ERR AUTH <password> called without any password configured for the default user. Are "
                              "you sure your configuration is correct?");
        return;
    }
    struct slice user = c->argc == 3 ? c->argv[1] : slice_str("default");
    if (auth_login(c, user, c->argv[c->argc - 1]))
        reply_ok(c->reply);
}

/* ---- HELLO ---- */

struct hello {
    int resp; /* 0: not given */
    struct slice user, password, name;
    bool has_auth, has_name;
};

/* False after an error reply. */
static bool parse_hello(struct cmd *c, struct hello *h)
{
    int64_t version;
    if (c->argc == 1)
        return true;
    if (!num_parse_i64(c->argv[1], &version)) {
        reply_error(c->reply, "ERR Protocol version is not an integer or out of range");
        return false;
    }
    if (version < 2 || version > 3) {
        reply_error(c->reply, "NOPROTO unsupported protocol version");
        return false;
    }
    h->resp = (int)version;
    for (uint32_t i = 2; i < c->argc; i++) {
        uint32_t more = c->argc - 1 - i;
        if (slice_is(c->argv[i], "AUTH") && more >= 2) {
            h->has_auth = true;
            h->user = c->argv[i + 1];
            h->password = c->argv[i + 2];
            i += 2;
        } else if (slice_is(c->argv[i], "SETNAME") && more >= 1) {
            h->has_name = true;
            h->name = c->argv[++i];
            if (!client_name_valid(h->name)) {
                reply_error(c->reply, "ERR Client names cannot contain spaces, newlines or special characters.");
                return false;
            }
        } else {
            reply_errorf(c->reply, "ERR Syntax error in HELLO option '%.*s'",
                         (int)(c->argv[i].len < 128 ? c->argv[i].len : 128), c->argv[i].ptr);
            return false;
        }
    }
    return true;
}

static void reply_hello(struct cmd *c, const struct client *client)
{
    reply_map(c->reply, 7);
    reply_bulk_str(c->reply, "server");
    reply_bulk_str(c->reply, "redis");
    reply_bulk_str(c->reply, "version");
    reply_bulk_str(c->reply, REDIS_VERSION);
    reply_bulk_str(c->reply, "proto");
    reply_int(c->reply, client->resp);
    reply_bulk_str(c->reply, "id");
    reply_int(c->reply, (int64_t)client->id);
    reply_bulk_str(c->reply, "mode");
    reply_bulk_str(c->reply, "standalone");
    reply_bulk_str(c->reply, "role");
    reply_bulk_str(c->reply, "master");
    reply_bulk_str(c->reply, "modules");
    reply_array(c->reply, 0);
}

/* HELLO [protover [AUTH username password] [SETNAME clientname]] */
static void hello(struct cmd *c)
{
    struct client *client = command_client(c);
    struct hello h = {0};
    if (!parse_hello(c, &h))
        return;
    if (h.has_auth && !auth_login(c, h.user, h.password))
        return;
    if (client_must_authenticate(client)) {
        reply_error(c->reply, "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "
                              "<proto> AUTH <user> <pass> option can be used to authenticate the client and select the "
                              "RESP protocol version at the same time");
        return;
    }
    if (h.has_name)
        client_set_text(&client->name, h.name);
    if (h.resp)
        client->resp = (uint8_t)h.resp;
    c->reply->resp = client->resp;
    reply_hello(c, client);
}

/* QUIT */
static void quit(struct cmd *c)
{
    reply_ok(c->reply);
    client_close_after_reply(command_client(c));
}

/* RESET */
static void reset(struct cmd *c)
{
    struct client *client = command_client(c);
    client->db = 0;
    client->resp = 2;
    if (client->reply_mode != REPLY_SKIP) /* which is about the reply to this RESET */
        client->reply_mode = REPLY_ON;
    client->no_touch = false;
    client->authenticated = !client_password_is_set(client);
    client_set_text(&client->name, (struct slice){0});
    c->reply->resp = 2;
    reply_status(c->reply, "RESET");
}

/* TIME */
static void time_now(struct cmd *c)
{
    int64_t us = io_wall_us(command_client(c)->worker->io);
    reply_array(c->reply, 2);
    reply_bulk_int(c->reply, us / 1000000);
    reply_bulk_int(c->reply, us % 1000000);
}

const struct command_binding connection_bindings[] = {
    {"ping", ping}, {"echo", echo},   {"select", select_db}, {"auth", auth}, {"hello", hello},
    {"quit", quit}, {"reset", reset}, {"time", time_now},    {NULL, NULL},
};
