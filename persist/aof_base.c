#include "persist/aof_base.h"

#include "persist/aof_format.h"
#include "src/base/num.h"

enum { BATCH_BYTES = 256 * 1024 };

static void write_parts(struct aof_base *b, struct iovec *parts, int count)
{
    for (int i = 0; i < count; i++)
        b->bytes += parts[i].iov_len;
    if (b->error == 0)
        b->error = disk_append_all(b->disk, b->fd, parts, count);
}

static void write_batch(struct aof_base *b)
{
    char line[AOF_LINE_BYTES_MAX];
    struct slice batch = slice_of(b->batch.buf, b->batch.len);
    struct aof_header header = {.sequence = ++b->sequence, .length = batch.len, .sum = aof_batch_sum(batch)};
    struct iovec parts[] = {{line, aof_write_header(line, &header)}, {b->batch.buf, b->batch.len}};
    write_parts(b, parts, 2);
    effects_clear(&b->batch);
}

void aof_base_begin(struct aof_base *b, struct disk *disk, int fd, uint64_t hash_seed)
{
    char line[AOF_LINE_BYTES_MAX];
    struct aof_file_line file = {.version = AOF_VERSION, .hash_seed = hash_seed};
    *b = (struct aof_base){.disk = disk, .fd = fd};
    effects_init(&b->batch);
    write_parts(b, &(struct iovec){line, aof_write_file_line(line, &file)}, 1);
}

void aof_base_add(struct aof_base *b, uint32_t db, const struct entry *e)
{
    char number[ENTRY_INT_BUF_BYTES], deadline[NUM_INT_CHARS];
    struct blob *blob;
    struct slice argv[5] = {slice_str("SET"), entry_key(e), entry_string(e, number, &blob), slice_str("PXAT")};
    uint32_t argc = 3;
    if (entry_has_expiry(e)) {
        argv[4] = slice_of(deadline, num_i64(deadline, entry_expiry_ms(e)));
        argc = 5;
    }
    effects_add(&b->batch, db, argc, argv);
    b->keys++;
    if (b->batch.len >= BATCH_BYTES)
        write_batch(b);
}

int aof_base_end(struct aof_base *b)
{
    if (b->batch.commands > 0)
        write_batch(b);
    effects_deinit(&b->batch);
    return b->error;
}
