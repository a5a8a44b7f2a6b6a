/* DEBUG: for those who develop and test. Runs on a fiber that holds all shards, except what changes the control plane.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "shard/entry.h"
#include "shard/shard.h"
#include "src/base/glob.h"
#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/cmd/help.h"
#include "src/server/batch.h"
#include "src/server/commands.h"
#include "src/server/control.h"
#include "src/server/digest.h"
#include "src/server/worker.h"

enum { DIGEST_SLICE_BUCKETS = 512 };

/* The bare string of argv[i]: handlers of DEBUG read numbers as strtod and atoi do, like Redis. */
static double argument_double(const struct cmd *c, uint32_t i)
{
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(c->argv[i].len < 63 ? c->argv[i].len : 63), c->argv[i].ptr);
    return strtod(text, NULL);
}

/* DEBUG SLEEP seconds */
static void debug_sleep(struct cmd *c)
{
    struct worker *w = command_client(c)->worker;
    double seconds = argument_double(c, 2);
    uint64_t ns = seconds > 0 ? (uint64_t)(seconds < 1e6 ? seconds * 1e9 : 1e15) : 0;
    uint64_t end = io_now_ns(w->io) + ns;
    while (io_now_ns(w->io) < end)
        worker_yield_until(w, end);
    reply_ok(c->reply);
}

/* ---- OBJECT ---- */

/* Bytes of an RDB string of len, uncompressed: its length field and itself. */
static size_t rdb_string_bytes(size_t len)
{
    return len + (len < 64 ? 1 : len < 16384 ? 2 : len <= UINT32_MAX ? 5 : 9);
}

static void add_rdb_bytes(void *arg, struct slice first, struct slice second)
{
    *(size_t *)arg += rdb_string_bytes(first.len) + (second.len ? rdb_string_bytes(second.len) : 0);
}

static size_t rdb_value_bytes(const struct entry *e)
{
    if (e->type == TYPE_STREAM) /* it is written as the nodes that it is made of */
        return value_memory(entry_typed_value(e));
    if (e->type != TYPE_STRING) {
        size_t bytes = 0;
        value_each(entry_typed_value(e), add_rdb_bytes, &bytes);
        return bytes;
    }
    char int_buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice s = entry_string(e, int_buf, &blob);
    if (e->encoding == ENC_INT) {
        int64_t v = entry_int(e);
        if (v >= INT8_MIN && v <= INT8_MAX)
            return 2;
        if (v >= INT16_MIN && v <= INT16_MAX)
            return 3;
        if (v >= INT32_MIN && v <= INT32_MAX)
            return 5;
    }
    return rdb_string_bytes(s.len);
}

static struct place peek(const struct cmd *c, struct slice name, struct key *key)
{
    struct worker *w = command_client(c)->worker;
    *key = key_make(&w->shape, name);
    return keyspace_peek(c->shards[key->shard]->keyspace, c->db, key);
}

/* DEBUG OBJECT key */
static void debug_object(struct cmd *c)
{
    struct key key;
    struct place p = peek(c, c->argv[2], &key);
    if (!p.entry) {
        reply_error(c->reply, "ERR no such key");
        return;
    }
    const struct entry *e = p.entry;
    uint32_t now = (uint32_t)(c->now_ms / 1000);
    char text[256];
    snprintf(text, sizeof text, "Value at:%p refcount:%d encoding:%s serializedlength:%zu lru:%u lru_seconds_idle:%u",
             (const void *)e, entry_refcount(e), encoding_name(e->encoding), rdb_value_bytes(e), e->access & 0xffffff,
             now - e->access);
    reply_status(c->reply, text);
}

/* ---- DIGEST ---- */

struct digest_walk {
    struct digest sum; /* XOR over keys */
    uint64_t keys;
};

static void digest_entry(void *arg, struct entry *e)
{
    struct digest_walk *walk = arg;
    struct digest d = {0};
    struct slice key = entry_key(e);
    digest_mix(&d, key.ptr, key.len);
    digest_value(&d, e);
    digest_xor(&walk->sum, d.bytes, DIGEST_BYTES);
    walk->keys++;
}

/* All keys of one database, on all shards. */
static void digest_database(struct cmd *c, uint32_t db, struct digest_walk *walk)
{
    for (uint32_t s = 0; s < c->nshards; s++) {
        uint64_t position = 0;
        do {
            position = keyspace_scan(c->shards[s]->keyspace, db, position, UINT32_MAX, DIGEST_SLICE_BUCKETS,
                                     digest_entry, walk);
            cmd_give_way(c);
        } while (position != 0);
    }
}

/* DEBUG DIGEST */
static void debug_digest(struct cmd *c)
{
    struct digest total = {0};
    for (uint32_t db = 0; (db = shards_next_database(c->shards, c->nshards, db)) != DATABASE_NONE; db++) {
        struct digest_walk walk = {0};
        digest_database(c, db, &walk);
        if (walk.keys == 0)
            continue;
        uint32_t id = htonl(db);
        digest_mix(&total, &id, sizeof id);
        for (int i = 0; i < DIGEST_BYTES; i++)
            total.bytes[i] ^= walk.sum.bytes[i];
    }
    char text[2 * DIGEST_BYTES + 1];
    digest_text(&total, text);
    reply_status(c->reply, text);
}

/* DEBUG DIGEST-VALUE [key ...] */
static void debug_digest_values(struct cmd *c)
{
    reply_array(c->reply, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        struct digest d = {0};
        struct key key;
        struct place p = peek(c, c->argv[i], &key);
        if (p.entry)
            digest_value(&d, p.entry);
        char text[2 * DIGEST_BYTES + 1];
        digest_text(&d, text);
        reply_status(c->reply, text);
    }
}

/* ---- Others ---- */

/* DEBUG STRINGMATCH-LEN length pattern: matches that many letters a against the pattern. */
static void debug_stringmatch(struct cmd *c)
{
    int64_t len;
    if (!num_parse_i64(c->argv[2], &len) || len < 0 || len > c->limits->proto_max_bulk_len) {
        reply_error(c->reply, "ERR value is not an integer or out of range");
        return;
    }
    char *text = mem_alloc(NULL, (size_t)len + 1);
    memset(text, 'a', (size_t)len);
    reply_int(c->reply, glob_match(c->argv[3], slice_of(text, (size_t)len), false));
    mem_free(NULL, text);
}

/* DEBUG ERROR string */
static void debug_error(struct cmd *c) { reply_error_slice(c->reply, c->argv[2]); }

struct expire_change {
    struct control_change change;
    struct client *client;
    bool on;
};

static bool expire_apply(struct worker *w0, struct control_change *change, struct control_state *next)
{
    next->expire_active = container_of(change, struct expire_change, change)->on;
    return true;
}

static void expire_done(struct worker *home, struct control_change *change)
{
    struct expire_change *e = container_of(change, struct expire_change, change);
    struct client *client = e->client;
    reply_ok(&client->batch->reply);
    mem_free(NULL, e);
    batch_deferred_done(client);
}

/* DEBUG SET-ACTIVE-EXPIRE 0|1 */
static void debug_set_active_expire(struct cmd *c)
{
    struct client *client = command_client(c);
    struct expire_change *e = mem_zalloc(NULL, sizeof *e);
    e->change.apply = expire_apply;
    e->change.done = expire_done;
    e->client = client;
    e->on = argument_double(c, 2) != 0;
    batch_defer(client);
    control_submit(client->worker, &e->change);
}

static const char *const debug_help[] = {
    "DIGEST",
    "    Output a hex signature representing the current DB content.",
    "DIGEST-VALUE <key> [<key> ...]",
    "    Output a hex signature of the values of all the specified keys.",
    "ERROR <string>",
    "    Return a Redis protocol error with <string> as message. Useful for clients",
    "    unit tests to simulate Redis errors.",
    "OBJECT <key>",
    "    Show low level info about `key` and associated value.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    Setting it to 0 disables expiring keys in background when they are not",
    "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
    "    default.",
    "SLEEP <seconds>",
    "    Stop the server for <seconds>. Decimals allowed.",
    "STRINGMATCH-LEN <len> <pattern>",
    "    Run pattern against a string of <len> letters a.",
    NULL,
};

static void debug_show_help(struct cmd *c) { help_reply(c->reply, c->row->name, debug_help); }

static const struct debug_subcommand {
    const char *name;
    uint32_t argc; /* 0: any */
    command_fn *run;
} subcommands[] = {
    {"sleep", 3, debug_sleep},
    {"object", 3, debug_object},
    {"digest", 2, debug_digest},
    {"digest-value", 0, debug_digest_values},
    {"stringmatch-len", 4, debug_stringmatch},
    {"error", 3, debug_error},
    {"set-active-expire", 3, debug_set_active_expire},
    {"help", 2, debug_show_help},
};

/* DEBUG subcommand [argument ...] */
static void debug(struct cmd *c)
{
    for (unsigned i = 0; i < sizeof subcommands / sizeof subcommands[0]; i++) {
        const struct debug_subcommand *s = &subcommands[i];
        if (slice_is(c->argv[1], s->name) && (s->argc == 0 || s->argc == c->argc)) {
            s->run(c);
            return;
        }
    }
    struct slice name = c->argv[1];
    reply_errorf(c->reply, "ERR unknown subcommand or wrong number of arguments for '%.*s'. Try DEBUG HELP.",
                 (int)(name.len < 128 ? name.len : 128), name.ptr);
}

const struct command_binding debug_bindings[] = {
    {"debug", debug},
    {NULL, NULL},
};
