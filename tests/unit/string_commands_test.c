/* Handlers of the string commands, on one shard and on three, with a value of each encoding: what they answer, what
 * they leave, and what reaches the journal. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/command_runner.h"

enum { TEXT_MAX = 200 * 1024 };

static char got[TEXT_MAX], expected[TEXT_MAX];

/* The reply with the blobs in it, ended with a zero. */
static const char *reply_text(void)
{
    size_t len = 0, from = 0;
    for (uint32_t i = 0; i < reply.nrefs; i++) {
        const struct reply_ref *r = &reply.refs[i];
        memcpy(got + len, reply.buf + from, r->offset - from);
        len += r->offset - from;
        from = r->offset;
        memcpy(got + len, r->blob->data + r->start, r->len);
        len += r->len;
    }
    memcpy(got + len, reply.buf + from, reply.len - from);
    got[len + reply.len - from] = '\0';
    return got;
}

#define WORDS(...)                                                                                                     \
    (sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]) { __VA_ARGS__ }
#define RUN(...) run_words(WORDS(__VA_ARGS__))
#define CHECK(expect, ...)                                                                                             \
    do {                                                                                                               \
        RUN(__VA_ARGS__);                                                                                              \
        assert_string_equal(reply_text(), expect);                                                                     \
    } while (0)

static void assert_bulk(const char *value)
{
    int n = snprintf(expected, sizeof expected, "$%zu\r\n%s\r\n", strlen(value), value);
    assert_in_range(n, 0, sizeof expected - 1);
    assert_string_equal(reply_text(), expected);
}

static void assert_int(size_t n)
{
    snprintf(expected, sizeof expected, ":%zu\r\n", n);
    assert_string_equal(reply_text(), expected);
}

/* The journal has got exactly this command, or nothing. */
static void assert_effect(uint32_t argc, const char **words)
{
    size_t n = argc ? (size_t)snprintf(expected, sizeof expected, "*%u\r\n", argc) : 0;
    for (uint32_t i = 0; i < argc; i++)
        n += (size_t)snprintf(expected + n, sizeof expected - n, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
    assert_int_equal(effects.len, n);
    assert_memory_equal(effects.buf, expected, n);
}

static void test_value(const char *value, const char *encoding)
{
    static char longer[TEXT_MAX];
    size_t len = strlen(value);
    CHECK("+OK\r\n", "SET", "k", value);
    assert_effect(WORDS("SET", "k", value));
    RUN("OBJECT", "ENCODING", "k");
    assert_bulk(encoding);
    RUN("GET", "k");
    assert_bulk(value);
    assert_effect(0, NULL);
    RUN("STRLEN", "k");
    assert_int(len);
    RUN("GETRANGE", "k", "-2", "-1");
    assert_bulk(value + len - 2);
    CHECK("+OK\r\n", "SET", "k", value, "EX", "10");
    assert_effect(WORDS("SET", "k", value, "PXAT", "1010000"));
    RUN("GETEX", "k", "PERSIST");
    assert_bulk(value);
    assert_effect(WORDS("PERSIST", "k"));
    RUN("GETEX", "k", "PX", "500");
    assert_effect(WORDS("PEXPIREAT", "k", "1000500"));
    CHECK("+OK\r\n", "SET", "k", value, "XX", "KEEPTTL");
    CHECK(":500\r\n", "PTTL", "k");
    CHECK("$-1\r\n", "SET", "k", "other", "NX");
    assert_effect(0, NULL);
    RUN("APPEND", "k", "tail");
    assert_int(len + 4);
    assert_effect(WORDS("APPEND", "k", "tail"));
    CHECK(":500\r\n", "PTTL", "k");
    snprintf(longer, sizeof longer, "%stail", value);
    RUN("SETRANGE", "k", "1", "Z");
    assert_int(len + 4);
    assert_effect(WORDS("SETRANGE", "k", "1", "Z"));
    longer[1] = 'Z';
    RUN("GETSET", "k", value);
    assert_bulk(longer);
    CHECK(":-1\r\n", "PTTL", "k");
    CHECK("+OK\r\n", "MSET", "a", value, "b", "2", "c", value);
    CHECK(":0\r\n", "MSETNX", "d", "1", "c", "1");
    RUN("MGET", "b", "d");
    assert_string_equal(reply_text(), "*2\r\n$1\r\n2\r\n$-1\r\n");
    RUN("GETDEL", "k");
    assert_bulk(value);
    assert_effect(WORDS("DEL", "k"));
    CHECK("$-1\r\n", "GETDEL", "k");
    assert_effect(0, NULL);
    CHECK(":2\r\n", "DEL", "a", "c");
}

static void test_numbers(void)
{
    CHECK(":1\r\n", "INCR", "n");
    assert_effect(WORDS("INCR", "n"));
    CHECK(":-9\r\n", "DECRBY", "n", "10");
    CHECK("$3\r\n1.5\r\n", "INCRBYFLOAT", "n", "10.5");
    assert_effect(WORDS("SET", "n", "1.5", "KEEPTTL"));
    CHECK("-ERR value is not an integer or out of range\r\n", "INCR", "n");
    CHECK("+OK\r\n", "SET", "n", "9223372036854775807");
    CHECK("-ERR increment or decrement would overflow\r\n", "INCR", "n");
    assert_effect(0, NULL);
}

static void every_encoding(void **state)
{
    static const struct {
        size_t len;
        const char *encoding;
    } text[] = {{3, "embstr"}, {44, "embstr"}, {45, "raw"}, {4096, "raw"}, {4097, "raw"}, {70 * 1024, "raw"}};
    static char value[TEXT_MAX];
    for (uint32_t n = 1; n <= RUNNER_SHARDS_MAX; n += 2) {
        runner_init(n);
        test_value("-120", "int");
        for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
            memset(value, 'v', text[i].len);
            value[text[i].len] = '\0';
            test_value(value, text[i].encoding);
        }
        test_numbers();
        runner_deinit();
    }
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_encoding)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
