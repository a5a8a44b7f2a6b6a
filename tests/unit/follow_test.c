/* Snapshots that read large strings while they change: two keyspaces against a naive model. Whatever happens meanwhile,
 * a snapshot gets, from the hooks and from what it reads by itself, every value byte for byte as it was at the cut,
 * each range once; and a change costs it a range, not the value. */
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

enum { SHARDS = 2, KEYS = 6, LEN_MAX = 4 * BLOB_RANGE_BYTES, RANGES_MAX = LEN_MAX / BLOB_RANGE_BYTES, SEED = 7 };
enum { FOLLOWED_MAX = KEYS, REPLIES_MAX = 3 };

struct text {
    char *bytes; /* owned; NULL: there is no such key */
    size_t len;
};

/* A blob that the snapshot reads. */
struct followed {
    struct blob *blob;
    const struct text *cut;
    size_t read; /* it has asked for the ranges before */
    bool have[RANGES_MAX];
    char *bytes; /* owned */
};

/* One shard, its model, and its snapshot. */
struct side {
    struct keyspace *ks;
    struct mem_account account;
    struct text now[KEYS], cut[KEYS];
    bool snapshot;
    uint32_t given[KEYS], n_followed;
    struct followed followed[FOLLOWED_MAX];
    uint64_t kept, read; /* ranges that came from the hook, and that did not */
};

/* A reply that is being sent: its bytes must not change. */
struct sent {
    struct blob *blob;
    struct text text;
};

struct world {
    struct random random;
    struct side side[SHARDS];
    struct sent sent[REPLIES_MAX];
    uint64_t in_place, compared;
    char bytes[LEN_MAX];
};

static uint32_t below(struct world *w, uint32_t n) { return (uint32_t)random_below(&w->random, n); }

static struct key key_of(char name[static 8], uint32_t k)
{
    static const struct key_space_shape shape = {.seed = SEED, .nshards = 1};
    snprintf(name, 8, "key:%u", k);
    return key_make(&shape, slice_str(name));
}

static void text_set(struct text *t, const void *bytes, size_t len)
{
    char *copy = malloc(len + 1);
    memcpy(copy, bytes, len);
    free(t->bytes);
    *t = (struct text){copy, len};
}

static void text_clear(struct text *t)
{
    free(t->bytes);
    *t = (struct text){NULL, 0};
}

/* Bytes that nothing else has. */
static struct slice random_bytes(struct world *w, size_t len)
{
    for (size_t i = 0; i < len; i += 8) {
        uint64_t r = random_u64(&w->random);
        memcpy(w->bytes + i, &r, len - i < 8 ? len - i : 8);
    }
    return slice_of(w->bytes, len);
}

/* Often at a range's edge or one beside it. */
static size_t random_len(struct world *w, size_t most)
{
    size_t len =
        below(w, 2) ? below(w, (uint32_t)most + 1) : below(w, RANGES_MAX + 1) * (size_t)BLOB_RANGE_BYTES + below(w, 3);
    len = len > 0 ? len - 1 : 0;
    return len < most ? len : most;
}

/* ---- The snapshot ---- */

static void give_entry(void *arg, uint32_t db, const struct entry *e)
{
    struct side *s = arg;
    char buf[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    struct slice value = entry_string(e, buf, &blob);
    uint32_t k = (uint32_t)(entry_key(e).ptr[4] - '0');
    s->given[k]++;
    assert_non_null(s->cut[k].bytes);
    assert_int_equal(value.len, s->cut[k].len);
    if (blob) {
        struct followed *f = &s->followed[s->n_followed++];
        *f = (struct followed){.blob = keyspace_follow(s->ks, e), .cut = &s->cut[k], .bytes = malloc(value.len)};
        assert_ptr_equal(f->blob, blob);
    } else {
        assert_memory_equal(value.ptr, s->cut[k].bytes, value.len);
    }
}

static void take_range(struct followed *f, size_t offset, struct slice bytes)
{
    size_t rest = f->cut->len - offset;
    assert_true(offset < f->cut->len && !f->have[offset / BLOB_RANGE_BYTES]);
    assert_int_equal(bytes.len, rest < BLOB_RANGE_BYTES ? rest : BLOB_RANGE_BYTES);
    memcpy(f->bytes + offset, bytes.ptr, bytes.len);
    f->have[offset / BLOB_RANGE_BYTES] = true;
}

static void give_range(void *arg, const struct blob *b, size_t offset, struct slice bytes)
{
    struct side *s = arg;
    uint32_t found = 0;
    for (uint32_t i = 0; i < s->n_followed; i++)
        if (s->followed[i].blob == b) {
            take_range(&s->followed[i], offset, bytes);
            found++;
        }
    assert_int_equal(found, 1);
    s->kept++;
}

static void drop_followed(struct side *s, uint32_t i)
{
    keyspace_unfollow(s->ks, s->followed[i].blob);
    free(s->followed[i].bytes);
    s->followed[i] = s->followed[--s->n_followed];
}

/* Reads one range of one blob; a blob that has been read to its end must be as it was. */
static void read_some(struct world *w, struct side *s)
{
    uint32_t i = below(w, s->n_followed);
    struct followed *f = &s->followed[i];
    if (f->read < f->cut->len) {
        struct slice bytes = keyspace_followed_range(s->ks, f->blob, f->read);
        assert_int_equal(bytes.ptr == NULL, f->have[f->read / BLOB_RANGE_BYTES]);
        if (bytes.ptr) {
            take_range(f, f->read, bytes);
            s->read++;
        }
        f->read += BLOB_RANGE_BYTES;
        return;
    }
    assert_memory_equal(f->bytes, f->cut->bytes, f->cut->len);
    w->compared++;
    drop_followed(s, i);
}

static void snapshot_start(struct side *s)
{
    memset(s->given, 0, sizeof s->given);
    for (uint32_t k = 0; k < KEYS; k++) {
        text_clear(&s->cut[k]);
        if (s->now[k].bytes)
            text_set(&s->cut[k], s->now[k].bytes, s->now[k].len);
    }
    keyspace_start_epoch(s->ks, give_entry, give_range, s);
    s->snapshot = true;
}

static void snapshot_end(struct side *s)
{
    while (s->n_followed)
        drop_followed(s, 0);
    keyspace_end_epoch(s->ks);
    s->snapshot = false;
}

static void snapshot_step(struct world *w, struct side *s)
{
    if (!s->snapshot) {
        if (keyspace_epoch_is_over(s->ks) && below(w, 4) == 0)
            snapshot_start(s);
        else
            keyspace_free_step(s->ks, 1);
    } else if (below(w, 100) == 0) {
        snapshot_end(s); /* it is given up */
    } else if (s->n_followed && below(w, 2)) {
        read_some(w, s);
    } else if (below(w, 8) == 0 && !keyspace_epoch_step(s->ks) && s->n_followed == 0) {
        for (uint32_t k = 0; k < KEYS; k++)
            assert_int_equal(s->given[k], s->cut[k].bytes != NULL);
        snapshot_end(s);
    }
}

/* ---- What happens meanwhile ---- */

static struct blob *blob_of(const struct place *p)
{
    return p->entry && p->entry->encoding == ENC_BLOB ? entry_blob(p->entry) : NULL;
}

static void do_set(struct world *w, struct side *s, uint32_t k)
{
    char name[8];
    struct key key = key_of(name, k);
    struct slice value = random_bytes(w, random_len(w, LEN_MAX));
    keyspace_set_string(s->ks, keyspace_write(s->ks, 0, &key), &key, value, EXPIRY_NONE, STRING_PLAIN);
    text_set(&s->now[k], value.ptr, value.len);
}

/* SETRANGE or APPEND, mostly of a few bytes. */
static void do_change(struct world *w, struct side *s, uint32_t k)
{
    char name[8];
    struct key key = key_of(name, k);
    struct text *t = &s->now[k];
    struct place p = keyspace_peek(s->ks, 0, &key);
    struct blob *before = blob_of(&p);
    bool shared = before && !blob_is_exclusive(before), append = below(w, 3) == 0, changed;
    size_t offset = append ? t->len : random_len(w, LEN_MAX - 1), most = LEN_MAX - offset, len;
    struct slice value = random_bytes(w, 1 + random_len(w, below(w, 4) && most > 100 ? 100 : most > 0 ? most - 1 : 0));
    enum status status = append ? string_append(s->ks, 0, &key, value, LEN_MAX, &len)
                                : string_set_range(s->ks, 0, &key, offset, value, LEN_MAX, &len, &changed);
    if (most == 0) {
        assert_int_equal(status, STATUS_TOO_LONG);
        return;
    }
    assert_int_equal(status, STATUS_OK);
    size_t size = offset + value.len > t->len ? offset + value.len : t->len;
    assert_int_equal(len, size);
    char *grown = calloc(1, size + 1);
    if (t->len)
        memcpy(grown, t->bytes, t->len);
    memcpy(grown + offset, value.ptr, value.len);
    free(t->bytes);
    *t = (struct text){grown, size};
    p = keyspace_peek(s->ks, 0, &key);
    w->in_place += shared && blob_of(&p) == before;
}

static void do_remove(struct side *s, uint32_t k)
{
    char name[8];
    struct key key = key_of(name, k);
    struct place p = keyspace_write(s->ks, 0, &key);
    if (p.entry)
        keyspace_remove(s->ks, p, &key);
    text_clear(&s->now[k]);
}

static void do_copy_or_move(struct world *w, struct side *s, uint32_t k)
{
    char name[8], to_name[8];
    struct side *to = &w->side[below(w, SHARDS)];
    uint32_t to_k = below(w, KEYS);
    struct key key = key_of(name, k), to_key = key_of(to_name, to_k);
    struct place p = keyspace_write(s->ks, 0, &key);
    if (!p.entry || (to == s && to_k == k))
        return;
    text_set(&to->now[to_k], s->now[k].bytes, s->now[k].len);
    if (below(w, 2)) {
        keyspace_copy(s->ks, p, to->ks, 0, &to_key);
    } else {
        keyspace_move(s->ks, p, &key, to->ks, 0, &to_key);
        text_clear(&s->now[k]);
    }
}

/* The entry moves in memory, its value does not. */
static void do_expire(struct world *w, struct side *s, uint32_t k)
{
    char name[8];
    struct key key = key_of(name, k);
    struct place p = keyspace_write(s->ks, 0, &key);
    if (p.entry)
        keyspace_set_expiry(s->ks, &p, &key, below(w, 2) ? EXPIRY_NONE : INT64_C(1) << 50);
}

static void do_flush(struct world *w, struct side *s)
{
    keyspace_flush(s->ks, 0, below(w, 2));
    for (uint32_t k = 0; k < KEYS; k++)
        text_clear(&s->now[k]);
}

static void end_sent(struct sent *r)
{
    if (!r->blob)
        return;
    assert_int_equal(r->blob->len, r->text.len);
    assert_memory_equal(r->blob->data, r->text.bytes, r->text.len);
    blob_release(r->blob);
    text_clear(&r->text);
    r->blob = NULL;
}

static void do_send(struct world *w, struct side *s, uint32_t k)
{
    char name[8];
    struct key key = key_of(name, k);
    struct sent *r = &w->sent[below(w, REPLIES_MAX)];
    struct place p = keyspace_read(s->ks, 0, &key);
    end_sent(r);
    if (below(w, 4) || !blob_of(&p))
        return;
    r->blob = blob_hold(blob_of(&p));
    text_set(&r->text, r->blob->data, r->blob->len);
}

static void check(struct side *s, uint32_t k)
{
    char name[8], buf[ENTRY_INT_BUF_BYTES];
    struct key key = key_of(name, k);
    struct blob *blob;
    struct place p = keyspace_peek(s->ks, 0, &key);
    assert_int_equal(p.entry != NULL, s->now[k].bytes != NULL);
    if (!p.entry)
        return;
    struct slice value = entry_string(p.entry, buf, &blob);
    assert_int_equal(value.len, s->now[k].len);
    assert_memory_equal(value.ptr, s->now[k].bytes, value.len);
}

static void change_something(struct world *w)
{
    struct side *s = &w->side[below(w, SHARDS)];
    uint32_t k = below(w, KEYS), what = below(w, 100);
    if (what < 12)
        do_set(w, s, k);
    else if (what < 70)
        do_change(w, s, k);
    else if (what < 75)
        do_remove(s, k);
    else if (what < 83)
        do_copy_or_move(w, s, k);
    else if (what < 87)
        do_expire(w, s, k);
    else if (what < 88)
        do_flush(w, s);
    else
        do_send(w, s, k);
    check(s, k);
}

static struct world *setup(void)
{
    struct world *w = calloc(1, sizeof *w);
    for (uint32_t i = 0; i < SHARDS; i++)
        w->side[i].ks = keyspace_create(&w->side[i].account, 1, SEED);
    return w;
}

static void teardown(struct world *w)
{
    for (uint32_t i = 0; i < REPLIES_MAX; i++)
        end_sent(&w->sent[i]);
    for (uint32_t i = 0; i < SHARDS; i++) {
        struct side *s = &w->side[i];
        if (s->snapshot)
            snapshot_end(s);
        keyspace_destroy(s->ks);
        assert_int_equal(mem_used(&s->account), 0);
        for (uint32_t k = 0; k < KEYS; k++) {
            text_clear(&s->now[k]);
            text_clear(&s->cut[k]);
        }
    }
    free(w);
}

static void as_at_the_cut(void **state)
{
    struct random seeds;
    uint64_t kept = 0, read = 0, in_place = 0, compared = 0;
    long cases = random_cases(&seeds, 8);
    for (long c = 0; c < cases; c++) {
        struct world *w = setup();
        random_init(&w->random, random_u64(&seeds));
        for (int i = 0; i < 4000; i++) {
            change_something(w);
            snapshot_step(w, &w->side[below(w, SHARDS)]);
        }
        for (uint32_t i = 0; i < SHARDS; i++)
            kept += w->side[i].kept, read += w->side[i].read;
        in_place += w->in_place, compared += w->compared;
        teardown(w);
    }
    printf("%llu strings compared: %llu ranges kept before a change, %llu read; %llu changes in place\n",
           (unsigned long long)compared, (unsigned long long)kept, (unsigned long long)read,
           (unsigned long long)in_place);
    assert_true(compared > 0 && kept > 0 && read > 0 && in_place > 0);
}

/* ---- What it costs ---- */

enum { LARGE = 160 * BLOB_RANGE_BYTES + 5 };

static void give_large(void *arg, uint32_t db, const struct entry *e)
{
    *(struct blob **)arg = keyspace_follow(*((struct keyspace **)arg + 1), e);
}

static uint32_t ranges_given;
static void count_range(void *arg, const struct blob *b, size_t offset, struct slice bytes) { ranges_given++; }

static struct blob *value_of(struct keyspace *ks, const struct key *key)
{
    return entry_blob(keyspace_peek(ks, 0, key).entry);
}

/* A byte changed is a range given once, with the value in its place; no copy is ever made of what is overwritten. */
static void a_change_costs_a_range(void **state)
{
    char name[8];
    struct key key = key_of(name, 0);
    struct mem_account account = {0};
    struct keyspace *ks = keyspace_create(&account, 1, SEED);
    struct blob *value = blob_create(LARGE);
    void *snapshot[2] = {NULL, ks};
    size_t len;
    bool changed;
    value->len = LARGE;
    memset(value->data, 'a', LARGE);
    keyspace_set_blob(ks, keyspace_write(ks, 0, &key), &key, value, EXPIRY_NONE);
    int64_t before = mem_used(&account);
    keyspace_start_epoch(ks, give_large, count_range, snapshot);
    ranges_given = 0;
    for (int i = 0; i < 3; i++)
        string_set_range(ks, 0, &key, BLOB_RANGE_BYTES * 3 - 1, slice_str("bb"), LARGE, &len, &changed);
    assert_int_equal(ranges_given, 2);
    assert_ptr_equal(snapshot[0], value);
    assert_ptr_equal(value_of(ks, &key), value);
    assert_in_range(mem_used(&account), before + 1, before + 1024);
    assert_null(keyspace_followed_range(ks, value, BLOB_RANGE_BYTES * 2).ptr);
    assert_memory_equal(keyspace_followed_range(ks, value, BLOB_RANGE_BYTES).ptr, value->data + BLOB_RANGE_BYTES, 9);
    string_set_range(ks, 0, &key, BLOB_RANGE_BYTES, slice_str("c"), LARGE, &len, &changed);
    assert_int_equal(ranges_given, 2); /* it had read that one */
    keyspace_set_string(ks, keyspace_write(ks, 0, &key), &key, slice_str("d"), EXPIRY_NONE, STRING_ENCODED);
    assert_int_equal(ranges_given, 2);
    assert_true(blob_is_exclusive(value));
    keyspace_unfollow(ks, value);
    while (keyspace_epoch_step(ks))
        ;
    keyspace_end_epoch(ks);
    keyspace_destroy(ks);
    assert_int_equal(mem_used(&account), 0);
}

/* What is appended in the room that there is changes the last range only; what outgrows it leaves the old to the
 * snapshot. */
static void growth(void **state)
{
    char name[8];
    struct key key = key_of(name, 0);
    struct mem_account account = {0};
    struct keyspace *ks = keyspace_create(&account, 1, SEED);
    struct blob *value = blob_create(LARGE + BLOB_RANGE_BYTES);
    void *snapshot[2] = {NULL, ks};
    size_t len;
    static char more[BLOB_RANGE_BYTES];
    value->len = LARGE;
    memset(value->data, 'a', LARGE);
    keyspace_set_blob(ks, keyspace_write(ks, 0, &key), &key, value, EXPIRY_NONE);
    keyspace_start_epoch(ks, give_large, count_range, snapshot);
    ranges_given = 0;
    for (uint32_t i = 0; i < 4; i++)
        string_append(ks, 0, &key, slice_of(more, sizeof more / 4), SIZE_MAX / 2, &len);
    assert_int_equal(ranges_given, 1);
    assert_ptr_equal(value_of(ks, &key), value);
    string_append(ks, 0, &key, slice_str("x"), SIZE_MAX / 2, &len);
    assert_int_equal(ranges_given, 1);
    assert_ptr_not_equal(value_of(ks, &key), value);
    assert_true(blob_is_exclusive(value) && blob_is_exclusive(value_of(ks, &key)));
    assert_int_equal(keyspace_followed_range(ks, value, 159 * BLOB_RANGE_BYTES).len, BLOB_RANGE_BYTES);
    assert_null(keyspace_followed_range(ks, value, 160 * BLOB_RANGE_BYTES).ptr);
    keyspace_unfollow(ks, value);
    keyspace_end_epoch(ks);
    keyspace_destroy(ks);
    assert_int_equal(mem_used(&account), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_at_the_cut),
        cmocka_unit_test(a_change_costs_a_range),
        cmocka_unit_test(growth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
