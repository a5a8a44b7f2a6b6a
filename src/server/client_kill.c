/* CLIENT KILL: every worker closes those of its clients that match. */
#include <stdatomic.h>

#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/cmd/args.h"
#include "src/server/ask.h"
#include "src/server/batch.h"
#include "src/server/client_info.h"
#include "src/server/commands.h"
#include "src/server/worker.h"

/* All that are set have to match. */
struct kill_filter {
    bool by_id, by_type, by_address, by_local_address;
    bool skip_me;
    uint64_t id;
    enum client_type type;
    int64_t age_seconds_min; /* 0: any */
    char address[CLIENT_ADDRESS_BYTES], local_address[CLIENT_ADDRESS_BYTES];
};

struct kill_ask {
    struct client *client; /* who asks */
    struct kill_filter filter;
    bool old_form; /* one address, answered by OK */
    bool myself;   /* it is among those to be closed: after the reply */
    _Atomic uint64_t killed;
};

/* ---- Arguments ---- */

/* One that is longer than any client's is cut, and still longer than any client's. */
static void set_address(char address[static CLIENT_ADDRESS_BYTES], struct slice given)
{
    size_t len = given.len < CLIENT_ADDRESS_BYTES - 1 ? given.len : CLIENT_ADDRESS_BYTES - 1;
    memcpy(address, given.ptr, len);
    address[len] = '\0';
}

static bool parse_id(struct cmd *c, struct slice value, struct kill_filter *f)
{
    int64_t id;
    if (!num_parse_i64(value, &id) || id < 1) {
        reply_error(c->reply, "ERR client-id should be greater than 0");
        return false;
    }
    f->by_id = true;
    f->id = (uint64_t)id;
    return true;
}

static bool parse_age(struct cmd *c, struct slice value, struct kill_filter *f)
{
    if (!num_parse_i64(value, &f->age_seconds_min)) {
        reply_error(c->reply, "ERR maxage is not an integer or out of range");
        return false;
    }
    if (f->age_seconds_min <= 0) {
        reply_error(c->reply, "ERR maxage should be greater than 0");
        return false;
    }
    return true;
}

static bool parse_type(struct cmd *c, struct slice value, struct kill_filter *f)
{
    f->by_type = true;
    if (client_type_parse(value, &f->type))
        return true;
    reply_errorf(c->reply, "ERR Unknown client type '%.*s'", (int)value.len, value.ptr);
    return false;
}

/* Every client is the default user. */
static bool parse_user(struct cmd *c, struct slice value)
{
    if (slice_eq(value, slice_str("default")))
        return true;
    reply_errorf(c->reply, "ERR No such user '%.*s'", (int)value.len, value.ptr);
    return false;
}

static bool parse_filter(struct cmd *c, uint32_t i, struct kill_filter *f)
{
    struct slice name = c->argv[i], value = i + 1 < c->argc ? c->argv[i + 1] : (struct slice){0};
    if (i + 1 == c->argc) {
        reply_syntax_error(c);
        return false;
    }
    if (slice_is(name, "id"))
        return parse_id(c, value, f);
    if (slice_is(name, "maxage"))
        return parse_age(c, value, f);
    if (slice_is(name, "type"))
        return parse_type(c, value, f);
    if (slice_is(name, "user"))
        return parse_user(c, value);
    if (slice_is(name, "addr")) {
        f->by_address = true;
        set_address(f->address, value);
        return true;
    }
    if (slice_is(name, "laddr")) {
        f->by_local_address = true;
        set_address(f->local_address, value);
        return true;
    }
    if (slice_is(name, "skipme") && (slice_is(value, "yes") || slice_is(value, "no"))) {
        f->skip_me = slice_is(value, "yes");
        return true;
    }
    reply_syntax_error(c);
    return false;
}

/* False after an error reply. */
static bool parse(struct cmd *c, struct kill_ask *k)
{
    k->old_form = c->argc == 3;
    if (k->old_form) {
        k->filter.by_address = true;
        set_address(k->filter.address, c->argv[2]);
        return true;
    }
    k->filter.skip_me = true;
    for (uint32_t i = 2; i < c->argc; i += 2)
        if (!parse_filter(c, i, &k->filter))
            return false;
    return true;
}

/* ---- Killing ---- */

static bool matches(const struct kill_ask *k, const struct client *c)
{
    const struct kill_filter *f = &k->filter;
    return !c->conn.closing && (!f->by_address || strcmp(c->address, f->address) == 0) &&
           (!f->by_local_address || strcmp(c->local_address, f->local_address) == 0) &&
           (!f->by_type || client_type_of(c) == f->type) && (!f->by_id || c->id == f->id) &&
           (!f->skip_me || c != k->client) && (f->age_seconds_min == 0 || client_age_seconds(c) >= f->age_seconds_min);
}

static bool kill_run(struct worker *w, struct ask *a, struct ask_part *part)
{
    struct kill_ask *k = a->arg;
    for (struct list *n = w->clients.next; n != &w->clients; n = n->next) {
        struct client *c = container_of(n, struct client, node);
        if (!matches(k, c))
            continue;
        atomic_fetch_add_explicit(&k->killed, 1, memory_order_relaxed);
        if (c == k->client)
            k->myself = true;
        else
            client_close(c);
    }
    return true;
}

static void kill_done(struct worker *home, struct ask *a)
{
    struct kill_ask *k = a->arg;
    struct client *client = k->client;
    struct reply *reply = &client->batch->reply;
    uint64_t killed = atomic_load_explicit(&k->killed, memory_order_relaxed);
    if (!k->old_form)
        reply_int(reply, (int64_t)killed);
    else if (killed > 0)
        reply_ok(reply);
    else
        reply_error(reply, "ERR No such client");
    if (k->myself)
        client_close_after_reply(client);
    mem_free(NULL, k);
    ask_free(a);
    batch_deferred_done(client);
}

/* CLIENT KILL ip:port | [ID client-id] [TYPE NORMAL|MASTER|REPLICA|PUBSUB] [USER username] [ADDR ip:port]
 * [LADDR ip:port] [SKIPME YES|NO] [MAXAGE seconds] ... */
static void client_kill(struct cmd *c)
{
    struct client *client = command_client(c);
    struct kill_ask *k = mem_zalloc(NULL, sizeof *k);
    k->client = client;
    if (!parse(c, k)) {
        mem_free(NULL, k);
        return;
    }
    batch_defer(client);
    ask_workers(client->worker, kill_run, kill_done, k);
}

const struct command_binding client_kill_bindings[] = {{"client|kill", client_kill}, {NULL, NULL}};
