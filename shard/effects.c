#include "shard/effects.h"

#include <stdio.h>

#include "src/base/mem.h"
#include "src/base/planted.h"

enum { EFFECTS_KEEP_BYTES = 64 * 1024 };

void effects_init(struct effects *e) { *e = (struct effects){.db = -1}; }

void effects_deinit(struct effects *e)
{
    mem_free(NULL, e->buf);
    effects_init(e);
}

static char *reserve(struct effects *e, size_t n)
{
    if (e->len + n > e->cap) {
        e->cap = (e->len + n) * 2;
        e->buf = mem_realloc(NULL, e->buf, e->cap);
    }
    return e->buf + e->len;
}

static void add_header(struct effects *e, char type, size_t n)
{
    e->len += (size_t)sprintf(reserve(e, 32), "%c%zu\r\n", type, n);
}

static void add_bulk(struct effects *e, struct slice s)
{
    add_header(e, '$', s.len);
    char *p = reserve(e, s.len + 2);
    memcpy(p, s.ptr, s.len);
    memcpy(p + s.len, "\r\n", 2);
    e->len += s.len + 2;
}

static void add_command(struct effects *e, uint32_t argc, const struct slice *argv)
{
    add_header(e, '*', argc);
    for (uint32_t i = 0; i < argc; i++)
        add_bulk(e, argv[i]);
}

void effects_add(struct effects *e, uint32_t db, uint32_t argc, const struct slice *argv)
{
    if (e->db != db && !(PLANTED(PLANTED_SELECT_MISSING) && e->commands > 0)) {
        char text[16];
        int n = snprintf(text, sizeof text, "%u", db);
        add_command(e, 2, (struct slice[]){slice_str("select"), slice_of(text, (size_t)n)});
        e->db = db;
    }
    add_command(e, argc, argv);
    e->commands++;
}

uint64_t effects_flush(struct effects *e, struct journal_sink *sink, uint32_t shard, bool atomic)
{
    if (e->commands == 0)
        return 0;
    uint64_t position = sink->append(sink, shard, slice_of(e->buf, e->len), e->commands, atomic);
    if (e->cap > EFFECTS_KEEP_BYTES)
        effects_deinit(e);
    e->len = 0;
    e->commands = 0;
    e->db = -1;
    return position;
}
