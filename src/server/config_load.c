/* The command line, exactly as redis-server takes it: [file] [- for standard input] [--option value ...]. Options
 * become lines that are read after the file's, as if they stood at its end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/server/config_file.h"
#include "src/server/config_help.h"
#include "src/server/config_values.h"
#include "src/server/version.h"

struct command_line {
    const char *file; /* NULL: none */
    bool from_stdin;
    bool test; /* --test-config: read everything, start nothing */
    FILE *options;
};

static bool is_option(const char *arg) { return arg[0] == '-' && arg[1] == '-'; }

/* Whether arg is a name alone, and its values come as arguments of their own ("--port 6379" has both). */
static bool is_name_alone(const char *arg)
{
    int argc;
    char **argv = config_words(slice_str(arg), &argc);
    if (argv)
        config_words_free(argv, argc);
    return argv && argc == 1;
}

/* What follows "--name" is its value even if it begins with "--", but for --save, which older versions took without a
 * value: then it gets an empty one. */
static bool read_option(struct command_line *line, const char *arg, const char *next)
{
    fprintf(line->options, "\n%s ", arg + 2);
    if (!is_name_alone(arg))
        return true;
    if (strcasecmp(arg, "--save") != 0 || (next && !is_option(next)))
        return false;
    fputs("\"\"", line->options);
    return true;
}

static void read_command_line(struct command_line *line, int argc, char *const *argv)
{
    int i = 1;
    bool has_value = true; /* the last option has one, so the next -- begins another */
    if (argc > 1 && argv[1][0] != '-')
        line->file = argv[i++];
    for (; i < argc; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(argv[i], "-") == 0 && !next) {
            line->from_stdin = true;
        } else if (has_value && strcmp(argv[i], "--test-config") == 0) {
            line->test = true;
        } else if (has_value && is_option(argv[i])) {
            has_value = read_option(line, argv[i], next);
        } else {
            option_print_quoted(argv[i], line->options);
            fputc(' ', line->options);
            has_value = true;
        }
    }
}

static bool append_stdin(struct config_reader *r, int fd, FILE *out)
{
    int copy = dup(fd);
    FILE *in = copy < 0 ? NULL : fdopen(copy, "r");
    bool good = in && config_file_copy(in, out);
    if (!good)
        fprintf(r->error, "Fatal error, can't read the configuration from standard input: %s\n", strerror(errno));
    if (in)
        fclose(in);
    else if (copy >= 0)
        close(copy);
    return good;
}

/* Everything that is to be read, in order, as one text: line numbers go on from the file to the options. */
static bool read_all(struct config_reader *r, const struct command_line *line, int stdin_fd, struct slice options_text)
{
    char *text = NULL, *cwd = option_copy_text(r->config->dir);
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    ASSERT(out);
    bool good = (!line->file || config_file_load(r, line->file, cwd, out)) &&
                (!line->from_stdin || append_stdin(r, stdin_fd, out));
    fwrite(options_text.ptr, 1, options_text.len, out);
    fclose(out);
    good = good && config_file_read(r, slice_of(text, bytes), NULL);
    if (good && line->file) {
        char *path;
        ASSERT(asprintf(&path, "%s%s%s", *line->file == '/' ? "" : cwd, *line->file == '/' ? "" : "/", line->file) >=
               0);
        r->config->file = option_copy_text(path);
        free(path);
    }
    mem_free(NULL, cwd);
    free(text);
    return good;
}

static enum config_outcome load(int argc, char *const *argv, int stdin_fd, const char *product, struct config **config,
                                FILE *answer)
{
    char *options_text = NULL;
    size_t bytes;
    struct command_line line = {.options = open_memstream(&options_text, &bytes)};
    ASSERT(line.options);
    read_command_line(&line, argc, argv);
    fclose(line.options);
    struct config_reader r = {.config = config_create(), .product = product, .error = answer};
    enum config_outcome outcome = CONFIG_REFUSE;
    if (read_all(&r, &line, stdin_fd, slice_of(options_text, bytes)))
        outcome = line.test ? CONFIG_ANSWER : CONFIG_START;
    if (outcome == CONFIG_ANSWER)
        fputs("The configuration is good.\n", answer);
    if (outcome == CONFIG_START)
        *config = r.config;
    else
        config_release(r.config);
    free(options_text);
    return outcome;
}

enum config_outcome config_load(int argc, char *const *argv, int stdin_fd, struct config **config, char **text)
{
    size_t bytes;
    FILE *answer = open_memstream(text, &bytes);
    ASSERT(answer);
    enum config_outcome outcome = CONFIG_ANSWER;
    bool as_redis = config_is_redis(argc > 0 ? argv[0] : "");
    if (argc < 2 || !config_help(argv[1], as_redis, answer))
        outcome = load(argc, argv, stdin_fd, as_redis ? "Redis " REDIS_VERSION : "Skua " SKUA_VERSION, config, answer);
    fclose(answer);
    if (outcome == CONFIG_START) {
        free(*text);
        *text = NULL;
    }
    return outcome;
}
