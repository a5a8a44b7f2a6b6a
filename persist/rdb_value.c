#include "persist/rdb_value.h"

#include <stdlib.h>

#include "persist/rdb_types.h"
#include "persist/ziplist.h"
#include "src/base/assert.h"
#include "src/base/mem.h"

/* ---- Reading ---- */

bool rdb_read_bad(struct rdb_value_reader *r, const char *what) { return rdb_read_fail(&r->in, r->in.at, "%s", what); }

bool rdb_discard(struct rdb_value_reader *r, const struct typed_value *v)
{
    value_discard(r->home, v->encoding, v->ptr);
    return false;
}

static struct listpack *listpack_of(const struct rdb_value_reader *r, struct slice bytes)
{
    struct mem_account *account = r->home->account;
    switch (r->type) {
    case RDB_TYPE_HASH_ZIPMAP:
        return zipmap_load(account, bytes);
    case RDB_TYPE_LIST_ZIPLIST:
    case RDB_TYPE_LIST_QUICKLIST:
    case RDB_TYPE_ZSET_ZIPLIST:
    case RDB_TYPE_HASH_ZIPLIST:
        return ziplist_load(account, bytes);
    default:
        return listpack_load(account, bytes);
    }
}

struct listpack *rdb_read_listpack(struct rdb_value_reader *r)
{
    struct slice bytes;
    if (!rdb_read_text(&r->in, &r->first, &bytes))
        return NULL;
    struct listpack *lp = listpack_of(r, bytes);
    if (!lp)
        rdb_read_bad(r, "a compact form that is damaged");
    return lp;
}

static int compare(const void *a, const void *b)
{
    const struct listpack_value *x = a, *y = b;
    if (!x->string || !y->string)
        return !x->string && !y->string ? (x->integer > y->integer) - (x->integer < y->integer)
                                        : (x->string != NULL) - (y->string != NULL);
    int order = memcmp(x->string, y->string, x->len < y->len ? x->len : y->len);
    return order ? order : (x->len > y->len) - (x->len < y->len);
}

bool rdb_listpack_is_unique(const struct listpack *lp, uint32_t every)
{
    uint32_t n = (listpack_count(lp) + every - 1) / every;
    if (n == 0)
        return true;
    uint32_t *places = mem_alloc(NULL, n * sizeof *places);
    struct listpack_value *elements = mem_alloc(NULL, n * sizeof *elements);
    listpack_places(lp, every, places);
    for (uint32_t i = 0; i < n; i++)
        elements[i] = listpack_get(lp, places[i]);
    qsort(elements, n, sizeof *elements, compare);
    uint32_t different = 1;
    while (different < n && !listpack_value_eq(elements[different - 1], elements[different]))
        different++;
    mem_free(NULL, places);
    mem_free(NULL, elements);
    return different == n;
}

static bool read_value(struct rdb_value_reader *r, struct rdb_value *out)
{
    if (!rdb_read_byte(&r->in, &r->type))
        return false;
    switch (r->type) {
    case RDB_TYPE_STRING:
        out->typed = (struct typed_value){.type = TYPE_STRING};
        return rdb_read_value(&r->in, &r->first, &out->is_integer, &out->integer, &out->string);
    case RDB_TYPE_HASH:
    case RDB_TYPE_HASH_ZIPMAP:
    case RDB_TYPE_HASH_ZIPLIST:
    case RDB_TYPE_HASH_LISTPACK:
        return rdb_read_hash(r, &out->typed);
    case RDB_TYPE_SET:
    case RDB_TYPE_SET_INTSET:
    case RDB_TYPE_SET_LISTPACK:
        return rdb_read_set(r, &out->typed);
    case RDB_TYPE_LIST:
    case RDB_TYPE_LIST_ZIPLIST:
    case RDB_TYPE_LIST_QUICKLIST:
    case RDB_TYPE_LIST_QUICKLIST_2:
        return rdb_read_list(r, &out->typed);
    case RDB_TYPE_STREAM:
    case RDB_TYPE_STREAM_2:
    case RDB_TYPE_STREAM_3:
        return rdb_read_stream(r, &out->typed);
    case RDB_TYPE_ZSET:
    case RDB_TYPE_ZSET_2:
    case RDB_TYPE_ZSET_ZIPLIST:
    case RDB_TYPE_ZSET_LISTPACK:
        return rdb_read_zset(r, &out->typed);
    default:
        return rdb_read_fail(&r->in, r->in.start, "values of type %u can't be loaded", r->type);
    }
}

bool rdb_value_read(struct rdb_value_reader *r, struct slice in, struct value_home *home,
                    const struct rdb_value_limits *limits, struct rdb_value *out)
{
    r->first = r->second = (struct rdb_buffer){0};
    r->home = home;
    r->limits = limits;
    rdb_read_begin(&r->in, in);
    if (read_value(r, out))
        return true;
    return r->in.error_at ? false : rdb_read_bad(r, "it ends too early");
}

void rdb_value_reader_end(struct rdb_value_reader *r)
{
    rdb_buffer_free(&r->first);
    rdb_buffer_free(&r->second);
}

const char *rdb_value_unread(uint8_t type)
{
    switch (type) {
    case RDB_TYPE_HASH_TIMED_PRE_GA:
    case RDB_TYPE_HASH_TRIPLETS_PRE_GA:
    case RDB_TYPE_HASH_TIMED:
    case RDB_TYPE_HASH_TRIPLETS:
        return "a hash with fields that expire";
    default:
        return NULL;
    }
}

/* ---- Writing ---- */

static int write_string(struct rdb_write *w, const struct entry *e)
{
    char number[ENTRY_INT_BUF_BYTES];
    struct blob *blob;
    rdb_write_byte(w, RDB_TYPE_STRING);
    rdb_write_string(w, entry_string(e, number, &blob));
    return RDB_VERSION_7_0;
}

int rdb_value_write(struct rdb_write *w, const struct entry *e)
{
    switch ((enum value_type)e->type) {
    case TYPE_STRING:
        return write_string(w, e);
    case TYPE_HASH:
        return rdb_write_hash(w, entry_typed_value(e));
    case TYPE_SET:
        return rdb_write_set(w, entry_typed_value(e));
    case TYPE_LIST:
        return rdb_write_list(w, entry_typed_value(e));
    case TYPE_STREAM:
        return rdb_write_stream(w, entry_typed_value(e));
    case TYPE_ZSET:
        return rdb_write_zset(w, entry_typed_value(e));
    case TYPE_COUNT:
        break;
    }
    ASSERT(false); /* there are no others */
    return 0;
}
