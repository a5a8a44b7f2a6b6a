/* The command table: lookup of every row in any case, near misses, categories, and where the keys of requests are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>

#include "src/cmd/keys.h"
#include "src/cmd/table.h"

static struct slice mixed_case(const char *name, char *buf, int odd)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < n; i++)
        buf[i] = (char)((int)(i & 1) == odd ? toupper((unsigned char)name[i]) : name[i]);
    return slice_of(buf, n);
}

static void test_every_row_is_found(void **state)
{
    char buf[64];
    for (uint32_t id = 0; id < command_count(); id++) {
        const struct command *row = command_by_id(id);
        assert_int_equal(row->id, id);
        for (int odd = 0; odd < 2; odd++) {
            struct slice name = mixed_case(row->name, buf, odd);
            const struct command *found = row->parent ? command_subcommand(row->parent, name) : command_lookup(name);
            /* What only a Sentinel has is unknown to clients. */
            assert_ptr_equal(found, row->flags & CMD_ONLY_SENTINEL ? NULL : row);
        }
        if (row->flags & CMD_ONLY_SENTINEL)
            continue;
        assert_ptr_equal(command_by_full_name(slice_str(row->full_name)), row);
        assert_true(row->since && row->group && row->summary);
    }
    assert_true(command_top_count() < command_count());
}

static void test_near_misses_are_not_found(void **state)
{
    static const char *const names[] = {
        "",
        "g",
        "ge",
        "gett",
        "g\x05t",
        "set ",
        "georadiusbymembeR_r",
        "georadiusbymembex_ro",
        "restore_asking",
        "{et",
        "@et",
        "config|get",
        "zrangestorex",
        "\xc7\xc5\xd4",
        "a name that is longer than any name of a command",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_null(command_lookup(slice_str(names[i])));
    assert_null(command_lookup(slice_of("get\0", 4)));
    assert_null(command_by_full_name(slice_str("config|")));
    assert_null(command_by_full_name(slice_str("get|x")));
    assert_null(command_subcommand(command_lookup(slice_str("config")), slice_str("list")));
    /* One byte changed in any place of any name, to what differs in one bit, is another name. */
    for (uint32_t id = 0; id < command_top_count(); id++) {
        char buf[64];
        const struct command *row = command_by_id(id);
        if (row->flags & CMD_ONLY_SENTINEL)
            continue;
        size_t n = strlen(row->name);
        for (size_t i = 0; i < n; i++) {
            for (int bit = 0; bit < 8; bit++) {
                memcpy(buf, row->name, n);
                buf[i] = (char)(buf[i] ^ 1 << bit);
                const struct command *found = command_lookup(slice_of(buf, n));
                bool same = tolower((unsigned char)buf[i]) == row->name[i];
                assert_true(same ? found == row : found != row);
            }
        }
    }
}

static void test_categories(void **state)
{
    assert_int_equal(command_lookup(slice_str("get"))->acl_categories, ACL_READ | ACL_STRING | ACL_FAST);
    assert_int_equal(command_lookup(slice_str("blpop"))->acl_categories,
                     ACL_WRITE | ACL_LIST | ACL_SLOW | ACL_BLOCKING);
    assert_int_equal(command_lookup(slice_str("eval_ro"))->acl_categories, ACL_SLOW | ACL_SCRIPTING);
    assert_int_equal(command_by_full_name(slice_str("config|get"))->acl_categories,
                     ACL_ADMIN | ACL_SLOW | ACL_DANGEROUS);
}

/* What a request without row is answered; argv[0..argc) as given, the reply without its CRLF. */
static void assert_unknown(uint32_t argc, const struct slice *argv, const char *expected)
{
    struct reply r;
    reply_init(&r, 2);
    command_reply_unknown(&r, argc, argv);
    assert_int_equal(r.len, strlen(expected) + 3);
    assert_memory_equal(r.buf + 1, expected, strlen(expected));
    reply_deinit(&r);
}

/* Texts were taken from redis-server 7.0.15. */
static void test_unknown_commands(void **state)
{
    char word[200], expected[600];
    memset(word, 'x', sizeof(word));
    struct slice bogus[] = {slice_str("bogus"), slice_str("a"), slice_str("b\r\nc"), slice_of("d\0e", 3)};
    assert_unknown(1, bogus, "ERR unknown command 'bogus', with args beginning with: ");
    assert_unknown(4, bogus, "ERR unknown command 'bogus', with args beginning with: 'a' 'b  c' 'd' ");
    struct slice config[] = {slice_str("coNfig"), slice_of(word, 200)};
    snprintf(expected, sizeof(expected), "ERR unknown subcommand '%.128s'. Try CONFIG HELP.", word);
    assert_unknown(2, config, expected);
    /* 100 bytes and their quotes leave room for 25 more. */
    struct slice long_ones[] = {slice_of(word, 200), slice_of(word, 100), slice_of(word, 100), slice_str("y")};
    snprintf(expected, sizeof(expected), "ERR unknown command '%.128s', with args beginning with: '%.100s' '%.25s' ",
             word, word, word);
    assert_unknown(4, long_ones, expected);
}

int main(void)
{
    command_table_init();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_found),
        cmocka_unit_test(test_near_misses_are_not_found),
        cmocka_unit_test(test_categories),
        cmocka_unit_test(test_unknown_commands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
