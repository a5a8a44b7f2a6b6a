/* Pipeline order, as others see it: what a connection announces in a pipeline is never seen before what it announces.
 *
 *   order_test --server PATH [--threads N] [--rounds N]
 *
 * In each round a writer sends data to several shards and after it, in the same pipeline, an announcement on yet
 * another key: a lock is deleted, a name appears. Watchers poll for the announcement, each in its own way, and whoever
 * sees it must see this round's data. Announcements by signals hold always, those by plain sets with pipeline-order
 * strict. The last line says how much was done, for tests/run. */
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shard/key.h"
#include "src/base/assert.h"
#include "tests/serial/caller.h"
#include "tests/serial/chance.h"
#include "tests/serial/server.h"

enum {
    ROUNDS_USUAL = 30000,
    THREADS_USUAL = 4,
    WATCHERS = 3,
    DATA_KEYS = 3,
    TEXT_BYTES_MAX = 512,
    KEY_BYTES_MAX = 32,
};

/* A way to announce. In the texts D is a key, of which there are DATA_KEYS on different shards, one command for each,
 * L and M are keys of this round alone and R is the number of the round. */
static const struct announcement {
    const char *before; /* sent alone, before the watchers are told of the round; NULL: nothing */
    const char *data;   /* once for each data key */
    const char *announce;
    bool appears; /* L comes into being; else it goes */
    bool needs_strict;
} announcements[] = {
    {"SET L R", "SET D R", "DEL L", false, false},
    {"SET L R", "SET D R", "UNLINK L", false, false},
    {"SET L R", "INCR D", "GETDEL L", false, false},
    {"SET L R", "SET D R", "RENAME L M", false, false},
    {"SET M R", "SET D R", "RENAME M L", true, false},
    {"SET M R", "GETSET D R", "RENAMENX M L", true, false},
    {"SET M R", "SET D R", "COPY M L", true, false},
    {"SET L R", "MSET D R M R", "MOVE L 1", false, false},
    {NULL, "SET D R", "MSET L R M R", true, true},
    {NULL, "SET D R", "SET L R", true, true},
    {NULL, "INCR D", "INCR L", true, true},
};

enum { ANNOUNCEMENTS = sizeof(announcements) / sizeof(announcements[0]) };

/* One round: written by the writer before it publishes the round's number. */
struct round {
    const struct announcement *how;
    char data[DATA_KEYS][KEY_BYTES_MAX];
    char names[2][KEY_BYTES_MAX]; /* L and M */
};

struct test {
    uint16_t port;
    struct key_space_shape shape;
    uint32_t rounds;
    struct round round;
    _Atomic uint32_t published; /* the number of the round to watch; 0: none yet */
    _Atomic uint32_t seen;      /* how many watchers have seen its announcement */
    _Atomic bool failed;
};

struct watcher {
    struct test *test;
    uint32_t number;
    pthread_t thread;
};

static void fail(struct test *t, const char *what)
{
    fprintf(stderr, "round %u: %s\n", atomic_load(&t->published), what);
    atomic_store(&t->failed, true);
}

/* Sends the commands, texts of words, in one write and checks that no reply is an error. */
static bool run_pipeline(struct caller *c, char (*texts)[TEXT_BYTES_MAX], uint32_t n)
{
    struct bytes out = {0};
    struct slice reply;
    for (uint32_t i = 0; i < n; i++)
        resp_put_text(&out, texts[i]);
    bool good = caller_send(c, &out);
    for (uint32_t i = 0; i < n && good; i++) {
        good = caller_reply(c, &reply) && reply.ptr[0] != '-';
        if (!good)
            fprintf(stderr, "%s is not answered as expected\n", texts[i]);
    }
    bytes_free(&out);
    return good;
}

/* The writer */

/* A key that begins with name and lies on a shard. */
static void make_key(const struct test *t, char key[KEY_BYTES_MAX], const char *name, uint32_t number, uint32_t shard)
{
    for (uint32_t suffix = 0;; suffix++) {
        snprintf(key, KEY_BYTES_MAX, "%s:%u:%u", name, number, suffix);
        if (key_make(&t->shape, slice_str(key)).shard == shard % t->shape.nshards)
            return;
    }
}

static void write_command(const struct round *r, uint32_t number, uint32_t data, const char *text,
                          char out[TEXT_BYTES_MAX])
{
    size_t n = 0;
    for (const char *word = text; *word;) {
        size_t len = strcspn(word, " ");
        char value[KEY_BYTES_MAX];
        snprintf(value, sizeof(value), "%.*s", (int)len, word);
        if (strcmp(value, "D") == 0)
            memcpy(value, r->data[data], sizeof(value));
        else if (strcmp(value, "L") == 0 || strcmp(value, "M") == 0)
            memcpy(value, r->names[value[0] == 'M'], sizeof(value));
        else if (strcmp(value, "R") == 0)
            snprintf(value, sizeof(value), "%u", number);
        n += (size_t)snprintf(out + n, TEXT_BYTES_MAX - n, "%s%s", n ? " " : "", value);
        ASSERT(n < TEXT_BYTES_MAX);
        word += len + (word[len] == ' ');
    }
}

/* Data keys begin each round one below its number, so that INCR is as good as SET. */
static bool prepare_data(struct caller *c, const struct round *r, uint32_t number)
{
    char texts[DATA_KEYS][TEXT_BYTES_MAX];
    for (uint32_t i = 0; i < DATA_KEYS; i++)
        snprintf(texts[i], sizeof(texts[i]), "SET %s %u", r->data[i], number - 1);
    return run_pipeline(c, texts, DATA_KEYS);
}

static bool play_round(struct test *t, struct caller *c, struct random *random, const struct announcement *how,
                       uint32_t number)
{
    struct round *r = &t->round;
    char texts[DATA_KEYS + 1][TEXT_BYTES_MAX];
    uint32_t first = chance_below(random, t->shape.nshards);
    r->how = how;
    for (uint32_t i = 0; i < DATA_KEYS; i++)
        make_key(t, r->data[i], "data", i, first + 1 + i);
    make_key(t, r->names[0], "l", number, first);
    make_key(t, r->names[1], "m", number, chance_below(random, t->shape.nshards));
    if (!prepare_data(c, r, number))
        return false;
    if (how->before) {
        write_command(r, number, 0, how->before, texts[0]);
        if (!run_pipeline(c, texts, 1))
            return false;
    }
    atomic_store(&t->seen, 0);
    atomic_store(&t->published, number);
    uint32_t ndata = chance_between(random, 1, DATA_KEYS);
    for (uint32_t i = 0; i < DATA_KEYS; i++)
        write_command(r, number, i, how->data, texts[i]);
    if (ndata < DATA_KEYS) /* what is written late belongs to no announcement: write it before */
        if (!run_pipeline(c, texts + ndata, DATA_KEYS - ndata))
            return false;
    write_command(r, number, 0, how->announce, texts[ndata]);
    return run_pipeline(c, texts, ndata + 1);
}

static void await_watchers(struct test *t)
{
    while (atomic_load(&t->seen) < WATCHERS && !atomic_load(&t->failed))
        sched_yield();
}

/* The watchers */

/* Splits off the first element of an array's reply, or takes the only one there is. */
static struct slice next_value(struct slice *reply)
{
    ptrdiff_t len = resp_reply_len(reply->ptr, reply->len);
    ASSERT(len > 0);
    struct slice value = slice_of(reply->ptr, (size_t)len);
    *reply = slice_of(reply->ptr + len, reply->len - (size_t)len);
    return value;
}

static bool is_round(struct slice value, uint32_t number)
{
    char digits[16], expected[32];
    int n = snprintf(digits, sizeof(digits), "%u", number);
    snprintf(expected, sizeof(expected), "$%d\r\n%s\r\n", n, digits);
    return slice_eq(value, slice_str(expected));
}

/* EXISTS on the name, and once it tells, a GET of each data key. */
static bool look_one_by_one(struct test *t, struct caller *c, uint32_t number)
{
    const struct round *r = &t->round;
    char text[TEXT_BYTES_MAX];
    struct slice reply;
    snprintf(text, sizeof(text), "EXISTS %s", r->names[0]);
    if (!caller_command(c, text, &reply))
        fail(t, "a watcher lost its connection");
    else if (slice_eq(reply, slice_str(r->how->appears ? ":0\r\n" : ":1\r\n")))
        return false;
    for (uint32_t i = 0; i < DATA_KEYS && !atomic_load(&t->failed); i++) {
        snprintf(text, sizeof(text), "GET %s", r->data[i]);
        if (!caller_command(c, text, &reply) || !is_round(reply, number))
            fail(t, "the announcement was seen, the data not");
    }
    return true;
}

/* One MGET that shows all of it at one instant. */
static bool look_at_once(struct test *t, struct caller *c, uint32_t number)
{
    const struct round *r = &t->round;
    char text[TEXT_BYTES_MAX];
    struct slice reply;
    snprintf(text, sizeof(text), "MGET %s %s %s %s", r->names[0], r->data[0], r->data[1], r->data[2]);
    if (!caller_command(c, text, &reply) || reply.ptr[0] != '*') {
        fail(t, "a watcher lost its connection");
        return true;
    }
    reply = slice_of(reply.ptr + 4, reply.len - 4); /* "*4\r\n" */
    bool is_there = !slice_eq(next_value(&reply), slice_str("$-1\r\n"));
    if (is_there != r->how->appears)
        return false;
    for (uint32_t i = 0; i < DATA_KEYS; i++)
        if (!is_round(next_value(&reply), number))
            fail(t, "the announcement is there at an instant at which the data are not");
    return true;
}

static void *run_watcher(void *arg)
{
    struct watcher *w = arg;
    struct test *t = w->test;
    struct caller c;
    caller_init(&c, &caller_sockets, NULL, t->port);
    if (!caller_connect(&c))
        fail(t, "a watcher can't connect");
    for (uint32_t number = 1; number <= t->rounds && !atomic_load(&t->failed); number++) {
        while (atomic_load(&t->published) != number && !atomic_load(&t->failed))
            sched_yield();
        bool done = false;
        while (!done && !atomic_load(&t->failed))
            done = w->number % 2 ? look_at_once(t, &c, number) : look_one_by_one(t, &c, number);
        atomic_fetch_add(&t->seen, 1);
    }
    caller_close(&c, false);
    return NULL;
}

/* The whole test */

/* Relaxed in the first half of the rounds; strict, with the announcements that need it too, in the second. */
static void run_rounds(struct test *t, const struct server *server, struct random *random)
{
    struct caller c;
    caller_init(&c, &caller_sockets, NULL, t->port);
    if (!caller_connect(&c))
        fail(t, "the writer can't connect");
    for (uint32_t number = 1; number <= t->rounds && !atomic_load(&t->failed); number++) {
        bool strict = number > t->rounds / 2;
        char set_strict[1][TEXT_BYTES_MAX] = {"CONFIG SET pipeline-order strict"};
        const struct announcement *how;
        if (number == t->rounds / 2 + 1 && server->is_skua && !run_pipeline(&c, set_strict, 1))
            fail(t, "can't change pipeline-order");
        do
            how = &announcements[chance_below(random, ANNOUNCEMENTS)];
        while (how->needs_strict && !strict);
        if (!play_round(t, &c, random, how, number))
            fail(t, "the writer's commands failed");
        await_watchers(t);
    }
    caller_close(&c, false);
}

static bool run_test(struct test *t, const struct server *server, struct random *random)
{
    struct watcher watchers[WATCHERS];
    t->port = server->port;
    for (uint32_t i = 0; i < WATCHERS; i++) {
        watchers[i] = (struct watcher){.test = t, .number = i};
        ASSERT(pthread_create(&watchers[i].thread, NULL, run_watcher, &watchers[i]) == 0);
    }
    run_rounds(t, server, random);
    for (uint32_t i = 0; i < WATCHERS; i++)
        pthread_join(watchers[i].thread, NULL);
    if (atomic_load(&t->failed))
        fprintf(stderr, "announced by: %s; %s; %s\n", t->round.how->before ? t->round.how->before : "-",
                t->round.how->data, t->round.how->announce);
    return !atomic_load(&t->failed);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"server", 1, NULL, 'e'}, {"threads", 1, NULL, 't'}, {"rounds", 1, NULL, 'n'}, {0}};
    const char *path = NULL, *percent = getenv("SKUA_CASES_PERCENT"), *given = getenv("SKUA_SEED");
    const char *const server_options[] = {"--hash-seed", "1", NULL};
    uint32_t threads = THREADS_USUAL;
    uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
    struct test test = {.rounds = (uint32_t)(ROUNDS_USUAL * (percent ? strtoull(percent, NULL, 10) : 100) / 100)};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'e':
            path = optarg;
            break;
        case 't':
            threads = (uint32_t)atoi(optarg);
            break;
        case 'n':
            test.rounds = (uint32_t)atoi(optarg);
            break;
        default:
            return 2;
        }
    }
    if (!path || threads == 0) {
        fprintf(stderr, "order_test: --server PATH is needed\n");
        return 2;
    }
    struct random random;
    struct server server;
    bool is_redis = strstr(path, "redis-server") != NULL;
    test.shape = (struct key_space_shape){.seed = 1, .nshards = threads};
    random_init(&random, seed);
    printf("seed %" PRIu64 ", %u rounds\n", seed, test.rounds);
    fflush(stdout);
    if (!server_start(&server, path, threads, is_redis ? NULL : server_options))
        return 1;
    bool good = run_test(&test, &server, &random);
    good = server_stop(&server) && good;
    printf("order cases=%u seeds=1\n", atomic_load(&test.published));
    return good ? 0 : 1;
}
