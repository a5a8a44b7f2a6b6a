/* DUMP and RESTORE: payloads of redis-server, our own there and back, the forms of older versions, damaged ones, and
 * what RESTORE says to its options and puts into the journal. */
#include "persist/crc64.h"
#include "persist/dump.h"
#include "persist/rdb_format.h"
#include "shard/entry.h"
#include "tests/unit/command_runner.h"
#include "tests/unit/random_cases.h"

/* ---- Payloads ---- */

struct payload {
    char bytes[20000];
    size_t len;
};

static void put(struct payload *p, const void *bytes, size_t n)
{
    assert_true(p->len + n <= sizeof p->bytes);
    memcpy(p->bytes + p->len, bytes, n);
    p->len += n;
}

static void put_number(struct payload *p, uint64_t v, int bytes)
{
    for (; bytes > 0; bytes--, v >>= 8)
        put(p, &(char){(char)v}, 1);
}

/* Version and checksum behind what is there. */
static void seal(struct payload *p)
{
    put_number(p, RDB_VERSION_MAX, 2);
    put_number(p, crc64(0, p->bytes, p->len), 8);
}

static struct payload sealed(const void *bytes, size_t n)
{
    struct payload p = {.len = 0};
    put(&p, bytes, n);
    seal(&p);
    return p;
}

/* ---- Running ---- */

static const char *text_of_reply(void)
{
    static char text[30000];
    assert_true(reply.len < sizeof text);
    memcpy(text, reply.buf, reply.len);
    text[reply.len] = '\0';
    return text;
}

static const char *words(uint32_t argc, const char *const *argv)
{
    run_words(argc, argv);
    return text_of_reply();
}

#define RUN(...) words(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

static const char *restore_as(const char *key, struct slice payload, const char *option)
{
    struct slice argv[] = {slice_str("RESTORE"), slice_str(key), slice_str("0"), payload, slice_str(option)};
    run_slices(option[0] ? 5 : 4, argv);
    return text_of_reply();
}

static struct slice slice_of_payload(const struct payload *p) { return slice_of(p->bytes, p->len); }

static const struct entry *entry_at(const char *key)
{
    struct key k = key_make(&shape, slice_str(key));
    return keyspace_peek(shards[k.shard].keyspace, 0, &k).entry;
}

/* The payload of a key, as DUMP gives it. */
static struct payload dump(const char *key)
{
    struct payload p = {.len = 0};
    struct blob *b = dump_entry(entry_at(key));
    put(&p, b->data, b->len);
    blob_release(b);
    return p;
}

static int setup(void **state)
{
    runner_init(2);
    return 0;
}

static int teardown(void **state)
{
    runner_deinit();
    return 0;
}

/* ---- There and back ---- */

/* What a value is, whatever the order of its elements: the number of them and a sum over all. */
struct summary {
    uint64_t count, sum;
};

static void add_element(void *arg, struct slice first, struct slice second)
{
    struct summary *s = arg;
    s->count++;
    s->sum += crc64(crc64(first.len, first.ptr, first.len), second.ptr, second.len);
}

static struct summary summary_of(const struct entry *e)
{
    struct summary s = {0, 0};
    value_each(entry_typed_value(e), add_element, &s);
    assert_int_equal(s.count, value_count(entry_typed_value(e)));
    return s;
}

static void expect_same_value(const char *a, const char *b)
{
    const struct entry *x = entry_at(a), *y = entry_at(b);
    assert_true(x && y && x->type == y->type);
    /* One that was larger once is made compact. */
    assert_true(x->encoding == y->encoding || x->encoding == ENC_TABLE);
    if (x->type == TYPE_STRING) {
        char first[ENTRY_INT_BUF_BYTES], second[ENTRY_INT_BUF_BYTES];
        struct blob *blob;
        assert_true(slice_eq(entry_string(x, first, &blob), entry_string(y, second, &blob)));
        return;
    }
    if (x->type == TYPE_STREAM) {
        struct payload first = dump(a), second = dump(b);
        assert_true(slice_eq(slice_of_payload(&first), slice_of_payload(&second)));
        return;
    }
    struct summary s = summary_of(x), t = summary_of(y);
    assert_true(s.count == t.count && s.sum == t.sum);
}

static struct slice random_text(struct random *r, char buf[static 5000])
{
    size_t len = random_below(r, random_below(r, 4) ? 30 : 5000);
    if (random_below(r, 3) == 0)
        return slice_of(buf, num_i64(buf, (int64_t)random_u64(r) >> random_below(r, 64)));
    bool repeated = random_below(r, 2);
    for (size_t i = 0; i < len; i++)
        buf[i] = repeated ? 'r' : (char)random_u64(r);
    return slice_of(buf, len);
}

static void make_string(struct random *r)
{
    char text[5000];
    run_slices(3, (struct slice[]){slice_str("SET"), slice_str("a"), random_text(r, text)});
}

static void make_hash(struct random *r)
{
    char field[5000], value[5000];
    for (uint64_t n = 1 + random_below(r, random_below(r, 2) ? 8 : 300); n > 0; n--) {
        struct slice f = random_text(r, field);
        f.len = f.len < 30 || random_below(r, 20) == 0 ? f.len : 30;
        struct slice v = random_below(r, 20) ? slice_of(value, num_i64(value, (int64_t)n)) : random_text(r, value);
        run_slices(4, (struct slice[]){slice_str("HSET"), slice_str("a"), f, v});
    }
}

static void make_set(struct random *r)
{
    char member[5000];
    bool integers = random_below(r, 2);
    for (uint64_t n = 1 + random_below(r, random_below(r, 2) ? 8 : 600); n > 0; n--) {
        struct slice m = slice_of(member, num_i64(member, (int64_t)random_u64(r) >> random_below(r, 64)));
        if (!integers)
            m = random_text(r, member);
        m.len = m.len < 30 || random_below(r, 50) == 0 ? m.len : 30;
        run_slices(3, (struct slice[]){slice_str("SADD"), slice_str("a"), m});
    }
}

static void make_list(struct random *r)
{
    char element[5000];
    for (uint64_t n = 1 + random_below(r, random_below(r, 2) ? 8 : 600); n > 0; n--) {
        struct slice e = random_text(r, element);
        e.len = e.len < 30 || random_below(r, 50) == 0 ? e.len : 30;
        run_slices(3, (struct slice[]){slice_str(random_below(r, 2) ? "LPUSH" : "RPUSH"), slice_str("a"), e});
    }
}

static void make_stream(struct random *r)
{
    static const char *const fields[] = {"f", "field", "1", "70000"};
    for (uint64_t n = 1 + random_below(r, random_below(r, 2) ? 8 : 200), id = 1; n > 0; n--, id += random_below(r, 3)) {
        char text[40];
        const char *field = fields[random_below(r, 2 + 2 * (id % 2))];
        snprintf(text, sizeof text, "%u-%u", (unsigned)(id / 3), (unsigned)(id % 3));
        RUN("XADD", "a", text, field, "value", "other", "1");
        if (random_below(r, 4) == 0)
            RUN("XDEL", "a", text);
    }
    RUN("XGROUP", "CREATE", "a", "first", "0");
    RUN("XGROUP", "CREATE", "a", "second", "$");
    RUN("XREADGROUP", "GROUP", "first", "reader", "COUNT", "5", "STREAMS", "a", ">");
    RUN("XREADGROUP", "GROUP", "first", "other", "COUNT", "3", "STREAMS", "a", ">");
    if (random_below(r, 2))
        RUN("XGROUP", "CREATECONSUMER", "a", "first", "idle");
}

static void make_zset(struct random *r)
{
    static const char *const scores[] = {"inf", "-inf", "-0", "1.5", "3.14159", "-17", "1e300", "0.1"};
    char member[5000], number[NUM_INT_CHARS];
    for (uint64_t n = 1 + random_below(r, random_below(r, 2) ? 8 : 300); n > 0; n--) {
        struct slice m = random_text(r, member);
        m.len = m.len < 30 || random_below(r, 50) == 0 ? m.len : 30;
        struct slice score = slice_str(scores[random_below(r, sizeof scores / sizeof scores[0])]);
        if (random_below(r, 2))
            score = slice_of(number, num_i64(number, (int64_t)random_below(r, 100)));
        run_slices(4, (struct slice[]){slice_str("ZADD"), slice_str("a"), score, m});
    }
}

static void (*const makers[])(struct random *r) = {make_string, make_hash, make_set, make_list, make_stream, make_zset};

static void test_there_and_back(void **state)
{
    struct random r;
    for (long i = random_cases(&r, 3000); i > 0; i--) {
        RUN("DEL", "a", "b");
        makers[random_below(&r, sizeof makers / sizeof makers[0])](&r);
        struct blob *b = dump_entry(entry_at("a"));
        assert_string_equal(restore_as("b", slice_of(b->data, b->len), ""), "+OK\r\n");
        expect_same_value("a", "b");
        blob_release(b);
    }
}

/* ---- What others wrote ---- */

/* By redis-server 7.0.15, and what it makes of them again. */
static const struct {
    const char *payload;
    size_t len;
    const char *key_type, *encoding;
} foreign[] = {
#define PAYLOAD(bytes, type, encoding)                                                                                 \
    {                                                                                                                  \
        bytes, sizeof bytes - 1, type, encoding                                                                        \
    }
    PAYLOAD("\x00\xc0\x0a\x0a\x00\x6e\x9f\x57\x45\x0e\xae\x63\xbb", "string", "int"),
    PAYLOAD("\x00\xc1\xd4\xfe\x0a\x00\xc6\xc4\x86\x23\xfe\xbe\xde\x2e", "string", "int"),
    PAYLOAD("\x00\x0b\x39\x39\x39\x39\x39\x39\x39\x39\x39\x39\x39\x0a\x00\x23\xb0\x48\xfb\x0e\xdb\xef\x7f", "string",
            "int"),
    PAYLOAD("\x00\x04\x74\x65\x78\x74\x0a\x00\x7c\xf3\x26\x6d\xca\xb5\xa5\x31", "string", "embstr"),
    PAYLOAD("\x00\xc3\x09\x32\x01\x61\x61\xe0\x25\x00\x01\x61\x61\x0a\x00\x09\xac\x48\xb9\xab\x15\xfb\xc9", "string",
            "raw"),
    PAYLOAD("\x00\x18\x48\x59\x4c\x4c\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80\x71\xa6\x84\x4b\xfb\x80\x42\x5a"
            "\x0a\x00\x59\xf4\xb9\x19\x25\xeb\x16\xea",
            "string", "embstr"),
    PAYLOAD("\x10\x19\x19\x00\x00\x00\x04\x00\x85\x66\x69\x65\x6c\x64\x06\x85\x76\x61\x6c\x75\x65\x06\x01\x01\x02\x01"
            "\xff\x0a\x00\x4a\xc0\xc5\x82\xdd\x36\xd6\x95",
            "hash", "listpack"),
    PAYLOAD("\x04\x01\x05\x66\x69\x65\x6c\x64\xc3\x09\x40\x41\x01\x76\x76\xe0\x34\x00\x01\x76\x76\x0a\x00\xa1\x8c\x28"
            "\xe4\xc0\x73\x96\x9d",
            "hash", "hashtable"),
    PAYLOAD("\x0b\x14\x04\x00\x00\x00\x03\x00\x00\x00\xfb\xff\xff\xff\x01\x00\x00\x00\x70\x11\x01\x00\x0a\x00\x86\xa0"
            "\xbb\xcf\x3a\x22\xed\x25",
            "set", "intset"),
    PAYLOAD("\x02\x01\x03\x6f\x6e\x65\x0a\x00\x7c\x34\x6b\x05\x91\xe5\xd2\x0c", "set", "listpack"),
    PAYLOAD("\x12\x01\x02\x0f\x0f\x00\x00\x00\x03\x00\x81\x61\x02\x01\x01\x81\x62\x02\xff\x0a\x00\x90\x43\xa3\x4c\xeb"
            "\x8e\x1b\x1c",
            "list", "listpack"),
    PAYLOAD("\x12\x02\x02\xc3\x40\xd7\x5f\xe7\x08\xe7\x1f\x00\x00\x28\x00\xe0\xc8\x30\xe0\xbe\x00\x01\x01\xca\xe0\xc0"
            "\xcb\x00\x31\xe0\xc2\xcb\x00\x32\xe0\xc2\xcb\x00\x33\xe0\xc2\xcb\x00\x34\xe0\xc2\xcb\x00\x35\xe0\xc2\xcb"
            "\x00\x36\xe0\xc2\xcb\x00\x37\xe0\xc2\xcb\x00\x38\xe0\xc2\xcb\x00\x39\xe0\xc1\xcb\x00\x31\xe7\xc2\xf7\x00"
            "\x31\xe7\xc2\xf7\x00\x31\xe7\xc2\xf7\x00\x31\xe7\xc2\xf7\x00\x31\xe7\xc2\xf7\x00\x31\xe7\xc2\xf7\x00\x31"
            "\xe7\xc2\xf7\x00\x31\xe7\xc2\xf7\x00\x31\xe7\xc2\xf7\x00\x31\xe7\xc2\xf7\x00\x32\xe7\xc2\xf7\x00\x32\xe7"
            "\xc2\xf7\x00\x32\xe7\xc2\xf7\x00\x32\xe7\xc2\xf7\x00\x32\xe7\xc2\xf7\x00\x32\xe7\xc2\xf7\x00\x32\xe7\xc2"
            "\xf7\x00\x32\xe7\xc2\xf7\x00\x32\xe7\xc2\xf7\x00\x32\xe7\xc2\xf7\x00\x33\xe7\xc2\xf7\x00\x33\xe7\xc2\xf7"
            "\x00\x33\xe7\xc2\xf7\x00\x33\xe7\xc2\xf7\x00\x33\xe7\xc2\xf7\x00\x33\xe7\xc2\xf7\x00\x33\xe7\xc2\xf7\x00"
            "\x33\xe7\xc2\xf7\x00\x33\xe7\xc2\xf7\x00\x33\x27\xf7\x00\xff\x02\xc3\x40\x75\x4f\xf7\x08\xf7\x0f\x00\x00"
            "\x14\x00\xe0\xc8\x30\xe0\xbc\x00\x03\x34\x30\x01\xca\xe0\xc0\xcb\x00\x31\xe0\xc2\xcb\x00\x32\xe0\xc2\xcb"
            "\x00\x33\xe0\xc2\xcb\x00\x34\xe0\xc2\xcb\x00\x35\xe0\xc2\xcb\x00\x36\xe0\xc2\xcb\x00\x37\xe0\xc2\xcb\x00"
            "\x38\xe0\xc2\xcb\x00\x39\xe0\xc1\xcb\x00\x35\xe7\xc2\xf7\x00\x35\xe7\xc2\xf7\x00\x35\xe7\xc2\xf7\x00\x35"
            "\xe7\xc2\xf7\x00\x35\xe7\xc2\xf7\x00\x35\xe7\xc2\xf7\x00\x35\xe7\xc2\xf7\x00\x35\xe7\xc2\xf7\x00\x35\xe7"
            "\xc2\xf7\x00\x35\x27\xf7\x00\xff\x0a\x00\x8d\x0a\x2c\x5d\xca\xdc\x11\x9f",
            "list", "quicklist"),
    PAYLOAD("\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x3d\x3d\x00\x00\x00\x18\x00"
            "\x02\x01\x01\x01\x01\x01\x81\x66\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81\x76\x02\x04\x01\x03\x01\x00\x01"
            "\x01\x01\x81\x77\x02\x04\x01\x00\x01\x01\x01\xdf\xff\x02\x02\x01\x81\x67\x02\x01\x01\x81\x68\x02\x02\x01"
            "\x08\x01\xff\x02\x02\x00\x01\x01\x01\x02\x03\x00\x0a\x00\x9b\xd8\xf2\x91\xdc\xd3\x4d\xf3",
            "stream", "stream"),
    PAYLOAD("\x13\x01\x10\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x1d\x1d\x00\x00\x00\x0a\x00"
            "\x01\x01\x00\x01\x01\x01\x81\x66\x02\x00\x01\x02\x01\x00\x01\x00\x01\x81\x76\x02\x04\x01\xff\x01\x01\x01"
            "\x01\x01\x00\x00\x01\x01\x01\x67\x01\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"
            "\x00\x01\x56\xa1\x73\x00\xa2\x01\x00\x00\x01\x02\x01\x63\x56\xa1\x73\x00\xa2\x01\x00\x00\x01\x00\x00\x00"
            "\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x04\x69\x64\x6c\x65\x57\xa1\x73\x00\xa2\x01\x00\x00"
            "\x00\x0a\x00\xcb\xd3\x09\xd2\x0a\xe4\x4d\xc6",
            "stream", "stream"),
    PAYLOAD("\x11\x1c\x1c\x00\x00\x00\x06\x00\x81\x61\x02\x01\x01\x81\x62\x02\x83\x32\x2e\x35\x04\x81\x63\x02\x83\x69"
            "\x6e\x66\x04\xff\x0a\x00\x6b\x1d\xde\xdc\xe8\xe2\xc3\x99",
            "zset", "listpack"),
    PAYLOAD("\x05\x02\x01\x6e\x00\x00\x00\x00\x00\x00\x08\x40\xc3\x09\x40\x41\x01\x6d\x6d\xe0\x34\x00\x01\x6d\x6d\x00"
            "\x00\x00\x00\x00\x00\xf8\xbf\x0a\x00\x81\xec\xd2\x8e\xc4\xc4\x0a\x5a",
            "zset", "skiplist"),
};

static void test_foreign(void **state)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        char wanted[100];
        struct slice payload = slice_of(foreign[i].payload, foreign[i].len);
        assert_string_equal(restore_as("k", payload, "REPLACE"), "+OK\r\n");
        snprintf(wanted, sizeof wanted, "+%s\r\n", foreign[i].key_type);
        assert_string_equal(RUN("TYPE", "k"), wanted);
        assert_string_equal(encoding_name(entry_at("k")->encoding), foreign[i].encoding);
        assert_true(slice_eq(slice_of_payload(&(struct payload[]){dump("k")}[0]), payload));
    }
}

/* Before listpacks. */
static void test_old_forms(void **state)
{
    static const char ziplist[] = "\x0d\x1a\x1a\0\0\0\x16\0\0\0\x04\0\x00\x01"
                                  "f\x03\xf3\x02\x05"
                                  "value\x07\xfe\x9c\xff";
    struct payload p = sealed(ziplist, sizeof ziplist - 1);
    assert_string_equal(restore_as("list", slice_of_payload(&p), ""), "+OK\r\n");
    assert_string_equal(RUN("HGETALL", "list"), "*4\r\n$1\r\nf\r\n$1\r\n2\r\n$5\r\nvalue\r\n$4\r\n-100\r\n");
    static const char zipmap[] = "\x09\x12\x02\x03"
                                 "one\x01\x00"
                                 "1\x03"
                                 "two\x02\x01"
                                 "22.\xff";
    p = sealed(zipmap, sizeof zipmap - 1);
    assert_string_equal(restore_as("map", slice_of_payload(&p), ""), "+OK\r\n");
    assert_string_equal(RUN("HGETALL", "map"), "*4\r\n$3\r\none\r\n$1\r\n1\r\n$3\r\ntwo\r\n$2\r\n22\r\n");
}

static void expect_bad(const void *bytes, size_t n)
{
    struct payload p = sealed(bytes, n);
    assert_string_equal(restore_as("bad", slice_of_payload(&p), "REPLACE"), "-ERR Bad data format\r\n");
    assert_null(entry_at("bad"));
}

#define BAD(bytes) expect_bad(bytes, sizeof bytes - 1)

static void test_bad_values(void **state)
{
    BAD("");
    BAD("\x1a\x00");   /* no such type */
    BAD("\x07\x00");   /* of a module */
    BAD("\x00");       /* no string */
    BAD("\x00\x03no"); /* a part of one */
    BAD("\x00\xc4");   /* an unknown form of one */
    BAD("\x04\x00");   /* an empty hash */
    BAD("\x04\x02\x01" /* a field twice */
        "f\x01"
        "1\x01"
        "f\x01"
        "2");
    BAD("\x10\x07\x07\0\0\0\0\0\xff");                                   /* the same as listpacks: empty, */
    BAD("\x10\x09\x09\0\0\0\x01\0\x01\x01\xff");                         /* a field without a value, */
    BAD("\x10\x0f\x0f\0\0\0\x04\0\x01\x01\x02\x01\x01\x01\x03\x01\xff"); /* a field twice, */
    BAD("\x10\x0b\x0b\0\0\0\x03\0\x01\x01\x02\x01\xff");                 /* another number of elements than it says, */
    BAD("\x10\x0b\x0b\0\0\0\x02\0\x01\x01\x02\x02\xff");                 /* a wrong size behind one */
    BAD("\x12\x00");                                                     /* lists: empty, */
    BAD("\x12\x01\x02\x07\x07\0\0\0\0\0\xff");                           /* without an element, */
    BAD("\x12\x01\x03\x01x");                                            /* a node of no kind */
    BAD("\x0f\x00\x01\x00\x00\x00"); /* a stream that has other messages than it says */
    BAD("\x05\x00");                 /* sorted sets: empty, */
    BAD("\x03\x01\x01m\xfd");        /* a score that is no number, */
    BAD("\x03\x01\x01m\x01x");       /* nor this, */
    BAD("\x03\x02\x01m\x01"
        "1\x01m\x01"
        "2");                                                            /* a member twice, */
    BAD("\x11\x0f\x0f\0\0\0\x04\0\x01\x01\x02\x01\x02\x01\x01\x01\xff"); /* not in order */
    BAD("\x02\x00");                                                     /* sets: empty, */
    BAD("\x02\x02\x01m\x01m");                                           /* a member twice, */
    BAD("\x14\x0b\x0b\0\0\0\x02\0\x01\x01\x01\x01\xff");                 /* also in a listpack, */
    BAD("\x0b\x08\x02\0\0\0\0\0\0\0");                                   /* an empty intset, */
    BAD("\x0b\x0c\x02\0\0\0\x02\0\0\0\x02\0\x01\0");                     /* one not in order */
    BAD("\x0d\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff");                         /* ziplists: empty, */
    BAD("\x0d\x0f\x0f\0\0\0\x0c\0\0\0\x02\0\x00\xf2\x03\xf2\xff");       /* a wrong size before one, */
    BAD("\x0d\x0f\x0f\0\0\0\x0a\0\0\0\x02\0\x00\xf2\x02\xf2\xff");       /* another last entry than it says */
}

static void test_checksum_and_version(void **state)
{
    struct payload p = sealed("\x00\x01v", 3);
    static const char wrong[] = "-ERR DUMP payload version or checksum are wrong\r\n";
    assert_string_equal(restore_as("c", slice_of_payload(&p), ""), "+OK\r\n");
    for (size_t i = 0; i < p.len; i++) {
        p.bytes[i] ^= 1;
        assert_string_equal(restore_as("c", slice_of_payload(&p), "REPLACE"), wrong);
        p.bytes[i] ^= 1;
        assert_string_equal(restore_as("c", slice_of(p.bytes, i), "REPLACE"), wrong);
    }
    struct payload newer = {.len = 0};
    put(&newer, "\x00\x01v", 3);
    put_number(&newer, RDB_VERSION_MAX + 1, 2);
    put_number(&newer, crc64(0, newer.bytes, newer.len), 8);
    assert_string_equal(restore_as("c", slice_of_payload(&newer), "REPLACE"), wrong);
    assert_string_equal(RUN("GET", "c"), "$1\r\nv\r\n");
}

/* Whatever comes out of damaged bytes is a value that can be written and read again. */
static void test_hostile(void **state)
{
    struct random r;
    for (long i = random_cases(&r, 20000); i > 0; i--) {
        RUN("DEL", "a", "b", "c");
        makers[random_below(&r, sizeof makers / sizeof makers[0])](&r);
        struct blob *b = dump_entry(entry_at("a"));
        size_t len = b->len - DUMP_FOOTER_BYTES;
        struct payload p = {.len = 0};
        if (len < sizeof p.bytes - 100) {
            put(&p, b->data, len);
            for (uint64_t n = 1 + random_below(&r, 4); n > 0; n--)
                p.bytes[random_below(&r, len)] = (char)random_u64(&r);
            if (random_below(&r, 4) == 0)
                p.len = random_below(&r, len);
            seal(&p);
            if (strcmp(restore_as("b", slice_of_payload(&p), ""), "+OK\r\n") == 0) {
                struct blob *again = dump_entry(entry_at("b"));
                assert_string_equal(restore_as("c", slice_of(again->data, again->len), ""), "+OK\r\n");
                assert_int_equal(entry_at("b")->type, entry_at("c")->type);
                if (entry_at("b")->encoding == entry_at("c")->encoding)
                    expect_same_value("b", "c");
                blob_release(again);
            } else {
                assert_null(entry_at("b"));
            }
        }
        blob_release(b);
    }
}

/* ---- Options ---- */

static const char *with_options(uint32_t n, const char *const *options)
{
    struct payload p = sealed("\x00\x01v", 3);
    struct slice argv[RUNNER_ARGS_MAX] = {slice_str("RESTORE"), slice_str("k"), slice_str(options[0]),
                                          slice_of_payload(&p)};
    for (uint32_t i = 1; i < n; i++)
        argv[3 + i] = slice_str(options[i]);
    run_slices(3 + n, argv);
    return text_of_reply();
}

#define OPTIONS(...) with_options(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

static void expect_effect(uint32_t argc, const char *const *wanted)
{
    struct payload p = sealed("\x00\x01v", 3);
    struct slice argv[RUNNER_ARGS_MAX];
    struct effects e;
    for (uint32_t i = 0; i < argc; i++)
        argv[i] = wanted[i] ? slice_str(wanted[i]) : slice_of_payload(&p);
    effects_init(&e);
    e.db = 0;
    if (argc > 0)
        effects_add(&e, 0, argc, argv);
    assert_int_equal(e.len, effects.len);
    assert_true(e.len == 0 || memcmp(e.buf, effects.buf, e.len) == 0);
    effects_deinit(&e);
}

#define EFFECT(...) expect_effect(sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

static void test_options(void **state)
{
    RUN("DEL", "k");
    assert_string_equal(OPTIONS("0"), "+OK\r\n");
    EFFECT("RESTORE", "k", "0", NULL, "ABSTTL");
    assert_string_equal(OPTIONS("x"), "-BUSYKEY Target key name already exists.\r\n");
    assert_string_equal(OPTIONS("x", "replace"), "-ERR value is not an integer or out of range\r\n");
    assert_string_equal(OPTIONS("-1", "replace"), "-ERR Invalid TTL value, must be >= 0\r\n");
    assert_string_equal(OPTIONS("0", "replace", "freq"), "-ERR syntax error\r\n");
    assert_string_equal(OPTIONS("0", "freq", "1", "idletime", "1"), "-ERR syntax error\r\n");
    assert_string_equal(OPTIONS("0", "freq", "256"), "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n");
    assert_string_equal(OPTIONS("0", "idletime", "-1"), "-ERR Invalid IDLETIME value, must be >= 0\r\n");
    assert_string_equal(OPTIONS("5000", "Replace", "IdleTime", "77"), "+OK\r\n");
    EFFECT("RESTORE", "k", "1005000", NULL, "ABSTTL", "REPLACE", "IDLETIME", "77");
    assert_string_equal(RUN("PTTL", "k"), ":5000\r\n");
    assert_string_equal(RUN("OBJECT", "IDLETIME", "k"), ":77\r\n");
    assert_string_equal(OPTIONS("2000000", "ABSTTL", "REPLACE", "FREQ", "9"), "+OK\r\n");
    EFFECT("RESTORE", "k", "2000000", NULL, "ABSTTL", "REPLACE", "FREQ", "9");
    assert_string_equal(RUN("PEXPIRETIME", "k"), ":2000000\r\n");
}

/* A time that has passed: nothing comes, and what was to be replaced is gone. */
static void test_too_late(void **state)
{
    RUN("SET", "k", "old");
    assert_string_equal(OPTIONS("1", "ABSTTL", "REPLACE"), "+OK\r\n");
    EFFECT("DEL", "k");
    assert_null(entry_at("k"));
    assert_string_equal(OPTIONS("1", "ABSTTL", "REPLACE"), "+OK\r\n");
    assert_int_equal(effects.len, 0);
    assert_null(entry_at("k"));
    assert_string_equal(RUN("DUMP", "k"), "$-1\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_old_forms),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_checksum_and_version),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_too_late),
    };
    command_table_init();
    return cmocka_run_group_tests(tests, setup, teardown);
}
