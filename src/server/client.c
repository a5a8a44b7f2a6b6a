#include "src/server/client.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/un.h>

#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/server/batch.h"
#include "src/server/config.h"
#include "src/server/durable.h"
#include "src/server/server.h"
#include "src/server/worker.h"

enum {
    OUTPUT_UNCOUNTED_BYTES = 16 * 1024,
    STOP_GRACE_NS = 500 * 1000 * 1000, /* for clients to take what they were answered before the server stopped */
};

/* Unread replies of a client that has not logged in; the same as Redis 7.4.3 allows. */
enum { UNAUTHENTICATED_OUTPUT_BYTES_MAX = 1024 };

/* One that has ended its side and does not read its replies either is kept for so long. */
enum { LINGER_MS = 60 * 1000 };

/* One that is being left (QUIT, a protocol error) may send for so long until it has noticed. */
enum { DROP_INPUT_MS = 1000 };

static void on_input(struct conn *conn);
static void on_bulk(struct conn *conn);
static void on_sent(struct conn *conn);
static void on_end(struct conn *conn, int error);

static const struct conn_events events = {on_input, on_bulk, on_sent, on_end};

/* ---- Coming ---- */

static void set_address(char out[static CLIENT_ADDRESS_BYTES], const struct sockaddr_storage *a)
{
    char ip[INET6_ADDRSTRLEN] = "?";
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)a;
        inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
        snprintf(out, CLIENT_ADDRESS_BYTES, "%s:%d", ip, ntohs(in->sin_port));
    } else if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)a;
        inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof ip);
        snprintf(out, CLIENT_ADDRESS_BYTES, "[%s]:%d", ip, ntohs(in6->sin6_port));
    } else {
        snprintf(out, CLIENT_ADDRESS_BYTES, "?:0");
    }
}

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
    if (a->ss_family != AF_INET6)
        return false;
    const struct in6_addr *in6 = &((const struct sockaddr_in6 *)a)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(in6) || (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == 127);
}

static void read_addresses(struct client *c, int fd)
{
    struct sockaddr_storage peer = {0}, local = {0};
    socklen_t peer_len = sizeof peer, local_len = sizeof local;
    getpeername(fd, (struct sockaddr *)&peer, &peer_len);
    getsockname(fd, (struct sockaddr *)&local, &local_len);
    if (c->unix_socket) {
        const char *path = ((const struct sockaddr_un *)&local)->sun_path;
        snprintf(c->address, sizeof c->address, "%.100s:0", path);
        snprintf(c->local_address, sizeof c->local_address, "%.100s:0", path);
        c->peer_is_local = true;
        return;
    }
    set_address(c->address, &peer);
    set_address(c->local_address, &local);
    c->peer_is_local = is_loopback(&peer);
}

struct client *client_create(int fd, uint64_t id, bool unix_socket, int64_t now_ms)
{
    struct client *c = mem_zalloc(NULL, sizeof *c);
    c->conn.fd = fd;
    c->id = id;
    c->unix_socket = unix_socket;
    c->resp = 2;
    c->created_ms = c->active_ms = now_ms;
    list_init(&c->node);
    list_init(&c->dirty_node);
    list_init(&c->wait_node);
    read_addresses(c, fd);
    return c;
}

void client_discard(struct client *c)
{
    ASSERT(!c->worker);
    mem_free(NULL, c);
}

static void set_tcp_options(const struct client *c, const struct config *config)
{
    int on = 1;
    if (c->unix_socket)
        return;
    setsockopt(c->conn.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int idle = (int)config->tcp_keepalive;
    if (idle == 0)
        return;
    /* As Redis: probes every third of the interval, three of them unanswered end the connection. */
    int interval = idle / 3 > 0 ? idle / 3 : 1, count = 3;
    setsockopt(c->conn.fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(c->conn.fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(c->conn.fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(c->conn.fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

void client_adopt(struct worker *w, struct client *c)
{
    c->worker = w;
    conn_init(&c->conn, w->io, &w->out_pool, c->conn.fd, &events);
    set_tcp_options(c, w->config);
    c->authenticated = w->config->requirepass[0] == '\0';
    list_push_back(&w->clients, &c->node);
    w->nclients++;
    stat_add(&w->stats.connections, 1);
    conn_read_start(&c->conn);
}

bool client_name_valid(struct slice name)
{
    for (size_t i = 0; i < name.len; i++)
        if (name.ptr[i] < '!' || name.ptr[i] > '~')
            return false;
    return true;
}

static char *copy_text(struct slice s)
{
    if (s.len == 0)
        return NULL;
    char *copy = mem_alloc(NULL, s.len + 1);
    memcpy(copy, s.ptr, s.len);
    copy[s.len] = '\0';
    return copy;
}

void client_set_text(char **field, struct slice text)
{
    mem_free(NULL, *field);
    *field = copy_text(text);
}

/* ---- Input ---- */

/* As Redis, arguments of the command that is not complete yet count: of a command with a million large ones, which lie
 * in blobs, the query buffer is never large. */
static void check_query_limit(struct client *c)
{
    struct worker *w = c->worker;
    size_t bytes = c->conn.query_len + parse_memory(&c->parser);
    if (bytes <= (uint64_t)w->config->client_query_buffer_limit)
        return;
    static struct log_limit limit;
    stat_add(&w->stats.query_limit_closed, 1);
    log_limited(&limit, LOG_LEVEL_WARNING,
                "Closing client that reached max query buffer length: id=%llu addr=%s qbuf=%zu",
                (unsigned long long)c->id, c->address, bytes);
    client_close(c);
}

static void on_input(struct conn *conn)
{
    struct client *c = (struct client *)conn;
    worker_see_time(c->worker);
    if (c->lingers) {
        conn_consume(conn, conn_input(conn).len);
        return;
    }
    if (!c->batch)
        batches_run(c);
    /* Commands are under way and more keep coming: the kernel holds them back until the batch is done. */
    if (c->batch && conn_input(conn).len > CONN_QUERY_PAUSE_BYTES)
        conn_read_stop(conn);
    check_query_limit(c);
}

static void on_bulk(struct conn *conn)
{
    struct client *c = (struct client *)conn;
    worker_see_time(c->worker);
    parse_bulk_received(&c->parser);
    c->active_ms = c->worker->now_ms;
    check_query_limit(c);
}

/* Its input waits for room in the journal. */
static bool is_throttled(const struct client *c)
{
    return !c->conn.closing && !c->paused && !list_empty(&c->wait_node);
}

void client_run(struct client *c)
{
    batches_run(c);
    if (!c->batch && !is_throttled(c) && !c->conn.closing && !c->close_after_reply && !c->input_ended &&
        !c->conn.reading)
        conn_read_start(&c->conn);
    conn_trim(&c->conn);
}

bool client_password_is_set(const struct client *c) { return c->worker->config->requirepass[0] != '\0'; }

/* ---- Pausing ---- */

bool client_must_pause(const struct client *c, const struct command *row)
{
    const struct worker *w = c->worker;
    if (w->pause == PAUSE_NONE || w->now_ms >= w->pause_until_ms)
        return false;
    return w->pause == PAUSE_ALL || row->flags & (CMD_WRITE | CMD_MAY_REPLICATE);
}

void client_pause(struct client *c)
{
    c->paused = true;
    list_push_back(&c->worker->paused, &c->wait_node);
}

void clients_unpause(struct worker *w)
{
    struct list waiting, *n;
    if (list_empty(&w->paused))
        return;
    list_take_all(&waiting, &w->paused);
    while ((n = list_pop_front(&waiting))) {
        struct client *c = container_of(n, struct client, wait_node);
        c->paused = false;
        batch_continue(c->batch);
    }
}

/* ---- Throttling ---- */

void client_throttle(struct client *c)
{
    conn_read_stop(&c->conn);
    if (list_empty(&c->wait_node))
        list_push_back(&c->worker->throttled, &c->wait_node);
}

void clients_unthrottle(struct worker *w)
{
    struct list waiting, *n;
    if (list_empty(&w->throttled) || durable_is_full(w))
        return;
    list_take_all(&waiting, &w->throttled);
    while ((n = list_pop_front(&waiting)))
        client_run(container_of(n, struct client, wait_node));
}

/* ---- Output ---- */

void client_dirty(struct client *c)
{
    conn_expect_output(&c->conn);
    if (list_empty(&c->dirty_node))
        list_push_back(&c->worker->dirty, &c->dirty_node);
}

/* As Redis: the hard limit at once (a small one for who has not logged in), the soft one after more than its whole
 * seconds without a pause. */
static bool over_output_limit(struct client *c, size_t bytes)
{
    const struct worker *w = c->worker;
    const struct output_limit *limit = &w->config->client_output_buffer_limit[OUTPUT_CLASS_NORMAL];
    if (limit->hard_bytes && bytes >= limit->hard_bytes)
        return true;
    if (client_must_authenticate(c) && bytes >= UNAUTHENTICATED_OUTPUT_BYTES_MAX)
        return true;
    if (!limit->soft_bytes || bytes < limit->soft_bytes) {
        c->soft_limit_since_ms = 0;
        return false;
    }
    if (c->soft_limit_since_ms == 0)
        c->soft_limit_since_ms = w->now_ms;
    return w->now_ms / 1000 - c->soft_limit_since_ms / 1000 > limit->soft_seconds;
}

static void check_output_limit(struct client *c)
{
    size_t bytes = conn_output_bytes(&c->conn);
    /* Redis does not count what fits into a client's static buffer. */
    if (!over_output_limit(c, bytes > OUTPUT_UNCOUNTED_BYTES ? bytes - OUTPUT_UNCOUNTED_BYTES : 0))
        return;
    static struct log_limit limit;
    stat_add(&c->worker->stats.output_limit_closed, 1);
    log_limited(&limit, LOG_LEVEL_WARNING, "Client id=%llu addr=%s closed for overcoming of output buffer limits.",
                (unsigned long long)c->id, c->address);
    client_close(c);
}

/* To close a socket with unread input, or one whose peer goes on sending, resets the connection, and the peer would
 * lose replies that the kernel has not sent it yet. So it is told that nothing more comes, and the rest of its input is
 * dropped until it has closed or time is over. */
static void linger(struct client *c)
{
    if (c->lingers)
        return;
    c->lingers = true;
    c->active_ms = c->worker->now_ms;
    shutdown(c->conn.fd, SHUT_WR);
    conn_consume(&c->conn, conn_input(&c->conn).len);
    conn_read_start(&c->conn);
}

static void finish_if_drained(struct client *c)
{
    if (!(c->close_after_reply || c->input_ended) || c->batch || is_throttled(c) || !conn_drained(&c->conn))
        return;
    if (c->input_ended || c->worker->stopping)
        client_close(c);
    else
        linger(c);
}

/* The connection's counters, as they have grown since the last time, into the worker's. */
void client_count_traffic(struct client *c)
{
    struct worker_stats *stats = &c->worker->stats;
    struct client_traffic now = {c->conn.bytes_in, c->conn.bytes_out, c->conn.reads, c->conn.writes};
    stat_add(&stats->bytes_in, now.bytes_in - c->counted.bytes_in);
    stat_add(&stats->bytes_out, now.bytes_out - c->counted.bytes_out);
    stat_add(&stats->reads, now.reads - c->counted.reads);
    stat_add(&stats->writes, now.writes - c->counted.writes);
    c->counted = now;
}

void clients_flush(struct worker *w)
{
    struct list dirty, *n;
    bool called = durable_called(w);
    /* A call was for these, too, which have had their turn in this iteration. */
    if (called && durable_effects(w) && (!list_empty(&w->throttled) || !list_empty(&w->open_bundles)))
        w->busy = true;
    if (called && !list_empty(&w->unsafe)) {
        list_take_all(&dirty, &w->unsafe);
        while ((n = list_pop_front(&dirty)))
            list_push_back(&w->dirty, n);
    }
    if (list_empty(&w->dirty))
        return;
    list_take_all(&dirty, &w->dirty);
    while ((n = list_pop_front(&dirty))) {
        struct client *c = container_of(n, struct client, dirty_node);
        if (!durable_may_leave(w, &c->wait) && !durable_await(w, &c->wait)) {
            list_push_back(&w->unsafe, n);
            continue;
        }
        conn_flush(&c->conn);
        client_count_traffic(c);
        check_output_limit(c);
        finish_if_drained(c);
    }
}

static void on_sent(struct conn *conn)
{
    struct client *c = (struct client *)conn;
    if (conn->out.len == 0)
        c->soft_limit_since_ms = 0;
    else if (durable_may_leave(c->worker, &c->wait))
        conn_flush(conn);
    else
        client_dirty(c); /* what could leave when this send began must wait by now: the policy has changed */
    finish_if_drained(c);
}

/* ---- Going ---- */

/* A batch that waits for the end of a pause will never go on. */
static void give_up_paused(struct client *c)
{
    if (!c->paused)
        return;
    list_remove(&c->wait_node);
    c->paused = false;
    batch_abandon(c->batch);
}

void client_close(struct client *c)
{
    if (c->conn.closing)
        return;
    conn_close(&c->conn);
    list_remove(&c->dirty_node);
    give_up_paused(c);
    list_remove(&c->wait_node); /* throttled */
    list_push_back(&c->worker->closing, &c->wait_node);
}

bool client_take_silence(struct client *c)
{
    bool silent = c->reply_mode != REPLY_ON;
    if (c->reply_mode == REPLY_SKIP)
        c->reply_mode = REPLY_ON;
    else if (c->reply_mode == REPLY_SKIP_NEXT)
        c->reply_mode = REPLY_SKIP;
    return silent;
}

void client_close_after_reply(struct client *c)
{
    c->close_after_reply = true;
    c->conn.await_sent = true;
    conn_read_stop(&c->conn);
    client_dirty(c);
}

void clients_stop(struct worker *w)
{
    w->stop_ns = w->now_ns + STOP_GRACE_NS;
    for (struct list *n = w->clients.next; n != &w->clients; n = n->next) {
        struct client *c = container_of(n, struct client, node);
        give_up_paused(c);
        client_close_after_reply(c);
    }
}

/* `printf 'PING\r\n' | nc` ends its input at once and wants its answer all the same. */
static void on_end(struct conn *conn, int error)
{
    struct client *c = (struct client *)conn;
    if (error != 0 || c->paused || (!c->batch && !is_throttled(c) && conn_drained(conn))) {
        client_close(c);
        return;
    }
    c->input_ended = true;
    conn->await_sent = true;
    conn_read_stop(conn);
}

static void client_free(struct client *c)
{
    struct worker *w = c->worker;
    client_count_traffic(c);
    list_remove(&c->node);
    list_remove(&c->dirty_node);
    parse_reset(&c->parser);
    mem_free(NULL, c->name);
    mem_free(NULL, c->lib_name);
    mem_free(NULL, c->lib_ver);
    w->nclients--;
    atomic_fetch_sub_explicit(&w->server->nclients, 1, memory_order_release);
    if (w->stopping && w->id != 0)
        worker_wake(w, 0); /* which waits for the last client to go */
    w->busy = w->busy || w->stopping;
    atomic_fetch_sub_explicit(&w->server->load[w->id].clients, 1, memory_order_relaxed);
    mem_free(NULL, c);
}

void clients_reap(struct worker *w)
{
    for (struct list *n = w->closing.next, *next; n != &w->closing; n = next) {
        next = n->next;
        struct client *c = container_of(n, struct client, wait_node);
        if (c->batch || !conn_finish(&c->conn))
            continue;
        list_remove(n);
        client_free(c);
    }
}

/* What the kernel has not brought to the peer yet. */
static bool has_unsent(const struct client *c)
{
    int bytes = 0;
    return ioctl(c->conn.fd, SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

static bool has_lingered(const struct client *c, int64_t idle_ms)
{
    if (!c->lingers && !c->input_ended)
        return false;
    return idle_ms > LINGER_MS || (c->lingers && idle_ms > DROP_INPUT_MS && !has_unsent(c));
}

void clients_cron(struct worker *w)
{
    int64_t timeout_ms = w->config->timeout * 1000;
    if (w->stopping && w->now_ns >= w->stop_ns)
        for (struct list *n = w->clients.next; n != &w->clients; n = n->next)
            client_close(container_of(n, struct client, node));
    if (w->pause != PAUSE_NONE && w->now_ms >= w->pause_until_ms)
        clients_unpause(w);
    for (uint32_t left = w->nclients / 10 + 1; left > 0 && !list_empty(&w->clients); left--) {
        struct list *n = list_pop_front(&w->clients);
        list_push_back(&w->clients, n);
        struct client *c = container_of(n, struct client, node);
        if (c->conn.closing)
            continue;
        int64_t idle_ms = w->now_ms - c->active_ms;
        bool idles = timeout_ms && !c->batch && idle_ms > timeout_ms;
        if (idles || has_lingered(c, idle_ms))
            client_close(c);
        else
            check_output_limit(c);
    }
}
