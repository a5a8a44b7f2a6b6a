/* Values that are no strings: members against a naive model; what keyspaces do with values of each encoding: move,
 * copy, overwrite, expire, flush, count memory; that large ones are freed in slices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* after the above: cmocka.h needs them */
#include <cmocka.h>

#include "shard/ds/intset.h"
#include "shard/ds/listpack.h"
#include "shard/entry.h"
#include "shard/keyspace.h"
#include "shard/members.h"
#include "shard/type/zset_large.h"
#include "tests/unit/random_cases.h"

enum { SEED = 7, NAMES = 3000, VALUE_MAX = 200, LARGE = 20000, SLICE_BYTES_MAX = 128 * 1024 };

static const struct key_space_shape shape = {.seed = SEED, .nshards = 1};
static struct key key_of(const char *name) { return key_make(&shape, slice_str(name)); }

static struct slice name_of(uint32_t i, char buf[static 16])
{
    return slice_of(buf, (size_t)snprintf(buf, 16, "member:%u", i));
}

/* ---- Members against a model ---- */

struct model {
    char *value[NAMES]; /* NULL: there is none */
    size_t len[NAMES];
    uint32_t count;
    uint32_t seen[NAMES], visits;
};

static void see(void *arg, struct slice name, struct slice value)
{
    struct model *model = arg;
    char text[16];
    snprintf(text, sizeof text, "%.*s", (int)name.len, name.ptr);
    uint32_t i = (uint32_t)strtoul(text + 7, NULL, 10);
    assert_true(i < NAMES && model->value[i]);
    assert_int_equal(value.len, model->len[i]);
    assert_memory_equal(value.ptr, model->value[i], value.len);
    model->seen[i]++;
    model->visits++;
}

static void check_all(const struct members *m, struct model *model)
{
    memset(model->seen, 0, sizeof model->seen);
    model->visits = 0;
    members_each((struct typed_value){TYPE_HASH, ENC_TABLE, (void *)m}, see, model);
    assert_int_equal(model->visits, model->count);
    for (uint32_t i = 0; i < NAMES; i++)
        assert_int_equal(model->seen[i], model->value[i] != NULL);
}

static void change(struct members *m, struct model *model, struct random *random, bool grow)
{
    char buf[16], bytes[VALUE_MAX];
    uint32_t i = (uint32_t)random_below(random, NAMES);
    struct slice name = name_of(i, buf);
    struct member_place place = members_find(m, name);
    assert_int_equal(place.member != NULL, model->value[i] != NULL);
    if (random_below(random, 4) == 0 ? grow : !grow) {
        if (place.member)
            members_remove(m, &place);
        model->count -= model->value[i] != NULL;
        free(model->value[i]);
        model->value[i] = NULL;
        return;
    }
    size_t len = random_below(random, VALUE_MAX);
    memset(bytes, (int)random_below(random, 256), len);
    members_put(m, &place, name, slice_of(bytes, len));
    assert_true(slice_eq(member_value(place.member), slice_of(bytes, len)));
    model->count += model->value[i] == NULL;
    free(model->value[i]);
    model->value[i] = malloc(len + 1);
    memcpy(model->value[i], bytes, len);
    model->len[i] = len;
}

static void members_against_model(void **state)
{
    static struct model model;
    struct random random;
    struct mem_account account = {0};
    struct value_home home = {.account = &account, .seed = SEED};
    struct members *m = members_create(&home);
    long cases = random_cases(&random, 200000);
    for (long i = 0; i < cases; i++) {
        change(m, &model, &random, i / 20000 % 2 == 0);
        assert_int_equal(members_size(m), model.count);
        if (random_below(&random, 5000) == 0)
            check_all(m, &model);
    }
    check_all(m, &model);
    struct members *copy = members_copy(&home, m);
    value_discard(&home, ENC_TABLE, m);
    check_all(copy, &model);
    value_discard(&home, ENC_TABLE, copy);
    while (home.garbage)
        value_free_step(&home);
    assert_int_equal(mem_used(&account), 0);
    for (uint32_t i = 0; i < NAMES; i++)
        free(model.value[i]);
}

/* ---- In keyspaces ---- */

struct world {
    struct mem_account account[2];
    struct keyspace *ks[2];
};

static void setup(struct world *w)
{
    *w = (struct world){.ks = {NULL}};
    for (int i = 0; i < 2; i++) {
        w->ks[i] = keyspace_create(&w->account[i], 2, SEED);
        keyspace_set_time(w->ks[i], 1000);
    }
}

static void teardown(struct world *w)
{
    for (int i = 0; i < 2; i++) {
        keyspace_destroy(w->ks[i]);
        assert_int_equal(mem_used(&w->account[i]), 0);
    }
}

/* A hash of n fields in that encoding, or a set of n integers, or a sorted set of n members. */
static void make(struct keyspace *ks, const char *name, enum encoding encoding, uint32_t n, int64_t expiry_ms)
{
    struct value_home *home = keyspace_values(ks);
    struct typed_value v = {.encoding = encoding};
    struct listpack *lp = encoding == ENC_LISTPACK ? listpack_create(home->account, 0) : NULL;
    struct intset *s = encoding == ENC_INTSET ? intset_create(home->account) : NULL;
    struct members *m = encoding == ENC_TABLE ? members_create(home) : NULL;
    struct zset_large *zset = encoding == ENC_SKIPLIST ? zset_large_create(home) : NULL;
    v.type = s ? TYPE_SET : zset ? TYPE_ZSET : TYPE_HASH;
    for (uint32_t i = 0; i < n; i++) {
        char buf[16];
        struct slice field = name_of(i, buf);
        struct member_place place;
        if (lp) {
            struct listpack_value pair[] = {listpack_value_of(field), listpack_integer(i)};
            lp = listpack_insert(home->account, lp, LISTPACK_NONE, pair, 2);
        } else if (s) {
            s = intset_add(home->account, s, i, NULL);
        } else if (zset) {
            zset_large_append(zset, field, i);
        } else {
            place = members_find(m, field);
            members_put(m, &place, field, field);
        }
    }
    v.ptr = lp ? (void *)lp : s ? (void *)s : zset ? (void *)zset : m;
    struct key key = key_of(name);
    keyspace_set_value(ks, keyspace_write(ks, 0, &key), &key, &v, expiry_ms);
}

static struct place at(struct keyspace *ks, const char *name)
{
    struct key key = key_of(name);
    return keyspace_write(ks, 0, &key);
}

static uint64_t count(struct keyspace *ks, const char *name)
{
    struct entry *e = at(ks, name).entry;
    return e ? value_count(entry_typed_value(e)) : 0;
}

static void free_all(struct keyspace *ks)
{
    while (keyspace_free_step(ks, 1000))
        ;
}

static const struct {
    enum encoding encoding;
    uint32_t n;
    const char *name;
} forms[] = {{ENC_INTSET, 100, "intset"},     {ENC_LISTPACK, 100, "listpack"}, {ENC_TABLE, 10, "hashtable"},
             {ENC_TABLE, LARGE, "hashtable"}, {ENC_SKIPLIST, 10, "skiplist"},  {ENC_SKIPLIST, LARGE, "skiplist"}};

static void moves_copies_and_goes(void **state)
{
    struct world w;
    setup(&w);
    struct key a = key_of("a"), b = key_of("b");
    for (uint32_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        uint32_t n = forms[i].n;
        make(w.ks[0], "a", forms[i].encoding, n, 5000);
        struct entry *e = at(w.ks[0], "a").entry;
        assert_string_equal(encoding_name(e->encoding), forms[i].name);
        int64_t size = (int64_t)entry_memory(e), used[2] = {mem_used(&w.account[0]), mem_used(&w.account[1])};
        assert_true(size > 0 && size <= used[0]);

        keyspace_move(w.ks[0], at(w.ks[0], "a"), &a, w.ks[1], 0, &b);
        assert_null(at(w.ks[0], "a").entry);
        assert_int_equal(count(w.ks[1], "b"), n);
        assert_int_equal(entry_expiry_ms(at(w.ks[1], "b").entry), 5000);
        assert_true(mem_used(&w.account[0]) <= used[0] - size);
        assert_true(mem_used(&w.account[1]) >= used[1] + size);

        keyspace_copy(w.ks[1], at(w.ks[1], "b"), w.ks[0], 0, &a);
        keyspace_copy(w.ks[1], at(w.ks[1], "b"), w.ks[0], 0, &a); /* over what is there */
        make(w.ks[1], "b", ENC_LISTPACK, 1, EXPIRY_NONE);
        assert_int_equal(count(w.ks[0], "a"), n);
        assert_int_equal(count(w.ks[1], "b"), 1);
        keyspace_set_string(w.ks[0], at(w.ks[0], "a"), &a, slice_str("text"), EXPIRY_NONE, STRING_ENCODED);
        assert_int_equal(at(w.ks[0], "a").entry->type, TYPE_STRING);

        make(w.ks[1], "b", forms[i].encoding, n, 500); /* has passed */
        assert_null(at(w.ks[1], "b").entry);
        make(w.ks[1], "b", forms[i].encoding, n, EXPIRY_NONE);
        keyspace_flush(w.ks[1], 0, i % 2);
        assert_null(at(w.ks[1], "b").entry);
        free_all(w.ks[0]);
        free_all(w.ks[1]);
    }
    make(w.ks[0], "a", ENC_TABLE, LARGE, EXPIRY_NONE); /* freed with the keyspace */
    make(w.ks[0], "b", ENC_TABLE, LARGE, EXPIRY_NONE);
    keyspace_remove(w.ks[0], at(w.ks[0], "b"), &b);
    teardown(&w);
}

/* No step frees more than a segment's worth, whoever let the value go. */
static void large_values_go_in_slices(void **state)
{
    struct world w;
    setup(&w);
    struct key a = key_of("a");
    for (int round = 0; round < 8; round++) {
        int how = round % 4;
        make(w.ks[0], "a", round < 4 ? ENC_TABLE : ENC_SKIPLIST, LARGE, how == 2 ? 500 : EXPIRY_NONE);
        int64_t full = mem_used(&w.account[0]);
        if (how == 0)
            keyspace_remove(w.ks[0], at(w.ks[0], "a"), &a);
        else if (how == 1)
            keyspace_set_int(w.ks[0], at(w.ks[0], "a"), &a, 1, EXPIRY_NONE);
        else if (how == 2)
            assert_null(at(w.ks[0], "a").entry);
        else
            keyspace_flush(w.ks[0], 0, false);
        assert_true(full - mem_used(&w.account[0]) < SLICE_BYTES_MAX);
        for (int64_t before = mem_used(&w.account[0]), after; keyspace_free_step(w.ks[0], 1); before = after) {
            after = mem_used(&w.account[0]);
            assert_true(before - after < SLICE_BYTES_MAX);
        }
        assert_true(mem_used(&w.account[0]) < full / 10);
    }
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_against_model),
        cmocka_unit_test(moves_copies_and_goes),
        cmocka_unit_test(large_values_go_in_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
