/* Sets against a naive model, in all encodings and across their limits; what random members, scans, unions,
 * intersections and differences give. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the above: cmocka.h needs them */
#include <cmocka.h>

#include "shard/type/set.h"
#include "shard/type/set_algebra.h"
#include "tests/unit/random_cases.h"

enum { MEMBERS = 60, SETS = 5, TEXT_CHARS = 100 };

/* A member is a number below MEMBERS, a set of the model a bit for each. */
struct model {
    uint64_t bits;
    enum encoding encoding;
};

static struct world {
    struct model model;
    struct random random;
    struct mem_account account;
    struct keyspace *ks;
    struct key key;
} w;

/* Which limits are crossed differs: a count's, a length's, or none but that integers and texts come together. */
static const struct set_limits limit_cases[] = {
    {{MEMBERS, TEXT_CHARS}, MEMBERS},
    {{20, TEXT_CHARS}, 10},
    {{MEMBERS, 30}, MEMBERS},
    {{MEMBERS, 5}, 5},
    {{0, TEXT_CHARS}, MEMBERS},
    {{30, TEXT_CHARS}, 0},
    {{0, 0}, 0},
};
enum { LIMIT_CASES = sizeof limit_cases / sizeof *limit_cases };

/* Those that are no integers. */
#define TEXTS UINT64_C(0xaaaaaaaaaaaaaaaa)

static bool is_integer(uint32_t i) { return i % 2 == 0; }

/* Half of them are integers, of every width; of the texts some are long. */
static struct slice text_of(uint32_t i, char buf[static TEXT_CHARS])
{
    if (is_integer(i)) {
        int64_t value = (int64_t)(UINT64_C(1) << i) + (int64_t)i;
        return slice_of(buf, num_i64(buf, i % 4 ? -value : value));
    }
    size_t len = (size_t)snprintf(buf, TEXT_CHARS, "member-%u-", i);
    size_t filled = i % 7 ? len : TEXT_CHARS - 1;
    memset(buf + len, 'x', filled - len);
    return slice_of(buf, filled);
}

static uint32_t index_of(struct slice text)
{
    char buf[TEXT_CHARS];
    int64_t value;
    uint32_t i;
    if (num_parse_i64(text, &value))
        i = (uint32_t)(63 - __builtin_clzll((uint64_t)(value < 0 ? -value : value)));
    else
        i = (uint32_t)strtoul(text.ptr + strlen("member-"), NULL, 10);
    assert_true(i < MEMBERS && slice_eq(text_of(i, buf), text));
    return i;
}

static uint32_t count_bits(uint64_t bits) { return (uint32_t)__builtin_popcountll(bits); }

/* The longest integer that is in it. */
static size_t longest_integer(uint64_t bits)
{
    char buf[TEXT_CHARS];
    size_t longest = 0;
    for (uint32_t i = 0; i < MEMBERS; i += 2)
        if (bits >> i & 1 && text_of(i, buf).len > longest)
            longest = text_of(i, buf).len;
    return longest;
}

/* What redis.io/docs and t_set.c say of a set that gets a new member. */
static enum encoding encoding_with(const struct model *m, const struct set_limits *limits, uint32_t i)
{
    char buf[TEXT_CHARS];
    uint32_t count = count_bits(m->bits);
    size_t len = text_of(i, buf).len, longest = longest_integer(m->bits);
    bool packs = count < limits->flat.elements && len <= limits->flat.element_bytes;
    if (m->encoding == ENC_TABLE)
        return ENC_TABLE;
    if (m->encoding == ENC_LISTPACK)
        return packs ? ENC_LISTPACK : ENC_TABLE;
    if (is_integer(i))
        return count < limits->integers ? ENC_INTSET : ENC_TABLE;
    return packs && longest <= limits->flat.element_bytes ? ENC_LISTPACK : ENC_TABLE;
}

static struct set open_set(void)
{
    struct set s;
    assert_int_equal(set_write(w.ks, 0, &w.key, &s), STATUS_OK);
    return s;
}

/* ---- One operation each ---- */

static void add(const struct set_limits *limits, uint32_t i)
{
    char buf[TEXT_CHARS];
    struct set s = open_set();
    struct slice member = text_of(i, buf);
    if (!set_exists(&s))
        w.model.encoding = limits->integers > 0 && is_integer(i) ? ENC_INTSET
                           : limits->flat.elements > 0           ? ENC_LISTPACK
                                                                 : ENC_TABLE;
    else if (w.model.encoding != ENC_TABLE &&
             1 > (w.model.encoding == ENC_INTSET ? limits->integers : limits->flat.elements))
        w.model.encoding = ENC_TABLE;
    assert_int_equal(set_prepare(&s, limits, &member, 1), STATUS_OK);
    bool is_new = !(w.model.bits >> i & 1);
    if (is_new)
        w.model.encoding = encoding_with(&w.model, limits, i);
    assert_int_equal(set_add(&s, limits, member), is_new);
    w.model.bits |= UINT64_C(1) << i;
}

static void remove_one(uint32_t i)
{
    char buf[TEXT_CHARS];
    struct set s = open_set();
    assert_int_equal(set_remove(&s, text_of(i, buf)), w.model.bits >> i & 1);
    w.model.bits &= ~(UINT64_C(1) << i);
    assert_int_equal(set_exists(&s), w.model.bits != 0);
}

static void look(uint32_t i)
{
    char buf[TEXT_CHARS];
    struct set s = open_set();
    assert_int_equal(set_has(&s, text_of(i, buf)), w.model.bits >> i & 1);
}

/* ---- Many members ---- */

static uint32_t seen[MEMBERS], visits;

static void see(void *arg, struct slice member, struct slice none)
{
    uint32_t i = index_of(member);
    assert_true(w.model.bits >> i & 1);
    seen[i]++;
    visits++;
}

static bool see_kept(void *arg, struct listpack_value member)
{
    char buf[NUM_INT_CHARS];
    see(NULL, listpack_text_of(member, buf), slice_of("", 0));
    return --*(uint64_t *)arg > 0;
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
        if (w.model.bits >> i & 1)
            assert_in_range(seen[i], least, most);
}

static void pop(void)
{
    struct set s = open_set();
    if (!set_exists(&s))
        return;
    uint64_t n = 1 + random_below(&w.random, random_below(&w.random, 2) ? 3 : MEMBERS);
    uint32_t count = count_bits(w.model.bits);
    see_nothing();
    set_pop(&s, n, &w.random, see, NULL);
    check_seen(0, 1);
    assert_int_equal(visits, n < count ? n : count);
    for (uint32_t i = 0; i < MEMBERS; i++)
        if (seen[i])
            w.model.bits &= ~(UINT64_C(1) << i);
    assert_int_equal(set_exists(&s), w.model.bits != 0);
}

static void look_at_all(void)
{
    struct set s = open_set();
    uint32_t count = count_bits(w.model.bits), n = 1 + (uint32_t)random_below(&w.random, 2 * MEMBERS);
    assert_int_equal(set_len(&s), count);
    if (count == 0)
        return;
    struct typed_value v = set_content(&s);
    assert_string_equal(encoding_name(v.encoding), encoding_name(w.model.encoding));
    see_nothing();
    value_each(v, see, NULL);
    check_seen(1, 1);
    see_nothing();
    set_value_each(v, see_kept, &(uint64_t){n});
    assert_int_equal(visits, n < count ? n : count);
    see_nothing();
    uint64_t cursor = 0;
    do
        cursor = set_scan(&s, cursor, 1 + random_below(&w.random, 10), see, NULL);
    while (cursor);
    check_seen(1, MEMBERS);
    see_nothing();
    set_value_sample(v, n, &w.random, see, NULL);
    assert_int_equal(visits, n < count ? n : count);
    check_seen(0, 1);
    see_nothing();
    set_value_pick(v, n, &w.random, see, NULL);
    assert_int_equal(visits, n);
}

static void make_world(void)
{
    const struct key_space_shape one = {.seed = 7, .nshards = 1};
    w = (struct world){.random = w.random};
    w.ks = keyspace_create(&w.account, 1, 7);
    w.key = key_make(&one, slice_str("set"));
}

static void end_world(void)
{
    keyspace_destroy(w.ks);
    assert_int_equal(mem_used(&w.account), 0);
}

static void against_model(void **state)
{
    long cases = random_cases(&w.random, 200000);
    make_world();
    for (long i = 0; i < cases; i++) {
        const struct set_limits *limits = &limit_cases[i / 1000 % LIMIT_CASES];
        for (uint32_t k = 0; i % 1000 == 0 && k < MEMBERS; k++)
            remove_one(k); /* so that what is large comes of these limits */
        uint32_t member = (uint32_t)random_below(&w.random, MEMBERS), what = (uint32_t)random_below(&w.random, 100);
        if (i / 100 % 3 == 0)
            member &= ~1u; /* integers alone, for a while */
        if (what < 45)
            add(limits, member);
        else if (what < (i / 200 % 2 ? 70 : 50))
            remove_one(member);
        else if (what < 95)
            look(member);
        else if (what < 96)
            pop();
        else
            look_at_all();
    }
    end_world();
}

/* Every member as often as any other, in all encodings, whichever way they are chosen. */
static void random_members_are_uniform(void **state)
{
    enum { ROUNDS = 20000 };
    static const enum encoding encodings[] = {ENC_INTSET, ENC_LISTPACK, ENC_TABLE};
    static const uint32_t sizes[] = {1, 5, 20}; /* of which each choice has so many */
    for (int e = 0; e < 3; e++) {
        make_world();
        for (uint32_t i = 0; i < MEMBERS; i += encodings[e] == ENC_INTSET ? 2 : 1)
            add(&limit_cases[encodings[e] == ENC_TABLE ? LIMIT_CASES - 1 : 0], i);
        struct set s = open_set();
        struct typed_value v = set_content(&s);
        assert_int_equal(v.encoding, encodings[e]);
        for (int how = 0; how < 9; how++) {
            uint32_t n = sizes[how % 3], count = count_bits(w.model.bits);
            see_nothing();
            for (int i = 0; i < ROUNDS; i++) {
                if (how < 6) {
                    (how < 3 ? set_value_sample : set_value_pick)(v, n, &w.random, see, NULL);
                    continue;
                }
                struct value_home *home = keyspace_values(w.ks);
                struct typed_value copy = {TYPE_SET, v.encoding, value_copy(home, v)};
                set_value_pop(home, &copy, n, &w.random, see, NULL);
                assert_int_equal(value_count(copy), count - n);
                value_discard(home, copy.encoding, copy.ptr);
            }
            uint32_t mean = ROUNDS * n / count, off = 6 * (uint32_t)sqrt(mean);
            check_seen(mean - off, mean + off);
        }
        end_world();
    }
}

/* ---- Several sets ---- */

/* A set of the members in bits, made under some limits. */
static struct typed_value make(struct value_home *home, const struct set_limits *limits, uint64_t bits)
{
    char buf[TEXT_CHARS];
    struct typed_value v = set_value_create(home, ENC_INTSET);
    for (uint32_t i = 0; i < MEMBERS; i++)
        if (bits >> i & 1)
            set_value_add(home, &v, limits, set_text(text_of(i, buf)));
    return v;
}

/* A random set of the model: small or large ones, of integers or of anything. */
static uint64_t some_bits(void)
{
    uint64_t bits = random_u64(&w.random);
    for (uint64_t i = random_below(&w.random, 5); i > 0; i--)
        bits &= random_u64(&w.random);
    if (random_below(&w.random, 4) == 0)
        bits &= ~TEXTS;
    return bits & ((UINT64_C(1) << MEMBERS) - 1);
}

static void check_result(struct value_home *home, struct typed_value result, uint64_t bits, enum encoding encoding)
{
    w.model.bits = bits;
    see_nothing();
    value_each(result, see, NULL);
    check_seen(1, 1);
    assert_int_equal(value_count(result), count_bits(bits));
    if (bits)
        assert_string_equal(encoding_name(result.encoding), encoding_name(encoding));
    value_discard(home, result.encoding, result.ptr);
}

/* Of a result, with limits that are not crossed or all crossed: else the order matters in which members are added. */
static enum encoding result_encoding(const struct set_limits *limits, uint64_t bits)
{
    if (limits->flat.elements == 0)
        return ENC_TABLE;
    return bits & TEXTS ? ENC_LISTPACK : ENC_INTSET;
}

static void algebra(void **state)
{
    long cases = random_cases(&w.random, 30000);
    make_world();
    struct value_home *home = keyspace_values(w.ks);
    for (long c = 0; c < cases; c++) {
        const struct set_limits *limits = &limit_cases[c % 2 ? 0 : LIMIT_CASES - 1];
        struct typed_value sets[SETS], again[SETS];
        uint64_t bits[SETS], all = 0, common = UINT64_MAX, rest = 0;
        uint32_t n = 1 + (uint32_t)random_below(&w.random, SETS);
        bool same[SETS] = {false};
        for (uint32_t i = 0; i < n; i++) {
            bits[i] = random_below(&w.random, 12) ? some_bits() : 0;
            same[i] = i > 0 && random_below(&w.random, 12) == 0;
            if (same[i])
                bits[i] = bits[0];
            const struct set_limits *made_by = &limit_cases[random_below(&w.random, LIMIT_CASES)];
            sets[i] = same[i] ? sets[0] : bits[i] ? make(home, made_by, bits[i]) : (struct typed_value){0};
            all |= bits[i];
            common &= bits[i];
            rest = i == 0 ? bits[0] : rest & ~bits[i];
        }
        memcpy(again, sets, sizeof again);
        check_result(home, set_union(home, limits, again, n), all, result_encoding(limits, all));
        memcpy(again, sets, sizeof again);
        struct typed_value left = set_difference(home, limits, again, n);
        /* Where all of the first set was put in, texts of it may have gone again, after which it stays a listpack. */
        bool may_be_either = left.encoding == ENC_LISTPACK && bits[0] & TEXTS;
        check_result(home, left, rest, may_be_either ? left.encoding : result_encoding(limits, rest));
        memcpy(again, sets, sizeof again);
        check_result(home, set_intersection(home, limits, again, n), common, result_encoding(limits, common));
        w.model.bits = common;
        uint64_t limit = 1 + random_below(&w.random, MEMBERS);
        see_nothing();
        memcpy(again, sets, sizeof again);
        set_intersect(again, n, see_kept, &(uint64_t){limit});
        assert_int_equal(visits, limit < count_bits(common) ? limit : count_bits(common));
        for (uint32_t i = 0; i < n; i++)
            if (sets[i].ptr && !same[i])
                value_discard(home, sets[i].encoding, sets[i].ptr);
    }
    end_world();
}

/* Where the limits lie, as redis.io/docs/latest/operate/oss_and_stack/management/optimization/memory-optimization has
 * them: so many members are still compact, one more is too many. */
static void limits_are_exact(void **state)
{
    static const struct set_limits limits = {{8, 10}, 16};
    struct value_home *home;
    make_world();
    home = keyspace_values(w.ks);
    struct typed_value v = set_value_create(home, ENC_INTSET);
    for (int64_t i = 0; i < 16; i++)
        assert_true(set_value_add(home, &v, &limits, listpack_integer(i)));
    assert_int_equal(v.encoding, ENC_INTSET);
    assert_false(set_value_add(home, &v, &limits, listpack_integer(15)));
    assert_true(set_value_add(home, &v, &limits, listpack_integer(16)));
    assert_int_equal(v.encoding, ENC_TABLE);
    assert_int_equal(value_count(v), 17);
    value_discard(home, v.encoding, v.ptr);

    v = set_value_create(home, ENC_INTSET);
    for (int64_t i = 0; i < 7; i++)
        set_value_add(home, &v, &limits, listpack_integer(i));
    assert_true(set_value_add(home, &v, &limits, set_text(slice_str("ten chars."))));
    assert_int_equal(v.encoding, ENC_LISTPACK);
    assert_int_equal(value_count(v), 8);
    struct typed_value copy = {TYPE_SET, v.encoding, value_copy(home, v)};
    assert_true(set_value_remove(home, &copy, listpack_integer(3)));
    assert_true(set_value_add(home, &copy, &limits, set_text(slice_str("eleven char"))));
    assert_int_equal(copy.encoding, ENC_TABLE);
    value_discard(home, copy.encoding, copy.ptr);
    assert_true(set_value_add(home, &v, &limits, listpack_integer(7)));
    assert_int_equal(v.encoding, ENC_TABLE);
    value_discard(home, v.encoding, v.ptr);

    /* Of integers the longest counts, sign included, if a text comes to them. */
    for (int i = 0; i < 2; i++) {
        v = set_value_create(home, ENC_INTSET);
        set_value_add(home, &v, &limits, listpack_integer(i ? -1234567890 : -123456789));
        set_value_add(home, &v, &limits, set_text(slice_str("x")));
        assert_int_equal(v.encoding, i ? ENC_TABLE : ENC_LISTPACK);
        value_discard(home, v.encoding, v.ptr);
    }
    end_world();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),
        cmocka_unit_test(random_members_are_uniform),
        cmocka_unit_test(algebra),
        cmocka_unit_test(limits_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
