/* COMMAND GETKEYSANDFLAGS: what keys a command line has. The expectations were taken from redis-server 7.0.15; where it
 * differs on purpose a comment says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "src/cmd/keys.h"
#include "src/cmd/table.h"
#include "src/wire/reply.h"
#include "tests/unit/random_cases.h"

#define INVALID "ERR Invalid arguments specified for command"
#define NO_KEYS "ERR The command has no key arguments"

/* Words are separated by one blank each; two blanks have an empty word between them. Keys are shown as
 * key:flag,flag. */
static const struct {
    const char *line, *keys;
} cases[] = {
    {"GET k", "k:RO,access"},
    {"SET k v", "k:OW,update"},
    {"SET k v GET", "k:RW,access,update"},
    {"SET k v EX 10 get", "k:RW,access,update"},
    {"SET k get", "k:OW,update"},
    {"MGET a b c", "a:RO,access b:RO,access c:RO,access"},
    {"MSET a 1 b 2", "a:OW,update b:OW,update"},
    {"MSET a 1 b", "a:OW,update b:OW,update"},
    {"MSETNX a 1 b 2 c 3", "a:OW,insert b:OW,insert c:OW,insert"},
    {"DEL a b", "a:RM,delete b:RM,delete"},
    {"RENAME a b", "a:RW,access,delete b:OW,update"},
    {"COPY a b DB 1", "a:RO,access b:OW,update"},
    {"LCS a b LEN", "a:RO,access b:RO,access"},
    {"BITOP AND d a b", "d:OW,update a:RO,access b:RO,access"},
    {"BITFIELD k GET u8 0", "k:RO,access"},
    {"BITFIELD k GET u8 0 SET u8 0 1", "k:RW,access,update"},
    {"BITFIELD k SET u8 0 1", "k:RW,access,update"},
    {"BITFIELD k INCRBY u8 0", "k:RW,access,update"},
    {"BITFIELD k GET get set SET u8 0 1", "k:RW,access,update"},
    {"BLPOP a b 0", "a:RW,access,delete b:RW,access,delete"},
    {"BRPOPLPUSH a b 0", "a:RW,access,delete b:RW,insert"},
    {"BLMOVE a b LEFT RIGHT 0", "a:RW,access,delete b:RW,insert"},
    {"LMPOP 2 a b LEFT", "a:RW,access,delete b:RW,access,delete"},
    {"LMPOP 3 a b LEFT", "a:RW,access,delete b:RW,access,delete LEFT:RW,access,delete"},
    {"LMPOP 4 a b LEFT", INVALID},
    {"LMPOP 0 a LEFT", INVALID},
    {"LMPOP -1 a LEFT", INVALID},
    {"LMPOP 99999999999999999999 a LEFT", INVALID},
    {"LMPOP 9223372036854775807 a LEFT", INVALID},
    {"LMPOP 4294967297 a LEFT", INVALID}, /* atoi wraps round in 7.0 */
    {"LMPOP x a LEFT", INVALID},
    {"LMPOP 01 a LEFT", INVALID}, /* 7.0 takes it, LMPOP itself does not */
    {"BLMPOP 0 2 a b LEFT", "a:RW,access,delete b:RW,access,delete"},
    {"BLMPOP 0 1 a LEFT", "a:RW,access,delete"},
    {"BZMPOP 0 2 a b MIN", "a:RW,access,delete b:RW,access,delete"},
    {"ZMPOP 1 a MIN", "a:RW,access,delete"},
    {"SINTERCARD 2 a b", "a:RO,access b:RO,access"},
    {"SINTERCARD 2 a", INVALID},
    {"SINTERCARD 1 a LIMIT 1", "a:RO,access"},
    {"ZUNION 2 a b", "a:RO,access b:RO,access"},
    {"ZUNIONSTORE d 2 a b", "d:OW,update a:RO,access b:RO,access"},
    {"ZUNIONSTORE d 3 a b", INVALID},
    {"ZUNIONSTORE d 0 a b", INVALID},
    {"ZINTERSTORE d 1 a WEIGHTS 2", "d:OW,update a:RO,access"},
    {"ZDIFFSTORE d 2 a b", "d:OW,update a:RO,access b:RO,access"},
    {"ZDIFF 1 a WITHSCORES", "a:RO,access"},
    {"ZINTERCARD 2 a b LIMIT 1", "a:RO,access b:RO,access"},
    {"EVAL s 2 a b c", "a:RW,access,update b:RW,access,update"},
    {"EVAL s 0", ""},
    {"EVAL s 0 a", ""},
    {"EVAL s 3 a b", ""},
    {"EVAL s -1 a b", ""},
    {"EVAL_RO s 1 a", "a:RO,access"},
    {"EVALSHA s 1 a", "a:RW,access,update"},
    {"FCALL f 1 a b", "a:RW,access,update"},
    {"FCALL_RO f 2 a b", "a:RO,access b:RO,access"},
    {"XREAD COUNT 2 STREAMS a b 0 0", "a:RO,access b:RO,access"},
    {"XREAD STREAMS a 0", "a:RO,access"},
    {"XREAD COUNT 2 BLOCK 0", INVALID},
    {"XREAD COUNT 2 STREAMS a", INVALID},
    {"XREAD STREAMS a b 0", "a:RO,access"},
    {"XREADGROUP GROUP g c STREAMS a b > >", "a:RO,access b:RO,access"},
    {"XREADGROUP GROUP streams c STREAMS a >", "a:RO,access"},
    {"XREADGROUP GROUP g streams STREAMS a >", "a:RO,access"},
    {"XADD s * a b", "s:RW,update"},
    {"XINFO STREAM s", "s:RO,access"},
    {"XGROUP CREATE s g $", "s:RW,insert"},
    {"OBJECT ENCODING k", "k:RO"},
    {"MEMORY USAGE k", "k:RO"},
    {"SORT k", "k:RO,access"},
    {"SORT k BY x STORE d", "k:RO,access d:OW,update"},
    {"SORT k STORE d STORE e", "k:RO,access e:OW,update"},
    {"SORT k STORE", "k:RO,access"},
    {"SORT k LIMIT store x STORE d", "k:RO,access d:OW,update"},
    {"SORT k GET store", "k:RO,access"},
    {"SORT k BY nosort GET store STORE d", "k:RO,access d:OW,update"},
    {"SORT_RO k BY x", "k:RO,access"},
    {"GEORADIUS k 0 0 1 km", "k:RO,access"},
    {"GEORADIUS k 0 0 1 km STORE d", "k:RO,access d:OW,update"},
    {"GEORADIUS k 0 0 1 km STORE", "k:RO,access"},
    {"GEORADIUS k 0 0 1 km STOREDIST d", "k:RO,access d:OW,update"},
    {"GEORADIUSBYMEMBER k m 1 km STORE d", "k:RO,access d:OW,update"},
    {"GEORADIUSBYMEMBER k m 1 km STORE d STOREDIST e", "k:RO,access d:OW,update e:OW,update"},
    {"GEOSEARCHSTORE d k FROMMEMBER m BYRADIUS 1 km", "d:OW,update k:RO,access"},
    {"MIGRATE h 1 k 0 1", "k:RW,access,delete"},
    {"MIGRATE h 1 k 0 1 COPY REPLACE", "k:RW,access,delete"},
    {"MIGRATE h 1  0 1 KEYS a b c", "a:RW,access,delete b:RW,access,delete c:RW,access,delete"},
    {"MIGRATE h 1  0 1 AUTH keys KEYS a", "a:RW,access,delete"},
    {"MIGRATE h 1  0 1 AUTH2 keys keys KEYS a b", "a:RW,access,delete b:RW,access,delete"},
    {"MIGRATE h 1 k 0 1 KEYS a", INVALID},
    {"MIGRATE h 1  0 1 COPY", ":RW,access,delete"},
    {"PFCOUNT a b", "a:RW,access b:RW,access"},
    {"PFMERGE d a b", "d:RW,access,insert a:RO,access b:RO,access"},
    {"PFMERGE d", "d:RW,access,insert"}, /* 7.0 finds none, though it writes it */
    {"PFDEBUG ENCODING k", "k:RW,access"},
    {"SINTERSTORE d a b", "d:OW,update a:RO,access b:RO,access"}, /* as 7.4 */
    {"SMOVE a b m", "a:RW,access,delete b:RW,insert"},
    {"WATCH a b", "a:RO b:RO"},
    {"RESTORE k 0 x", "k:OW,update"},
    {"RESTORE-ASKING k 0 x", "k:OW,update"},
    {"SPUBLISH c m", NO_KEYS},
    {"SSUBSCRIBE c", NO_KEYS},
    {"PING x", NO_KEYS},
    {"PUBLISH c m", NO_KEYS},
    {"CLUSTER KEYSLOT k", NO_KEYS},
    {"ZRANGESTORE d s 0 1", "d:OW,update s:RO,access"},
    {"ZADD k 1 a", "k:RW,update"},
    {"HSET k f v", "k:RW,update"},
    {"GETEX k PERSIST", "k:RW,access,update"},
    {"TOUCH a b a", "a:RO b:RO a:RO"},
    {"SDIFF a", "a:RO,access"},
    {"NOSUCH a b", "ERR Invalid command specified"},
    {"CONFIG GET x", NO_KEYS},
    {"OBJECT NOSUCH k", "ERR Invalid command specified"},
    {"GET a b", "ERR Invalid number of arguments specified for command"},
    {"MSET a b", "a:OW,update"},
};

enum { ARGS_MAX = 64 };

static uint32_t split(char *line, struct slice *argv)
{
    uint32_t n = 0;
    for (char *word; (word = strsep(&line, " "));)
        argv[n++] = slice_str(word);
    return n;
}

/* A RESP2 array of [key, [flag, ...]] as "key:flag,flag key:flag"; an error as its text. */
static void show_reply(const struct reply *r, char *out)
{
    char *end = out;
    const char *p = r->buf, *stop = r->buf + r->len;
    bool first_key = true, first_flag = true;
    if (*p == '-') {
        sprintf(out, "%.*s", (int)(r->len - 3), p + 1);
        return;
    }
    while (p < stop) {
        const char *line_end = memchr(p, '\n', (size_t)(stop - p)) - 1;
        if (*p == '$') {
            int len = atoi(p + 1);
            end += sprintf(end, "%s%.*s:", first_key ? "" : " ", len, line_end + 2);
            first_key = false;
            first_flag = true;
            line_end += 2 + len;
        } else if (*p == '+') {
            end += sprintf(end, "%s%.*s", first_flag ? "" : ",", (int)(line_end - p - 1), p + 1);
            first_flag = false;
        }
        p = line_end + 2;
    }
    *end = '\0';
}

static void test_keys_are_those_of_redis(void **state)
{
    const struct command *row = command_by_full_name(slice_str("command|getkeysandflags"));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char line[256], shown[512];
        struct slice argv[ARGS_MAX];
        snprintf(line, sizeof(line), "COMMAND GETKEYSANDFLAGS %s", cases[i].line);
        struct reply r;
        reply_init(&r, 2);
        struct cmd c = {.row = row, .argv = argv, .argc = split(line, argv), .reply = &r};
        row->run(&c);
        show_reply(&r, shown);
        if (strcmp(shown, cases[i].keys) != 0)
            fail_msg("%s: expected %s, got %s", cases[i].line, cases[i].keys, shown);
        reply_deinit(&r);
    }
    print_message("%zu command lines\n", sizeof(cases) / sizeof(cases[0]));
}

/* Routing's short form finds what the specifications find. */
static void test_short_form_agrees(void **state)
{
    struct slice argv[ARGS_MAX];
    struct key_position found[ARGS_MAX];
    for (uint32_t i = 0; i < ARGS_MAX; i++)
        argv[i] = slice_str("1");
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        if (row->key_form != KEYS_ONE && row->key_form != KEYS_RANGE)
            continue;
        for (uint32_t argc = 1; argc <= 12; argc++) {
            if (!command_arity_ok(row, argc))
                continue;
            uint32_t n = command_find_keys(row, argc, argv, found), k = 0;
            for (uint32_t i = (uint32_t)row->key_first; i <= command_last_key(row, argc); i += (uint32_t)row->key_step)
                assert_true(k < n && found[k++].index == i);
            assert_int_equal(k, n);
            assert_true(row->key_form == KEYS_RANGE || n == 1);
        }
    }
}

/* Whatever a client sends, positions lie in the command line and are at most as many as it has arguments. */
static void test_random_lines_stay_in_bounds(void **state)
{
    static const char *const words[] = {
        "0",          "1",          "2",     "3",     "9",         "-1",      "99999999999999999999",
        "4294967295", "2147483647", "",      "STORE", "STOREDIST", "STREAMS", "KEYS",
        "GET",        "BY",         "LIMIT", "auth",  "auth2",     "SET",     "k",
        "OVERFLOW",
    };
    struct random random;
    long count = random_cases(&random, 200000);
    for (long i = 0; i < count; i++) {
        const struct command *row = command_by_id((uint32_t)random_below(&random, command_count()));
        uint32_t argc = 1 + (uint32_t)random_below(&random, 12);
        if (!command_arity_ok(row, argc))
            continue;
        struct slice *argv = malloc(argc * sizeof(*argv));
        struct key_position *found = malloc(argc * sizeof(*found));
        for (uint32_t k = 0; k < argc; k++)
            argv[k] = slice_str(words[random_below(&random, sizeof(words) / sizeof(words[0]))]);
        uint32_t n = command_find_keys(row, argc, argv, found);
        assert_true(n <= argc);
        for (uint32_t k = 0; k < n; k++)
            assert_true(found[k].index < argc);
        free(argv);
        free(found);
    }
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys_are_those_of_redis),
        cmocka_unit_test(test_short_form_agrees),
        cmocka_unit_test(test_random_lines_stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
