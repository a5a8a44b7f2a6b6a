/* Handlers of the HyperLogLog commands, on one shard and on three: what they answer, what reaches the journal, and that
 * a value's bytes do not depend on where it lies. */
#include <stdio.h>
#include <stdlib.h>

#include "shard/ds/hll_sparse.h"
#include "shard/entry.h"
#include "tests/unit/command_runner.h"
#include "tests/unit/random_cases.h"

#define WORDS(...)                                                                                                     \
    (sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)), (const char *[]) { __VA_ARGS__ }
#define RUN(...) run_words(WORDS(__VA_ARGS__))
#define CHECK(expect, ...)                                                                                             \
    do {                                                                                                               \
        RUN(__VA_ARGS__);                                                                                              \
        assert_int_equal(reply.len, strlen(expect));                                                                   \
        assert_memory_equal(reply.buf, expect, reply.len);                                                             \
    } while (0)

/* The journal has got exactly this, or nothing. */
static void assert_effect(const char *resp)
{
    assert_int_equal(effects.len, strlen(resp));
    if (effects.len > 0)
        assert_memory_equal(effects.buf, resp, effects.len);
}

static struct place peek(const char *name)
{
    struct key key = key_make(&shape, slice_str(name));
    struct place place = keyspace_peek(shards[key.shard].keyspace, 0, &key);
    assert_non_null(place.entry);
    return place;
}

static struct slice value_of(const char *name)
{
    static char number[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    return entry_string(peek(name).entry, number, &blob);
}

static void set_bytes(const char *name, const void *bytes, size_t len)
{
    struct key key = key_make(&shape, slice_str(name));
    struct keyspace *ks = shards[key.shard].keyspace;
    keyspace_set_string(ks, keyspace_write(ks, 0, &key), &key, slice_of(bytes, len), EXPIRY_NONE, STRING_ENCODED);
}

/* ---- Commands ---- */

static void test_adding_and_counting(void)
{
    CHECK(":1\r\n", "PFADD", "k", "a", "b", "a");
    assert_effect("*5\r\n$5\r\nPFADD\r\n$1\r\nk\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\na\r\n");
    CHECK(":0\r\n", "PFADD", "k", "b");
    assert_effect("");
    CHECK(":1\r\n", "PFADD", "empty");
    assert_effect("*2\r\n$5\r\nPFADD\r\n$5\r\nempty\r\n");
    CHECK(":2\r\n", "PFCOUNT", "k");
    assert_effect("*2\r\n$7\r\nPFCOUNT\r\n$1\r\nk\r\n");
    CHECK(":2\r\n", "PFCOUNT", "k");
    assert_effect("");
    CHECK(":1\r\n", "PFADD", "l", "c");
    CHECK(":3\r\n", "PFCOUNT", "l", "k", "empty", "none", "k");
    assert_effect("");
    CHECK(":0\r\n", "PFCOUNT", "none");
    for (uint32_t i = 0; i < shape.nshards; i++)
        keyspace_keep_expired(shards[i].keyspace, INT64_MAX);
    CHECK(":1\r\n", "PFCOUNT", "l");
    assert_effect("");
    for (uint32_t i = 0; i < shape.nshards; i++)
        keyspace_keep_expired(shards[i].keyspace, 0);
}

static void test_merging(void)
{
    RUN("PEXPIRE", "l", "5000");
    CHECK("+OK\r\n", "PFMERGE", "l", "k", "none");
    assert_effect("*4\r\n$7\r\nPFMERGE\r\n$1\r\nl\r\n$1\r\nk\r\n$4\r\nnone\r\n");
    CHECK(":5000\r\n", "PTTL", "l");
    CHECK(":3\r\n", "PFCOUNT", "l");
    CHECK("+sparse\r\n", "PFDEBUG", "encoding", "l");
    CHECK(":1\r\n", "PFDEBUG", "TODENSE", "k");
    assert_effect("*3\r\n$7\r\nPFDEBUG\r\n$7\r\nTODENSE\r\n$1\r\nk\r\n");
    CHECK(":0\r\n", "PFDEBUG", "TODENSE", "k");
    assert_effect("");
    CHECK(":2\r\n", "PFCOUNT", "k");
    assert_effect(""); /* the form has changed, the count has not */
    CHECK("+OK\r\n", "PFMERGE", "l", "k");
    CHECK("+dense\r\n", "PFDEBUG", "ENCODING", "l");
    CHECK(":5000\r\n", "PTTL", "l");
    CHECK(":3\r\n", "PFCOUNT", "l");
    CHECK("+OK\r\n", "PFMERGE", "new");
    CHECK("$7\r\nZ:16384\r\n", "PFDEBUG", "DECODE", "new");
    CHECK("-ERR HLL encoding is not sparse\r\n", "PFDEBUG", "DECODE", "l");
    CHECK("-ERR Unknown PFDEBUG subcommand 'x'\r\n", "PFDEBUG", "x", "l");
    CHECK("-ERR The specified key does not exist\r\n", "PFDEBUG", "x", "none");
}

static void test_what_is_none(void)
{
    static const char *const no_hll = "-WRONGTYPE Key is not a valid HyperLogLog string value.\r\n",
                             *const corrupt = "-INVALIDOBJ Corrupted HLL object detected\r\n";
    RUN("SET", "s", "12");
    CHECK(no_hll, "PFADD", "s", "a");
    CHECK(no_hll, "PFCOUNT", "s");
    CHECK(no_hll, "PFCOUNT", "k", "s");
    CHECK(no_hll, "PFMERGE", "l", "s");
    CHECK(no_hll, "PFDEBUG", "GETREG", "s");
    char bytes[HLL_EMPTY_BYTES];
    hll_make_empty(bytes);
    set_bytes("s", bytes, HLL_EMPTY_BYTES);
    assert_int_equal(peek("s").entry->encoding, ENC_EMBSTR);
    CHECK(":0\r\n", "PFADD", "s");
    assert_effect("");
    assert_int_equal(peek("s").entry->encoding, ENC_RAW);
    set_bytes("s", bytes, HLL_EMPTY_BYTES - 1);
    CHECK(corrupt, "PFADD", "s", "a");
    CHECK(corrupt, "PFCOUNT", "s");
    CHECK(corrupt, "PFCOUNT", "k", "s");
    CHECK(corrupt, "PFMERGE", "l", "s");
    CHECK(corrupt, "PFDEBUG", "GETREG", "s");
    assert_effect("");
}

/* Of two elements the first finds its register, the second does not: the change is there, and in the journal. */
static void test_a_change_before_an_error(void)
{
    char bytes[HLL_EMPTY_BYTES];
    struct hll_element low = hll_hash(slice_str("a")), high = hll_hash(slice_str("hello"));
    assert_true(low.index != high.index);
    const char *first = low.index < high.index ? "a" : "hello", *second = low.index < high.index ? "hello" : "a";
    uint32_t span = low.index < high.index ? high.index : low.index;
    hll_make_empty(bytes);
    bytes[HLL_HEADER_BYTES] = (char)(0x40 | (span - 1) >> 8);
    bytes[HLL_HEADER_BYTES + 1] = (char)((span - 1) & 0xff);
    set_bytes("cut", bytes, sizeof bytes);
    CHECK("-INVALIDOBJ Corrupted HLL object detected\r\n", "PFADD", "cut", first, second);
    assert_true(effects.len > 0);
    assert_true(value_of("cut").len > sizeof bytes);
}

static void commands(void **state)
{
    for (uint32_t n = 1; n <= RUNNER_SHARDS_MAX; n += 2) {
        runner_init(n);
        test_adding_and_counting();
        test_merging();
        test_what_is_none();
        test_a_change_before_an_error();
        runner_deinit();
    }
}

/* ---- Where a value lies ---- */

/* The same elements in a buffer, as long as it is sparse. */
static bool add_to_buffer(char *bytes, size_t *len, const char *word)
{
    struct hll_mark mark = hll_begin();
    struct hll_edit edit;
    switch (hll_sparse_set(slice_of(bytes, *len), hll_hash(slice_str(word)), runner_limits.hll_sparse_max_bytes, &mark,
                           &edit)) {
    case HLL_UNCHANGED:
        return true;
    case HLL_EDITED:
        hll_edit_in_place(bytes, *len, &edit);
        *len = hll_edited_len(*len, &edit);
        return true;
    default:
        return false;
    }
}

/* One after the other into an entry, which grows into a blob where that is allowed, until it is dense. */
static void fill(struct random *r, uint64_t sparse_max_bytes)
{
    static char bytes[HLL_SPARSE_BYTES_MAX];
    size_t len = HLL_EMPTY_BYTES;
    struct hll_registers expected = {0}, got = {0};
    bool sparse = true;
    runner_limits.hll_sparse_max_bytes = sparse_max_bytes;
    hll_make_empty(bytes);
    RUN("DEL", "k");
    for (int i = 0; i < 8000 && sparse; i++) {
        char word[24];
        snprintf(word, sizeof word, "%llx", (unsigned long long)random_u64(r));
        struct hll_element e = hll_hash(slice_str(word));
        expected.rank[e.index] = expected.rank[e.index] < e.rank ? e.rank : expected.rank[e.index];
        sparse = add_to_buffer(bytes, &len, word);
        RUN("PFADD", "k", word);
        struct slice value = value_of("k");
        assert_int_equal(hll_encoding(value.ptr) == HLL_SPARSE, sparse);
        if (!sparse)
            break;
        assert_int_equal(value.len, len);
        assert_memory_equal(value.ptr, bytes, len);
    }
    assert_true(hll_raise(&got, value_of("k")));
    assert_memory_equal(&got, &expected, sizeof got);
    assert_int_equal(entry_string_len(peek("k").entry), sparse ? len : HLL_DENSE_BYTES);
}

static void values_anywhere(void **state)
{
    static const uint64_t sparse_max_bytes[] = {0, 100, 3000, 4100, 9000, UINT64_MAX};
    struct random r;
    long cases = random_cases(&r, 12);
    runner_init(1);
    for (long i = 0; i < cases; i++)
        fill(&r, sparse_max_bytes[i % 6]);
    runner_deinit();
    runner_limits.hll_sparse_max_bytes = 3000;
    printf("%ld cases\n", cases);
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {cmocka_unit_test(commands), cmocka_unit_test(values_anywhere)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
