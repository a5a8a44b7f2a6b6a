/* src/base/glob.h: known cases, a recursive model, and time that does not explode. */
#include "src/base/glob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/random_cases.h"

static void test_cases(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool match, nocase_match;
    } known[] = {
        {"", "", true, true},
        {"*", "", false, false},
        {"*", "a", true, true},
        {"**", "a", true, true},
        {"a**", "a", true, true},
        {"a*b*c", "a12b3bc", true, true},
        {"a*b*c", "a12b3bcd", false, false},
        {"h?llo", "hello", true, true},
        {"h?llo", "hllo", false, false},
        {"H[AE]llo", "hello", false, true},
        {"h[^e]llo", "hello", false, false},
        {"h[^e]llo", "hallo", true, true},
        {"[a-c]", "b", true, true},
        {"[c-a]", "b", true, true},
        {"[A-C]", "b", false, true},
        {"[\\B]", "b", false, false},
        {"[\\]]", "]", true, true},
        {"[]a]", "]", false, false},
        {"[abc", "b", true, true},
        {"[", "a", false, false},
        {"[^", "a", true, true},
        {"[a-]", "^", true, true},
        {"\\*", "*", true, true},
        {"\\*", "a", false, false},
        {"a\\", "a\\", true, true},
        {"[\x01-\xff]", "a", false, false},
        {"*aaa", "aaaa", true, true},
        {"*?", "a", true, true},
        {"*??", "a", false, false},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct slice pattern = slice_str(known[i].pattern), text = slice_str(known[i].text);
        if (glob_match(pattern, text, false) != known[i].match ||
            glob_match(pattern, text, true) != known[i].nocase_match)
            fail_msg("'%s' on '%s'", known[i].pattern, known[i].text);
    }
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

/* The rules written down as they are: every '*' tries every length. p and t are terminated by NUL. */
static bool model(const char *p, const char *t, bool nocase)
{
    if (!*p)
        return !*t;
    if (*p == '*') {
        for (; *t; t++) {
            if (model(p + 1, t, nocase))
                return true;
        }
        return model(p + 1, t, nocase);
    }
    if (!*t)
        return false;
    bool same = false;
    if (*p == '?') {
        same = true;
    } else if (*p == '[') {
        bool negated = p[1] == '^';
        for (p += 1 + negated; *p && *p != ']'; p++) {
            if (*p == '\\' && p[1]) {
                same |= *++p == *t;
            } else if (p[1] == '-' && p[2]) {
                char low = p[0] < p[2] ? p[0] : p[2], high = p[0] < p[2] ? p[2] : p[0];
                same |= nocase ? lower(*t) >= lower(low) && lower(*t) <= lower(high) : *t >= low && *t <= high;
                p += 2;
            } else {
                same |= nocase ? lower(*p) == lower(*t) : *p == *t;
            }
        }
        same ^= negated;
        p -= !*p;
    } else {
        p += *p == '\\' && p[1];
        same = nocase ? lower(*p) == lower(*t) : *p == *t;
    }
    return same && model(p + 1, t + 1, nocase);
}

static void random_text(struct random *r, const char *alphabet, char *text, size_t len_max)
{
    size_t len = random_below(r, len_max + 1), n = strlen(alphabet);
    for (size_t i = 0; i < len; i++)
        text[i] = alphabet[random_below(r, n)];
    text[len] = '\0';
}

static void test_against_model(void **state)
{
    struct random r;
    for (long left = random_cases(&r, 1000000); left > 0; left--) {
        char pattern[12], text[12];
        random_text(&r, "aaabBc***?[[]]^-\\", pattern, sizeof pattern - 1);
        random_text(&r, "aaabBcC-]", text, sizeof text - 1);
        bool nocase = random_below(&r, 2);
        bool want = *text ? model(pattern, text, nocase) : !*pattern;
        if (glob_match(slice_str(pattern), slice_str(text), nocase) != want)
            fail_msg("'%s' on '%s', nocase %d: should be %d", pattern, text, nocase, want);
    }
}

/* With a matcher that tries every '*' again this would not end. */
static void test_hostile_pattern(void **state)
{
    char pattern[2001], text[2000];
    for (size_t i = 0; i < 1000; i++)
        memcpy(pattern + 2 * i, "*a", 2);
    pattern[2000] = 'b';
    memset(text, 'a', sizeof text);
    assert_false(glob_match(slice_of(pattern, sizeof pattern), slice_of(text, sizeof text), false));
    assert_true(glob_match(slice_of(pattern, sizeof pattern - 1), slice_of(text, sizeof text), false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_hostile_pattern),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
