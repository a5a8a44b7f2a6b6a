/* Hashes against a naive model, in both encodings and across their limits; what random fields and scans give; what
 * handlers put into the journal. */
#include <math.h>

#include "tests/unit/command_runner.h"

#include "shard/entry.h"
#include "shard/type/hash.h"
#include "tests/unit/random_cases.h"

enum { FIELDS = 60, TEXT_MAX = 100 };

struct model {
    char value[FIELDS][TEXT_MAX + 1]; /* "" : none */
    uint32_t count;
    bool large; /* it has crossed a limit */
};

static struct world {
    struct model model;
    struct random random;
    struct mem_account account;
    struct keyspace *ks;
    struct key key;
} w;

/* Which limits are crossed differs: the count's, that of a length, or none but by what is set first. */
static const struct flat_limits limit_cases[] = {{FIELDS, TEXT_MAX}, {10, TEXT_MAX}, {FIELDS, 30}, {0, TEXT_MAX}};

static struct slice field_of(uint32_t i, char buf[static 16])
{
    /* Every third one is an integer to a listpack. */
    return slice_of(buf, (size_t)snprintf(buf, 16, i % 3 ? "field-%u" : "%u", i));
}

static uint32_t index_of(struct slice field)
{
    char text[16];
    snprintf(text, sizeof text, "%.*s", (int)field.len, field.ptr);
    uint32_t i = (uint32_t)strtoul(text + (text[0] == 'f' ? 6 : 0), NULL, 10);
    assert_true(i < FIELDS);
    return i;
}

static struct hash open_hash(void)
{
    struct hash h;
    assert_int_equal(hash_write(w.ks, 0, &w.key, &h), STATUS_OK);
    return h;
}

static void note(uint32_t i, const char *text)
{
    w.model.count += w.model.value[i][0] == '\0';
    snprintf(w.model.value[i], sizeof w.model.value[i], "%s", text);
}

static void note_limits(const struct flat_limits *limits, struct slice field, size_t len)
{
    w.model.large |=
        w.model.count > limits->elements || field.len > limits->element_bytes || len > limits->element_bytes;
}

/* ---- One operation each ---- */

static void set(const struct flat_limits *limits, uint32_t i)
{
    char buf[16], text[TEXT_MAX + 1] = "";
    struct hash h = open_hash();
    size_t len = 1 + random_below(&w.random, random_below(&w.random, 8) ? 20 : TEXT_MAX);
    if (random_below(&w.random, 2))
        len = num_i64(text, (int64_t)random_u64(&w.random) >> random_below(&w.random, 64));
    else
        memset(text, 'a' + (int)random_below(&w.random, 26), len);
    text[len] = '\0';
    struct slice pair[] = {field_of(i, buf), slice_of(text, len)};
    assert_int_equal(hash_prepare(&h, limits, pair, 2), STATUS_OK);
    assert_int_equal(hash_set(&h, limits, pair[0], pair[1]), w.model.value[i][0] == '\0');
    note(i, text);
    note_limits(limits, pair[0], len);
}

static void increment(const struct flat_limits *limits, uint32_t i)
{
    char buf[16], text[NUM_INT_CHARS + 1], *end;
    struct hash h = open_hash();
    const char *old = w.model.value[i];
    int64_t by = (int64_t)random_below(&w.random, 2000) - 1000, result, value = strtoll(old, &end, 10), sum;
    enum status expect = *end ? STATUS_NOT_INTEGER : STATUS_OK;
    if (!expect && __builtin_add_overflow(value, by, &sum))
        expect = STATUS_OVERFLOW;
    assert_int_equal(hash_increment(&h, limits, field_of(i, buf), by, &result), expect);
    if (expect)
        return;
    assert_int_equal(result, sum);
    size_t len = num_i64(text, result);
    text[len] = '\0';
    note(i, text);
    note_limits(limits, field_of(i, buf), len);
}

static void delete (uint32_t i)
{
    char buf[16];
    struct hash h = open_hash();
    assert_int_equal(hash_delete(&h, field_of(i, buf)), w.model.value[i][0] != '\0');
    w.model.count -= w.model.value[i][0] != '\0';
    w.model.value[i][0] = '\0';
    w.model.large &= w.model.count > 0;
    assert_int_equal(hash_exists(&h), w.model.count > 0);
}

static void look(uint32_t i)
{
    char buf[16], text[NUM_INT_CHARS];
    struct hash h = open_hash();
    struct listpack_value value;
    bool there = hash_get(&h, field_of(i, buf), &value);
    assert_int_equal(there, w.model.value[i][0] != '\0');
    if (there)
        assert_true(slice_eq(listpack_text_of(value, text), slice_str(w.model.value[i])));
}

/* ---- Many fields ---- */

static uint32_t seen[FIELDS], visits;

static void see(void *arg, struct slice field, struct slice value)
{
    uint32_t i = index_of(field);
    assert_true(w.model.value[i][0] != '\0' && slice_eq(value, slice_str(w.model.value[i])));
    seen[i]++;
    visits++;
}

static void see_nothing(void)
{
    memset(seen, 0, sizeof seen);
    visits = 0;
}

/* Each field that there is was seen at least so often, and at most. */
static void check_seen(uint32_t least, uint32_t most)
{
    for (uint32_t i = 0; i < FIELDS; i++)
        if (w.model.value[i][0])
            assert_in_range(seen[i], least, most);
}

static void look_at_all(void)
{
    struct hash h = open_hash();
    assert_int_equal(hash_len(&h), w.model.count);
    if (w.model.count == 0)
        return;
    assert_int_equal(h.place.entry->encoding, w.model.large ? ENC_TABLE : ENC_LISTPACK);
    see_nothing();
    hash_each(&h, see, NULL);
    check_seen(1, 1);
    see_nothing();
    uint64_t cursor = 0;
    do
        cursor = hash_scan(&h, cursor, 1 + random_below(&w.random, 10), see, NULL);
    while (cursor);
    check_seen(1, FIELDS);
    uint32_t n = (uint32_t)random_below(&w.random, 2 * FIELDS);
    see_nothing();
    hash_sample(&h, n, &w.random, see, NULL);
    assert_int_equal(visits, n < w.model.count ? n : w.model.count);
    check_seen(0, 1);
    see_nothing();
    hash_pick(&h, n, &w.random, see, NULL);
    assert_int_equal(visits, n);
}

static void against_model(void **state)
{
    const struct key_space_shape one = {.seed = 7, .nshards = 1};
    long cases = random_cases(&w.random, 200000);
    w.ks = keyspace_create(&w.account, 1, 7);
    w.key = key_make(&one, slice_str("hash"));
    for (long i = 0; i < cases; i++) {
        const struct flat_limits *limits = &limit_cases[i / 1000 % (sizeof limit_cases / sizeof *limit_cases)];
        if (i % 1000 == 0) { /* so that what is large comes of these limits */
            for (uint32_t k = 0; k < FIELDS; k++)
                delete (k);
        }
        uint32_t field = (uint32_t)random_below(&w.random, FIELDS), what = (uint32_t)random_below(&w.random, 100);
        if (what < 35)
            set(limits, field);
        else if (what < 50)
            increment(limits, field);
        else if (what < (i / 200 % 2 ? 75 : 55))
            delete (field);
        else if (what < 97)
            look(field);
        else
            look_at_all();
    }
    keyspace_destroy(w.ks);
    assert_int_equal(mem_used(&w.account), 0);
}

/* Every field as often as any other, in both encodings, whichever way they are chosen. */
static void random_fields_are_uniform(void **state)
{
    enum { ROUNDS = 20000 };
    const struct key_space_shape one = {.seed = 7, .nshards = 1};
    for (int large = 0; large < 2; large++) {
        w = (struct world){.random = w.random};
        w.ks = keyspace_create(&w.account, 1, 7);
        w.key = key_make(&one, slice_str("hash"));
        for (uint32_t i = 0; i < FIELDS; i++)
            set(&limit_cases[large ? 3 : 0], i);
        struct hash h = open_hash();
        static const uint32_t sizes[] = {1, 10, 40}; /* of which each sample has so many */
        for (int how = 0; how < 4; how++) {
            uint32_t n = how < 3 ? sizes[how] : 10;
            see_nothing();
            for (int i = 0; i < ROUNDS; i++)
                (how < 3 ? hash_sample : hash_pick)(&h, n, &w.random, see, NULL);
            uint32_t mean = ROUNDS * n / FIELDS, off = 6 * (uint32_t)sqrt(mean);
            check_seen(mean - off, mean + off);
        }
        keyspace_destroy(w.ks);
    }
}

/* ---- Handlers ---- */

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
    CHECK(":1\r\n", "*4\r\n$4\r\nHSET\r\n$1\r\nk\r\n$1\r\nf\r\n$2\r\n10\r\n", "HSET", "k", "f", "10");
    CHECK(":0\r\n", "", "HSETNX", "k", "f", "11");
    CHECK(":15\r\n", "*4\r\n$7\r\nHINCRBY\r\n$1\r\nk\r\n$1\r\nf\r\n$1\r\n5\r\n", "HINCRBY", "k", "f", "5");
    CHECK("$4\r\n16.5\r\n", "*4\r\n$4\r\nHSET\r\n$1\r\nk\r\n$1\r\nf\r\n$4\r\n16.5\r\n", "HINCRBYFLOAT", "k", "f",
          "1.5");
    CHECK("-ERR hash value is not an integer\r\n", "", "HINCRBY", "k", "f", "5");
    CHECK(":0\r\n", "", "HDEL", "k", "nosuch");
    CHECK("*2\r\n$1\r\n0\r\n*2\r\n$1\r\nf\r\n$4\r\n16.5\r\n", "", "HSCAN", "k", "0");
    CHECK("*2\r\n$1\r\n0\r\n*1\r\n$1\r\nf\r\n", "", "HSCAN", "k", "0", "novalues", "COUNT", "5");
    CHECK("-ERR syntax error\r\n", "", "HSCAN", "k", "0", "TYPE", "hash");
    CHECK(":1\r\n", "*3\r\n$4\r\nHDEL\r\n$1\r\nk\r\n$1\r\nf\r\n", "HDEL", "k", "f");
    CHECK(":0\r\n", "", "EXISTS", "k");
    CHECK("-ERR syntax error\r\n", "", "SCAN", "0", "NOVALUES");
    runner_deinit();
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),
        cmocka_unit_test(random_fields_are_uniform),
        cmocka_unit_test(effects_of_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
