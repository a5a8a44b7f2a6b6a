/* skua-server: reads the configuration, makes the server and its workers, waits for the signal to end, and takes
 * everything down again in the opposite order. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "persist/aof_check.h"
#include "shard/lane.h"
#include "src/base/cpus.h"
#include "src/base/huge_pages.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/cmd/table.h"
#include "src/io/disk.h"
#include "src/io/io.h"
#include "src/server/aof.h"
#include "src/server/commands.h"
#include "src/server/config.h"
#include "src/server/listen.h"
#include "src/server/loading.h"
#include "src/server/process.h"
#include "src/server/server.h"
#include "src/server/version.h"
#include "src/server/worker.h"

_Noreturn static void fail(const char *what, const char *why)
{
    log_write(LOG_LEVEL_WARNING, "%s: %s", what, why);
    exit(1);
}

/* ---- Tools ---- */

/* Called as redis-check-aof, or with --check-aof: answers that, and ends. */
static void check_aof(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    bool by_name = strcmp(slash ? slash + 1 : argv[0], "redis-check-aof") == 0;
    if (by_name)
        exit(aof_check_main(argv[0], argc - 1, argv + 1, stdin, stdout));
    if (argc > 1 && strcmp(argv[1], "--check-aof") == 0)
        exit(aof_check_main("skua-server --check-aof", argc - 2, argv + 2, stdin, stdout));
}

/* ---- Configuration ---- */

static struct config *load_config(int argc, char **argv)
{
    struct config *config;
    char *text;
    switch (config_load(argc, argv, STDIN_FILENO, &config, &text)) {
    case CONFIG_START:
        return config;
    case CONFIG_ANSWER:
        fputs(text, stdout);
        free(text);
        exit(0);
    case CONFIG_REFUSE:
        fputs(text, stderr);
        free(text);
        exit(1);
    }
    return NULL;
}

static void note(void *arg, const char *line) { log_write(LOG_LEVEL_WARNING, "%s", line); }

/* As Redis, maxclients is lowered if there are not enough descriptors. */
static void reserve_descriptors(struct config *config, uint32_t workers)
{
    int64_t possible = process_reserve_descriptors(config->maxclients, workers);
    if (possible >= config->maxclients)
        return;
    if (possible <= 0)
        fail("Your current 'ulimit -n' is not enough for the server to start", "increase it");
    config->maxclients = possible;
    log_write(LOG_LEVEL_WARNING,
              "maxclients has been reduced to %lld to compensate for low ulimit. If you need higher maxclients "
              "increase 'ulimit -n'.",
              (long long)possible);
}

static int lock_directory(const struct config *config)
{
    int fd = process_lock_directory(config->dir);
    if (fd == -EWOULDBLOCK)
        fail("The data directory is in use by another server; stop it, or give --dir another directory", config->dir);
    if (fd < 0)
        fail("Can't use the data directory (option dir)", strerror(-fd));
    return fd;
}

static struct aof *open_aof(const struct config *config, int directory)
{
    char error[AOF_ERROR_BYTES];
    struct aof *aof = aof_open(config, disk_real(), fcntl(directory, F_DUPFD_CLOEXEC, 0), error);
    if (!aof)
        fail("Can't use the append-only file (option appendonly)", error);
    return aof;
}

/* What is in files was spread by their seed, and is spread by it again. */
static uint64_t choose_hash_seed(const struct config *config, const struct aof *aof)
{
    uint64_t seed;
    if (config->hash_seed[0])
        return strtoull(config->hash_seed, NULL, 0);
    if (aof_hash_seed(aof, &seed))
        return seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        fail("Can't get random bytes for the hash seed", strerror(errno));
    return seed;
}

/* ---- Rings ---- */

static enum io_backend choose_backend(const struct config *config)
{
    const char *why_not = config->io_backend == IO_BACKEND_EPOLL ? "asked for by io-backend" : io_uring_unavailable();
    if (config->io_backend == IO_BACKEND_IO_URING && why_not) {
        char text[256];
        snprintf(text, sizeof text, "%s. Use io-backend auto or epoll, or allow io_uring", why_not);
        fail("io-backend is io_uring, but it can't be had", text);
    }
    if (why_not)
        log_write(LOG_LEVEL_NOTICE, "I/O backend: epoll (io_uring: %s)", why_not);
    else
        log_write(LOG_LEVEL_NOTICE, "I/O backend: io_uring");
    return why_not ? IO_EPOLL : IO_URING;
}

static struct io **create_ios(const struct config *config, uint32_t n)
{
    struct io_config io_config = {.backend = choose_backend(config)};
    struct io **io = mem_zalloc(NULL, n * sizeof(struct io *));
    for (uint32_t i = 0; i < n; i++) {
        int error = io_create(&io[i], &io_config);
        if (error < 0)
            fail("Can't set up I/O for a worker; fewer --threads may help", strerror(-error));
    }
    return io;
}

/* ---- Threads ---- */

static void *worker_thread(void *arg)
{
    struct worker *w = arg;
    char name[16];
    snprintf(name, sizeof name, "worker-%u", w->id % 10000);
    pthread_setname_np(pthread_self(), name);
    worker_run(w);
    if (w->id == 0)
        kill(getpid(), SIGUSR2); /* ends main's wait */
    return NULL;
}

static pthread_t *start_threads(struct server *s)
{
    pthread_t *threads = mem_zalloc(NULL, s->nworkers * sizeof *threads);
    for (uint32_t i = 0; i < s->nworkers; i++) {
        int error = pthread_create(&threads[i], NULL, worker_thread, s->workers[i]);
        if (error != 0)
            fail("Can't start a worker's thread", strerror(error));
    }
    return threads;
}

/* ---- Signals ---- */

static void block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR2); /* a worker's way to end the wait, after SHUTDOWN */
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
}

/* Until a signal or SHUTDOWN ends the server. A second signal ends the process at once. Meanwhile this thread has time
 * for huge pages. */
static void wait_for_end(struct server *s, const sigset_t *set)
{
    const struct timespec soon = {.tv_nsec = 50 * 1000 * 1000}, later = {.tv_sec = 1};
    struct huge_pages huge_pages;
    huge_pages_init(&huge_pages);
    for (;;) {
        siginfo_t info;
        int signal_number = sigtimedwait(set, &info, huge_pages_step(&huge_pages) ? &soon : &later);
        if (signal_number == SIGUSR2 && info.si_pid == getpid())
            return;
        if (signal_number < 0 || signal_number == SIGUSR2) /* somebody else's SIGUSR2 says nothing */
            continue;
        if (atomic_exchange(&s->signal_received, signal_number) != 0) {
            log_write(LOG_LEVEL_WARNING, "You insist... exiting now.");
            exit(1);
        }
        log_write(LOG_LEVEL_WARNING, signal_number == SIGINT ? "Received SIGINT scheduling shutdown..."
                                                             : "Received SIGTERM scheduling shutdown...");
        io_wake(NULL, s->workers[0]->io);
    }
}

int main(int argc, char **argv)
{
    check_aof(argc, argv);
    struct config *config = load_config(argc, argv);
    if (log_init(config->logfile, (enum log_level)config->loglevel) != 0)
        fail("Can't open the log file", config->logfile);
    log_write(LOG_LEVEL_NOTICE, "Skua %s (speaks Redis %s) is starting, pid %d", SKUA_VERSION, REDIS_VERSION, getpid());
    uint32_t n = config->threads ? (uint32_t)config->threads : cpus_usable(NULL);
    if (n > SHARDS_MAX)
        n = SHARDS_MAX;
    reserve_descriptors(config, n);
    int directory = lock_directory(config);
    sigset_t signals;
    block_signals(&signals);
    command_table_init();
    server_commands_bind();

    char error[AOF_ERROR_BYTES];
    struct listeners *listeners = listeners_open(config, error, sizeof error);
    if (!listeners)
        fail("Failed to listen", error);
    struct io **io = create_ios(config, n);
    struct aof *aof = open_aof(config, directory);
    struct server *server = server_create(config, n, io, choose_hash_seed(config, aof));
    server->listeners = listeners;
    server->directory = directory;
    server->executable = process_executable(argv[0]);
    config_notes(config, server->options_noted, note, NULL);
    if (!aof_attach(aof, server, error))
        fail("Can't begin the append-only file (option appendonly)", error);
    pthread_t *threads = start_threads(server);

    wait_for_end(server, &signals);

    for (uint32_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    mem_free(NULL, threads);
    listeners_free(listeners);
    directory = server->directory; /* CONFIG SET dir may have changed it */
    bool good = aof_finish(aof) && !server->failed;
    aof_close(aof);
    if (server->loading)
        loading_free(server->loading);
    server_destroy(server);
    mem_free(NULL, io);
    close(directory);
    config_release(config);
    if (!good)
        return 1;
    log_write(LOG_LEVEL_WARNING, "Skua is now ready to exit, bye bye...");
    return 0;
}
