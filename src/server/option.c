#include "src/server/option.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "src/server/config.h"

const struct option *option_find(const char *name)
{
    for (unsigned i = 0; i < options_count; i++) {
        const struct option *o = &options[i];
        if (!(o->flags & OPTION_DIRECTIVE) &&
            (strcasecmp(o->name, name) == 0 || (o->alias && strcasecmp(o->alias, name) == 0)))
            return o;
    }
    return NULL;
}

const struct option *option_find_directive(const char *name)
{
    for (unsigned i = 0; i < options_count; i++)
        if (options[i].flags & OPTION_DIRECTIVE && strcasecmp(options[i].name, name) == 0)
            return &options[i];
    return NULL;
}

/* ---- What was meant ---- */

enum { GUESS_BYTES_MAX = 64 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

/* The least number of single-byte changes and swaps of neighbours that make b of a (optimal string alignment). Both
 * are at most GUESS_BYTES_MAX long. '_' counts as '-', and case does not count. */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][GUESS_BYTES_MAX + 1];
    unsigned *before = rows[0], *last = rows[1], *row = rows[2];
    size_t na = strlen(a), nb = strlen(b);
    for (size_t j = 0; j <= nb; j++)
        last[j] = (unsigned)j;
    for (size_t i = 1; i <= na; i++) {
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= nb; j++) {
            char ca[] = {a[i - 1] == '_' ? '-' : a[i - 1], 0};
            bool same = strncasecmp(ca, &b[j - 1], 1) == 0;
            row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + !same);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && row[j] > before[j - 2] + 1)
                row[j] = before[j - 2] + 1;
        }
        unsigned *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[nb];
}

const char *option_guess(const char *name)
{
    if (strlen(name) > GUESS_BYTES_MAX)
        return NULL;
    unsigned best = (unsigned)strlen(name) / 3 + 1; /* further than that it is another word */
    const char *guess = NULL;
    for (unsigned i = 0; i < options_count; i++) {
        const char *names[] = {options[i].name, options[i].alias};
        for (int j = 0; j < 2; j++) {
            unsigned d = names[j] ? distance(name, names[j]) : best;
            if (d < best) {
                best = d;
                guess = names[j];
            }
        }
    }
    return guess;
}

char *option_guess_word(const struct option *o, const char *word)
{
    char *words = o->words ? strdup(o->words) : NULL, *guess = NULL, *rest = words;
    unsigned best = (unsigned)strlen(word) / 2 + 1;
    for (const char *w = strsep(&rest, "|"); w && strlen(word) <= GUESS_BYTES_MAX; w = strsep(&rest, "|")) {
        unsigned d = distance(word, w);
        if (d >= best)
            continue;
        best = d;
        free(guess);
        guess = strdup(w);
    }
    free(words);
    return guess;
}

/* ---- What is accepted ---- */

void option_print_accepted(const struct option *o, FILE *out)
{
    if (o->words) {
        fputs(o->flags & OPTION_MULTI ? "one or more of " : "one of ", out);
        for (const char *p = o->words; *p; p++)
            *p == '|' ? fputs(", ", out) : fputc(*p, out);
        return;
    }
    fputs(o->type_name, out);
    if (o->type == &option_type_OCTAL)
        fprintf(out, " from %llo to %llo", (unsigned long long)o->min, (unsigned long long)o->max);
    else if (o->max != 0 && o->max < INT64_MAX && o->type != &option_type_MEMORY)
        fprintf(out, " from %lld to %llu", (long long)o->min, (unsigned long long)o->max);
    else if (o->min > 0)
        fprintf(out, " of at least %lld", (long long)o->min);
}

/* ---- The table ---- */

#define TYPE_NAME_BOOL          "yes or no"
#define TYPE_NAME_INT           "an integer"
#define TYPE_NAME_HZ            "an integer"
#define TYPE_NAME_OCTAL         "an octal number"
#define TYPE_NAME_MEMORY        "a number of bytes, with or without a unit (k, kb, m, mb, g, gb)"
#define TYPE_NAME_PERCENT       "a number of bytes, with or without a unit (k, kb, m, mb, g, gb), or a percentage (5%)"
#define TYPE_NAME_ENUM          "a word"
#define TYPE_NAME_FLAGS         "words"
#define TYPE_NAME_STRING        "a text"
#define TYPE_NAME_FILENAME      "a name without a directory"
#define TYPE_NAME_HOSTNAME      "a host name"
#define TYPE_NAME_LOCALE        "the name of a locale that the system has"
#define TYPE_NAME_TITLE         "a text with the variables named above"
#define TYPE_NAME_DIR           "a directory that exists"
#define TYPE_NAME_BIND          "up to 16 addresses"
#define TYPE_NAME_OUTPUT_LIMITS "for each class its name, two numbers of bytes, and seconds"
#define TYPE_NAME_SAVE          "pairs of seconds and changes, or an empty string"
#define TYPE_NAME_EVENTS        "letters out of Ag$lshzxeKEtmdn"
#define TYPE_NAME_OOM_VALUES    "three integers from -2000 to 2000"
#define TYPE_NAME_PERCENTILES   "numbers from 0 to 100"
#define TYPE_NAME_REPLICAOF     "a host and a port, or: no one"

#define RANGE(from, to) .min = (from), .max = (to),
#define WORDS(text)     .words = (text),
#define WHY(text)       .why = (text),
/* A group is a row without a name, so that what prints all rows meets its title before its members. */
#define GROUP(title, intro) {.name = "", .group = title, .flags = OPTION_DIRECTIVE | OPTION_HIDDEN, .doc = intro},
#define OPTION(field_, name_, alias_, kind_, extra_, initial_, here_, flags_, doc_)                                    \
    {.name = name_,                                                                                                    \
     .alias = alias_,                                                                                                  \
     .type_name = TYPE_NAME_##kind_,                                                                                   \
     .type = &option_type_##kind_,                                                                                     \
     .offset = offsetof(struct config, field_),                                                                        \
     extra_.initial = initial_,                                                                                        \
     .here = OPTION_##here_,                                                                                           \
     .flags = flags_,                                                                                                  \
     .doc = doc_},
#define DIRECTIVE(name_, args_min_, here_, doc_)                                                                       \
    {.name = name_, .args_min = args_min_, .here = OPTION_##here_, .flags = OPTION_DIRECTIVE, .doc = doc_},

const struct option options[] = {
#include "src/server/options/all.def"
};
const unsigned options_count = sizeof options / sizeof options[0];
