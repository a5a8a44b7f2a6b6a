#include "persist/aof_window.h"

#include "src/base/assert.h"
#include "src/base/mem.h"

/* Makes room for want bytes at the front of the buffer, and moves the rest there. */
static void make_room(struct aof_window *w, uint64_t want)
{
    size_t len = w->end - w->at, cap = w->cap ? w->cap : AOF_WINDOW_BYTES;
    if (cap < want)
        cap = (size_t)want;
    char *buf = cap == w->cap ? w->buf : mem_alloc(NULL, cap);
    if (len > 0)
        memmove(buf, w->buf + w->at, len);
    if (buf != w->buf)
        mem_free(NULL, w->buf);
    w->buf = buf;
    w->cap = cap;
    w->at = 0;
    w->end = len;
}

int aof_window_open(struct aof_window *w, int fd, uint64_t offset)
{
    aof_window_close(w);
    w->fd = fd;
    w->is_open = true;
    int64_t size = disk_size(w->disk, fd);
    if (size < 0) {
        aof_window_close(w);
        return (int)size;
    }
    w->size = (uint64_t)size;
    w->offset = offset < w->size ? offset : w->size;
    w->at = w->end = 0;
    make_room(w, 0);
    return 0;
}

void aof_window_close(struct aof_window *w)
{
    if (w->is_open)
        disk_close(w->disk, w->fd);
    w->is_open = false;
}

void aof_window_deinit(struct aof_window *w)
{
    aof_window_close(w);
    mem_free(NULL, w->buf);
    w->buf = NULL;
    w->cap = 0;
}

int aof_window_more(struct aof_window *w, uint64_t need)
{
    uint64_t len = w->end - w->at, left = w->size - w->offset;
    uint64_t want = need > 2 * len ? need : 2 * len;
    make_room(w, want < left ? want : left);
    while (w->end < want && w->end < left) {
        size_t room = w->cap - w->end;
        if (room > left - w->end)
            room = (size_t)(left - w->end);
        ssize_t n = disk_pread(w->disk, w->fd, w->buf + w->end, room, w->offset + w->end);
        if (n < 0)
            return (int)n;
        if (n == 0) { /* somebody has cut the file meanwhile */
            w->size = w->offset + w->end;
            return 0;
        }
        w->end += (size_t)n;
    }
    return 0;
}

void aof_window_end_at(struct aof_window *w, uint64_t size)
{
    ASSERT(size >= w->offset && size <= w->size);
    w->size = size;
    if (w->end - w->at > size - w->offset)
        w->end = w->at + (size_t)(size - w->offset);
}
