#include "tests/serial/caller.h"

enum { READ_BYTES = 16 * 1024 };

void caller_init(struct caller *c, const struct transport *transport, void *world, uint16_t port)
{
    *c = (struct caller){.transport = transport, .world = world, .fd = -1, .port = port};
}

bool caller_connect(struct caller *c)
{
    if (c->fd < 0)
        c->fd = c->transport->connect(c->world, c->port);
    return c->fd >= 0;
}

void caller_close(struct caller *c, bool hard)
{
    if (c->fd >= 0)
        c->transport->close(c->world, c->fd, hard);
    c->fd = -1;
    c->taken = 0;
    bytes_free(&c->in);
}

bool caller_send(struct caller *c, const struct bytes *bytes)
{
    for (size_t sent = 0; sent < bytes->len;) {
        ssize_t n = c->transport->send(c->world, c->fd, bytes->ptr + sent, bytes->len - sent);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

bool caller_reply(struct caller *c, struct slice *reply)
{
    bytes_drop(&c->in, c->taken);
    c->taken = 0;
    for (;;) {
        ptrdiff_t len = resp_reply_len(c->in.ptr, c->in.len);
        if (len > 0) {
            *reply = slice_of(c->in.ptr, (size_t)len);
            c->taken = (size_t)len;
            return true;
        }
        if (len < 0)
            return false;
        bytes_reserve(&c->in, READ_BYTES);
        ssize_t n = c->transport->recv(c->world, c->fd, c->in.ptr + c->in.len, READ_BYTES);
        if (n <= 0)
            return false;
        c->in.len += (size_t)n;
    }
}

bool caller_command(struct caller *c, const char *text, struct slice *reply)
{
    struct bytes out = {0};
    resp_put_text(&out, text);
    bool good = caller_send(c, &out) && caller_reply(c, reply);
    bytes_free(&out);
    return good;
}
