/* Loading an append-only file: each rule as a case, written down as a line of letters that a file is made of; and files
 * of random batches, crashed or changed at random, of which what is loaded is always a prefix of batches. */
#include "persist/aof_load.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "persist/aof_format.h"
#include "src/base/mem.h"
#include "tests/unit/aof_maker.h"
#include "tests/unit/memory_disk.h"
#include "tests/unit/random_cases.h"

enum {
    NUMBERS_MAX = 256,
    PAGE_BYTES = 4096, /* which are lost as a whole: disk.h */
};

/* --- What is loaded --- */

/* A SET of a command is known by its number, which is its key. */
struct loaded {
    uint32_t n, numbers[NUMBERS_MAX];
    uint32_t db, dbs[NUMBERS_MAX];
    unsigned lines, warnings;
    unsigned calls_left; /* of progress, before it says no */
    char log[2048];
};

struct setup {
    struct made made;
    struct slice files[MADE_PARTS_MAX];
    struct aof_load_part names[MADE_PARTS_MAX];
    bool refuses_tail;
    int open_error;
    size_t read_max;
};

static uint32_t number_of(struct slice text)
{
    uint32_t v = 0;
    for (size_t i = 0; i < text.len; i++)
        v = v * 10 + (uint32_t)(text.ptr[i] - '0');
    return v;
}

static void take_number(struct loaded *loaded, uint32_t number, uint32_t db)
{
    assert_true(loaded->n < NUMBERS_MAX);
    loaded->dbs[loaded->n] = db;
    loaded->numbers[loaded->n++] = number;
}

static const char *take_command(void *ctx, uint32_t argc, const struct slice *argv)
{
    struct loaded *loaded = ctx;
    if (slice_is(argv[0], "select")) {
        loaded->db = number_of(argv[1]);
        return NULL;
    }
    if (!slice_eq(argv[0], slice_str("SET")))
        return "Unknown command";
    assert_int_equal(argc, 3);
    take_number(loaded, number_of(argv[1]), loaded->db);
    return NULL;
}

static bool take_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct loaded *loaded = ctx;
    assert_true(done <= total);
    return loaded->calls_left-- > 0;
}

static void take_log(void *ctx, bool warning, const char *line)
{
    struct loaded *loaded = ctx;
    size_t len = strlen(loaded->log);
    assert_null(strchr(line, '\n'));
    snprintf(loaded->log + len, sizeof loaded->log - len, "%s\n", line);
    loaded->warnings += warning;
}

static const char *take_aux(void *ctx, struct slice name, struct slice value) { return NULL; }
static const char *take_number_of_db(void *ctx, uint64_t db) { return NULL; }
static const char *take_sizes(void *ctx, uint64_t keys, uint64_t expires) { return NULL; }
static const char *take_function(void *ctx, struct slice library) { return NULL; }

static const char *take_key(void *ctx, const struct rdb_load_key *key)
{
    take_number(ctx, number_of(key->key), (uint32_t)key->db);
    return NULL;
}

static const struct rdb_load_handlers rdb_handlers = {.aux = take_aux,
                                                      .select_db = take_number_of_db,
                                                      .resize_db = take_sizes,
                                                      .key = take_key,
                                                      .function = take_function};

static const struct aof_load_handlers handlers = {
    .command = take_command, .rdb = &rdb_handlers, .progress = take_progress, .log = take_log};

static int open_part(void *arg, uint32_t part)
{
    const struct setup *setup = arg;
    return setup->open_error ? setup->open_error : (int)part;
}

static enum aof_load_end load(struct setup *setup, struct loaded *loaded, struct aof_load_result *result)
{
    static const char *const names[MADE_PARTS_MAX] = {"one", "two", "three", "four"};
    for (uint32_t i = 0; i < setup->made.nparts; i++) {
        setup->files[i] = slice_of(setup->made.parts[i].bytes, setup->made.parts[i].len);
        setup->names[i] = (struct aof_load_part){names[i], i == 0 && setup->made.first_is_base};
    }
    struct memory_disk disk = memory_disk_of(setup->files, setup->read_max);
    struct aof_load_config config = {.disk = &disk.disk,
                                     .parts = setup->names,
                                     .nparts = setup->made.nparts,
                                     .open = open_part,
                                     .arg = setup,
                                     .truncated = !setup->refuses_tail,
                                     .rdb_checksum = true};
    unsigned calls = loaded->calls_left;
    *loaded = (struct loaded){.calls_left = calls ? calls : 1000000};
    return aof_load(&config, &handlers, loaded, result);
}

/* --- Cases --- */

enum outcome { WHOLE, CUT, REFUSED };

struct example {
    const char *letters;
    enum outcome outcome;
    const char *numbers; /* loaded, one character each */
    const char *says;    /* a part of the error, or of the log */
    bool wants_base;
};

static const struct example examples[] = {
    /* Files that are whole. */
    {"", WHOLE, "", "", false},
    {"|", WHOLE, "", "", false},
    {"f", WHOLE, "", "", false},
    {"fb", WHOLE, "1", "", false},
    {"fbsbatk", WHOLE, "12345", "", false},
    {"fbb|fbk|fk", WHOLE, "12345", "", false},
    {"f|fb", WHOLE, "1", "", false},
    {"fl", WHOLE, "1", "", false},
    {"fblb", WHOLE, "123", "", false},
    {"rcc", WHOLE, "123", "", false},
    {"srcsm", WHOLE, "1234", "", false},
    {"rL", WHOLE, "12", "", false},
    {"mmc", WHOLE, "12345", "", false},
    {"fbr|fb", WHOLE, "123", "", false},
    {"fbm|rc|fk", WHOLE, "123456", "", false},
    {"Brc|fb", WHOLE, "123", "", false},
    {"Bfbb|fb", WHOLE, "123", "", false},
    {"Bfbb|+++fb", WHOLE, "123", "", false}, /* a base counts for itself */
    {"B|fb", WHOLE, "1", "", false},
    {"BD|fb", WHOLE, "12", "", false},
    {"BDrc|fb", WHOLE, "1234", "", false}, /* an RDB with commands behind it */
    {"D", WHOLE, "1", "", false},
    {"re", WHOLE, "1", "", false}, /* Redis takes no notice of it either */
    {"ooe", WHOLE, "1234", "", false},

    /* Tails. */
    {"fbb^b<", CUT, "12", "one: offset ", false},
    {"fb^t<", CUT, "1", "the file ends inside the batch", false},
    {"fb^b[", CUT, "1", "the file ends inside a line", false},
    {"fb^b]", CUT, "1", "the file ends inside the batch", false},
    {"fb^bz", CUT, "1", "the checksum is wrong", false},
    {"fb^0", CUT, "1", "bytes of zero", false},
    {"fb^bzb", CUT, "1", "the checksum is wrong", false},
    {"fb^bx", CUT, "1", "aof-load-truncated is enabled", false},
    {"fb^bXb", CUT, "1", "a damaged annotation line", false},
    {"fbkk^bXb", CUT, "123", "", false},
    {"fb^by", CUT, "1", "", false},
    {"fb^byb", CUT, "1", "", false},
    {"fb^bxb|fb", CUT, "1", "with the 1 later file", false},
    {"fb^bxb|fb|f", CUT, "1", "with the 2 later files", false},
    {"fb^bxb|fb|", CUT, "1", "", false},
    {"fb^b<|Fb", CUT, "1", "", false},
    {"fb^|Fb", CUT, "1", "ends before the next one begins", false}, /* the end of a file was lost */
    {"^f<", CUT, "", "", false},
    {"rc^c<", CUT, "12", "the file ends inside a command", false},
    {"rc^0", CUT, "12", "zero", false},
    {"rc^c<0", CUT, "12", "the file ends inside a command", false},
    {"r^o", CUT, "1", "the file ends inside a transaction", false},
    {"r^m<", CUT, "1", "the file ends inside a transaction", false},
    {"r^m<0", CUT, "1", "the file ends inside a transaction", false},
    {"r^o0", CUT, "1", "the file ends inside a transaction", false},
    {"r^L<", CUT, "1", "", false},
    {"fbrc^c<", CUT, "123", "", false},
    {"fbrc^0", CUT, "123", "", false},
    {"Brc^c<", CUT, "12", "", false}, /* a file of Redis before 7 */
    {"BDr^c<", CUT, "12", "", false},

    /* Redis went on from where a crash had torn. */
    {"fbb[rc", WHOLE, "134", "Redis went on", true},
    {"fbb[sr", WHOLE, "13", "Redis went on", false},
    {"fbb]rc", WHOLE, "134", "Redis went on", true},
    {"fbn(rc", WHOLE, "1245", "is loaded", true},
    {"fbn(sm", WHOLE, "1245", "is loaded", true},
    {"fbt(rc", WHOLE, "145", "is skipped", true},
    {"fbt(m", WHOLE, "145", "is skipped", true},
    {"fbt(rc|fb", WHOLE, "1456", "", true},
    {"fbt(r^c<", CUT, "14", "", true},
    {"fb^b[c<", CUT, "1", "", true},
    {"fbb[r|~fk", WHOLE, "134", "", true}, /* the batch has lost its number with its header */

    /* Corruption. */
    {"fb^bxk", REFUSED, "1", "knows it to have been on disk", false},
    {"fb^bzk", REFUSED, "1", "one: offset ", false},
    {"fb^bXk", REFUSED, "1", "knows it", false},
    {"fb^bxb|fk", REFUSED, "1", "of two knows it", false},
    {"fb^bx|fb|fk", REFUSED, "1", "of three knows it", false},
    {"fb^byr", REFUSED, "1", "Redis has read over it", false},
    {"fb^bysr", REFUSED, "1", "Redis has read over it", false},
    {"fb^bybm", REFUSED, "1", "Redis has read over it", false},
    {"fb^bXr", REFUSED, "1", "Redis has read over it", false},
    {"fb^byb|fbr", REFUSED, "1", "of two", false},
    {"fb^|Fk", REFUSED, "1", "of two knows it", false},
    {"fb^bx|rc", REFUSED, "1", "two was written after it", false},
    {"rc^c<|fb", REFUSED, "12", "two was written after it", false},
    {"fb+b", REFUSED, "1", "batch 3 follows batch 1", false},
    {"fb|+fb", REFUSED, "1", "two: offset", false},
    {"fb|pb", REFUSED, "1", "begins before the end", false},
    {"Vb", REFUSED, "", "version 2 of the format", false},
    {"fbf", REFUSED, "1", "in the middle", false},
    {"b", REFUSED, "", "without the first line", false},
    {"rc^gc", REFUSED, "12", "not the end that a crash leaves", false},
    {"fb^g", REFUSED, "1", "not the end that a crash leaves", false},
    {"fbr^cxc", REFUSED, "12", "", false},
    {"Brc^c<|fb", REFUSED, "12", "in the base", false},
    {"BD<", REFUSED, "", "one: offset ", false},
    {"BD<|fb", REFUSED, "", "one: offset ", false},
    {"ru", REFUSED, "1", "Unknown command", false},
    {"r^of", REFUSED, "1", "a transaction without its end", false},
};

static void check_numbers(const struct example *e, const struct loaded *loaded)
{
    char numbers[NUMBERS_MAX + 1] = "";
    for (uint32_t i = 0; i < loaded->n; i++)
        numbers[i] = (char)('0' + loaded->numbers[i]);
    if (strcmp(numbers, e->numbers) != 0)
        fail_msg("%s: %s instead of %s", e->letters, numbers, e->numbers);
}

static void check_damage(const struct example *e, const struct aof_maker *m, const struct aof_load_result *result)
{
    if (!strchr(e->letters, '^'))
        return;
    uint64_t dropped = m->made->parts[m->mark_part].len - m->mark;
    for (uint32_t i = m->mark_part + 1; i < m->made->nparts; i++)
        dropped += m->made->parts[i].len;
    if (!result->damaged || result->part != m->mark_part || result->good_bytes != m->mark ||
        result->dropped_bytes != dropped)
        fail_msg("%s: good up to %llu of part %u, not %zu of %u; %llu bytes dropped, not %llu (%s)", e->letters,
                 (unsigned long long)result->good_bytes, result->part, m->mark, m->mark_part,
                 (unsigned long long)result->dropped_bytes, (unsigned long long)dropped, result->error);
}

static void check_example(const struct example *e, struct setup *setup)
{
    struct aof_maker m;
    struct loaded loaded = {0};
    struct aof_load_result result;
    aof_maker_make(&m, &setup->made, e->letters);
    enum aof_load_end end = load(setup, &loaded, &result);
    if (end != (e->outcome == REFUSED ? AOF_LOAD_REFUSED : AOF_LOAD_DONE) || result.cut != (e->outcome == CUT) ||
        result.wants_base != e->wants_base)
        fail_msg("%s: end %d, cut %d, wants_base %d: %s%s", e->letters, end, result.cut, result.wants_base,
                 result.error, loaded.log);
    check_numbers(e, &loaded);
    check_damage(e, &m, &result);
    if (!strstr(e->outcome == REFUSED ? result.error : loaded.log, e->says))
        fail_msg("%s: says %s%s", e->letters, result.error, loaded.log);
}

static void test_examples(void **state)
{
    struct setup setup = {0};
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        setup.read_max = 0;
        check_example(&examples[i], &setup);
        setup.read_max = 1000;
        check_example(&examples[i], &setup);
    }
    printf("%zu cases\n", 2 * sizeof examples / sizeof *examples);
    made_free(&setup.made);
}

/* With aof-load-truncated no a tail is refused, and what would be dropped is said. */
static void test_tail_refused(void **state)
{
    struct setup setup = {.refuses_tail = true};
    struct aof_maker m;
    struct loaded loaded = {0};
    struct aof_load_result result;
    aof_maker_make(&m, &setup.made, "fb^b<|fb");
    assert_int_equal(load(&setup, &loaded, &result), AOF_LOAD_REFUSED);
    assert_true(result.damaged && result.cut && result.part == 0 && result.good_bytes == m.mark);
    assert_non_null(strstr(result.error, "aof-load-truncated is no"));
    made_free(&setup.made);
}

static void test_places_and_databases(void **state)
{
    struct setup setup = {0};
    struct aof_maker m;
    struct loaded loaded = {0};
    struct aof_load_result result;
    aof_maker_make(&m, &setup.made, "fbdb|fdb");
    assert_int_equal(load(&setup, &loaded, &result), AOF_LOAD_DONE);
    const uint32_t dbs[] = {0, 3, 0, 3, 0};
    assert_memory_equal(loaded.dbs, dbs, sizeof dbs);
    assert_int_equal(result.position, 5);
    assert_int_equal(result.offset, setup.made.parts[0].len + setup.made.parts[1].len);
    assert_int_equal(result.batches, 5);
    aof_maker_make(&m, &setup.made, "fd|rc"); /* a file begins in database 0 */
    m.part->len = 0;
    aof_maker_put_set(m.part, 2, 3);
    assert_int_equal(load(&setup, &loaded, &result), AOF_LOAD_DONE);
    assert_int_equal(loaded.dbs[0], 3);
    assert_int_equal(loaded.dbs[1], 0);
    aof_maker_make(&m, &setup.made, "fb|fb^b<"); /* after a cut the stream ends there */
    assert_int_equal(load(&setup, &loaded, &result), AOF_LOAD_DONE);
    assert_int_equal(result.position, 2);
    assert_int_equal(result.offset, setup.made.parts[0].len + m.mark);
    aof_maker_make(&m, &setup.made, "fb^|Fb");
    assert_int_equal(load(&setup, &loaded, &result), AOF_LOAD_DONE);
    assert_int_equal(result.offset, m.mark);
    made_free(&setup.made);
}

static void test_interrupted(void **state)
{
    struct setup setup = {.read_max = 100};
    struct aof_maker m;
    struct aof_load_result result;
    aof_maker_make(&m, &setup.made, "flb|fl");
    for (unsigned calls = 1;; calls++) {
        struct loaded loaded = {.calls_left = calls};
        enum aof_load_end end = load(&setup, &loaded, &result);
        if (end == AOF_LOAD_DONE)
            break;
        assert_int_equal(end, AOF_LOAD_INTERRUPTED);
        assert_true(calls < 100);
    }
    made_free(&setup.made);
}

static void test_unreadable(void **state)
{
    struct setup setup = {.open_error = -ENOENT};
    struct aof_maker m;
    struct loaded loaded = {0};
    struct aof_load_result result;
    aof_maker_make(&m, &setup.made, "fb");
    assert_int_equal(load(&setup, &loaded, &result), AOF_LOAD_REFUSED);
    assert_string_equal(result.error,
                        "one: offset 0: can't open the file, which the manifest names: No such file or directory");
    made_free(&setup.made);
}

/* --- At random --- */

/* What was appended, and how far it is on disk. */
struct history {
    uint32_t batches, last_number[NUMBERS_MAX]; /* after each batch, from 0: none */
    uint64_t ends[NUMBERS_MAX];                 /* of each, in the stream */
    uint64_t starts[MADE_PARTS_MAX];            /* of the parts */
    size_t lines[MADE_PARTS_MAX];               /* lengths of their first lines */
    uint64_t synced;                            /* that the headers say */
    struct {
        const struct made_part *part;
        size_t begin, end; /* of the header in the part */
        uint64_t synced;
    } headers[NUMBERS_MAX]; /* from 1 */
};

static void make_history(struct setup *setup, struct aof_maker *m, struct history *h, struct random *r)
{
    aof_maker_begin(m, &setup->made);
    setup->made.first_is_base = false;
    *h = (struct history){.batches = 0};
    for (uint64_t parts = 1 + random_below(r, MADE_PARTS_MAX); parts > 0; parts--) {
        aof_maker_new_part(m);
        h->starts[setup->made.nparts - 1] = m->start;
        aof_maker_put_file_line(m, AOF_VERSION, m->start);
        h->lines[setup->made.nparts - 1] = m->part->len;
        for (uint64_t n = random_below(r, 8); n > 0; n--) {
            if (random_below(r, 4) == 0)
                aof_maker_put_text(m->part, "#TS:1700000000\r\n");
            bool knows = random_below(r, 4) == 0;
            unsigned commands = 1 + (unsigned)random_below(r, 3);
            size_t begin = m->part->len;
            h->synced = knows ? m->start + begin : h->synced;
            aof_maker_put_batch(m, commands, commands > 1, knows, 0, 1 + random_below(r, 3000));
            h->headers[h->batches + 1].part = m->part;
            h->headers[h->batches + 1].begin = begin;
            h->headers[h->batches + 1].end = m->header_end;
            h->headers[h->batches + 1].synced = knows ? h->synced : 0;
            h->last_number[h->batches + 1] = m->number - 1;
            h->ends[++h->batches] = m->start + m->part->len;
        }
    }
}

/* The batches that are loaded, of which none is missing, none there in part. */
static uint32_t check_prefix(const struct loaded *loaded, const struct history *h)
{
    uint32_t batches = 0;
    for (uint32_t i = 0; i < loaded->n; i++)
        if (loaded->numbers[i] != i + 1)
            fail_msg("%u where %u should be: %s", loaded->numbers[i], i + 1, loaded->log);
    while (batches < h->batches && h->last_number[batches] < loaded->n)
        batches++;
    if (h->last_number[batches] != loaded->n)
        fail_msg("%u loaded: a batch in part: %s", loaded->n, loaded->log);
    return batches;
}

static size_t max_size(size_t a, size_t b) { return a > b ? a : b; }

/* Of each file what is not synced: its end is lost, and pages of it are not there; its first line always is. */
static void crash(struct setup *setup, const struct history *h, uint64_t synced, struct random *r)
{
    for (uint32_t i = 0; i < setup->made.nparts; i++) {
        struct made_part *p = &setup->made.parts[i];
        size_t safe = synced > h->starts[i] ? (size_t)(synced - h->starts[i]) : 0;
        safe = max_size(safe, h->lines[i]);
        if (safe >= p->len)
            continue;
        if (random_below(r, 2))
            p->len = safe + random_below(r, p->len - safe + 1);
        for (size_t page = safe / PAGE_BYTES; page * PAGE_BYTES < p->len; page++) {
            size_t from = max_size(page * PAGE_BYTES, safe), to = (page + 1) * PAGE_BYTES;
            to = to < p->len ? to : p->len;
            if (random_below(r, 4) == 0 && to > from)
                memset(p->bytes + from, 0, to - from);
        }
    }
}

/* What was synced before the crash is loaded, nothing is refused, and what is cut off comes not again. */
static void test_crashes(void **state)
{
    struct random r;
    struct setup setup = {0};
    struct aof_maker m;
    static struct history h;
    long cuts = 0;
    for (long n = random_cases(&r, 3000); n-- > 0;) {
        struct loaded loaded = {0};
        struct aof_load_result result;
        make_history(&setup, &m, &h, &r);
        uint64_t end = m.start + m.part->len, synced = h.synced + random_below(&r, end - h.synced + 1);
        crash(&setup, &h, synced, &r);
        setup.read_max = random_below(&r, 2) ? 1 + random_below(&r, 5000) : 0;
        if (load(&setup, &loaded, &result) != AOF_LOAD_DONE)
            fail_msg("refused: %s", result.error);
        uint32_t batches = check_prefix(&loaded, &h);
        assert_true(batches == h.batches || h.ends[batches + 1] > synced);
        if (result.position != batches)
            fail_msg("position %llu after %u batches: %s", (unsigned long long)result.position, batches, loaded.log);
        if (!result.cut)
            continue;
        cuts++;
        setup.made.parts[result.part].len = result.good_bytes;
        setup.made.nparts = result.part + 1;
        struct aof_load_result again;
        assert_int_equal(load(&setup, &loaded, &again), AOF_LOAD_DONE);
        assert_false(again.cut);
        assert_int_equal(check_prefix(&loaded, &h), batches);
        assert_int_equal(again.offset, result.offset);
    }
    printf("%ld were cut\n", cuts);
    made_free(&setup.made);
}

/* Changes a file from *at on; returns the end of what is not as it was. */
static size_t change_at_random(struct made_part *p, size_t at, struct random *r)
{
    size_t len = 1 + random_below(r, p->len - at);
    switch (random_below(r, 4)) {
    case 0:
        p->bytes[at] ^= (char)(1 << random_below(r, 8));
        return at + 1;
    case 1:
        p->len = at;
        return SIZE_MAX;
    case 2:
        memset(p->bytes + at, 0, p->len - at);
        return SIZE_MAX;
    default:
        memset(p->bytes + at, 0, len);
        return at + len;
    }
}

/* What the headers know to be on disk that are as they were. */
static uint64_t known(const struct history *h, const struct made_part *p, size_t from, size_t to)
{
    uint64_t synced = 0;
    for (uint32_t i = 1; i <= h->batches; i++) {
        bool changed = h->headers[i].part == p && h->headers[i].begin < to && h->headers[i].end > from;
        if (!changed && h->headers[i].synced > synced)
            synced = h->headers[i].synced;
    }
    return synced;
}

/* Whatever is changed, what is loaded is a prefix, or refused; and nothing is dropped that a header knows to be on
 * disk.
 */
static void test_changes(void **state)
{
    struct random r;
    struct setup setup = {0};
    struct aof_maker m;
    static struct history h;
    long refused = 0, cuts = 0;
    for (long n = random_cases(&r, 5000); n-- > 0;) {
        struct loaded loaded = {0};
        struct aof_load_result result;
        make_history(&setup, &m, &h, &r);
        struct made_part *p = &setup.made.parts[random_below(&r, setup.made.nparts)];
        size_t from = random_below(&r, p->len), to = change_at_random(p, from, &r);
        enum aof_load_end end = load(&setup, &loaded, &result);
        uint32_t batches = check_prefix(&loaded, &h);
        if (end == AOF_LOAD_DONE)
            assert_true(batches == h.batches || h.ends[batches + 1] > known(&h, p, from, to));
        refused += end == AOF_LOAD_REFUSED;
        cuts += end == AOF_LOAD_DONE && result.cut;
    }
    printf("%ld were cut, %ld refused\n", cuts, refused);
    made_free(&setup.made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_tail_refused),
        cmocka_unit_test(test_places_and_databases),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_crashes),
        cmocka_unit_test(test_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
