#include "src/server/config_file.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/base/split.h"
#include "src/server/config_values.h"

/* ---- Words ---- */

struct slice config_trim(struct slice line)
{
    static const char space[] = " \t\r\n";
    while (line.len > 0 && line.ptr[0] != '\0' && strchr(space, line.ptr[0]))
        line = slice_of(line.ptr + 1, line.len - 1);
    while (line.len > 0 && line.ptr[line.len - 1] != '\0' && strchr(space, line.ptr[line.len - 1]))
        line.len--;
    return line;
}

char **config_words(struct slice line, int *argc)
{
    size_t pos = 0, cap = 8;
    char **argv = mem_alloc(NULL, cap * sizeof *argv);
    struct split_word word;
    enum split_status status;
    *argc = 0;
    while ((status = split_next(line, &pos, &word)) == SPLIT_WORD) {
        if ((size_t)*argc == cap)
            argv = mem_realloc(NULL, argv, (cap *= 2) * sizeof *argv);
        char *text = mem_alloc(NULL, word.raw.len + 1);
        size_t len = word.raw.len;
        if (word.quoted)
            len = split_unquote(word.raw, text);
        else
            memcpy(text, word.raw.ptr, len);
        text[len] = '\0';
        argv[(*argc)++] = text;
    }
    if (status == SPLIT_END)
        return argv;
    config_words_free(argv, *argc);
    return NULL;
}

void config_words_free(char **argv, int argc)
{
    for (int i = 0; i < argc; i++)
        mem_free(NULL, argv[i]);
    mem_free(NULL, argv);
}

/* ---- One line ---- */

static bool is_seen(struct config_reader *r, const struct option *o)
{
    size_t i = (size_t)(o - options);
    ASSERT(i / 64 < sizeof r->seen / sizeof r->seen[0]);
    bool seen = r->seen[i / 64] >> (i % 64) & 1;
    r->seen[i / 64] |= UINT64_C(1) << (i % 64);
    return seen;
}

/* Options of old versions that nothing depends on any more. */
static bool is_outlived(const char *name, int argc)
{
    static const char *const names[] = {"list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (argc == 2 && strcasecmp(name, names[i]) == 0)
            return true;
    return false;
}

/* What a mistake in a value is followed by: what would be right. */
static void explain_value(const struct option *o, const char *value, char *text, size_t bytes)
{
    FILE *out = fmemopen(text, bytes, "w");
    ASSERT(out);
    fprintf(out, "'%s' takes ", o->name);
    option_print_accepted(o, out);
    char *guess = value ? option_guess_word(o, value) : NULL;
    if (guess && strcasecmp(guess, value) != 0)
        fprintf(out, ". Did you mean '%s'?", guess);
    else if (*o->initial)
        fprintf(out, ". Default: %s", o->initial);
    free(guess);
    fclose(out);
}

static void explain_name(const char *name, char *text, size_t bytes)
{
    const char *guess = option_guess(name);
    if (guess)
        snprintf(text, bytes, "There is no option '%s'. Did you mean '%s'?", name, guess);
    else
        snprintf(text, bytes, "There is no option '%s', nor one with a similar name.", name);
}

static bool include(struct config_reader *r, const char *path)
{
    char *text = NULL;
    size_t bytes;
    if (r->includes++ == CONFIG_INCLUDES_MAX) {
        fprintf(r->error, "Fatal error, can't open config file '%s': too many files are included\n", path);
        return false;
    }
    FILE *out = open_memstream(&text, &bytes);
    ASSERT(out);
    bool good = config_file_load(r, path, r->config->dir, out);
    fclose(out);
    good = good && config_file_read(r, slice_of(text, bytes), path);
    free(text);
    return good;
}

enum line_outcome { LINE_GOOD, LINE_BAD, LINE_REPORTED /* bad, and r->error says so */ };

struct line_error {
    char reason[OPTION_ERROR_BYTES];
    char help[1024]; /* may be empty */
};

static enum line_outcome read_directive(struct config_reader *r, const struct option *o, int argc, char **argv,
                                        struct line_error *e)
{
    if (argc < o->args_min || (o->here == OPTION_WORKS && argc > o->args_min)) {
        strcpy(e->reason, "Bad directive or wrong number of arguments");
        return LINE_BAD;
    }
    if (o->here == OPTION_WORKS) /* only include does */
        return include(r, argv[1]) ? LINE_GOOD : LINE_REPORTED;
    snprintf(e->reason, sizeof e->reason, "'%s' is not accepted: this build can't do what it asks for", o->name);
    return LINE_BAD;
}

static enum line_outcome read_words(struct config_reader *r, int argc, char **argv, struct line_error *e)
{
    const struct option *o = option_find(argv[0]);
    e->help[0] = '\0';
    if (o) {
        const char *const *values = (const char *const *)argv + 1;
        if (config_parse(r->config, o, argc - 1, values, is_seen(r, o), e->reason))
            return LINE_GOOD;
        explain_value(o, argc > 1 ? argv[1] : NULL, e->help, sizeof e->help);
        return LINE_BAD;
    }
    if (is_outlived(argv[0], argc))
        return LINE_GOOD;
    if ((o = option_find_directive(argv[0])))
        return read_directive(r, o, argc, argv, e);
    if (strcasecmp(argv[0], "sentinel") == 0) {
        strcpy(e->reason, "sentinel directive while not in sentinel mode");
        return LINE_BAD;
    }
    strcpy(e->reason, "Bad directive or wrong number of arguments");
    explain_name(argv[0], e->help, sizeof e->help);
    return LINE_BAD;
}

static enum line_outcome read_line(struct config_reader *r, struct slice line, struct line_error *e)
{
    int argc;
    char **argv = config_words(line, &argc);
    if (!argv) {
        strcpy(e->reason, "Unbalanced quotes in configuration line");
        e->help[0] = '\0';
        return LINE_BAD;
    }
    enum line_outcome outcome = argc == 0 ? LINE_GOOD : read_words(r, argc, argv, e);
    config_words_free(argv, argc);
    return outcome;
}

/* ---- Files ---- */

bool config_file_read(struct config_reader *r, struct slice text, const char *file)
{
    struct line_error e;
    size_t pos = 0;
    for (unsigned number = 1; pos < text.len; number++) {
        const char *start = text.ptr + pos, *end = memchr(start, '\n', text.len - pos);
        size_t len = end ? (size_t)(end - start) : text.len - pos;
        pos += len + 1;
        struct slice line = config_trim(slice_of(start, len));
        if (line.len == 0 || line.ptr[0] == '#')
            continue;
        enum line_outcome outcome = read_line(r, line, &e);
        if (outcome == LINE_GOOD)
            continue;
        if (outcome == LINE_REPORTED)
            return false;
        fprintf(r->error, "\n*** FATAL CONFIG FILE ERROR (%s) ***\nReading the configuration file%s%s, at line %u\n",
                r->product, file ? " " : "", file ? file : "", number);
        fprintf(r->error, ">>> '%.*s'\n%s\n%s%s", (int)line.len, line.ptr, e.reason, e.help, e.help[0] ? "\n" : "");
        return false;
    }
    return true;
}

bool config_file_copy(FILE *in, FILE *out)
{
    char buffer[4096];
    size_t n, total = 0;
    while ((n = fread(buffer, 1, sizeof buffer, in)) > 0) {
        total += n;
        if (total > CONFIG_FILE_BYTES_MAX) {
            errno = EFBIG;
            return false;
        }
        fwrite(buffer, 1, n, out);
    }
    return !ferror(in);
}

static bool append_file(struct config_reader *r, const char *path, FILE *out)
{
    FILE *in = fopen(path, "r");
    bool good = in && config_file_copy(in, out);
    if (!good)
        fprintf(r->error, "Fatal error, can't open config file '%s': %s\n", path, strerror(errno));
    if (in)
        fclose(in);
    return good;
}

bool config_file_load(struct config_reader *r, const char *path, const char *directory, FILE *out)
{
    char *joined;
    if (asprintf(&joined, "%s%s%s", *path == '/' ? "" : directory, *path == '/' ? "" : "/", path) < 0)
        return false;
    bool good = true;
    if (!strpbrk(path, "*?[")) {
        good = append_file(r, joined, out);
    } else {
        glob_t found;
        if (glob(joined, 0, NULL, &found) == 0) {
            for (size_t i = 0; good && i < found.gl_pathc; i++)
                good = append_file(r, found.gl_pathv[i], out);
            globfree(&found);
        }
    }
    free(joined);
    return good;
}
