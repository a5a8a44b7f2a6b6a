/* The plain types of options: numbers, yes or no, words out of a list, texts. Errors are in Redis's words. */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/server/option_values.h"

static void copy_error(char *error, const char *text) { snprintf(error, OPTION_ERROR_BYTES, "%s", text); }

/* ---- yes or no ---- */

static bool bool_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    bool yes = strcasecmp(argv[0], "yes") == 0;
    if (!yes && strcasecmp(argv[0], "no") != 0) {
        copy_error(error, "argument must be 'yes' or 'no'");
        return false;
    }
    *(bool *)field = yes;
    return true;
}

static void bool_print(const struct option *o, const void *field, FILE *out)
{
    fputs(*(const bool *)field ? "yes" : "no", out);
}

const struct option_type option_type_BOOL = {.parse = bool_parse, .print = bool_print};

/* ---- Numbers ---- */

/* Whether v, which was read as signed or unsigned as the range is, lies in the option's range. */
static bool in_range(const struct option *o, int64_t v, char *error)
{
    if (o->min < 0) {
        if (v >= o->min && v <= (int64_t)o->max)
            return true;
        if (o->type == &option_type_PERCENT && v < 0)
            snprintf(error, OPTION_ERROR_BYTES, "percentage argument must be less or equal to %lld",
                     (long long)-o->min);
        else
            snprintf(error, OPTION_ERROR_BYTES, "argument must be between %lld and %lld inclusive", (long long)o->min,
                     (long long)o->max);
        return false;
    }
    if ((uint64_t)v >= (uint64_t)o->min && (uint64_t)v <= o->max)
        return true;
    const char *format = o->type == &option_type_OCTAL ? "argument must be between %llo and %llo inclusive"
                                                       : "argument must be between %llu and %llu inclusive";
    snprintf(error, OPTION_ERROR_BYTES, format, (unsigned long long)o->min, (unsigned long long)o->max);
    return false;
}

static bool int_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    int64_t v;
    if (!num_parse_i64(slice_str(argv[0]), &v)) {
        copy_error(error, "argument couldn't be parsed into an integer");
        return false;
    }
    if (!in_range(o, v, error))
        return false;
    *(int64_t *)field = v;
    return true;
}

static void int_print(const struct option *o, const void *field, FILE *out)
{
    fprintf(out, "%lld", (long long)*(const int64_t *)field);
}

const struct option_type option_type_INT = {.parse = int_parse, .print = int_print};

enum { HZ_MIN = 1, HZ_MAX = 500 };

/* Redis takes any number here and moves it to the nearest that it can use. */
static bool hz_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    int64_t *v = field;
    if (!int_parse(o, field, argc, argv, add, error))
        return false;
    *v = *v < HZ_MIN ? HZ_MIN : *v > HZ_MAX ? HZ_MAX : *v;
    return true;
}

const struct option_type option_type_HZ = {.parse = hz_parse, .print = int_print};

static bool octal_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    char *end;
    errno = 0;
    long long v = strtoll(argv[0], &end, 8);
    if (errno != 0 || *end != '\0') {
        copy_error(error, "argument couldn't be parsed as an octal number");
        return false;
    }
    if (!in_range(o, v, error))
        return false;
    *(int64_t *)field = v;
    return true;
}

static void octal_print(const struct option *o, const void *field, FILE *out)
{
    fprintf(out, "%llo", (unsigned long long)*(const int64_t *)field);
}

const struct option_type option_type_OCTAL = {.parse = octal_parse, .print = octal_print};

static bool memory_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    uint64_t v;
    if (!num_parse_bytes(slice_str(argv[0]), &v)) {
        copy_error(error, "argument must be a memory value");
        return false;
    }
    if (!in_range(o, (int64_t)v, error))
        return false;
    *(uint64_t *)field = v;
    return true;
}

static void memory_print(const struct option *o, const void *field, FILE *out)
{
    fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
}

/* In a file bytes have the largest unit that divides them. */
static bool memory_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    if (i > 0)
        return false;
    option_print_bytes(*(const uint64_t *)field, out);
    return true;
}

void option_print_bytes(uint64_t bytes, FILE *out)
{
    static const struct {
        const char *name;
        unsigned bits;
    } units[] = {{"gb", 30}, {"mb", 20}, {"kb", 10}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (bytes == 0 || bytes & ((UINT64_C(1) << units[i].bits) - 1))
            continue;
        fprintf(out, "%llu%s", (unsigned long long)(bytes >> units[i].bits), units[i].name);
        return;
    }
    fprintf(out, "%llu", (unsigned long long)bytes);
}

const struct option_type option_type_MEMORY = {
    .parse = memory_parse, .print = memory_print, .print_line = memory_print_line};

static bool percent_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    size_t len = strlen(argv[0]);
    uint64_t bytes;
    int64_t v;
    if (num_parse_bytes(slice_str(argv[0]), &bytes)) {
        v = (int64_t)bytes;
    } else if (len > 1 && argv[0][len - 1] == '%' && num_parse_i64(slice_of(argv[0], len - 1), &v) && v >= 0) {
        v = -v;
    } else {
        copy_error(error, "argument must be a memory or percent value");
        return false;
    }
    if (!in_range(o, v, error))
        return false;
    *(int64_t *)field = v;
    return true;
}

static void percent_print(const struct option *o, const void *field, FILE *out)
{
    int64_t v = *(const int64_t *)field;
    v < 0 ? fprintf(out, "%lld%%", (long long)-v) : fprintf(out, "%lld", (long long)v);
}

static bool percent_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    int64_t v = *(const int64_t *)field;
    if (i > 0)
        return false;
    v < 0 ? percent_print(o, field, out) : option_print_bytes((uint64_t)v, out);
    return true;
}

const struct option_type option_type_PERCENT = {
    .parse = percent_parse, .print = percent_print, .print_line = percent_print_line};

/* ---- Words ---- */

/* The position of word in o->words, or -1 with an error. */
static int find_word(const struct option *o, const char *word, char *error)
{
    int i = 0;
    for (const char *p = o->words; *p; i++) {
        size_t len = strcspn(p, "|");
        if (slice_is(slice_of(p, len), word))
            return i;
        p += len + (p[len] == '|');
    }
    int n = snprintf(error, OPTION_ERROR_BYTES, "argument(s) must be one of the following: ");
    for (const char *p = o->words; *p && n + 3 < OPTION_ERROR_BYTES; p++)
        n += snprintf(error + n, 3, *p == '|' ? ", " : "%c", *p);
    return -1;
}

static void print_word(const struct option *o, int i, FILE *out)
{
    const char *p = o->words;
    while (i-- > 0)
        p += strcspn(p, "|") + 1;
    fprintf(out, "%.*s", (int)strcspn(p, "|"), p);
}

static bool enum_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    int i = find_word(o, argv[0], error);
    if (i < 0)
        return false;
    *(int *)field = i;
    return true;
}

static void enum_print(const struct option *o, const void *field, FILE *out)
{
    print_word(o, *(const int *)field, out);
}

const struct option_type option_type_ENUM = {.parse = enum_parse, .print = enum_print};

/* shutdown-on-sig*: the first word is no bit at all, the i-th is bit i - 1; the first two bits exclude each other. */
static bool flags_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    int bits = 0;
    if (argc == 0)
        return find_word(o, "", error) >= 0;
    for (int a = 0; a < argc; a++) {
        int i = find_word(o, argv[a], error);
        if (i < 0)
            return false;
        bits |= i > 0 ? 1 << (i - 1) : 0;
    }
    if ((bits & 3) == 3) {
        copy_error(error, "shutdown options SAVE and NOSAVE can't be used simultaneously");
        return false;
    }
    *(int *)field = bits;
    return true;
}

static void flags_print(const struct option *o, const void *field, FILE *out)
{
    int bits = *(const int *)field;
    if (bits == 0)
        print_word(o, 0, out);
    for (int i = 1; bits; i++, bits >>= 1)
        if (bits & 1) {
            print_word(o, i, out);
            if (bits >> 1)
                fputc(' ', out);
        }
}

const struct option_type option_type_FLAGS = {.parse = flags_parse, .print = flags_print};

/* ---- Texts ---- */

char *option_copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    return memcpy(mem_alloc(NULL, bytes), text, bytes);
}

void option_set_text(void *field, const char *text)
{
    char *copy = option_copy_text(text), **p = field;
    mem_free(NULL, *p);
    *p = copy;
}

void option_text_print(const struct option *o, const void *field, FILE *out) { fputs(*(char *const *)field, out); }

bool option_text_print_line(const struct option *o, const void *field, unsigned i, FILE *out)
{
    const char *text = *(char *const *)field;
    /* Most empty texts are the same as no line at all. */
    if (i > 0 || (*text == '\0' && *o->initial == '\0' && !(o->flags & OPTION_KEEP_EMPTY)))
        return false;
    option_print_quoted(text, out);
    return true;
}

void option_text_own(void *field) { *(char **)field = option_copy_text(*(char **)field); }
void option_text_free(void *field) { mem_free(NULL, *(char **)field); }

#define TEXT_TYPE(fn)                                                                                                  \
    {                                                                                                                  \
        .parse = fn, .print = option_text_print, .print_line = option_text_print_line, .own = option_text_own,         \
        .free = option_text_free                                                                                       \
    }

static bool string_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    option_set_text(field, argv[0]);
    return true;
}

const struct option_type option_type_STRING = TEXT_TYPE(string_parse);

static bool filename_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add,
                           char *error)
{
    if (argv[0][0] == '\0')
        snprintf(error, OPTION_ERROR_BYTES, "%s can't be empty", o->name);
    else if (strpbrk(argv[0], "/\\"))
        copy_error(error, o->why);
    else {
        option_set_text(field, argv[0]);
        return true;
    }
    return false;
}

const struct option_type option_type_FILENAME = TEXT_TYPE(filename_parse);

enum { HOSTNAME_BYTES_MAX = 256 };

static bool hostname_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add,
                           char *error)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
    if (strlen(argv[0]) >= HOSTNAME_BYTES_MAX)
        snprintf(error, OPTION_ERROR_BYTES, "Hostnames must be less than %d characters", HOSTNAME_BYTES_MAX);
    else if (argv[0][strspn(argv[0], allowed)] != '\0')
        copy_error(error, o->why);
    else {
        option_set_text(field, argv[0]);
        return true;
    }
    return false;
}

const struct option_type option_type_HOSTNAME = TEXT_TYPE(hostname_parse);

/* One that the system has. Empty is that of the environment, also if the system does not have it: then it is C. */
static bool locale_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    locale_t locale = newlocale(LC_COLLATE_MASK, argv[0], NULL);
    if (locale) {
        freelocale(locale);
    } else if (argv[0][0] != '\0') {
        copy_error(error, "Invalid locale name");
        return false;
    }
    option_set_text(field, argv[0]);
    return true;
}

const struct option_type option_type_LOCALE = TEXT_TYPE(locale_parse);

/* proc-title-template: every {...} must be a known variable; a } alone is text. */
static bool title_parse(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error)
{
    static const char *const known[] = {"{title}",    "{listen-addr}", "{server-mode}", "{port}",
                                        "{tls-port}", "{unixsocket}",  "{config-file}"};
    for (const char *p = strchr(argv[0], '{'); p; p = strchr(p + 1, '{')) {
        size_t i = 0, n = sizeof known / sizeof known[0];
        while (i < n && strncmp(p, known[i], strlen(known[i])) != 0)
            i++;
        if (i == n) {
            copy_error(error, "template format is invalid or contains unknown variables");
            return false;
        }
    }
    option_set_text(field, argv[0]);
    return true;
}

const struct option_type option_type_TITLE = TEXT_TYPE(title_parse);

void option_print_quoted(const char *text, FILE *out)
{
    static const char escaped[] = "\\\"\n\r\t\a\b", letters[] = "\\\"nrtab";
    fputc('"', out);
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        const char *special = strchr(escaped, *p);
        if (special)
            fprintf(out, "\\%c", letters[special - escaped]);
        else if (*p < ' ' || *p > '~')
            fprintf(out, "\\x%02x", *p);
        else
            fputc(*p, out);
    }
    fputc('"', out);
}
