/* The dispatch of disk.h, and its implementation over libc. Holds no state. */
#include "src/io/disk.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/assert.h"

/* The result of a system call that is made until it is not interrupted, with errno made negative. */
#define CALL(call)                                                                                                     \
    ({                                                                                                                 \
        __typeof__(call) r_;                                                                                           \
        do                                                                                                             \
            r_ = (call);                                                                                               \
        while (r_ < 0 && errno == EINTR);                                                                              \
        r_ < 0 ? -errno : r_;                                                                                          \
    })

static int real_open(struct disk *disk, int dir, const char *name, unsigned flags)
{
    struct stat st;
    int how = O_CLOEXEC | O_NONBLOCK; /* for what is no file: a FIFO would wait for somebody to write to it */
    if (flags & DISK_DIRECTORY)
        how |= O_RDONLY | O_DIRECTORY;
    else if (flags & DISK_APPEND)
        how |= (flags & DISK_READ ? O_RDWR : O_WRONLY) | O_APPEND;
    if (flags & DISK_CREATE)
        how |= O_CREAT | (flags & DISK_EXCLUSIVE ? O_EXCL : 0);
    int fd = CALL(openat(dir, name, how, 0644));
    if (fd < 0 || (fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))))
        return fd;
    close(fd);
    return -EINVAL;
}

static void real_close(struct disk *disk, int fd) { close(fd); }

static ssize_t real_append(struct disk *disk, int fd, const struct iovec *parts, int count)
{
    return CALL(writev(fd, parts, count));
}

static ssize_t real_pread(struct disk *disk, int fd, void *buf, size_t len, uint64_t offset)
{
    return CALL(pread(fd, buf, len, (off_t)offset));
}

static int64_t real_size(struct disk *disk, int fd)
{
    struct stat st;
    int r = CALL(fstat(fd, &st));
    return r < 0 ? r : st.st_size;
}

static int real_truncate(struct disk *disk, int fd, uint64_t size) { return CALL(ftruncate(fd, (off_t)size)); }

static int real_datasync(struct disk *disk, int fd) { return CALL(fdatasync(fd)); }

static int real_sync_directory(struct disk *disk, int dir) { return CALL(fsync(dir)); }

static int real_mkdir(struct disk *disk, int dir, const char *name) { return CALL(mkdirat(dir, name, 0755)); }

static int real_rename(struct disk *disk, int dir, const char *from, int to_dir, const char *to)
{
    return CALL(renameat(dir, from, to_dir, to));
}

static int real_unlink(struct disk *disk, int dir, const char *name) { return CALL(unlinkat(dir, name, 0)); }

static int real_list(struct disk *disk, int dir, disk_entry *entry, void *arg)
{
    int fd = CALL(openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)); /* closedir closes its descriptor */
    if (fd < 0)
        return fd;
    DIR *names = fdopendir(fd);
    if (!names) {
        int error = errno;
        close(fd);
        return -error;
    }
    struct dirent *d;
    while (errno = 0, (d = readdir(names)))
        if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
            entry(arg, d->d_name);
    int error = errno;
    closedir(names);
    return -error;
}

static int real_lock(struct disk *disk, int fd) { return CALL(flock(fd, LOCK_EX | LOCK_NB)); }

struct disk *disk_real(void)
{
    static const struct disk_vtable vtable = {
        .open = real_open,
        .close = real_close,
        .append = real_append,
        .pread = real_pread,
        .size = real_size,
        .truncate = real_truncate,
        .datasync = real_datasync,
        .sync_directory = real_sync_directory,
        .mkdir = real_mkdir,
        .rename = real_rename,
        .unlink = real_unlink,
        .list = real_list,
        .lock = real_lock,
    };
    static struct disk real = {&vtable};
    return &real;
}

/* --- Dispatch --- */

int disk_open(struct disk *disk, int dir, const char *name, unsigned flags)
{
    ASSERT(flags == DISK_DIRECTORY || (!(flags & DISK_DIRECTORY) && (flags & (DISK_READ | DISK_APPEND))));
    ASSERT(!(flags & DISK_EXCLUSIVE) || (flags & DISK_CREATE));
    return disk->vtable->open(disk, dir, name, flags);
}

void disk_close(struct disk *disk, int fd) { disk->vtable->close(disk, fd); }

ssize_t disk_append(struct disk *disk, int fd, const struct iovec *parts, int count)
{
    ASSERT(count > 0 && count <= DISK_APPEND_PARTS_MAX);
    return disk->vtable->append(disk, fd, parts, count);
}

void disk_parts_advance(struct iovec **parts, int *count, size_t written)
{
    for (; *count > 0 && written >= (*parts)->iov_len; ++*parts, --*count)
        written -= (*parts)->iov_len;
    if (*count > 0) {
        (*parts)->iov_base = (char *)(*parts)->iov_base + written;
        (*parts)->iov_len -= written;
    }
}

int disk_append_all(struct disk *disk, int fd, struct iovec *parts, int count)
{
    while (count > 0) {
        ssize_t n = disk_append(disk, fd, parts, count);
        if (n < 0)
            return (int)n;
        disk_parts_advance(&parts, &count, (size_t)n);
    }
    return 0;
}

ssize_t disk_pread(struct disk *disk, int fd, void *buf, size_t len, uint64_t offset)
{
    return disk->vtable->pread(disk, fd, buf, len, offset);
}

int64_t disk_size(struct disk *disk, int fd) { return disk->vtable->size(disk, fd); }

int disk_truncate(struct disk *disk, int fd, uint64_t size) { return disk->vtable->truncate(disk, fd, size); }

int disk_datasync(struct disk *disk, int fd) { return disk->vtable->datasync(disk, fd); }

int disk_sync_directory(struct disk *disk, int dir) { return disk->vtable->sync_directory(disk, dir); }

int disk_mkdir(struct disk *disk, int dir, const char *name) { return disk->vtable->mkdir(disk, dir, name); }

int disk_rename(struct disk *disk, int dir, const char *from, int to_dir, const char *to)
{
    return disk->vtable->rename(disk, dir, from, to_dir, to);
}

int disk_unlink(struct disk *disk, int dir, const char *name) { return disk->vtable->unlink(disk, dir, name); }

int disk_list(struct disk *disk, int dir, disk_entry *entry, void *arg)
{
    return disk->vtable->list(disk, dir, entry, arg);
}

int disk_lock(struct disk *disk, int fd) { return disk->vtable->lock(disk, fd); }
