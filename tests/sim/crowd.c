#include "tests/sim/crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

enum { PIPELINE_MAX = 6, ARGS_MAX = 8, WORD_BYTES_MAX = 32, MEMBERS = 8, FIELDS = 5 };

static const uint64_t POLL_NS = 200 * 1000;
/* After a connection was lost its requests may still run for so long. */
static const uint64_t SETTLE_NS = 50 * 1000 * 1000;

/* What a reply tells: nothing of use; that the batch with its tokens is there; that a command on the same keys is; that
 * the SREM of the member that it popped is; the values of the keys. */
enum tells { TELLS_NOTHING, TELLS_TOKEN, TELLS_COMMAND, TELLS_POPPED, TELLS_VALUES };

/* What may be drawn, and how often. k a key of a string, c of a counter, s of a set, h of a hash, l of a list, t a
 * token (a word that no other command has, as a value), e a member of sets, f a field, d another database, m
 * milliseconds; words of one command differ. Everything else is literal. */
static const struct shape {
    const char *text;
    uint32_t weight;
    enum tells tells;
    const char *effect; /* of TELLS_COMMAND: its name in the journal; NULL: its own */
} shapes[] = {
    {"SET k t", 20, TELLS_TOKEN, NULL},
    {"SET k t PX m", 6, TELLS_TOKEN, NULL},
    {"SET k t KEEPTTL", 2, TELLS_TOKEN, NULL},
    {"SET k t XX", 2, TELLS_TOKEN, NULL},
    {"MSET k t k t", 12, TELLS_TOKEN, NULL},
    {"MSET k t k t k t", 4, TELLS_TOKEN, NULL},
    {"INCR c", 10, TELLS_VALUES, NULL},
    {"DEL k", 2, TELLS_COMMAND, NULL},
    {"DEL k k", 3, TELLS_COMMAND, NULL},
    {"DEL c", 1, TELLS_COMMAND, NULL},
    {"PEXPIRE k m", 5, TELLS_COMMAND, "PEXPIREAT"},
    {"PERSIST k", 3, TELLS_COMMAND, NULL},
    {"RENAME k k", 6, TELLS_COMMAND, NULL},
    {"RENAME c c", 1, TELLS_COMMAND, NULL},
    {"COPY k k", 2, TELLS_COMMAND, NULL},
    {"COPY k k REPLACE", 5, TELLS_COMMAND, NULL},
    {"COPY k k DB d REPLACE", 4, TELLS_COMMAND, NULL},
    {"MOVE k d", 5, TELLS_COMMAND, NULL},
    {"SWAPDB d d", 2, TELLS_COMMAND, NULL},
    {"FLUSHDB", 1, TELLS_COMMAND, NULL},
    {"FLUSHALL", 1, TELLS_COMMAND, NULL},
    {"GET k", 12, TELLS_VALUES, NULL},
    {"GET c", 2, TELLS_VALUES, NULL},
    {"MGET k k k", 8, TELLS_VALUES, NULL},
    {"SADD s e", 10, TELLS_COMMAND, NULL},
    {"SADD s e e e", 4, TELLS_COMMAND, NULL},
    {"SREM s e", 3, TELLS_COMMAND, NULL},
    {"SPOP s", 5, TELLS_POPPED, NULL},
    {"SMOVE s s e", 10, TELLS_COMMAND, NULL},
    {"SUNIONSTORE s s s", 3, TELLS_COMMAND, NULL},
    {"SINTERSTORE s s s", 2, TELLS_COMMAND, NULL},
    {"SDIFFSTORE s s s", 3, TELLS_COMMAND, NULL},
    {"SMEMBERS s", 10, TELLS_VALUES, NULL},
    {"HSET h f t", 6, TELLS_TOKEN, NULL},
    {"HMSET h f t f t", 6, TELLS_TOKEN, NULL},
    {"HINCRBY h n 1", 5, TELLS_COMMAND, NULL},
    {"HDEL h f", 3, TELLS_COMMAND, NULL},
    {"HGETALL h", 10, TELLS_VALUES, NULL},
    {"RPUSH l t", 5, TELLS_TOKEN, NULL},
    {"LPUSH l t t", 3, TELLS_TOKEN, NULL},
    {"LPOP l", 6, TELLS_COMMAND, NULL},
    {"RPOP l 2", 3, TELLS_NOTHING, NULL},
    {"LMOVE l l LEFT RIGHT", 5, TELLS_COMMAND, NULL},
    {"LTRIM l 0 3", 5, TELLS_NOTHING, NULL},
    {"LRANGE l 0 -1", 10, TELLS_VALUES, NULL},
    {"RENAME l l", 1, TELLS_COMMAND, NULL},
    {"PEXPIRE l m", 1, TELLS_COMMAND, "PEXPIREAT"},
    {"PEXPIRE s m", 2, TELLS_COMMAND, "PEXPIREAT"},
    {"PEXPIRE h m", 2, TELLS_COMMAND, "PEXPIREAT"},
    {"DEL s h", 1, TELLS_COMMAND, NULL},
    {"RENAME s s", 2, TELLS_COMMAND, NULL},
    {"COPY h h REPLACE", 2, TELLS_COMMAND, NULL},
    {"MOVE s d", 2, TELLS_COMMAND, NULL},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* A request that is under way. */
struct op {
    const struct shape *shape;
    uint32_t db;
    uint32_t argc; /* behind the name */
    uint32_t keys; /* of the arguments; the first ones, if it tells of commands or values */
    char words[ARGS_MAX][WORD_BYTES_MAX];
    char token[WORD_BYTES_MAX]; /* its first one */
};

/* What a client has sent at once. */
struct pipeline {
    struct op ops[PIPELINE_MAX];
    uint32_t n;
    uint32_t from;       /* the last item of the past when it was sent */
    uint32_t generation; /* of the policy then */
};

int64_t crowd_now_ms(const struct crowd *c) { return io_wall_us(c->world->io[0]) / 1000; }

/* ---- Requests ---- */

static void choose_mix(struct crowd *c, struct random *r)
{
    c->weights = mem_zalloc(NULL, SHAPES * sizeof c->weights[0]);
    c->weight_sum = 0;
    for (uint32_t i = 0; i < SHAPES; i++) {
        uint32_t luck = chance_below(r, 4);
        c->weights[i] = luck == 0 && i > 0 ? 0 : shapes[i].weight * (luck == 1 ? 3 : 1);
        c->weight_sum += c->weights[i];
    }
}

static const struct shape *draw_shape(const struct crowd *c, struct random *r)
{
    uint32_t at = chance_below(r, c->weight_sum), i = 0;
    while (at >= c->weights[i])
        at -= c->weights[i++];
    return &shapes[i];
}

static bool is_used(const struct op *op, const char *word)
{
    for (uint32_t i = 0; i < op->argc; i++)
        if (strcmp(op->words[i], word) == 0)
            return true;
    return false;
}

/* A key with a number of [from, end) that no argument before it is. */
static void fill_key(struct random *r, struct op *op, uint32_t from, uint32_t end)
{
    char *out = op->words[op->argc];
    do
        snprintf(out, WORD_BYTES_MAX, "k%u", chance_between(r, from, end - 1));
    while (is_used(op, out));
    op->keys++;
}

/* Writes what the word stands for as the next argument. */
static void fill_word(const struct crowd *c, uint32_t client, uint32_t number, struct op *op, struct slice word)
{
    struct random *r = (struct random *)&c->randoms[client];
    char *out = op->words[op->argc];
    switch (word.len == 1 ? word.ptr[0] : '\0') {
    case 'k':
        fill_key(r, op, 0, PAST_COUNTERS);
        break;
    case 'c':
        fill_key(r, op, PAST_COUNTERS, PAST_SETS);
        break;
    case 's':
        fill_key(r, op, PAST_SETS, PAST_HASHES);
        break;
    case 'h':
        fill_key(r, op, PAST_HASHES, PAST_LISTS);
        break;
    case 'l':
        fill_key(r, op, PAST_LISTS, PAST_KEYS);
        break;
    case 'e':
        do
            snprintf(out, WORD_BYTES_MAX, "%u", chance_below(r, MEMBERS));
        while (is_used(op, out));
        break;
    case 'f':
        do
            snprintf(out, WORD_BYTES_MAX, "f%u", chance_below(r, FIELDS));
        while (is_used(op, out));
        break;
    case 't':
        snprintf(out, WORD_BYTES_MAX, "t%u.%u.%u.%u", c->life, client, number, op->argc);
        if (!op->token[0])
            memcpy(op->token, out, sizeof op->token);
        break;
    case 'd':
        do
            snprintf(out, WORD_BYTES_MAX, "%u", chance_below(r, PAST_DATABASES));
        while (is_used(op, out));
        break;
    case 'm':
        snprintf(out, WORD_BYTES_MAX, "%u", chance_between(r, 1, chance_percent(r, 50) ? 50 : 3000));
        break;
    default:
        snprintf(out, WORD_BYTES_MAX, "%.*s", (int)word.len, word.ptr);
    }
    op->argc++;
}

/* Values get what stands behind their colon here. */
static void put_op(const struct crowd *c, struct random *r, const struct op *op, struct bytes *out)
{
    struct bytes values[ARGS_MAX] = {0};
    struct slice argv[1 + ARGS_MAX] = {slice_of(op->shape->text, strcspn(op->shape->text, " "))};
    for (uint32_t i = 0; i < op->argc; i++) {
        argv[1 + i] = slice_str(op->words[i]);
        if (op->words[i][0] != 't' || chance_percent(r, 50))
            continue;
        uint64_t n = random_below(r, c->filler_bytes_max);
        bytes_put(&values[i], op->words[i], argv[1 + i].len);
        bytes_put(&values[i], ":", 1);
        bytes_reserve(&values[i], n);
        memset(values[i].ptr + values[i].len, 'x', n);
        argv[1 + i] = slice_of(values[i].ptr, values[i].len + n);
    }
    resp_put_command(out, 1 + op->argc, argv);
    for (uint32_t i = 0; i < op->argc; i++)
        bytes_free(&values[i]);
}

static void make_op(const struct crowd *c, uint32_t client, uint32_t number, uint32_t db, struct op *op)
{
    *op = (struct op){.shape = draw_shape(c, (struct random *)&c->randoms[client]), .db = db};
    const char *word = op->shape->text;
    for (word += strcspn(word, " "); *word; word += strcspn(word, " ")) {
        word++;
        fill_word(c, client, number, op, slice_of(word, strcspn(word, " ")));
    }
}

/* ---- Replies ---- */

static bool says_yes(struct slice reply)
{
    return reply.ptr[0] == '+' || (reply.ptr[0] == ':' && reply.ptr[1] > '0') ||
           (reply.ptr[0] == '$' && reply.ptr[1] != '-');
}

/* The bulk at *p, which goes on behind it. False: it is nil. */
static bool take_bulk(const char **p, struct slice *value)
{
    char *end;
    ASSERT(**p == '$');
    long len = strtol(*p + 1, &end, 10);
    *value = slice_of(end + 2, len < 0 ? 0 : (size_t)len);
    *p = len < 0 ? end + 2 : value->ptr + len + 2;
    return len >= 0;
}

/* The value of a key that holds no string, from the array of all that is in it. */
static uint32_t take_collection(struct values *values, enum kind kind, const char *p)
{
    struct collection all = {.kind = kind};
    struct slice first, second;
    char *texts[COLLECTION_MAX], *end;
    ASSERT(*p == '*');
    long n = strtol(p + 1, &end, 10);
    p = end + 2;
    for (long i = 0; i < n; i += kind == KIND_HASH ? 2 : 1) {
        take_bulk(&p, &first);
        texts[all.n] = NULL;
        if (kind == KIND_HASH) {
            take_bulk(&p, &second);
            ASSERT(asprintf(&texts[all.n], "%.*s=%.*s", (int)first.len, first.ptr, (int)second.len, second.ptr) > 0);
            first = slice_str(texts[all.n]);
        }
        if (kind == KIND_LIST)
            collection_insert(&all, all.n, first);
        else
            ASSERT(collection_add(&all, first));
    }
    uint32_t number = collection_number(&all, values);
    for (uint32_t i = 0; i < all.n; i++)
        free(texts[i]);
    return number;
}

/* The values of n keys, from the one with that number on: a bulk, several, a number, or all that is in one of them.
 * False: an error. */
static bool take_values(struct values *values, uint32_t key, struct slice reply, uint32_t n, uint32_t *told)
{
    const char *p = reply.ptr;
    struct slice value;
    if (*p == '-')
        return false;
    if (past_kind(key) != KIND_STRING) {
        told[0] = take_collection(values, past_kind(key), p);
        return true;
    }
    if (*p == ':') {
        told[0] = values_number(values, slice_of(p + 1, reply.len - 3));
        return true;
    }
    if (*p == '*')
        p = (const char *)memchr(p, '\n', reply.len) + 1;
    for (uint32_t i = 0; i < n; i++)
        told[i] = take_bulk(&p, &value) ? values_number(values, value) : VALUE_NONE;
    return true;
}

static uint32_t key_number(const struct op *op, uint32_t i) { return (uint32_t)atoi(op->words[i] + 1); }

/* The item that made what was read, or UINT32_MAX if there is no state that shows it. */
static uint32_t find_values(const struct crowd *c, const struct pipeline *p, const struct op *op, uint32_t to,
                            const uint32_t *told)
{
    int64_t now_ms = crowd_now_ms(c);
    for (uint32_t q = p->from; q <= to; q++) {
        uint32_t made = 0, i = 0;
        for (; i < op->keys; i++) {
            uint32_t cell = op->db * PAST_KEYS + key_number(op, i);
            if (!past_shows(&c->past->items[q].state.cells[cell], told[i], now_ms))
                break;
            uint32_t since = past_shown_since(c->past, q, cell, told[i], now_ms);
            made = since > made ? since : made;
        }
        if (i == op->keys)
            return made;
    }
    return UINT32_MAX;
}

/* The item that the reply tells of; 0: it tells of nothing; UINT32_MAX: it is wrong. */
static uint32_t find_told(const struct crowd *c, const struct pipeline *p, const struct op *op, struct slice reply)
{
    uint32_t to = past_last(c->past), found = 0, told[ARGS_MAX];
    struct slice argv[ARGS_MAX];
    const char *bulk = reply.ptr;
    if (op->shape->tells == TELLS_VALUES) {
        bool good = take_values(&c->past->values, key_number(op, 0), reply, op->keys, told);
        return good ? find_values(c, p, op, to, told) : 0;
    }
    if (op->shape->tells == TELLS_NOTHING || !says_yes(reply))
        return 0;
    switch (op->shape->tells) {
    case TELLS_POPPED:
        argv[0] = slice_str(op->words[0]);
        take_bulk(&bulk, &argv[1]);
        found = past_find_command(c->past, p->from, to, op->db, "SREM", NULL, 2, argv);
        break;
    case TELLS_TOKEN:
        found = past_find_word(c->past, p->from, to, op->token);
        break;
    default:
        for (uint32_t i = 0; i < op->argc; i++)
            argv[i] = slice_str(op->words[i]);
        char name[WORD_BYTES_MAX];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(op->shape->text, " "), op->shape->text);
        /* What expires at once is deleted. */
        found = past_find_command(c->past, p->from, to, op->db, op->shape->effect ? op->shape->effect : name,
                                  op->shape->effect ? "DEL" : NULL, op->shape->effect ? 1 : op->argc, argv);
    }
    return found <= to ? found : UINT32_MAX;
}

static void complain(struct crowd *c, const struct pipeline *p, const struct op *op, struct slice reply)
{
    uint32_t to = past_last(c->past);
    c->failed = true;
    fprintf(stderr, "no state of the past explains this reply, items %u to %u: database %u, %.*s", p->from, to, op->db,
            (int)strcspn(op->shape->text, " "), op->shape->text);
    for (uint32_t i = 0; i < op->argc; i++)
        fprintf(stderr, " %s", op->words[i]);
    fprintf(stderr, " -> %.*s\n", reply.len < 200 ? (int)reply.len : 200, reply.ptr);
    past_print(c->past, p->from > 10 ? p->from - 10 : 0, to);
}

static void check(struct crowd *c, const struct pipeline *p, const struct op *op, struct slice reply)
{
    uint32_t told = find_told(c, p, op, reply);
    if (told == UINT32_MAX)
        complain(c, p, op, reply);
    else if (told > 0)
        promises_add(c->promises, told, p->generation, sim_now_ns(c->world->sim));
    c->checked += told > 0;
}

/* ---- Clients ---- */

/* False: the connection was lost. */
static bool play(struct crowd *c, struct caller *caller, uint32_t client, uint32_t first, struct pipeline *p)
{
    struct random *r = &c->randoms[client];
    struct bytes out = {0};
    struct slice reply;
    char select[WORD_BYTES_MAX];
    uint32_t db = chance_below(r, PAST_DATABASES);
    snprintf(select, sizeof select, "SELECT %u", db);
    resp_put_text(&out, select);
    p->n = chance_between(r, 1, PIPELINE_MAX);
    for (uint32_t i = 0; i < p->n; i++) {
        make_op(c, client, first + i, db, &p->ops[i]);
        put_op(c, r, &p->ops[i], &out);
    }
    p->from = past_last(c->past);
    p->generation = c->promises->generation;
    bool good = caller_connect(caller) && caller_send(caller, &out) && caller_reply(caller, &reply);
    bytes_free(&out);
    for (uint32_t i = 0; i < p->n && good; i++) {
        good = caller_reply(caller, &reply);
        if (!good)
            break;
        c->replies++;
        if (!c->untracked && !c->failed)
            check(c, p, &p->ops[i], reply);
    }
    return good;
}

static void client_task(void *arg)
{
    struct crowd **place = arg, *c = *place;
    uint32_t client = (uint32_t)(place - c->clients);
    struct random *r = &c->randoms[client];
    struct pipeline p;
    struct caller caller;
    caller_init(&caller, &world_transport, c->world, WORLD_PORT);
    uint32_t nops = chance_between(r, 1, c->ops_max);
    for (uint32_t first = 0; first < nops && !c->failed; first += p.n) {
        while (c->paused)
            sim_sleep_ns(c->world->sim, POLL_NS);
        c->busy++;
        if (!play(c, &caller, client, first, &p))
            caller_close(&caller, false);
        c->busy--;
        if (chance_percent(r, 50))
            sim_sleep_ns(c->world->sim, sim_random(c->world->sim, c->sleep_ns_max));
    }
    caller_close(&caller, false);
    c->left--;
}

void crowd_begin(struct crowd *c, struct random *random, uint32_t n)
{
    ASSERT(n <= CROWD_MAX);
    choose_mix(c, random);
    c->left = n;
    for (uint32_t i = 0; i < n; i++) {
        c->clients[i] = c;
        random_init(&c->randoms[i], random_u64(random));
        sim_spawn(c->world->sim, SIM_CLIENT, "client", client_task, &c->clients[i]);
    }
}

void crowd_free(struct crowd *c) { mem_free(NULL, c->weights); }

void crowd_pause(struct crowd *c)
{
    c->paused = true;
    while (c->busy > 0)
        sim_sleep_ns(c->world->sim, POLL_NS);
    sim_sleep_ns(c->world->sim, SETTLE_NS);
}

void crowd_resume(struct crowd *c) { c->paused = false; }

/* ---- Questions of the test ---- */

bool crowd_command(struct world *world, const char *text)
{
    struct caller c;
    struct slice reply;
    caller_init(&c, &world_transport, world, WORLD_PORT);
    while (!caller_connect(&c) || !caller_command(&c, text, &reply))
        caller_close(&c, false);
    bool good = reply.ptr[0] != '-';
    if (!good)
        fprintf(stderr, "%s: %.*s", text, (int)reply.len, reply.ptr);
    caller_close(&c, false);
    return good;
}

/* What is asked of each database: all strings at once, what is in each other key, and all deadlines. */
static void put_questions(struct bytes *out)
{
    static const char *const readers[] = {[KIND_SET] = "SMEMBERS", [KIND_HASH] = "HGETALL", [KIND_LIST] = "LRANGE"};
    char text[PAST_SETS * 4 + 8];
    for (uint32_t db = 0; db < PAST_DATABASES; db++) {
        snprintf(text, sizeof text, "SELECT %u", db);
        resp_put_text(out, text);
        int n = snprintf(text, sizeof text, "MGET");
        for (uint32_t i = 0; i < PAST_SETS; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, " k%u", i);
        resp_put_text(out, text);
        for (uint32_t i = PAST_SETS; i < PAST_KEYS; i++) {
            snprintf(text, sizeof text, "%s k%u%s", readers[past_kind(i)], i, past_kind(i) == KIND_LIST ? " 0 -1" : "");
            resp_put_text(out, text);
        }
        for (uint32_t i = 0; i < PAST_KEYS; i++) {
            snprintf(text, sizeof text, "PEXPIRETIME k%u", i);
            resp_put_text(out, text);
        }
    }
}

/* False: the connection was lost. */
static bool take_answers(struct caller *c, struct values *values, struct past_state *state)
{
    struct slice reply;
    uint32_t told[PAST_KEYS];
    for (uint32_t db = 0; db < PAST_DATABASES; db++) {
        struct past_cell *cells = &state->cells[db * PAST_KEYS];
        if (!caller_reply(c, &reply))
            return false;
        for (uint32_t i = 0; i < PAST_KEYS; i = i == 0 ? PAST_SETS : i + 1) {
            if (!caller_reply(c, &reply))
                return false;
            ASSERT(take_values(values, i, reply, PAST_SETS, &told[i]));
        }
        for (uint32_t i = 0; i < PAST_KEYS; i++) {
            if (!caller_reply(c, &reply))
                return false;
            int64_t deadline_ms = strtoll(reply.ptr + 1, NULL, 10);
            if (deadline_ms >= -1 && told[i] != VALUE_NONE) /* else it has expired meanwhile */
                cells[i] = (struct past_cell){told[i], deadline_ms};
        }
    }
    return true;
}

void crowd_read_state(struct crowd *c, struct past_state *state)
{
    struct caller caller;
    caller_init(&caller, &world_transport, c->world, WORLD_PORT);
    for (bool good = false; !good;) {
        struct bytes out = {0};
        *state = (struct past_state){0};
        put_questions(&out);
        good = caller_connect(&caller) && caller_send(&caller, &out) && take_answers(&caller, &c->past->values, state);
        bytes_free(&out);
        caller_close(&caller, false);
    }
}
