/* The keyspace against a naive model with a virtual clock: strings of all encodings, expiry, copies, flushes and swaps;
 * snapshots; what the expiry index keeps; memory per key; operations on strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the above: cmocka.h needs them */
#include <cmocka.h>

#include "shard/entry.h"
#include "shard/keyspace.h"
#include "shard/type/string.h"
#include "tests/unit/random_cases.h"

enum { KEYS = 400, DATABASES = 3, VALUE_MAX = 70000, SEED = 7 };
static const size_t LEN_MAX = 100000;

/* What a key ought to be. */
struct expected {
    char *value; /* owned; NULL: there is none */
    size_t len;
    int64_t expiry_ms;
};

struct world {
    struct keyspace *ks;
    struct mem_account account;
    struct random random;
    int64_t now_ms;
    uint64_t expired; /* reported */
    struct expected key[DATABASES][KEYS];
    char name[KEYS][16];
    char bytes[VALUE_MAX];
};

static struct key key_of(const struct world *w, uint32_t k)
{
    static const struct key_space_shape shape = {.seed = SEED, .nshards = 1};
    return key_make(&shape, slice_str(w->name[k]));
}

static void count_expired(void *arg, uint32_t db, struct slice key) { ((struct world *)arg)->expired++; }

static struct world *setup(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->now_ms = 1700000000000;
    w->ks = keyspace_create(&w->account, DATABASES, SEED);
    keyspace_set_time(w->ks, w->now_ms);
    keyspace_on_expired(w->ks, count_expired, w);
    for (uint32_t k = 0; k < KEYS; k++)
        snprintf(w->name[k], sizeof w->name[k], "key:%u", k * 7919);
    return w;
}

static void forget(struct expected *e)
{
    free(e->value);
    *e = (struct expected){NULL, 0, EXPIRY_NONE};
}

static void teardown(struct world *w)
{
    keyspace_destroy(w->ks);
    assert_int_equal(mem_used(&w->account), 0);
    for (uint32_t db = 0; db < DATABASES; db++)
        for (uint32_t k = 0; k < KEYS; k++)
            free(w->key[db][k].value);
    free(w);
}

/* What time has taken away is forgotten before it is compared. */
static struct expected *expected(struct world *w, uint32_t db, uint32_t k)
{
    struct expected *e = &w->key[db][k];
    if (e->value && e->expiry_ms != EXPIRY_NONE && w->now_ms > e->expiry_ms)
        forget(e);
    return e;
}

static void expect(struct expected *e, const char *value, size_t len, int64_t expiry_ms)
{
    char *copy = malloc(len + 1);
    memcpy(copy, value, len);
    free(e->value);
    *e = (struct expected){copy, len, expiry_ms};
}

static void check_key(struct world *w, uint32_t db, uint32_t k)
{
    char buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct key key = key_of(w, k);
    struct expected *e = expected(w, db, k);
    struct place p = keyspace_peek(w->ks, db, &key);
    assert_int_equal(p.entry != NULL, e->value != NULL);
    if (!e->value)
        return;
    struct slice value = entry_string(p.entry, buf, &blob);
    assert_int_equal(value.len, e->len);
    assert_memory_equal(value.ptr, e->value, e->len);
    assert_int_equal(entry_expiry_ms(p.entry), e->expiry_ms);
    assert_true(slice_eq(entry_key(p.entry), key_slice(&key)));
}

static void check_all(struct world *w)
{
    for (uint32_t db = 0; db < DATABASES; db++) {
        uint64_t size = 0, expires = 0;
        for (uint32_t k = 0; k < KEYS; k++) {
            check_key(w, db, k);
            size += w->key[db][k].value != NULL;
            expires += w->key[db][k].value && w->key[db][k].expiry_ms != EXPIRY_NONE;
        }
        assert_in_range(keyspace_size(w->ks, db), size, KEYS); /* or expired and not yet gone */
        assert_in_range(keyspace_expires(w->ks, db), expires, keyspace_size(w->ks, db));
    }
}

static struct slice random_value(struct world *w)
{
    static const size_t around[] = {0, 8, 20, 44, 45, 64, 512, 4090, 4097, 20000};
    if (random_below(&w->random, 4) == 0)
        return slice_of(w->bytes, (size_t)snprintf(w->bytes, 32, "%lld",
                                                   (long long)random_u64(&w->random) >> random_below(&w->random, 64)));
    size_t len = around[random_below(&w->random, sizeof around / sizeof *around)] + random_below(&w->random, 4);
    memset(w->bytes, 'a' + (int)random_below(&w->random, 26), len);
    return slice_of(w->bytes, len);
}

static int64_t random_expiry(struct world *w)
{
    return random_below(&w->random, 2)
               ? EXPIRY_NONE
               : w->now_ms + (int64_t)random_below(&w->random, 1u << random_below(&w->random, 24));
}

static void do_set(struct world *w, uint32_t db, uint32_t k)
{
    struct key key = key_of(w, k);
    struct slice value = random_value(w);
    int64_t expiry_ms = random_expiry(w);
    enum string_form form = (enum string_form)random_below(&w->random, 3);
    struct place p = keyspace_set_string(w->ks, keyspace_write(w->ks, db, &key), &key, value, expiry_ms, form);
    expect(&w->key[db][k], value.ptr, value.len, expiry_ms);
    assert_ptr_equal(keyspace_peek(w->ks, db, &key).entry, p.entry);
}

static void do_remove(struct world *w, uint32_t db, uint32_t k)
{
    struct key key = key_of(w, k);
    struct place p = keyspace_write(w->ks, db, &key);
    assert_int_equal(p.entry != NULL, expected(w, db, k)->value != NULL);
    if (p.entry)
        keyspace_remove(w->ks, p, &key);
    forget(&w->key[db][k]);
}

static void do_expire(struct world *w, uint32_t db, uint32_t k)
{
    struct key key = key_of(w, k);
    struct place p = keyspace_write(w->ks, db, &key);
    if (!p.entry)
        return;
    w->key[db][k].expiry_ms = random_expiry(w);
    keyspace_set_expiry(w->ks, &p, &key, w->key[db][k].expiry_ms);
    assert_ptr_equal(keyspace_peek(w->ks, db, &key).entry, p.entry);
}

/* Append and setrange. */
static void do_extend(struct world *w, uint32_t db, uint32_t k)
{
    struct key key = key_of(w, k);
    struct expected *e = expected(w, db, k);
    struct slice value = random_value(w);
    size_t had = e->value ? e->len : 0, offset = had, len = 0;
    bool append = random_below(&w->random, 2), changed = true;
    enum status status;
    if (append) {
        status = string_append(w->ks, db, &key, value, LEN_MAX, &len);
    } else {
        offset = random_below(&w->random, 9000);
        status = string_set_range(w->ks, db, &key, offset, value, LEN_MAX, &len, &changed);
    }
    if (status == STATUS_TOO_LONG) {
        assert_true(offset + value.len > LEN_MAX);
        return;
    }
    assert_int_equal(status, STATUS_OK);
    size_t size = changed && offset + value.len > had ? offset + value.len : had;
    assert_int_equal(len, size);
    if (!changed)
        return;
    char *grown = calloc(1, size + 1);
    if (had)
        memcpy(grown, e->value, had);
    memcpy(grown + offset, value.ptr, value.len);
    expect(e, grown, size, e->value ? e->expiry_ms : EXPIRY_NONE);
    free(grown);
}

static void do_copy_or_move(struct world *w, uint32_t db, uint32_t k)
{
    uint32_t to_db = (uint32_t)random_below(&w->random, DATABASES), to = (uint32_t)random_below(&w->random, KEYS);
    struct key from_key = key_of(w, k), to_key = key_of(w, to);
    struct place from = keyspace_write(w->ks, db, &from_key);
    struct expected *e = expected(w, db, k);
    if (!from.entry || (db == to_db && k == to))
        return;
    expect(&w->key[to_db][to], e->value, e->len, e->expiry_ms);
    if (random_below(&w->random, 2)) {
        keyspace_copy(w->ks, from, w->ks, to_db, &to_key);
    } else {
        keyspace_move(w->ks, from, &from_key, w->ks, to_db, &to_key);
        forget(e);
    }
}

static void do_whole(struct world *w, uint32_t db)
{
    if (random_below(&w->random, 300))
        return;
    if (random_below(&w->random, 2)) {
        keyspace_flush(w->ks, db, random_below(&w->random, 2));
        for (uint32_t k = 0; k < KEYS; k++)
            forget(&w->key[db][k]);
        return;
    }
    uint32_t other = (uint32_t)random_below(&w->random, DATABASES);
    static struct expected swap[KEYS];
    keyspace_swap(w->ks, db, other);
    memcpy(swap, w->key[db], sizeof swap);
    memcpy(w->key[db], w->key[other], sizeof swap);
    memcpy(w->key[other], swap, sizeof swap);
}

static void do_time(struct world *w)
{
    if (random_below(&w->random, 10) == 0)
        w->now_ms += (int64_t)random_below(&w->random, 1u << random_below(&w->random, 22));
    keyspace_set_time(w->ks, w->now_ms);
    if (random_below(&w->random, 2))
        keyspace_expire_step(w->ks, 20);
    keyspace_free_step(w->ks, 500);
}

static void step(struct world *w, uint32_t keys)
{
    uint32_t db = (uint32_t)random_below(&w->random, DATABASES), k = (uint32_t)random_below(&w->random, keys);
    switch (random_below(&w->random, 8)) {
    case 0:
    case 1:
        do_set(w, db, k);
        break;
    case 2:
        do_remove(w, db, k);
        break;
    case 3:
        do_expire(w, db, k);
        break;
    case 4:
        do_extend(w, db, k);
        break;
    case 5:
        do_copy_or_move(w, db, k);
        break;
    case 6:
        do_whole(w, db);
        break;
    case 7:
        do_time(w);
        break;
    }
    check_key(w, db, k);
}

static void against_model(void **state)
{
    struct random seeds;
    long cases = random_cases(&seeds, 30);
    for (long c = 0; c < cases; c++) {
        struct world *w = setup();
        random_init(&w->random, random_u64(&seeds));
        uint32_t keys = c % 2 ? KEYS : 10;
        for (int i = 0; i < 4000; i++) {
            step(w, keys);
            if (i % 500 == 0)
                check_all(w);
        }
        check_all(w);
        /* All that has a deadline goes by itself, and only that. */
        w->now_ms += INT64_C(1) << 25;
        keyspace_set_time(w->ks, w->now_ms);
        while (keyspace_expire_step(w->ks, 100))
            ;
        for (uint32_t db = 0; db < DATABASES; db++)
            assert_int_equal(keyspace_expires(w->ks, db), 0);
        check_all(w);
        teardown(w);
    }
}

/* ---- Snapshots ---- */

struct snapshot {
    struct world *world;
    struct expected key[DATABASES][KEYS];
    uint32_t given[DATABASES][KEYS];
};

static void keep(void *arg, uint32_t db, const struct entry *e)
{
    struct snapshot *s = arg;
    char buf[ENTRY_INT_BUF_BYTES], name[16];
    struct blob *blob;
    struct slice value = entry_string(e, buf, &blob), key = entry_key(e);
    memcpy(name, key.ptr, key.len);
    name[key.len] = '\0';
    uint32_t k = (uint32_t)atoi(name + 4) / 7919;
    s->given[db][k]++;
    assert_non_null(s->key[db][k].value);
    assert_int_equal(value.len, s->key[db][k].len);
    assert_memory_equal(value.ptr, s->key[db][k].value, value.len);
    assert_int_equal(entry_expiry_ms(e), s->key[db][k].expiry_ms);
}

/* The clock stands still meanwhile, so that the model knows what was there when it began. */
static void snapshots(void **state)
{
    struct random seeds;
    long cases = random_cases(&seeds, 30);
    for (long c = 0; c < cases; c++) {
        struct world *w = setup();
        random_init(&w->random, random_u64(&seeds));
        for (int i = 0; i < 3000; i++)
            step(w, KEYS);
        while (keyspace_expire_step(w->ks, 1000))
            ;
        struct snapshot *s = calloc(1, sizeof *s);
        for (uint32_t db = 0; db < DATABASES; db++)
            for (uint32_t k = 0; k < KEYS; k++) {
                struct key key = key_of(w, k);
                keyspace_write(w->ks, db, &key);
                struct expected *e = expected(w, db, k);
                if (e->value)
                    expect(&s->key[db][k], e->value, e->len, e->expiry_ms);
            }
        keyspace_start_epoch(w->ks, keep, NULL, s);
        do {
            for (uint64_t i = random_below(&w->random, 200); i > 0; i--)
                step(w, KEYS);
        } while (keyspace_epoch_step(w->ks));
        keyspace_end_epoch(w->ks);
        for (uint32_t db = 0; db < DATABASES; db++)
            for (uint32_t k = 0; k < KEYS; k++) {
                assert_int_equal(s->given[db][k], s->key[db][k].value != NULL);
                free(s->key[db][k].value);
            }
        free(s);
        check_all(w);
        teardown(w);
    }
}

/* ---- Expiry ---- */

static struct key numbered(char name[static 17], uint64_t i)
{
    static const struct key_space_shape shape = {.seed = SEED, .nshards = 1};
    snprintf(name, 17, "key:%012llu", (unsigned long long)i);
    return key_make(&shape, slice_of(name, 16));
}

static void set_numbered(struct world *w, uint32_t db, uint64_t i, struct slice value, int64_t expiry_ms)
{
    char name[17];
    struct key key = numbered(name, i);
    keyspace_set_string(w->ks, keyspace_write(w->ks, db, &key), &key, value, expiry_ms, STRING_ENCODED);
}

static uint64_t size_of_all(const struct world *w)
{
    uint64_t size = 0;
    for (uint32_t db = 0; db < DATABASES; db++)
        size += keyspace_size(w->ks, db);
    return size;
}

/* Active expiry neither misses a key nor comes early, over spans from milliseconds to years. */
static void expires_in_time(void **state)
{
    struct world *w = setup();
    enum { N = 3000 };
    static int64_t deadline[N];
    random_cases(&w->random, 1);
    for (uint32_t i = 0; i < N; i++) {
        deadline[i] = w->now_ms + 1 + (int64_t)(random_u64(&w->random) >> (24 + random_below(&w->random, 40)));
        set_numbered(w, i % DATABASES, i, slice_str("v"), deadline[i]);
    }
    while (size_of_all(w) > 0) {
        int64_t next = keyspace_next_expiry_ms(w->ks);
        assert_true(next != INT64_MAX);
        if (next > w->now_ms)
            w->now_ms = next;
        keyspace_set_time(w->ks, w->now_ms);
        while (keyspace_expire_step(w->ks, 10))
            keyspace_swap(w->ks, (uint32_t)random_below(&w->random, DATABASES), 0);
        uint64_t left = 0;
        for (uint32_t i = 0; i < N; i++)
            left += deadline[i] + 128 > w->now_ms;
        uint64_t live = 0;
        for (uint32_t i = 0; i < N; i++)
            live += deadline[i] >= w->now_ms;
        assert_in_range(size_of_all(w), live, left);
    }
    assert_int_equal(w->expired, N);
    assert_int_equal(keyspace_next_expiry_ms(w->ks), INT64_MAX);
    teardown(w);
}

/* What the worker does in each iteration. */
static void set_clock(struct world *w, int64_t now_ms)
{
    w->now_ms = now_ms;
    keyspace_set_time(w->ks, now_ms);
    while (keyspace_next_expiry_ms(w->ks) <= now_ms && keyspace_expire_step(w->ks, 10))
        ;
}

/* Wherever the wall clock is set to, active expiry stays no further behind it than the jumps that are too small to
 * sweep the wheel for. */
static void clock_set_back(void **state)
{
    enum { N = 600, LATE_MS_MAX = 3000 };
    struct world *w = setup();
    static int64_t deadline[N];
    random_cases(&w->random, 1);
    for (uint32_t jump = 0; jump < 300; jump++) {
        int64_t span = INT64_C(1) << random_below(&w->random, 40);
        set_clock(w, w->now_ms + (int64_t)random_below(&w->random, (uint64_t)span) - (jump % 2 ? span / 2 : 0));
        if (w->now_ms < 1000000000000)
            set_clock(w, 1700000000000);
        for (uint32_t k = 0; k < 5; k++) {
            uint32_t i = (uint32_t)random_below(&w->random, N);
            deadline[i] = w->now_ms + 1 + (int64_t)random_below(&w->random, 1u << random_below(&w->random, 20));
            set_numbered(w, i % DATABASES, i, slice_str("v"), deadline[i]);
        }
        for (int i = 0; i < 40; i++)
            set_clock(w, w->now_ms + 100);
        uint64_t may_be = 0;
        for (uint32_t i = 0; i < N; i++)
            may_be += deadline[i] + LATE_MS_MAX > w->now_ms;
        assert_in_range(size_of_all(w), 0, may_be);
    }
    teardown(w);
}

/* Making and deleting a key with an expiry over and over leaves nothing behind that grows. */
static void stale_references_are_bounded(void **state)
{
    struct world *w = setup();
    char name[17];
    int64_t most = 0;
    for (uint32_t i = 0; i < 300000; i++) {
        struct key key = numbered(name, i % 100);
        struct place p = keyspace_write(w->ks, 0, &key);
        if (p.entry)
            keyspace_remove(w->ks, p, &key);
        set_numbered(w, 0, i % 100, slice_str("v"), w->now_ms + 3600 * 1000 + i);
        if (keyspace_next_expiry_ms(w->ks) <= w->now_ms)
            keyspace_expire_step(w->ks, 500);
        most = mem_used(&w->account) > most ? mem_used(&w->account) : most;
    }
    assert_true(most < 256 * 1024);
    assert_int_equal(w->expired, 0);
    w->now_ms += 2 * 3600 * 1000;
    keyspace_set_time(w->ks, w->now_ms);
    while (keyspace_expire_step(w->ks, 500))
        ;
    assert_int_equal(w->expired, 100);
    teardown(w);
}

/* ---- Memory ---- */

/* 16 bytes of key and 64 of value: at most 110 bytes resident, all included; what the allocator needs for itself is
 * about 1% of it. */
static void memory_per_key(void **state)
{
    static const uint32_t sizes[] = {300000, 500000, 700000, 1000000, 1400000};
    struct world *w = setup();
    char value[64];
    memset(value, 'v', sizeof value);
    uint64_t n = 0;
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (; n < sizes[i]; n++)
            set_numbered(w, 0, n, slice_of(value, sizeof value), EXPIRY_NONE);
        double each = (double)mem_used(&w->account) / (double)n;
        printf("%llu keys: %.1f bytes each\n", (unsigned long long)n, each);
#ifndef SKUA_SYSTEM_MALLOC
        assert_true(each < 109);
#endif
    }
    assert_int_equal(keyspace_flush(w->ks, 0, false), n);
    while (keyspace_free_step(w->ks, 1000))
        ;
    teardown(w);
}

/* A key whose length has the same lower 32 bits is another one. */
static void keys_over_4_gb(void **state)
{
    struct world *w = setup();
    struct key key = key_of(w, 0), huge = key;
    huge.len += UINT64_C(1) << 32;
    keyspace_set_string(w->ks, keyspace_write(w->ks, 0, &key), &key, slice_str("v"), EXPIRY_NONE, STRING_ENCODED);
    assert_null(keyspace_write(w->ks, 0, &huge).entry);
    assert_int_equal(key_slice(&huge).len, strlen(w->name[0]) + (UINT64_C(1) << 32));
    assert_non_null(keyspace_read(w->ks, 0, &key).entry);
    teardown(w);
}

/* ---- Strings ---- */

static void encodings(void **state)
{
    static const struct {
        const char *text, *encoding;
    } cases[] = {
        {"1", "int"},
        {"-9223372036854775808", "int"},
        {"9223372036854775808", "embstr"},
        {"01", "embstr"},
        {"", "embstr"},
        {"12345678901234567890123456789012345678901234", "embstr"},
        {"123456789012345678901234567890123456789012345", "raw"},
    };
    struct world *w = setup();
    struct key key = key_of(w, 0);
    for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        keyspace_set_string(w->ks, keyspace_write(w->ks, 0, &key), &key, slice_str(cases[i].text), EXPIRY_NONE,
                            STRING_ENCODED);
        assert_string_equal(encoding_name(keyspace_peek(w->ks, 0, &key).entry->encoding), cases[i].encoding);
    }
    teardown(w);
}

static void increments(void **state)
{
    struct world *w = setup();
    struct key key = key_of(w, 0);
    int64_t result;
    char text[DTOA_HUMAN_CHARS];
    size_t len;
    assert_int_equal(string_increment(w->ks, 0, &key, INT64_MAX, &result), STATUS_OK);
    assert_int_equal(string_increment(w->ks, 0, &key, 1, &result), STATUS_OVERFLOW);
    assert_int_equal(string_increment(w->ks, 0, &key, INT64_MIN, &result), STATUS_OK);
    assert_int_equal(result, -1);
    assert_int_equal(string_increment_float(w->ks, 0, &key, slice_str("1.1"), text, &len), STATUS_OK);
    assert_true(slice_eq(slice_of(text, len), slice_str("0.1")));
    assert_int_equal(string_increment(w->ks, 0, &key, 1, &result), STATUS_NOT_INTEGER);
    assert_int_equal(string_increment_float(w->ks, 0, &key, slice_str("x"), text, &len), STATUS_NOT_FLOAT);
    assert_int_equal(string_increment_float(w->ks, 0, &key, slice_str("inf"), text, &len), STATUS_NAN_OR_INF);
    teardown(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_model),   cmocka_unit_test(snapshots),
        cmocka_unit_test(expires_in_time), cmocka_unit_test(stale_references_are_bounded),
        cmocka_unit_test(clock_set_back),  cmocka_unit_test(memory_per_key),
        cmocka_unit_test(keys_over_4_gb),  cmocka_unit_test(encodings),
        cmocka_unit_test(increments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
