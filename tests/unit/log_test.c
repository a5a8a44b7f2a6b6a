/* src/base/log.h: the format of lines, levels, rotation by renaming, whole lines from many threads, limits. */
#include "src/base/log.h"

#include <errno.h>
#include <pthread.h>
#include <regex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 4, LINES = 200 };

static char path[64];

static int setup(void **state)
{
    snprintf(path, sizeof path, "/tmp/skua-log-test-%d", (int)getpid());
    unlink(path);
    return log_init(path, LOG_LEVEL_VERBOSE);
}

static int teardown(void **state) { return unlink(path); }

static size_t read_log(char *text, size_t cap)
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, cap - 1, f);
    fclose(f);
    text[n] = '\0';
    return n;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t regex;
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&regex, text, 0, NULL, 0) != 0)
        fail_msg("'%s' does not match '%s'", text, pattern);
    regfree(&regex);
}

static void test_format_and_levels(void **state)
{
    char text[8192];
    log_write(LOG_LEVEL_DEBUG, "not seen");
    log_write(LOG_LEVEL_VERBOSE, "one %d", 1);
    log_set_role('S');
    log_write(LOG_LEVEL_WARNING, "%1500d", 2);
    log_set_role('M');
    log_set_level(LOG_LEVEL_NOTHING);
    log_write(LOG_LEVEL_WARNING, "not seen");
    log_set_level(LOG_LEVEL_NOTICE);
    log_write(LOG_LEVEL_NOTICE, "three");
    size_t len = read_log(text, sizeof text);
    assert_true(len < LOG_MESSAGE_BYTES_MAX + 300);
#define WHEN "[0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}"
    assert_matches(text, "^[0-9]+:M " WHEN " - one 1\n[0-9]+:S " WHEN " # +\n[0-9]+:M " WHEN " \\* three\n$");
}

static void test_renamed_file(void **state)
{
    char old[80], text[1024];
    snprintf(old, sizeof old, "%s.1", path);
    log_write(LOG_LEVEL_NOTICE, "before");
    assert_int_equal(rename(path, old), 0);
    log_write(LOG_LEVEL_NOTICE, "after");
    read_log(text, sizeof text);
    assert_null(strstr(text, "before"));
    assert_non_null(strstr(text, "after"));
    assert_int_equal(unlink(old), 0);
}

static void test_file_that_cannot_be(void **state)
{
    assert_int_equal(log_init("/nonexistent/log", LOG_LEVEL_NOTICE), -ENOENT);
}

static void *write_lines(void *arg)
{
    for (int i = 0; i < LINES; i++)
        log_write(LOG_LEVEL_NOTICE, "abcdefghijklmnopqrstuvwxyz");
    return NULL;
}

static void test_whole_lines_from_threads(void **state)
{
    static char text[1 << 18];
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    read_log(text, sizeof text);
    int lines = 0;
    char *rest, *line = strtok_r(text, "\n", &rest);
    for (; line; line = strtok_r(NULL, "\n", &rest), lines++)
        assert_matches(line, "^[0-9]+:M " WHEN " \\* abcdefghijklmnopqrstuvwxyz$");
    assert_int_equal(lines, THREADS * LINES);
}

static void test_limited(void **state)
{
    char text[1024];
    struct log_limit limit = {0};
    for (int i = 0; i < 1000; i++)
        log_limited(&limit, LOG_LEVEL_WARNING, "flood %d", i);
    atomic_store(&limit.next_ms, 0);
    log_limited(&limit, LOG_LEVEL_WARNING, "again");
    read_log(text, sizeof text);
    assert_matches(text, "^[^\n]*flood 0\n[^\n]*again \\(and 999 more since the last such line\\)\n$");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_format_and_levels, setup, teardown),
        cmocka_unit_test_setup_teardown(test_renamed_file, setup, teardown),
        cmocka_unit_test(test_file_that_cannot_be),
        cmocka_unit_test_setup_teardown(test_whole_lines_from_threads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_limited, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
