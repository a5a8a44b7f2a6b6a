/* The bytes of an append-only file: files of random batches, lines and commands read back item by item, every cut and
 * every changed byte of them, and what Redis leaves of a batch that it cut and went on from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "persist/aof_format.h"
#include "src/base/mem.h"
#include "tests/unit/random_cases.h"

enum { FILE_BYTES_MAX = 64 * 1024, ITEMS_MAX = 64, WORD_BYTES_MAX = 40 };

/* A file with where its items are: those of batches are one item here. */
struct file {
    char bytes[FILE_BYTES_MAX];
    size_t len;
    size_t ends[ITEMS_MAX];              /* of each line and each batch */
    enum aof_item_kind kinds[ITEMS_MAX]; /* AOF_COMMAND: a batch */
    size_t n;
    struct aof_header header; /* of the last batch */
    size_t header_end;
};

static void put(struct file *f, const char *text)
{
    memcpy(f->bytes + f->len, text, strlen(text));
    f->len += strlen(text);
}

static void put_argument(struct file *f, struct slice s)
{
    f->len += (size_t)sprintf(f->bytes + f->len, "$%zu\r\n", s.len);
    memcpy(f->bytes + f->len, s.ptr, s.len);
    f->len += s.len;
    put(f, "\r\n");
}

static void put_words(struct file *f, uint32_t argc, const char *const *words)
{
    f->len += (size_t)sprintf(f->bytes + f->len, "*%u\r\n", argc);
    for (uint32_t i = 0; i < argc; i++)
        put_argument(f, slice_str(words[i]));
}

static void end_item(struct file *f, enum aof_item_kind kind)
{
    f->kinds[f->n] = kind;
    f->ends[f->n++] = f->len;
}

static void put_random_command(struct file *f, struct random *r)
{
    uint32_t argc = 1 + (uint32_t)random_below(r, 4);
    f->len += (size_t)sprintf(f->bytes + f->len, "*%u\r\n", argc);
    for (uint32_t i = 0; i < argc; i++) {
        char word[WORD_BYTES_MAX];
        size_t n = i ? random_below(r, WORD_BYTES_MAX) : 3;
        for (size_t k = 0; k < n; k++)
            word[k] = i ? (char)random_below(r, 256) : "SET"[k];
        put_argument(f, slice_of(word, n));
    }
}

static void put_batch(struct file *f, struct random *r, uint64_t sequence)
{
    static struct file effects;
    char batch[FILE_BYTES_MAX];
    effects.len = 0;
    put_words(&effects, 2, (const char *[]){"select", "3"});
    for (uint64_t i = random_below(r, 4); i < 4; i++)
        put_random_command(&effects, r);
    size_t len = aof_write_batch(batch, slice_of(effects.bytes, effects.len), random_below(r, 2));
    f->header = (struct aof_header){.sequence = sequence,
                                    .shard = (uint32_t)random_below(r, 1024),
                                    .length = len,
                                    .synced = random_u64(r) >> random_below(r, 64),
                                    .sum = aof_batch_sum(slice_of(batch, len))};
    f->len += aof_write_header(f->bytes + f->len, &f->header);
    f->header_end = f->len;
    end_item(f, AOF_HEADER);
    memcpy(f->bytes + f->len, batch, len);
    f->len += len;
    end_item(f, AOF_COMMAND);
}

static void make_file(struct file *f, struct random *r)
{
    f->len = f->n = 0;
    struct aof_file_line line = {AOF_VERSION, random_u64(r), random_u64(r)};
    f->len += aof_write_file_line(f->bytes, &line);
    end_item(f, AOF_FILE_LINE);
    for (uint64_t i = 0, n = 1 + random_below(r, 8); i < n; i++) {
        if (random_below(r, 3) == 0) {
            f->len += aof_write_timestamp(f->bytes + f->len, (int64_t)random_below(r, 1u << 31));
            end_item(f, AOF_TIMESTAMP);
        }
        if (random_below(r, 4) == 0) {
            put(f, "# a line of somebody else\n");
            end_item(f, AOF_FOREIGN);
        }
        put_batch(f, r, i);
    }
}

/* Reads bytes as a loader does, with growing windows; returns how far the file is good, and sets *stop to why not on.
 */
static size_t read_file(struct slice bytes, enum aof_item_kind *stop, size_t *items)
{
    struct arg_arena args = {0};
    struct aof_item item;
    size_t at = 0;
    *stop = AOF_COMMAND;
    for (*items = 0; at < bytes.len;) {
        struct slice left = slice_of(bytes.ptr + at, bytes.len - at);
        size_t window = 1;
        do {
            args.n = 0;
            *stop = aof_next(slice_of(left.ptr, window), window == left.len, &args, &item);
            if (*stop != AOF_SHORT || window == left.len)
                break;
            assert_true(item.len > window);
            window = item.len < left.len ? item.len : left.len;
        } while (true);
        if (*stop == AOF_SHORT || *stop == AOF_GARBAGE)
            break;
        if (*stop == AOF_HEADER) {
            struct slice rest = slice_of(left.ptr + item.len, left.len - item.len);
            if (aof_batch_fault(&item.header, rest, &args))
                break;
            item.len += item.header.length;
            ++*items;
        }
        at += item.len;
        ++*items;
    }
    mem_free(NULL, args.v);
    return at;
}

/* The end of the last item, a header with its batch, that ends at or before cut. */
static size_t whole_up_to(const struct file *f, size_t cut)
{
    size_t end = 0;
    for (size_t i = 0; i < f->n && f->ends[i] <= cut; i++)
        end = f->kinds[i] == AOF_HEADER ? end : f->ends[i];
    return end;
}

static struct file file, other;

static void test_round_trip_and_cuts(void **state)
{
    struct random r;
    enum aof_item_kind stop;
    size_t items;
    for (long n = random_cases(&r, 300); n-- > 0;) {
        make_file(&file, &r);
        assert_int_equal(read_file(slice_of(file.bytes, file.len), &stop, &items), file.len);
        assert_int_equal(items, file.n);
        for (size_t cut = 1; cut < file.len; cut++)
            assert_int_equal(read_file(slice_of(file.bytes, cut), &stop, &items), whole_up_to(&file, cut));
    }
}

/* Whether every other byte at this place of the file is seen to be wrong: not in a timestamp or a line of others; nor
 * where one of our lines is changed to one of others, which leaves its batch as commands without a header. */
static bool is_covered(const struct file *f, size_t at, size_t i)
{
    size_t begin = i ? f->ends[i - 1] : 0;
    bool line = f->kinds[i] == AOF_HEADER || f->kinds[i] == AOF_FILE_LINE;
    return f->kinds[i] == AOF_COMMAND || (line && at >= begin + strlen("#SKUA:") && at + 1 < f->ends[i]);
}

static void test_changed_bytes(void **state)
{
    struct random r;
    enum aof_item_kind stop;
    size_t items;
    for (long n = random_cases(&r, 10000), k = 0; k < n; k++) {
        if (k % 100 == 0)
            make_file(&file, &r);
        size_t at = random_below(&r, file.len), i = 0;
        char was = file.bytes[at];
        while (file.ends[i] <= at)
            i++;
        file.bytes[at] ^= (char)(1 + random_below(&r, 255));
        size_t good = read_file(slice_of(file.bytes, file.len), &stop, &items);
        if (is_covered(&file, at, i))
            assert_int_equal(good, whole_up_to(&file, at));
        file.bytes[at] = was;
    }
}

/* Where commands end in the last batch, from its beginning. */
static size_t command_ends(const struct file *f, size_t *ends)
{
    struct arg_arena args = {0};
    struct aof_item item;
    size_t n = 0, at = 0;
    for (ends[n++] = 0; at < f->header.length; ends[n++] = at) {
        args.n = 0;
        assert_int_equal(aof_next(slice_of(f->bytes + f->header_end + at, f->header.length - at), true, &args, &item),
                         AOF_COMMAND);
        at += item.len;
    }
    mem_free(NULL, args.v);
    return n;
}

/* What Redis appends first; both forms with and without a timestamp. */
static void put_redis(struct file *f, struct random *r)
{
    uint64_t how = random_below(r, 4);
    if (how & 1)
        f->len += aof_write_timestamp(f->bytes + f->len, 1700000000);
    if (how & 2)
        put_words(f, 1, (const char *[]){"MULTI"});
    put_words(f, 2, (const char *[]){"SELECT", "0"});
    put_words(f, 3, (const char *[]){"SET", "a", "1"});
    if (how & 2)
        put_words(f, 1, (const char *[]){"EXEC"});
}

static void test_redis_went_on(void **state)
{
    struct random r;
    struct arg_arena args = {0};
    size_t ends[ITEMS_MAX], offset = 0;
    for (long n = random_cases(&r, 2000); n-- > 0;) {
        make_file(&file, &r);
        size_t count = command_ends(&file, ends);
        other.len = file.header_end + ends[random_below(&r, count - 1)];
        memcpy(other.bytes, file.bytes, other.len);
        struct slice rest = slice_of(other.bytes + file.header_end, other.len - file.header_end);
        assert_int_equal(aof_redis_continued(&file.header, rest, true, &args, &offset), AOF_NOT_CONTINUED);
        size_t left = rest.len;
        bool transaction = left > 1 && rest.ptr[1] == '1'; /* *1: multi */
        put_redis(&other, &r);
        rest.len = other.len - file.header_end;
        assert_int_equal(aof_redis_continued(&file.header, rest, true, &args, &offset), AOF_CONTINUED);
        assert_int_equal(offset, transaction ? left : 0);
        assert_non_null(aof_batch_fault(&file.header, rest, &args));
        for (size_t shown = 0; shown < rest.len; shown = offset) { /* in pieces: asks for more until it knows */
            enum aof_continued said =
                aof_redis_continued(&file.header, slice_of(rest.ptr, shown), false, &args, &offset);
            if (said == AOF_CONTINUED)
                break;
            assert_int_equal(said, AOF_CONTINUED_SHORT);
            assert_true(offset > shown && offset <= rest.len + 1);
        }
        /* A batch of ours with a wrong byte is none that Redis went on from, and Redis's SELECT behind it changes that
         * not. */
        memcpy(other.bytes, file.bytes, file.len);
        other.len = file.len;
        put_redis(&other, &r);
        rest.len = other.len - file.header_end;
        assert_int_equal(aof_redis_continued(&file.header, rest, true, &args, &offset), AOF_NOT_CONTINUED);
    }
    mem_free(NULL, args.v);
}

/* Redis appends to a line that a crash tore: at every length of the piece the command is found, also after mending. */
static void test_torn_lines(void **state)
{
    struct random r;
    struct arg_arena args = {0};
    struct aof_item item;
    for (long n = random_cases(&r, 200); n-- > 0;) {
        make_file(&file, &r);
        for (size_t cut = 1; cut < file.ends[0]; cut++) {
            other.len = cut;
            memcpy(other.bytes, file.bytes, cut);
            put_redis(&other, &r);
            struct slice all = slice_of(other.bytes, other.len);
            assert_int_equal(aof_next(all, false, &args, &item), AOF_TORN);
            assert_int_equal(item.len, cut);
            bool command = other.bytes[cut] == '*';
            aof_mend_torn(other.bytes, cut);
            args.n = 0;
            enum aof_item_kind kind = aof_next(all, false, &args, &item);
            if (!command) {
                assert_int_equal(kind, AOF_TORN);
            } else if (cut == 1) {
                assert_int_equal(kind, AOF_COMMAND);
            } else {
                assert_int_equal(kind, AOF_FOREIGN);
                assert_int_equal(item.len, cut);
            }
            args.n = 0;
        }
    }
    mem_free(NULL, args.v);
}

static void test_spellings(void **state)
{
    static const struct {
        const char *text;
        enum aof_item_kind kind;
    } cases[] = {
        {"#TS:1700000000\r\n", AOF_TIMESTAMP},
        {"#TS:1700000000\n", AOF_FOREIGN},
        {"#TS:017\r\n", AOF_FOREIGN},
        {"#TS:-5\r\n", AOF_TIMESTAMP},
        {"#\n", AOF_FOREIGN},
        {"#a*2\r\n", AOF_FOREIGN}, /* nothing behind it that would be an argument */
        {"#a*2\r\n$1\r\n", AOF_TORN},
        {"#*2\r\n$1\r\n", AOF_TORN},
        {"#SKUA:B 1\r*2\r\n$1\r\n", AOF_TORN},
        {"#SKUA:B 1\rx*2\r\n$1\r\n", AOF_GARBAGE},
        {"#SKUA:B 1 2 3\r\n", AOF_GARBAGE},
        {"#SKUA:X\r\n", AOF_GARBAGE},
        {"#SKUA:B 1 2 3", AOF_SHORT},
        {"*1\r\n$4\r\nPING\r\n", AOF_COMMAND},
        {"*01\r\n$04\r\nPING\r\n", AOF_COMMAND},
        {"*1\r\n$0\r\n\r\n", AOF_COMMAND},
        {"*1\r\n$4\r\nPING\rx", AOF_GARBAGE},
        {"*0\r\n", AOF_GARBAGE},
        {"*-1\r\n", AOF_GARBAGE},
        {"*1\n", AOF_GARBAGE},
        {"*1\r\n$-1\r\n", AOF_GARBAGE},
        {"*1\r\n+OK\r\n", AOF_GARBAGE},
        {"*9999999999\r\n", AOF_GARBAGE},
        {"*1\r\n$999999999999999999\r\n", AOF_SHORT},
        {"*1\r\n$9999999999999999999\r\n", AOF_GARBAGE},
        {"PING\r\n", AOF_GARBAGE},
        {"REDIS0010", AOF_GARBAGE},
        {"*", AOF_SHORT},
    };
    struct arg_arena args = {0};
    struct aof_item item;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        args.n = 0;
        enum aof_item_kind kind = aof_next(slice_str(cases[i].text), true, &args, &item);
        if (kind != cases[i].kind)
            fail_msg("%s: %d", cases[i].text, kind);
    }
    assert_int_equal(aof_next(slice_of("\0\0\0", 3), true, &args, &item), AOF_GARBAGE);
    assert_int_equal(aof_next(slice_of("#TS:\0\0\n", 7), true, &args, &item), AOF_GARBAGE);
    mem_free(NULL, args.v);
}

/* The longest line fits what Redis reads at once, and its room. */
static void test_longest_lines(void **state)
{
    char line[AOF_LINE_BYTES_MAX];
    struct aof_header header = {UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT32_MAX};
    struct aof_file_line first = {UINT32_MAX, UINT64_MAX, UINT64_MAX};
    struct arg_arena args = {0};
    struct aof_item item;
    size_t len = aof_write_header(line, &header);
    assert_true(len <= sizeof line);
    assert_int_equal(aof_next(slice_of(line, len), true, &args, &item), AOF_HEADER);
    assert_memory_equal(&item.header.sequence, &header.sequence, sizeof header.sequence);
    len = aof_write_file_line(line, &first);
    assert_true(len <= sizeof line);
    assert_int_equal(aof_next(slice_of(line, len), true, &args, &item), AOF_FILE_LINE);
    char annotation[AOF_ANNOTATION_BYTES_MAX + 1];
    memset(annotation, '#', sizeof annotation);
    annotation[sizeof annotation - 2] = '\n';
    assert_int_equal(aof_next(slice_of(annotation, sizeof annotation - 1), true, &args, &item), AOF_FOREIGN);
    annotation[sizeof annotation - 2] = '#';
    annotation[sizeof annotation - 1] = '\n';
    assert_int_equal(aof_next(slice_of(annotation, sizeof annotation), true, &args, &item), AOF_GARBAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings),           cmocka_unit_test(test_longest_lines),
        cmocka_unit_test(test_round_trip_and_cuts), cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_redis_went_on),       cmocka_unit_test(test_torn_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
