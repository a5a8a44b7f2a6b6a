/* The bytes of an append-only file: whatever they are, every item ends inside the window, is the same in every larger
 * window, is never whole in a smaller one, and our lines have one spelling; a torn piece, mended, is none any more. */
#include "persist/aof_format.h"

#include <stdint.h>
#include <stdlib.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_line(enum aof_item_kind kind, const struct aof_item *item, struct slice window)
{
    char again[AOF_LINE_BYTES_MAX];
    size_t len = 0;
    if (kind == AOF_HEADER)
        len = aof_write_header(again, &item->header);
    else if (kind == AOF_FILE_LINE)
        len = aof_write_file_line(again, &item->file_line);
    else if (kind == AOF_TIMESTAMP)
        len = aof_write_timestamp(again, item->unix_seconds);
    if (len > 0)
        ASSERT(slice_eq(slice_of(again, len), slice_of(window.ptr, item->len)));
}

/* Every cut of an item is short, or a timestamp's or command's beginning that cannot be told from a whole line. */
static void check_cuts(enum aof_item_kind kind, const struct aof_item *item, struct slice window,
                       struct arg_arena *args)
{
    struct aof_item part;
    for (size_t n = 1; n < item->len && n < 400; n++) {
        args->n = 0;
        enum aof_item_kind cut = aof_next(slice_of(window.ptr, n), false, args, &part);
        ASSERT(cut == AOF_SHORT || kind == AOF_TORN);
        ASSERT(cut != AOF_SHORT || (part.len > n && args->n == 0));
        ASSERT(cut != AOF_SHORT || kind == AOF_TORN || part.len <= item->len + 1);
    }
}

static void check_mended(const struct aof_item *item, struct slice window, struct arg_arena *args)
{
    char *copy = malloc(window.len);
    struct aof_item next;
    memcpy(copy, window.ptr, window.len);
    aof_mend_torn(copy, item->len);
    if (window.ptr[item->len] == '*') {
        enum aof_item_kind kind = aof_next(slice_of(copy, window.len), true, args, &next);
        ASSERT(item->len == 1 ? kind != AOF_TORN : kind == AOF_FOREIGN && next.len == item->len);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arg_arena args = {0};
    struct slice rest = slice_of(data, size);
    while (rest.len > 0) {
        struct aof_item item;
        size_t offset;
        args.n = 0;
        enum aof_item_kind kind = aof_next(rest, true, &args, &item);
        if (kind == AOF_SHORT || kind == AOF_GARBAGE)
            break;
        ASSERT(item.len > 0 && item.len <= rest.len && (kind == AOF_COMMAND) == (args.n > 0));
        check_line(kind, &item, rest);
        check_cuts(kind, &item, rest, &args);
        if (kind == AOF_TORN)
            check_mended(&item, rest, &args);
        if (kind == AOF_HEADER) {
            struct slice behind = slice_of(rest.ptr + item.len, rest.len - item.len);
            (void)aof_batch_fault(&item.header, behind, &args);
            ASSERT(aof_redis_continued(&item.header, behind, true, &args, &offset) != AOF_CONTINUED_SHORT);
        }
        rest = slice_of(rest.ptr + item.len, rest.len - item.len);
    }
    mem_free(NULL, args.v);
    return 0;
}
