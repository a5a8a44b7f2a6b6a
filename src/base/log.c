#include "src/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

enum { PREFIX_BYTES_MAX = 64 };

/* Frozen by log_init, but for the two atomics. */
static struct {
    char *path; /* NULL: standard output */
    _Atomic int level;
    _Atomic char role;
} state = {.level = LOG_LEVEL_NOTICE, .role = 'M'};

static int open_file(const char *path) { return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666); }

int log_init(const char *path, enum log_level level)
{
    char *copy = NULL;
    if (*path) {
        int fd = open_file(path);
        if (fd < 0)
            return -errno;
        close(fd);
        copy = strcpy(mem_alloc(NULL, strlen(path) + 1), path);
    }
    mem_free(NULL, state.path);
    state.path = copy;
    log_set_level(level);
    return 0;
}

void log_set_level(enum log_level level) { atomic_store_explicit(&state.level, (int)level, memory_order_relaxed); }

void log_set_role(char role) { atomic_store_explicit(&state.role, role, memory_order_relaxed); }

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&state.level, memory_order_relaxed);
}

/* "pid:role day month year time.ms level " */
static size_t write_prefix(char *dst, enum log_level level)
{
    struct timeval now;
    struct tm local;
    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &local);
    char role = atomic_load_explicit(&state.role, memory_order_relaxed);
    size_t n = (size_t)sprintf(dst, "%d:%c ", (int)getpid(), role);
    n += strftime(dst + n, PREFIX_BYTES_MAX - n, "%d %b %Y %H:%M:%S.", &local);
    return n + (size_t)sprintf(dst + n, "%03d %c ", (int)(now.tv_usec / 1000), ".-*#"[level]);
}

static void write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return;
        bytes += done;
        n -= (size_t)done;
    }
}

/* suffix is appended to the message even if that had to be cut. */
static void write_message(enum log_level level, const char *suffix, const char *format, va_list ap)
{
    ASSERT(level < LOG_LEVEL_NOTHING);
    char line[PREFIX_BYTES_MAX + LOG_MESSAGE_BYTES_MAX + PREFIX_BYTES_MAX];
    size_t prefix = write_prefix(line, level);
    int len = vsnprintf(line + prefix, LOG_MESSAGE_BYTES_MAX, format, ap);
    size_t n = prefix + (len < 0 ? 0 : len < LOG_MESSAGE_BYTES_MAX ? (size_t)len : LOG_MESSAGE_BYTES_MAX - 1);
    n += (size_t)snprintf(line + n, PREFIX_BYTES_MAX, "%s\n", suffix);
    int fd = state.path ? open_file(state.path) : STDOUT_FILENO;
    if (fd >= 0)
        write_all(fd, line, n);
    if (fd >= 0 && state.path)
        close(fd);
}

void log_write(enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    va_list ap;
    va_start(ap, format);
    write_message(level, "", format, ap);
    va_end(ap);
}

void log_limited(struct log_limit *limit, enum log_level level, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    int64_t now_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    int64_t next_ms = atomic_load_explicit(&limit->next_ms, memory_order_relaxed);
    /* Of several threads that see the time has come, one wins. */
    if (now_ms < next_ms || !atomic_compare_exchange_strong_explicit(&limit->next_ms, &next_ms, now_ms + LOG_LIMIT_MS,
                                                                     memory_order_relaxed, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&limit->left_out, 1, memory_order_relaxed);
        return;
    }
    char suffix[PREFIX_BYTES_MAX] = "";
    uint64_t left_out = atomic_exchange_explicit(&limit->left_out, 0, memory_order_relaxed);
    if (left_out)
        snprintf(suffix, sizeof suffix, " (and %llu more since the last such line)", (unsigned long long)left_out);
    va_list ap;
    va_start(ap, format);
    write_message(level, suffix, format, ap);
    va_end(ap);
}
