/* What persistence does with files: a data directory that one process has to itself, files that only grow at their end,
 * are cut, synced, replaced by rename and read back. Every call blocks; the one that must not, the sync of the file
 * that is being appended to, is io_datasync. Implemented by libc (disk_real) and by the simulator (sim_disk.h).
 *
 * Names are relative to dir, a descriptor that was opened with DISK_DIRECTORY, or DISK_CWD. Results are -errno on error
 * (calls that were interrupted are made again). Calls may be made by any thread; descriptors have no position that two
 * could fight over.
 *
 * What survives a crash of the machine: what was appended or cut before a disk_datasync that returned 0 began, and the
 * names that were made, renamed or unlinked before a disk_sync_directory that returned 0 began; whether anything later
 * does is open, for each page of 4 KB and each name by itself. A synced file whose name is not is lost. See
 * Pillai et al., All File Systems Are Not Created Equal (OSDI 2014). After a sync that failed nothing of what it was to
 * cover may be taken for safe, not even if the next one returns 0: Linux forgets the pages that it could not write
 * (Corbet, PostgreSQL's fsync() surprise, LWN.net 2018). */
#ifndef SKUA_IO_DISK_H
#define SKUA_IO_DISK_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

struct disk;

enum disk_flags {
    DISK_READ = 1,
    DISK_APPEND = 2, /* each disk_append goes behind what is there; needed for disk_truncate too */
    DISK_CREATE = 4,
    DISK_EXCLUSIVE = 8,  /* with DISK_CREATE: -EEXIST if the name is there */
    DISK_DIRECTORY = 16, /* alone */
};

enum { DISK_CWD = AT_FDCWD, DISK_APPEND_PARTS_MAX = 1024 };

typedef void disk_entry(void *arg, const char *name);

struct disk_vtable {
    int (*open)(struct disk *disk, int dir, const char *name, unsigned flags);
    void (*close)(struct disk *disk, int fd);
    ssize_t (*append)(struct disk *disk, int fd, const struct iovec *parts, int count);
    ssize_t (*pread)(struct disk *disk, int fd, void *buf, size_t len, uint64_t offset);
    int64_t (*size)(struct disk *disk, int fd);
    int (*truncate)(struct disk *disk, int fd, uint64_t size);
    int (*datasync)(struct disk *disk, int fd);
    int (*sync_directory)(struct disk *disk, int dir);
    int (*mkdir)(struct disk *disk, int dir, const char *name);
    int (*rename)(struct disk *disk, int dir, const char *from, int to_dir, const char *to);
    int (*unlink)(struct disk *disk, int dir, const char *name);
    int (*list)(struct disk *disk, int dir, disk_entry *entry, void *arg);
    int (*lock)(struct disk *disk, int fd);
};

/* First member of an implementation's struct. */
struct disk {
    const struct disk_vtable *vtable;
};

/* The files of the machine. Never freed. */
struct disk *disk_real(void);

/* A close-on-exec descriptor, which the caller closes; -EINVAL for what is neither file nor directory. New files are
 * rw-r--r-- less the umask, as Redis makes them. */
int disk_open(struct disk *disk, int dir, const char *name, unsigned flags);
/* Also gives up its lock. Tells nothing of errors: only a sync does. */
void disk_close(struct disk *disk, int fd);

/* As writev(2): the bytes appended, which may be fewer than asked (the caller goes on from there). At least one byte
 * and at most DISK_APPEND_PARTS_MAX parts are asked for. */
ssize_t disk_append(struct disk *disk, int fd, const struct iovec *parts, int count);
/* Moves *parts and *count behind the first written bytes: what is still to be appended. */
void disk_parts_advance(struct iovec **parts, int *count, size_t written);
/* All of parts, which are changed, however little a single append takes. 0 or -errno. */
int disk_append_all(struct disk *disk, int fd, struct iovec *parts, int count);
/* As pread(2): the bytes read, which may be fewer than asked; 0 at and past the end. */
ssize_t disk_pread(struct disk *disk, int fd, void *buf, size_t len, uint64_t offset);
int64_t disk_size(struct disk *disk, int fd);
int disk_truncate(struct disk *disk, int fd, uint64_t size);

int disk_datasync(struct disk *disk, int fd);
int disk_sync_directory(struct disk *disk, int dir);

/* rwxr-xr-x less the umask. -EEXIST if the name is there, as whatever. */
int disk_mkdir(struct disk *disk, int dir, const char *name);
/* Replaces the file that has the name to in to_dir, if there is one; at no moment is there none. Between directories it
 * is safe once either of them has been synced, and has else happened in both or in neither. -EXDEV: they lie on
 * different file systems. */
int disk_rename(struct disk *disk, int dir, const char *from, int to_dir, const char *to);
/* Of a file. Who has it open keeps it. */
int disk_unlink(struct disk *disk, int dir, const char *name);
/* Calls entry for every name in dir but . and .., in no order, and not for those made meanwhile. */
int disk_list(struct disk *disk, int dir, disk_entry *entry, void *arg);

/* Takes the one lock of a file or directory, which is held until fd is closed or the process ends. -EWOULDBLOCK if
 * another descriptor has it, of this process or another. Advisory (flock(2)). */
int disk_lock(struct disk *disk, int fd);

#endif
