#include "src/net/conn.h"

#include <errno.h>

#include "src/base/assert.h"
#include "src/base/list.h"
#include "src/base/mem.h"

enum { QUERY_KEEP_BYTES = 32 * 1024 };

static void on_recv(struct io_op *op, int res, const char *data);
static void on_send(struct io_op *op, int res, const char *data);

void conn_init(struct conn *c, struct io *io, struct out_pool *pool, int fd, const struct conn_events *events)
{
    c->io = io;
    c->pool = pool;
    c->fd = fd;
    c->events = events;
    c->recv_op.done = on_recv;
    c->send_op.done = on_send;
    reply_init(&c->out, 2);
    reply_init(&c->sending, 2);
}

struct slice conn_input(const struct conn *c)
{
    if (c->arrived.ptr || !c->query)
        return c->arrived;
    return slice_of(c->query + c->query_start, c->query_len);
}

void conn_consume(struct conn *c, size_t n)
{
    if (c->arrived.ptr) {
        c->arrived.ptr += n;
        c->arrived.len -= n;
        return;
    }
    c->query_start += n;
    c->query_len -= n;
}

void conn_consume_end(struct conn *c, size_t n)
{
    if (c->arrived.ptr)
        c->arrived.len -= n;
    else
        c->query_len -= n;
}

void conn_trim(struct conn *c)
{
    if (c->query_len > 0)
        return;
    c->query_start = 0;
    /* An idle connection keeps no buffer: ten thousand of them are cheap. */
    mem_free(NULL, c->query);
    c->query = NULL;
    c->query_cap = 0;
}

static void query_append(struct conn *c, struct slice s)
{
    if (c->query_start > 0 && c->query_start + c->query_len + s.len > c->query_cap) {
        memmove(c->query, c->query + c->query_start, c->query_len);
        c->query_start = 0;
    }
    size_t need = c->query_start + c->query_len + s.len;
    if (need > c->query_cap) {
        c->query_cap = c->query ? need * 2 : need;
        c->query = mem_realloc(NULL, c->query, c->query_cap);
    }
    memcpy(c->query + c->query_start + c->query_len, s.ptr, s.len);
    c->query_len += s.len;
    if (c->query_len > c->query_peak)
        c->query_peak = c->query_len;
}

/* Input that belongs to an expected bulk; returns what is left of s. */
static struct slice take_for_bulk(struct conn *c, struct slice s)
{
    size_t n = s.len < c->bulk_left ? s.len : c->bulk_left;
    memcpy(c->bulk_dst, s.ptr, n);
    c->bulk_dst += n;
    c->bulk_left -= n;
    return slice_of(s.ptr + n, s.len - n);
}

static void bulk_complete(struct conn *c)
{
    c->bulk_dst = NULL;
    c->events->on_bulk(c);
}

static void deliver(struct conn *c, struct slice s)
{
    c->bytes_in += s.len;
    if (c->bulk_dst) {
        s = take_for_bulk(c, s);
        if (c->bulk_left > 0)
            return;
        bulk_complete(c);
        if (s.len == 0 || c->closing)
            return;
    }
    if (c->query_len > 0) {
        query_append(c, s);
        c->events->on_input(c);
    } else {
        c->arrived = s;
        c->events->on_input(c);
        s = c->arrived;
        c->arrived = (struct slice){0};
        if (s.len > 0 && !c->closing)
            query_append(c, s);
    }
    conn_trim(c);
}

/* (Re)starts the kind of receive that is wanted now, if none is active. */
static void update_reading(struct conn *c)
{
    if (io_op_active(&c->recv_op) || c->closing || !c->reading)
        return;
    c->bulk_direct = c->bulk_dst != NULL;
    if (c->bulk_direct)
        io_recv_into(c->io, &c->recv_op, c->fd, c->bulk_dst, c->bulk_left);
    else
        io_recv(c->io, &c->recv_op, c->fd);
}

static void on_recv_direct(struct conn *c, int res)
{
    c->bytes_in += (size_t)res;
    c->bulk_dst += res;
    c->bulk_left -= (size_t)res;
    if (c->bulk_left == 0)
        bulk_complete(c);
}

static void on_recv(struct io_op *op, int res, const char *data)
{
    struct conn *c = container_of(op, struct conn, recv_op);
    if (c->closing)
        return;
    c->reads += res >= 0; /* the end, too, as Redis counts it */
    if (res > 0 && c->bulk_direct)
        on_recv_direct(c, res);
    else if (res > 0)
        deliver(c, slice_of(data, (size_t)res));
    else if (res != -ECANCELED)
        c->events->on_end(c, res);
    update_reading(c);
}

void conn_read_start(struct conn *c)
{
    c->reading = true;
    update_reading(c);
}

void conn_read_stop(struct conn *c)
{
    c->reading = false;
    if (io_op_active(&c->recv_op))
        io_cancel(c->io, &c->recv_op);
}

void conn_receive_bulk(struct conn *c, char *dst, size_t len)
{
    ASSERT(!c->bulk_dst);
    c->bulk_dst = dst;
    c->bulk_left = len;
    /* The running receive ends; the next one goes straight to dst. What it still brings is copied by deliver. */
    if (io_op_active(&c->recv_op))
        io_cancel(c->io, &c->recv_op);
}

void conn_expect_output(struct conn *c)
{
    if (!c->out.buf)
        out_pool_take(c->pool, &c->out);
}

/* Describes up to CONN_IOV_MAX pieces of r from its byte skip on, together at most IO_SEND_BYTES_MAX. */
static size_t describe(const struct reply *r, size_t skip, struct iovec *iov)
{
    size_t n = 0, at = 0, room = IO_SEND_BYTES_MAX;
    for (uint32_t i = 0; i <= r->nrefs && n + 2 <= CONN_IOV_MAX && room > 0; i++) {
        size_t text_end = i < r->nrefs ? r->refs[i].offset : r->len;
        struct slice parts[2] = {slice_of(r->buf + at, text_end - at), {0}};
        if (i < r->nrefs)
            parts[1] = slice_of(r->refs[i].blob->data + r->refs[i].start, r->refs[i].len);
        at = text_end;
        for (int p = 0; p < 2; p++) {
            size_t cut = skip < parts[p].len ? skip : parts[p].len;
            skip -= cut;
            size_t len = parts[p].len - cut < room ? parts[p].len - cut : room;
            room -= len;
            if (len > 0)
                iov[n++] = (struct iovec){(char *)parts[p].ptr + cut, len};
        }
    }
    return n;
}

static void send_rest(struct conn *c)
{
    c->send_op.quiet = !c->await_sent;
    if (c->sending.nrefs == 0) {
        size_t len = c->sending.len - c->sent;
        io_send(c->io, &c->send_op, c->fd, c->sending.buf + c->sent, len < IO_SEND_BYTES_MAX ? len : IO_SEND_BYTES_MAX);
        return;
    }
    c->msg = (struct msghdr){.msg_iov = c->iov, .msg_iovlen = describe(&c->sending, c->sent, c->iov)};
    io_sendmsg(c->io, &c->send_op, c->fd, &c->msg);
}

void conn_flush(struct conn *c)
{
    if (c->closing || io_op_active(&c->send_op) || c->out.len == 0)
        return;
    struct reply idle = c->sending;
    c->sending = c->out;
    c->out = idle;
    c->out.resp = c->sending.resp;
    c->sent = 0;
    send_rest(c);
}

static void on_send(struct io_op *op, int res, const char *data)
{
    (void)data;
    struct conn *c = container_of(op, struct conn, send_op);
    if (c->closing)
        return;
    if (res < 0) {
        c->events->on_end(c, res);
        return;
    }
    c->sent += (size_t)res;
    c->bytes_out += (size_t)res;
    c->writes++;
    if (c->sent < reply_bytes(&c->sending)) {
        send_rest(c);
        return;
    }
    out_pool_give(c->pool, &c->sending);
    c->sent = 0;
    c->events->on_sent(c);
}

size_t conn_output_bytes(const struct conn *c) { return reply_bytes(&c->out) + reply_bytes(&c->sending) - c->sent; }

size_t conn_memory(const struct conn *c) { return c->query_cap + reply_memory(&c->out) + reply_memory(&c->sending); }

void conn_close(struct conn *c)
{
    if (c->closing)
        return;
    c->closing = true;
    if (io_op_active(&c->recv_op))
        io_cancel(c->io, &c->recv_op);
    if (io_op_active(&c->send_op))
        io_cancel(c->io, &c->send_op);
}

bool conn_finish(struct conn *c)
{
    if (io_op_active(&c->recv_op) || io_op_active(&c->send_op))
        return false;
    io_close(c->io, c->fd);
    reply_deinit(&c->out);
    reply_deinit(&c->sending);
    mem_free(NULL, c->query);
    return true;
}
