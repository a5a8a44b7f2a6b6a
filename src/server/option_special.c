/* The types of options that have a form of their own: bind, save, client-output-buffer-limit and a few more. Errors are
 * in Redis's words. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/server/config.h"
#include "src/server/option_values.h"

static bool fail(char *error, const char *text)
{
    snprintf(error, OPTION_ERROR_BYTES, "%s", text);
    return false;
}

/* "" alone stands for no words. */
static bool is_nothing(int argc, const char *const *argv) { return argc == 0 || (argc == 1 && argv[0][0] == '\0'); }

/* ---- bind ---- */

static void bind_free(void *field)
{
    struct bind_addresses *b = field;
    for (uint32_t i = 0; i < b->count; i++)
        mem_free(NULL, b->v[i]);
    b->count = 0;
}

static void bind_own(void *field)
{
    struct bind_addresses *b = field;
    for (uint32_t i = 0; i < b->count; i++)
        b->v[i] = option_copy_text(b->v[i]);
}

static bool bind_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    struct bind_addresses *b = field;
    if (argc > BIND_ADDRESSES_MAX)
        return fail(error, "Too many bind addresses specified.");
    bind_free(b);
    if (is_nothing(argc, argv))
        return true;
    for (int i = 0; i < argc; i++)
        b->v[i] = option_copy_text(argv[i]);
    b->count = (uint32_t)argc;
    return true;
}

static void bind_print(const struct option *o, const void *field, FILE *out)
{
    const struct bind_addresses *b = field;
    for (uint32_t i = 0; i < b->count; i++)
        fprintf(out, "%s%s", i ? " " : "", b->v[i]);
}

/* The default has no line: it may differ from version to version. */
static bool bind_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    const struct bind_addresses *b = field;
    bool is_default = b->count == 2 && strcmp(b->v[0], "*") == 0 && strcmp(b->v[1], "-::*") == 0;
    if (i > 0 || is_default)
        return false;
    b->count ? bind_print(o, field, out) : fputs("\"\"", out);
    return true;
}

const struct option_type option_type_BIND = {
    .parse = bind_parse, .print = bind_print, .print_line = bind_print_line, .own = bind_own, .free = bind_free};

/* ---- client-output-buffer-limit ---- */

static const char *const class_names[OUTPUT_CLASS_COUNT] = {"normal", "slave", "pubsub"};

static int find_class(const char *name)
{
    if (strcasecmp(name, "replica") == 0)
        return OUTPUT_CLASS_REPLICA;
    for (int i = 0; i < OUTPUT_CLASS_COUNT; i++)
        if (strcasecmp(name, class_names[i]) == 0)
            return i;
    return -1;
}

static bool limits_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    struct output_limit limits[OUTPUT_CLASS_COUNT];
    memcpy(limits, field, sizeof limits);
    if (is_nothing(argc, argv))
        argc = 0;
    if (argc % 4 != 0)
        return fail(error, "Wrong number of arguments in buffer limit configuration.");
    for (int i = 0; i < argc; i += 4) {
        int class = find_class(argv[i]);
        if (class < 0)
            return fail(error, "Invalid client class specified in buffer limit configuration.");
        struct output_limit *l = &limits[class];
        char *end;
        l->soft_seconds = strtoll(argv[i + 3], &end, 10);
        if (!num_parse_bytes(slice_str(argv[i + 1]), &l->hard_bytes) ||
            !num_parse_bytes(slice_str(argv[i + 2]), &l->soft_bytes) || l->soft_seconds < 0 || *end != '\0')
            return fail(error, "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
    memcpy(field, limits, sizeof limits);
    return true;
}

static void limits_print(const struct option *o, const void *field, FILE *out)
{
    const struct output_limit *l = field;
    for (int i = 0; i < OUTPUT_CLASS_COUNT; i++)
        fprintf(out, "%s%s %llu %llu %lld", i ? " " : "", class_names[i], (unsigned long long)l[i].hard_bytes,
                (unsigned long long)l[i].soft_bytes, (long long)l[i].soft_seconds);
}

static bool limits_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    const struct output_limit *l = (const struct output_limit *)field + i;
    if (i >= OUTPUT_CLASS_COUNT)
        return false;
    fprintf(out, "%s ", i == OUTPUT_CLASS_REPLICA ? "replica" : class_names[i]);
    option_print_bytes(l->hard_bytes, out);
    fputc(' ', out);
    option_print_bytes(l->soft_bytes, out);
    fprintf(out, " %lld", (long long)l->soft_seconds);
    return true;
}

const struct option_type option_type_OUTPUT_LIMITS = {
    .parse = limits_parse, .print = limits_print, .print_line = limits_print_line};

/* ---- save ---- */

static void save_free(void *field)
{
    struct save_points *s = field;
    mem_free(NULL, s->v);
    *s = (struct save_points){0, NULL};
}

static void save_own(void *field)
{
    struct save_points *s = field;
    struct save_point *v = s->count ? mem_alloc(NULL, s->count * sizeof *v) : NULL;
    if (v)
        memcpy(v, s->v, s->count * sizeof *v);
    s->v = v;
}

static bool read_save_point(const char *const *argv, struct save_point *p)
{
    char *end_seconds, *end_changes;
    p->seconds = strtoll(argv[0], &end_seconds, 10);
    p->changes = strtoll(argv[1], &end_changes, 10);
    return *end_seconds == '\0' && *end_changes == '\0' && p->seconds >= 1 && p->changes >= 0;
}

static bool save_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    struct save_points *s = field, old = {add ? s->count : 0, s->v};
    bool nothing = is_nothing(argc, argv);
    if (nothing)
        argc = 0;
    /* An empty line also takes back what earlier lines added. */
    uint32_t kept = nothing ? 0 : old.count, n = (uint32_t)argc / 2;
    struct save_points new = {kept + n, NULL};
    if (new.count > 0)
        new.v = mem_alloc(NULL, new.count * sizeof *new.v);
    if (kept > 0)
        memcpy(new.v, old.v, kept * sizeof *new.v);
    bool good = argc % 2 == 0;
    for (uint32_t i = 0; good && i < n; i++)
        good = read_save_point(&argv[i * 2], &new.v[kept + i]);
    if (!good) {
        save_free(&new);
        return fail(error, "Invalid save parameters");
    }
    save_free(s);
    *s = new;
    return true;
}

static void save_print(const struct option *o, const void *field, FILE *out)
{
    const struct save_points *s = field;
    for (uint32_t i = 0; i < s->count; i++)
        fprintf(out, "%s%lld %lld", i ? " " : "", (long long)s->v[i].seconds, (long long)s->v[i].changes);
}

static bool save_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    const struct save_points *s = field;
    if (i >= s->count && (i > 0 || s->count > 0))
        return false;
    if (s->count == 0)
        fputs("\"\"", out);
    else
        fprintf(out, "%lld %lld", (long long)s->v[i].seconds, (long long)s->v[i].changes);
    return true;
}

const struct option_type option_type_SAVE = {
    .parse = save_parse, .print = save_print, .print_line = save_print_line, .own = save_own, .free = save_free};

/* ---- oom-score-adj-values ---- */

enum { OOM_SCORE_MAX = 2000 };

static bool oom_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    int values[OOM_VALUES_COUNT];
    if (argc != OOM_VALUES_COUNT)
        return fail(error, "wrong number of arguments");
    for (int i = 0; i < argc; i++) {
        char *end;
        errno = 0;
        long v = strtol(argv[i], &end, 10);
        if (errno != 0 || *end != '\0' || v < -OOM_SCORE_MAX || v > OOM_SCORE_MAX)
            return fail(error, "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
        values[i] = (int)v;
    }
    memcpy(field, values, sizeof values);
    return true;
}

static void oom_print(const struct option *o, const void *field, FILE *out)
{
    const int *v = field;
    fprintf(out, "%d %d %d", v[0], v[1], v[2]);
}

const struct option_type option_type_OOM_VALUES = {.parse = oom_parse, .print = oom_print};

/* ---- Kept as canonical text ---- */

#define TEXT_TYPE(fn)                                                                                                  \
    {                                                                                                                  \
        .parse = fn, .print = option_text_print, .print_line = option_text_print_line, .own = option_text_own,         \
        .free = option_text_free                                                                                       \
    }

/* notify-keyspace-events: letters in Redis's order, A for all kinds at once; n and m are not among those. */
static bool events_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    static const char order[] = "g$lshzxetdnKEm", all[] = "g$lshzxetd";
    enum { ALL_COUNT = sizeof all - 1, COUNT = sizeof order - 1, ALL = (1 << ALL_COUNT) - 1 };
    unsigned bits = 0;
    for (const char *p = argv[0]; *p; p++) {
        const char *at = strchr(order, *p);
        if (!at && *p != 'A')
            return fail(error, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        bits |= at ? 1u << (at - order) : ALL;
    }
    char text[COUNT + 1], *end = text;
    bool has_all = (bits & ALL) == ALL;
    if (has_all)
        *end++ = 'A';
    for (int i = has_all ? ALL_COUNT : 0; i < COUNT; i++)
        if (bits & (1u << i))
            *end++ = order[i];
    *end = '\0';
    option_set_text(field, text);
    return true;
}

/* An empty text is written, too: it is how notifications are turned off. */
static bool events_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    if (i > 0)
        return false;
    option_print_quoted(*(char *const *)field, out);
    return true;
}

const struct option_type option_type_EVENTS = {.parse = events_parse,
                                               .print = option_text_print,
                                               .print_line = events_print_line,
                                               .own = option_text_own,
                                               .free = option_text_free};

static bool percentiles_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add,
                              char *error)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    bool good = out != NULL;
    if (is_nothing(argc, argv))
        argc = 0;
    for (int i = 0; good && i < argc; i++) {
        double v;
        good = num_parse_double(slice_str(argv[i]), &v);
        if (!good)
            fail(error, "Invalid latency-tracking-info-percentiles parameters");
        else if (!(v >= 0 && v <= 100))
            good = fail(error, "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]");
        else
            fprintf(out, "%s%.10g", i ? " " : "", v);
    }
    if (out)
        fclose(out);
    if (good)
        option_set_text(field, text);
    free(text);
    return good;
}

static bool percentiles_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    const char *text = *(char *const *)field;
    if (i > 0)
        return false;
    fputs(*text ? text : "\"\"", out);
    return true;
}

const struct option_type option_type_PERCENTILES = {.parse = percentiles_parse,
                                                    .print = option_text_print,
                                                    .print_line = percentiles_print_line,
                                                    .own = option_text_own,
                                                    .free = option_text_free};

/* replicaof host port, or "no one", which is the same as not saying it. The text is "host port". */
static bool replicaof_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add,
                            char *error)
{
    char text[HOST_NAME_MAX + 8] = "";
    int64_t port;
    if (argc != 2 && !is_nothing(argc, argv))
        return fail(error, "wrong number of arguments");
    if (argc == 2 && (strcasecmp(argv[0], "no") != 0 || strcasecmp(argv[1], "one") != 0)) {
        if (!num_parse_i64(slice_str(argv[1]), &port) || port < 0 || port > UINT16_MAX)
            return fail(error, "Invalid master port");
        if (snprintf(text, sizeof text, "%s %d", argv[0], (int)port) >= (int)sizeof text)
            return fail(error, "Invalid master host");
    }
    option_set_text(field, text);
    return true;
}

static bool replicaof_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    const char *text = *(char *const *)field;
    if (i > 0 || *text == '\0')
        return false;
    fputs(text, out);
    return true;
}

const struct option_type option_type_REPLICAOF = {.parse = replicaof_parse,
                                                  .print = option_text_print,
                                                  .print_line = replicaof_print_line,
                                                  .own = option_text_own,
                                                  .free = option_text_free};

/* dir: the absolute path of a directory that could be changed to. A relative one counts from the value so far, as it
 * would if the directory were changed at once. */
static bool dir_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    char *joined, *path;
    struct stat st;
    bool good = false;
    if (argv[0][0] == '\0')
        return fail(error, strerror(ENOENT));
    if (asprintf(&joined, "%s/%s", argv[0][0] == '/' ? "" : *(char **)field, argv[0]) < 0)
        return fail(error, strerror(ENOMEM));
    path = realpath(joined, NULL);
    if (!path || stat(path, &st) != 0)
        fail(error, strerror(errno));
    else if (!S_ISDIR(st.st_mode))
        fail(error, strerror(ENOTDIR));
    else if (access(path, X_OK) != 0)
        fail(error, strerror(errno));
    else
        good = true;
    if (good)
        option_set_text(field, path);
    free(path);
    free(joined);
    return good;
}

const struct option_type option_type_DIR = TEXT_TYPE(dir_parse);
