/* Sorted sets against a naive model, in both encodings and across their limits: members, ranks, ranges of all kinds,
 * random members, scans; unions and the like against what is looked up one by one; what handlers put into the journal.
 */
#include <math.h>

#include "tests/unit/command_runner.h"

#include "shard/type/zset_combine.h"
#include "shard/type/zset_range.h"
#include "tests/unit/random_cases.h"

enum { MEMBERS = 60, LONG_MEMBER = 40 };

struct model {
    bool there[MEMBERS];
    double score[MEMBERS];
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

/* Which limits are crossed differs: the count's, that of a length, or none but by what is added first. */
static const struct flat_limits limit_cases[] = {{MEMBERS, 64}, {10, 64}, {MEMBERS, LONG_MEMBER - 1}, {0, 64}};

static const double scores[] = {0,   -0.0,     1,    -1,   1,    2,      2,      2.5,      -2.5,     0.1,
                                1e3, 1234.567, 1e18, 1e19, 1e-7, -1e300, 5e-324, INFINITY, -INFINITY};

static double some_score(void) { return scores[random_below(&w.random, sizeof scores / sizeof *scores)]; }

/* Every third one is an integer to a listpack; the last one is long. */
static struct slice name_of(uint32_t i)
{
    static char text[MEMBERS][LONG_MEMBER + 1];
    if (text[i][0] == '\0' && i == MEMBERS - 1)
        memset(text[i], 'x', LONG_MEMBER);
    else if (text[i][0] == '\0')
        snprintf(text[i], sizeof text[i], i % 3 ? "m%u" : "%u", i);
    return slice_str(text[i]);
}

static uint32_t index_of(struct slice member)
{
    if (member.len == LONG_MEMBER)
        return MEMBERS - 1;
    uint32_t i = 0;
    for (size_t at = member.ptr[0] == 'm'; at < member.len; at++)
        i = i * 10 + (uint32_t)(member.ptr[at] - '0');
    assert_true(i < MEMBERS && slice_eq(member, name_of(i)));
    return i;
}

static struct zset open_zset(void)
{
    struct zset z;
    assert_int_equal(zset_write(w.ks, 0, &w.key, &z), STATUS_OK);
    return z;
}

/* ---- The model ---- */

static int compare_in_model(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (w.model.score[x] != w.model.score[y])
        return w.model.score[x] < w.model.score[y] ? -1 : 1;
    return zset_compare_members(name_of(x), name_of(y));
}

/* Those that there are, in order. */
static uint32_t in_order(uint32_t order[static MEMBERS])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < MEMBERS; i++)
        if (w.model.there[i])
            order[n++] = i;
    qsort(order, n, sizeof *order, compare_in_model);
    return n;
}

static void note_gone(uint32_t i)
{
    w.model.count -= w.model.there[i];
    w.model.there[i] = false;
    w.model.large &= w.model.count > 0;
}

/* What ZADD with these options should do, to the model too. */
static enum zset_outcome add_to_model(const struct flat_limits *limits, uint32_t i, unsigned how, double *score)
{
    double old = w.model.score[i];
    if (!w.model.there[i]) {
        if (how & ZSET_XX)
            return ZSET_SKIPPED;
        w.model.there[i] = true;
        w.model.score[i] = *score;
        w.model.count++;
        w.model.large |= w.model.count > limits->elements || name_of(i).len > limits->element_bytes;
        return ZSET_ADDED;
    }
    if (how & ZSET_NX)
        return ZSET_SKIPPED;
    *score += how & ZSET_INCR ? old : 0;
    if (isnan(*score))
        return ZSET_NAN;
    if ((how & ZSET_GT && !(*score > old)) || (how & ZSET_LT && !(*score < old)))
        return ZSET_SKIPPED;
    if (*score == old)
        return ZSET_SAME;
    w.model.score[i] = *score;
    return ZSET_UPDATED;
}

/* ---- One operation each ---- */

static void add(const struct flat_limits *limits, uint32_t i)
{
    static const unsigned ways[] = {0,
                                    0,
                                    0,
                                    ZSET_NX,
                                    ZSET_XX,
                                    ZSET_GT,
                                    ZSET_LT,
                                    ZSET_XX | ZSET_GT,
                                    ZSET_INCR,
                                    ZSET_INCR,
                                    ZSET_INCR | ZSET_XX,
                                    ZSET_INCR | ZSET_GT};
    struct slice name = name_of(i);
    struct zset z = open_zset();
    unsigned how = ways[random_below(&w.random, sizeof ways / sizeof *ways)];
    double score = some_score(), expected = score;
    if (!zset_exists(&z) && how & ZSET_XX)
        return;
    assert_int_equal(zset_prepare(&z, limits, 1, name.len), STATUS_OK);
    enum zset_outcome outcome = zset_add(&z, limits, name, how, &score);
    assert_int_equal(outcome, add_to_model(limits, i, how, &expected));
    if (outcome != ZSET_NAN && outcome != ZSET_SKIPPED)
        assert_true(score == expected);
}

static void remove_one(uint32_t i)
{
    struct zset z = open_zset();
    assert_int_equal(zset_remove(&z, name_of(i)), w.model.there[i]);
    note_gone(i);
    assert_int_equal(zset_exists(&z), w.model.count > 0);
}

static void look(uint32_t i)
{
    struct slice name = name_of(i);
    struct zset z = open_zset();
    uint64_t rank;
    double score;
    if (!zset_exists(&z))
        return;
    assert_int_equal(zset_score(zset_value(&z), name, &score), w.model.there[i]);
    assert_int_equal(zset_rank(zset_value(&z), name, &rank, &score), w.model.there[i]);
    if (!w.model.there[i])
        return;
    uint32_t order[MEMBERS], n = in_order(order);
    assert_true(score == w.model.score[i]);
    assert_true(rank < n && order[rank] == i);
}

/* ---- Ranges ---- */

/* What a walk has to give. */
static struct expected {
    uint32_t order[MEMBERS], n, at;
    int step;
} expected;

static void expect_next(void *arg, struct slice member, double score)
{
    assert_true(expected.at < MEMBERS);
    uint32_t i = expected.order[expected.at];
    assert_int_equal(index_of(member), i);
    assert_true(score == w.model.score[i]);
    expected.at += (uint32_t)expected.step;
}

static void check_walk(const struct zset *z, struct zset_ranks ranks)
{
    bool reverse = random_below(&w.random, 2);
    expected.at = (uint32_t)(reverse ? ranks.end - 1 : ranks.first);
    expected.step = reverse ? -1 : 1;
    zset_walk(zset_value(z), ranks, reverse ? ZSET_REVERSE : 0, expect_next, NULL);
    uint64_t last = reverse ? ranks.first - 1 : ranks.end;
    if (zset_ranks_count(ranks) > 0)
        assert_int_equal(expected.at, (uint32_t)last);
}

/* The ranks of those that a test holds for, which lie side by side. */
static struct zset_ranks ranks_where(bool (*is_in)(uint32_t i, const void *range), const void *range)
{
    struct zset_ranks r = {0, 0};
    for (uint32_t at = 0; at < expected.n; at++) {
        if (!is_in(expected.order[at], range))
            continue;
        if (zset_ranks_count(r) == 0)
            r.first = r.end = at;
        assert_int_equal(r.end, at);
        r.end++;
    }
    return r;
}

static void assert_ranks(struct zset_ranks found, struct zset_ranks wanted)
{
    assert_int_equal(zset_ranks_count(found), zset_ranks_count(wanted));
    if (zset_ranks_count(wanted) > 0)
        assert_int_equal(found.first, wanted.first);
}

static bool score_is_in(uint32_t i, const void *range)
{
    const struct zset_scores *r = range;
    double score = w.model.score[i];
    return (r->min_open ? score > r->min : score >= r->min) && (r->max_open ? score < r->max : score <= r->max);
}

static bool name_is_in(uint32_t i, const void *range)
{
    const struct zset_names *r = range;
    struct slice name = name_of(i);
    int low = zset_compare_members(name, r->min.name), high = zset_compare_members(name, r->max.name);
    bool above = r->min.what == ZSET_NAME ? (r->min.open ? low > 0 : low >= 0) : r->min.what == ZSET_BEFORE_ALL;
    bool below = r->max.what == ZSET_NAME ? (r->max.open ? high < 0 : high <= 0) : r->max.what == ZSET_BEHIND_ALL;
    return above && below;
}

static struct zset_ranks some_ranks(const struct zset *z)
{
    int64_t first = (int64_t)random_below(&w.random, 2 * MEMBERS) - MEMBERS;
    int64_t last = (int64_t)random_below(&w.random, 2 * MEMBERS) - MEMBERS, n = expected.n;
    struct zset_ranks wanted = {0, 0}, found = zset_by_rank(zset_value(z), first, last);
    for (int64_t at = 0; at < n; at++) {
        if (at < (first < 0 ? first + n : first) || at > (last < 0 ? last + n : last))
            continue;
        wanted.first = zset_ranks_count(wanted) ? wanted.first : (uint64_t)at;
        wanted.end = (uint64_t)at + 1;
    }
    assert_ranks(found, wanted);
    return found;
}

static struct zset_ranks some_scores(const struct zset *z)
{
    struct zset_scores range = {some_score(), some_score(), random_below(&w.random, 2), random_below(&w.random, 2)};
    struct zset_ranks found = zset_by_score(zset_value(z), &range);
    assert_ranks(found, ranks_where(score_is_in, &range));
    return found;
}

static struct zset_name_bound some_bound(void)
{
    uint32_t i = (uint32_t)random_below(&w.random, MEMBERS + 6);
    struct zset_name_bound bound = {.what = ZSET_NAME, .open = random_below(&w.random, 2)};
    bound.name = i < MEMBERS ? name_of(i) : slice_str(i % 2 ? "" : "m3+");
    if (i >= MEMBERS + 2)
        bound.what = i % 2 ? ZSET_BEFORE_ALL : ZSET_BEHIND_ALL;
    return bound;
}

/* Only if all scores are the same is there one right answer; else it may only not be out of bounds. */
static struct zset_ranks some_names(const struct zset *z)
{
    struct zset_names range = {some_bound(), some_bound()};
    struct zset_ranks found = zset_by_name(zset_value(z), &range, random_below(&w.random, 2));
    assert_true(found.first <= found.end && found.end <= expected.n);
    if (w.model.score[expected.order[0]] == w.model.score[expected.order[expected.n - 1]])
        assert_ranks(found, ranks_where(name_is_in, &range));
    return found;
}

static void range(bool removes)
{
    static struct zset_ranks (*const kinds[])(const struct zset *) = {some_ranks, some_scores, some_names};
    struct zset z = open_zset();
    if (!zset_exists(&z))
        return;
    expected.n = in_order(expected.order);
    struct zset_ranks ranks = kinds[random_below(&w.random, 3)](&z);
    check_walk(&z, ranks);
    if (!removes)
        return;
    zset_remove_ranks(&z, ranks);
    for (uint64_t at = ranks.first; at < ranks.end; at++)
        note_gone(expected.order[at]);
    assert_int_equal(zset_exists(&z), w.model.count > 0);
}

/* ---- Many members ---- */

static uint32_t seen[MEMBERS], visits;

static void see(void *arg, struct slice member, double score)
{
    uint32_t i = index_of(member);
    assert_true(w.model.there[i] && score == w.model.score[i]);
    seen[i]++;
    visits++;
}

static void see_text(void *arg, struct slice member, struct slice score)
{
    double v;
    assert_true(num_parse_double(score, &v));
    see(arg, member, v);
}

static void see_nothing(void)
{
    memset(seen, 0, sizeof seen);
    visits = 0;
}

/* Each member that there is was seen at least so often, and at most. */
static void check_seen(uint32_t least, uint32_t most)
{
    for (uint32_t i = 0; i < MEMBERS; i++)
        if (w.model.there[i])
            assert_in_range(seen[i], least, most);
}

static void look_at_all(void)
{
    struct zset z = open_zset();
    assert_int_equal(zset_len(&z), w.model.count);
    if (w.model.count == 0)
        return;
    assert_int_equal(z.place.entry->encoding, w.model.large ? ENC_SKIPLIST : ENC_LISTPACK);
    expected.n = in_order(expected.order);
    check_walk(&z, (struct zset_ranks){0, expected.n});
    see_nothing();
    value_each(zset_value(&z), see_text, NULL);
    check_seen(1, 1);
    see_nothing();
    uint64_t cursor = 0;
    do
        cursor = zset_scan(&z, cursor, 1 + random_below(&w.random, 10), see_text, NULL);
    while (cursor);
    check_seen(1, MEMBERS);
    uint32_t n = (uint32_t)random_below(&w.random, 2 * MEMBERS);
    see_nothing();
    zset_sample(zset_value(&z), n, &w.random, see, NULL);
    assert_int_equal(visits, n < w.model.count ? n : w.model.count);
    check_seen(0, 1);
    see_nothing();
    zset_pick(zset_value(&z), n, &w.random, see, NULL);
    assert_int_equal(visits, n);
}

static void begin(void)
{
    const struct key_space_shape one = {.seed = 7, .nshards = 1};
    w = (struct world){.random = w.random};
    w.ks = keyspace_create(&w.account, 1, 7);
    w.key = key_make(&one, slice_str("zset"));
}

static void against_model(void **state)
{
    long cases = random_cases(&w.random, 200000);
    begin();
    for (long i = 0; i < cases; i++) {
        const struct flat_limits *limits = &limit_cases[i / 1000 % (sizeof limit_cases / sizeof *limit_cases)];
        if (i % 1000 == 0) /* so that what is large comes of these limits */
            for (uint32_t k = 0; k < MEMBERS; k++)
                remove_one(k);
        uint32_t member = (uint32_t)random_below(&w.random, MEMBERS), what = (uint32_t)random_below(&w.random, 100);
        if (what < 50)
            add(limits, member);
        else if (what < (i / 200 % 2 ? 75 : 55))
            remove_one(member);
        else if (what < 80)
            look(member);
        else if (what < 97)
            range(random_below(&w.random, 20) == 0);
        else
            look_at_all();
    }
    keyspace_destroy(w.ks);
    assert_int_equal(mem_used(&w.account), 0);
}

/* Ranges of names have one right answer only if scores are the same. */
static void names_of_one_score(void **state)
{
    begin();
    for (int large = 0; large < 2; large++) {
        const struct flat_limits *limits = &limit_cases[large ? 3 : 0];
        for (int round = 0; round < 2000; round++) {
            uint32_t member = (uint32_t)random_below(&w.random, MEMBERS);
            struct zset z = open_zset();
            double score = 3, same = 3;
            assert_int_equal(zset_prepare(&z, limits, 1, LONG_MEMBER), STATUS_OK);
            zset_add(&z, limits, name_of(member), 0, &score);
            add_to_model(limits, member, 0, &same);
            range(round % 50 == 0);
        }
        for (uint32_t k = 0; k < MEMBERS; k++)
            remove_one(k);
    }
    keyspace_destroy(w.ks);
}

/* Every member as often as any other, in both encodings, whichever way they are chosen. */
static void random_members_are_uniform(void **state)
{
    enum { ROUNDS = 20000 };
    for (int large = 0; large < 2; large++) {
        begin();
        const struct flat_limits *limits = &limit_cases[large ? 3 : 0];
        while (w.model.count < MEMBERS)
            add(limits, (uint32_t)random_below(&w.random, MEMBERS));
        struct zset z = open_zset();
        static const uint32_t sizes[] = {1, 10, 40}; /* of which each sample has so many */
        for (int how = 0; how < 4; how++) {
            uint32_t n = how < 3 ? sizes[how] : 10;
            see_nothing();
            for (int i = 0; i < ROUNDS; i++)
                (how < 3 ? zset_sample : zset_pick)(zset_value(&z), n, &w.random, see, NULL);
            uint32_t mean = ROUNDS * n / MEMBERS, off = 6 * (uint32_t)sqrt(mean);
            check_seen(mean - off, mean + off);
        }
        keyspace_destroy(w.ks);
    }
}

/* ---- Unions, intersections, differences ---- */

enum { INPUTS = 4 };

static struct zset_input inputs[INPUTS];
static double weights[INPUTS], input_scores[INPUTS][MEMBERS];
static bool input_has[INPUTS][MEMBERS];

static void make_inputs(void)
{
    for (uint32_t i = 0; i < INPUTS; i++) {
        char name[2] = {(char)('a' + i), '\0'};
        struct key key = key_make(&(struct key_space_shape){.seed = 7, .nshards = 1}, slice_str(name));
        struct zset z;
        zset_write(w.ks, 0, &key, &z);
        uint64_t wanted = random_below(&w.random, MEMBERS);
        for (uint32_t k = 0; k < MEMBERS; k++) {
            input_has[i][k] = random_below(&w.random, MEMBERS) < wanted;
            input_scores[i][k] = (double)random_below(&w.random, 10);
            if (!input_has[i][k])
                continue;
            zset_prepare(&z, &limit_cases[i % 2 ? 1 : 0], 1, 0);
            zset_add(&z, &limit_cases[i % 2 ? 1 : 0], name_of(k), 0, &input_scores[i][k]);
        }
        weights[i] = (double)random_below(&w.random, 3);
        inputs[i] = (struct zset_input){.weight = weights[i]};
        if (zset_exists(&z))
            inputs[i].value = zset_value(&z);
    }
}

/* The result is one in w.model. */
static void combine_in_model(int how, enum zset_aggregate aggregate)
{
    w.model = (struct model){.count = 0};
    for (uint32_t k = 0; k < MEMBERS; k++) {
        uint32_t in = 0;
        for (uint32_t i = 0; i < INPUTS; i++) {
            if (!input_has[i][k])
                continue;
            double score = input_scores[i][k] * (how < 2 ? weights[i] : 1), *sum = &w.model.score[k];
            if (in++ == 0)
                *sum = score;
            else if (how < 2 && aggregate == ZSET_SUM)
                *sum += score;
            else if (how < 2)
                *sum = aggregate == ZSET_MIN ? fmin(*sum, score) : fmax(*sum, score);
        }
        w.model.there[k] = how == 0 ? in > 0 : how == 1 ? in == INPUTS : in == 1 && input_has[0][k];
        w.model.count += w.model.there[k];
    }
}

static void combinations(void **state)
{
    long cases = random_cases(&w.random, 3000);
    begin();
    for (long i = 0; i < cases; i++) {
        int how = (int)random_below(&w.random, 3);
        enum zset_aggregate aggregate = (enum zset_aggregate)random_below(&w.random, 3);
        struct value_home *home = keyspace_values(w.ks);
        make_inputs();
        combine_in_model(how, aggregate);
        struct zset_large *made = how == 0   ? zset_union(home, inputs, INPUTS, aggregate)
                                  : how == 1 ? zset_intersection(home, inputs, INPUTS, aggregate)
                                             : zset_difference(home, inputs, INPUTS);
        assert_int_equal(zset_large_size(made), w.model.count);
        if (how == 1)
            assert_int_equal(zset_intersection_count(inputs, INPUTS, 5), w.model.count < 5 ? w.model.count : 5);
        struct zset z;
        struct key key = key_make(&(struct key_space_shape){.seed = 7, .nshards = 1}, slice_str("made"));
        zset_write(w.ks, 0, &key, &z);
        bool changes = zset_exists(&z) || w.model.count > 0;
        assert_int_equal(zset_store(&z, &limit_cases[1], made), changes);
        assert_int_equal(zset_exists(&z), w.model.count > 0);
        expected.n = in_order(expected.order);
        if (zset_exists(&z)) {
            assert_int_equal(z.place.entry->encoding, w.model.count > 10 ? ENC_SKIPLIST : ENC_LISTPACK);
            check_walk(&z, (struct zset_ranks){0, expected.n});
        }
        keyspace_flush(w.ks, 0, true);
    }
    keyspace_destroy(w.ks);
}

/* ---- Handlers ---- */

/* The whole command as an effect. */
#define ITSELF "itself"

static void check(const char *wanted, const char *effect, uint32_t argc, const char *const *words)
{
    run_words(argc, words);
    assert_int_equal(reply.len, strlen(wanted));
    assert_memory_equal(reply.buf, wanted, reply.len);
    char text[1000];
    size_t len = 0;
    if (strcmp(effect, ITSELF) == 0) {
        len = (size_t)snprintf(text, sizeof text, "*%u\r\n", argc);
        for (uint32_t i = 0; i < argc; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
    } else {
        len = (size_t)snprintf(text, sizeof text, "%s", effect);
    }
    assert_int_equal(effects.len, len);
    assert_memory_equal(effects.buf, text, len);
}

#define CHECK(reply_expected, effect_expected, ...)                                                                    \
    check(reply_expected, effect_expected, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),                     \
          (const char *[]){__VA_ARGS__})

static void effects_of_handlers(void **state)
{
    runner_init(3);
    CHECK(":2\r\n", ITSELF, "ZADD", "k", "1", "a", "2.5", "b");
    CHECK(":0\r\n", "", "ZADD", "k", "NX", "7", "a");
    CHECK(":0\r\n", "", "ZADD", "k", "1", "a");
    CHECK(":1\r\n", ITSELF, "ZADD", "k", "GT", "CH", "3.1", "b");
    CHECK("$-1\r\n", "", "ZADD", "k", "XX", "INCR", "1", "nosuch");
    CHECK(":1\r\n", ITSELF, "ZADD", "k", "inf", "c");
    CHECK("$3\r\n3.1\r\n", "", "ZSCORE", "k", "b");
    CHECK("*-1\r\n", "", "ZRANK", "k", "nosuch", "WITHSCORE");
    CHECK("*2\r\n:1\r\n$3\r\n3.1\r\n", "", "ZREVRANK", "k", "b", "withscore");
    CHECK("-ERR wrong number of arguments for 'zrank' command\r\n", "", "ZRANK", "k", "b", "withscore", "x");
    CHECK("-ERR syntax error\r\n", "", "ZRANK", "k", "b", "withscores");
    CHECK("*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$3\r\n3.1\r\n", "", "ZSCAN", "k", "0", "MATCH", "b");
    CHECK("-ERR resulting score is not a number (NaN)\r\n", "", "ZINCRBY", "k", "-inf", "c");
    CHECK("$4\r\n14.1\r\n", ITSELF, "ZINCRBY", "k", "11", "b");
    CHECK("*2\r\n$1\r\nk\r\n*1\r\n*2\r\n$1\r\nc\r\n$3\r\ninf\r\n", "*3\r\n$7\r\nZPOPMAX\r\n$1\r\nk\r\n$1\r\n1\r\n",
          "ZMPOP", "2", "nosuch", "k", "MAX");
    CHECK(":2\r\n", ITSELF, "ZRANGESTORE", "d", "k", "0", "-1");
    CHECK(":0\r\n", ITSELF, "ZINTERSTORE", "d", "2", "k", "nosuch");
    CHECK(":0\r\n", "", "ZINTERSTORE", "d", "2", "k", "nosuch");
    CHECK("*2\r\n$1\r\na\r\n$1\r\n1\r\n", ITSELF, "ZPOPMIN", "k");
    CHECK(":1\r\n", ITSELF, "ZREMRANGEBYSCORE", "k", "(14", "+inf");
    CHECK("*0\r\n", "", "ZPOPMIN", "k", "3");
    CHECK(":0\r\n", "", "EXISTS", "k");
    runner_deinit();
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),
        cmocka_unit_test(names_of_one_score),
        cmocka_unit_test(random_members_are_uniform),
        cmocka_unit_test(combinations),
        cmocka_unit_test(effects_of_handlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
