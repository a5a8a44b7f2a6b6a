#include "src/server/client_info.h"

#include <stdarg.h>
#include <stdio.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/cmd/command.h"
#include "src/server/client.h"
#include "src/server/worker.h"

bool client_type_parse(struct slice name, enum client_type *type)
{
    static const struct {
        const char *name;
        enum client_type type;
    } types[] = {{"normal", CLIENT_NORMAL},
                 {"slave", CLIENT_REPLICA},
                 {"replica", CLIENT_REPLICA},
                 {"pubsub", CLIENT_PUBSUB},
                 {"master", CLIENT_MASTER}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (slice_is(name, types[i].name)) {
            *type = types[i].type;
            return true;
        }
    }
    return false;
}

enum client_type client_type_of(const struct client *c)
{
    (void)c;
    return CLIENT_NORMAL;
}

int64_t client_age_seconds(const struct client *c) { return c->worker->now_ms / 1000 - c->created_ms / 1000; }

__attribute__((format(printf, 2, 3))) static void print(struct reply *out, const char *format, ...)
{
    enum { USUAL_BYTES = 256 };
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int len = vsnprintf(reply_reserve(out, USUAL_BYTES), USUAL_BYTES, format, ap);
    ASSERT(len >= 0);
    if (len >= USUAL_BYTES)
        vsnprintf(reply_reserve(out, (size_t)len + 1), (size_t)len + 1, format, again);
    reply_commit(out, (size_t)len);
    va_end(again);
    va_end(ap);
}

static const char *or_empty(const char *text) { return text ? text : ""; }

/* Redis's letters, those that can occur here. */
static void print_flags(const struct client *c, struct reply *out)
{
    char flags[8], *p = flags;
    if (c->paused)
        *p++ = 'b';
    if (c->close_after_reply)
        *p++ = 'c';
    if (c->unix_socket)
        *p++ = 'U';
    if (c->no_touch)
        *p++ = 'T';
    if (p == flags)
        *p++ = 'N';
    *p = '\0';
    print(out, " flags=%s", flags);
}

static size_t memory_of(const struct client *c)
{
    size_t bytes = mem_size(c) + conn_memory(&c->conn) + parse_memory(&c->parser);
    const char *texts[] = {c->name, c->lib_name, c->lib_ver};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        bytes += texts[i] ? mem_size(texts[i]) : 0;
    return bytes;
}

/* What is received and not used yet, and what waits to be sent. The reply that is being filled is Redis's static
 * buffer (rbs, obl), what is on its way to the kernel its list (oll, omem). */
static void print_buffers(const struct client *c, struct reply *out)
{
    const struct conn *conn = &c->conn;
    bool waits = conn_output_bytes(conn) > 0;
    print(out, " qbuf=%zu qbuf-free=%zu argv-mem=%zu multi-mem=0", conn->query_len,
          conn->query_cap - conn->query_start - conn->query_len, parse_memory(&c->parser));
    print(out, " rbs=%zu rbp=%zu obl=%zu oll=%u omem=%zu tot-mem=%zu", conn->out.cap, conn->out.cap, conn->out.len,
          (conn->sending.len > 0) + conn->out.nrefs + conn->sending.nrefs,
          waits ? reply_memory(&conn->out) + reply_memory(&conn->sending) : 0, memory_of(c));
}

void client_print_line(const struct client *c, struct reply *out)
{
    print(out, "id=%llu addr=%s laddr=%s fd=%d name=%s", (unsigned long long)c->id, c->address, c->local_address,
          c->conn.fd, or_empty(c->name));
    print(out, " age=%lld idle=%lld", (long long)client_age_seconds(c),
          (long long)(c->worker->now_ms / 1000 - c->active_ms / 1000));
    print_flags(c, out);
    print(out, " db=%u sub=0 psub=0 ssub=0 multi=-1 watch=0", c->db);
    print_buffers(c, out);
    print(out, " events=%s%s cmd=%s user=default redir=-1 resp=%u", c->conn.reading ? "r" : "",
          io_op_active(&c->conn.send_op) ? "w" : "", c->last_command ? c->last_command->full_name : "NULL", c->resp);
    print(out, " lib-name=%s lib-ver=%s\n", or_empty(c->lib_name), or_empty(c->lib_ver));
}
