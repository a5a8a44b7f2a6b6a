/* CLIENT LIST: every worker describes its clients, home puts the lines in order. */
#include <stdlib.h>

#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/cmd/args.h"
#include "src/server/ask.h"
#include "src/server/batch.h"
#include "src/server/client_info.h"
#include "src/server/commands.h"
#include "src/server/server.h"
#include "src/server/worker.h"

/* One client's line: bytes [from, to) of the part's text. */
struct list_line {
    int64_t id;
    const struct reply *text;
    size_t from, to;
};

/* What one worker found. Owner: that worker, then the home worker. */
struct list_part {
    struct reply text;
    struct list_line *lines; /* owned */
    size_t count;
};

struct list_ask {
    struct client *client;
    bool by_type, by_id;
    enum client_type type;
    int64_t *ids; /* owned; as the client gave them, they may repeat */
    size_t nids;
    struct list_part part[];
};

static bool is_wanted(const struct list_ask *l, const struct client *c)
{
    return !c->conn.closing && !c->lingers && (!l->by_type || client_type_of(c) == l->type);
}

static bool list_run(struct worker *w, struct ask *a, struct ask_part *part)
{
    const struct list_ask *l = a->arg;
    struct list_part *p = &((struct list_ask *)a->arg)->part[part - a->part];
    p->lines = mem_alloc(NULL, (w->nclients + 1) * sizeof *p->lines);
    for (struct list *n = w->clients.next; n != &w->clients; n = n->next) {
        const struct client *c = container_of(n, struct client, node);
        if (!is_wanted(l, c))
            continue;
        size_t from = p->text.len;
        client_print_line(c, &p->text);
        p->lines[p->count++] = (struct list_line){(int64_t)c->id, &p->text, from, p->text.len};
    }
    return true;
}

static int compare_lines(const void *a, const void *b)
{
    const struct list_line *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void append(struct reply *text, const struct list_line *line)
{
    if (line)
        reply_raw(text, line->text->buf + line->from, line->to - line->from);
}

/* All lines in the order of their ids, which is that of arrival; or those asked for, in the order asked for. */
static void merge(const struct list_ask *l, uint32_t nparts, struct reply *text)
{
    size_t count = 0;
    for (uint32_t i = 0; i < nparts; i++)
        count += l->part[i].count;
    struct list_line *lines = mem_alloc(NULL, (count + 1) * sizeof *lines);
    count = 0;
    for (uint32_t i = 0; i < nparts; i++)
        for (size_t k = 0; k < l->part[i].count; k++)
            lines[count++] = l->part[i].lines[k];
    qsort(lines, count, sizeof *lines, compare_lines);
    for (size_t i = 0; !l->by_id && i < count; i++)
        append(text, &lines[i]);
    for (size_t i = 0; i < l->nids; i++)
        append(text, bsearch(&(struct list_line){.id = l->ids[i]}, lines, count, sizeof *lines, compare_lines));
    mem_free(NULL, lines);
}

static void list_free(struct list_ask *l, uint32_t nparts)
{
    for (uint32_t i = 0; i < nparts; i++) {
        reply_deinit(&l->part[i].text);
        mem_free(NULL, l->part[i].lines);
    }
    mem_free(NULL, l->ids);
    mem_free(NULL, l);
}

static void list_done(struct worker *home, struct ask *a)
{
    struct list_ask *l = a->arg;
    struct client *client = l->client;
    struct reply text;
    reply_init(&text, 2);
    merge(l, a->nparts, &text);
    reply_verbatim(&client->batch->reply, text.buf, text.len, "txt");
    reply_deinit(&text);
    list_free(l, a->nparts);
    ask_free(a);
    batch_deferred_done(client);
}

/* False after an error reply. */
static bool parse(struct cmd *c, struct list_ask *l)
{
    if (c->argc == 4 && slice_is(c->argv[2], "type")) {
        l->by_type = true;
        if (client_type_parse(c->argv[3], &l->type))
            return true;
        reply_errorf(c->reply, "ERR Unknown client type '%.*s'", (int)c->argv[3].len, c->argv[3].ptr);
        return false;
    }
    if (c->argc > 3 && slice_is(c->argv[2], "id")) {
        l->by_id = true;
        l->ids = mem_alloc(NULL, c->argc * sizeof *l->ids);
        for (uint32_t i = 3; i < c->argc; i++) {
            if (!num_parse_i64(c->argv[i], &l->ids[l->nids++])) {
                reply_error(c->reply, "ERR Invalid client ID");
                return false;
            }
        }
        return true;
    }
    if (c->argc == 2)
        return true;
    reply_syntax_error(c);
    return false;
}

/* CLIENT LIST [TYPE NORMAL|MASTER|REPLICA|PUBSUB | ID client-id [client-id ...]] */
static void client_list(struct cmd *c)
{
    struct client *client = command_client(c);
    struct list_ask *l = mem_zalloc(NULL, sizeof *l + c->nshards * sizeof l->part[0]);
    l->client = client;
    for (uint32_t i = 0; i < c->nshards; i++)
        reply_init(&l->part[i].text, 2);
    if (!parse(c, l)) {
        list_free(l, c->nshards);
        return;
    }
    batch_defer(client);
    ask_workers(client->worker, list_run, list_done, l);
}

const struct command_binding client_list_bindings[] = {{"client|list", client_list}, {NULL, NULL}};
