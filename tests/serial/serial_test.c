/* Strict serializability on real threads: plays random plans against a server and checks what was recorded.
 *
 *   serial_test --server PATH [--threads N] [--histories N] [--seed N] [-- OPTION ...]
 *   serial_test --port N [...]
 *
 * With --server it starts the server, with each of the I/O backends in turn unless options are given, and knows which
 * key is on which shard; half of the histories are played with pipeline-order strict. With --port it takes what
 * listens there (it has to allow DEBUG, and its databases are emptied), and assumes only what holds with any number of
 * shards. Beside some histories a command keeps one worker busy for long enough that others take their shards back from
 * transactions that wait for it; a run without that fails. A history that is not serial is printed up to the first
 * reply that cannot be explained. The last line says how much was done, for tests/run. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "src/base/assert.h"
#include "tests/serial/caller.h"
#include "tests/serial/chance.h"
#include "tests/serial/checker.h"
#include "tests/serial/recorder.h"
#include "tests/serial/server.h"
#include "tests/serial/workload.h"

enum {
    HISTORIES_USUAL = 20000,
    THREADS_USUAL = 4,
    ORDER_BLOCK = 50,            /* histories between changes of pipeline-order */
    UNDECIDED_PER_MILLE_MAX = 5, /* more, and the test has not tested what it should */
    FAILURES_MAX = 3,
    PREFIX_BYTES_MAX = 48,
    LONG_WORK_PERCENT = 5, /* of the histories */
    LONG_WORK_CHARS = 1500,
    TAKING_BACK_HISTORIES_MIN = 1000,
};

struct run {
    const char *path;
    uint16_t port;
    uint32_t threads;
    uint32_t histories;
    uint64_t seed;
    const char *const *options;
    /* what came out */
    uint32_t done, undecided, failed;
    uint64_t steps, ops, takebacks;
};

static void report(const struct history *h, uint64_t seed, uint32_t number)
{
    struct history prefix;
    fprintf(stderr, "history %u of seed %" PRIu64 " is not serializable:\n", number, seed);
    history_prefix(h, checker_first_bad_event(h, CHECKER_STEPS_MAX), &prefix);
    history_print(&prefix, stderr);
    history_clear(&prefix);
}

/* False if the server failed or was caught too often. */
static bool check(struct run *run, const struct history *h)
{
    uint64_t steps;
    enum verdict verdict = checker_run(h, CHECKER_STEPS_MAX, &steps);
    run->steps += steps;
    run->ops += h->nops;
    run->undecided += verdict == VERDICT_UNDECIDED;
    if (verdict == VERDICT_NOT_SERIAL) {
        report(h, run->seed, run->done);
        run->failed++;
    }
    return run->failed < FAILURES_MAX;
}

static bool set_order(struct caller *control, enum pipeline_order order)
{
    struct slice reply;
    return caller_command(control,
                          order == PIPELINE_STRICT ? "CONFIG SET pipeline-order strict"
                                                   : "CONFIG SET pipeline-order relaxed",
                          &reply) &&
           slice_eq(reply, slice_str("+OK\r\n"));
}

/* Work for the worker of one shard, some milliseconds of it: the longest common subsequence of two strings without one.
 * If the histories empty the database between both commands there is less to do, but the reply is the same. */
static bool long_work_begin(struct caller *control)
{
    static char text[2][LONG_WORK_CHARS];
    struct slice set[] = {slice_str("MSET"), slice_str("{long}a"), slice_of(text[0], LONG_WORK_CHARS),
                          slice_str("{long}b"), slice_of(text[1], LONG_WORK_CHARS)};
    struct slice lcs[] = {slice_str("LCS"), slice_str("{long}a"), slice_str("{long}b"), slice_str("LEN")};
    struct bytes out = {0};
    memset(text[0], 'a', LONG_WORK_CHARS);
    memset(text[1], 'b', LONG_WORK_CHARS);
    resp_put_command(&out, 5, set);
    resp_put_command(&out, 4, lcs);
    bool good = caller_send(control, &out);
    bytes_free(&out);
    return good;
}

static bool long_work_end(struct caller *control)
{
    struct slice reply;
    return caller_reply(control, &reply) && caller_reply(control, &reply) && slice_eq(reply, slice_str(":0\r\n"));
}

static bool play_one(struct recorder *recorder, struct caller *control, struct history *h, uint32_t clients,
                     struct random *random)
{
    bool long_work = chance_percent(random, LONG_WORK_PERCENT);
    if (long_work && !long_work_begin(control))
        return false;
    bool good = recorder_play(recorder, h, clients, random_u64(random));
    return (!long_work || long_work_end(control)) && good;
}

static uint64_t count_takebacks(struct caller *control)
{
    static const char name[] = "holds_taken_back:";
    struct slice reply;
    if (!caller_command(control, "INFO skua", &reply))
        return 0;
    const char *line = memmem(reply.ptr, reply.len, name, sizeof(name) - 1);
    return line ? strtoull(line + sizeof(name) - 1, NULL, 10) : 0;
}

/* Plays and checks count histories against a server that runs. shape: see struct history. */
static bool play_histories(struct run *run, const struct server *server, const struct key_space_shape *shape,
                           uint32_t count)
{
    struct random random;
    struct caller control;
    struct recorder *recorder = recorder_create(server->port, WORKLOAD_CLIENTS_MAX);
    enum pipeline_order order = server->pid && !server->is_skua ? PIPELINE_STRICT : PIPELINE_RELAXED;
    caller_init(&control, &caller_sockets, NULL, server->port);
    bool good = caller_connect(&control);
    for (uint32_t i = 0; i < count && good; i++, run->done++) {
        struct history h;
        char prefix[PREFIX_BYTES_MAX];
        history_init(&h);
        if (server->pid && server->is_skua && i % ORDER_BLOCK == 0) {
            order = i / ORDER_BLOCK % 2 ? PIPELINE_STRICT : PIPELINE_RELAXED;
            if (!set_order(&control, order)) {
                fprintf(stderr, "pipeline-order can't be changed\n");
                good = false;
                break;
            }
        }
        h.order = order;
        h.shape = *shape;
        random_init(&random, run->seed + run->done);
        snprintf(prefix, sizeof(prefix), "%" PRIx64 ":%u:", run->seed, run->done);
        uint32_t clients = workload_plan(&h, &random, prefix, true);
        good = play_one(recorder, &control, &h, clients, &random);
        if (!good) {
            fprintf(stderr, "history %u of seed %" PRIu64 ": a connection was lost\n", run->done, run->seed);
            history_print(&h, stderr);
        } else {
            good = check(run, &h);
        }
        history_clear(&h);
    }
    run->takebacks += count_takebacks(&control);
    caller_close(&control, false);
    recorder_destroy(recorder);
    return good;
}

static bool is_redis(const struct run *run) { return run->path && strstr(run->path, "redis-server") != NULL; }

/* Starts a server with these options and plays count histories. */
static bool play_on(struct run *run, const char *const *options, uint32_t count)
{
    enum { OPTIONS_MAX = 16 };
    const char *all[OPTIONS_MAX + 1] = {"--hash-seed", "1"};
    struct key_space_shape shape = {.seed = 1, .nshards = run->threads};
    struct server server;
    uint32_t n = 2;
    for (; *options && n < OPTIONS_MAX; options++)
        all[n++] = *options;
    if (is_redis(run))
        shape.nshards = 1;
    if (!server_start(&server, run->path, run->threads, is_redis(run) ? NULL : all))
        return false;
    bool good = play_histories(run, &server, &shape, count);
    return server_stop(&server) && good;
}

static bool play_all(struct run *run)
{
    static const char *const uring[] = {"--io-backend", "auto", NULL}, *const epoll[] = {"--io-backend", "epoll", NULL};
    if (run->port) {
        struct server there = {.port = run->port};
        struct key_space_shape unknown = {0};
        return play_histories(run, &there, &unknown, run->histories);
    }
    if (run->options)
        return play_on(run, run->options, run->histories);
    return play_on(run, uring, (run->histories + 1) / 2) && play_on(run, epoll, run->histories / 2);
}

static void read_arguments(struct run *run, int argc, char **argv)
{
    static const struct option options[] = {{"port", 1, NULL, 'p'},    {"server", 1, NULL, 'e'},
                                            {"threads", 1, NULL, 't'}, {"histories", 1, NULL, 'n'},
                                            {"seed", 1, NULL, 's'},    {0}};
    const char *percent = getenv("SKUA_CASES_PERCENT"), *seed = getenv("SKUA_SEED");
    uint64_t histories = HISTORIES_USUAL * (percent ? strtoull(percent, NULL, 10) : 100) / 100;
    *run = (struct run){.threads = THREADS_USUAL, .seed = seed ? strtoull(seed, NULL, 0) : (uint64_t)time(NULL)};
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'p':
            run->port = (uint16_t)atoi(optarg);
            break;
        case 'e':
            run->path = optarg;
            break;
        case 't':
            run->threads = (uint32_t)atoi(optarg);
            break;
        case 'n':
            histories = strtoull(optarg, NULL, 10);
            break;
        case 's':
            run->seed = strtoull(optarg, NULL, 0);
            break;
        default:
            exit(2);
        }
    }
    run->histories = histories ? (uint32_t)histories : 1;
    if (optind < argc)
        run->options = (const char *const *)argv + optind;
    if (!run->port == !run->path || run->threads == 0 || run->threads > HISTORY_SHARDS_MAX) {
        fprintf(stderr, "serial_test: either --server PATH or --port N is needed (and --threads 1 to %d)\n",
                HISTORY_SHARDS_MAX);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    struct run run;
    read_arguments(&run, argc, argv);
    printf("seed %" PRIu64 ", %u histories\n", run.seed, run.histories);
    fflush(stdout);
    bool good = play_all(&run);
    printf("%" PRIu64 " operations, %.1f steps each, %u histories undecided, %u not serializable, %" PRIu64
           " holds taken back\n",
           run.ops, run.ops ? (double)run.steps / (double)run.ops : 0, run.undecided, run.failed, run.takebacks);
    if ((uint64_t)run.undecided * 1000 > (uint64_t)UNDECIDED_PER_MILLE_MAX * run.done) {
        printf("too many are undecided\n");
        good = false;
    }
    bool waits = run.path && !is_redis(&run) && run.threads > 1;
    if (waits && run.done >= TAKING_BACK_HISTORIES_MIN && run.takebacks == 0) {
        printf("no shard was taken back\n");
        good = false;
    }
    printf("serial cases=%u seeds=1\n", run.done);
    return good && run.failed == 0 ? 0 : 1;
}
