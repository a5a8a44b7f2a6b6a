/* CLIENT: what a connection says and asks about itself. Those that look at other connections are in client_list.c and
 * client_kill.c, CLIENT PAUSE in client_pause.c. */
#include "src/cmd/args.h"
#include "src/server/client_info.h"
#include "src/server/commands.h"

/* CLIENT ID */
static void client_id(struct cmd *c) { reply_int(c->reply, (int64_t)command_client(c)->id); }

/* CLIENT GETNAME */
static void client_getname(struct cmd *c)
{
    const char *name = command_client(c)->name;
    if (name)
        reply_bulk_str(c->reply, name);
    else
        reply_null(c->reply);
}

/* CLIENT SETNAME connection-name */
static void client_setname(struct cmd *c)
{
    if (!client_name_valid(c->argv[2])) {
        reply_error(c->reply, "ERR Client names cannot contain spaces, newlines or special characters.");
        return;
    }
    client_set_text(&command_client(c)->name, c->argv[2]);
    reply_ok(c->reply);
}

/* CLIENT SETINFO LIB-NAME libname | LIB-VER libver */
static void client_setinfo(struct cmd *c)
{
    struct client *client = command_client(c);
    struct slice option = c->argv[2];
    char **field = slice_is(option, "lib-name")  ? &client->lib_name
                   : slice_is(option, "lib-ver") ? &client->lib_ver
                                                 : NULL;
    if (!field) {
        reply_errorf(c->reply, "ERR Unrecognized option '%.*s'", (int)option.len, option.ptr);
    } else if (!client_name_valid(c->argv[3])) {
        reply_errorf(c->reply, "ERR %.*s cannot contain spaces, newlines or special characters.", (int)option.len,
                     option.ptr);
    } else {
        client_set_text(field, c->argv[3]);
        reply_ok(c->reply);
    }
}

/* CLIENT INFO */
static void client_info(struct cmd *c)
{
    struct reply line;
    reply_init(&line, 2);
    client_print_line(command_client(c), &line);
    reply_verbatim(c->reply, line.buf, line.len, "txt");
    reply_deinit(&line);
}

/* CLIENT NO-TOUCH ON|OFF */
static void client_no_touch(struct cmd *c)
{
    bool on = slice_is(c->argv[2], "on");
    if (!on && !slice_is(c->argv[2], "off")) {
        reply_syntax_error(c);
        return;
    }
    command_client(c)->no_touch = on;
    reply_ok(c->reply);
}

/* CLIENT REPLY ON|OFF|SKIP. What is written while replies are off is dropped by the batch. */
static void client_reply(struct cmd *c)
{
    struct client *client = command_client(c);
    if (slice_is(c->argv[2], "on")) {
        client->reply_mode = REPLY_ON;
        reply_ok(c->reply);
    } else if (slice_is(c->argv[2], "off")) {
        client->reply_mode = REPLY_OFF;
    } else if (slice_is(c->argv[2], "skip")) {
        if (client->reply_mode != REPLY_OFF)
            client->reply_mode = REPLY_SKIP_NEXT;
    } else {
        reply_syntax_error(c);
    }
}

const struct command_binding client_bindings[] = {
    {"client|id", client_id},           {"client|getname", client_getname},
    {"client|setname", client_setname}, {"client|setinfo", client_setinfo},
    {"client|info", client_info},       {"client|no-touch", client_no_touch},
    {"client|reply", client_reply},     {NULL, NULL},
};
