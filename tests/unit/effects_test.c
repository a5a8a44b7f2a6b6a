/* Effects against a model: random commands in random databases, handed on at random moments; what was handed on
 * is parsed as requests, and must be the same commands, each in its database, every hand-over readable on its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shard/effects.h"
#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/wire/parse.h"
#include "tests/unit/random_cases.h"

enum { COMMANDS_MAX = 60, ARGS_MAX = 5, ARG_BYTES_MAX = 3000, DATABASES = 4 };

struct command_added {
    uint32_t db, argc;
    struct slice argv[ARGS_MAX]; /* bytes are owned */
};

/* SELECT is no command of the caller's. Returns whether it was one. */
static bool take_select(const struct arg_arena *args, int64_t *db)
{
    if (args->n != 2 || !slice_eq(args->v[0], slice_str("select")))
        return false;
    assert_true(num_parse_i64(args->v[1], db));
    return true;
}

/* Checks that e has the commands from wanted on, and empties it. Returns the one behind them. */
static const struct command_added *hand_on(struct effects *e, const struct command_added *wanted)
{
    struct slice bytes = slice_of(e->buf, e->len);
    struct parser parser = {0};
    struct parse_limits limits = {.bulk_bytes_max = 1 << 20, .authenticated = true};
    struct arg_arena args = {0};
    struct arg_blobs blobs = {0};
    struct parse_result result;
    int64_t db = -1;
    uint32_t seen = 0;
    while (bytes.len > 0) {
        args.n = 0;
        assert_int_equal(parse_next(&parser, bytes, &limits, &args, &blobs, &result), PARSE_COMMAND);
        bytes = slice_of(bytes.ptr + result.consumed, bytes.len - result.consumed);
        if (take_select(&args, &db))
            continue;
        assert_true(++seen <= e->commands);
        assert_int_equal(db, wanted->db);
        assert_int_equal(args.n, wanted->argc);
        for (uint32_t i = 0; i < args.n; i++)
            assert_true(slice_eq(args.v[i], wanted->argv[i]));
        wanted++;
    }
    assert_int_equal(seen, e->commands);
    mem_free(NULL, args.v);
    effects_deinit(e);
    return wanted;
}

static void make(struct command_added *c, struct random *r)
{
    c->db = (uint32_t)random_below(r, DATABASES);
    c->argc = 1 + (uint32_t)random_below(r, ARGS_MAX);
    for (uint32_t i = 0; i < c->argc; i++) {
        size_t len = random_below(r, random_below(r, 4) ? 20 : ARG_BYTES_MAX);
        char *bytes = malloc(len + 1);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (char)random_u64(r);
        c->argv[i] = slice_of(bytes, len);
    }
}

static void add(struct effects *e, const struct command_added *c, bool by_word)
{
    if (!by_word) {
        effects_add(e, c->db, c->argc, c->argv);
        return;
    }
    effects_begin(e, c->db, c->argc);
    for (uint32_t i = 0; i < c->argc; i++)
        effects_word(e, c->argv[i]);
}

static void one_case(struct random *r)
{
    struct command_added commands[COMMANDS_MAX];
    const struct command_added *next = commands;
    struct effects e;
    uint32_t n = 0, wanted = (uint32_t)random_below(r, COMMANDS_MAX);
    effects_init(&e);
    while (n < wanted) {
        make(&commands[n], r);
        add(&e, &commands[n++], random_below(r, 2));
        if (random_below(r, 5) > 0)
            continue;
        next = hand_on(&e, next);
        assert_ptr_equal(next, commands + n);
    }
    assert_ptr_equal(hand_on(&e, next), commands + n);
    while (n-- > 0)
        for (uint32_t i = 0; i < commands[n].argc; i++)
            free((char *)commands[n].argv[i].ptr);
}

static void test_model(void **state)
{
    struct random r;
    for (long cases = random_cases(&r, 2000); cases > 0; cases--)
        one_case(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
