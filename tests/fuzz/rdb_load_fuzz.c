/* The RDB reader: whatever the bytes, a file gives the same items and the same error whole and in pieces, and takes
 * memory only for what has arrived. The first byte of the input chooses the pieces, and whether the checksum counts. */
#include "persist/rdb_load.h"

#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LZF_RATIO_MAX = 88, BUFFER_BYTES_MIN = 32 };

/* What came out of a file, as a hash of it. */
struct outcome {
    uint64_t hash;
    enum rdb_load_status status;
    uint64_t offset;
    size_t consumed;
};

static const char *note(struct outcome *o, uint64_t kind, struct slice bytes)
{
    o->hash = hash_bytes(bytes.ptr, bytes.len, o->hash * 31 + kind);
    return NULL;
}

static const char *note_number(struct outcome *o, uint64_t kind, uint64_t v)
{
    return note(o, kind, slice_of(&v, sizeof v));
}

static const char *on_aux(void *ctx, struct slice name, struct slice value)
{
    note(ctx, 1, name);
    return note(ctx, 2, value);
}

static const char *on_select_db(void *ctx, uint64_t db) { return note_number(ctx, 3, db); }

static const char *on_resize_db(void *ctx, uint64_t keys, uint64_t expires)
{
    note_number(ctx, 4, keys);
    return note_number(ctx, 5, expires);
}

static const char *on_key(void *ctx, const struct rdb_load_key *s)
{
    ASSERT(s->frequency >= RDB_LOAD_NONE && s->frequency <= 255 && s->idle_s >= RDB_LOAD_NONE);
    note_number(ctx, 6, s->db);
    note(ctx, 7, s->key);
    note_number(ctx, 15, s->type);
    note_number(ctx, 8, (uint64_t)s->expire_ms);
    note_number(ctx, 9, (uint64_t)s->idle_s);
    note_number(ctx, 10, (uint64_t)s->frequency);
    return s->is_integer ? note_number(ctx, 11, (uint64_t)s->integer) : note(ctx, 12, s->bytes);
}

static const char *on_function(void *ctx, struct slice library)
{
    note(ctx, 13, library);
    return library.len == 13 ? "unlucky" : NULL;
}

static const struct rdb_load_handlers handlers = {on_aux, on_select_db, on_resize_db, on_key, on_function};

static struct outcome run(const uint8_t *file, size_t size, size_t piece, bool check)
{
    struct outcome o = {0};
    struct rdb_load l;
    rdb_load_init(&l, &handlers, &o, check);
    for (size_t at = 0; at < size && l.status == RDB_LOAD_MORE; at += piece) {
        size_t n = piece < size - at ? piece : size - at, consumed;
        char *window = malloc(n); /* so that a read past its end, or after its time, is seen */
        memcpy(window, file + at, n);
        rdb_load_feed(&l, slice_of(window, n), &consumed);
        free(window);
        ASSERT(consumed <= n && (consumed == n || l.status != RDB_LOAD_MORE));
        o.consumed += consumed;
        ASSERT(l.carry.cap <= 2 * (at + n));
        for (int i = 0; i < 2; i++)
            ASSERT(l.unpacked[i].cap <= LZF_RATIO_MAX * (at + n) + BUFFER_BYTES_MIN);
    }
    o.status = rdb_load_finish(&l);
    o.offset = l.offset;
    ASSERT(o.status != RDB_LOAD_MORE && (o.status == RDB_LOAD_FAILED) == (l.error[0] != '\0'));
    ASSERT(o.status == RDB_LOAD_FAILED || o.consumed == o.offset);
    note(&o, 14, slice_str(l.error));
    rdb_load_deinit(&l);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool check = data[0] & 1;
    size_t piece = data[0] < 128 ? 1 + data[0] / 2 : (size_t)data[0] * 8;
    struct outcome whole = run(data + 1, size - 1, size - 1, check), pieces = run(data + 1, size - 1, piece, check);
    ASSERT(whole.hash == pieces.hash && whole.status == pieces.status && whole.offset == pieces.offset);
    return 0;
}
