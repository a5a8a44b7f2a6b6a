/* Handlers of list commands: when the encoding changes, in both directions and both meanings of the limit; what they
 * put into the journal; moves between shards; lists against a naive model through the commands. */
#include "tests/unit/command_runner.h"

#include "shard/entry.h"
#include "tests/unit/random_cases.h"

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

#define REPLIES(reply_expected, ...)                                                                                   \
    do {                                                                                                               \
        RUN(__VA_ARGS__);                                                                                              \
        assert_bytes(reply.buf, reply.len, reply_expected);                                                            \
    } while (0)

static const struct entry *entry_of(const char *name)
{
    struct key key = key_make(&shape, slice_str(name));
    return keyspace_peek(shards[key.shard].keyspace, 0, &key).entry;
}

static void assert_encoding(const char *name, enum encoding encoding)
{
    assert_int_equal(entry_of(name)->encoding, encoding);
}

static void push_many(const char *name, uint32_t n, const char *element)
{
    while (n-- > 0)
        RUN("RPUSH", name, element);
}

static char *text_of(size_t len)
{
    char *text = memset(malloc(len + 1), 'x', len);
    text[len] = '\0';
    return text;
}

/* ---- Encodings ---- */

static void counted_elements(void **state)
{
    runner_init(1);
    runner_limits.list_node_size = 4;
    push_many("k", 4, "e");
    assert_encoding("k", ENC_LISTPACK);
    push_many("k", 1, "e");
    assert_encoding("k", ENC_QUICKLIST);
    REPLIES("$1\r\ne\r\n", "LPOP", "k");
    REPLIES("$1\r\ne\r\n", "RPOP", "k"); /* three in one listpack: more than half */
    assert_encoding("k", ENC_QUICKLIST);
    REPLIES("$1\r\ne\r\n", "LPOP", "k");
    assert_encoding("k", ENC_LISTPACK);
    REPLIES(":5\r\n", "LPUSH", "k", "1", "2", "3"); /* what is to come counts */
    assert_encoding("k", ENC_QUICKLIST);
    REPLIES("+OK\r\n", "LTRIM", "k", "0", "1"); /* of two listpacks */
    assert_encoding("k", ENC_QUICKLIST);
    REPLIES("$1\r\n3\r\n", "LPOP", "k");
    assert_encoding("k", ENC_LISTPACK);
    REPLIES(":5\r\n", "RPUSH", "new", "1", "1", "1", "1", "2");
    assert_encoding("new", ENC_QUICKLIST);
    REPLIES(":3\r\n", "LREM", "new", "-3", "1");
    assert_encoding("new", ENC_QUICKLIST);
    REPLIES(":1\r\n", "LREM", "new", "1", "2");
    assert_encoding("new", ENC_LISTPACK);

    REPLIES(":3\r\n", "LPUSH", "new", "2", "3");
    runner_limits.list_node_size = 2; /* does not count before the list grows */
    REPLIES("$1\r\n3\r\n", "LPOP", "new");
    REPLIES(":-1\r\n", "LINSERT", "new", "BEFORE", "none", "x");
    REPLIES("-ERR index out of range\r\n", "LSET", "new", "2", "x");
    assert_encoding("new", ENC_LISTPACK);
    REPLIES(":3\r\n", "LINSERT", "new", "AFTER", "1", "x");
    assert_encoding("new", ENC_QUICKLIST);
    runner_limits.list_node_size = -2;
    runner_deinit();
}

static void counted_bytes(void **state)
{
    char *kilobyte = text_of(1000), *fits = text_of(4096 - 7), *large = text_of(4097);
    runner_init(1);
    runner_limits.list_node_size = -1;
    push_many("k", 4, kilobyte);
    assert_encoding("k", ENC_LISTPACK);
    push_many("k", 1, kilobyte);
    assert_encoding("k", ENC_QUICKLIST);
    RUN("LPOP", "k", "2"); /* two listpacks yet */
    assert_encoding("k", ENC_QUICKLIST);
    RUN("RPOP", "k");
    assert_encoding("k", ENC_LISTPACK);

    RUN("RPUSH", "fits", fits); /* bytes of text are counted */
    assert_encoding("fits", ENC_LISTPACK);
    RUN("LSET", "fits", "0", "x"); /* as if it were added */
    assert_encoding("fits", ENC_LISTPACK);
    RUN("RPUSH", "large", large);
    assert_encoding("large", ENC_QUICKLIST);
    RUN("LMOVE", "large", "large", "LEFT", "LEFT");
    assert_encoding("large", ENC_QUICKLIST);
    RUN("LSET", "large", "-1", "x");
    assert_encoding("large", ENC_LISTPACK);
    RUN("LSET", "large", "-1", large);
    assert_encoding("large", ENC_QUICKLIST);
    RUN("LPUSH", "large", "x");
    RUN("RPOP", "large");
    assert_encoding("large", ENC_LISTPACK);
    free(kilobyte);
    free(fits);
    free(large);
    runner_limits.list_node_size = -2;
    runner_deinit();
}

/* ---- Effects ---- */

static void effects_of_handlers(void **state)
{
    runner_init(3);
    CHECK(":2\r\n", "*4\r\n$5\r\nRPUSH\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\nb\r\n", "RPUSH", "k", "a", "b");
    CHECK(":0\r\n", "", "LPUSHX", "none", "a");
    CHECK("*0\r\n", "", "LPOP", "k", "0");
    CHECK("*-1\r\n", "", "LPOP", "none", "1");
    CHECK("$-1\r\n", "", "LPOP", "none");
    CHECK("+OK\r\n", "", "LTRIM", "k", "0", "-1");
    CHECK(":0\r\n", "", "LREM", "k", "0", "c");
    CHECK(":-1\r\n", "", "LINSERT", "k", "BEFORE", "c", "d");
    CHECK("$1\r\na\r\n", "*5\r\n$5\r\nLMOVE\r\n$1\r\nk\r\n$1\r\nm\r\n$4\r\nleft\r\n$5\r\nRIGHT\r\n", "LMOVE", "k", "m",
          "left", "RIGHT");
    CHECK("$1\r\na\r\n", "*3\r\n$9\r\nRPOPLPUSH\r\n$1\r\nm\r\n$1\r\nk\r\n", "RPOPLPUSH", "m", "k");
    CHECK(":0\r\n", "", "EXISTS", "m");
    CHECK("*2\r\n$1\r\nk\r\n*2\r\n$1\r\nb\r\n$1\r\na\r\n", "*3\r\n$4\r\nRPOP\r\n$1\r\nk\r\n$1\r\n2\r\n", "LMPOP", "2",
          "m", "k", "RIGHT", "COUNT", "10");
    CHECK("*-1\r\n", "", "LMPOP", "2", "m", "k", "LEFT");
    CHECK(":0\r\n", "", "EXISTS", "k");
    runner_deinit();
}

/* The list that remains is the same key: with its expiry. */
static void turning_keeps_expiry(void **state)
{
    runner_init(1);
    REPLIES(":1\r\n", "RPUSH", "k", "a");
    REPLIES(":1\r\n", "PEXPIREAT", "k", "2000000");
    REPLIES("$1\r\na\r\n", "LMOVE", "k", "k", "LEFT", "RIGHT");
    REPLIES(":2000000\r\n", "PEXPIRETIME", "k");
    REPLIES("$1\r\na\r\n", "RPOPLPUSH", "k", "other");
    REPLIES(":-1\r\n", "PEXPIRETIME", "other");
    runner_deinit();
}

/* A destination that has expired is another one; finding that moves entries of the same table. */
static void moving_over_expired(void **state)
{
    runner_init(1);
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "old%d", i);
        REPLIES(":1\r\n", "RPUSH", name, "x");
        RUN("PEXPIREAT", name, "1000100");
    }
    REPLIES(":2\r\n", "RPUSH", "k", "a", "b");
    keyspace_set_time(shards[0].keyspace, 1000200);
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "old%d", i);
        REPLIES("$1\r\na\r\n", "LMOVE", "k", name, "LEFT", "LEFT");
        REPLIES(":1\r\n", "LLEN", name);
        REPLIES("$1\r\na\r\n", "LMOVE", name, "k", "LEFT", "LEFT");
        REPLIES(":0\r\n", "EXISTS", name);
    }
    runner_deinit();
}

/* ---- Against a model ---- */

enum { KEYS = 3, ELEMENTS_MAX = 300, TEXT_BYTES = 12 };

struct model {
    char text[ELEMENTS_MAX][TEXT_BYTES];
    uint32_t n;
};

static struct model models[KEYS];
static struct random test_random;

static uint32_t below(uint32_t n) { return (uint32_t)random_below(&test_random, n); }

static const char *name_of(uint32_t i)
{
    static const char *const names[KEYS] = {"a", "b", "c"};
    return names[i];
}

static void model_insert(struct model *m, uint32_t at, const char *text)
{
    memmove(m->text + at + 1, m->text + at, (m->n - at) * sizeof *m->text);
    snprintf(m->text[at], TEXT_BYTES, "%s", text);
    m->n++;
}

static void model_remove(struct model *m, uint32_t at)
{
    m->n--;
    memmove(m->text + at, m->text + at + 1, (m->n - at) * sizeof *m->text);
}

static void check_list(uint32_t i)
{
    struct model *m = &models[i];
    static char expected[ELEMENTS_MAX * (TEXT_BYTES + 8) + 16];
    size_t len = (size_t)snprintf(expected, sizeof expected, "*%u\r\n", m->n);
    for (uint32_t e = 0; e < m->n; e++)
        len +=
            (size_t)snprintf(expected + len, sizeof expected - len, "$%zu\r\n%s\r\n", strlen(m->text[e]), m->text[e]);
    REPLIES(expected, "LRANGE", name_of(i), "0", "-1");
}

static void push_some(uint32_t i, bool left)
{
    char words[3][TEXT_BYTES];
    uint32_t n = 1 + below(3);
    if (models[i].n + n > ELEMENTS_MAX)
        return;
    for (uint32_t k = 0; k < 3; k++)
        snprintf(words[k], TEXT_BYTES, below(2) ? "%u" : "element%u", below(50));
    const char *argv[] = {left ? "LPUSH" : "RPUSH", name_of(i), words[0], words[1], words[2]};
    run_words(2 + n, argv);
    for (uint32_t k = 0; k < n; k++)
        model_insert(&models[i], left ? 0 : models[i].n, words[k]);
}

static void pop_some(uint32_t i, bool left)
{
    struct model *m = &models[i];
    uint32_t n = below(8) ? 1 + below(5) : 200;
    char count[16];
    snprintf(count, sizeof count, "%u", n);
    RUN(left ? "LPOP" : "RPOP", name_of(i), count);
    for (n = n < m->n ? n : m->n; n > 0; n--)
        model_remove(m, left ? 0 : m->n - 1);
}

static void move_one(uint32_t i, uint32_t to, bool from_left, bool to_left)
{
    char text[TEXT_BYTES];
    struct model *src = &models[i], *dst = &models[to];
    if (src->n == 0 || dst->n == ELEMENTS_MAX)
        return;
    uint32_t at = from_left ? 0 : src->n - 1;
    snprintf(text, sizeof text, "%s", src->text[at]);
    RUN("LMOVE", name_of(i), name_of(to), from_left ? "LEFT" : "RIGHT", to_left ? "LEFT" : "RIGHT");
    model_remove(src, at);
    model_insert(dst, to_left ? 0 : dst->n, text);
}

static void set_one(uint32_t i)
{
    struct model *m = &models[i];
    char index[16], text[TEXT_BYTES];
    if (m->n == 0)
        return;
    uint32_t at = below(m->n);
    snprintf(index, sizeof index, "%d", below(2) ? (int)at : (int)at - (int)m->n);
    snprintf(text, sizeof text, "set%u", below(50));
    REPLIES("+OK\r\n", "LSET", name_of(i), index, text);
    snprintf(m->text[at], TEXT_BYTES, "%s", text);
    RUN("LINDEX", name_of(i), index);
    assert_memory_equal(reply.buf + reply.len - 2 - strlen(text), text, strlen(text));
}

static void trim_some(uint32_t i)
{
    struct model *m = &models[i];
    char start[16], stop[16];
    uint32_t front = below(4), back = below(4);
    if (m->n <= front + back)
        return;
    snprintf(start, sizeof start, "%u", front);
    snprintf(stop, sizeof stop, "-%u", back + 1);
    REPLIES("+OK\r\n", "LTRIM", name_of(i), start, stop);
    while (front-- > 0)
        model_remove(m, 0);
    m->n -= back;
}

static void against_model(void **state)
{
    static const int32_t node_sizes[] = {-2, -1, 1, 3, 10, 50, 128};
    long cases = random_cases(&test_random, 100000);
    runner_init(3);
    for (long c = 0; c < cases; c++) {
        uint32_t i = below(KEYS), what = below(100), grows = c / 1000 % 2;
        if (c % 500 == 0)
            runner_limits.list_node_size = node_sizes[below(sizeof node_sizes / sizeof *node_sizes)];
        if (what < 20 + 25 * grows)
            push_some(i, below(2));
        else if (what < 60)
            pop_some(i, below(2));
        else if (what < 75)
            move_one(i, below(KEYS), below(2), below(2));
        else if (what < 85)
            set_one(i);
        else if (what < 90)
            trim_some(i);
        else
            check_list(i);
    }
    runner_limits.list_node_size = -2;
    runner_deinit();
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_elements),    cmocka_unit_test(counted_bytes),
        cmocka_unit_test(effects_of_handlers), cmocka_unit_test(turning_keeps_expiry),
        cmocka_unit_test(moving_over_expired), cmocka_unit_test(against_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
