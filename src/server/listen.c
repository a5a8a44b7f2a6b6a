#include "src/server/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "src/base/list.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/server/config.h"
#include "src/server/server.h"
#include "src/server/worker.h"

struct listener {
    struct io_op op;
    struct list node;
    struct worker *w0;
    int fd;
    bool unix_socket;
    bool stopped;
    bool shut; /* makes room for its successor for a moment */
};

struct listeners {
    struct list all; /* struct listener; stopped ones until their last completion */
    char unix_path[108];
};

/* One that was started and whose last completion has come. */
static void discard(struct listener *l)
{
    io_close(l->w0->io, l->fd);
    list_remove(&l->node);
    mem_free(NULL, l);
}

static void on_accept(struct io_op *op, int res, const char *data)
{
    struct listener *l = container_of(op, struct listener, op);
    static struct log_limit limit;
    if (l->stopped) {
        if (res >= 0)
            close(res);
        if (!io_op_active(op))
            discard(l);
        return;
    }
    if (res >= 0)
        server_accept(l->w0, res, l->unix_socket);
    else if (!l->shut)
        log_limited(&limit, LOG_LEVEL_WARNING, "Accepting client connection: %s", strerror(-res));
}

static void add(struct listeners *ls, int fd, bool unix_socket)
{
    struct listener *l = mem_zalloc(NULL, sizeof *l);
    l->fd = fd;
    l->unix_socket = unix_socket;
    l->op.done = on_accept;
    list_push_back(&ls->all, &l->node);
}

static int open_tcp(const struct addrinfo *a, int backlog)
{
    int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, backlog) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

/* One entry of bind: "-" in front: an address that this machine lacks is left out; "*" and "::*": all of a family. */
static int open_address(const char *text, int port, int backlog)
{
    const char *name = text[0] == '-' ? text + 1 : text;
    char service[8];
    snprintf(service, sizeof service, "%d", port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    hints.ai_family = strchr(name, ':') ? AF_INET6 : AF_INET;
    const char *host = strcmp(name, "*") == 0 || strcmp(name, "::*") == 0 ? NULL : name;
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return -EADDRNOTAVAIL;
    int fd = open_tcp(found, backlog);
    freeaddrinfo(found);
    return fd;
}

/* Of a server that was killed a moment ago the kernel's io_uring keeps the sockets for some milliseconds longer. */
static int open_address_soon(const char *text, int port, int backlog)
{
    enum { TRIES = 50, PAUSE_US = 10 * 1000 };
    int fd = open_address(text, port, backlog);
    for (int i = 0; i < TRIES && fd == -EADDRINUSE; i++) {
        usleep(PAUSE_US);
        fd = open_address(text, port, backlog);
    }
    return fd;
}

static bool may_be_missing(const char *text, int error)
{
    return text[0] == '-' && (error == -EADDRNOTAVAIL || error == -EAFNOSUPPORT || error == -EPROTONOSUPPORT ||
                              error == -ESOCKTNOSUPPORT || error == -EPFNOSUPPORT || error == -ENOPROTOOPT);
}

static bool open_all_tcp(struct listeners *ls, const struct config *config, bool patient, char *error,
                         size_t error_bytes)
{
    int opened = 0;
    for (size_t i = 0; config->port != 0 && i < config->bind.count; i++) {
        const char *text = config->bind.v[i];
        int fd = (patient ? open_address_soon : open_address)(text, (int)config->port, (int)config->tcp_backlog);
        if (fd >= 0) {
            add(ls, fd, false);
            opened++;
        } else if (!may_be_missing(text, fd)) {
            snprintf(error, error_bytes, "Could not create server TCP listening socket %s:%d: bind: %s%s", text,
                     (int)config->port, strerror(-fd),
                     fd == -EADDRINUSE ? ". Another server has this port: stop it, or give --port another one" : "");
            return false;
        }
    }
    if (opened == 0 && config->port != 0 && config->bind.count > 0) {
        snprintf(error, error_bytes, "Failed listening on port %d (tcp), aborting.", (int)config->port);
        return false;
    }
    return true;
}

static bool open_unix(struct listeners *ls, const struct config *config, char *error, size_t error_bytes)
{
    const char *path = config->unixsocket;
    if (path[0] == '\0')
        return true;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof a.sun_path) {
        snprintf(error, error_bytes, "unixsocket: the path is longer than %zu bytes", sizeof a.sun_path - 1);
        return false;
    }
    strcpy(a.sun_path, path);
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(path); /* left over from a server that was killed */
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, (int)config->tcp_backlog) != 0) {
        snprintf(error, error_bytes, "Failed opening Unix socket %s: bind: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (config->unixsocketperm)
        chmod(path, (mode_t)config->unixsocketperm);
    strcpy(ls->unix_path, path);
    add(ls, fd, true);
    return true;
}

static struct listeners *create(void)
{
    struct listeners *ls = mem_zalloc(NULL, sizeof *ls);
    list_init(&ls->all);
    return ls;
}

struct listeners *listeners_open(const struct config *config, char *error, size_t error_bytes)
{
    struct listeners *ls = create();
    if (open_all_tcp(ls, config, true, error, error_bytes) && open_unix(ls, config, error, error_bytes)) {
        if (!list_empty(&ls->all))
            return ls;
        snprintf(error, error_bytes, "Configured to not listen anywhere, exiting.");
    }
    listeners_free(ls);
    return NULL;
}

static void start(struct listener *l, struct worker *w0)
{
    l->w0 = w0;
    io_accept(w0->io, &l->op, l->fd);
}

void listeners_start(struct listeners *ls, struct worker *w0)
{
    for (struct list *n = ls->all.next; n != &ls->all; n = n->next)
        start(container_of(n, struct listener, node), w0);
}

static void stop(struct listener *l)
{
    if (l->stopped)
        return;
    l->stopped = true;
    shutdown(l->fd, SHUT_RD); /* nobody is to be kept waiting in its backlog */
    if (io_op_active(&l->op))
        io_cancel(l->w0->io, &l->op);
    else
        discard(l);
}

static void stop_all(struct listeners *ls, bool unix_sockets)
{
    for (struct list *n = ls->all.next, *next; n != &ls->all; n = next) {
        next = n->next;
        struct listener *l = container_of(n, struct listener, node);
        if (unix_sockets || !l->unix_socket)
            stop(l);
    }
}

/* Two sockets cannot listen on one address at a time. One that is shut and listens again has only lost who was waiting
 * in its backlog; io goes on accepting by itself. */
static void shut_all_tcp(struct listeners *ls, bool shut, int backlog)
{
    for (struct list *n = ls->all.next; n != &ls->all; n = n->next) {
        struct listener *l = container_of(n, struct listener, node);
        if (l->unix_socket || l->stopped)
            continue;
        l->shut = shut;
        if (shut)
            shutdown(l->fd, SHUT_RD);
        else
            listen(l->fd, backlog);
    }
}

bool listeners_rebind(struct listeners *ls, struct worker *w0, const struct config *config, char *error,
                      size_t error_bytes)
{
    struct listeners *fresh = create();
    bool same_port = config->port == w0->config->port;
    if (same_port)
        shut_all_tcp(ls, true, 0);
    if (!open_all_tcp(fresh, config, false, error, error_bytes)) {
        listeners_free(fresh);
        if (same_port)
            shut_all_tcp(ls, false, (int)config->tcp_backlog);
        return false;
    }
    stop_all(ls, false);
    struct list *n;
    while ((n = list_pop_front(&fresh->all))) {
        list_push_back(&ls->all, n);
        start(container_of(n, struct listener, node), w0);
    }
    listeners_free(fresh);
    return true;
}

void listeners_stop(struct listeners *ls)
{
    stop_all(ls, true);
    if (ls->unix_path[0])
        unlink(ls->unix_path);
}

void listeners_free(struct listeners *ls)
{
    struct list *n;
    while ((n = list_pop_front(&ls->all))) {
        struct listener *l = container_of(n, struct listener, node);
        close(l->fd);
        mem_free(NULL, l);
    }
    mem_free(NULL, ls);
}
