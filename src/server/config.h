/* The configuration: an immutable snapshot with a typed field for every option, made from defaults, file and command
 * line at start (config_load) and from another snapshot by CONFIG SET (config_with). Readers just read fields.
 *
 * A snapshot is reference-counted and owns everything it points to; it shares nothing with the snapshot it was made
 * from. References may be dropped on any thread, the last one frees. Nothing here applies a value: who makes a new
 * snapshot compares its fields with the old ones and does what follows (listen anew, change directory, ...). Nothing
 * here is global, and nothing reads a file but config_load and config_rewrite. */
#ifndef SKUA_SERVER_CONFIG_H
#define SKUA_SERVER_CONFIG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/slice.h"

struct option;

/* Values of enumerations, in the order of the words in their rows. loglevel is an enum log_level (src/base/log.h),
 * appendfsync an enum journal_policy (persist/journal.h). */
enum { IO_BACKEND_AUTO, IO_BACKEND_IO_URING, IO_BACKEND_EPOLL }; /* io_backend */
enum { PIPELINE_ORDER_RELAXED, PIPELINE_ORDER_STRICT };          /* pipeline_order */
enum { ALLOWED_NO, ALLOWED_YES, ALLOWED_LOCAL };                 /* enable_*_command, enable_protected_configs */
enum { ON_SIGNAL_SAVE = 1, ON_SIGNAL_NOSAVE = 2, ON_SIGNAL_NOW = 4, ON_SIGNAL_FORCE = 8 }; /* shutdown_on_*: bits */

/* bind. A leading '-' is part of the address. */
enum { BIND_ADDRESSES_MAX = 16 };
struct bind_addresses {
    uint32_t count;
    char *v[BIND_ADDRESSES_MAX];
};

/* client-output-buffer-limit. 0: no limit. */
enum output_class { OUTPUT_CLASS_NORMAL, OUTPUT_CLASS_REPLICA, OUTPUT_CLASS_PUBSUB, OUTPUT_CLASS_COUNT };
struct output_limit {
    uint64_t hard_bytes, soft_bytes;
    int64_t soft_seconds;
};

/* save: a snapshot after so many seconds with at least so many changes. */
struct save_point {
    int64_t seconds;
    int64_t changes;
};
struct save_points {
    uint32_t count;
    struct save_point *v;
};

enum { OOM_VALUES_COUNT = 3 };

/* The C type of each kind of row. Text is never NULL. */
#define OPTION_FIELD_BOOL(name)          bool name
#define OPTION_FIELD_INT(name)           int64_t name
#define OPTION_FIELD_OCTAL(name)         int64_t name
#define OPTION_FIELD_HZ(name)            int64_t name
#define OPTION_FIELD_PERCENT(name)       int64_t name /* bytes; negative: percent */
#define OPTION_FIELD_MEMORY(name)        uint64_t name
#define OPTION_FIELD_ENUM(name)          int name
#define OPTION_FIELD_FLAGS(name)         int name
#define OPTION_FIELD_STRING(name)        char *name
#define OPTION_FIELD_FILENAME(name)      char *name
#define OPTION_FIELD_HOSTNAME(name)      char *name
#define OPTION_FIELD_LOCALE(name)        char *name
#define OPTION_FIELD_TITLE(name)         char *name
#define OPTION_FIELD_DIR(name)           char *name /* absolute */
#define OPTION_FIELD_EVENTS(name)        char *name
#define OPTION_FIELD_PERCENTILES(name)   char *name
#define OPTION_FIELD_REPLICAOF(name)     char *name
#define OPTION_FIELD_BIND(name)          struct bind_addresses name
#define OPTION_FIELD_OUTPUT_LIMITS(name) struct output_limit name[OUTPUT_CLASS_COUNT]
#define OPTION_FIELD_SAVE(name)          struct save_points name
#define OPTION_FIELD_OOM_VALUES(name)    int name[OOM_VALUES_COUNT]

struct config {
    _Atomic uint32_t refs;
    char *file; /* the configuration file, absolute; NULL: none */
#define GROUP(title, intro)
#define DIRECTIVE(...)
#define OPTION(field, name, alias, kind, ...) OPTION_FIELD_##kind(field);
#include "src/server/options/all.def"
#undef GROUP
#undef DIRECTIVE
#undef OPTION
};

/* All defaults, with dir the current directory. One reference, the caller's. */
struct config *config_create(void);
/* The same values in a snapshot of its own, which may be changed until others see it. */
struct config *config_copy(const struct config *config);

static inline const struct config *config_hold(const struct config *config)
{
    atomic_fetch_add_explicit(&((struct config *)config)->refs, 1, memory_order_relaxed);
    return config;
}

void config_release(const struct config *config);

/* ---- Start ---- */

enum config_outcome {
    CONFIG_START,  /* *config is what to start with */
    CONFIG_ANSWER, /* nothing to start: *text goes to standard output, exit status 0 (--version, --help, ...) */
    CONFIG_REFUSE, /* *text says on standard error what is wrong, exit status 1 */
};

/* Reads the command line and what it names exactly as redis-server does; stdin_fd is read for "-". On CONFIG_START the
 * caller owns *config, else *text, which free() releases. */
enum config_outcome config_load(int argc, char *const *argv, int stdin_fd, struct config **config, char **text);

/* Calls fn with a line for the log for each option that config does not leave at its default although it has no effect
 * in this build; once an option: noted, of options_count, keeps which had their line. */
void config_notes(const struct config *config, bool *noted, void (*fn)(void *arg, const char *line), void *arg);

/* ---- CONFIG ---- */

struct config_rights {
    bool local;   /* the client is on this machine */
    bool loading; /* data is being loaded */
};

enum { CONFIG_ERROR_BYTES = 512 };
enum config_set_outcome {
    CONFIG_SET_DONE,
    CONFIG_SET_LOADING, /* the client is answered that data is being loaded */
    CONFIG_SET_FAILED,
};

/* CONFIG SET: a snapshot that differs from base in npairs options (name, value, name, ...), all or none. *config is the
 * caller's; on CONFIG_SET_FAILED error, of CONFIG_ERROR_BYTES, has the reply's text with its code but without '-'. */
enum config_set_outcome config_with(const struct config *base, const struct slice *pairs, size_t npairs,
                                    struct config_rights rights, struct config **config, char *error);

/* The reply's text for a value that was accepted but could not be applied; name is the option's. */
void config_set_error(char *error, const char *name, const char *reason);

/* Whether the option called name is kept out of logs and MONITOR; false if there is none. */
bool config_is_sensitive(struct slice name);

/* CONFIG GET: calls fn once for each name that is or matches one of patterns; the name is the one asked for or, for a
 * pattern, the option's name or alias. Returns how many. fn may be NULL, to count. */
typedef void config_visit(void *arg, struct slice name, struct slice value);
size_t config_get(const struct config *config, const struct slice *patterns, size_t npatterns, config_visit *fn,
                  void *arg);

/* The value of one option as CONFIG GET shows it; free() releases it. */
char *config_value(const struct config *config, const struct option *option);

/* CONFIG REWRITE: writes config to config->file, keeping its comments and order. 0, or -errno; the file is then as it
 * was. config->file is not NULL. */
int config_rewrite(const struct config *config);

#endif
