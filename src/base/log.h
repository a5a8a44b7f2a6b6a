/* The log: lines as Redis writes them ("pid:role day month year time.ms level message"), to standard output or
 * appended to a file. One per process, set up once before other threads start; afterwards any thread may write. A line
 * is one write, so lines of different threads never mix. The file is opened for each line, as Redis does: whoever
 * rotates logs by renaming needs to signal nobody, and a server that logs so much that this costs has another problem.
 */
#ifndef SKUA_BASE_LOG_H
#define SKUA_BASE_LOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level {
    LOG_LEVEL_DEBUG,   /* . */
    LOG_LEVEL_VERBOSE, /* - */
    LOG_LEVEL_NOTICE,  /* * */
    LOG_LEVEL_WARNING, /* # */
    LOG_LEVEL_NOTHING, /* only to be set: lines never have it */
};

enum { LOG_MESSAGE_BYTES_MAX = 1024 }; /* longer messages are cut, as by Redis */

/* path is copied; "" means standard output. Returns 0, or -errno if the file can't be appended to (it is created if
 * need be): then nothing has changed. Until it is called the log goes to standard output at level notice. */
int log_init(const char *path, enum log_level level);

/* May change at any time (CONFIG SET loglevel). */
void log_set_level(enum log_level level);
/* 'M', 'S' (a replica) or 'C' (a child). */
void log_set_role(char role);

bool log_enabled(enum log_level level);

/* The message is one line without its end. Errors of the file are ignored: there is nobody left to tell. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How often one kind of line may be written. Zeroed is fresh; may be shared by threads. */
struct log_limit {
    _Atomic int64_t next_ms; /* monotonic time before which lines are left out */
    _Atomic uint64_t left_out;
};

enum { LOG_LIMIT_MS = 1000 };

/* For what a client can cause as often as it likes: at most one line per limit in LOG_LIMIT_MS, and it says how many
 * were left out before it. */
void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
