#include "src/server/batch_parse.h"

#include <stdio.h>

#include "src/base/mem.h"
#include "src/cmd/keys.h"
#include "src/cmd/table.h"
#include "src/server/client.h"
#include "src/server/worker.h"

void batch_reserve_keys(struct batch *b, uint32_t n)
{
    if (b->nkeys + n <= b->keys_cap)
        return;
    b->keys_cap = (b->nkeys + n) * 2;
    b->keys = mem_realloc(NULL, b->keys, b->keys_cap * sizeof *b->keys);
}

static void add_key(struct batch *b, struct slice s) { b->keys[b->nkeys++] = key_make(&b->home->shape, s); }

static void add_found_keys(struct batch *b, const struct request *r, const struct slice *argv)
{
    struct key_position *found = mem_alloc(NULL, r->argc * sizeof *found);
    uint32_t n = command_find_keys(r->row, r->argc, argv, found);
    batch_reserve_keys(b, n);
    for (uint32_t i = 0; i < n; i++)
        add_key(b, argv[found[i].index]);
    mem_free(NULL, found);
}

static void add_keys(struct batch *b, struct request *r)
{
    const struct slice *argv = b->args.v + r->arg_first;
    const struct command *row = r->row;
    switch ((enum key_form)row->key_form) {
    case KEYS_NONE:
        break;
    case KEYS_ONE:
        r->key = key_make(&b->home->shape, argv[row->key_first]);
        r->nkeys = 1;
        return;
    case KEYS_RANGE:
        batch_reserve_keys(b, r->argc);
        for (uint32_t i = (uint32_t)row->key_first; i <= command_last_key(row, r->argc); i += (uint32_t)row->key_step)
            add_key(b, argv[i]);
        break;
    case KEYS_OTHER:
        add_found_keys(b, r, argv);
        break;
    }
    r->nkeys = b->nkeys - r->key_first;
    if (r->nkeys > 0)
        r->key = b->keys[r->key_first];
    if (r->nkeys == 1)
        b->nkeys--;
}

static enum request_route route_by_keys(const struct batch *b, const struct request *r)
{
    const struct key *keys = request_keys(b, r);
    for (uint32_t i = 1; i < r->nkeys; i++)
        if (keys[i].shard != r->key.shard)
            return ROUTE_HOLD;
    return r->row->flags & CMD_FIBER ? ROUTE_HOLD : ROUTE_SHARD;
}

static enum request_route route(struct batch *b, struct request *r)
{
    const struct command *row = r->row;
    if (!row || !row->run || !command_arity_ok(row, r->argc))
        return ROUTE_ERROR;
    if (row->flags & CMD_HOME)
        return ROUTE_HOME;
    if (row->flags & CMD_ALL_SHARDS)
        return b->home->shape.nshards == 1 && !(row->flags & CMD_FIBER) ? ROUTE_SHARD : ROUTE_HOLD;
    if (row->route) {
        r->key.shard = row->route(r->argc, b->args.v + r->arg_first, b->home->shape.nshards);
        return ROUTE_SHARD;
    }
    add_keys(b, r);
    return route_by_keys(b, r);
}

struct request *batch_add(struct batch *b, uint32_t arg_first, uint32_t argc)
{
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 8;
        b->requests = mem_realloc(NULL, b->requests, b->cap * sizeof *b->requests);
    }
    struct request *r = &b->requests[b->count++];
    r->arg_first = arg_first;
    r->argc = argc;
    r->row = argc ? command_of_request(argc, b->args.v + arg_first) : NULL;
    r->in_group = false;
    r->key_first = b->nkeys;
    if (__builtin_expect(r->row && r->row->one_key && command_arity_ok(r->row, argc), 1)) {
        r->key = key_make(&b->home->shape, b->args.v[arg_first + (uint32_t)r->row->key_first]);
        r->nkeys = 1;
        r->route = ROUTE_SHARD;
        return r;
    }
    r->key = (struct key){.shard = b->home->id};
    r->nkeys = 0;
    r->route = route(b, r);
    return r;
}

static void receive_bulk(struct client *c)
{
    char *dst;
    size_t drop;
    size_t left = parse_take_bulk(&c->parser, conn_input(&c->conn), &dst, &drop);
    conn_consume_end(&c->conn, drop);
    conn_receive_bulk(&c->conn, dst, left);
}

/* Why parsing ended, or what is to be done before it goes on. */
static void end_parsing(struct batch *b, enum parse_status status, const struct parse_result *result)
{
    struct client *c = b->client;
    switch (status) {
    case PARSE_COMMAND: /* there are enough */
    case PARSE_MORE:
    case PARSE_EMPTY:
        return;
    case PARSE_BULK:
        receive_bulk(c);
        return;
    case PARSE_ERROR:
        snprintf(c->protocol_error, sizeof c->protocol_error, "%s", result->error);
        conn_read_stop(&c->conn);
        batch_add(b, b->args.n, 0);
        return;
    }
}

void batch_parse(struct batch *b)
{
    struct client *c = b->client;
    struct parse_limits limits = {b->home->limits.proto_max_bulk_len, !client_must_authenticate(c)};
    /* What stands behind an AUTH may be as large as that AUTH allows. */
    uint32_t requests_max = limits.authenticated ? BATCH_REQUESTS_MAX : 1;
    struct parse_result result;
    enum parse_status status = PARSE_MORE;
    struct slice in = b->source = conn_input(&c->conn);
    /* While a bulk is being received into its blob, the parser has no say. */
    if (c->protocol_error[0] || conn_receives_bulk(&c->conn))
        return;
    while (b->count < requests_max && in.len > 0) {
        uint32_t first = b->args.n;
        status = parse_next(&c->parser, in, &limits, &b->args, &b->blobs, &result);
        if (status == PARSE_COMMAND)
            batch_add(b, first, result.argc);
        else if (status == PARSE_EMPTY && b->count == 0)
            client_take_silence(c); /* as in Redis it is what CLIENT REPLY SKIP skips; so it has to take its turn */
        else
            break;
        in.ptr += result.consumed;
        in.len -= result.consumed;
    }
    conn_consume(&c->conn, (size_t)(in.ptr - b->source.ptr));
    end_parsing(b, status, &result);
}

static bool is_in(struct slice source, const char *p) { return p >= source.ptr && p <= source.ptr + source.len; }

/* Bytes of the input on their way into the batch. */
struct relocation {
    struct slice source;
    const char *from;
    char *to;
};

/* All strings lie in the input but those in blobs. */
static inline const char *relocated(const struct relocation *m, const char *p, bool blobs)
{
    return !blobs || is_in(m->source, p) ? m->to + (p - m->from) : p;
}

static inline __attribute__((always_inline)) void relocate_all(struct batch *b, const struct relocation *m,
                                                               uint32_t arg_first, uint32_t arg_end, bool blobs)
{
    for (uint32_t i = arg_first; i < arg_end; i++)
        b->args.v[i].ptr = relocated(m, b->args.v[i].ptr, blobs);
    for (uint32_t i = b->stage_first; i < b->count; i++)
        if (b->requests[i].nkeys > 0)
            b->requests[i].key.ptr = relocated(m, b->requests[i].key.ptr, blobs);
    for (uint32_t i = b->requests[b->stage_first].key_first; i < b->nkeys; i++)
        b->keys[i].ptr = relocated(m, b->keys[i].ptr, blobs);
}

/* Mostly there are no blobs. */
static void relocate(struct batch *b, const struct relocation *m, uint32_t arg_first, uint32_t arg_end)
{
    if (b->blobs.n == 0)
        relocate_all(b, m, arg_first, arg_end, false);
    else
        relocate_all(b, m, arg_first, arg_end, true);
}

void batch_copy_source(struct batch *b)
{
    const struct slice source = b->source, *v = b->args.v;
    uint32_t first = b->requests[b->stage_first].arg_first, end = b->args.n;
    b->source = (struct slice){0};
    if (!source.ptr)
        return;
    /* Arguments lie in the order in which they came. */
    while (first < end && !is_in(source, v[first].ptr))
        first++;
    while (first < end && !is_in(source, v[end - 1].ptr))
        end--;
    if (first == end)
        return;
    size_t len = (size_t)(v[end - 1].ptr + v[end - 1].len - v[first].ptr);
    if (!b->bytes || len > b->bytes_cap) {
        mem_free(NULL, b->bytes);
        b->bytes_cap = mem_good_size(len);
        b->bytes = mem_alloc(NULL, b->bytes_cap);
    }
    memcpy(b->bytes, v[first].ptr, len);
    relocate(b, &(struct relocation){source, v[first].ptr, b->bytes}, first, end);
}
