/* The simulated network: listeners, and connections of two byte streams each. What is sent travels in segments, which a
 * socket receives in order and each at a time of its own. Sockets are the world's until closed; a socket's segments are
 * its own. */
#include <errno.h>
#include <string.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/io/sim_world.h"

enum { PARTS_MAX = 3 };

/* --- Sockets --- */

static struct sim_socket *open_socket(struct sim *sim)
{
    int i = 0;
    while (i < sim->socket_count && sim->sockets[i])
        i++;
    if (i == sim->socket_count) {
        sim->socket_count = i ? 2 * i : 16;
        sim->sockets = mem_realloc(NULL, sim->sockets, (size_t)sim->socket_count * sizeof *sim->sockets);
        memset(sim->sockets + i, 0, (size_t)(sim->socket_count - i) * sizeof *sim->sockets);
    }
    struct sim_socket *s = mem_zalloc(NULL, sizeof *s);
    s->sim = sim;
    s->fd = SIM_FD_FIRST + i;
    list_init(&s->flight);
    list_init(&s->arrived);
    sim->sockets[i] = s;
    return s;
}

struct sim_socket *sim_socket_of(struct sim *sim, int fd)
{
    ASSERT(fd >= SIM_FD_FIRST && fd < SIM_FD_FIRST + sim->socket_count && sim->sockets[fd - SIM_FD_FIRST]);
    return sim->sockets[fd - SIM_FD_FIRST];
}

static void notify_readable(struct sim_socket *s)
{
    if (s->in)
        sim_io_notify(s->io, s->in);
}

static void notify_writable(struct sim_socket *s)
{
    if (s->out)
        sim_io_notify(s->io, s->out);
}

static void drop_segments(struct sim_socket *s, struct list *segments)
{
    for (struct list *l; (l = list_pop_front(segments));) {
        struct sim_segment *segment = container_of(l, struct sim_segment, link);
        if (segment->kind == SEGMENT_CONNECTION)
            sim_net_close(sim_socket_of(s->sim, segment->fd));
        s->bytes -= segment->len - segment->offset;
        mem_free(NULL, segment);
    }
}

/* --- Segments --- */

static struct sim_segment *make_segment(int kind, const void *data, size_t len)
{
    struct sim_segment *segment = mem_zalloc(NULL, sizeof *segment + len);
    segment->kind = kind;
    segment->len = len;
    if (len)
        memcpy(segment->data, data, len);
    return segment;
}

static void launch(struct sim_socket *to, struct sim_segment *segment)
{
    struct sim *sim = to->sim;
    uint64_t due = sim->now_ns + sim_random(sim, sim->config.delay_ns_max);
    segment->due_ns = to->last_due_ns = due > to->last_due_ns ? due : to->last_due_ns;
    to->bytes += segment->len;
    list_push_back(&to->flight, &segment->link);
    if (segment->due_ns < sim->next_due_ns)
        sim->next_due_ns = segment->due_ns;
}

static void arrive(struct sim_socket *s, struct sim_segment *segment)
{
    sim_record(s->sim, 2, (uint64_t)s->fd << 32 | segment->len << 2 | segment->kind);
    switch (segment->kind) {
    case SEGMENT_RESET:
        drop_segments(s, &s->arrived);
        drop_segments(s, &s->flight);
        s->reset = true;
        notify_writable(s);
        mem_free(NULL, segment);
        break;
    case SEGMENT_END:
        s->ended = true;
        mem_free(NULL, segment);
        break;
    case SEGMENT_DATA:
    case SEGMENT_CONNECTION:
        list_push_back(&s->arrived, &segment->link);
        break;
    }
    notify_readable(s);
}

void sim_net_deliver(struct sim *sim)
{
    if (sim->now_ns < sim->next_due_ns)
        return;
    sim->next_due_ns = UINT64_MAX;
    for (int i = 0; i < sim->socket_count; i++) {
        struct sim_socket *s = sim->sockets[i];
        while (s && !list_empty(&s->flight)) {
            struct sim_segment *segment = container_of(s->flight.next, struct sim_segment, link);
            if (segment->due_ns > sim->now_ns) {
                if (segment->due_ns < sim->next_due_ns)
                    sim->next_due_ns = segment->due_ns;
                break;
            }
            list_remove(&segment->link);
            arrive(s, segment);
        }
    }
}

/* --- The system calls --- */

int sim_net_accept(struct sim_socket *listener)
{
    struct list *l = list_pop_front(&listener->arrived);
    if (!l)
        return -EAGAIN;
    struct sim_segment *segment = container_of(l, struct sim_segment, link);
    int fd = segment->fd;
    mem_free(NULL, segment);
    return fd;
}

/* Cuts n now and then. */
static size_t perhaps_short(struct sim *sim, size_t n)
{
    return n > 1 && sim_chance(sim, sim->config.short_rate, 1000) ? 1 + sim_random(sim, n) : n;
}

int sim_net_recv(struct sim_socket *s, void *buf, size_t len)
{
    if (s->reset)
        return -ECONNRESET;
    if (list_empty(&s->arrived))
        return s->ended ? 0 : -EAGAIN;
    size_t want = perhaps_short(s->sim, len), got = 0;
    while (got < want && !list_empty(&s->arrived)) {
        struct sim_segment *segment = container_of(s->arrived.next, struct sim_segment, link);
        size_t part = segment->len - segment->offset;
        if (part > want - got)
            part = want - got;
        memcpy((char *)buf + got, segment->data + segment->offset, part);
        got += part;
        segment->offset += part;
        if (segment->offset == segment->len) {
            list_remove(&segment->link);
            mem_free(NULL, segment);
        }
    }
    s->bytes -= got;
    if (s->peer)
        notify_writable(s->peer);
    return (int)got;
}

static void break_connection(struct sim_socket *s)
{
    if (s->peer) {
        launch(s->peer, make_segment(SEGMENT_RESET, NULL, 0));
        s->peer->peer = NULL;
        s->peer = NULL;
    }
}

int sim_net_send(struct sim_socket *s, const void *buf, size_t len)
{
    struct sim *sim = s->sim;
    if (s->peer && sim_chance(sim, sim->config.reset_rate, 1000000)) {
        break_connection(s);
        s->reset = true;
        notify_readable(s);
    }
    if (s->reset)
        return -ECONNRESET;
    if (!s->peer)
        return -EPIPE;
    size_t room = sim->config.pipe_bytes > s->peer->bytes ? sim->config.pipe_bytes - s->peer->bytes : 0;
    if (room == 0)
        return -EAGAIN;
    size_t n = perhaps_short(sim, len < room ? len : room);
    for (size_t sent = 0, parts = 1; sent < n; parts++) {
        size_t part = parts == PARTS_MAX ? n - sent : perhaps_short(sim, n - sent);
        launch(s->peer, make_segment(SEGMENT_DATA, (const char *)buf + sent, part));
        sent += part;
    }
    return (int)n;
}

void sim_net_close(struct sim_socket *s)
{
    struct sim *sim = s->sim;
    ASSERT(!s->in && !s->out);
    if (s->bytes) /* as TCP does when something is lost by closing */
        break_connection(s);
    if (s->peer) {
        launch(s->peer, make_segment(SEGMENT_END, NULL, 0));
        s->peer->peer = NULL;
        notify_writable(s->peer);
    }
    drop_segments(s, &s->arrived);
    drop_segments(s, &s->flight);
    sim->sockets[s->fd - SIM_FD_FIRST] = NULL;
    mem_free(NULL, s);
}

void sim_net_destroy(struct sim *sim)
{
    for (int i = 0; i < sim->socket_count; i++)
        if (sim->sockets[i]) {
            sim->sockets[i]->in = sim->sockets[i]->out = NULL; /* of tasks that were dropped */
            sim_net_close(sim->sockets[i]);
        }
    mem_free(NULL, sim->sockets);
}

void sim_net_describe(struct sim *sim, FILE *out)
{
    for (int i = 0; i < sim->socket_count; i++) {
        const struct sim_socket *s = sim->sockets[i];
        if (s && s->port)
            fprintf(out, "%d: listens on %u, queue %s\n", s->fd, s->port,
                    list_empty(&s->arrived) ? "empty" : "waiting");
        else if (s)
            fprintf(out, "%d: connected to %d, %zu bytes to receive%s%s%s%s\n", s->fd, s->peer ? s->peer->fd : -1,
                    s->bytes, s->ended ? ", ended" : "", s->reset ? ", reset" : "", s->in ? ", receiving" : "",
                    s->out ? ", sending" : "");
    }
}

/* --- What clients call --- */

static struct sim_socket *listener_of(struct sim *sim, uint16_t port)
{
    for (int i = 0; i < sim->socket_count; i++)
        if (sim->sockets[i] && sim->sockets[i]->port == port)
            return sim->sockets[i];
    return NULL;
}

int sim_listen(struct sim *sim, uint16_t port)
{
    ASSERT(port);
    if (listener_of(sim, port))
        return -EADDRINUSE;
    struct sim_socket *s = open_socket(sim);
    s->port = port;
    return s->fd;
}

int sim_connect(struct sim *sim, uint16_t port)
{
    sim_sleep_ns(sim, sim_random(sim, sim->config.delay_ns_max));
    struct sim_socket *listener = listener_of(sim, port);
    if (!listener)
        return -ECONNREFUSED;
    struct sim_socket *client = open_socket(sim), *server = open_socket(sim);
    client->peer = server;
    server->peer = client;
    struct sim_segment *segment = make_segment(SEGMENT_CONNECTION, NULL, 0);
    segment->fd = server->fd;
    arrive(listener, segment);
    return client->fd;
}

static bool can_receive(void *arg)
{
    struct sim_socket *s = arg;
    return !list_empty(&s->arrived) || s->ended || s->reset;
}

static bool can_send(void *arg)
{
    struct sim_socket *s = arg;
    return s->reset || !s->peer || s->peer->bytes < s->sim->config.pipe_bytes;
}

int sim_client_send(struct sim *sim, int fd, const void *buf, size_t len)
{
    struct sim_socket *s = sim_socket_of(sim, fd);
    int n;
    while ((n = sim_net_send(s, buf, len)) == -EAGAIN)
        sim_block(sim, can_send, s, UINT64_MAX, "room to send");
    return n;
}

int sim_client_recv(struct sim *sim, int fd, void *buf, size_t len)
{
    struct sim_socket *s = sim_socket_of(sim, fd);
    int n;
    while ((n = sim_net_recv(s, buf, len)) == -EAGAIN)
        sim_block(sim, can_receive, s, UINT64_MAX, "something to receive");
    return n;
}

void sim_client_close(struct sim *sim, int fd) { sim_net_close(sim_socket_of(sim, fd)); }

void sim_client_reset(struct sim *sim, int fd)
{
    struct sim_socket *s = sim_socket_of(sim, fd);
    break_connection(s);
    sim_net_close(s);
}
