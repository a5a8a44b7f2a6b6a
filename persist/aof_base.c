#include "persist/aof_base.h"

#include "persist/aof_format.h"
#include "persist/aof_stream.h"
#include "src/base/assert.h"
#include "src/base/num.h"

enum { BATCH_BYTES = 256 * 1024, ITEMS_PER_COMMAND = 64 };

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
    if (b->pause)
        b->pause(b->pause_arg);
}

void aof_base_begin(struct aof_base *b, struct disk *disk, int fd, uint64_t hash_seed)
{
    char line[AOF_LINE_BYTES_MAX];
    struct aof_file_line file = {.version = AOF_VERSION, .hash_seed = hash_seed};
    *b = (struct aof_base){.disk = disk, .fd = fd};
    effects_init(&b->batch);
    write_parts(b, &(struct iovec){line, aof_write_file_line(line, &file)}, 1);
}

static void write_full_batch(struct aof_base *b)
{
    if (b->batch.len >= BATCH_BYTES)
        write_batch(b);
}

static void add_string(struct aof_base *b, uint32_t db, const struct entry *e)
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
}

/* What makes a value of a type again: name key element ... */
static const struct {
    const char *name;
    uint32_t width;     /* words of an element */
    bool second_before; /* it comes before the first */
} makers[TYPE_COUNT] = {
    [TYPE_LIST] = {"RPUSH", 1, false},
    [TYPE_SET] = {"SADD", 1, false},
    [TYPE_HASH] = {"HMSET", 2, false},
    [TYPE_ZSET] = {"ZADD", 2, true},
};

/* A value on its way, element by element. */
struct making {
    struct aof_base *base;
    const struct entry *entry;
    uint32_t db;
    uint32_t open; /* elements that the command that was begun still gets */
    uint64_t left; /* elements that no command was begun for */
};

static void begin_command(struct making *m)
{
    struct effects *batch = &m->base->batch;
    enum value_type type = m->entry->type;
    m->open = m->left < ITEMS_PER_COMMAND ? (uint32_t)m->left : ITEMS_PER_COMMAND;
    m->left -= m->open;
    effects_begin(batch, m->db, 2 + m->open * makers[type].width);
    effects_word(batch, slice_str(makers[type].name));
    effects_word(batch, entry_key(m->entry));
}

static void add_element(void *arg, struct slice first, struct slice second)
{
    struct making *m = arg;
    if (m->open == 0)
        begin_command(m);
    bool swapped = makers[m->entry->type].second_before;
    effects_word(&m->base->batch, swapped ? second : first);
    if (makers[m->entry->type].width == 2)
        effects_word(&m->base->batch, swapped ? first : second);
    if (--m->open == 0)
        write_full_batch(m->base);
}

static void add_elements(struct aof_base *b, uint32_t db, const struct entry *e)
{
    ASSERT(makers[e->type].name);
    struct typed_value value = entry_typed_value(e);
    struct making m = {.base = b, .entry = e, .db = db, .left = value_count(value)};
    value_each(value, add_element, &m);
}

static void part_added(void *base) { write_full_batch(base); }

static void add_collection(struct aof_base *b, uint32_t db, const struct entry *e)
{
    if (e->type == TYPE_STREAM)
        aof_stream_write(&b->batch, db, entry_key(e), entry_value(e), part_added, b);
    else
        add_elements(b, db, e);
    if (entry_has_expiry(e)) {
        char deadline[NUM_INT_CHARS];
        struct slice ms = slice_of(deadline, num_i64(deadline, entry_expiry_ms(e)));
        effects_add(&b->batch, db, 3, (struct slice[]){slice_str("PEXPIREAT"), entry_key(e), ms});
    }
}

void aof_base_add(struct aof_base *b, uint32_t db, const struct entry *e)
{
    if (e->type == TYPE_STRING)
        add_string(b, db, e);
    else
        add_collection(b, db, e);
    b->keys++;
    write_full_batch(b);
}

int aof_base_end(struct aof_base *b)
{
    if (b->batch.commands > 0)
        write_batch(b);
    effects_deinit(&b->batch);
    return b->error;
}
