/* Options: one row each, from which the snapshot's fields, CONFIG, --help and the sample configuration derive. The rows
 * are in options/, grouped by the part of the server that they configure; the type of a row's value knows how to read,
 * show and copy it (option_types.c, option_special.c). Rows and types are constant; values live in struct config. */
#ifndef SKUA_SERVER_OPTION_H
#define SKUA_SERVER_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What an option does in this build. */
enum option_here {
    OPTION_WORKS,
    OPTION_PENDING, /* works in a later build; kept until then, and a note in the log says so */
    OPTION_PROMISE, /* the same, but it promises durability, safety or a limit: only its default is accepted */
    OPTION_NOOP,    /* has nothing to tune here: accepted and shown */
    OPTION_KEPT,    /* takes effect with replication or a cluster: accepted and shown */
    OPTION_REFUSE,  /* only its default is accepted; why says for what reason */
};

enum option_flag {
    OPTION_IMMUTABLE = 1 << 0,    /* not by CONFIG SET */
    OPTION_PROTECTED = 1 << 1,    /* by CONFIG SET only if enable-protected-configs allows it */
    OPTION_DENY_LOADING = 1 << 2, /* not by CONFIG SET while data is being loaded */
    OPTION_SENSITIVE = 1 << 3,    /* the value does not go into logs */
    OPTION_HIDDEN = 1 << 4,       /* CONFIG GET shows it only by its exact name */
    OPTION_MULTI = 1 << 5,        /* takes any number of words */
    OPTION_OURS = 1 << 6,         /* Redis has no such option */
    OPTION_KEEP_EMPTY = 1 << 7,   /* an empty value stays in the file when CONFIG REWRITE finds it there */
    OPTION_DIRECTIVE = 1 << 8,    /* a line of the file without a value that could be shown or set */
};

enum { OPTION_ERROR_BYTES = 256 };

struct option;

/* How values of one type are read and shown. field points into a struct config. */
struct option_type {
    /* Replaces the value (freeing what it owned). add: a further line of the same file, for types that add up. On
     * failure the value stays and error, of OPTION_ERROR_BYTES, says what is wrong in Redis's words. */
    bool (*parse)(const struct option *o, void *field, int argc, const char *const *argv, bool add, char *error);
    /* As CONFIG GET shows it. */
    void (*print)(const struct option *o, const void *field, FILE *out);
    /* The words of its i-th line in the file; false: there are only i. NULL: one line, as print. */
    bool (*print_line)(const struct option *o, const void *field, unsigned i, FILE *out);
    /* Makes a value that was copied byte by byte own what it points to. NULL: it owns nothing. */
    void (*own)(void *field);
    void (*free)(void *field);
};

struct option {
    const char *name;               /* "" for a group */
    const char *alias;              /* older name, or NULL */
    const char *group;              /* not NULL: no option, but the title of those that follow; doc introduces them */
    const char *type_name;          /* what it takes, for help: "an integer", ... */
    const struct option_type *type; /* NULL: a directive */
    size_t offset;                  /* of its field in struct config */
    int64_t min;
    uint64_t max;        /* compared as signed if min is negative */
    const char *words;   /* of an enumeration, joined by |; the value is the position */
    const char *why;     /* why values are refused */
    const char *initial; /* the default, as CONFIG SET takes it */
    enum option_here here;
    unsigned flags; /* enum option_flag */
    int args_min;   /* of a directive, its name included */
    const char *doc;
};

/* All rows, in the order in which CONFIG GET gives them. */
extern const struct option options[];
extern const unsigned options_count;

/* By name or alias, in any case; NULL: none. Directives are not options. */
const struct option *option_find(const char *name);
/* A directive by name (include, user, ...), or NULL. */
const struct option *option_find_directive(const char *name);
/* The option or directive whose name or alias is most likely meant by name, or NULL if nothing is close. The result is
 * the name to show. */
const char *option_guess(const char *name);

/* The word of an enumeration that is most likely meant, or NULL; free() releases it. */
char *option_guess_word(const struct option *o, const char *word);

/* What the option accepts, for people: "an integer from 0 to 65535". */
void option_print_accepted(const struct option *o, FILE *out);

/* The type of each kind that rows name. */
extern const struct option_type option_type_BOOL, option_type_INT, option_type_MEMORY, option_type_PERCENT,
    option_type_OCTAL, option_type_HZ, option_type_ENUM, option_type_FLAGS, option_type_STRING, option_type_FILENAME,
    option_type_HOSTNAME, option_type_LOCALE, option_type_TITLE, option_type_DIR, option_type_BIND,
    option_type_OUTPUT_LIMITS, option_type_SAVE, option_type_EVENTS, option_type_OOM_VALUES, option_type_PERCENTILES,
    option_type_REPLICAOF;

#endif
