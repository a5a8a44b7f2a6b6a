/* Streams and their groups against naive models, with nodes of several sizes; the nodes of Redis's radix tree; what
 * handlers put into the journal. */
#include "tests/unit/command_runner.h"

#include "shard/type/stream_group.h"
#include "tests/unit/random_cases.h"

enum { MESSAGES_MAX = 2000, WORDS_MAX = 8, TEXT_MAX = 40, GROUPS = 2, CONSUMERS = 3, NOBODY = -1 };

struct model_message {
    struct stream_id id;
    bool deleted;
    uint32_t words;
    char word[WORDS_MAX][TEXT_MAX + 1];
    int consumer[GROUPS]; /* that has it pending, or NOBODY */
};

static struct world {
    struct model_message message[MESSAGES_MAX]; /* all that were ever added */
    uint32_t added;
    bool consumer_exists[GROUPS][CONSUMERS];
    struct random random;
    struct mem_account account;
    struct keyspace *ks;
    struct key key, copy;
} w;

static const struct stream_limits limit_cases[] = {{4096, 100}, {0, 3}, {100, 0}, {0, 0}, {4096, 1}, {600, 10}};
static const char *const group_names[GROUPS] = {"group", ""};
static const char *const consumer_names[CONSUMERS] = {"alice", "bob", "a consumer with a longer name"};

static struct stream *open_key(const struct key *key)
{
    struct stream *s;
    assert_int_equal(stream_write(w.ks, 0, key, &s), STATUS_OK);
    return s;
}

static struct stream *open_stream(void) { return open_key(&w.key); }

/* ---- Messages ---- */

static uint32_t live_count(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < w.added; i++)
        n += !w.message[i].deleted;
    return n;
}

static struct stream_id last_id(void) { return w.added > 0 ? w.message[w.added - 1].id : STREAM_ID_MIN; }

static void make_words(struct model_message *m)
{
    m->words = 2 * (uint32_t)(1 + random_below(&w.random, WORDS_MAX / 2));
    for (uint32_t i = 0; i < m->words; i++) {
        if (i % 2 == 0) /* mostly the same names */
            snprintf(m->word[i], sizeof m->word[i], random_below(&w.random, 5) ? "name%u" : "%u", i);
        else if (random_below(&w.random, 2))
            m->word[i][num_i64(m->word[i], (int64_t)random_u64(&w.random) >> random_below(&w.random, 64))] = '\0';
        else
            snprintf(m->word[i], sizeof m->word[i], "%.*s", (int)random_below(&w.random, TEXT_MAX),
                     "the text of a value that has several words");
    }
}

static void add(const struct stream_limits *limits)
{
    struct stream *s = open_stream();
    struct slice words[WORDS_MAX];
    if (w.added == MESSAGES_MAX)
        return;
    struct model_message *m = &w.message[w.added];
    memset(m, 0, sizeof *m);
    m->id = last_id();
    if (random_below(&w.random, 3))
        m->id = (struct stream_id){m->id.ms + 1 + (random_u64(&w.random) >> (32 + random_below(&w.random, 32))), 0};
    m->id.seq += 1 + random_below(&w.random, 3);
    make_words(m);
    for (uint32_t i = 0; i < m->words; i++)
        words[i] = slice_str(m->word[i]);
    for (int i = 0; i < GROUPS; i++)
        m->consumer[i] = NOBODY;
    assert_int_equal(stream_add(s, limits, m->id, words, m->words / 2), STATUS_OK);
    assert_int_equal(stream_add(s, limits, m->id, words, m->words / 2), STATUS_EXISTS);
    w.added++;
}

static struct model_message *any_message(void)
{
    return w.added > 0 ? &w.message[random_below(&w.random, w.added)] : NULL;
}

static void delete_one(void)
{
    struct model_message *m = any_message();
    if (!m)
        return;
    assert_int_equal(stream_delete(open_stream(), m->id), !m->deleted);
    m->deleted = true;
}

/* Whole nodes only: what goes is a beginning of what is to go. */
static void trim(void)
{
    struct stream *s = open_stream();
    uint32_t live = live_count();
    const struct model_message *m = any_message();
    struct stream_trim t = {.approximate = random_below(&w.random, 2)};
    t.by = m && random_below(&w.random, 2) ? STREAM_TRIM_ID : STREAM_TRIM_LENGTH;
    t.limit = t.approximate ? random_below(&w.random, 200) : 0;
    t.length_max = random_below(&w.random, live + 10);
    t.id_min = m ? m->id : STREAM_ID_MIN;
    uint32_t kept = live, most = 0;
    for (uint32_t i = 0; i < w.added; i++) {
        if (w.message[i].deleted)
            continue;
        bool goes = t.by == STREAM_TRIM_ID ? stream_id_compare(w.message[i].id, t.id_min) < 0 : kept > t.length_max;
        kept -= goes;
        most += goes;
    }
    uint64_t trimmed = stream_trim(s, &t);
    if (t.approximate)
        assert_in_range(trimmed, 0, t.limit > 0 && t.limit < most ? t.limit : most);
    else
        assert_int_equal(trimmed, most);
    for (uint32_t i = 0; trimmed > 0; i++) {
        trimmed -= !w.message[i].deleted;
        w.message[i].deleted = true;
    }
}

struct comparing {
    const struct model_message *message;
    uint32_t words;
};

static void compare_pair(void *arg, struct slice field, struct slice value)
{
    struct comparing *c = arg;
    assert_true(slice_eq(field, slice_str(c->message->word[c->words])));
    assert_true(slice_eq(value, slice_str(c->message->word[c->words + 1])));
    c->words += 2;
}

static void compare_message(struct stream_cursor *at, const struct model_message *m)
{
    struct comparing c = {.message = m};
    assert_int_equal(stream_id_compare(at->message.id, m->id), 0);
    stream_message_each(&at->message, compare_pair, &c);
    assert_int_equal(c.words, m->words);
}

static void look(void)
{
    struct stream *s = open_stream();
    struct stream_cursor at;
    struct stream_id id = any_message() ? any_message()->id : STREAM_ID_MIN;
    if (random_below(&w.random, 2))
        id.seq++;
    uint32_t i = 0, most = (uint32_t)random_below(&w.random, 30);
    while (i < w.added && stream_id_compare(w.message[i].id, id) < 0)
        i++;
    uint32_t middle = i;
    for (bool more = stream_find(s, id, &at);; more = stream_next(&at), i++) {
        while (i < w.added && w.message[i].deleted)
            i++;
        assert_int_equal(more, i < w.added);
        if (!more || most-- == 0)
            break;
        compare_message(&at, &w.message[i]);
    }
    i = middle < w.added && stream_id_compare(w.message[middle].id, id) == 0 ? middle + 1 : middle;
    most = (uint32_t)random_below(&w.random, 30);
    for (bool more = stream_find_back(s, id, &at);; more = stream_previous(&at), i--) {
        while (i > 0 && w.message[i - 1].deleted)
            i--;
        assert_int_equal(more, i > 0);
        if (!more || most-- == 0)
            break;
        compare_message(&at, &w.message[i - 1]);
    }
}

/* ---- Groups ---- */

static struct stream_group *group_of(struct stream *s, int group)
{
    struct stream_group *g = stream_find_group(s, slice_str(group_names[group]));
    return g ? g : stream_add_group(s, slice_str(group_names[group]), STREAM_ID_MIN, 0);
}

static struct stream_consumer *consumer_of(struct stream *s, struct stream_group *g, int group, int consumer)
{
    struct slice name = slice_str(consumer_names[consumer]);
    struct stream_consumer *c = stream_find_consumer(g, name);
    assert_int_equal(c != NULL, w.consumer_exists[group][consumer]);
    w.consumer_exists[group][consumer] = true;
    return c ? c : stream_add_consumer(s, g, name, 5);
}

static void give_or_drop(void)
{
    struct stream *s = open_stream();
    int group = (int)random_below(&w.random, GROUPS), consumer = (int)random_below(&w.random, CONSUMERS);
    struct stream_group *g = group_of(s, group);
    struct model_message *m = any_message();
    if (!m)
        return;
    struct stream_pending *p = stream_find_pending(g, m->id);
    assert_int_equal(p != NULL, m->consumer[group] != NOBODY);
    if (p && random_below(&w.random, 3) == 0) {
        stream_drop(s, g, p);
        m->consumer[group] = NOBODY;
        return;
    }
    p = p ? p : stream_pend(s, g, m->id);
    stream_give(s, g, p, consumer_of(s, g, group, consumer), (int64_t)m->id.ms, 7);
    m->consumer[group] = consumer;
}

static void remove_consumer_or_group(void)
{
    struct stream *s = open_stream();
    int group = (int)random_below(&w.random, GROUPS), consumer = (int)random_below(&w.random, CONSUMERS);
    struct stream_group *g = group_of(s, group);
    bool all = random_below(&w.random, 4) == 0;
    if (all)
        stream_remove_group(s, g);
    else if (w.consumer_exists[group][consumer])
        stream_remove_consumer(s, g, consumer_of(s, g, group, consumer));
    for (uint32_t i = 0; i < w.added; i++)
        if (all || w.message[i].consumer[group] == consumer)
            w.message[i].consumer[group] = NOBODY;
    for (int i = 0; i < CONSUMERS; i++)
        w.consumer_exists[group][i] &= !all && i != consumer;
}

/* Everything that is pending of a group, or only what one of its consumers has. */
static void compare_pending(const struct ranked *pending, int group, int consumer)
{
    struct ranked_place at;
    uint32_t n = 0, i = 0;
    for (bool more = ranked_first(pending, &at); more; more = ranked_next(pending, &at), n++, i++) {
        const struct stream_pending *p = stream_pending_at(&at);
        while (w.message[i].consumer[group] == NOBODY ||
               (consumer != NOBODY && w.message[i].consumer[group] != consumer))
            i++;
        assert_int_equal(stream_id_compare(p->id, w.message[i].id), 0);
        assert_true(slice_eq(p->consumer->name, slice_str(consumer_names[w.message[i].consumer[group]])));
        assert_int_equal(p->deliveries, 7);
        assert_int_equal(p->delivered_ms, (int64_t)p->id.ms);
    }
    assert_int_equal(n, pending->items);
    uint32_t wanted = 0;
    for (i = 0; i < w.added; i++)
        wanted +=
            w.message[i].consumer[group] != NOBODY && (consumer == NOBODY || w.message[i].consumer[group] == consumer);
    assert_int_equal(n, wanted);
}

static void compare_all(struct stream *s)
{
    struct stream_cursor at;
    uint32_t live = live_count(), i = 0;
    assert_int_equal(s->length, live);
    assert_int_equal(stream_id_compare(s->last_id, last_id()), 0);
    for (bool more = stream_find(s, STREAM_ID_MIN, &at); more; more = stream_next(&at), i++) {
        while (w.message[i].deleted)
            i++;
        compare_message(&at, &w.message[i]);
        live--;
    }
    assert_int_equal(live, 0);
    assert_int_equal(stream_id_compare(s->first_id, stream_find(s, STREAM_ID_MIN, &at) ? at.message.id : STREAM_ID_MIN),
                     0);
    for (int group = 0; group < GROUPS; group++) {
        struct stream_group *g = stream_find_group(s, slice_str(group_names[group]));
        if (!g)
            continue;
        compare_pending(&g->pending, group, NOBODY);
        for (int c = 0; c < CONSUMERS; c++)
            if (w.consumer_exists[group][c])
                compare_pending(&stream_find_consumer(g, slice_str(consumer_names[c]))->pending, group, c);
    }
}

static void free_all(void)
{
    while (keyspace_free_step(w.ks, 1))
        ;
}

/* A copy is the same, and is there when what it was copied from has gone. */
static void copy_and_go(void)
{
    keyspace_copy(w.ks, keyspace_write(w.ks, 0, &w.key), w.ks, 0, &w.copy);
    keyspace_remove(w.ks, keyspace_write(w.ks, 0, &w.key), &w.key);
    free_all();
    keyspace_move(w.ks, keyspace_write(w.ks, 0, &w.copy), &w.copy, w.ks, 0, &w.key);
    compare_all(open_stream());
}

static void begin_anew(void)
{
    if (w.added > 0)
        keyspace_remove(w.ks, keyspace_write(w.ks, 0, &w.key), &w.key);
    free_all();
    w.added = 0;
    memset(w.consumer_exists, 0, sizeof w.consumer_exists);
    stream_create(w.ks, 0, &w.key);
}

static void against_model(void **state)
{
    enum { ROUND = 3000 };
    const struct key_space_shape one = {.seed = 7, .nshards = 1};
    long cases = random_cases(&w.random, 200000);
    w.ks = keyspace_create(&w.account, 1, 7);
    w.key = key_make(&one, slice_str("stream"));
    w.copy = key_make(&one, slice_str("copy"));
    stream_create(w.ks, 0, &w.key);
    for (long i = 0; i < cases; i++) {
        const struct stream_limits *limits = &limit_cases[i / ROUND % (sizeof limit_cases / sizeof *limit_cases)];
        uint32_t what = (uint32_t)random_below(&w.random, 1000);
        if (i % ROUND == ROUND - 1)
            begin_anew();
        else if (what < 500)
            add(limits);
        else if (what < 700)
            delete_one();
        else if (what < 705)
            trim();
        else if (what < 800)
            look();
        else if (what < 980)
            give_or_drop();
        else if (what < 985)
            remove_consumer_or_group();
        else if (what < 990)
            compare_all(open_stream());
        else if (what < 992)
            copy_and_go();
    }
    keyspace_destroy(w.ks);
    assert_int_equal(mem_used(&w.account), 0);
}

/* ---- Nodes of a radix tree ---- */

enum { KEYS_MAX = 50, KEY_BYTES = 16 };

/* Of keys that have depth bytes in common and are sorted. */
static uint32_t naive_radix_nodes(const uint8_t (*key)[KEY_BYTES], uint32_t n, uint32_t depth)
{
    uint32_t common = depth, nodes, begin = 0;
    if (n == 1)
        return depth < KEY_BYTES ? 2 : 1;
    while (key[0][common] == key[n - 1][common])
        common++;
    nodes = common > depth ? 2 : 1;
    for (uint32_t i = 1; i <= n; i++) {
        if (i < n && key[i][common] == key[begin][common])
            continue;
        nodes += naive_radix_nodes(key + begin, i - begin, common + 1);
        begin = i;
    }
    return nodes;
}

static void radix_nodes(void **state)
{
    static const struct stream_limits one_each = {0, 1};
    const struct slice words[] = {slice_str("f"), slice_str("v")};
    const struct key_space_shape one = {.seed = 7, .nshards = 1};
    long cases = random_cases(&w.random, 2000);
    w.ks = keyspace_create(&w.account, 1, 7);
    w.key = key_make(&one, slice_str("stream"));
    for (long i = 0; i < cases; i++) {
        uint8_t key[KEYS_MAX][KEY_BYTES];
        struct stream *s = stream_create(w.ks, 0, &w.key);
        assert_int_equal(stream_radix_nodes(s), 1);
        struct stream_id id = {random_u64(&w.random) >> (10 + random_below(&w.random, 50)), 0};
        for (uint32_t k = 0; k < KEYS_MAX; k++) {
            if (random_below(&w.random, 2))
                id = (struct stream_id){id.ms + 1 + (random_u64(&w.random) >> (20 + random_below(&w.random, 44))), 0};
            id.seq += 1 + (random_u64(&w.random) >> (10 + random_below(&w.random, 54)));
            assert_int_equal(stream_add(s, &one_each, id, words, 1), STATUS_OK);
            for (uint32_t byte = 0; byte < KEY_BYTES; byte++)
                key[k][byte] = (uint8_t)((byte < 8 ? id.ms : id.seq) >> (56 - byte % 8 * 8));
            assert_int_equal(stream_radix_nodes(s), naive_radix_nodes(key, k + 1, 0));
        }
        keyspace_remove(w.ks, keyspace_write(w.ks, 0, &w.key), &w.key);
    }
    keyspace_destroy(w.ks);
    assert_int_equal(mem_used(&w.account), 0);
}

/* ---- Handlers ---- */

#define RUN(...) run_words(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

/* RESP as words, so that expectations can be read: "*2 $1 a" is "a" behind what says how many and how long. */
static void assert_words(const char *buf, size_t len, const char *expected)
{
    char text[2048];
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < sizeof text; i++)
        if (buf[i] != '\r')
            text[n++] = buf[i] == '\n' ? ' ' : buf[i];
    n -= n > 0;
    text[n] = '\0';
    assert_string_equal(text, expected);
}

#define CHECK(reply_expected, effect_expected, ...)                                                                    \
    do {                                                                                                               \
        RUN(__VA_ARGS__);                                                                                              \
        assert_words(reply.buf, reply.len, reply_expected);                                                            \
        assert_words(effects.buf, effects.len, effect_expected);                                                       \
    } while (0)

#define CLAIM(CONSUMER, ID, TIME, COUNT, LAST)                                                                         \
    "*14 $6 XCLAIM $1 k $1 g $1 " CONSUMER " $1 0 $3 " ID " $4 TIME " TIME " $10 RETRYCOUNT $1 " COUNT                 \
    " $5 FORCE $6 JUSTID $6 LASTID $3 " LAST
#define CREATE(CONSUMER)   "*5 $6 XGROUP $14 CREATECONSUMER $1 k $1 g $1 " CONSUMER
#define SETID(LAST, COUNT) "*7 $6 XGROUP $5 SETID $1 k $1 g $3 " LAST " $11 ENTRIESREAD $1 " COUNT

static void effects_of_handlers(void **state)
{
    runner_init(3);
    CHECK("$9 1000000-0", "*5 $4 XADD $1 t $9 1000000-0 $1 f $1 v", "XADD", "t", "*", "f", "v");
    CHECK("$9 1000000-1", "*5 $4 XADD $1 t $9 1000000-1 $1 f $1 v", "XADD", "t", "1000000-*", "f", "v");
    CHECK("-ERR The ID specified in XADD is equal or smaller than the target stream top item", "", "XADD", "t", "1-1",
          "f", "v");
    CHECK("$9 2000000-0", "*8 $4 XADD $1 t $6 MAXLEN $1 = $1 3 $7 2000000 $1 f $1 v", "XADD", "t", "MAXLEN", "~", "1",
          "2000000", "f", "v");
    CHECK(":2", "*4 $5 XTRIM $1 t $6 MAXLEN $1 1", "XTRIM", "t", "MAXLEN", "1");
    CHECK(":1", "*3 $4 XDEL $1 t $9 2000000-0", "XDEL", "t", "2000000-0");
    CHECK("$-1", "", "XADD", "none", "NOMKSTREAM", "*", "f", "v");

    CHECK("+OK", "*6 $6 XGROUP $6 CREATE $1 k $1 g $1 0 $8 MKSTREAM", "XGROUP", "CREATE", "k", "g", "0", "MKSTREAM");
    for (int i = 1; i <= 4; i++) {
        char id[] = "1-0";
        id[2] = (char)('0' + i);
        RUN("XADD", "k", id, "f", "v");
    }
    CHECK("*1 *2 $1 k *1 *2 $3 1-1 *2 $1 f $1 v",
          CREATE("a") " " CLAIM("a", "1-1", "$7 1000000", "1", "1-1") " " SETID("1-1", "1"), "XREADGROUP", "GROUP", "g",
          "a", "COUNT", "1", "STREAMS", "k", ">");
    CHECK("*1 *2 $1 k *1 *2 $3 1-1 *2 $1 f $1 v", "", "XREADGROUP", "GROUP", "g", "a", "STREAMS", "k", "0");
    CHECK("*1 *2 $1 k *2 *2 $3 1-2 *2 $1 f $1 v *2 $3 1-3 *2 $1 f $1 v", CREATE("b") " " SETID("1-3", "3"),
          "XREADGROUP", "GROUP", "g", "b", "COUNT", "2", "NOACK", "STREAMS", "k", ">");
    CHECK("*1 $3 1-1", CLAIM("b", "1-1", "$6 999000", "2", "1-3"), "XCLAIM", "k", "g", "b", "0", "1-1", "IDLE", "1000",
          "JUSTID");
    RUN("XREADGROUP", "GROUP", "g", "a", "STREAMS", "k", ">");
    RUN("XDEL", "k", "1-4");
    CHECK("*3 $3 0-0 *1 $3 1-1 *1 $3 1-4",
          CREATE("c") " " CLAIM("c", "1-1", "$7 1000000", "2", "1-4") " " CLAIM("a", "1-4", "$7 1000000", "1", "1-4"),
          "XAUTOCLAIM", "k", "g", "c", "0", "-", "JUSTID");
    CHECK("*4 :1 $3 1-1 $3 1-1 *1 *2 $1 c $1 1", "", "XPENDING", "k", "g");
    CHECK(":1", "*4 $4 XACK $1 k $1 g $3 1-1", "XACK", "k", "g", "1-1");
    CHECK("*-1", CREATE("d"), "XREADGROUP", "GROUP", "g", "d", "STREAMS", "k", ">");
    CHECK("*0", SETID("1-7", "4"), "XCLAIM", "k", "g", "d", "0", "1-4", "LASTID", "1-7");
    CHECK("*-1", "", "XREAD", "STREAMS", "k", "$");
    CHECK("*1 *2 $1 k *1 *2 $3 1-3 *2 $1 f $1 v", "", "XREAD", "STREAMS", "k", "+");
    CHECK("-ERR waiting for messages (BLOCK) is not built yet", "", "XREAD", "BLOCK", "0", "STREAMS", "k", "$");
    CHECK("-ERR syntax error", "", "XREADGROUP", "GROUP", "STREAMS", "STREAMS", "JUNK", "STREAMS", "k", ">");
    runner_deinit();
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),
        cmocka_unit_test(radix_nodes),
        cmocka_unit_test(effects_of_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
