/* The configuration: rows, values as CONFIG GET and SET know them, the file, the command line, CONFIG REWRITE. What is
 * expected here of Redis's texts was captured from redis-server 7.0.15. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/server/config.h"
#include "src/server/option.h"

/* ---- Helpers ---- */

static const struct config_rights nobody = {false, false};

/* Sets one option on *config, which is replaced; returns "" or the error without its beginning. */
static const char *set_with(struct config **config, const char *name, const char *value, struct config_rights rights)
{
    static char error[CONFIG_ERROR_BYTES];
    struct slice pair[] = {slice_str(name), slice_str(value)};
    struct config *new;
    switch (config_with(*config, pair, 1, rights, &new, error)) {
    case CONFIG_SET_LOADING:
        return "LOADING";
    case CONFIG_SET_FAILED: {
        const char *reason = strstr(error, "') - ");
        return reason ? reason + 5 : error;
    }
    default:
        config_release(*config);
        *config = new;
        return "";
    }
}

static const char *set(struct config **config, const char *name, const char *value)
{
    return set_with(config, name, value, nobody);
}

static void check_value(const struct config *config, const char *name, const char *expected)
{
    const struct option *o = option_find(name);
    assert_non_null(o);
    char *value = config_value(config, o);
    assert_string_equal(value, expected);
    free(value);
}

static enum config_outcome load(struct config **config, char **text, int argc, const char *const *argv)
{
    return config_load(argc, (char *const *)argv, -1, config, text);
}

#define LOAD(config, text, ...)                                                                                        \
    load(config, text, sizeof((const char *const[]){"skua-server", __VA_ARGS__}) / sizeof(char *),                     \
         (const char *const[]){"skua-server", __VA_ARGS__})

static char scratch[] = "/tmp/config_test.XXXXXX";
static char path_buffer[64];

static const char *write_file(const char *name, const char *text)
{
    snprintf(path_buffer, sizeof path_buffer, "%s/%s", scratch, name);
    FILE *f = fopen(path_buffer, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    return path_buffer;
}

static char *read_whole(const char *path)
{
    static char text[8192];
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static int make_scratch(void **state) { return mkdtemp(scratch) ? 0 : -1; }

static int remove_scratch(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", scratch);
    return system(command);
}

/* ---- Rows ---- */

static void test_rows(void **state)
{
    for (unsigned i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (o->group)
            continue;
        assert_true(strlen(o->doc) > 10);
        if (o->flags & OPTION_DIRECTIVE)
            continue;
        assert_ptr_equal(option_find(o->name), o);
        if (o->alias)
            assert_ptr_equal(option_find(o->alias), o);
        if (o->here == OPTION_REFUSE)
            assert_non_null(o->why);
    }
}

/* The defaults come out as they stand in the rows, and setting them again is always accepted. */
static void test_defaults(void **state)
{
    struct config *config = config_create();
    for (unsigned i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (!o->type || o->type == &option_type_DIR)
            continue;
        check_value(config, o->name, o->initial);
        if (!(o->flags & (OPTION_IMMUTABLE | OPTION_PROTECTED)))
            assert_string_equal(set(&config, o->name, o->initial), "");
    }
    assert_int_equal(config->port, 6379);
    assert_int_equal(config->maxclients, 10000);
    assert_true(config->protected_mode);
    assert_int_equal(config->bind.count, 2);
    assert_string_equal(config->bind.v[1], "-::*");
    assert_int_equal(config->client_output_buffer_limit[OUTPUT_CLASS_PUBSUB].soft_seconds, 60);
    assert_int_equal(config->save.count, 3);
    config_release(config);
}

static void test_guess(void **state)
{
    assert_string_equal(option_guess("prot"), "port");
    assert_string_equal(option_guess("max-clients"), "maxclients");
    assert_string_equal(option_guess("maxmemory_policy"), "maxmemory-policy");
    assert_null(option_guess("entirely-other-words"));
}

/* ---- Values ---- */

struct value_case {
    const char *name, *value, *error, *shown;
};

static void test_values(void **state)
{
    static const struct value_case cases[] = {
        {"timeout", "abc", "argument couldn't be parsed into an integer", "0"},
        {"timeout", "+3", "argument couldn't be parsed into an integer", "0"},
        {"timeout", "03", "argument couldn't be parsed into an integer", "0"},
        {"port", "99999", "argument must be between 0 and 65535 inclusive", "6379"},
        {"maxclients", "0", "argument must be between 1 and 4294967295 inclusive", "10000"},
        {"maxclients", "-1", "argument must be between 1 and 4294967295 inclusive", "10000"},
        {"proto-max-bulk-len", "5", "argument must be between 1048576 and 9223372036854775807 inclusive", "536870912"},
        {"proto-max-bulk-len", "1.5gb", "argument must be a memory value", "536870912"},
        {"proto-max-bulk-len", "2mb", "", "2097152"},
        {"proto-max-bulk-len", "2m", "", "2000000"},
        {"maxmemory-clients", "200%", "percentage argument must be less or equal to 100", "0"},
        {"maxmemory-clients", "-3", "argument must be a memory or percent value", "0"},
        {"protected-mode", "maybe", "argument must be 'yes' or 'no'", "yes"},
        {"protected-mode", "NO", "", "no"},
        {"sanitize-dump-payload", "x", "argument(s) must be one of the following: no, yes, clients", "no"},
        {"appendfsync", "ALWAYS", "", "always"},
        {"save", "900", "Invalid save parameters", "3600 1 300 100 60 10000"},
        {"save", "900 1 a 3", "Invalid save parameters", "3600 1 300 100 60 10000"},
        {"save", "10 1  20 3", "Invalid save parameters", "3600 1 300 100 60 10000"},
        {"save", "0 1", "Invalid save parameters", "3600 1 300 100 60 10000"},
        {"save", "3600 0", "", "3600 0"},
        {"save", "", "", ""},
        {"bind", "127.0.0.1 -::1", "", "127.0.0.1 -::1"},
        {"bind", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "Too many bind addresses specified.", "127.0.0.1 -::1"},
        {"bind", "", "", ""},
        {"client-output-buffer-limit", "normal 1 2", "Wrong number of arguments in buffer limit configuration.",
         "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
        {"client-output-buffer-limit", "foo 1 2 3", "Invalid client class specified in buffer limit configuration.",
         "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
        {"client-output-buffer-limit", "normal 1 2 -3",
         "Error in hard, soft or soft_seconds setting in buffer limit configuration.",
         "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"},
        {"client-output-buffer-limit", "replica 1mb 2k 3", "",
         "normal 0 0 0 slave 1048576 2000 3 pubsub 33554432 8388608 60"},
        {"notify-keyspace-events", "q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.", ""},
        {"notify-keyspace-events", "KEA", "", "AKE"},
        {"notify-keyspace-events", "Kg$", "", "g$K"},
        {"oom-score-adj-values", "1 2", "wrong number of arguments", "0 200 800"},
        {"oom-score-adj-values", "1 2 2001", "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
         "0 200 800"},
        {"oom-score-adj-values", "1 5 2", "", "1 5 2"},
        {"latency-tracking-info-percentiles", "1 200",
         "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]", "50 99 99.9"},
        {"latency-tracking-info-percentiles", "abc", "Invalid latency-tracking-info-percentiles parameters",
         "50 99 99.9"},
        {"latency-tracking-info-percentiles", "1.25 99.999 0", "", "1.25 99.999 0"},
        {"latency-tracking-info-percentiles", "", "", ""},
        {"shutdown-on-sigint", "nosave save", "shutdown options SAVE and NOSAVE can't be used simultaneously",
         "default"},
        {"shutdown-on-sigint", "", "argument(s) must be one of the following: default, save, nosave, now, force",
         "default"},
        {"shutdown-on-sigint", "force nosave default", "", "nosave force"},
        {"proc-title-template", "{title} {x}", "template format is invalid or contains unknown variables",
         "{title} {listen-addr} {server-mode}"},
        {"proc-title-template", "{title} x }", "", "{title} x }"},
        {"cluster-announce-hostname", "a_b", "Hostnames may only contain alphanumeric characters, hyphens or dots", ""},
        {"hz", "0", "", "1"},
        {"hz", "9000", "", "500"},
        {"databases", "3", "can't set immutable config", "16"},
        {"dbfilename", "x.rdb", "can't set protected config", "dump.rdb"},
        {"slave-priority", "7", "", "7"},
    };
    struct config *config = config_create();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct value_case *c = &cases[i];
        assert_string_equal(set(&config, c->name, c->value), c->error);
        check_value(config, c->name, c->shown);
    }
    assert_int_equal(config->shutdown_on_sigint, ON_SIGNAL_NOSAVE | ON_SIGNAL_FORCE);
    config_release(config);
}

static void test_promises(void **state)
{
    struct config *config = config_create();
    assert_non_null(strstr(set(&config, "maxmemory", "100mb"), "only the default is accepted"));
    assert_string_equal(set(&config, "maxmemory", "abc"), "argument must be a memory value");
    assert_string_equal(set(&config, "maxmemory", "0"), "");
    assert_non_null(strstr(set(&config, "min-replicas-to-write", "1"), "no replicas"));
    assert_string_equal(set(&config, "repl-timeout", "7"), "");
    config_release(config);
}

/* ---- CONFIG SET and GET ---- */

static void test_set_is_atomic(void **state)
{
    struct config *config = config_create(), *new = NULL;
    char error[CONFIG_ERROR_BYTES];
    struct slice bad[] = {slice_str("port"), slice_str("1"), slice_str("slave-priority"), slice_str("x")};
    assert_int_equal(config_with(config, bad, 2, nobody, &new, error), CONFIG_SET_FAILED);
    assert_string_equal(error, "ERR CONFIG SET failed (possibly related to argument 'replica-priority') - argument "
                               "couldn't be parsed into an integer");
    struct slice unknown[] = {slice_str("PORT"), slice_str("1"), slice_str("foo"), slice_str("x")};
    assert_int_equal(config_with(config, unknown, 2, nobody, &new, error), CONFIG_SET_FAILED);
    assert_string_equal(error, "ERR Unknown option or number of arguments for CONFIG SET - 'foo'");
    struct slice twice[] = {slice_str("port"), slice_str("1"), slice_str("PORT"), slice_str("2")};
    assert_int_equal(config_with(config, twice, 2, nobody, &new, error), CONFIG_SET_FAILED);
    assert_string_equal(error, "ERR CONFIG SET failed (possibly related to argument 'PORT') - duplicate parameter");
    struct slice good[] = {slice_str("port"), slice_str("1"), slice_str("requirepass"), slice_str("secret")};
    assert_int_equal(config_with(config, good, 2, nobody, &new, error), CONFIG_SET_DONE);
    assert_int_equal(config->port, 6379);
    assert_string_equal(config->requirepass, "");
    assert_int_equal(new->port, 1);
    assert_string_equal(new->requirepass, "secret");
    config_release(config);
    config_release(new);
}

static void test_set_rights(void **state)
{
    struct config *config;
    char *text;
    assert_int_equal(LOAD(&config, &text, "--enable-protected-configs", "local"), CONFIG_START);
    assert_string_equal(set_with(&config, "dir", "/", (struct config_rights){false, false}),
                        "can't set protected config");
    assert_string_equal(set_with(&config, "dir", "/", (struct config_rights){true, true}), "LOADING");
    assert_string_equal(set_with(&config, "dir", "/nonexistent", (struct config_rights){true, false}),
                        "No such file or directory");
    assert_string_equal(set_with(&config, "dir", "/", (struct config_rights){true, false}), "");
    assert_string_equal(set_with(&config, "dir", "tmp", (struct config_rights){true, false}), "");
    assert_string_equal(config->dir, "/tmp");
    struct slice nul[] = {slice_str("requirepass"), slice_of("a\0b", 3)};
    char error[CONFIG_ERROR_BYTES];
    struct config *new;
    assert_int_equal(config_with(config, nul, 1, nobody, &new, error), CONFIG_SET_FAILED);
    assert_true(config_is_sensitive(slice_str("RequirePass")));
    assert_false(config_is_sensitive(slice_str("port")));
    config_release(config);
}

struct got {
    char text[512];
};

static void collect(void *arg, struct slice name, struct slice value)
{
    struct got *g = arg;
    size_t n = strlen(g->text);
    snprintf(g->text + n, sizeof g->text - n, "%.*s=%.*s;", (int)name.len, name.ptr, (int)value.len, value.ptr);
}

static void check_get(const struct config *config, const char *expected, size_t n, const char *const *patterns)
{
    struct slice slices[4];
    struct got got = {""};
    for (size_t i = 0; i < n; i++)
        slices[i] = slice_str(patterns[i]);
    size_t count = config_get(config, slices, n, collect, &got);
    assert_string_equal(got.text, expected);
    assert_int_equal(config_get(config, slices, n, NULL, NULL), count);
}

#define GET(config, expected, ...)                                                                                     \
    check_get(config, expected, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                           \
              (const char *const[]){__VA_ARGS__})

static void test_get(void **state)
{
    struct config *config = config_create();
    GET(config, "port=6379;", "no", "port", "port", "por*");
    GET(config, "PORT=6379;", "PORT", "p?rt");
    GET(config, "slave-priority=100;", "slave-pri*");
    GET(config, "replica-priority=100;slave-priority=100;", "*-priority");
    GET(config, "hash-seed=;", "hash-seed");
    GET(config, "", "hash-see*");
    GET(config, "", "include", "user", "");
    config_release(config);
}

/* ---- The command line and the file ---- */

static void test_command_line(void **state)
{
    struct config *config;
    char *text;
    assert_int_equal(LOAD(&config, &text, "--port", "7000", "--bind", "127.0.0.1", "-::1", "--save", "900", "1",
                          "--save", "300 ten", "--requirepass", "--x", "--maxclients 5"),
                     CONFIG_REFUSE);
    assert_non_null(strstr(text, ">>> 'save \"300 ten\"'\nInvalid save parameters"));
    free(text);
    assert_int_equal(LOAD(&config, &text, "--port", "7000", "--bind", "127.0.0.1", "-::1", "--save", "900", "1",
                          "--save", "300 10", "--requirepass", "--x", "--maxclients 5"),
                     CONFIG_START);
    assert_int_equal(config->port, 7000);
    check_value(config, "bind", "127.0.0.1 -::1");
    check_value(config, "save", "900 1 300 10");
    assert_string_equal(config->requirepass, "--x");
    assert_int_equal(config->maxclients, 5);
    assert_null(config->file);
    config_release(config);
    assert_int_equal(LOAD(&config, &text, "--save", "--port", "1"), CONFIG_START);
    check_value(config, "save", "");
    config_release(config);
}

static void check_refused(const char *line, const char *expected)
{
    struct config *config;
    char *text;
    assert_int_equal(LOAD(&config, &text, write_file("bad.conf", line)), CONFIG_REFUSE);
    if (!strstr(text, expected))
        fail_msg("%s\nhas not\n%s", text, expected);
    free(text);
}

static void test_file_errors(void **state)
{
    check_refused("# c\nport abc\n", "Reading the configuration file, at line 2\n>>> 'port abc'\n"
                                     "argument couldn't be parsed into an integer\n"
                                     "'port' takes an integer from 0 to 65535. Default: 6379\n");
    check_refused("prot 1", "Bad directive or wrong number of arguments\n"
                            "There is no option 'prot'. Did you mean 'port'?\n");
    check_refused("port 1 2", "wrong number of arguments\n");
    check_refused("port", "wrong number of arguments\n");
    check_refused("port \"1", "Unbalanced quotes in configuration line\n");
    check_refused("loglevel notise", "Did you mean 'notice'?");
    check_refused("dir /nonexistent", "No such file or directory");
    check_refused("include /nonexistent", "Fatal error, can't open config file '/nonexistent': No such file");
    check_refused("include", "Bad directive or wrong number of arguments");
    check_refused("user default on", "'user' is not accepted");
    check_refused("rename-command A B", "'rename-command' is not accepted");
    check_refused("loadmodule x.so", "'loadmodule' is not accepted");
    check_refused("sentinel monitor x", "sentinel directive while not in sentinel mode");
    check_refused("maxmemory 100mb", "only the default is accepted");
    check_refused("cluster-enabled yes", "cluster mode is not supported yet");
    char self[64];
    snprintf(self, sizeof self, "include %s/bad.conf", scratch);
    check_refused(self, "too many files are included");
}

static void test_file(void **state)
{
    struct config *config;
    char *text, main_text[256];
    write_file("one.conf", "timeout 7\nsave 5 5\n");
    snprintf(main_text, sizeof main_text,
             "  PORT 1234 \r\n\n# comment\ninclude %s/one.conf\ninclude %s/none*.conf\nrequirepass \"a\\x41 \\\"b\"\n"
             "list-max-ziplist-entries 3\nslave-priority 3\nsave 6 6\nsave \"7\" '7'\n",
             scratch, scratch);
    assert_int_equal(LOAD(&config, &text, write_file("main.conf", main_text), "--timeout", "8"), CONFIG_START);
    assert_int_equal(config->port, 1234);
    assert_int_equal(config->timeout, 8);
    assert_string_equal(config->requirepass, "aA \"b");
    check_value(config, "save", "5 5 6 6 7 7");
    assert_string_equal(config->file, path_buffer);
    config_release(config);
}

static void test_answers(void **state)
{
    struct config *config;
    char *text;
    assert_int_equal(LOAD(&config, &text, "--version"), CONFIG_ANSWER);
    assert_memory_equal(text, "Skua server v=", 14);
    free(text);
    assert_int_equal(load(&config, &text, 2, (const char *const[]){"/usr/bin/redis-server", "-v"}), CONFIG_ANSWER);
    assert_memory_equal(text, "Redis server v=7.4.", 19);
    free(text);
    assert_int_equal(LOAD(&config, &text, "--help"), CONFIG_ANSWER);
    assert_non_null(strstr(text, "--maxclients 10000"));
    free(text);
    assert_int_equal(LOAD(&config, &text, "--port", "1", "--test-config"), CONFIG_ANSWER);
    free(text);
    assert_int_equal(LOAD(&config, &text, "--port", "x", "--test-config"), CONFIG_REFUSE);
    free(text);
}

/* The sample with all its options taken out of their comments is a good file, and says the defaults. */
static void test_sample(void **state)
{
    struct config *config;
    char *text, *sample;
    unsigned lines = 0;
    assert_int_equal(LOAD(&config, &sample, "--print-sample-config"), CONFIG_ANSWER);
    for (char *p = strchr(sample, '\n'); p; p = strchr(p + 1, '\n'))
        if (p[1] == '#' && strchr("abcdefghijklmnopqrstuvwxyz", p[2]) && p[2]) {
            p[1] = ' ';
            lines++;
        }
    assert_true(lines > 180);
    assert_int_equal(LOAD(&config, &text, write_file("sample.conf", sample)), CONFIG_START);
    for (unsigned i = 0; i < options_count; i++)
        if (options[i].type && options[i].type != &option_type_DIR)
            check_value(config, options[i].name, options[i].initial);
    free(sample);
    config_release(config);
}

static void count_notes(void *arg, const char *line) { ++*(int *)arg; }

static void test_notes(void **state)
{
    struct config *config;
    char *text;
    int notes = 0;
    bool *noted = mem_zalloc(NULL, options_count);
    assert_int_equal(LOAD(&config, &text, "--active-expire-effort", "2", "--save", "", "--port", "1", "--hz", "7"),
                     CONFIG_START);
    config_notes(config, noted, count_notes, &notes);
    assert_int_equal(notes, 2);
    config_release(config);
    /* back at its default, and away from it again */
    assert_int_equal(LOAD(&config, &text, "--port", "1"), CONFIG_START);
    config_notes(config, noted, count_notes, &notes);
    config_release(config);
    assert_int_equal(LOAD(&config, &text, "--active-expire-effort", "2", "--rdbcompression", "no"), CONFIG_START);
    config_notes(config, noted, count_notes, &notes);
    assert_int_equal(notes, 3);
    config_release(config);
    mem_free(NULL, noted);
}

/* ---- REWRITE ---- */

static void test_rewrite(void **state)
{
    struct config *config;
    char *text, expected[1024];
    const char *path = write_file("rewrite.conf", "# head\nport 1\n\n\n\nslave-priority 5\nsave 900 1\nsave 60 2\n"
                                                  "timeout 0\n# tail\ninclude none*\n");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(LOAD(&config, &text, path), CONFIG_START);
    assert_string_equal(set(&config, "port", "2"), "");
    assert_string_equal(set(&config, "save", "30 3"), "");
    assert_string_equal(set(&config, "proto-max-bulk-len", "2097152"), "");
    assert_string_equal(set(&config, "requirepass", "a\"b\n"), "");
    assert_string_equal(set(&config, "client-output-buffer-limit", "replica 1mb 0 0"), "");
    assert_int_equal(config_rewrite(config), 0);
    snprintf(expected, sizeof expected,
             "# head\nport 2\n\nreplica-priority 5\nsave 30 3\n\ntimeout 0\n# tail\ninclude none*\n\n"
             "# Generated by CONFIG REWRITE\nclient-output-buffer-limit replica 1mb 0 0\nproto-max-bulk-len 2mb\n"
             "dir \"%s\"\nrequirepass \"a\\\"b\\n\"\n",
             config->dir);
    assert_string_equal(read_whole(path), expected);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct config *again;
    assert_int_equal(LOAD(&again, &text, path), CONFIG_START);
    for (unsigned i = 0; i < options_count; i++) {
        char *value = options[i].type ? config_value(config, &options[i]) : NULL;
        if (value)
            check_value(again, options[i].name, value);
        free(value);
    }
    /* As with redis-server, the end of the last line is taken for an empty line, but only once, and a place that an
     * option has goes to the first of its values, also if that is the default. */
    snprintf(expected, sizeof expected,
             "# head\nport 2\n\nreplica-priority 5\nsave 30 3\n\ntimeout 0\n# tail\ninclude none*\n\n"
             "# Generated by CONFIG REWRITE\nclient-output-buffer-limit normal 0 0 0\nproto-max-bulk-len 2mb\n"
             "dir \"%s\"\nrequirepass \"a\\\"b\\n\"\n\nclient-output-buffer-limit replica 1mb 0 0\n",
             config->dir);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(config_rewrite(again), 0);
        assert_string_equal(read_whole(path), expected);
        strcat(expected, i == 0 ? "\n" : "");
    }
    config_release(again);
    config_release(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),       cmocka_unit_test(test_defaults),    cmocka_unit_test(test_guess),
        cmocka_unit_test(test_values),     cmocka_unit_test(test_promises),    cmocka_unit_test(test_set_is_atomic),
        cmocka_unit_test(test_set_rights), cmocka_unit_test(test_get),         cmocka_unit_test(test_command_line),
        cmocka_unit_test(test_file),       cmocka_unit_test(test_file_errors), cmocka_unit_test(test_answers),
        cmocka_unit_test(test_sample),     cmocka_unit_test(test_notes),       cmocka_unit_test(test_rewrite),
    };
    return cmocka_run_group_tests(tests, make_scratch, remove_scratch);
}
