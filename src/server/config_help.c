#include "src/server/config_help.h"

#include <string.h>

#include "src/server/config_values.h"
#include "src/server/version.h"

enum { LINE_COLUMNS = 100, HELP_INDENT = 6 };

bool config_is_redis(const char *argv0)
{
    const char *slash = strrchr(argv0, '/');
    return strcmp(slash ? slash + 1 : argv0, "redis-server") == 0;
}

/* Breaks text into lines that begin with prefix. */
static void print_wrapped(const char *text, const char *prefix, FILE *out)
{
    size_t column = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (column > 0 && column + 1 + len > LINE_COLUMNS) {
            fputc('\n', out);
            column = 0;
        }
        column += (size_t)fprintf(out, "%s%.*s", column == 0 ? prefix : " ", (int)len, text);
        text += len + (text[len] == ' ');
    }
    fputc('\n', out);
}

static void print_here(const struct option *o, const char *prefix, FILE *out)
{
    static const char *const texts[] = {
        [OPTION_WORKS] = NULL,
        [OPTION_PENDING] = "Kept, but without effect in this version.",
        [OPTION_PROMISE] = "Not in this version: any other value than the default is refused.",
        [OPTION_NOOP] = "Has no effect here.",
        [OPTION_KEPT] = "Kept; takes effect with replication or a cluster.",
        [OPTION_REFUSE] = "Any other value than the default is refused.",
    };
    bool value = !(o->flags & OPTION_DIRECTIVE);
    if (o->here == OPTION_WORKS || (!value && o->here == OPTION_REFUSE))
        return;
    print_wrapped(value ? texts[o->here] : "Not in this version: refused.", prefix, out);
}

/* The default as lines of the file. */
static void print_initial(const struct option *o, const struct config *defaults, FILE *out)
{
    unsigned lines = 0;
    bool more = o->type->print_line && o->type != &option_type_DIR;
    while (more) {
        char text[256];
        FILE *line = fmemopen(text, sizeof text, "w");
        if (!line)
            return;
        more = o->type->print_line(o, config_field(defaults, o), lines, line);
        fclose(line);
        if (more)
            fprintf(out, "#%s %s\n", o->name, text);
        lines += more;
    }
    if (lines == 0) /* a value that is the same as no line, or has no form of its own for files */
        fprintf(out, "#%s %s\n", o->name, o->type == &option_type_DIR ? "." : *o->initial ? o->initial : "\"\"");
}

static void print_takes(const struct option *o, FILE *out)
{
    char text[512];
    FILE *line = fmemopen(text, sizeof text, "w");
    if (!line)
        return;
    fputs("Takes ", line);
    option_print_accepted(o, line);
    fputs(o->flags & OPTION_IMMUTABLE ? ". Only at start." : ".", line);
    fclose(line);
    print_wrapped(text, "# ", out);
}

static void print_sample(FILE *out)
{
    struct config *defaults = config_create();
    fprintf(out, "# Configuration of skua-server. Start it with: skua-server /path/to/this/file\n#\n"
                 "# Every option is listed with its default. To change one, take the # before its name away.\n"
                 "# This file is generated from the server's options: skua-server --print-sample-config\n"
                 "#\n# A number of bytes may have a unit: 1k is 1000 bytes, 1kb is 1024, and so on with m, mb, g, gb.\n"
                 "# Texts with spaces stand in quotes.\n");
    for (unsigned i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (o->group) {
            fprintf(out, "\n################ %s ################\n", o->group);
            print_wrapped(o->doc, "# ", out);
        }
        if (o->flags & OPTION_HIDDEN)
            continue;
        fputc('\n', out);
        print_wrapped(o->doc, "# ", out);
        print_here(o, "# ", out);
        if (o->type) {
            print_takes(o, out);
            print_initial(o, defaults, out);
        }
    }
    config_release(defaults);
}

static void print_options(FILE *out)
{
    for (unsigned i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (o->group)
            fprintf(out, "\n%s\n", o->group);
        if (o->flags & (OPTION_HIDDEN | OPTION_DIRECTIVE))
            continue;
        fprintf(out, "  --%s %s\n", o->name, *o->initial ? o->initial : "\"\"");
        print_wrapped(o->doc, "      ", out);
        print_here(o, "      ", out);
    }
}

static void print_usage(bool as_redis, FILE *out)
{
    const char *name = as_redis ? "redis-server" : "skua-server";
    fprintf(out,
            "Usage: ./%1$s [/path/to/skua.conf] [options] [-]\n"
            "       ./%1$s - (read config from stdin)\n"
            "       ./%1$s -v or --version\n"
            "       ./%1$s -h or --help\n"
            "       ./%1$s [/path/to/skua.conf] [options] --test-config\n"
            "       ./%1$s --print-sample-config\n"
            "       ./%1$s --check-aof [--fix] [--truncate-to-timestamp $timestamp] <directory|file>\n"
            "\nExamples:\n"
            "       ./%1$s (run the server with default conf)\n"
            "       echo 'maxclients 100' | ./%1$s -\n"
            "       ./%1$s /etc/skua/6379.conf\n"
            "       ./%1$s --port 7777\n"
            "       ./%1$s /etc/skua/skua.conf --loglevel verbose -\n"
            "\nOptions, with their defaults:\n",
            name);
    print_options(out);
}

bool config_help(const char *arg, bool as_redis, FILE *out)
{
    if (strcmp(arg, "-v") == 0 || strcmp(arg, "--version") == 0) {
        if (as_redis)
            fprintf(out, "Redis server v=%s sha=00000000:0 malloc=mimalloc bits=64 build=skua-%s\n", REDIS_VERSION,
                    SKUA_VERSION);
        else
            fprintf(out, "Skua server v=%s redis=%s malloc=mimalloc bits=64\n", SKUA_VERSION, REDIS_VERSION);
    } else if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0) {
        print_usage(as_redis, out);
    } else if (strcmp(arg, "--print-sample-config") == 0) {
        print_sample(out);
    } else {
        return false;
    }
    return true;
}
