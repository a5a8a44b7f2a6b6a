/* The manifest: what Redis accepts and refuses, random lists through their text and back, and the names of files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "persist/aof_manifest.h"
#include "src/base/mem.h"
#include "tests/unit/random_cases.h"

static const char format_error[] = "Invalid AOF manifest file format",
                  too_long[] = "The AOF manifest file contains too long line";

static void check_text(const struct aof_manifest *m, const char *wanted)
{
    size_t len;
    char *text = aof_manifest_format(m, &len);
    assert_string_equal(text, wanted);
    assert_int_equal(len, strlen(wanted));
    mem_free(NULL, text);
}

static void test_accepted(void **state)
{
    static const struct {
        const char *text, *again;
    } cases[] = {
        {"file a seq 1 type b\nfile b seq 1 type i\n", "file a seq 1 type b\nfile b seq 1 type i\n"},
        {"# nothing\n", ""},
        {"#\nfile b seq 2 type i\nfile a seq 9 type b\n", "file a seq 9 type b\nfile b seq 2 type i\n"},
        {"FILE a SEQ 01x Type history\n", "file a seq 1 type h\n"},
        {"seq 1 type i file a\n", "file a seq 1 type i\n"},
        {"  \tfile a  seq 1\ttype i \r\n", "file a seq 1 type i\n"},
        {"file a seq 1 type i size 12 file b\n", "file b seq 1 type i\n"},
        {"file \"a b\\x07\\\"\" seq 1 type i\n", "file \"a b\\x07\\\"\" seq 1 type i\n"},
        {"file 'it is' seq 1 type i\n", "file \"it is\" seq 1 type i\n"},
        {"file a seq 1 type h\nfile b seq 1 type h\n", "file a seq 1 type h\nfile b seq 1 type h\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aof_manifest m = {0};
        struct aof_manifest_error error;
        assert_true(aof_manifest_parse(&m, slice_str(cases[i].text), &error));
        check_text(&m, cases[i].again);
        aof_manifest_deinit(&m);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *text, *why;
        uint32_t line;
    } cases[] = {
        {"", "Found an empty AOF manifest", 0},
        {"\n", format_error, 1},
        {"file a seq 1 type b", too_long, 1},
        {"file a seq 1 type b\n\nfile b seq 1 type i\n", format_error, 2},
        {"file a seq 1\n", format_error, 1},
        {"file a seq 1 type\n", format_error, 1},
        {"file a seq 1 type i x\n", format_error, 1},
        {"file \"a seq 1 type i\n", format_error, 1},
        {"file a seq x type i\n", format_error, 1},
        {"file a seq 0 type i\n", format_error, 1},
        {"file a seq -1 type i\n", format_error, 1},
        {"file a seq 9223372036854775807 type i\n", format_error, 1},
        {"file \"\" seq 1 type i\n", format_error, 1},
        {"file a seq 1 type \"\"\n", format_error, 1},
        {"a a seq 1 type i\n", format_error, 1},
        {"file a/b seq 1 type i\n", "File can't be a path, just a filename", 1},
        {"file a seq 1 type x\n", "Unknown AOF file type", 1},
        {"file a seq 1 type b\nfile b seq 2 type b\n", "Found duplicate base file information", 2},
        {"file a seq 2 type i\nfile b seq 2 type i\n", "Found a non-monotonic sequence number", 2},
        {"file a seq 2 type i\nfile b seq 1 type i\n", "Found a non-monotonic sequence number", 2},
        {"file a seq 1 type b\nfile a seq 1 type h\n", "Found a file that is named twice", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct aof_manifest m = {0};
        struct aof_manifest_error error;
        assert_false(aof_manifest_parse(&m, slice_str(cases[i].text), &error));
        assert_string_equal(error.why, cases[i].why);
        assert_int_equal(error.line, cases[i].line);
        assert_null(m.base.name);
    }
}

static void test_long_lines(void **state)
{
    char text[AOF_MANIFEST_LINE_BYTES_MAX + 2];
    struct aof_manifest m = {0};
    struct aof_manifest_error error;
    memset(text, ' ', sizeof text);
    memcpy(text, "file a seq 1 type i", 19);
    text[AOF_MANIFEST_LINE_BYTES_MAX - 1] = '\n';
    assert_true(aof_manifest_parse(&m, slice_of(text, AOF_MANIFEST_LINE_BYTES_MAX), &error));
    aof_manifest_deinit(&m);
    text[AOF_MANIFEST_LINE_BYTES_MAX - 1] = ' ';
    text[AOF_MANIFEST_LINE_BYTES_MAX] = '\n';
    assert_false(aof_manifest_parse(&m, slice_of(text, AOF_MANIFEST_LINE_BYTES_MAX + 1), &error));
    assert_string_equal(error.why, too_long);
}

/* The life of a directory: a start, two rewrites, the end of the history, as Redis names things. */
static void test_names(void **state)
{
    struct aof_manifest m = {0}, copy = {0};
    assert_string_equal(aof_manifest_add_base(&m, "a.aof", true), "a.aof.1.base.rdb");
    assert_string_equal(aof_manifest_add_incremental(&m, "a.aof"), "a.aof.1.incr.aof");
    assert_string_equal(aof_manifest_add_incremental(&m, "a.aof"), "a.aof.2.incr.aof");
    assert_string_equal(aof_manifest_add_incremental(&m, "a.aof"), "a.aof.3.incr.aof");
    aof_manifest_copy(&copy, &m);
    assert_string_equal(aof_manifest_add_base(&copy, "a.aof", false), "a.aof.2.base.aof");
    aof_manifest_retire(&copy, 1);
    check_text(&copy, "file a.aof.2.base.aof seq 2 type b\nfile a.aof.1.incr.aof seq 1 type h\n"
                      "file a.aof.2.incr.aof seq 2 type h\nfile a.aof.1.base.rdb seq 1 type h\n"
                      "file a.aof.3.incr.aof seq 3 type i\n");
    assert_true(aof_manifest_names(&copy, "a.aof.1.base.rdb"));
    assert_false(aof_manifest_names(&m, "a.aof.2.base.aof"));
    aof_manifest_drop_history(&copy, 0);
    check_text(&copy, "file a.aof.2.base.aof seq 2 type b\nfile a.aof.3.incr.aof seq 3 type i\n");
    aof_manifest_retire(&copy, 0);
    assert_string_equal(aof_manifest_add_incremental(&copy, "a.aof"), "a.aof.4.incr.aof");
    aof_manifest_deinit(&m);
    aof_manifest_deinit(&copy);
}

static void test_upgrade(void **state)
{
    struct aof_manifest m = {0};
    assert_true(aof_manifest_is_upgrade(&m, "a.aof", false));
    aof_manifest_upgrade(&m, "a.aof");
    check_text(&m, "file a.aof seq 1 type b\n");
    assert_true(aof_manifest_is_upgrade(&m, "a.aof", false)); /* the crash came before the move */
    assert_false(aof_manifest_is_upgrade(&m, "a.aof", true));
    assert_false(aof_manifest_is_upgrade(&m, "b.aof", false));
    assert_string_equal(aof_manifest_add_incremental(&m, "a.aof"), "a.aof.1.incr.aof");
    assert_false(aof_manifest_is_upgrade(&m, "a.aof", false));
    assert_string_equal(aof_manifest_add_base(&m, "a.aof", true), "a.aof.2.base.rdb");
    aof_manifest_deinit(&m);
}

/* Random names, every byte but those of paths, come back as they were; so does every cut at the end of a line, and no
 * other is taken. */
static void test_round_trip_and_cuts(void **state)
{
    struct random r;
    for (long n = random_cases(&r, 500); n-- > 0;) {
        struct aof_manifest m = {0};
        struct aof_manifest_error error;
        char name[16];
        size_t len;
        for (uint64_t i = 0, files = 1 + random_below(&r, 6); i < files; i++) {
            for (size_t k = 0; k < sizeof name - 1; k++) {
                do
                    name[k] = (char)(1 + random_below(&r, 255));
                while (name[k] == '/' || name[k] == '\\');
            }
            name[sizeof name - 1] = '\0';
            if (random_below(&r, 3) == 0)
                aof_manifest_add_base(&m, name, random_below(&r, 2));
            else
                aof_manifest_add_incremental(&m, name);
            aof_manifest_retire(&m, (uint32_t)random_below(&r, 4));
        }
        char *text = aof_manifest_format(&m, &len);
        for (size_t cut = 1; cut <= len; cut++) {
            struct aof_manifest again = {0};
            bool whole = text[cut - 1] == '\n';
            assert_int_equal(aof_manifest_parse(&again, slice_of(text, cut), &error), whole);
            if (cut == len)
                check_text(&again, text);
            aof_manifest_deinit(&again);
        }
        mem_free(NULL, text);
        aof_manifest_deinit(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused), cmocka_unit_test(test_long_lines),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_upgrade), cmocka_unit_test(test_round_trip_and_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
