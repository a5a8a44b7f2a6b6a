/* Files in memory for what reads files through disk.h: only opening, size, reading and closing are there. A descriptor
 * is the index of a file. */
#ifndef SKUA_TESTS_UNIT_MEMORY_DISK_H
#define SKUA_TESTS_UNIT_MEMORY_DISK_H

#include <errno.h>

#include "src/base/slice.h"
#include "src/io/disk.h"

struct memory_disk {
    struct disk disk; /* first */
    const struct slice *files;
    size_t read_max; /* no read gives more; 0: no limit */
};

static void memory_disk_close(struct disk *disk, int fd) {}

static ssize_t memory_disk_pread(struct disk *disk, int fd, void *buf, size_t len, uint64_t offset)
{
    const struct memory_disk *m = (const struct memory_disk *)disk;
    struct slice file = m->files[fd];
    size_t left = offset < file.len ? file.len - (size_t)offset : 0, n = len < left ? len : left;
    if (m->read_max > 0 && n > m->read_max)
        n = m->read_max;
    if (n > 0)
        memcpy(buf, file.ptr + offset, n);
    return (ssize_t)n;
}

static int64_t memory_disk_size(struct disk *disk, int fd)
{
    return (int64_t)((const struct memory_disk *)disk)->files[fd].len;
}

/* files is borrowed. */
static inline struct memory_disk memory_disk_of(const struct slice *files, size_t read_max)
{
    static const struct disk_vtable vtable = {
        .close = memory_disk_close, .pread = memory_disk_pread, .size = memory_disk_size};
    return (struct memory_disk){.disk = {&vtable}, .files = files, .read_max = read_max};
}

#endif
