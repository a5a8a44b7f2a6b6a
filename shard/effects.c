#include "shard/effects.h"

#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/base/planted.h"

enum { FIRST_BYTES = 1024, HEADER_BYTES_MAX = 1 + NUM_INT_CHARS + 2 };

void effects_init(struct effects *e) { *e = (struct effects){.db = -1}; }

void effects_deinit(struct effects *e)
{
    mem_free(NULL, e->buf);
    effects_init(e);
}

void effects_clear(struct effects *e)
{
    e->len = e->commands = 0;
    e->db = -1;
}

static void reserve(struct effects *e, size_t n)
{
    if (e->len + n <= e->cap)
        return;
    size_t cap = 2 * e->cap > FIRST_BYTES ? 2 * e->cap : FIRST_BYTES;
    e->cap = cap > e->len + n ? cap : e->len + n;
    e->buf = mem_realloc(NULL, e->buf, e->cap);
}

/* The caller has reserved room for it. */
static char *put_header(char *p, char type, size_t n)
{
    *p++ = type;
    p += num_u64(p, n);
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

static void add_command(struct effects *e, uint32_t argc, const struct slice *argv)
{
    size_t bytes = HEADER_BYTES_MAX;
    for (uint32_t i = 0; i < argc; i++)
        bytes += HEADER_BYTES_MAX + argv[i].len + 2;
    reserve(e, bytes);
    char *p = put_header(e->buf + e->len, '*', argc);
    for (uint32_t i = 0; i < argc; i++) {
        p = put_header(p, '$', argv[i].len);
        memcpy(p, argv[i].ptr, argv[i].len);
        p += argv[i].len;
        *p++ = '\r';
        *p++ = '\n';
    }
    e->len = (size_t)(p - e->buf);
}

void effects_add(struct effects *e, uint32_t db, uint32_t argc, const struct slice *argv)
{
    if (e->db != db && !(PLANTED(PLANTED_SELECT_MISSING) && e->commands > 0)) {
        char text[NUM_INT_CHARS];
        add_command(e, 2, (struct slice[]){slice_str("select"), slice_of(text, num_u64(text, db))});
        e->db = db;
    }
    add_command(e, argc, argv);
    e->commands++;
}
