/* SORT and SORT_RO on shards in one thread: options and errors, what patterns lead to and where, what is stored and put
 * into the journal; the whole of it against a naive model. */
#include <stdlib.h>

#include "tests/unit/command_runner.h"

#include "shard/entry.h"
#include "tests/unit/random_cases.h"

#define RUN(...) run_words(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

#define COUNT_ERROR "-ERR value is not an integer or out of range|"
#define SYNTAX      "-ERR syntax error|"
#define SCORES      "-ERR One or more scores can't be converted into double|"

static int set_up(void **state)
{
    runner_init(3);
    return 0;
}

static int tear_down(void **state)
{
    runner_limits.list_node_size = -2;
    runner_deinit();
    return 0;
}

/* Bars stand for CRLF. */
static void assert_text(const char *got, size_t len, const char *expected)
{
    char *shown = malloc(len + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (got[i] != '\r')
            shown[n++] = got[i] == '\n' ? '|' : got[i];
    shown[n] = '\0';
    assert_string_equal(shown, expected);
    free(shown);
}

#define REPLIES(expected, ...)                                                                                         \
    do {                                                                                                               \
        RUN(__VA_ARGS__);                                                                                              \
        assert_text(reply.buf, reply.len, expected);                                                                   \
    } while (0)

#define EFFECT(expected, ...)                                                                                          \
    do {                                                                                                               \
        RUN(__VA_ARGS__);                                                                                              \
        assert_text(effects.buf, effects.len, expected);                                                               \
    } while (0)

/* ---- Options ---- */

static void options(void **state)
{
    RUN("RPUSH", "k", "10", "9", "-1.5", "0x10");
    REPLIES("*4|$4|-1.5|$1|9|$2|10|$4|0x10|", "SORT", "k");
    REPLIES("*4|$4|0x10|$2|10|$1|9|$4|-1.5|", "SORT_RO", "k", "asc", "DESC");
    REPLIES("*4|$4|-1.5|$4|0x10|$2|10|$1|9|", "SORT", "k", "ALPHA");
    REPLIES("*2|$1|9|$2|10|", "SORT", "k", "LIMIT", "1", "2");
    REPLIES("*4|$4|-1.5|$1|9|$2|10|$4|0x10|", "SORT", "k", "LIMIT", "-5", "-7");
    REPLIES("*1|$4|0x10|", "SORT", "k", "LIMIT", "3", "9223372036854775807");
    REPLIES("*0|", "SORT", "k", "LIMIT", "4", "1");
    REPLIES("*0|", "SORT", "k", "LIMIT", "9223372036854775807", "9223372036854775807");
    REPLIES("*0|", "SORT", "k", "LIMIT", "0", "0");
    REPLIES("*2|$1|9|$4|-1.5|", "SORT", "k", "BY", "nosort", "LIMIT", "1", "2");
    REPLIES("*2|$4|-1.5|$1|9|", "SORT", "k", "BY", "nosort", "DESC", "LIMIT", "1", "2");
    REPLIES("*4|$2|10|$1|9|$4|-1.5|$4|0x10|", "SORT", "k", "BY", "nosort", "BY", "w*");
    REPLIES("*0|", "SORT", "none");
    REPLIES("*0|", "SORT", "none", "BY", "nosort", "GET", "#");
}

static void errors(void **state)
{
    RUN("RPUSH", "k", "1", "2");
    RUN("SET", "string", "1");
    REPLIES(SYNTAX, "SORT", "string", "junk");
    REPLIES(SYNTAX, "SORT", "k", "LIMIT", "1");
    REPLIES(SYNTAX, "SORT", "k", "GET");
    REPLIES(SYNTAX, "SORT", "k", "STORE");
    REPLIES(SYNTAX, "SORT_RO", "k", "STORE", "d");
    REPLIES(COUNT_ERROR, "SORT", "string", "LIMIT", "x", "1");
    REPLIES(COUNT_ERROR, "SORT", "string", "LIMIT", "1", "9223372036854775808");
    REPLIES("-WRONGTYPE Operation against a key holding the wrong kind of value|", "SORT", "string");
    REPLIES(":1|", "EXISTS", "string");
}

static void scores(void **state)
{
    static const char *const good[] = {"", " 7", "1e3", "inf", "-infinity", "0x1p3", "+2", "9223372036854775808"};
    static const char *const bad[] = {"x", "1x", "nan", "1e400", "1e-400", "1 "};
    RUN("RPUSH", "k", "e");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        RUN("SET", "w_e", good[i]);
        REPLIES("*1|$1|e|", "SORT", "k", "BY", "w_*");
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        RUN("SET", "w_e", bad[i]);
        REPLIES(SCORES, "SORT", "k", "BY", "w_*");
        REPLIES(SCORES, "SORT", "k", "BY", "w_*", "LIMIT", "0", "0");
        REPLIES("*1|$1|e|", "SORT", "k", "BY", "w_*", "ALPHA");
    }
    RUN("RPUSH", "d", "as it was");
    EFFECT("", "SORT", "k", "BY", "w_*", "STORE", "d");
    REPLIES("*1|$9|as it was|", "LRANGE", "d", "0", "-1");
    REPLIES(SCORES, "SORT", "k");

    struct slice argv[] = {slice_str("SET"), slice_str("w_e"), slice_of("5\0x", 3)}; /* ends there */
    run_slices(3, argv);
    REPLIES("*1|$1|e|", "SORT", "k", "BY", "w_*");
}

/* ---- Patterns ---- */

static void patterns(void **state)
{
    RUN("RPUSH", "k", "a", "7");
    RUN("SET", "w_a", "of a");
    RUN("SET", "w_7", "77");
    RUN("SET", "w_a->", "arrow");
    RUN("SET", "7", "itself");
    RUN("HSET", "h_a", "f", "field", "g->h", "deep");
    RUN("HSET", "h_7_x", "f", "12");
    REPLIES("*2|$4|of a|$2|77|", "SORT", "k", "BY", "nosort", "GET", "w_*");
    REPLIES("*2|$1|a|$1|7|", "SORT", "k", "BY", "nosort", "GET", "#");
    REPLIES("*2|$-1|$6|itself|", "SORT", "k", "BY", "nosort", "GET", "*");
    REPLIES("*2|$-1|$-1|", "SORT", "k", "BY", "nosort", "GET", "w_a");
    REPLIES("*2|$-1|$-1|", "SORT", "k", "BY", "nosort", "GET", "");
    REPLIES("*2|$-1|$-1|", "SORT", "k", "BY", "nosort", "GET", "##");
    REPLIES("*2|$5|arrow|$-1|", "SORT", "k", "BY", "nosort", "GET", "w_*->");
    REPLIES("*2|$5|field|$-1|", "SORT", "k", "BY", "nosort", "GET", "h_*->f");
    REPLIES("*2|$-1|$2|12|", "SORT", "k", "BY", "nosort", "GET", "h_*_x->f");
    REPLIES("*2|$4|deep|$-1|", "SORT", "k", "BY", "nosort", "GET", "h_*->g->h");
    REPLIES("*2|$-1|$-1|", "SORT", "k", "BY", "nosort", "GET", "h_*");    /* no string */
    REPLIES("*2|$-1|$-1|", "SORT", "k", "BY", "nosort", "GET", "w_*->f"); /* no hash */
    REPLIES("*6|$1|a|$4|of a|$5|field|$1|7|$2|77|$-1|", "SORT", "k", "BY", "nosort", "GET", "#", "GET", "w_*", "GET",
            "h_*->f");
    REPLIES("*2|$1|7|$1|a|", "SORT", "k", "BY", "w_*", "ALPHA");

    /* A star behind a zero byte is none, and what is there belongs to the name. */
    struct slice constant[] = {slice_str("SORT"), slice_str("k"), slice_str("BY"), slice_of("x\0*", 3)};
    run_slices(4, constant);
    assert_text(reply.buf, reply.len, "*2|$1|a|$1|7|");
    struct slice set[] = {slice_str("SET"), slice_of("z_a\0->f", 7), slice_str("zero")};
    run_slices(3, set);
    struct slice get[] = {slice_str("SORT"), slice_str("k"),   slice_str("BY"),
                          slice_str("n"),    slice_str("GET"), slice_of("z_*\0->f", 7)};
    run_slices(6, get);
    assert_text(reply.buf, reply.len, "*2|$4|zero|$-1|");
}

static bool reaches(const char *pattern)
{
    struct slice argv[] = {slice_str("SORT"), slice_str("{u}k"), slice_str("GET"), slice_str(pattern)};
    return command_needs_all_shards(command_by_full_name(slice_str("sort")), 4, argv);
}

/* A hash tag in front of the star keeps all keys on the shard of the list. */
static void reach(void **state)
{
    assert_true(reaches("w_*"));
    assert_true(reaches("*{u}"));
    assert_true(reaches("{u*}"));
    assert_true(reaches("{}{u}*"));
    assert_true(reaches("{v}*"));
    assert_true(reaches("{u*"));
    assert_false(reaches("{u}*"));
    assert_false(reaches("x{u}_*->f"));
    assert_false(reaches("constant"));
    assert_false(reaches("#"));
    struct slice plain[] = {slice_str("SORT"), slice_str("k"), slice_str("STORE"), slice_str("d")};
    assert_false(command_needs_all_shards(command_by_full_name(slice_str("sort")), 4, plain));
}

/* Looking for one key deletes another as expired, in the table that the elements are in, too. */
static void expired(void **state)
{
    char name[16];
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "%d", i);
        RUN("RPUSH", "k", name);
        snprintf(name, sizeof name, "w_%d", i);
        RUN("SET", name, "-1000");
        if (i % 2)
            RUN("PEXPIREAT", name, "1000100");
    }
    for (uint32_t i = 0; i < 3; i++)
        keyspace_set_time(shards[i].keyspace, 1000200);
    REPLIES("*2|$1|0|$2|10|", "SORT", "k", "BY", "w_*", "LIMIT", "0", "2");
    REPLIES("*2|$1|7|$1|9|", "SORT", "k", "BY", "w_*", "LIMIT", "58", "2"); /* weigh 0 */
    REPLIES(":0|", "EXISTS", "w_59");
    REPLIES(":1|", "EXISTS", "w_58");
}

/* ---- STORE ---- */

static void assert_encoding(const char *name, enum encoding encoding)
{
    struct key key = key_make(&shape, slice_str(name));
    assert_int_equal(keyspace_peek(shards[key.shard].keyspace, 0, &key).entry->encoding, encoding);
}

static void stored(void **state)
{
    RUN("RPUSH", "k", "2", "1", "3");
    RUN("SET", "d", "of another type", "EX", "100");
    EFFECT("*4|$4|SORT|$1|k|$5|STORE|$1|d|", "SORT", "k", "STORE", "d");
    assert_text(reply.buf, reply.len, ":3|");
    REPLIES("*3|$1|1|$1|2|$1|3|", "LRANGE", "d", "0", "-1");
    REPLIES(":-1|", "TTL", "d");
    assert_encoding("d", ENC_LISTPACK);
    REPLIES(":6|", "SORT", "k", "GET", "#", "GET", "none_*", "STORE", "d");
    REPLIES("*6|$1|1|$0||$1|2|$0||$1|3|$0||", "LRANGE", "d", "0", "-1");
    REPLIES(":3|", "SORT", "k", "DESC", "STORE", "k"); /* onto itself */
    REPLIES("*3|$1|3|$1|2|$1|1|", "LRANGE", "k", "0", "-1");
    REPLIES(":3|", "SORT", "k", "STORE", "limit", "STORE", "by", "STORE", "e"); /* the last one counts */
    REPLIES(":1|", "EXISTS", "e", "limit", "by");

    EFFECT("*4|$4|SORT|$4|none|$5|STORE|$1|d|", "SORT", "none", "STORE", "d");
    assert_text(reply.buf, reply.len, ":0|");
    REPLIES(":0|", "EXISTS", "d");
    EFFECT("", "SORT", "none", "STORE", "d");
    EFFECT("", "SORT", "k");

    runner_limits.list_node_size = 2;
    REPLIES(":3|", "SORT", "k", "STORE", "d");
    assert_encoding("d", ENC_QUICKLIST);
    REPLIES(":2|", "SORT", "k", "LIMIT", "0", "2", "STORE", "d");
    assert_encoding("d", ENC_LISTPACK);
}

static void gives_way(void **state)
{
    char number[16];
    for (int i = 0; i < 5000; i++) {
        snprintf(number, sizeof number, "%d", i * 7 % 5000);
        RUN("RPUSH", "k", number);
    }
    gave_way = 0;
    RUN("SORT", "k", "BY", "nosort", "GET", "x_*");
    assert_in_range(gave_way, 5000 / 100, 5000);
    gave_way = 0;
    RUN("SORT", "k", "STORE", "d");
    assert_in_range(gave_way, 5000 / 10, 50000);
}

/* ---- Against a model ---- */

enum { ELEMENTS_MAX = 60, NAMES = 40, TEXT_BYTES = 24 };

/* What there is: the list, and for each name what its weight and its field are; empty ones are not there. */
static struct {
    struct random random;
    char name[NAMES][TEXT_BYTES], weight[NAMES][TEXT_BYTES], field[NAMES][TEXT_BYTES];
    uint32_t element[ELEMENTS_MAX], n;
} m;

struct question {
    bool alpha, descending, as_is, limited;
    int by; /* 0: the elements, 1: weights, 2: fields */
    long offset, limit;
    int gets; /* 0: none, 1: weights, 2: elements and fields */
};

static uint32_t below(uint32_t n) { return (uint32_t)random_below(&m.random, n); }

static void random_number(char *text)
{
    if (below(3))
        snprintf(text, TEXT_BYTES, "%d", (int)below(30) - 15);
    else
        snprintf(text, TEXT_BYTES, "%.2f", (double)below(3000) / 100 - 15);
}

static void make_world(void)
{
    char key[TEXT_BYTES + 2];
    RUN("FLUSHALL");
    for (uint32_t i = 0; i < NAMES; i++) {
        m.weight[i][0] = m.field[i][0] = '\0';
        snprintf(m.name[i], TEXT_BYTES, i % 2 ? "%u" : "%u.0", below(NAMES) * 3);
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(m.name[k], m.name[i]) == 0) /* has its weight already */
                snprintf(m.name[i], TEXT_BYTES, "-%u", i);
        if (below(4)) {
            random_number(m.weight[i]);
            snprintf(key, sizeof key, "w_%s", m.name[i]);
            RUN("SET", key, m.weight[i]);
        }
        if (below(4)) {
            random_number(m.field[i]);
            snprintf(key, sizeof key, "h_%s", m.name[i]);
            RUN("HSET", key, "f", m.field[i]);
        }
    }
    m.n = below(ELEMENTS_MAX + 1);
    for (uint32_t i = 0; i < m.n; i++) {
        m.element[i] = below(NAMES);
        RUN("RPUSH", "k", m.name[m.element[i]]);
    }
}

static const char *weight_of(const struct question *q, uint32_t name)
{
    return q->by == 0 ? m.name[name] : q->by == 1 ? m.weight[name] : m.field[name];
}

static int model_compare(const struct question *q, uint32_t a, uint32_t b)
{
    const char *left = weight_of(q, a), *right = weight_of(q, b);
    int order = strcmp(left, right); /* a missing one is empty, and no other is */
    if (!q->alpha) {
        double x = strtod(left, NULL), y = strtod(right, NULL);
        order = x < y ? -1 : x > y ? 1 : strcmp(m.name[a], m.name[b]);
    }
    return q->descending ? -order : order;
}

/* Writes the names that are the result to out, in order; returns how many. */
static uint32_t model_sort(const struct question *q, uint32_t *out)
{
    uint32_t sorted[ELEMENTS_MAX], n = 0;
    for (uint32_t i = 0; i < m.n; i++) {
        uint32_t at = i;
        if (q->as_is && q->descending)
            at = 0;
        while (!q->as_is && at > 0 && model_compare(q, sorted[at - 1], m.element[i]) > 0)
            at--;
        memmove(sorted + at + 1, sorted + at, (i - at) * sizeof *sorted);
        sorted[at] = m.element[i];
    }
    for (long i = 0; i < (long)m.n; i++)
        if (!q->limited || (i >= q->offset && (q->limit < 0 || i < (q->offset > 0 ? q->offset : 0) + q->limit)))
            out[n++] = sorted[i];
    return n;
}

static size_t put_bulk(char *out, const char *text, bool stored)
{
    if (*text || stored)
        return (size_t)sprintf(out, "$%zu\r\n%s\r\n", strlen(text), text);
    return (size_t)sprintf(out, "$-1\r\n");
}

static size_t expected_reply(const struct question *q, bool stored, char *out)
{
    uint32_t names[ELEMENTS_MAX], n = model_sort(q, names);
    size_t len = (size_t)sprintf(out, "*%u\r\n", q->gets == 2 ? 2 * n : n);
    for (uint32_t i = 0; i < n; i++) {
        if (q->gets != 1)
            len += put_bulk(out + len, m.name[names[i]], stored);
        if (q->gets > 0)
            len += put_bulk(out + len, q->gets == 1 ? m.weight[names[i]] : m.field[names[i]], stored);
    }
    return len;
}

static struct question random_question(void)
{
    return (struct question){.alpha = below(2),
                             .descending = below(2),
                             .as_is = below(6) == 0,
                             .limited = below(2),
                             .by = (int)below(3),
                             .offset = (long)below(ELEMENTS_MAX + 6) - 5,
                             .limit = (long)below(ELEMENTS_MAX) - 3,
                             .gets = (int)below(3)};
}

static uint32_t words_of(const struct question *q, const char **argv)
{
    static char offset[24], limit[24];
    uint32_t n = 0;
    argv[n++] = "SORT";
    argv[n++] = "k";
    if (q->as_is || q->by > 0) {
        argv[n++] = "BY";
        argv[n++] = q->as_is ? "nosort" : q->by == 1 ? "w_*" : "h_*->f";
    }
    if (q->limited) {
        snprintf(offset, sizeof offset, "%ld", q->offset);
        snprintf(limit, sizeof limit, "%ld", q->limit);
        argv[n++] = "LIMIT";
        argv[n++] = offset;
        argv[n++] = limit;
    }
    if (q->gets > 0) {
        argv[n++] = "GET";
        argv[n++] = q->gets == 1 ? "w_*" : "#";
    }
    if (q->gets == 2) {
        argv[n++] = "GET";
        argv[n++] = "h_*->f";
    }
    if (q->alpha)
        argv[n++] = "ALPHA";
    if (q->descending)
        argv[n++] = "DESC";
    return n;
}

static void against_model(void **state)
{
    static char expected[ELEMENTS_MAX * 2 * (TEXT_BYTES + 10)];
    const char *argv[RUNNER_ARGS_MAX];
    long cases = random_cases(&m.random, 20000);
    for (long i = 0; i < cases; i++) {
        if (i % 20 == 0)
            make_world();
        struct question q = random_question();
        bool stored = below(4) == 0;
        uint32_t n = words_of(&q, argv);
        argv[n] = "STORE";
        argv[n + 1] = "d";
        run_words(n + (stored ? 2 : 0), argv);
        if (stored)
            RUN("LRANGE", "d", "0", "-1");
        size_t len = expected_reply(&q, stored, expected);
        assert_int_equal(reply.len, len);
        assert_memory_equal(reply.buf, expected, len);
    }
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(options, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scores, set_up, tear_down),
        cmocka_unit_test_setup_teardown(patterns, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reach, set_up, tear_down),
        cmocka_unit_test_setup_teardown(expired, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gives_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(against_model, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
