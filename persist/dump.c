#include "persist/dump.h"

#include "persist/crc64.h"
#include "persist/rdb_format.h"

static struct blob *finish(struct rdb_write *w, int version)
{
    rdb_write_little_endian(w, 2, (uint64_t)version);
    rdb_write_little_endian(w, RDB_CHECKSUM_BYTES, crc64(0, w->bytes->data, w->bytes->len));
    return w->bytes;
}

struct blob *dump_entry(const struct entry *e)
{
    struct rdb_write w;
    rdb_write_begin(&w);
    int version = rdb_value_write(&w, e);
    return finish(&w, version);
}

struct blob *dump_of_value(uint8_t type, struct slice bytes)
{
    struct rdb_write w = {.bytes = blob_create(1 + bytes.len + DUMP_FOOTER_BYTES)};
    rdb_write_byte(&w, type);
    rdb_write_bytes(&w, bytes.ptr, bytes.len);
    return finish(&w, RDB_VERSION_MAX);
}

bool dump_open(struct slice payload, struct slice *value)
{
    struct rdb_read footer;
    uint64_t version, stored;
    if (payload.len < DUMP_FOOTER_BYTES)
        return false;
    size_t len = payload.len - DUMP_FOOTER_BYTES;
    rdb_read_begin(&footer, slice_of(payload.ptr + len, DUMP_FOOTER_BYTES));
    rdb_read_little_endian(&footer, 2, &version);
    rdb_read_little_endian(&footer, RDB_CHECKSUM_BYTES, &stored);
    *value = slice_of(payload.ptr, len);
    return version <= RDB_VERSION_MAX && stored == crc64(0, payload.ptr, payload.len - RDB_CHECKSUM_BYTES);
}
