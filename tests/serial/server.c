#include "tests/serial/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/serial/caller.h"

enum { ARGS_MAX = 32, START_MS_MAX = 20 * 1000, STOP_MS_MAX = 20 * 1000, POLL_MS = 5, LOG_TAIL_BYTES = 4096 };

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool good = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
                getsockname(fd, (struct sockaddr *)&address, &len) == 0;
    if (fd >= 0)
        close(fd);
    return good ? ntohs(address.sin_port) : 0;
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void run_child(const struct server *s, const char *path, char **argv)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(s->folder) != 0)
        _exit(126);
    int log = open("log", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (log < 0 || dup2(log, STDOUT_FILENO) < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(126);
    execvp(path, argv);
    _exit(127);
}

static void show_log(const struct server *s)
{
    char path[sizeof(s->folder) + 8], text[LOG_TAIL_BYTES];
    snprintf(path, sizeof(path), "%s/log", s->folder);
    FILE *log = fopen(path, "r");
    if (!log)
        return;
    if (fseek(log, -LOG_TAIL_BYTES, SEEK_END) != 0)
        rewind(log);
    size_t n = fread(text, 1, sizeof(text), log);
    fprintf(stderr, "the end of the server's log:\n%.*s\n", (int)n, text);
    fclose(log);
}

/* The child's exit status once it has ended within ms_max, else -1. */
static int wait_for_end(pid_t pid, long ms_max)
{
    int status;
    for (long ms = 0; ms < ms_max; ms += POLL_MS) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return status;
        pause_ms(POLL_MS);
    }
    return -1;
}

static bool wait_for_answer(struct server *s)
{
    struct caller c;
    struct slice pong;
    caller_init(&c, &caller_sockets, NULL, s->port);
    for (long ms = 0; ms < START_MS_MAX; ms += POLL_MS) {
        bool good = caller_connect(&c) && caller_command(&c, "PING", &pong) && slice_eq(pong, slice_str("+PONG\r\n"));
        caller_close(&c, false);
        if (good)
            return true;
        if (waitpid(s->pid, NULL, WNOHANG) == s->pid) {
            s->pid = 0;
            return false;
        }
        pause_ms(POLL_MS);
    }
    return false;
}

static void remove_folder(const struct server *s)
{
    char command[sizeof(s->folder) + 16];
    snprintf(command, sizeof(command), "rm -rf '%s'", s->folder);
    if (system(command) != 0)
        fprintf(stderr, "can't remove %s\n", s->folder);
}

bool server_start(struct server *s, const char *path, uint32_t threads, const char *const *options)
{
    const char *name = strrchr(path, '/');
    *s = (struct server){.port = free_port(), .is_skua = strcmp(name ? name + 1 : path, "redis-server") != 0};
    snprintf(s->folder, sizeof(s->folder), "/tmp/skua-serial-XXXXXX");
    char *full_path = strchr(path, '/') ? realpath(path, NULL) : strdup(path);
    if (!s->port || !full_path || !mkdtemp(s->folder)) {
        fprintf(stderr, "can't start %s: %s\n", path, strerror(errno));
        free(full_path);
        return false;
    }
    char port[16], workers[16];
    snprintf(port, sizeof(port), "%u", s->port);
    snprintf(workers, sizeof(workers), "%u", threads);
    const char *argv[ARGS_MAX + 1] = {
        full_path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "local"};
    uint32_t argc = 9;
    if (s->is_skua) {
        argv[argc++] = "--threads";
        argv[argc++] = workers;
    }
    for (; options && *options && argc < ARGS_MAX; options++)
        argv[argc++] = *options;
    s->pid = fork();
    if (s->pid == 0)
        run_child(s, full_path, (char **)argv);
    free(full_path);
    if (s->pid > 0 && wait_for_answer(s))
        return true;
    fprintf(stderr, "%s does not start\n", path);
    show_log(s);
    server_stop(s);
    return false;
}

bool server_stop(struct server *s)
{
    bool good = true;
    if (s->pid > 0) {
        kill(s->pid, SIGTERM);
        int status = wait_for_end(s->pid, STOP_MS_MAX);
        if (status < 0) {
            kill(s->pid, SIGKILL);
            waitpid(s->pid, NULL, 0);
        }
        good = status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        if (!good) {
            fprintf(stderr, "the server did not end well (wait status %d)\n", status);
            show_log(s);
        }
    }
    remove_folder(s);
    s->pid = 0;
    return good;
}
