/* What tests of the journal share: reading its file back, as far as it is whole. */
#ifndef SKUA_TESTS_UNIT_JOURNAL_FILE_H
#define SKUA_TESTS_UNIT_JOURNAL_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/aof_format.h"
#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/io/disk.h"

/* What has been read of one file. Zeroed: nothing. */
struct journal_file {
    uint64_t good; /* up to here it consists of whole items */
    uint64_t first, last;
    uint64_t timestamps;
    int64_t seconds;      /* of the last timestamp */
    uint64_t synced;      /* as the last header says */
    bool begins_stamped;  /* the first batch has a timestamp */
    bool order_is_broken; /* sequence numbers or timestamps */
};

typedef void journal_file_batch(void *ctx, const struct aof_header *header, struct slice bytes);

static inline void journal_file_note(struct journal_file *f, const struct aof_header *h)
{
    if (f->first == 0) {
        f->first = h->sequence;
        f->begins_stamped = f->timestamps > 0;
    } else if (h->sequence != f->last + 1) {
        f->order_is_broken = true;
    }
    f->order_is_broken |= h->synced < f->synced;
    f->last = h->sequence;
    f->synced = h->synced;
}

/* Reads on from where f has come to, and calls batch for each whole one. What does not parse is left. */
static inline void journal_file_read(struct journal_file *f, struct disk *disk, int fd, journal_file_batch *batch,
                                     void *ctx)
{
    uint64_t size = (uint64_t)disk_size(disk, fd) - f->good, have = 0, at = 0;
    char *bytes = mem_alloc(NULL, size + 1);
    for (ssize_t n = 1; have < size && n > 0; have += (uint64_t)n)
        n = disk_pread(disk, fd, bytes + have, size - have, f->good + have);
    ASSERT(have == size);
    struct arg_arena args = {0};
    for (bool whole = true; at < size && whole;) {
        struct aof_item item;
        struct slice window = slice_of(bytes + at, size - at), rest;
        switch (aof_next(window, true, &args, &item)) {
        case AOF_TIMESTAMP:
            f->order_is_broken |= item.unix_seconds <= f->seconds;
            f->seconds = item.unix_seconds;
            f->timestamps++;
            break;
        case AOF_HEADER:
            rest = slice_of(window.ptr + item.len, window.len - item.len);
            whole = !aof_batch_fault(&item.header, rest, &args);
            if (!whole)
                break;
            journal_file_note(f, &item.header);
            if (batch)
                batch(ctx, &item.header, slice_of(rest.ptr, item.header.length));
            item.len += item.header.length;
            break;
        default:
            whole = false;
        }
        at += whole ? item.len : 0;
    }
    f->good += at;
    mem_free(NULL, args.v);
    mem_free(NULL, bytes);
}

#endif
