/* Loading at start, in the simulator: random commands of all kinds are written into files of an append-only file, and
 * also sent to a server by a client. Then a server with any number of workers loads the files, at a time at which every
 * deadline in them has passed, while a client asks it this and that. It has to hold
 *  - exactly what the first server has, deadlines included, when all is loaded: so what ran side by side ran as if in
 *    order, and nothing expired or counted as expired;
 *  - and after that none of the keys whose deadline has passed.
 * Until then the client sees LOADING, and in some worlds it ends the server in the middle.
 *
 *   loading_sim [--worlds N] [--seed N]
 *
 * A world that fails is run again with --worlds 1 --seed N. A run of the usual length or more first shows that bugs are
 * found, by worlds whose server has one (planted.h). The last line says how much was done, for tests/run. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shard/shard.h"
#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/io/sim_disk.h"
#include "src/server/loading.h"
#include "src/server/worker.h"
#include "tests/serial/chance.h"
#include "tests/sim/picture.h"
#include "tests/sim/planted.h"
#include "tests/sim/world.h"

enum {
    WORLDS_USUAL = 500,
    COMMANDS_MAX = 3000,
    UNDER_WAY_MAX = 50, /* of the client */
    FILES_MAX = 3,
    ARGS_MAX = 24,
    WORD_BYTES_MAX = 24,
    LARGE_BYTES_MAX = 100 * 1000,
    DATABASES = 4,
};

static const uint64_t MS = 1000 * 1000, SECOND = 1000 * MS;
/* The first server is done before the first of these, seconds after the beginning, the second begins after the last. */
enum { DEADLINE_FIRST_S = 100, DEADLINE_LAST_S = 200, LOADING_S = 300 };

/* What may be drawn, and how often. k, h, e and l keys, mostly of strings, hashes, sets and lists; t a token, n a small
 * integer, d a database, M a deadline, L a value that may be large, and "*" as many more times as there is room what
 * stands behind it. Everything else is literal. */
static const struct shape {
    const char *text;
    uint32_t weight;
} shapes[] = {
    {"SET k t", 40},
    {"SET k L", 4},
    {"SET k t PXAT M", 10},
    {"SET k t KEEPTTL", 4},
    {"SET k n", 10},
    {"SETNX k t", 2},
    {"GETSET k t", 2},
    {"GETDEL k", 2},
    {"GETEX k PXAT M", 2},
    {"GETEX k PERSIST", 2},
    {"APPEND k t", 6},
    {"APPEND k L", 1},
    {"SETRANGE k n t", 3},
    {"INCR k", 8},
    {"DECRBY k n", 2},
    {"MSET k t k t", 8},
    {"MSET k t * k t", 2},
    {"MSET k L k L", 1},
    {"MSETNX k t t t", 2},
    {"DEL k k", 5},
    {"DEL k * k", 2},
    {"UNLINK k * k", 2},
    {"PEXPIREAT k M", 6},
    {"PEXPIREAT k M GT", 2},
    {"PERSIST k", 4},
    {"RENAME k k", 4},
    {"RENAMENX k t", 2},
    {"COPY k k REPLACE", 4},
    {"COPY k k DB d REPLACE", 3},
    {"MOVE k d", 4},
    {"SWAPDB d d", 1},
    {"FLUSHDB", 1},
    {"FLUSHALL", 1},
    {"SELECT d", 4},
    {"GET k", 1},
    {"MSET k t k", 1}, /* answers an error */
    {"HSET h n t", 10},
    {"HMSET h n t * n t", 6},
    {"HSET h n L", 1},
    {"HDEL h n * n", 4},
    {"HINCRBY h i n", 4},
    {"SADD e t", 6},
    {"SADD e n * n", 10},
    {"SREM e n * n", 6},
    {"SMOVE e e n", 6},
    {"SUNIONSTORE e e e", 3},
    {"SINTERSTORE e e e", 2},
    {"SDIFFSTORE e e e", 3},
    {"SUNIONSTORE e e h", 1},
    {"RPUSH l t", 6},
    {"LPUSH l t * n", 6},
    {"LPUSH l L", 1},
    {"LPOP l", 4},
    {"RPOP l n", 3},
    {"LMOVE l l LEFT RIGHT", 4},
    {"RPOPLPUSH l l", 3},
    {"LMPOP 2 l l RIGHT", 3},
    {"LSET l 0 t", 2},
    {"LTRIM l 0 n", 4},
    {"LREM l 0 n", 2},
    {"PEXPIREAT l M", 2},
    {"PEXPIREAT h M", 3},
    {"PEXPIREAT e M", 3},
    {"RENAME e e", 2},
    {"COPY h h REPLACE", 2},
    {"MOVE e d", 2},
    {"DEL h e", 2},
};

enum { SHAPES = sizeof(shapes) / sizeof(shapes[0]) };

struct trial {
    struct random random;
    struct world world;
    uint32_t keys, commands, nfiles;
    uint32_t weights[SHAPES], weight_sum;
    struct bytes files[FILES_MAX];
    char *large;
    int64_t begin_ms; /* wall clock */
    struct disk *disk;
    struct aof_load_part parts[FILES_MAX];
    struct picture loaded; /* lines NULL: not yet */
    bool is_loaded;
    bool to_interrupt;
    bool failed;
};

static struct {
    uint64_t worlds, commands, refused, interrupted;
} totals;

/* ---- The commands ---- */

/* Some kinds of commands are left out of each world, and some come up more: a world without barriers is another thing
 * than one with many. */
static void choose_mix(struct trial *t)
{
    bool narrow = chance_percent(&t->random, 30);
    for (uint32_t i = 0; i < SHAPES; i++) {
        uint32_t luck = chance_below(&t->random, 4);
        bool wide =
            strstr(shapes[i].text, "RENAME") || strstr(shapes[i].text, "COPY") || strstr(shapes[i].text, "MSETNX") ||
            strstr(shapes[i].text, "DB") || strstr(shapes[i].text, "SMOVE") || strstr(shapes[i].text, "STORE") ||
            strstr(shapes[i].text, "LMOVE") || strstr(shapes[i].text, "RPOPLPUSH") || strstr(shapes[i].text, "LMPOP");
        t->weights[i] = luck == 0 || (narrow && wide) ? 0 : shapes[i].weight * (luck == 1 ? 3 : 1);
        t->weight_sum += t->weights[i];
    }
    t->weight_sum += t->weights[0] ? 0 : 1;
    t->weights[0] += t->weights[0] ? 0 : 1;
}

static const char *draw_shape(struct trial *t)
{
    uint32_t at = chance_below(&t->random, t->weight_sum), i = 0;
    while (at >= t->weights[i])
        at -= t->weights[i++];
    return shapes[i].text;
}

static struct slice fill_word(struct trial *t, uint32_t number, struct slice word, char out[static WORD_BYTES_MAX])
{
    struct random *r = &t->random;
    int n = 0;
    if (word.len != 1)
        return word;
    switch (word.ptr[0]) {
    case 'k':
    case 'h':
    case 'e':
    case 'l':
        n = snprintf(out, WORD_BYTES_MAX, "%c%u", word.ptr[0], chance_below(r, t->keys));
        break;
    case 't':
        n = snprintf(out, WORD_BYTES_MAX, "t%u", number);
        break;
    case 'n':
        n = snprintf(out, WORD_BYTES_MAX, "%u", chance_below(r, 9));
        break;
    case 'd':
        n = snprintf(out, WORD_BYTES_MAX, "%u", chance_below(r, DATABASES));
        break;
    case 'M':
        n = snprintf(out, WORD_BYTES_MAX, "%" PRId64,
                     t->begin_ms + 1000 * (int64_t)chance_between(r, DEADLINE_FIRST_S, DEADLINE_LAST_S));
        break;
    case 'L':
        return slice_of(t->large + chance_below(r, 20),
                        chance_below(r, chance_percent(r, 50) ? 5000 : LARGE_BYTES_MAX));
    default:
        return word;
    }
    return slice_of(out, (size_t)n);
}

static void put_command(struct trial *t, struct bytes *out, uint32_t number)
{
    char words[ARGS_MAX][WORD_BYTES_MAX];
    struct slice argv[ARGS_MAX];
    uint32_t argc = 0;
    const char *again = NULL;
    uint32_t times = chance_below(&t->random, 8);
    for (const char *word = draw_shape(t);; word++) {
        size_t len = strcspn(word, " ");
        if (*word == '*') {
            again = word + 1;
        } else {
            ASSERT(argc < ARGS_MAX);
            argv[argc] = fill_word(t, number, slice_of(word, len), words[argc]);
            argc++;
        }
        word += len;
        if (!*word && again && times-- > 0)
            word = again;
        if (!*word)
            break;
    }
    resp_put_command(out, argc, argv);
}

static void make_files(struct trial *t)
{
    static char large[LARGE_BYTES_MAX + 20];
    t->large = large;
    for (uint32_t i = 0; i < sizeof large; i++)
        large[i] = (char)('a' + i % 23);
    t->keys = chance_percent(&t->random, 50) ? 10 : 300;
    t->commands = chance_between(&t->random, 1, COMMANDS_MAX);
    t->nfiles = chance_between(&t->random, 1, FILES_MAX);
    choose_mix(t);
    for (uint32_t f = 0; f < t->nfiles; f++) {
        resp_put_text(&t->files[f], "SELECT 0");
        for (uint32_t i = 0; i < t->commands / t->nfiles; i++)
            put_command(t, &t->files[f], i);
    }
}

/* ---- The first server ---- */

/* Sends all files, with no more than UNDER_WAY_MAX commands under way. */
static void client_task(void *arg)
{
    struct trial *t = arg;
    struct caller c;
    struct slice reply;
    caller_init(&c, &world_transport, &t->world, WORLD_PORT);
    ASSERT(caller_connect(&c));
    for (uint32_t f = 0; f < t->nfiles; f++) {
        const char *at = t->files[f].ptr, *end = at + t->files[f].len;
        while (at < end) {
            uint32_t n = 0;
            const char *from = at;
            for (; at < end && n < UNDER_WAY_MAX; n++)
                at += resp_reply_len(at, (size_t)(end - at));
            ASSERT(caller_send(&c, &(struct bytes){.ptr = (char *)from, .len = (size_t)(at - from)}));
            while (n-- > 0)
                ASSERT(caller_reply(&c, &reply));
        }
    }
    caller_close(&c, false);
}

/* ---- The second one ---- */

static int open_part(void *arg, uint32_t part)
{
    struct trial *t = arg;
    struct worker *w = t->world.server->workers[0];
    uint64_t begin_ns = LOADING_S * SECOND;
    if (part == 0 && sim_now_ns(t->world.sim) < begin_ns)
        worker_yield_until(w, io_now_ns(w->io) + begin_ns);
    return disk_open(t->disk, DISK_CWD, t->parts[part].name, DISK_READ);
}

static bool on_loaded(void *arg, struct worker *w0, const struct aof_load_result *result, char *error)
{
    struct trial *t = arg;
    (void)result, (void)error;
    for (uint32_t i = 0; i < t->world.nworkers; i++)
        shard_begin(t->world.server->shards[i], i, w0->now_ms, NULL);
    picture_take(&t->loaded, t->world.server, DATABASES, w0->now_ms);
    t->is_loaded = true;
    return true;
}

static void write_files(struct trial *t)
{
    static const char *const names[FILES_MAX] = {"one", "two", "three"};
    t->disk = sim_disk_create(t->world.sim, &(struct sim_disk_config){0});
    for (uint32_t f = 0; f < t->nfiles; f++) {
        int fd = disk_open(t->disk, DISK_CWD, names[f], DISK_CREATE | DISK_APPEND);
        struct iovec all = {t->files[f].ptr, t->files[f].len};
        ASSERT(disk_append(t->disk, fd, &all, 1) == (ssize_t)all.iov_len);
        disk_close(t->disk, fd);
        t->parts[f] = (struct aof_load_part){.name = names[f]};
    }
}

static bool says(struct caller *c, const char *command, const char *expected)
{
    struct slice reply;
    caller_connect(c);
    return caller_command(c, command, &reply) && reply.len >= strlen(expected) &&
           memcmp(reply.ptr, expected, strlen(expected)) == 0;
}

/* After it was loaded, what has expired is not there. */
static bool nothing_expired_is_seen(struct trial *t, struct caller *c)
{
    for (uint32_t i = 0; i < t->loaded.n; i++) {
        unsigned db;
        char key[WORD_BYTES_MAX], command[64];
        int64_t deadline;
        ASSERT(sscanf(t->loaded.lines[i], "%u %23s %" SCNd64, &db, key, &deadline) == 3);
        snprintf(command, sizeof command, "SELECT %u", db);
        bool good = says(c, command, "+OK");
        snprintf(command, sizeof command, "EXISTS %s", key);
        good = good && says(c, command, deadline < 0 ? ":1" : ":0");
        if (!good) {
            fprintf(stderr, "%s is not as it should be: %.100s\n", command, t->loaded.lines[i]);
            return false;
        }
    }
    return true;
}

static void interrupt(struct trial *t)
{
    sim_sleep_ns(t->world.sim, sim_random(t->world.sim, 30 * MS));
    totals.interrupted += !t->is_loaded;
    atomic_store(&t->world.server->signal_received, SIGTERM);
    io_wake(NULL, t->world.io[0]);
}

static void asking_task(void *arg)
{
    struct trial *t = arg;
    struct caller c;
    caller_init(&c, &world_transport, &t->world, WORLD_PORT);
    t->failed =
        !says(&c, "GET k1", "-LOADING Redis is loading the dataset in memory\r\n") || !says(&c, "SELECT 1", "+OK");
    sim_sleep_ns(t->world.sim, LOADING_S * SECOND - sim_now_ns(t->world.sim));
    if (t->to_interrupt) {
        interrupt(t);
        caller_close(&c, false);
        return;
    }
    while (!t->failed && !says(&c, "PING", "+PONG")) {
        totals.refused++;
        if (chance_percent(&t->random, 20))
            t->failed = !says(&c, "DEBUG SLEEP 0.0005", "+OK"); /* holds all shards */
        sim_sleep_ns(t->world.sim, sim_random(t->world.sim, MS));
    }
    t->failed = t->failed || !nothing_expired_is_seen(t, &c);
    caller_close(&c, false);
}

/* ---- Worlds ---- */

static void make_world(struct trial *t, const struct sim_config *sim)
{
    world_init(&t->world, sim, chance_between(&t->random, 1, WORLD_WORKERS_MAX), PIPELINE_ORDER_RELAXED,
               random_u64(&t->random));
    t->world.config->enable_debug_command = ALLOWED_YES;
}

/* What a client makes of the commands. */
static bool play_first(struct trial *t, struct picture *picture)
{
    make_world(t, &(struct sim_config){.seed = random_u64(&t->random)});
    t->begin_ms = io_wall_us(t->world.io[0]) / 1000;
    make_files(t);
    sim_spawn(t->world.sim, SIM_CLIENT, "client", client_task, t);
    if (sim_run(t->world.sim) != SIM_DONE)
        return false;
    ASSERT(sim_now_ns(t->world.sim) < DEADLINE_FIRST_S * SECOND);
    picture_take(picture, t->world.server, DATABASES, t->world.server->workers[0]->now_ms);
    if (!world_end(&t->world))
        return false;
    world_deinit(&t->world);
    return true;
}

static bool play_second(struct trial *t)
{
    struct sim_config sim = {
        .seed = random_u64(&t->random),
        .switch_rate = chance_percent(&t->random, 50) ? chance_between(&t->random, 1, 500) : 0,
        .delay_ns_max = chance_percent(&t->random, 50) ? chance_between(&t->random, 1, 1000 * 1000) : 0,
    };
    if (chance_percent(&t->random, 20)) /* workers so slow that others take their shards back */
        sim.step_ns_max = chance_between(&t->random, 100 * 1000, 1000 * 1000);
    make_world(t, &sim);
    ASSERT(io_wall_us(t->world.io[0]) / 1000 == t->begin_ms);
    write_files(t);
    t->to_interrupt = chance_percent(&t->random, 10);
    struct aof_load_config config = {t->disk, t->parts, t->nfiles, open_part, t, .truncated = true};
    loading_prepare(t->world.server, &config, on_loaded, t);
    sim_spawn(t->world.sim, SIM_CLIENT, "asking", asking_task, t);
    if (sim_run(t->world.sim) != SIM_DONE || !world_end(&t->world))
        return false;
    loading_free(t->world.server->loading);
    world_deinit(&t->world);
    return true;
}

static bool run_world(uint64_t seed)
{
    struct trial *t = mem_zalloc(NULL, sizeof *t);
    struct picture picture;
    random_init(&t->random, seed);
    if (!play_first(t, &picture) || !play_second(t)) { /* it may not be in a state that can be taken down: leave it */
        fprintf(stderr, "the world stands still\n");
        return false;
    }
    bool good = !t->failed;
    if (!t->to_interrupt || t->is_loaded)
        good = picture_equal("by a client", &picture, "loaded", &t->loaded) && good && t->is_loaded;
    picture_free(&picture);
    picture_free(&t->loaded);
    for (uint32_t f = 0; f < t->nfiles; f++)
        bytes_free(&t->files[f]);
    totals.worlds++;
    totals.commands += t->commands;
    sim_disk_destroy(t->disk);
    mem_free(NULL, t);
    return good;
}

static const struct planted planted[] = {
    {PLANTED_EXPIRY_LOADING, "keys expire while they are loaded"},
    {PLANTED_BARRIER_OVERTAKES, "a command on several shards does not wait for those before it"},
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
    printf("%" PRIu64 " commands loaded, %" PRIu64 " requests refused meanwhile, %" PRIu64 " worlds interrupted\n",
           totals.commands, totals.refused, totals.interrupted);
    printf("loading_sim cases=%" PRIu64 " seeds=%" PRIu64 "\n", totals.commands, totals.worlds);
    return good ? 0 : 1;
}
