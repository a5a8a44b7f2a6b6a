/* shard/ds/listpack.h against an array of texts, and against a naive encoder of the format. */
#include "shard/ds/listpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shard/ds/flat.h"
#include "tests/unit/random_cases.h"

enum { TEXTS_MAX = 300, TEXT_BYTES_MAX = 20000, STEPS = 150 };

struct text {
    size_t len;
    char *bytes;
};

struct world {
    struct random random;
    struct mem_account account;
    struct listpack *lp;
    struct text text[TEXTS_MAX];
    uint32_t n;
    char *expected; /* room for the naive encoder */
};

static struct slice slice_of_text(struct text t) { return slice_of(t.bytes, t.len); }

/* The format, written down once more as simply as it goes. */

static char *naive_integer(char *p, int64_t v)
{
    uint64_t u = (uint64_t)v;
    int bytes = v >= -32768 && v < 32768           ? 2
                : v >= -8388608 && v < 8388608     ? 3
                : v >= INT32_MIN && v <= INT32_MAX ? 4
                                                   : 8;
    if (v >= 0 && v < 128) {
        *p++ = (char)v;
    } else if (v >= -4096 && v < 4096) {
        *p++ = (char)(0xc0 + (u % 8192) / 256);
        *p++ = (char)(u % 256);
    } else {
        *p++ = (char)(bytes == 8 ? 0xf4 : 0xf1 + bytes - 2);
        for (int i = 0; i < bytes; i++)
            *p++ = (char)(u >> 8 * i);
    }
    return p;
}

static char *naive_string(char *p, struct slice s)
{
    if (s.len < 64) {
        *p++ = (char)(0x80 + s.len);
    } else if (s.len < 4096) {
        *p++ = (char)(0xe0 + s.len / 256);
        *p++ = (char)(s.len % 256);
    } else {
        *p++ = (char)0xf0;
        for (int i = 0; i < 4; i++)
            *p++ = (char)(s.len >> 8 * i);
    }
    memcpy(p, s.ptr, s.len);
    return p + s.len;
}

static char *naive_element(char *p, struct slice s)
{
    int64_t v;
    char *end = num_parse_i64(s, &v) ? naive_integer(p, v) : naive_string(p, s);
    size_t content = (size_t)(end - p);
    if (content < 128) {
        *end++ = (char)content;
    } else if (content < 16383) {
        *end++ = (char)(content / 128);
        *end++ = (char)(content % 128 + 128);
    } else {
        *end++ = (char)(content / 128 / 128);
        *end++ = (char)(content / 128 % 128 + 128);
        *end++ = (char)(content % 128 + 128);
    }
    return end;
}

static struct slice naive_listpack(struct world *w)
{
    char *p = w->expected + 6;
    for (uint32_t i = 0; i < w->n; i++)
        p = naive_element(p, slice_of_text(w->text[i]));
    *p++ = (char)0xff;
    uint32_t bytes = (uint32_t)(p - w->expected);
    uint16_t count = (uint16_t)w->n;
    memcpy(w->expected, &bytes, 4);
    memcpy(w->expected + 4, &count, 2);
    return slice_of(w->expected, bytes);
}

/* Texts around every limit of an encoding, and few different ones otherwise, so that searches find some. */

static size_t some_length(struct random *r)
{
    static const size_t limits[] = {0, 9, 63, 64, 126, 128, 4095, 4096, 16378, 16381, 16385};
    if (random_below(r, 8))
        return random_below(r, 20);
    size_t n = limits[random_below(r, random_below(r, 4) ? 6 : 11)] + random_below(r, 3);
    return n ? n - 1 : 0;
}

static struct text some_text(struct random *r)
{
    static const int bits[] = {0, 7, 12, 15, 23, 31, 63};
    struct text t = {0, malloc(TEXT_BYTES_MAX)};
    if (random_below(r, 2)) {
        uint64_t v = (UINT64_C(1) << bits[random_below(r, 7)]) + random_below(r, 3) - 1;
        t.len = num_i64(t.bytes, (int64_t)(random_below(r, 2) ? v : -v));
        if (random_below(r, 10) == 0) /* hardly a number */
            t.bytes[random_below(r, t.len)] = (char)random_below(r, 256);
    } else {
        t.len = some_length(r);
        memset(t.bytes, 'a' + (int)random_below(r, 2), t.len);
        for (size_t i = t.len; i > 0 && i + 3 > t.len; i--)
            t.bytes[i - 1] = (char)('a' + random_below(r, 3));
    }
    t.bytes = realloc(t.bytes, t.len ? t.len : 1);
    return t;
}

static struct text copy_of(struct text t)
{
    struct text copy = {t.len, malloc(t.len ? t.len : 1)};
    memcpy(copy.bytes, t.bytes, t.len);
    return copy;
}

/* Changes, done to both. */

static uint32_t place_of(struct world *w, uint32_t index)
{
    uint32_t at = listpack_seek(w->lp, index);
    assert_int_equal(at == LISTPACK_NONE, index >= w->n);
    return at;
}

static void model_delete(struct world *w, uint32_t index, uint32_t n)
{
    for (uint32_t i = index; i < index + n; i++)
        free(w->text[i].bytes);
    memmove(w->text + index, w->text + index + n, (w->n - index - n) * sizeof *w->text);
    w->n -= n;
}

static void insert(struct world *w)
{
    struct listpack_value v[3];
    uint32_t index = (uint32_t)random_below(&w->random, w->n + 1), n = 1 + (uint32_t)random_below(&w->random, 3);
    uint32_t at = place_of(w, index), first = at ? at : listpack_end(w->lp);
    if (w->n + n > TEXTS_MAX)
        return;
    memmove(w->text + index + n, w->text + index, (w->n - index) * sizeof *w->text);
    w->n += n;
    for (uint32_t i = 0; i < n; i++) {
        w->text[index + i] = some_text(&w->random);
        v[i] = listpack_value_of(slice_of_text(w->text[index + i]));
    }
    w->lp = listpack_insert(&w->account, w->lp, at, v, n);
    assert_int_equal(place_of(w, index), first);
}

static void replace(struct world *w)
{
    uint32_t index = (uint32_t)random_below(&w->random, w->n + 1);
    if (index == w->n)
        return;
    free(w->text[index].bytes);
    w->text[index] = some_text(&w->random);
    w->lp = listpack_replace(&w->account, w->lp, place_of(w, index), listpack_value_of(slice_of_text(w->text[index])));
}

static void delete_range(struct world *w)
{
    uint32_t index = (uint32_t)random_below(&w->random, w->n + 1);
    uint32_t n = (uint32_t)random_below(&w->random, random_below(&w->random, 4) ? 3 : TEXTS_MAX),
             at = place_of(w, index);
    if (index == w->n)
        return;
    w->lp = listpack_delete(&w->account, w->lp, at, n);
    model_delete(w, index, n < w->n - index ? n : w->n - index);
    assert_int_equal(listpack_still(w->lp, at), place_of(w, index));
}

/* As many as random wants of all or of every second one. */
static void delete_some(struct world *w)
{
    uint32_t places[TEXTS_MAX], all[TEXTS_MAX], every = 1 + (uint32_t)random_below(&w->random, 2);
    uint32_t wanted = (uint32_t)random_below(&w->random, 10), n_all = listpack_places(w->lp, every, all);
    assert_int_equal(n_all, (w->n + every - 1) / every);
    uint32_t n = listpack_sample(w->lp, every, wanted, &w->random, places);
    assert_int_equal(n, wanted < w->n / every ? wanted : w->n / every);
    for (uint32_t i = n_all, left = n; i-- > 0;) {
        assert_int_equal(all[i], place_of(w, i * every));
        if (left && places[left - 1] == all[i]) {
            model_delete(w, i * every, 1);
            left--;
        }
    }
    w->lp = listpack_delete_places(&w->account, w->lp, places, n);
}

static void split_and_join(struct world *w)
{
    struct listpack *rest;
    uint32_t index = (uint32_t)random_below(&w->random, w->n + 1);
    if (index == w->n)
        return;
    w->lp = listpack_split(&w->account, w->lp, place_of(w, index), &rest);
    assert_int_equal(listpack_count(w->lp), index);
    assert_int_equal(listpack_count(rest), w->n - index);
    w->lp = listpack_join(&w->account, w->lp, rest);
}

static void copy_and_load(struct world *w)
{
    struct listpack *old = w->lp;
    w->lp =
        random_below(&w->random, 2) ? listpack_copy(&w->account, old) : listpack_load(&w->account, listpack_bytes(old));
    assert_non_null(w->lp);
    mem_free(&w->account, old);
}

/* Checks. */

static void check_bytes(struct world *w)
{
    struct slice expected = naive_listpack(w), got = listpack_bytes(w->lp);
    assert_int_equal(got.len, expected.len);
    assert_memory_equal(got.ptr, expected.ptr, got.len);
    assert_int_equal(listpack_count(w->lp), w->n);
    assert_int_equal(listpack_is_empty(w->lp), w->n == 0);
    assert_int_equal(mem_used(&w->account), mem_size(w->lp));
    assert_true(mem_size(w->lp) <= mem_good_size(got.len + flat_spare(got.len)));
}

static void check_elements(struct world *w)
{
    uint32_t at = listpack_first(w->lp), before = LISTPACK_NONE;
    char buf[NUM_INT_CHARS];
    for (uint32_t i = 0; i < w->n; i++, before = at, at = listpack_next(w->lp, at)) {
        struct listpack_value v = listpack_get(w->lp, at);
        assert_true(slice_eq(listpack_text_of(v, buf), slice_of_text(w->text[i])));
        assert_true(listpack_value_eq(v, listpack_value_of(slice_of_text(w->text[i]))));
        assert_int_equal(listpack_prev(w->lp, at), before);
        assert_int_equal(listpack_seek(w->lp, i), at);
        assert_int_equal(listpack_seek(w->lp, (int64_t)i - w->n), at);
    }
    assert_int_equal(at, LISTPACK_NONE);
    assert_int_equal(listpack_last(w->lp), before);
    assert_int_equal(listpack_seek(w->lp, w->n), LISTPACK_NONE);
    assert_int_equal(listpack_seek(w->lp, -1 - (int64_t)w->n), LISTPACK_NONE);
}

static void check_find(struct world *w)
{
    uint32_t from = (uint32_t)random_below(&w->random, w->n + 1), skip = (uint32_t)random_below(&w->random, 3);
    uint32_t other = (uint32_t)random_below(&w->random, w->n + 1), found = from;
    struct text t = other < w->n ? copy_of(w->text[other]) : some_text(&w->random);
    while (found < w->n && !slice_eq(slice_of_text(w->text[found]), slice_of_text(t)))
        found += skip + 1;
    assert_int_equal(listpack_find(w->lp, place_of(w, from), listpack_value_of(slice_of_text(t)), skip),
                     found < w->n ? place_of(w, found) : LISTPACK_NONE);
    free(t.bytes);
}

static void test_against_model(void **state)
{
    static void (*const change[])(struct world *) = {insert,       insert,      insert,         replace,
                                                     delete_range, delete_some, split_and_join, copy_and_load};
    static struct world w;
    long cases = random_cases(&w.random, 300);
    w.expected = malloc((size_t)TEXTS_MAX * TEXT_BYTES_MAX);
    while (cases-- > 0) {
        w.account = (struct mem_account){0};
        w.lp = listpack_create(&w.account, 0);
        for (int i = 0; i < STEPS; i++) {
            change[random_below(&w.random, sizeof change / sizeof *change)](&w);
            check_bytes(&w);
            check_find(&w);
            if (i % 10 == 0)
                check_elements(&w);
        }
        model_delete(&w, 0, w.n);
        mem_free(&w.account, w.lp);
        assert_int_equal(mem_used(&w.account), 0);
    }
    free(w.expected);
}

/* Each set of two of six fields comes up as often as any other. */
static void test_sample_is_uniform(void **state)
{
    enum { FIELDS = 6, PAIRS = 15, TIMES = 3000 };
    struct random random;
    uint32_t times[64] = {0}, places[FIELDS];
    long cases = random_cases(&random, PAIRS * TIMES), seen = 0;
    struct listpack *lp = listpack_create(NULL, 0);
    for (int i = 0; i < FIELDS * 2; i++)
        lp = listpack_append(NULL, lp, listpack_integer(i));
    for (long i = 0; i < cases; i++) {
        assert_int_equal(listpack_sample(lp, 2, 2, &random, places), 2);
        times[(1 << listpack_get(lp, places[0]).integer / 2) | (1 << listpack_get(lp, places[1]).integer / 2)]++;
    }
    for (int i = 0; i < 64; i++) {
        if (__builtin_popcount((unsigned)i) != 2)
            continue;
        seen += times[i];
        if (cases >= PAIRS * TIMES) /* ten standard deviations */
            assert_in_range(times[i], cases / PAIRS * 8 / 10, cases / PAIRS * 12 / 10);
    }
    assert_int_equal(seen, cases);
    mem_free(NULL, lp);
}

static void test_more_than_the_header_counts(void **state)
{
    enum { N = 70000 };
    struct listpack *lp = listpack_create(NULL, 0), *rest;
    for (int i = 0; i < N; i++) {
        if (i % 1000 == 0)
            assert_int_equal(listpack_count(lp), i);
        lp = listpack_append(NULL, lp, listpack_integer(i));
    }
    assert_int_equal(listpack_count(lp), N);
    assert_int_equal(listpack_get(lp, listpack_seek(lp, N - 1)).integer, N - 1);
    assert_int_equal(listpack_get(lp, listpack_seek(lp, -N)).integer, 0);
    assert_int_equal(listpack_seek(lp, N), LISTPACK_NONE);
    assert_int_equal(listpack_seek(lp, -N - 1), LISTPACK_NONE);
    struct listpack *loaded = listpack_load(NULL, listpack_bytes(lp));
    assert_int_equal(listpack_count(loaded), N);
    mem_free(NULL, loaded);
    lp = listpack_split(NULL, lp, listpack_seek(lp, 40000), &rest);
    assert_int_equal(listpack_count(lp), 40000);
    assert_int_equal(listpack_count(rest), N - 40000);
    lp = listpack_join(NULL, lp, rest);
    lp = listpack_delete(NULL, lp, listpack_first(lp), N - 3);
    assert_int_equal(listpack_count(lp), 3);
    assert_int_equal(listpack_get(lp, listpack_seek(lp, 1)).integer, N - 2);
    mem_free(NULL, lp);
}

static void test_room(void **state)
{
    struct listpack *lp = listpack_create(NULL, 100);
    size_t capacity = mem_size(lp);
    assert_true(capacity >= 107);
    assert_true(listpack_has_room(NULL, LISTPACK_BYTES_MAX - 7));
    assert_true(listpack_has_room(lp, LISTPACK_BYTES_MAX - 7));
    assert_false(listpack_has_room(lp, LISTPACK_BYTES_MAX - 6));
    assert_false(listpack_has_room(NULL, SIZE_MAX));
    lp = listpack_append(NULL, lp, listpack_integer(1));
    assert_false(listpack_has_room(lp, LISTPACK_BYTES_MAX - 7));
    assert_int_equal(mem_size(lp), capacity);
    lp = listpack_shrink(NULL, lp);
    assert_true(mem_size(lp) <= mem_good_size(9));
    mem_free(NULL, lp);
}

static struct listpack *load(const void *bytes, size_t len)
{
    char *copy = malloc(len ? len : 1); /* so that reading past its end is seen */
    memcpy(copy, bytes, len);
    struct listpack *lp = listpack_load(NULL, slice_of(copy, len));
    free(copy);
    return lp;
}

/* No prefix is a listpack, and what is changed in one byte is none, or one that can be read. */
static void test_damaged_bytes(void **state)
{
    static const char *const texts[] = {"", "a", "1", "-1", "4000", "-30000", "100000", "5000000000", "some", "00"};
    struct listpack *lp = listpack_create(NULL, 0);
    char text[200];
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        lp = listpack_append(NULL, lp, listpack_value_of(slice_str(texts[i])));
    memset(text, 'x', sizeof text);
    lp = listpack_append(NULL, lp, listpack_value_of(slice_of(text, sizeof text)));
    for (uint32_t len = 0; len < lp->bytes; len++) {
        assert_null(load(lp, len));
        struct listpack *shorter = listpack_copy(NULL, lp);
        shorter->bytes = len;
        assert_null(load(shorter, len));
        mem_free(NULL, shorter);
    }
    for (uint32_t i = 0; i < lp->bytes; i++) {
        for (unsigned mask = 1; mask < 256; mask++) {
            struct listpack *changed = listpack_copy(NULL, lp);
            ((uint8_t *)changed)[i] ^= (uint8_t)mask;
            struct listpack *loaded = load(changed, lp->bytes);
            uint32_t n = 0;
            for (uint32_t at = loaded ? listpack_first(loaded) : 0; at; at = listpack_next(loaded, at), n++)
                assert_true(i >= LISTPACK_FIRST);
            assert_true(!loaded || n == listpack_count(loaded));
            mem_free(NULL, loaded);
            mem_free(NULL, changed);
        }
    }
    mem_free(NULL, lp);
}

/* Elements that Redis would not write so are the same elements in its encoding. */
static void test_other_encodings(void **state)
{
    static const uint8_t bytes[] = {
        0,    0,    0,    0,    8, 0,               /* header, without the size */
        0xf4, 5,    0,    0,    0, 0,   0, 0, 0, 9, /* 5 in 64 bits */
        0xf1, 0xff, 0xff, 3,                        /* -1 in 16 */
        0xc0, 7,    2,                              /* 7 in 13 */
        0x82, '1',  '2',  3,                        /* "12" as a string */
        0xe0, 2,    'a',  'b',  4,                  /* "ab" with 12 bits of length */
        0xf0, 1,    0,    0,    0, 'c', 6,          /* "c" with 32 */
        0xf2, 0,    0,    0x80, 4,                  /* -8388608, as it has to be */
        0xf3, 0,    0,    0,    1, 5,               /* 16777216, too */
        0xff,
    };
    static const char *const texts[] = {"5", "-1", "7", "12", "ab", "c", "-8388608", "16777216"};
    uint8_t all[sizeof bytes];
    memcpy(all, bytes, sizeof all);
    all[0] = sizeof all;
    struct listpack *lp = load(all, sizeof all), *same = listpack_create(NULL, 0);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        same = listpack_append(NULL, same, listpack_value_of(slice_str(texts[i])));
    assert_non_null(lp);
    assert_true(slice_eq(listpack_bytes(lp), listpack_bytes(same)));
    mem_free(NULL, lp);
    mem_free(NULL, same);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_sample_is_uniform),
        cmocka_unit_test(test_more_than_the_header_counts),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_damaged_bytes),
        cmocka_unit_test(test_other_encodings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
