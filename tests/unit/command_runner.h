/* What the tests of command handlers share: shards in one thread, and a way to run a command on them. Owner of all of
 * it: the test, which has one set at a time. */
#ifndef SKUA_TESTS_UNIT_COMMAND_RUNNER_H
#define SKUA_TESTS_UNIT_COMMAND_RUNNER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shard/effects.h"
#include "shard/shard.h"
#include "src/base/random.h"
#include "src/cmd/execute.h"
#include "src/cmd/keys.h"
#include "src/cmd/table.h"

enum { RUNNER_SHARDS_MAX = 3, RUNNER_DATABASES = 4, RUNNER_ARGS_MAX = 16, RUNNER_NOW_MS = 1000000 };

static struct key_space_shape shape = {.seed = 7};
static struct shard shards[RUNNER_SHARDS_MAX];
static struct shard *shard_list[RUNNER_SHARDS_MAX];
static struct effects effects;
static struct reply reply;
static struct random runner_random;
static struct limits runner_limits = {.proto_max_bulk_len = 512 << 20,
                                      .hll_sparse_max_bytes = 3000,
                                      .databases = RUNNER_DATABASES,
                                      .hash = {128, 64},
                                      .set = {{128, 64}, 512},
                                      .list_node_size = -2,
                                      .collate = "C",
                                      .stream = {4096, 100},
                                      .zset = {128, 64}};
static uint32_t gave_way; /* how often commands were ready to */

static void runner_give_way(struct cmd_host *host) { gave_way++; }

static struct cmd_host runner_host = {.shape = &shape, .give_way = runner_give_way};

static void runner_init(uint32_t nshards)
{
    shape.nshards = nshards;
    effects_init(&effects);
    reply_init(&reply, 2);
    random_init(&runner_random, 1);
    for (uint32_t i = 0; i < nshards; i++) {
        shard_init(&shards[i], i, RUNNER_DATABASES, shape.seed);
        shard_begin(&shards[i], 0, RUNNER_NOW_MS, &effects);
        shard_list[i] = &shards[i];
    }
}

static void runner_deinit(void)
{
    for (uint32_t i = 0; i < shape.nshards; i++)
        shard_deinit(&shards[i]);
    reply_deinit(&reply);
    effects_deinit(&effects);
}

/* Runs one command in database 0; the raw reply lies in `reply`, what goes into the journal in `effects`. */
static void run_slices(uint32_t argc, const struct slice *argv)
{
    struct key_position found[RUNNER_ARGS_MAX];
    struct key keys[RUNNER_ARGS_MAX];
    assert_in_range(argc, 1, RUNNER_ARGS_MAX);
    const struct command *row = command_of_request(argc, argv);
    assert_true(row && row->run && command_arity_ok(row, argc));
    uint32_t n = command_find_keys(row, argc, argv, found);
    for (uint32_t i = 0; i < n; i++)
        keys[i] = key_make(&shape, argv[found[i].index]);
    reply_clear(&reply, 1024);
    effects_clear(&effects);
    effects.db = 0; /* no SELECT */
    struct cmd c = {.row = row,
                    .argv = argv,
                    .argc = argc,
                    .keys = keys,
                    .nkeys = n,
                    .reply = &reply,
                    .shards = shard_list,
                    .nshards = shape.nshards,
                    .limits = &runner_limits,
                    .random = &runner_random,
                    .effects = &effects,
                    .host = &runner_host,
                    .now_ms = RUNNER_NOW_MS};
    execute(&c);
}

static inline void run_words(uint32_t argc, const char *const *words)
{
    struct slice argv[RUNNER_ARGS_MAX];
    assert_in_range(argc, 1, RUNNER_ARGS_MAX);
    for (uint32_t i = 0; i < argc; i++)
        argv[i] = slice_str(words[i]);
    run_slices(argc, argv);
}

#endif
