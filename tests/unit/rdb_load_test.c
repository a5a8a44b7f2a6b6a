/* The RDB reader against files made here: every kind of item and of length, whole and in pieces; cut, damaged and
 * mutated; each error with the offset that it names. */
#include "persist/rdb_load.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <liblzf/lzf.h>

#include "persist/crc64.h"
#include "persist/rdb_format.h"
#include "src/base/mem.h"
#include "src/base/num.h"
#include "tests/unit/random_cases.h"

/* Bytes that grow: a file, or what was handed out, as text. */
struct bytes {
    char *ptr;
    size_t len, cap;
};

static void put(struct bytes *b, const void *from, size_t n)
{
    if (b->len + n > b->cap) {
        b->cap = (b->len + n) * 2;
        b->ptr = realloc(b->ptr, b->cap);
    }
    memcpy(b->ptr + b->len, from, n);
    b->len += n;
}

static void put_byte(struct bytes *b, unsigned byte) { put(b, &(char){(char)byte}, 1); }

static void put_slice(struct bytes *b, struct slice s) { put(b, s.ptr, s.len); }

static void put_number(struct bytes *b, int64_t v)
{
    char text[NUM_INT_CHARS];
    put(b, text, num_i64(text, v));
}

static void put_little_endian(struct bytes *b, uint64_t v, int n)
{
    for (; n > 0; n--, v >>= 8)
        put_byte(b, v & 0xff);
}

static void put_big_endian(struct bytes *b, uint64_t v, int n)
{
    while (n-- > 0)
        put_byte(b, v >> 8 * n & 0xff);
}

/* In at least as many bytes as the form asks for: 1, 2, 5 or 9. */
static void put_length(struct bytes *b, uint64_t len, int form)
{
    if (form <= 1 && len < 64) {
        put_byte(b, (unsigned)len);
    } else if (form <= 2 && len < 16384) {
        put_big_endian(b, 0x4000 | len, 2);
    } else if (form <= 5 && len <= UINT32_MAX) {
        put_byte(b, RDB_LENGTH_32_BYTE);
        put_big_endian(b, len, 4);
    } else {
        put_byte(b, RDB_LENGTH_64_BYTE);
        put_big_endian(b, len, 8);
    }
}

static void put_string(struct bytes *b, struct slice s, int form)
{
    put_length(b, s.len, form);
    put_slice(b, s);
}

static void put_text(struct bytes *b, const char *text) { put_string(b, slice_str(text), 1); }

static void put_integer(struct bytes *b, int64_t v, enum rdb_encoding encoding)
{
    put_byte(b, RDB_ENCODED << 6 | encoding);
    put_little_endian(b, (uint64_t)v, 1 << encoding);
}

/* Whether it can be compressed at all. */
static bool put_compressed(struct bytes *b, struct slice s, int form)
{
    char *packed = malloc(s.len + 1);
    unsigned n = s.len > 4 ? lzf_compress(s.ptr, (unsigned)s.len, packed, (unsigned)s.len - 4) : 0;
    if (n > 0) {
        put_byte(b, RDB_ENCODED << 6 | RDB_ENCODED_LZF);
        put_length(b, n, form);
        put_length(b, s.len, form);
        put(b, packed, n);
    }
    free(packed);
    return n > 0;
}

static void put_end(struct bytes *b)
{
    put_byte(b, RDB_END);
    put_little_endian(b, crc64(0, b->ptr, b->len), RDB_CHECKSUM_BYTES);
}

/* What loading a file gave. */
struct outcome {
    enum rdb_load_status status;
    struct bytes text; /* all that was handed out */
    char error[512];
    size_t consumed;
    uint64_t offset;
    bool unchecked;
    const char *refuse; /* what is to be refused: the first word of its line */
};

static const char *refusal(struct outcome *o, const char *word)
{
    put(&o->text, "\n", 1);
    return o->refuse && strcmp(o->refuse, word) == 0 ? "not wanted" : NULL;
}

static const char *on_aux(void *ctx, struct slice name, struct slice value)
{
    struct outcome *o = ctx;
    put(&o->text, "aux ", 4);
    put_slice(&o->text, name);
    put(&o->text, "=", 1);
    put_slice(&o->text, value);
    return refusal(o, "aux");
}

static const char *on_select_db(void *ctx, uint64_t db)
{
    struct outcome *o = ctx;
    put(&o->text, "db ", 3);
    put_number(&o->text, (int64_t)db);
    return refusal(o, "db");
}

static const char *on_resize_db(void *ctx, uint64_t keys, uint64_t expires)
{
    struct outcome *o = ctx;
    put(&o->text, "size ", 5);
    put_number(&o->text, (int64_t)keys);
    put(&o->text, " ", 1);
    put_number(&o->text, (int64_t)expires);
    return refusal(o, "size");
}

static void put_attribute(struct bytes *text, const char *name, int64_t v)
{
    if (v == RDB_LOAD_NONE)
        return;
    put_slice(text, slice_str(name));
    put_number(text, v);
}

static void put_key_line(struct bytes *text, const struct rdb_load_key *s)
{
    put_number(text, (int64_t)s->db);
    put(text, " ", 1);
    put_slice(text, s->key);
    if (s->type != RDB_TYPE_STRING) {
        put(text, " of type ", 9);
        put_number(text, s->type);
    }
    put(text, s->is_integer ? "=#" : "=", s->is_integer ? 2 : 1);
    if (s->is_integer)
        put_number(text, s->integer);
    else
        put_slice(text, s->bytes);
    put_attribute(text, " expire ", s->expire_ms);
    put_attribute(text, " idle ", s->idle_s);
    put_attribute(text, " frequency ", s->frequency);
}

static const char *on_key(void *ctx, const struct rdb_load_key *s)
{
    struct outcome *o = ctx;
    put_key_line(&o->text, s);
    return refusal(o, "key");
}

static const char *on_function(void *ctx, struct slice library)
{
    struct outcome *o = ctx;
    put(&o->text, "function ", 9);
    put_slice(&o->text, library);
    return refusal(o, "function");
}

static const struct rdb_load_handlers handlers = {on_aux, on_select_db, on_resize_db, on_key, on_function};

/* Loads a file in windows of `piece` bytes (0: of random sizes by r). Each window is memory of its own, so that a
 * sanitizer sees a read past its end, or of one that is gone. */
static void load(struct outcome *o, const char *file, size_t len, size_t piece, struct random *r, bool check)
{
    struct rdb_load l;
    rdb_load_init(&l, &handlers, o, check);
    for (size_t at = 0; at < len && l.status == RDB_LOAD_MORE;) {
        size_t n = piece ? piece : 1 + random_below(r, random_below(r, 2) ? 20 : 2000), consumed;
        n = n < len - at ? n : len - at;
        char *window = malloc(n);
        memcpy(window, file + at, n);
        enum rdb_load_status status = rdb_load_feed(&l, slice_of(window, n), &consumed);
        free(window);
        assert_int_equal(status, l.status);
        assert_true(consumed <= n && (consumed == n || status != RDB_LOAD_MORE));
        o->consumed += consumed;
        at += n;
    }
    o->status = rdb_load_finish(&l);
    assert_true(o->status == RDB_LOAD_END || (o->status == RDB_LOAD_FAILED && l.error[0]));
    o->offset = l.offset;
    o->unchecked = l.unchecked;
    strcpy(o->error, l.error);
    rdb_load_deinit(&l);
}

static bool same_outcome(const struct outcome *a, const struct outcome *b)
{
    return a->status == b->status && a->offset == b->offset && strcmp(a->error, b->error) == 0 &&
           a->text.len == b->text.len && (a->text.len == 0 || memcmp(a->text.ptr, b->text.ptr, a->text.len) == 0) &&
           (a->status == RDB_LOAD_FAILED || a->consumed == b->consumed);
}

static void expect_loaded(const struct bytes *file, const char *text)
{
    for (size_t piece = 1; piece <= file->len; piece++) {
        struct outcome o = {0};
        load(&o, file->ptr, file->len, piece, NULL, true);
        assert_string_equal(o.error, "");
        put_byte(&o.text, 0);
        assert_string_equal(o.text.ptr, text);
        assert_int_equal(o.consumed, file->len);
        assert_int_equal(o.offset, file->len);
        free(o.text.ptr);
    }
}

static void expect_error(const char *file, size_t len, const char *refuse, const char *error)
{
    for (size_t piece = 1; piece <= len + 1; piece += len > 300 ? len / 5 : 1) {
        struct outcome o = {.refuse = refuse};
        load(&o, file, len, piece, NULL, true);
        assert_int_equal(o.status, RDB_LOAD_FAILED);
        assert_string_equal(o.error, error);
        free(o.text.ptr);
    }
}

/* One of everything. */
static struct bytes sample(void)
{
    struct bytes f = {0};
    put(&f, "REDIS0012", 9);
    put_byte(&f, RDB_AUX);
    put_text(&f, "redis-ver");
    put_text(&f, "7.4.0");
    put_byte(&f, RDB_AUX);
    put_text(&f, "redis-bits");
    put_integer(&f, 64, RDB_ENCODED_INT8);
    put_byte(&f, RDB_FUNCTION);
    put_text(&f, "#!lua name=one");
    put_byte(&f, RDB_SELECT_DB);
    put_length(&f, 3, 1);
    put_byte(&f, RDB_RESIZE_DB);
    put_length(&f, 70, 1);
    put_length(&f, 20000, 1);
    put_byte(&f, RDB_SLOT_INFO);
    put_length(&f, 16383, 1);
    put_length(&f, 1, 5);
    put_length(&f, 0, 9);
    put_byte(&f, RDB_TYPE_STRING);
    put_text(&f, "plain");
    put_text(&f, "");
    put_byte(&f, RDB_EXPIRE_MS);
    put_little_endian(&f, 1893456000123, 8);
    put_byte(&f, RDB_IDLE);
    put_length(&f, 3600, 1);
    put_byte(&f, RDB_FREQUENCY);
    put_byte(&f, 255);
    put_byte(&f, RDB_TYPE_STRING);
    put_integer(&f, -300, RDB_ENCODED_INT16);
    put_integer(&f, -2, RDB_ENCODED_INT8);
    put_byte(&f, RDB_TYPE_STRING);
    put_compressed(&f, slice_str("kkkkkkkkkkkkkkkkkkkk"), 1);
    put_integer(&f, INT32_MIN, RDB_ENCODED_INT32);
    put_byte(&f, RDB_SELECT_DB);
    put_length(&f, 5, 9);
    put_byte(&f, RDB_TYPE_STRING);
    put_string(&f, slice_str("long forms"), 9);
    put_compressed(&f, slice_str("vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"), 5);
    put_end(&f);
    return f;
}

static const char SAMPLE_TEXT[] =
    "aux redis-ver=7.4.0\naux redis-bits=64\nfunction #!lua name=one\ndb 3\nsize 70 20000\n3 plain=\n"
    "3 -300=#-2 expire 1893456000123 idle 3600 frequency 255\n3 kkkkkkkkkkkkkkkkkkkk=#-2147483648\ndb 5\n"
    "5 long forms=vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv\n";

static void test_sample(void **state)
{
    struct bytes f = sample();
    expect_loaded(&f, SAMPLE_TEXT);
    free(f.ptr);
}

/* Up to version 4 there is no checksum; expiries were in seconds, and a file without keys has no SELECT. */
static void test_old_versions(void **state)
{
    static const char text[] =
        "REDIS0001\xfe\x01\xfd\x10\x27\x00\x00\x00\x01k\x01v\xfd\xff\xff\xff\xff\x00\x01l\x01w\xff";
    struct bytes f = {0};
    put(&f, text, sizeof text - 1);
    expect_loaded(&f, "db 1\n1 k=v expire 10000000\n1 l=w expire -1000\n");
    f.len = 0;
    put(&f, "REDIS0004\xff", 10);
    expect_loaded(&f, "");
    free(f.ptr);
}

static void test_checksum(void **state)
{
    struct bytes f = sample();
    struct outcome o = {0};
    load(&o, f.ptr, f.len, 7, NULL, true);
    assert_false(o.unchecked);
    f.ptr[f.len - 1] ^= 1;
    char error[200];
    uint64_t computed = crc64(0, f.ptr, f.len - 8), stored;
    memcpy(&stored, f.ptr + f.len - 8, 8);
    snprintf(error, sizeof error, "offset %zu: the checksum is %016llx, that of the %zu bytes before it is %016llx",
             f.len - 8, (unsigned long long)stored, f.len - 8, (unsigned long long)computed);
    expect_error(f.ptr, f.len, NULL, error);
    struct outcome unasked = {0};
    load(&unasked, f.ptr, f.len, 7, NULL, false);
    assert_int_equal(unasked.status, RDB_LOAD_END);
    assert_true(unasked.unchecked);
    memset(f.ptr + f.len - 8, 0, 8);
    struct outcome disabled = {0};
    load(&disabled, f.ptr, f.len, 7, NULL, true);
    assert_int_equal(disabled.status, RDB_LOAD_END);
    assert_true(disabled.unchecked);
    free(o.text.ptr);
    free(unasked.text.ptr);
    free(disabled.text.ptr);
    free(f.ptr);
}

/* An append-only file may begin with an RDB: what follows is left to the caller. */
static void test_what_follows(void **state)
{
    struct bytes f = sample();
    size_t len = f.len;
    put(&f, "*1\r\n$4\r\nPING\r\n", 14);
    for (size_t piece = 1; piece <= f.len; piece++) {
        struct outcome o = {0};
        load(&o, f.ptr, f.len, piece, NULL, true);
        assert_int_equal(o.status, RDB_LOAD_END);
        assert_int_equal(o.consumed, len);
        free(o.text.ptr);
    }
    free(f.ptr);
}

static void test_truncated(void **state)
{
    struct bytes f = sample();
    for (size_t len = 0; len < f.len; len++) {
        struct outcome o = {0};
        load(&o, f.ptr, len, len + 1, NULL, true);
        char error[60];
        snprintf(error, sizeof error, "offset %zu: the file ends here, ", len);
        assert_memory_equal(o.error, error, strlen(error));
        assert_true(o.text.len < sizeof SAMPLE_TEXT);
        assert_memory_equal(o.text.len ? o.text.ptr : "", SAMPLE_TEXT, o.text.len);
        free(o.text.ptr);
    }
    expect_error("REDIS0012\xfe", 10, NULL,
                 "offset 10: the file ends here, at least 1 bytes before the end of what begins at offset 9");
    expect_error("REDIS0012\xfe\x01", 11, NULL, "offset 11: the file ends here, without the mark of its end");
    free(f.ptr);
}

#define ERROR(file, error) expect_error("REDIS0012" file, sizeof file - 1 + 9, NULL, error)

static void test_errors(void **state)
{
    expect_error("REDIS0013\xff", 10, NULL, "offset 0: RDB version 13; only those up to 12 (Redis 7.4) can be loaded");
    expect_error("REDIS0000\xff", 10, NULL, "offset 0: this is no RDB file");
    expect_error("REDIS00:1\xff", 10, NULL, "offset 0: this is no RDB file");
    expect_error("*2\r\n$6\r\nSELECT\r\n", 16, NULL, "offset 0: this is no RDB file");
    ERROR("\xfe\x00\x06\3abc", "offset 11: key \"abc\": a module value (before its release), type 6, can't be loaded");
    ERROR("\x06\x05\"\\ \x01\xff", "offset 9: key \"\\x22\\x5c \\x01\\xff\": a module value (before its release), type "
                                   "6, can't be loaded");
    ERROR("\x12\x01k\x02\x01\xc4", "offset 14: a string with the unknown encoding 4");
    ERROR("\x03\x01k\x01\x01v\x03", "offset 16: the file ends here, at least 3 bytes before the end of what begins at "
                                    "offset 9");
    ERROR("\x07\x01k\x81\x45\xe2\x52\x38\xdf\x91\x2c\x03", "offset 9: key \"k\": a module value, type 7, of the module "
                                                           "type ReJSON-RL (version 3), which can't be loaded");
    ERROR("\xf7\x81\x00\x00\x00\x00\x00\x00\x00\x01", "offset 9: auxiliary data of the module type AAAAAAAAA (version "
                                                      "1), which can't be loaded");
    ERROR("\xf6", "offset 9: a function library as only release candidates of Redis 7.0 wrote them");
    ERROR("\x08", "offset 9: 8 is neither a type of values nor a mark");
    ERROR("\x1a", "offset 9: 26 is neither a type of values nor a mark");
    ERROR("\xf3", "offset 9: 243 is neither a type of values nor a mark");
    ERROR("\xfe\xc0", "offset 10: an encoded string where a length must be");
    ERROR("\x00\x01k\x82", "offset 12: no length begins with the byte 0x82");
    ERROR("\x00\xc4", "offset 10: a string with the unknown encoding 4");
    ERROR("\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff", "offset 10: a string of 18446744073709551615 bytes");
    ERROR("\x00\x81\x00\x00\xff\xff\xff\xff\xff\xff???", "offset 22: the file ends here, at least 281474976710652 "
                                                         "bytes before the end of what begins at offset 9");
    ERROR("\xf8\x81\xff\xff\xff\xff\xff\xff\xff\xff", "offset 9: a key unused for 18446744073709551615 seconds");
    ERROR("\x00\xc3\x81\xff\xff\xff\xff\xff\xff\xff\xff", "offset 11: a string of 18446744073709551615 bytes");
    ERROR("\x00\xc3\x01\x81\x00\x00\x00\x01\x00\x00\x00\x00", "offset 11: a compressed string of more than 4 GB");
    ERROR("\x00\xc3\x01\x40\x59", "offset 11: a compressed string of 89 bytes in 1");
    ERROR("\x00\xc3\x00\x05", "offset 11: a compressed string of 5 bytes in 0");
    ERROR("\x00\xc3\x02\x00", "offset 11: a compressed string of 0 bytes in 2");
    ERROR("\x00\xc3\x03\x05\1??", "offset 11: a compressed string of 5 bytes is damaged");
    ERROR("\x00\xc3\x02\x08\xe0\x00", "offset 11: a compressed string of 8 bytes is damaged");
}

static void test_refused(void **state)
{
    struct bytes f = sample();
    expect_error(f.ptr, f.len, "aux", "offset 9: an auxiliary field: not wanted");
    expect_error(f.ptr, f.len, "function", "offset 40: a function library: not wanted");
    expect_error(f.ptr, f.len, "db", "offset 56: the selection of a database: not wanted");
    expect_error(f.ptr, f.len, "size", "offset 58: the size of a database: not wanted");
    expect_error(f.ptr, f.len, "key", "offset 83: key \"plain\": not wanted");
    free(f.ptr);
    struct bytes long_key = {0};
    put(&long_key, "REDIS0012\x00\x42\x00", 12);
    for (int i = 0; i < 512; i++)
        put_byte(&long_key, 1);
    put_text(&long_key, "v");
    char error[400] = "offset 9: key \"";
    for (int i = 0; i < 64; i++)
        strcat(error, "\\x01");
    expect_error(long_key.ptr, long_key.len, "key", strcat(error, "...\": not wanted"));
    free(long_key.ptr);
}

/* Lengths that nothing has arrived for take no memory. */
static void test_memory(void **state)
{
    static const char *const announced[] = {"\x80\x7f\xff\xff\xff", "\xc3\x80\x7f\xff\xff\xff\x80\xff\xff\xff\xff"};
    static const size_t lengths[] = {5, 11};
    for (int i = 0; i < 2; i++) {
        struct bytes f = {0};
        put(&f, "REDIS0011\x00", 10);
        put(&f, announced[i], lengths[i]);
        for (int k = 0; k < 100000; k++)
            put_byte(&f, 'x');
        struct mem_account account = {0};
        struct outcome o = {0};
        struct rdb_load l;
        mem_count_thread(&account);
        rdb_load_init(&l, &handlers, &o, true);
        for (size_t at = 0; at < f.len; at += 100) {
            size_t consumed, n = f.len - at < 100 ? f.len - at : 100;
            assert_int_equal(rdb_load_feed(&l, slice_of(f.ptr + at, n), &consumed), RDB_LOAD_MORE);
            assert_true(mem_used(&account) <= (int64_t)(at + n) * 5 / 2 + 100);
        }
        rdb_load_deinit(&l);
        assert_int_equal(mem_used(&account), 0);
        mem_count_thread(NULL);
        free(f.ptr);
    }
}

static struct slice random_string(struct random *r, char *dst, size_t cap)
{
    size_t len = random_below(r, random_below(r, 4) ? 30 : cap);
    unsigned alphabet = random_below(r, 2) ? 256 : 2;
    for (size_t i = 0; i < len; i++)
        dst[i] = (char)random_below(r, alphabet);
    return slice_of(dst, len);
}

static int random_form(struct random *r) { return (int[]){1, 1, 2, 5, 9}[random_below(r, 5)]; }

static void put_random_string(struct random *r, struct bytes *f)
{
    char text[300];
    struct slice s = random_string(r, text, sizeof text);
    if (random_below(r, 3) == 0)
        put_integer(f, (int64_t)random_below(r, 100), RDB_ENCODED_INT8);
    else if (random_below(r, 2) || !put_compressed(f, s, random_form(r)))
        put_string(f, s, random_form(r));
}

static void put_random_lengths(struct random *r, struct bytes *f, int n)
{
    while (n-- > 0)
        put_length(f, random_u64(r) >> random_below(r, 64), random_form(r));
}

static uint64_t put_random_count(struct random *r, struct bytes *f)
{
    uint64_t n = random_below(r, 5);
    put_length(f, n, random_form(r));
    return n;
}

/* Of version 3; what it says need not make sense. */
static void put_random_stream(struct random *r, struct bytes *f)
{
    for (uint64_t n = 2 * put_random_count(r, f); n > 0; n--)
        put_random_string(r, f);
    put_random_lengths(r, f, 8);
    for (uint64_t groups = put_random_count(r, f); groups > 0; groups--) {
        put_random_string(r, f);
        put_random_lengths(r, f, 3);
        for (uint64_t n = put_random_count(r, f); n > 0; n--) {
            put(f, "IIIIIIIIIIIIIIIItttttttt", 24);
            put_random_lengths(r, f, 1);
        }
        for (uint64_t consumers = put_random_count(r, f); consumers > 0; consumers--) {
            put_random_string(r, f);
            put(f, "ssssssssaaaaaaaa", 16);
            for (uint64_t n = put_random_count(r, f); n > 0; n--)
                put(f, "IIIIIIIIIIIIIIII", 16);
        }
    }
}

static void put_random_score(struct random *r, struct bytes *f)
{
    if (random_below(r, 4) == 0) {
        put_byte(f, RDB_DOUBLE_NAN + (unsigned)random_below(r, 3));
        return;
    }
    put_byte(f, 3);
    put(f, "1.5", 3);
}

/* Some value of another type than string. */
static uint8_t put_random_value(struct random *r, struct bytes *f)
{
    static const uint8_t types[] = {RDB_TYPE_SET,
                                    RDB_TYPE_ZSET,
                                    RDB_TYPE_HASH,
                                    RDB_TYPE_ZSET_2,
                                    RDB_TYPE_STREAM_3,
                                    RDB_TYPE_HASH_TIMED,
                                    RDB_TYPE_LIST_QUICKLIST_2,
                                    RDB_TYPE_HASH_LISTPACK};
    uint8_t type = types[random_below(r, sizeof types)];
    if (type == RDB_TYPE_STREAM_3) {
        put_random_stream(r, f);
        return type;
    }
    if (type == RDB_TYPE_HASH_LISTPACK) {
        put_random_string(r, f);
        return type;
    }
    if (type == RDB_TYPE_HASH_TIMED)
        put(f, "deadline", 8);
    for (uint64_t n = put_random_count(r, f); n > 0; n--) {
        if (type == RDB_TYPE_HASH_TIMED || type == RDB_TYPE_LIST_QUICKLIST_2)
            put_random_lengths(r, f, 1);
        put_random_string(r, f);
        if (type == RDB_TYPE_ZSET)
            put_random_score(r, f);
        else if (type == RDB_TYPE_ZSET_2)
            put(f, "8 bytes!", 8);
        else if (type == RDB_TYPE_HASH || type == RDB_TYPE_HASH_TIMED)
            put_random_string(r, f);
    }
    return type;
}

/* Writes a random key to the file, and what is to be handed out for it to text. */
static void put_random_key(struct random *r, struct bytes *file, struct bytes *text, uint64_t db)
{
    char key[3000], value[20000];
    struct rdb_load_key s = {.db = db, .expire_ms = RDB_LOAD_NONE, .idle_s = RDB_LOAD_NONE, .frequency = RDB_LOAD_NONE};
    if (random_below(r, 3) == 0) {
        s.expire_ms = (int64_t)(random_u64(r) >> random_below(r, 60) >> 1);
        put_byte(file, RDB_EXPIRE_MS);
        put_little_endian(file, (uint64_t)s.expire_ms, 8);
    }
    if (random_below(r, 3) == 0) {
        s.idle_s = (int64_t)random_below(r, 100000);
        put_byte(file, RDB_IDLE);
        put_length(file, (uint64_t)s.idle_s, random_form(r));
    } else if (random_below(r, 3) == 0) {
        s.frequency = (int)random_below(r, 256);
        put_byte(file, RDB_FREQUENCY);
        put_byte(file, (unsigned)s.frequency);
    }
    size_t type_at = file->len;
    put_byte(file, RDB_TYPE_STRING);
    s.key = random_string(r, key, sizeof key);
    if (random_below(r, 2) || !put_compressed(file, s.key, random_form(r)))
        put_string(file, s.key, random_form(r));
    s.bytes = random_string(r, value, sizeof value);
    bool is_string = random_below(r, 2);
    s.is_integer = is_string && random_below(r, 4) == 0;
    if (!is_string) {
        size_t begin = file->len;
        s.type = put_random_value(r, file);
        file->ptr[type_at] = (char)s.type;
        s.bytes = slice_of(file->ptr + begin, file->len - begin);
    } else if (s.is_integer) {
        enum rdb_encoding encoding = (enum rdb_encoding)random_below(r, 3);
        s.integer = (int64_t)random_u64(r) >> (64 - (8 << encoding));
        put_integer(file, s.integer, encoding);
    } else if (random_below(r, 2) || !put_compressed(file, s.bytes, random_form(r))) {
        put_string(file, s.bytes, random_form(r));
    }
    put_key_line(text, &s);
    put(text, "\n", 1);
}

static struct bytes random_file(struct random *r, struct bytes *text)
{
    struct bytes f = {0};
    put(&f, "REDIS0009", 9);
    for (uint64_t keys = random_below(r, 12), db = 0; keys > 0; keys--) {
        if (random_below(r, 5) == 0) {
            db = random_below(r, 100);
            put_byte(&f, RDB_SELECT_DB);
            put_length(&f, db, random_form(r));
            put(text, "db ", 3);
            put_number(text, (int64_t)db);
            put(text, "\n", 1);
        }
        put_random_key(r, &f, text, db);
    }
    put_end(&f);
    return f;
}

static void test_random(void **state)
{
    struct random r;
    for (long i = random_cases(&r, 2000); i > 0; i--) {
        struct outcome o = {0}, expected = {.status = RDB_LOAD_END};
        struct bytes f = random_file(&r, &expected.text);
        expected.consumed = expected.offset = f.len;
        load(&o, f.ptr, f.len, random_below(&r, 2) ? f.len : 0, &r, true);
        assert_true(same_outcome(&o, &expected));
        free(o.text.ptr);
        free(expected.text.ptr);
        free(f.ptr);
    }
}

static void mutate(struct random *r, struct bytes *f)
{
    struct bytes copy = {0};
    size_t at = random_below(r, f->len), n = 1 + random_below(r, 8);
    n = n < f->len - at ? n : f->len - at;
    switch (random_below(r, 4)) {
    case 0:
        f->ptr[at] ^= (char)(1 << random_below(r, 8));
        break;
    case 1:
        f->ptr[at] = (char)random_u64(r);
        break;
    case 2: /* some bytes go */
        memmove(f->ptr + at, f->ptr + at + n, f->len - at - n);
        f->len -= n;
        break;
    default: /* some come twice */
        put(&copy, f->ptr + at, f->len - at);
        f->len = at + n;
        put(f, copy.ptr, copy.len);
        free(copy.ptr);
    }
}

/* A damaged file gives an error or, if nobody looks at the checksum, perhaps other data; the same in all pieces. */
static void test_mutations(void **state)
{
    struct random r;
    for (long i = random_cases(&r, 10000); i > 0; i--) {
        struct outcome whole = {0}, pieces = {0}, checked = {0};
        struct bytes before = {0}, f = random_below(&r, 4) ? sample() : random_file(&r, &before);
        uint64_t sum = crc64(0, f.ptr, f.len);
        size_t len = f.len;
        for (uint64_t n = 1 + random_below(&r, 3); n > 0 && f.len > 0; n--)
            mutate(&r, &f);
        if (f.len > 0) {
            load(&whole, f.ptr, f.len, f.len, NULL, false);
            load(&pieces, f.ptr, f.len, 0, &r, false);
            assert_true(same_outcome(&whole, &pieces));
            load(&checked, f.ptr, f.len, 0, &r, true);
            if (f.len == len && crc64(0, f.ptr, f.len) != sum && memcmp(f.ptr + 5, "000", 3) != 0)
                assert_true(checked.status == RDB_LOAD_FAILED || checked.unchecked || checked.consumed < f.len);
        }
        free(whole.text.ptr);
        free(pieces.text.ptr);
        free(checked.text.ptr);
        free(before.ptr);
        free(f.ptr);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),       cmocka_unit_test(test_old_versions), cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_what_follows), cmocka_unit_test(test_truncated),    cmocka_unit_test(test_errors),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_memory),       cmocka_unit_test(test_random),
        cmocka_unit_test(test_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
