/* src/base/split.h: what was quoted comes back, however it was quoted; the rules for ends of words. Errors and escapes
 * are in parse_test.c as well, where they were compared with Redis. */
#include "src/base/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/random_cases.h"

enum { WORDS_MAX = 8, WORD_BYTES_MAX = 20, LINE_BYTES_MAX = WORDS_MAX * (4 * WORD_BYTES_MAX + 8) };

static char *add(char *at, const char *text) { return stpcpy(at, text); }

/* Double quotes, each byte as itself, escaped, or in hexadecimal. */
static char *quote_double(char *at, struct slice word, struct random *r)
{
    *at++ = '"';
    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = (unsigned char)word.ptr[i];
        static const char special[] = "\n\r\t\b\a\\\"", letters[] = "nrtba\\\"";
        const char *found = c ? strchr(special, c) : NULL;
        if (found && random_below(r, 2))
            at += sprintf(at, "\\%c", letters[found - special]);
        else if (found || c == 0 || random_below(r, 4) == 0)
            at += sprintf(at, random_below(r, 2) ? "\\x%02x" : "\\x%02X", c);
        else
            *at++ = (char)c;
    }
    return add(at, "\"");
}

/* Single quotes; false if they cannot hold the word. */
static bool quote_single(char **at, struct slice word)
{
    char *p = *at;
    if (memchr(word.ptr, 0, word.len) || (word.len && word.ptr[word.len - 1] == '\\'))
        return false;
    *p++ = '\'';
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] == '\\' && word.ptr[i + 1] == '\'')
            return false;
        p += sprintf(p, word.ptr[i] == '\'' ? "\\%c" : "%c", word.ptr[i]);
    }
    *at = add(p, "'");
    return true;
}

static void test_quoted_comes_back(void **state)
{
    static const char bytes[] = "abc \t\r\n\a\b\\\\\"'x0\xff";
    struct random r;
    for (long left = random_cases(&r, 100000); left > 0; left--) {
        char words[WORDS_MAX][WORD_BYTES_MAX + 1], line[LINE_BYTES_MAX], *at = line;
        size_t lens[WORDS_MAX], n = random_below(&r, WORDS_MAX + 1), pos = 0;
        for (size_t i = 0; i < n; i++) {
            lens[i] = random_below(&r, WORD_BYTES_MAX + 1);
            for (size_t j = 0; j < lens[i]; j++)
                words[i][j] = bytes[random_below(&r, sizeof bytes)];
            words[i][lens[i]] = '\0';
            struct slice word = slice_of(words[i], lens[i]);
            at = add(at, random_below(&r, 2) ? " " : "\t \r\n");
            if (random_below(&r, 2) || !quote_single(&at, word))
                at = quote_double(at, word, &r);
        }
        struct slice whole = slice_of(line, (size_t)(at - line));
        struct split_word word;
        for (size_t i = 0; i < n; i++) {
            char out[LINE_BYTES_MAX];
            assert_int_equal(split_next(whole, &pos, &word), SPLIT_WORD);
            assert_true(word.quoted);
            assert_int_equal(split_unquote(word.raw, out), lens[i]);
            assert_memory_equal(out, words[i], lens[i]);
        }
        assert_int_equal(split_next(whole, &pos, &word), SPLIT_END);
    }
}

static void test_ends_of_words(void **state)
{
    struct slice line = slice_of("  a\vb\f \v\fc'd e' f\0g", 20);
    static const char *const want[] = {"a\vb\f", "c'd e'", "f"};
    struct split_word word;
    size_t pos = 0;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        assert_int_equal(split_next(line, &pos, &word), SPLIT_WORD);
        assert_true(slice_eq(word.raw, slice_str(want[i])));
        assert_int_equal(word.quoted, i == 1);
    }
    assert_int_equal(split_next(line, &pos, &word), SPLIT_END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quoted_comes_back),
        cmocka_unit_test(test_ends_of_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
