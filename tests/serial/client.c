#include "tests/serial/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024 };

void client_init(struct client *c, uint16_t port) { *c = (struct client){.fd = -1, .port = port}; }

bool client_connect(struct client *c)
{
    if (c->fd >= 0)
        return true;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct timeval patience = {.tv_sec = CLIENT_SECONDS_MAX};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(c->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0)
        return false;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        return false;
    }
    c->fd = fd;
    return true;
}

void client_close(struct client *c, bool hard)
{
    struct linger at_once = {.l_onoff = 1};
    if (c->fd >= 0) {
        if (hard)
            setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(c->fd);
    }
    c->fd = -1;
    c->taken = 0;
    bytes_free(&c->in);
}

bool client_send(struct client *c, const struct bytes *bytes)
{
    for (size_t sent = 0; sent < bytes->len;) {
        ssize_t n = send(c->fd, bytes->ptr + sent, bytes->len - sent, MSG_NOSIGNAL);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        sent += n > 0 ? (size_t)n : 0;
    }
    return true;
}

bool client_reply(struct client *c, struct slice *reply)
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
        ssize_t n = recv(c->fd, c->in.ptr + c->in.len, READ_BYTES, 0);
        if (n == 0 || (n < 0 && errno != EINTR))
            return false;
        c->in.len += n > 0 ? (size_t)n : 0;
    }
}

bool client_command(struct client *c, const char *text, struct slice *reply)
{
    struct bytes out = {0};
    resp_put_text(&out, text);
    bool good = client_send(c, &out) && client_reply(c, reply);
    bytes_free(&out);
    return good;
}
