/* Values of RDB files and DUMP payloads: whatever the bytes, what is read is a value that has as many elements as it
 * says, can be copied, and is the same after it was written and read again. The first byte of the input chooses the
 * limits; the rest is type and value. */
#include "persist/rdb_value.h"

#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct key_space_shape shape = {.nshards = 1};

/* Whatever the order of the elements. */
struct summary {
    uint64_t count, sum;
};

static void add_element(void *arg, struct slice first, struct slice second)
{
    struct summary *s = arg;
    s->count++;
    s->sum += hash_bytes(first.ptr, first.len, hash_bytes(second.ptr, second.len, first.len));
}

static struct summary summary_of(struct typed_value v)
{
    struct summary s = {0, 0};
    if (v.type == TYPE_STREAM) /* has no single elements */
        return (struct summary){value_count(v), 0};
    value_each(v, add_element, &s);
    ASSERT(s.count == value_count(v));
    return s;
}

static bool same(struct summary a, struct summary b) { return a.count == b.count && a.sum == b.sum; }

/* Reads the value that the key has been written as. */
static void read_again(struct keyspace *ks, const struct key *key, const struct rdb_value_limits *limits)
{
    struct rdb_value_reader r;
    struct rdb_value again;
    struct rdb_write w;
    const struct entry *e = keyspace_peek(ks, 0, key).entry;
    rdb_write_begin(&w);
    rdb_value_write(&w, e);
    bool read = rdb_value_read(&r, slice_of(w.bytes->data, w.bytes->len), keyspace_values(ks), limits, &again);
    ASSERT(read && again.typed.type == e->type && r.in.at == r.in.end);
    if (e->type != TYPE_STRING) {
        ASSERT(same(summary_of(entry_typed_value(e)), summary_of(again.typed)));
        value_discard(keyspace_values(ks), again.typed.encoding, again.typed.ptr);
    }
    rdb_value_reader_end(&r);
    blob_release(w.bytes);
}

static void use(struct keyspace *ks, const struct rdb_value *v, const struct rdb_value_limits *limits)
{
    struct key key = key_make(&shape, slice_str("key")), copy = key_make(&shape, slice_str("copy"));
    struct place place = keyspace_write(ks, 0, &key);
    if (v->typed.type != TYPE_STRING)
        place = keyspace_set_value(ks, place, &key, &v->typed, EXPIRY_NONE);
    else if (v->is_integer)
        place = keyspace_set_int(ks, place, &key, v->integer, EXPIRY_NONE);
    else
        place = keyspace_set_string(ks, place, &key, v->string, EXPIRY_NONE, STRING_ENCODED);
    read_again(ks, &key, limits);
    keyspace_copy(ks, keyspace_write(ks, 0, &key), ks, 0, &copy);
    read_again(ks, &copy, limits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    uint64_t few = data[0] % 16;
    const struct rdb_value_limits limits = {.hash = {few, 1 + few},
                                            .zset = {few, 1 + few},
                                            .list_node_size = (int32_t)few - 5,
                                            .set = {{few, 1 + few}, few}};
    struct mem_account account = {0};
    struct keyspace *ks = keyspace_create(&account, 1, 0);
    char *exact = malloc(size - 1); /* so that a read behind its end is seen */
    memcpy(exact, data + 1, size - 1);
    struct rdb_value_reader r;
    struct rdb_value v;
    if (rdb_value_read(&r, slice_of(exact, size - 1), keyspace_values(ks), &limits, &v))
        use(ks, &v, &limits);
    else
        ASSERT(r.in.error_at && r.in.error[0]);
    rdb_value_reader_end(&r);
    free(exact);
    keyspace_destroy(ks);
    ASSERT(mem_used(&account) == 0);
    return 0;
}
