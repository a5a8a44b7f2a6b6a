/* What workers give to the journal, in the simulator: random writes of all kinds run on a server whose journal is a
 * tape in memory, while time passes and keys expire. Then
 *  - a second server that is fed the tape has the same data, deadlines included: nothing is missing, nothing stands in
 *    the wrong place;
 *  - each batch on the tape begins with SELECT, counts its commands, and was appended while whoever appended it had all
 *    the shards of its keys; a transaction is one batch;
 *  - no reply of a write, or with a value of it, was seen before the tape was declared written (or, where replies wait
 *    for more, synced) up to it, which happens late and in jumps, and all replies were seen in the end.
 *
 * The second server's clock runs behind every deadline on the tape, so that keys go there only where the tape says so;
 * therefore clients of the first one begin after a minute of nothing.
 *
 *   journal_sim [--worlds N] [--seed N]
 *
 * A world that fails is run again with --worlds 1 --seed N. A run of the usual length or more first shows that bugs are
 * found, by worlds whose server has one (planted.h). The last line says how much was done, for tests/run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shard/effects.h"
#include "shard/journal_sink.h"
#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/cmd/keys.h"
#include "src/cmd/table.h"
#include "src/server/worker.h"
#include "tests/serial/chance.h"
#include "tests/sim/picture.h"
#include "tests/sim/planted.h"
#include "tests/sim/world.h"

enum {
    WORLDS_USUAL = 1000,
    CLIENTS_MAX = 6,
    OPS_MAX = 200, /* of a client */
    PIPELINE_MAX = 8,
    ARGS_MAX = 16,
    WORD_BYTES_MAX = 24,
    KEYS = 10,
    DATABASES = 4,
    RESET_RATE = 2000, /* per million sends, in worlds that have resets */
    TAKING_BACK_WORLDS_MIN = 100,
};

static const uint64_t MS = 1000 * 1000, SECOND = 1000 * MS, REST = 60 * SECOND;

/* What may be drawn, and how often. k, h, e and l keys, mostly of strings, hashes, sets and lists; t a token (a word
 * that no other command has), n a small integer, d a database, s seconds, m milliseconds, S and M the same as points in
 * time, around now. Everything else is literal. DEBUG SLEEP holds all shards on a fiber, which gives the loop back
 * meanwhile.
 */
static const struct shape {
    const char *text;
    uint32_t weight;
} shapes[] = {
    {"SET k t", 8},
    {"SET k t EX s", 2},
    {"SET k t PX m", 5},
    {"SET k t EXAT S", 2},
    {"SET k t PXAT M", 3},
    {"SET k t KEEPTTL", 4},
    {"SET k t NX", 3},
    {"SET k t NX PX m", 3},
    {"SET k t XX", 2},
    {"SET k t XX GET", 1},
    {"SET k t GET PX m", 1},
    {"SETNX k t", 2},
    {"SETEX k s t", 1},
    {"PSETEX k m t", 2},
    {"GETSET k t", 2},
    {"MSET k t k t", 6},
    {"MSET t t k t", 2},
    {"MSETNX k t t t", 4},
    {"MSETNX t t t t", 2},
    {"APPEND k t", 4},
    {"SETRANGE k n t", 3},
    {"SET k n", 6},
    {"SET k n PX m", 2},
    {"INCR k", 6},
    {"INCRBY k n", 3},
    {"DECR k", 2},
    {"DECRBY k n", 2},
    {"INCRBYFLOAT k 0.1", 3},
    {"GETEX k", 1},
    {"GETEX k EX s", 1},
    {"GETEX k PX m", 3},
    {"GETEX k EXAT S", 1},
    {"GETEX k PXAT M", 2},
    {"GETEX k PERSIST", 2},
    {"GETDEL k", 2},
    {"EXPIRE k s", 2},
    {"EXPIRE k -1", 1},
    {"EXPIREAT k S", 1},
    {"PEXPIREAT k M", 2},
    {"PEXPIREAT k M XX", 1},
    {"PEXPIRE k m", 5},
    {"PEXPIRE k m NX", 2},
    {"PEXPIRE k m GT", 2},
    {"PEXPIRE k m LT", 2},
    {"PERSIST k", 3},
    {"RENAME k k", 5},
    {"RENAME k t", 1},
    {"RENAMENX k k", 3},
    {"COPY k k", 3},
    {"COPY k k REPLACE", 4},
    {"COPY k k DB d", 2},
    {"COPY k k DB d REPLACE", 3},
    {"COPY k t DB d", 1},
    {"MOVE k d", 5},
    {"SWAPDB d d", 2},
    {"FLUSHDB", 1},
    {"FLUSHALL ASYNC", 1},
    {"DEL k k t", 3},
    {"DEL k", 3},
    {"UNLINK k k", 2},
    {"SELECT d", 6},
    {"GET k", 4},
    {"MGET k k k", 3},
    {"EXISTS k k", 2},
    {"TTL k", 1},
    {"RANDOMKEY", 2},
    {"KEYS *", 1},
    {"SCAN 0 COUNT 100", 2},
    {"DBSIZE", 1},
    {"LCS k k LEN", 1},
    {"GETRANGE k 0 3", 1},
    {"RPUSH l n t", 4},
    {"LMOVE l x LEFT RIGHT", 2},
    {"SORT l ALPHA GET k* STORE x", 3},
    {"SORT x ALPHA STORE l", 1},
    {"SORT_RO l ALPHA GET k*", 3},
    {"LRANGE x 0 -1", 2},
    {"DEBUG SLEEP 0.002", 2},
    {"HSET h n t", 6},
    {"HSET h n t n t n t", 3},
    {"HSETNX h n t", 2},
    {"HDEL h n n", 4},
    {"HINCRBY h i n", 3},
    {"HINCRBYFLOAT h f 0.1", 3},
    {"HGET h n", 2},
    {"HGETALL h", 2},
    {"SADD e t", 4},
    {"SADD e n n t t", 3},
    {"SADD e n n", 4},
    {"SREM e n n", 3},
    {"SPOP e", 4},
    {"SPOP e n", 4},
    {"SMOVE e e n", 4},
    {"SMEMBERS e", 2},
    {"SDIFF e e", 1},
    {"SUNIONSTORE e e e", 4},
    {"SINTERSTORE e e e", 2},
    {"SDIFFSTORE e e e", 2},
    {"LPUSH l t", 4},
    {"RPUSH l t t t", 4},
    {"LPUSHX l t", 2},
    {"LPOP l", 4},
    {"RPOP l n", 2},
    {"LMOVE l l LEFT RIGHT", 3},
    {"RPOPLPUSH l l", 3},
    {"LMPOP 2 l l LEFT COUNT 2", 3},
    {"LSET l 0 t", 2},
    {"LINSERT l AFTER n t", 2},
    {"LREM l 0 n", 1},
    {"LTRIM l 0 n", 3},
    {"LRANGE l 0 -1", 3},
    {"PEXPIRE l m", 3},
    {"RENAME l l", 2},
    {"PEXPIRE h m", 3},
    {"PEXPIRE e m", 3},
    {"RENAME h h", 2},
    {"RENAME e h", 1},
    {"COPY h h REPLACE", 2},
    {"COPY e e DB d REPLACE", 2},
    {"MOVE e d", 2},
    {"DEL h e", 2},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

/* The journal. Appending is one step of the simulation: nobody else runs meanwhile. */
struct tape {
    struct journal_sink sink;
    struct world *world;
    struct bytes bytes;
    uint64_t position_of[CLIENTS_MAX][OPS_MAX]; /* of the batch with that operation's token; 0: none */
    bool answered[CLIENTS_MAX][OPS_MAX];        /* the client has seen that operation's reply */
    uint64_t batches, commands;
};

/* A world, its clients and its journal. */
struct trial {
    struct random random;
    struct world world;
    struct tape tape;
    struct trial *clients[CLIENTS_MAX]; /* a task finds its number by where its argument points */
    struct random randoms[CLIENTS_MAX];
    uint32_t weights[SHAPES], weight_sum;
    uint32_t left;        /* clients that have not finished */
    uint64_t safe_ns_max; /* longest time between two moves of the safe position */
    uint64_t sleep_ns_max;
    bool replay_refused; /* the second server answered an error */
};

struct totals {
    uint64_t worlds, batches, commands, replies, values, takebacks;
};

static struct totals totals;

/* The tape */

/* Whoever appends a command has all shards of its keys, and needs a transaction for more than its own. */
static void check_shards(const struct tape *t, uint32_t executor, bool atomic, uint32_t argc, const struct slice *argv)
{
    const struct server *server = t->world->server;
    const struct key_space_shape *shape = &server->workers[0]->shape;
    const struct command *row = command_of_request(argc, argv);
    ASSERT(row && row->flags & CMD_WRITE);
    bool all = command_needs_all_shards(row, argc, argv);
    for (uint32_t s = 0; all && s < server->nworkers; s++) {
        ASSERT(server->shards[s]->user == executor);
        ASSERT(atomic || server->nworkers == 1);
    }
    struct key_position keys[ARGS_MAX];
    uint32_t nkeys = command_find_keys(row, argc, argv, keys);
    for (uint32_t i = 0; i < nkeys; i++) {
        uint32_t shard = key_make(shape, argv[keys[i].index]).shard;
        ASSERT(server->shards[shard]->user == executor);
        ASSERT(atomic || shard == executor);
    }
}

static void note_tokens(struct tape *t, uint32_t argc, const struct slice *argv, uint64_t position)
{
    for (uint32_t i = 1; i < argc; i++) {
        char text[WORD_BYTES_MAX];
        unsigned client, op;
        snprintf(text, sizeof text, "%.*s", (int)(argv[i].len < sizeof text ? argv[i].len : 0), argv[i].ptr);
        if (sscanf(text, "t%u.%u.", &client, &op) == 2 && t->position_of[client][op] == 0) {
            ASSERT(!t->answered[client][op]);
            t->position_of[client][op] = position;
        }
    }
}

static uint64_t tape_append(struct journal_sink *self, uint32_t shard, struct effects *e, bool atomic)
{
    struct tape *t = container_of(self, struct tape, sink);
    uint64_t position = atomic_load(&self->queued) + 1;
    uint32_t argc, n = 0;
    struct slice bytes = slice_of(e->buf, e->len);
    struct slice argv[ARGS_MAX];
    for (struct slice rest = bytes; rest.len;) {
        rest = resp_take_command(rest, ARGS_MAX, &argc, argv);
        bool select = slice_is(argv[0], "select");
        ASSERT(select || rest.ptr > bytes.ptr);
        if (select)
            continue;
        n++;
        check_shards(t, shard, atomic, argc, argv);
        note_tokens(t, argc, argv, position);
    }
    resp_take_command(bytes, ARGS_MAX, &argc, argv);
    ASSERT(slice_is(argv[0], "select") && n == e->commands && n > 0);
    bytes_put(&t->bytes, bytes.ptr, bytes.len);
    effects_deinit(e);
    t->batches++;
    t->commands += n;
    atomic_store(&self->queued, position);
    return position;
}

static void tape_print(const struct tape *t)
{
    uint32_t argc;
    struct slice argv[ARGS_MAX];
    fprintf(stderr, "the tape:\n");
    for (struct slice rest = slice_of(t->bytes.ptr, t->bytes.len); rest.len;) {
        rest = resp_take_command(rest, ARGS_MAX, &argc, argv);
        for (uint32_t i = 0; i < argc; i++)
            fprintf(stderr, "%.*s%c", (int)argv[i].len, argv[i].ptr, i + 1 < argc ? ' ' : '\n');
    }
}

/* Moves position on, to limit or less. */
static void move(struct trial *t, _Atomic uint64_t *position, uint64_t limit)
{
    uint64_t at = atomic_load(position), behind = limit - at;
    if (sim_random(t->world.sim, 2))
        behind = sim_random(t->world.sim, behind + 1);
    atomic_store(position, at + behind);
}

/* Declares the tape written and synced, late and in jumps, for as long as clients wait for it. */
static void safe_task(void *arg)
{
    struct trial *t = arg;
    struct journal_sink *sink = &t->tape.sink;
    while (t->left > 0) {
        sim_sleep_ns(t->world.sim, sim_random(t->world.sim, t->safe_ns_max));
        move(t, &sink->written, atomic_load(&sink->queued));
        if (sim_random(t->world.sim, 2))
            move(t, &sink->synced, atomic_load(&sink->written));
    }
}

/* Clients */

/* Some kinds of commands are left out of each world, and some come up more; those that empty databases are rare. */
static void choose_mix(struct trial *t)
{
    for (uint32_t i = 0; i < SHAPES; i++) {
        uint32_t luck = chance_below(&t->random, 4);
        t->weights[i] = luck == 0 ? 0 : shapes[i].weight * (luck == 1 ? 3 : 1);
        t->weight_sum += t->weights[i];
    }
    t->weight_sum += t->weights[0] ? 0 : 1;
    t->weights[0] += t->weights[0] ? 0 : 1;
}

static const char *draw_shape(struct trial *t, struct random *r)
{
    uint32_t at = chance_below(r, t->weight_sum), i = 0;
    while (at >= t->weights[i])
        at -= t->weights[i++];
    return shapes[i].text;
}

/* Writes what the word stands for; number tells the tokens of one operation apart. */
static struct slice fill_word(struct trial *t, uint32_t client, uint32_t op, uint32_t number, struct slice word,
                              char out[static WORD_BYTES_MAX])
{
    struct random *r = &t->randoms[client];
    int64_t now_ms = t->world.server->workers[0]->now_ms;
    int n = 0;
    if (word.len != 1)
        return word;
    switch (word.ptr[0]) {
    case 'k':
    case 'h':
    case 'e':
    case 'l':
        n = snprintf(out, WORD_BYTES_MAX, "%c%u", word.ptr[0], chance_below(r, KEYS));
        break;
    case 't':
        n = snprintf(out, WORD_BYTES_MAX, "t%u.%u.%u", client, op, number);
        break;
    case 'n':
        n = snprintf(out, WORD_BYTES_MAX, "%u", chance_below(r, 9));
        break;
    case 'd':
        n = snprintf(out, WORD_BYTES_MAX, "%u", chance_below(r, DATABASES));
        break;
    case 's':
        n = snprintf(out, WORD_BYTES_MAX, "%u", chance_between(r, 1, 2));
        break;
    case 'm':
        n = snprintf(out, WORD_BYTES_MAX, "%u", chance_between(r, 1, 40));
        break;
    case 'S':
        n = snprintf(out, WORD_BYTES_MAX, "%" PRId64, now_ms / 1000 + chance_below(r, 3));
        break;
    case 'M':
        n = snprintf(out, WORD_BYTES_MAX, "%" PRId64, now_ms - 5 + chance_below(r, 40));
        break;
    default:
        return word;
    }
    return slice_of(out, (size_t)n);
}

static void put_op(struct trial *t, uint32_t client, uint32_t op, struct bytes *out)
{
    char words[ARGS_MAX][WORD_BYTES_MAX];
    struct slice argv[ARGS_MAX];
    uint32_t argc = 0;
    for (const char *word = draw_shape(t, &t->randoms[client]);; word++) {
        size_t len = strcspn(word, " ");
        ASSERT(argc < ARGS_MAX);
        argv[argc] = fill_word(t, client, op, argc, slice_of(word, len), words[argc]);
        argc++;
        word += len;
        if (!*word)
            break;
    }
    resp_put_command(out, argc, argv);
}

/* Up to where replies may tell what is on the tape. */
static uint64_t safe_position(const struct tape *t)
{
    return atomic_load(atomic_load(&t->sink.strict) ? &t->sink.synced : &t->sink.written);
}

/* The tokens in what was read are on the tape, and may be told. */
static void check_values(const struct tape *t, struct slice reply)
{
    const char *end = reply.ptr + reply.len;
    for (const char *p = reply.ptr; (p = memchr(p, 't', (size_t)(end - p))); p++) {
        char text[WORD_BYTES_MAX];
        unsigned client, op;
        int n = 0;
        snprintf(text, sizeof text, "%.*s", (int)((size_t)(end - p) < sizeof text ? end - p : WORD_BYTES_MAX), p);
        if (sscanf(text, "t%u.%u.%n", &client, &op, &n) < 2 || n == 0)
            continue;
        ASSERT(t->position_of[client][op] != 0);
        ASSERT(t->position_of[client][op] <= safe_position(t));
        totals.values++;
    }
}

/* Sends operations [first, end) and looks whether their replies come when they may. False: the connection was lost. */
static bool play_pipeline(struct trial *t, struct caller *c, uint32_t client, uint32_t first, uint32_t end)
{
    struct bytes out = {0};
    for (uint32_t i = first; i < end; i++)
        put_op(t, client, i, &out);
    bool good = caller_connect(c) && caller_send(c, &out);
    bytes_free(&out);
    for (uint32_t i = first; i < end && good; i++) {
        struct slice reply;
        good = caller_reply(c, &reply);
        if (!good)
            break;
        ASSERT(t->tape.position_of[client][i] <= safe_position(&t->tape));
        check_values(&t->tape, reply);
        t->tape.answered[client][i] = true;
        totals.replies++;
    }
    return good;
}

/* Nothing goes to the tape from here on: keys that are due stay. */
static void stop_expiry(struct trial *t)
{
    struct caller c;
    struct slice reply;
    caller_init(&c, &world_transport, &t->world, WORLD_PORT);
    do { /* until the connection is not broken */
        caller_close(&c, false);
        ASSERT(caller_connect(&c));
    } while (!caller_command(&c, "DEBUG SET-ACTIVE-EXPIRE 0", &reply));
    ASSERT(slice_eq(reply, slice_str("+OK\r\n")));
    caller_close(&c, false);
}

static void client_task(void *arg)
{
    struct trial **place = arg, *t = *place;
    uint32_t client = (uint32_t)(place - t->clients);
    struct random *r = &t->randoms[client];
    struct caller c;
    caller_init(&c, &world_transport, &t->world, WORLD_PORT);
    sim_sleep_ns(t->world.sim, REST);
    uint32_t nops = chance_between(r, 1, OPS_MAX);
    for (uint32_t first = 0, end; first < nops; first = end) {
        end = first + chance_between(r, 1, PIPELINE_MAX);
        end = end < nops ? end : nops;
        if (!play_pipeline(t, &c, client, first, end))
            caller_close(&c, false);
        if (chance_percent(r, 50))
            sim_sleep_ns(t->world.sim, sim_random(t->world.sim, t->sleep_ns_max));
    }
    caller_close(&c, false);
    if (t->left == 1)
        stop_expiry(t);
    t->left--;
}

/* The second server */

/* Sends the tape and looks whether all of it is taken; commands bounds how much is under way. */
static void replay_task(void *arg)
{
    enum { COMMANDS_MAX = 50 };
    struct trial *t = arg;
    struct slice rest = slice_of(t->tape.bytes.ptr, t->tape.bytes.len), argv[ARGS_MAX];
    struct caller c;
    caller_init(&c, &world_transport, &t->world, WORLD_PORT);
    ASSERT(caller_connect(&c));
    while (rest.len) {
        struct bytes out = {0};
        uint32_t argc, n = 0;
        struct slice reply;
        for (; rest.len && n < COMMANDS_MAX; n++) {
            rest = resp_take_command(rest, ARGS_MAX, &argc, argv);
            resp_put_command(&out, argc, argv);
        }
        ASSERT(caller_send(&c, &out));
        bytes_free(&out);
        for (; n > 0; n--) {
            ASSERT(caller_reply(&c, &reply));
            if (reply.ptr[0] != '-')
                continue;
            fprintf(stderr, "the tape is not taken: %.*s\n", (int)reply.len, reply.ptr);
            t->replay_refused = true;
        }
    }
    caller_close(&c, false);
}

/* Worlds */

static void trial_init(struct trial *t, uint64_t seed)
{
    memset(t, 0, sizeof *t);
    random_init(&t->random, seed);
    struct sim_config sim = {
        .seed = random_u64(&t->random),
        .reset_rate = chance_percent(&t->random, 25) ? RESET_RATE : 0,
        .switch_rate = chance_percent(&t->random, 50) ? chance_between(&t->random, 1, 500) : 0,
        .delay_ns_max = chance_percent(&t->random, 50) ? chance_between(&t->random, 1, 1000 * 1000) : 0,
    };
    if (chance_percent(&t->random, 20)) /* workers so slow that others take their shards back */
        sim.step_ns_max = chance_between(&t->random, 100 * 1000, 1000 * 1000);
    int order = chance_percent(&t->random, 50) ? PIPELINE_ORDER_STRICT : PIPELINE_ORDER_RELAXED;
    world_init(&t->world, &sim, chance_between(&t->random, 1, WORLD_WORKERS_MAX), order, random_u64(&t->random));
    t->world.config->enable_debug_command = ALLOWED_YES;
    t->tape.world = &t->world;
    t->tape.sink.append = tape_append;
    atomic_store(&t->tape.sink.strict, chance_percent(&t->random, 50));
    for (uint32_t i = 0; i < t->world.nworkers; i++)
        atomic_store(&t->world.server->shards[i]->journal, &t->tape.sink);
    choose_mix(t);
    t->safe_ns_max = chance_percent(&t->random, 80) ? 2 * MS : 300 * MS;
    t->sleep_ns_max = chance_percent(&t->random, 80) ? 10 * MS : SECOND;
    t->left = chance_between(&t->random, 1, CLIENTS_MAX);
    for (uint32_t i = 0; i < t->left; i++) {
        t->clients[i] = t;
        random_init(&t->randoms[i], random_u64(&t->random));
        sim_spawn(t->world.sim, SIM_CLIENT, "client", client_task, &t->clients[i]);
    }
    sim_spawn(t->world.sim, SIM_CLIENT, "safe", safe_task, t);
}

/* Puts a new server into the trial, runs the tape on it and takes its picture. */
static bool replay(struct trial *t, int64_t now_ms, struct picture *picture)
{
    struct sim_config sim = {.seed = random_u64(&t->random)};
    world_init(&t->world, &sim, chance_between(&t->random, 1, WORLD_WORKERS_MAX), PIPELINE_ORDER_RELAXED,
               random_u64(&t->random));
    sim_spawn(t->world.sim, SIM_CLIENT, "replay", replay_task, t);
    *picture = (struct picture){0};
    if (sim_run(t->world.sim) != SIM_DONE)
        return false;
    ASSERT(sim_now_ns(t->world.sim) < REST);
    picture_take(picture, t->world.server, DATABASES, now_ms);
    return !t->replay_refused;
}

static bool run_world(uint64_t seed)
{
    struct trial *t = mem_alloc(NULL, sizeof *t);
    struct picture there, again;
    trial_init(t, seed);
    if (sim_run(t->world.sim) != SIM_DONE) { /* it may not be in a state that can be taken down: leave it */
        fprintf(stderr, "the world stands still\n");
        return false;
    }
    int64_t now_ms = t->world.server->workers[0]->now_ms;
    picture_take(&there, t->world.server, DATABASES, now_ms);
    for (uint32_t i = 0; i < t->world.nworkers; i++)
        totals.takebacks += t->world.server->lanes.lane[i].takebacks;
    bool good = world_end(&t->world);
    if (!good)
        return false;
    world_deinit(&t->world);
    good = replay(t, now_ms, &again) && picture_equal("there", &there, "on the tape", &again);
    picture_free(&there);
    picture_free(&again);
    if (!good) {
        tape_print(&t->tape);
        return false;
    }
    if (!world_end(&t->world))
        return false;
    world_deinit(&t->world);
    totals.worlds++;
    totals.batches += t->tape.batches;
    totals.commands += t->tape.commands;
    bytes_free(&t->tape.bytes);
    mem_free(NULL, t);
    return true;
}

static const struct planted planted[] = {
    {PLANTED_EFFECTS_LATE, "effects of a group come late"},
    {PLANTED_BUNDLE_EFFECTS_LATE, "effects of a bundle come after its release"},
    {PLANTED_REPLY_EARLY, "a reply does not wait for the journal"},
    {PLANTED_SELECT_MISSING, "a SELECT is missing"},
    {PLANTED_EXPIRY_UNTOLD, "a key expires that the journal keeps"},
    {PLANTED_EXPIRY_BEHIND, "a key expires in the journal after it was set again"},
    {PLANTED_EFFECT_MISSING, "an effect is missing"},
};

int main(int argc, char **argv)
{
    uint64_t seed, worlds;
    if (!worlds_wanted(argc, argv, WORLDS_USUAL, &seed, &worlds))
        return 2;
    world_prepare();
    bool good =
        worlds < WORLDS_USUAL || planted_all_found(planted, sizeof planted / sizeof planted[0], run_world, seed);
    good = good && worlds_run(run_world, seed, worlds);
    printf("%" PRIu64 " replies with %" PRIu64 " values written by others or before, %" PRIu64 " commands in %" PRIu64
           " batches, %" PRIu64 " holds taken back\n",
           totals.replies, totals.values, totals.commands, totals.batches, totals.takebacks);
    if (totals.worlds >= TAKING_BACK_WORLDS_MIN && totals.takebacks == 0) {
        fprintf(stderr, "no shard was taken back\n");
        good = false;
    }
    printf("journal_sim cases=%" PRIu64 " seeds=%" PRIu64 "\n", totals.commands, totals.worlds);
    return good ? 0 : 1;
}
