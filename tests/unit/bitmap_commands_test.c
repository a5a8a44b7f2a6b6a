/* Handlers of the bitmap commands, on one shard and on three: random ones on keys of every encoding against a model
 * that goes bit by bit. What they leave must be as the model has it, and what reached the journal must lead to the same
 * when it is run on empty shards. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "shard/entry.h"
#include "src/base/mem.h"
#include "src/wire/parse.h"
#include "tests/unit/command_runner.h"
#include "tests/unit/random_cases.h"

enum { ROUNDS = 120, COMMANDS = 60, KEYS = 5, BYTES_MAX = 5000, WORD_CHARS = BYTES_MAX, LOG_BYTES = 1 << 20 };

static const char *const names[KEYS] = {"a", "b", "c", "d", "e"};

/* What a key holds. */
struct text_value {
    bool there;
    size_t len;
    unsigned char bytes[BYTES_MAX + 16]; /* zeros behind len */
};

static struct text_value model[KEYS];
static struct random r;
static char word[RUNNER_ARGS_MAX][WORD_CHARS + 1], expected[4096], journal[LOG_BYTES];
static uint32_t words;
static size_t expected_len, journal_len;

__attribute__((format(printf, 1, 2))) static void add_word(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(word[words++], sizeof word[0], format, args);
    va_end(args);
}

__attribute__((format(printf, 1, 2))) static void expect(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    expected_len += (size_t)vsnprintf(expected + expected_len, sizeof expected - expected_len, format, args);
    va_end(args);
}

static void begin(const char *name)
{
    words = 0;
    expected_len = 0;
    add_word("%s", name);
}

static void run(void)
{
    struct slice argv[RUNNER_ARGS_MAX];
    for (uint32_t i = 0; i < words; i++)
        argv[i] = slice_str(word[i]);
    run_slices(words, argv);
    assert_int_equal(reply.len, expected_len);
    assert_memory_equal(reply.buf, expected, expected_len);
    assert_true(journal_len + effects.len <= sizeof journal);
    if (effects.len > 0)
        memcpy(journal + journal_len, effects.buf, effects.len);
    journal_len += effects.len;
}

/* ---- The model ---- */

static bool get(const struct text_value *v, uint64_t at)
{
    return at < v->len * 8 && v->bytes[at / 8] & (1 << (7 - at % 8));
}

static void put(struct text_value *v, uint64_t at, bool bit)
{
    unsigned char mask = (unsigned char)(1 << (7 - at % 8));
    v->bytes[at / 8] = (unsigned char)(bit ? v->bytes[at / 8] | mask : v->bytes[at / 8] & ~mask);
}

static void grow(struct text_value *v, size_t len)
{
    v->there = true;
    v->len = len > v->len ? len : v->len;
}

static const struct entry *entry_at(int k)
{
    struct key key = key_make(&shape, slice_str(names[k]));
    return keyspace_peek(shards[key.shard].keyspace, 0, &key).entry;
}

static void check_key(int k)
{
    const struct entry *e = entry_at(k);
    assert_int_equal(e != NULL, model[k].there);
    if (!e)
        return;
    char digits[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice s = entry_string(e, digits, &blob);
    assert_int_equal(s.len, model[k].len);
    assert_memory_equal(s.ptr, model[k].bytes, s.len);
}

static void check_raw(int k) { assert_string_equal(encoding_name(entry_at(k)->encoding), "raw"); }

/* ---- Commands ---- */

static int any_key(void) { return (int)random_below(&r, KEYS); }

static uint64_t any_bit(const struct text_value *v)
{
    static const uint64_t edges[] = {0, 7, 8, 44 * 8, 4096 * 8 - 1, 4096 * 8, 4096 * 8 + 9};
    uint64_t how = random_below(&r, 10), near = v->len * 8 + 20;
    return how == 0 ? edges[random_below(&r, sizeof edges / sizeof edges[0])]
                    : random_below(&r, near < BYTES_MAX * 8 ? near : BYTES_MAX * 8);
}

/* A value of any encoding. */
static void set(int k)
{
    static const size_t lens[] = {0, 1, 5, 44, 45, 300, 4095, 4096, 4097};
    struct text_value *v = &model[k];
    begin("SET");
    add_word("%s", names[k]);
    if (random_below(&r, 2)) {
        add_word("%d", (int)random_below(&r, 100000) - 50000);
    } else {
        size_t len = lens[random_below(&r, sizeof lens / sizeof lens[0])];
        for (size_t i = 0; i < len; i++)
            word[words][i] = (char)(1 + random_below(&r, 255));
        word[words++][len] = '\0';
    }
    *v = (struct text_value){.there = true, .len = strlen(word[2])};
    memcpy(v->bytes, word[2], v->len);
    expect("+OK\r\n");
    run();
}

static void setbit(int k)
{
    struct text_value *v = &model[k];
    uint64_t at = any_bit(v);
    bool bit = random_below(&r, 2);
    begin("SETBIT");
    add_word("%s", names[k]);
    add_word("%" PRIu64, at);
    add_word("%d", bit);
    expect(":%d\r\n", get(v, at));
    grow(v, at / 8 + 1);
    put(v, at, bit);
    run();
    check_raw(k);
}

static void getbit(int k)
{
    uint64_t at = any_bit(&model[k]);
    begin("GETBIT");
    add_word("%s", names[k]);
    add_word("%" PRIu64, at);
    expect(":%d\r\n", get(&model[k], at));
    run();
    assert_int_equal(effects.len, 0);
}

/* BITCOUNT or BITPOS of a range from the beginning, with positive numbers. */
static void search(int k)
{
    const struct text_value *v = &model[k];
    bool in_bits = random_below(&r, 2), count = random_below(&r, 2), bit = count || random_below(&r, 2);
    uint64_t from = any_bit(v) / (in_bits ? 1 : 8), to = any_bit(v) / (in_bits ? 1 : 8);
    uint64_t first = in_bits ? from : from * 8, end = in_bits ? to + 1 : to * 8 + 8, n = 0, found = UINT64_MAX;
    for (uint64_t at = first; at < end && at < v->len * 8; at++)
        if (get(v, at) == bit) {
            n++;
            found = at < found ? at : found;
        }
    begin(count ? "BITCOUNT" : "BITPOS");
    add_word("%s", names[k]);
    if (!count)
        add_word("%d", bit);
    add_word("%" PRIu64, from);
    add_word("%" PRIu64, to);
    add_word("%s", in_bits ? "BIT" : "BYTE");
    if (count)
        expect(":%" PRIu64 "\r\n", n);
    else
        expect(":%" PRId64 "\r\n", !v->there && !bit ? 0 : found == UINT64_MAX ? -1 : (int64_t)found);
    run();
    assert_int_equal(effects.len, 0);
}

static bool combined(uint64_t op, const int *source, uint32_t n, uint64_t at)
{
    bool bit = get(&model[source[0]], at);
    for (uint32_t i = 1; i < n; i++) {
        bool other = get(&model[source[i]], at);
        bit = op == 0 ? bit && other : op == 1 ? bit || other : bit != other;
    }
    return op == 3 ? !bit : bit;
}

static void bitop(int k)
{
    static const char *const ops[] = {"AND", "or", "XOR", "NOT"};
    uint64_t op = random_below(&r, 4);
    uint32_t n = op == 3 ? 1 : 1 + (uint32_t)random_below(&r, 4);
    int source[4];
    struct text_value result = {0};
    begin("BITOP");
    add_word("%s", ops[op]);
    add_word("%s", names[k]);
    for (uint32_t i = 0; i < n; i++) {
        source[i] = any_key();
        add_word("%s", names[source[i]]);
        grow(&result, model[source[i]].len);
    }
    for (uint64_t at = 0; at < result.len * 8; at++)
        put(&result, at, combined(op, source, n, at));
    result.there = result.len > 0;
    expect(":%zu\r\n", result.len);
    bool was_there = model[k].there;
    model[k] = result;
    run();
    assert_int_equal(effects.len > 0, was_there || result.there);
    if (result.there)
        check_raw(k);
}

static int64_t field(const struct text_value *v, uint64_t at, uint32_t width, bool is_signed)
{
    uint64_t number = is_signed && get(v, at) ? UINT64_MAX : 0;
    for (uint32_t i = 0; i < width; i++)
        number = number << 1 | get(v, at + i);
    return (int64_t)number;
}

/* An INCRBY and a GET of the same field, with small numbers. */
static void bitfield(int k)
{
    static const char *const overflows[] = {"WRAP", "SAT", "FAIL"};
    struct text_value *v = &model[k];
    bool is_signed = random_below(&r, 2);
    uint32_t width = 1 + (uint32_t)random_below(&r, 60);
    uint64_t at = any_bit(v), how = random_below(&r, 3);
    int64_t by = (int64_t)random_below(&r, 600) - 300;
    begin("BITFIELD");
    add_word("%s", names[k]);
    for (int i = 0; i < 2; i++) {
        if (i == 0) {
            add_word("OVERFLOW");
            add_word("%s", overflows[how]);
        }
        add_word(i == 0 ? "INCRBY" : "GET");
        add_word("%c%u", is_signed ? 'i' : 'u', width);
        add_word("%" PRIu64, at);
        if (i == 0)
            add_word("%" PRId64, by);
    }
    grow(v, (at + width - 1) / 8 + 1);
    int64_t old = field(v, at, width, is_signed), number = old + by;
    int64_t high = (INT64_C(1) << (width - is_signed)) - 1, low = is_signed ? -high - 1 : 0;
    bool fits = low <= number && number <= high;
    if (!fits && how == 1)
        number = number < low ? low : high;
    if (fits || how != 2)
        for (uint32_t i = 0; i < width; i++)
            put(v, at + i, (uint64_t)number >> (width - 1 - i) & 1);
    number = field(v, at, width, is_signed);
    expect("*2\r\n");
    if (fits || how != 2)
        expect(":%" PRId64 "\r\n", number);
    else
        expect("$-1\r\n");
    expect(":%" PRId64 "\r\n", number);
    run();
    check_raw(k);
}

/* ---- The journal ---- */

static void replay(void)
{
    struct slice bytes = slice_of(journal, journal_len);
    struct parser parser = {0};
    struct parse_limits limits = {.bulk_bytes_max = 1 << 20, .authenticated = true};
    struct arg_arena args = {0};
    struct arg_blobs blobs = {0};
    struct parse_result result;
    while (bytes.len > 0) {
        args.n = 0;
        assert_int_equal(parse_next(&parser, bytes, &limits, &args, &blobs, &result), PARSE_COMMAND);
        bytes = slice_of(bytes.ptr + result.consumed, bytes.len - result.consumed);
        run_slices(args.n, args.v);
        assert_false(reply.failed);
    }
    mem_free(NULL, args.v);
}

static void run_round(uint32_t nshards)
{
    static void (*const commands[])(int) = {set, setbit, setbit, getbit, search, search, bitop, bitfield, bitfield};
    char encoding[KEYS][16] = {{0}};
    memset(model, 0, sizeof model);
    journal_len = 0;
    runner_init(nshards);
    for (int i = 0; i < COMMANDS; i++) {
        int k = any_key();
        commands[random_below(&r, sizeof commands / sizeof commands[0])](k);
        check_key(k);
    }
    for (int k = 0; k < KEYS; k++)
        if (model[k].there)
            snprintf(encoding[k], sizeof encoding[k], "%s", encoding_name(entry_at(k)->encoding));
    runner_deinit();
    runner_init(nshards);
    replay();
    for (int k = 0; k < KEYS; k++) {
        check_key(k);
        if (model[k].there)
            assert_string_equal(encoding_name(entry_at(k)->encoding), encoding[k]);
    }
    runner_deinit();
}

static void random_commands(void **state)
{
    long rounds = random_cases(&r, ROUNDS);
    for (long i = 0; i < rounds; i++)
        run_round(i % 2 ? RUNNER_SHARDS_MAX : 1);
}

static void check_int(int64_t n, uint32_t argc, const char *const *argv)
{
    run_words(argc, argv);
    assert_int_equal(reply.len, snprintf(expected, sizeof expected, ":%" PRId64 "\r\n", n));
    assert_memory_equal(reply.buf, expected, reply.len);
}

#define CHECK_INT(n, ...)                                                                                              \
    check_int(n, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

/* Up to the largest string there may be, from nothing and from one that is large already; in memory that other bits
 * were in before, too. */
static void far_bits(void **state)
{
    static const char *const last[] = {"33554431", "335544319"}; /* of 4 and 40 MB */
    runner_init(1);
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        CHECK_INT(0, "SETBIT", "k", last[i], "1");
        CHECK_INT(1, "GETBIT", "k", last[i]);
        CHECK_INT(1, "BITCOUNT", "k");
        CHECK_INT(1, "SETBIT", "k", last[i], "1");
        assert_int_equal(effects.len, 0);
        CHECK_INT(1, "DEL", "k");
        CHECK_INT(0, "SETBIT", "k", "100000", "1");
        CHECK_INT(0, "SETBIT", "k", last[i], "1");
        CHECK_INT(2, "BITCOUNT", "k");
        CHECK_INT(100000, "BITPOS", "k", "1");
        CHECK_INT(1, "DEL", "k");
        CHECK_INT(4194304, "SETRANGE", "k", "4194303", "\xff");
        CHECK_INT(4194304, "BITOP", "NOT", "k", "k");
        CHECK_INT(4194303 * 8, "BITCOUNT", "k");
        CHECK_INT(1, "DEL", "k");
    }
    CHECK_INT(0, "SETBIT", "k", "4294967295", "1");
    CHECK_INT(1, "GETBIT", "k", "4294967295");
    CHECK_INT(0, "GETBIT", "k", "4294967294");
    run_words(4, (const char *const[]){"SETBIT", "k", "4294967296", "1"});
    assert_true(reply.failed);
    runner_deinit();
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_commands), cmocka_unit_test(far_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
