/* Handlers of the key commands on three shards in one thread: replies, what reaches the journal, SCAN over shards. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/command_runner.h"

static int set_up(void **state)
{
    runner_init(3);
    return 0;
}

static int tear_down(void **state)
{
    runner_deinit();
    return 0;
}

/* The words of line, separated by single blanks. */
static void run(const char *line)
{
    char text[256];
    const char *words[RUNNER_ARGS_MAX];
    uint32_t n = 0;
    snprintf(text, sizeof(text), "%s", line);
    for (char *rest = text, *word; (word = strsep(&rest, " "));)
        words[n++] = word;
    run_words(n, words);
}

/* Bars stand for CRLF. */
static void assert_text(const char *what, const char *got, size_t len, const char *expected)
{
    char shown[512];
    size_t n = 0;
    for (size_t i = 0; i < len && n + 1 < sizeof(shown); i++) {
        if (got[i] != '\r')
            shown[n++] = got[i] == '\n' ? '|' : got[i];
    }
    shown[n] = '\0';
    if (strcmp(shown, expected) != 0)
        fail_msg("%s: expected %s, got %s", what, expected, shown);
}

static void check(const char *line, const char *expected)
{
    run(line);
    assert_text(line, reply.buf, reply.len, expected);
}

static void check_effect(const char *line, const char *expected)
{
    run(line);
    assert_text(line, effects.buf, effects.len, expected);
}

static void set_key(const char *name, uint32_t db)
{
    struct key key = key_make(&shape, slice_str(name));
    struct keyspace *ks = shards[key.shard].keyspace;
    keyspace_set_string(ks, keyspace_write(ks, db, &key), &key, slice_str(name), EXPIRY_NONE, false);
}

static void test_delete_and_count(void **state)
{
    set_key("a", 0);
    set_key("b", 0);
    set_key("c", 0);
    check("EXISTS a b c d a", ":4|");
    check("TOUCH a d", ":1|");
    check("TYPE a", "+string|");
    check("TYPE d", "+none|");
    check_effect("DEL d e", "");
    check("DEL a a b", ":2|");
    check_effect("UNLINK c", "*2|$6|UNLINK|$1|c|");
    check("EXISTS a b c", ":0|");
}

static void test_rename_copy_move(void **state)
{
    check("RENAME a b", "-ERR no such key|");
    check("RENAME a a", "-ERR no such key|");
    set_key("a", 0);
    set_key("b", 0);
    check("RENAME a a", "+OK|");
    check("RENAMENX a b", ":0|");
    check_effect("RENAMENX a b", "");
    check("RENAME a b", "+OK|");
    check("EXISTS a b", ":1|");
    check("RENAMENX b z", ":1|");
    check("COPY z z", "-ERR source and destination objects are the same|");
    check("COPY z z DB 9", "-ERR DB index is out of range|");
    check("COPY z z DB 99999999999", "-ERR value is out of range, value must between -2147483648 and 2147483647|");
    check("COPY z z DB", "-ERR syntax error|");
    check("COPY z z DB 1", ":1|");
    check("COPY z y", ":1|");
    check("COPY z y", ":0|");
    check_effect("COPY z y REPLACE", "*4|$4|COPY|$1|z|$1|y|$7|REPLACE|");
    check("MOVE y 0", "-ERR source and destination objects are the same|");
    check("MOVE z 1", ":0|");
    check("MOVE y 1", ":1|");
    check("EXISTS y z", ":1|");
}

static void test_expiry(void **state)
{
    check("EXPIRE a 10", ":0|");
    set_key("a", 0);
    check("TTL a", ":-1|");
    check("TTL b", ":-2|");
    check("EXPIRE a 10 GT", ":0|");
    check_effect("EXPIRE a 10 LT", "*3|$9|PEXPIREAT|$1|a|$7|1010000|");
    check("TTL a", ":10|");
    check("PTTL a", ":10000|");
    check("EXPIRETIME a", ":1010|");
    check("PEXPIRE a 10000 GT", ":0|");
    check("PEXPIRE a 10499 XX GT", ":1|");
    check("TTL a", ":10|");
    check("PEXPIREAT a 1010500 NX", ":0|");
    check("PEXPIREAT a 1010500", ":1|");
    check("TTL a", ":11|");
    check("EXPIRE a x GT LT", "-ERR GT and LT options at the same time are not compatible|");
    check("EXPIRE a x NX XX", "-ERR NX and XX, GT or LT options at the same time are not compatible|");
    check("EXPIRE a x what", "-ERR Unsupported option what|");
    check("EXPIRE a 9223372036854775807", "-ERR invalid expire time in 'expire' command|");
    check("PEXPIRE a 9223372036854775807", "-ERR invalid expire time in 'pexpire' command|");
    check("PERSIST a", ":1|");
    check("PERSIST a", ":0|");
    check_effect("EXPIRE a -1", "*2|$3|DEL|$1|a|");
    check("EXISTS a", ":0|");
}

static void set_loading(bool on)
{
    for (uint32_t i = 0; i < shape.nshards; i++)
        keyspace_set_loading(shards[i].keyspace, on);
}

/* Nothing is past, nor does it expire, until loading has ended. */
static void test_expiry_while_loading(void **state)
{
    set_loading(true);
    check("SET a 1 PXAT 5", "+OK|");
    check("INCR a", ":2|");
    check("PEXPIREAT a 7 GT", ":1|");
    check("PEXPIRETIME a", ":7|");
    check("GETEX a PXAT 8", "$1|2|");
    check("RENAME a b", "+OK|");
    check("COPY b c", ":1|");
    check("SET d 1", "+OK|");
    check("PEXPIREAT d -5", ":1|");
    check("SET e 1 PXAT 1", "+OK|");
    check("PERSIST e", ":1|");
    check("EXISTS a b c d e", ":4|");
    for (uint32_t i = 0; i < shape.nshards; i++)
        assert_false(keyspace_expire_step(shards[i].keyspace, 100));
    check("EXISTS b c d e", ":4|");
    set_loading(false);
    check("GET b", "$-1|");
    check("EXISTS a b c d e", ":1|");
    check("PEXPIREAT e 5", ":1|");
    check("EXISTS e", ":0|");
}

static void test_object(void **state)
{
    set_key("12", 0);
    set_key("text", 0);
    check("OBJECT ENCODING 12", "$3|int|");
    check("OBJECT ENCODING text", "$6|embstr|");
    check("OBJECT ENCODING none", "$-1|");
    check("OBJECT REFCOUNT 12", ":2147483647|");
    check("OBJECT REFCOUNT text", ":1|");
    check("COPY 12 13", ":1|");
    check("OBJECT REFCOUNT 13", ":1|");
    check("RENAME 13 14", "+OK|");
    check("EXPIRE 14 100", ":1|");
    check("OBJECT REFCOUNT 14", ":1|");
    check("RENAME 12 14", "+OK|");
    check("OBJECT REFCOUNT 14", ":2147483647|");
    check("OBJECT IDLETIME text", ":0|");
}

static void test_databases(void **state)
{
    set_key("a", 0);
    set_key("b", 1);
    check("SWAPDB a 1", "-ERR invalid first DB index|");
    check("SWAPDB 0 x", "-ERR invalid second DB index|");
    check("SWAPDB 0 4", "-ERR DB index is out of range|");
    check_effect("SWAPDB 0 1", "*3|$6|SWAPDB|$1|0|$1|1|");
    check("EXISTS a b", ":1|");
    check("FLUSHDB NOW", "-ERR syntax error|");
    check("FLUSHDB", "+OK|");
    check("EXISTS b", ":0|");
    check("SWAPDB 0 1", "+OK|");
    check("EXISTS a", ":1|");
    check_effect("FLUSHALL SYNC", "*2|$8|FLUSHALL|$4|SYNC|");
    check("EXISTS a", ":0|");
}

/* Runs SCAN from cursor 0 to its end; counts what it gives. */
static int scan_all(const char *options)
{
    uint64_t cursor = 0;
    int given = 0, calls = 0;
    do {
        char line[128];
        snprintf(line, sizeof(line), "SCAN %llu%s", (unsigned long long)cursor, options);
        run(line);
        reply_raw(&reply, "", 1);
        const char *p = strstr(reply.buf, "\r\n$");
        cursor = strtoull(strstr(p + 2, "\r\n") + 2, NULL, 10);
        assert_true(cursor < UINT64_C(1) << 53);
        given += atoi(strstr(p + 2, "\r\n*") + 3);
        assert_true(++calls < 10000);
    } while (cursor);
    return given;
}

static void test_scan(void **state)
{
    for (int i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "key:%d", i);
        set_key(name, 0);
    }
    assert_int_equal(scan_all(""), 1000);
    assert_int_equal(scan_all(" COUNT 7"), 1000);
    assert_int_equal(scan_all(" COUNT 9223372036854775807"), 1000);
    assert_int_equal(scan_all(" MATCH key:1??"), 100);
    assert_int_equal(scan_all(" MATCH * TYPE STRING"), 1000);
    assert_int_equal(scan_all(" TYPE list"), 0);
    assert_int_equal(scan_all(" TYPE nonsense"), 0);
    check("SCAN x", "-ERR invalid cursor|");
    check("SCAN 0 COUNT 0", "-ERR syntax error|");
    check("SCAN 0 COUNT x", "-ERR value is not an integer or out of range|");
    check("SCAN 0 MATCH", "-ERR syntax error|");
    run("SCAN 18446744073709551615"); /* no server gave it out: any answer will do */
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_delete_and_count, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rename_copy_move, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expiry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expiry_while_loading, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_object, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_databases, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scan, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
