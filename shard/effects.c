#include "shard/effects.h"

#include "src/base/mem.h"
#include "src/base/num.h"
#include "src/base/planted.h"

enum {
    FIRST_BYTES = 1024,
    HEADER_BYTES_MAX = 1 + NUM_INT_CHARS + 2,
    WORD_BYTES_MAX = HEADER_BYTES_MAX + 2, /* besides the word itself */
};

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

static char *put_word(char *p, struct slice word)
{
    p = put_header(p, '$', word.len);
    memcpy(p, word.ptr, word.len);
    p += word.len;
    *p++ = '\r';
    *p++ = '\n';
    return p;
}

static void add_command(struct effects *e, uint32_t argc, const struct slice *argv)
{
    size_t bytes = HEADER_BYTES_MAX;
    for (uint32_t i = 0; i < argc; i++)
        bytes += WORD_BYTES_MAX + argv[i].len;
    reserve(e, bytes);
    char *p = put_header(e->buf + e->len, '*', argc);
    for (uint32_t i = 0; i < argc; i++)
        p = put_word(p, argv[i]);
    e->len = (size_t)(p - e->buf);
}

static void select_database(struct effects *e, uint32_t db)
{
    if (e->db == db || (PLANTED(PLANTED_SELECT_MISSING) && e->commands > 0))
        return;
    char text[NUM_INT_CHARS];
    add_command(e, 2, (struct slice[]){slice_str("select"), slice_of(text, num_u64(text, db))});
    e->db = db;
}

void effects_add(struct effects *e, uint32_t db, uint32_t argc, const struct slice *argv)
{
    select_database(e, db);
    add_command(e, argc, argv);
    e->commands++;
}

void effects_begin(struct effects *e, uint32_t db, uint32_t argc)
{
    select_database(e, db);
    reserve(e, HEADER_BYTES_MAX);
    e->len = (size_t)(put_header(e->buf + e->len, '*', argc) - e->buf);
    e->commands++;
}

void effects_word(struct effects *e, struct slice word)
{
    reserve(e, WORD_BYTES_MAX + word.len);
    e->len = (size_t)(put_word(e->buf + e->len, word) - e->buf);
}
