/* Commands over the keys of all shards without a hold (design section 4): each shard answers for itself, in slices
 * where that takes long, and the home worker merges. */
#include "shard/entry.h"
#include "src/base/glob.h"
#include "src/base/mem.h"
#include "src/server/ask.h"
#include "src/server/batch.h"
#include "src/server/commands.h"
#include "src/server/durable.h"
#include "src/server/server.h"
#include "src/server/worker.h"

/* ---- KEYS ---- */

enum { KEYS_SLICE_BUCKETS = 256 };

/* What one shard found. Owner: its worker, then the home worker. */
struct keys_part {
    struct reply found;
    uint64_t count;
    uint64_t position; /* to go on from */
};

struct keys_ask {
    struct client *client;
    uint32_t db;
    struct slice pattern; /* bytes are owned */
    bool all;             /* the pattern is "*" */
    struct keys_part part[];
};

struct keys_visit {
    struct keys_ask *keys;
    struct keys_part *part;
};

static void keys_visit_one(void *arg, struct entry *e)
{
    struct keys_visit *v = arg;
    struct slice key = entry_key(e);
    if (!v->keys->all && !glob_match(v->keys->pattern, key, false))
        return;
    reply_bulk_slice(&v->part->found, key);
    v->part->count++;
}

static bool keys_run(struct worker *w, struct ask *a, struct ask_part *part)
{
    struct keys_ask *k = a->arg;
    struct keys_visit v = {k, &k->part[part - a->part]};
    v.part->position =
        keyspace_scan(w->shard.keyspace, k->db, v.part->position, UINT32_MAX, KEYS_SLICE_BUCKETS, keys_visit_one, &v);
    return v.part->position == 0;
}

static void keys_done(struct worker *home, struct ask *a)
{
    struct keys_ask *k = a->arg;
    struct reply *out = &k->client->batch->reply;
    uint64_t count = 0;
    for (uint32_t i = 0; i < a->nparts; i++)
        count += k->part[i].count;
    reply_array(out, (int64_t)count);
    for (uint32_t i = 0; i < a->nparts; i++) {
        reply_append_range(out, &k->part[i].found, 0, k->part[i].found.len);
        reply_deinit(&k->part[i].found);
    }
    struct client *client = k->client;
    mem_free(NULL, (char *)k->pattern.ptr);
    mem_free(NULL, k);
    ask_free(a);
    durable_saw_all(home, &client->wait);
    batch_deferred_done(client);
}

/* KEYS pattern */
static void keys(struct cmd *c)
{
    struct client *client = command_client(c);
    struct keys_ask *k = mem_zalloc(NULL, sizeof *k + c->nshards * sizeof k->part[0]);
    k->client = client;
    k->db = c->db;
    k->all = slice_eq(c->argv[1], slice_str("*"));
    char *pattern = mem_alloc(NULL, c->argv[1].len + 1);
    memcpy(pattern, c->argv[1].ptr, c->argv[1].len);
    k->pattern = slice_of(pattern, c->argv[1].len);
    for (uint32_t i = 0; i < c->nshards; i++)
        reply_init(&k->part[i].found, c->reply->resp);
    batch_defer(client);
    ask_shards(client->worker, keys_run, keys_done, k);
}

/* ---- RANDOMKEY ---- */

struct random_part {
    char *key; /* owned; NULL: none */
    size_t len;
    uint64_t size;
};

struct random_ask {
    struct client *client;
    uint32_t db;
    struct random_part part[];
};

static uint64_t next_random(void *arg) { return worker_random(arg); }

static bool random_run(struct worker *w, struct ask *a, struct ask_part *part)
{
    struct random_ask *r = a->arg;
    struct random_part *p = &r->part[part - a->part];
    struct place place = keyspace_random(w->shard.keyspace, r->db, next_random, w);
    if (!place.entry)
        return true;
    struct slice key = entry_key(place.entry);
    p->key = mem_alloc(NULL, key.len + 1);
    memcpy(p->key, key.ptr, key.len);
    p->len = key.len;
    p->size = keyspace_size(w->shard.keyspace, r->db);
    return true;
}

/* Each shard's key stands for all keys of that shard. */
static const struct random_part *choose(struct worker *home, const struct ask *a)
{
    const struct random_ask *r = a->arg;
    uint64_t total = 0;
    for (uint32_t i = 0; i < a->nparts; i++)
        total += r->part[i].size;
    if (total == 0)
        return NULL;
    uint64_t at = random_below(&home->random, total);
    uint32_t i = 0;
    while (at >= r->part[i].size)
        at -= r->part[i++].size;
    return &r->part[i];
}

static void random_done(struct worker *home, struct ask *a)
{
    struct random_ask *r = a->arg;
    struct client *client = r->client;
    const struct random_part *p = choose(home, a);
    if (p)
        reply_bulk(&client->batch->reply, p->key, p->len);
    else
        reply_null(&client->batch->reply);
    for (uint32_t i = 0; i < a->nparts; i++)
        mem_free(NULL, r->part[i].key);
    mem_free(NULL, r);
    ask_free(a);
    durable_saw_all(home, &client->wait);
    batch_deferred_done(client);
}

/* RANDOMKEY */
static void randomkey(struct cmd *c)
{
    struct client *client = command_client(c);
    struct random_ask *r = mem_zalloc(NULL, sizeof *r + c->nshards * sizeof r->part[0]);
    r->client = client;
    r->db = c->db;
    batch_defer(client);
    ask_shards(client->worker, random_run, random_done, r);
}

/* ---- DBSIZE ---- */

struct size_ask {
    struct client *client;
    uint32_t db;
    _Atomic uint64_t keys;
};

static bool size_run(struct worker *w, struct ask *a, struct ask_part *part)
{
    struct size_ask *s = a->arg;
    (void)part;
    atomic_fetch_add_explicit(&s->keys, keyspace_size(w->shard.keyspace, s->db), memory_order_relaxed);
    return true;
}

static void size_done(struct worker *home, struct ask *a)
{
    struct size_ask *s = a->arg;
    struct client *client = s->client;
    reply_int(&client->batch->reply, (int64_t)atomic_load_explicit(&s->keys, memory_order_relaxed));
    mem_free(NULL, s);
    ask_free(a);
    durable_saw_all(home, &client->wait);
    batch_deferred_done(client);
}

/* DBSIZE. Each shard tells its own, as it would answer a command: a change of which nobody may know yet is not told. */
static void dbsize(struct cmd *c)
{
    struct client *client = command_client(c);
    struct size_ask *s = mem_zalloc(NULL, sizeof *s);
    s->client = client;
    s->db = c->db;
    batch_defer(client);
    ask_shards(client->worker, size_run, size_done, s);
}

const struct command_binding keys_bindings[] = {
    {"keys", keys},
    {"randomkey", randomkey},
    {"dbsize", dbsize},
    {NULL, NULL},
};
