#include "persist/journal_writer.h"

#include <errno.h>

#include "src/base/planted.h"

void journal_writer_init(struct journal_writer *w, struct disk *disk, struct append_queue *queue)
{
    *w = (struct journal_writer){.disk = disk, .queue = queue, .fd = -1, .last_next = &w->first};
}

/* ---- Batches that wait ---- */

/* For a planted bug. */
static void swap_content(struct queued_batch *a, struct queued_batch *b)
{
    struct queued_batch old = *a;
    if (a->lines_len > 0 || b->lines_len > 0)
        return;
    *a = *b;
    *b = old;
    b->next = a->next;
    b->position = a->position;
    a->next = old.next;
    a->position = old.position;
}

static void take_queued(struct journal_writer *w)
{
    *w->last_next = append_queue_take(w->queue);
    while (*w->last_next)
        w->last_next = &(*w->last_next)->next;
    if (PLANTED(PLANTED_BATCHES_SWAPPED) && w->first && w->first->next)
        swap_content(w->first, w->first->next);
}

static void drop_first(struct journal_writer *w)
{
    struct queued_batch *b = w->first;
    w->first = b->next;
    if (!w->first)
        w->last_next = &w->first;
    w->bytes += queued_batch_bytes(b);
    append_queue_free(w->queue, b);
}

static void drop_all(struct journal_writer *w)
{
    take_queued(w);
    while (w->first)
        drop_first(w);
}

void journal_writer_switch(struct journal_writer *w, int fd, uint64_t size, uint64_t offset, uint64_t position)
{
    drop_all(w);
    if (w->fd >= 0)
        disk_close(w->disk, w->fd);
    w->fd = fd;
    w->torn = false;
    w->size = size;
    w->offset = offset;
    w->position = position;
    w->stamped_seconds = 0;
}

void journal_writer_deinit(struct journal_writer *w) { journal_writer_switch(w, -1, 0, 0, w->position); }

/* ---- Writing ---- */

/* The lines are made once: what they say stays true if the batch is tried again later. */
static void make_lines(struct journal_writer *w, struct queued_batch *b, const struct journal_lines *lines)
{
    struct aof_header header = {
        .sequence = b->position, .length = b->len, .synced = lines->synced_offset, .sum = b->sum, .shard = b->worker};
    size_t n = 0;
    if (lines->unix_seconds > w->stamped_seconds) {
        n = aof_write_timestamp(b->lines, lines->unix_seconds);
        w->stamped_seconds = lines->unix_seconds;
    }
    b->lines_len = (uint32_t)(n + aof_write_header(b->lines + n, &header));
}

/* Fills parts and returns how many there are. */
static int collect(struct journal_writer *w, const struct journal_lines *lines)
{
    int n = 0;
    size_t bytes = 0;
    for (struct queued_batch *b = w->first; b && n < 2 * WRITER_BATCHES_MAX && bytes < WRITER_BYTES_MAX; b = b->next) {
        if (b->lines_len == 0)
            make_lines(w, b, lines);
        w->parts[n++] = (struct iovec){b->lines, b->lines_len};
        w->parts[n++] = (struct iovec){b->buf, b->len};
        bytes += b->lines_len + b->len;
    }
    return n;
}

/* size bytes of the head of the queue are in the file now; those of whole batches count. Returns the rest. */
static size_t settle(struct journal_writer *w, size_t size)
{
    while (w->first && size >= w->first->lines_len + w->first->len) {
        size_t n = w->first->lines_len + w->first->len;
        size -= n;
        w->size += n;
        w->offset += n;
        w->position = w->first->position;
        w->commands += w->first->commands;
        drop_first(w);
    }
    return size;
}

static int cut(struct journal_writer *w)
{
    int r = disk_truncate(w->disk, w->fd, w->size);
    w->torn = r < 0;
    return r;
}

int journal_writer_write(struct journal_writer *w, const struct journal_lines *lines)
{
    take_queued(w);
    int r = w->torn ? cut(w) : 0;
    if (r < 0)
        return r;
    struct iovec *parts = w->parts;
    size_t piece = 0; /* bytes in the file behind the last whole batch */
    for (int count = collect(w, lines); count > 0;) {
        ssize_t n = disk_append(w->disk, w->fd, parts, count);
        if (n <= 0) {
            cut(w);
            return n < 0 ? (int)n : -EIO;
        }
        disk_parts_advance(&parts, &count, (size_t)n);
        piece = settle(w, piece + (size_t)n);
    }
    return 0;
}
