/* Handlers of set commands: what they put into the journal, and the order of replies. */
#include <stdio.h>

#include "tests/unit/command_runner.h"

#define RUN(...) run_words(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

static void assert_bytes(const char *buf, size_t len, const char *expected)
{
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(buf, expected, len);
}

#define CHECK(reply_expected, effect_expected, ...)                                                                    \
    do {                                                                                                               \
        RUN(__VA_ARGS__);                                                                                              \
        assert_bytes(reply.buf, reply.len, reply_expected);                                                            \
        assert_bytes(effects.buf, effects.len, effect_expected);                                                       \
    } while (0)

static void effects_of_handlers(void **state)
{
    runner_init(3);
    CHECK(":2\r\n", "*4\r\n$4\r\nSADD\r\n$1\r\nk\r\n$1\r\n1\r\n$1\r\n2\r\n", "SADD", "k", "1", "2");
    CHECK(":0\r\n", "", "SADD", "k", "1");
    CHECK(":0\r\n", "", "SREM", "k", "3");
    CHECK("*2\r\n$1\r\n1\r\n$1\r\n2\r\n", "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n", "SPOP", "k", "2");
    CHECK("*0\r\n", "", "SPOP", "k", "2");
    CHECK("$-1\r\n", "", "SPOP", "k");
    RUN("SADD", "k", "x");
    CHECK("$1\r\nx\r\n", "*3\r\n$4\r\nSREM\r\n$1\r\nk\r\n$1\r\nx\r\n", "SPOP", "k");
    CHECK(":0\r\n", "", "EXISTS", "k");
    CHECK("-ERR value is out of range, must be positive\r\n", "", "SPOP", "k", "-1");
    CHECK("-ERR value is out of range, must be positive\r\n", "", "SPOP", "k", "x");
    RUN("SADD", "k", "7");
    CHECK(":1\r\n", "*4\r\n$5\r\nSMOVE\r\n$1\r\nk\r\n$1\r\nl\r\n$1\r\n7\r\n", "SMOVE", "k", "l", "7");
    CHECK(":0\r\n", "", "SMOVE", "k", "l", "7");
    CHECK(":1\r\n", "", "SMOVE", "l", "l", "7");
    CHECK(":1\r\n", "*3\r\n$11\r\nSUNIONSTORE\r\n$1\r\nm\r\n$1\r\nl\r\n", "SUNIONSTORE", "m", "l");
    CHECK(":0\r\n", "*4\r\n$10\r\nSDIFFSTORE\r\n$1\r\nm\r\n$1\r\nl\r\n$1\r\nl\r\n", "SDIFFSTORE", "m", "l", "l");
    CHECK(":0\r\n", "", "SINTERSTORE", "m", "l", "nosuch");
    CHECK("-ERR numkeys should be greater than 0\r\n", "", "SINTERCARD", "0", "k");
    CHECK("-ERR Number of keys can't be greater than number of args\r\n", "", "SINTERCARD", "3", "k", "l");
    CHECK("-ERR LIMIT can't be negative\r\n", "", "SINTERCARD", "1", "l", "LIMIT", "-1");
    CHECK("-ERR syntax error\r\n", "", "SINTERCARD", "1", "l", "LIMIT");
    CHECK(":1\r\n", "", "SINTERCARD", "1", "l", "LIMIT", "5");
    CHECK("-ERR syntax error\r\n", "", "SSCAN", "l", "0", "TYPE", "set");
    runner_deinit();
}

/* Members of small sets come in Redis 7.4's order. */
static void order_of_replies(void **state)
{
    runner_init(1);
    RUN("SADD", "p", "b", "3", "1");
    CHECK("*3\r\n$1\r\nb\r\n$1\r\n3\r\n$1\r\n1\r\n", "", "SMEMBERS", "p");
    RUN("SREM", "p", "b");
    RUN("SADD", "p", "c");
    CHECK("*3\r\n$1\r\n3\r\n$1\r\n1\r\n$1\r\nc\r\n", "", "SMEMBERS", "p");
    CHECK("*3\r\n$1\r\n3\r\n$1\r\n1\r\n$1\r\nc\r\n", "", "SINTER", "p");
    CHECK("*3\r\n$1\r\n1\r\n$1\r\n3\r\n$1\r\nc\r\n", "", "SUNION", "p", "nosuch");
    RUN("SADD", "i", "5", "3", "c");
    CHECK("*3\r\n$1\r\n3\r\n$1\r\n5\r\n$1\r\nc\r\n", "", "SMEMBERS", "i");
    CHECK("*2\r\n$1\r\n3\r\n$1\r\nc\r\n", "", "SINTER", "p", "i");
    CHECK("*2\r\n$1\r\n3\r\n$1\r\nc\r\n", "", "SINTER", "i", "p");
    CHECK("*1\r\n$1\r\n1\r\n", "", "SDIFF", "p", "i");
    runner_deinit();
}

/* Many members go into the journal in pieces, which are all of those that were replied. */
static void large_pops_in_pieces(void **state)
{
    enum { SIZE = 3000 };
    runner_init(1);
    for (int i = 0; i < SIZE; i++) {
        char member[16];
        snprintf(member, sizeof member, "m%d", i);
        RUN("SADD", "k", member);
    }
    RUN("SPOP", "k", "2500");
    assert_int_equal(effects.commands, 3);
    assert_memory_equal(effects.buf, "*1026\r\n$4\r\nSREM\r\n$1\r\nk\r\n", 24);
    assert_memory_equal(reply.buf, "*2500\r\n", 7);
    CHECK(":500\r\n", "", "SCARD", "k");
    runner_deinit();
}

static void assert_encoding(const char *encoding)
{
    RUN("OBJECT", "ENCODING", "k");
    assert_non_null(memmem(reply.buf, reply.len, encoding, strlen(encoding)));
}

/* What is left of a table is compact again if it is little, also for who does what the journal says. */
static void rest_of_a_pop_is_compact(void **state)
{
    static const char pop_words[] = "*3\r\n$11\r\nSUNIONSTORE\r\n$1\r\nk\r\n$1\r\nk\r\n"
                                    "*3\r\n$9\r\nPEXPIREAT\r\n$1\r\nk\r\n$7\r\n1100000\r\n";
    runner_init(1);
    for (int few = 0; few < 2; few++) {
        for (int i = 0; i < 130; i++) {
            char member[16];
            snprintf(member, sizeof member, "m%d", i);
            RUN("SADD", "k", member);
        }
        RUN("EXPIRE", "k", "100");
        assert_encoding("hashtable");
        RUN("SPOP", "k", few ? "109" : "108");
        bool is_told = effects.len > strlen(pop_words) &&
                       memcmp(effects.buf + effects.len - strlen(pop_words), pop_words, strlen(pop_words)) == 0;
        assert_int_equal(is_told, few);
        assert_encoding(few ? "listpack" : "hashtable");
        CHECK(few ? ":21\r\n" : ":22\r\n", "", "SCARD", "k");
        CHECK(":100\r\n", "", "TTL", "k");
        RUN("DEL", "k");
    }
    runner_deinit();
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(effects_of_handlers),
        cmocka_unit_test(order_of_replies),
        cmocka_unit_test(large_pops_in_pieces),
        cmocka_unit_test(rest_of_a_pop_is_compact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
