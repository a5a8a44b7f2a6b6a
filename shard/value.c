#include "shard/value.h"

#include <string.h>

#include "shard/ds/intset.h"
#include "shard/ds/listpack.h"
#include "shard/members.h"
#include "shard/type/quicklist.h"
#include "shard/type/stream.h"
#include "shard/type/zset_large.h"
#include "src/base/assert.h"

enum { ELEMENTS_FREED_AT_ONCE = 64 };

/* What is done with values of one encoding. */
struct encoding_row {
    const char *name;
    uint64_t (*count)(struct typed_value v);
    void (*each)(struct typed_value v, value_visit *fn, void *arg); /* NULL: its type does that itself */
    /* Only of large values: */
    void *(*copy)(struct value_home *to, const void *v);
    void (*moved)(void *v);     /* its home is another one now; NULL: it keeps nothing of it */
    bool (*free_step)(void *v); /* frees some of its parts, false if there were no more; then v is freed too */
};

static const struct encoding_row *row_of(enum encoding encoding);

static bool is_large(enum encoding encoding) { return row_of(encoding)->copy != NULL; }

const char *type_name(enum value_type type)
{
    static const char *const names[TYPE_COUNT] = {
        [TYPE_STRING] = "string", [TYPE_LIST] = "list", [TYPE_SET] = "set",
        [TYPE_ZSET] = "zset",     [TYPE_HASH] = "hash", [TYPE_STREAM] = "stream",
    };
    ASSERT(type < TYPE_COUNT);
    return names[type];
}

const char *encoding_name(enum encoding encoding) { return row_of(encoding)->name; }

/* ---- Large values ---- */

void *value_create(struct value_home *home, enum encoding encoding, size_t size)
{
    struct value *v = mem_zalloc(NULL, size);
    v->account.parent = home->account;
    v->home = home;
    v->encoding = encoding;
    mem_count(&v->account, (int64_t)mem_size(v));
    return v;
}

void value_destroy(struct value *v)
{
    mem_count(&v->account, -(int64_t)mem_size(v));
    ASSERT(mem_used(&v->account) == 0);
    mem_free(NULL, v);
}

/* ---- What keyspaces do ---- */

size_t value_memory(struct typed_value v)
{
    return is_large(v.encoding) ? (size_t)mem_used(&((struct value *)v.ptr)->account) : mem_size(v.ptr);
}

uint64_t value_count(struct typed_value v) { return row_of(v.encoding)->count(v); }

void value_each(struct typed_value v, value_visit *fn, void *arg) { row_of(v.encoding)->each(v, fn, arg); }

void *value_copy(struct value_home *to, struct typed_value v)
{
    if (is_large(v.encoding))
        return row_of(v.encoding)->copy(to, v.ptr);
    size_t bytes = mem_size(v.ptr);
    return memcpy(mem_alloc(to->account, bytes), v.ptr, bytes);
}

void value_move(struct value_home *from, struct value_home *to, enum encoding encoding, void *v)
{
    if (from == to)
        return;
    ASSERT(from->seed == to->seed);
    if (is_large(encoding)) {
        struct value *large = v;
        mem_account_move(&large->account, to->account);
        large->home = to;
        if (row_of(encoding)->moved)
            row_of(encoding)->moved(v);
    } else {
        mem_count(from->account, -(int64_t)mem_size(v));
        mem_count(to->account, (int64_t)mem_size(v));
    }
}

void value_discard(struct value_home *home, enum encoding encoding, void *v)
{
    if (!is_large(encoding)) {
        mem_free(home->account, v);
        return;
    }
    struct value *large = v;
    bool at_once = value_count((struct typed_value){.encoding = encoding, .ptr = v}) <= ELEMENTS_FREED_AT_ONCE;
    large->next = home->garbage;
    home->garbage = large;
    while (at_once && home->garbage == large)
        value_free_step(home);
}

void value_free_step(struct value_home *home)
{
    struct value *v = home->garbage;
    if (row_of(v->encoding)->free_step(v))
        return;
    home->garbage = v->next;
    value_destroy(v);
}

/* ---- Encodings ---- */

/* Elements of a listpack that make one of the value. */
static uint32_t width(enum value_type type) { return type == TYPE_HASH || type == TYPE_ZSET ? 2 : 1; }

static uint64_t listpack_elements(struct typed_value v) { return listpack_count(v.ptr) / width(v.type); }

static void listpack_each(struct typed_value v, value_visit *fn, void *arg)
{
    const struct listpack *lp = v.ptr;
    char first_buf[NUM_INT_CHARS], second_buf[NUM_INT_CHARS];
    for (uint32_t at = listpack_first(lp); at != LISTPACK_NONE; at = listpack_next(lp, at)) {
        struct slice first = listpack_text_of(listpack_get(lp, at), first_buf), second = {"", 0};
        if (width(v.type) == 2) {
            at = listpack_next(lp, at);
            second = listpack_text_of(listpack_get(lp, at), second_buf);
        }
        fn(arg, first, second);
    }
}

static uint64_t intset_elements(struct typed_value v) { return intset_count(v.ptr); }

static void intset_each(struct typed_value v, value_visit *fn, void *arg)
{
    const struct intset *s = v.ptr;
    char text[NUM_INT_CHARS];
    for (uint32_t i = 0; i < intset_count(s); i++)
        fn(arg, slice_of(text, num_i64(text, intset_get(s, i))), slice_of("", 0));
}

static const struct encoding_row rows[] = {
    [ENC_RAW] = {.name = "raw"},
    [ENC_EMBSTR] = {.name = "embstr"},
    [ENC_INT] = {.name = "int"},
    [ENC_BLOB] = {.name = "raw"},
    [ENC_LISTPACK] = {.name = "listpack", .count = listpack_elements, .each = listpack_each},
    [ENC_INTSET] = {.name = "intset", .count = intset_elements, .each = intset_each},
    [ENC_QUICKLIST] = {"quicklist", quicklist_count, quicklist_each, quicklist_copy, quicklist_moved,
                       quicklist_free_step},
    [ENC_TABLE] = {"hashtable", members_count, members_each, members_copy, NULL, members_free_step},
    [ENC_SKIPLIST] = {"skiplist", zset_large_count, zset_large_each, zset_large_copy, zset_large_moved,
                      zset_large_free_step},
    [ENC_STREAM] = {"stream", stream_count, NULL, stream_copy, stream_moved, stream_free_step},
};

static const struct encoding_row *row_of(enum encoding encoding)
{
    ASSERT(encoding < sizeof rows / sizeof rows[0] && rows[encoding].name);
    return &rows[encoding];
}
