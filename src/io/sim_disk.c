#include "src/io/sim_disk.h"

#include <errno.h>
#include <string.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/io/sim_dir.h"
#include "src/io/sim_world.h"

struct open_file {
    struct sim_node *node; /* NULL: free */
    unsigned flags;
    bool has_lock;
};

struct sim_disk {
    struct disk base;
    struct sim *sim;
    struct sim_disk_config config;
    struct sim_node *root;
    struct open_file *files; /* by descriptor */
    int file_count;
    uint64_t changes;
    bool frozen; /* crashed: nothing changes any more */
};

static struct sim_disk *of(const struct disk *disk) { return (struct sim_disk *)disk; }

/* --- Time, faults and the crash --- */

static void pass_time(struct sim_disk *d, uint64_t ns)
{
    if (sim_may_block(d->sim))
        sim_sleep_ns(d->sim, ns);
}

/* Comes right before every change. 0, or -EIO for the rest of the turn in which the world has crashed. */
static int count_change(struct sim_disk *d)
{
    sim_record(d->sim, 5, ++d->changes);
    if (d->changes == d->config.crash_before)
        d->frozen = d->sim->crashed = true;
    if (!d->frozen)
        return 0;
    if (sim_may_block(d->sim))
        sim_block(d->sim, NULL, NULL, UINT64_MAX, "nothing, the world has crashed");
    return -EIO;
}

static int begin_change(struct sim_disk *d)
{
    pass_time(d, sim_random(d->sim, d->config.call_ns_max));
    return count_change(d);
}

static bool fails(struct sim_disk *d, uint32_t rate) { return sim_chance(d->sim, rate, 1000); }

static size_t perhaps_short(struct sim_disk *d, size_t len)
{
    return len && sim_chance(d->sim, d->config.short_rate, 1000) ? 1 + sim_random(d->sim, len) : len;
}

/* --- Descriptors --- */

static int take_fd(struct sim_disk *d, struct sim_node *node, unsigned flags)
{
    int i = 0;
    while (i < d->file_count && d->files[i].node)
        i++;
    if (i == d->file_count) {
        d->file_count = i ? 2 * i : 16;
        d->files = mem_realloc(NULL, d->files, (size_t)d->file_count * sizeof *d->files);
        memset(d->files + i, 0, (size_t)(d->file_count - i) * sizeof *d->files);
    }
    d->files[i] = (struct open_file){sim_node_hold(node), flags, false};
    return SIM_DISK_FD_FIRST + i;
}

static struct open_file *open_file(struct sim_disk *d, int fd)
{
    int i = fd - SIM_DISK_FD_FIRST;
    ASSERT(i >= 0 && i < d->file_count && d->files[i].node);
    return &d->files[i];
}

static struct sim_file *file_of(struct sim_disk *d, int fd, unsigned needs)
{
    struct open_file *f = open_file(d, fd);
    ASSERT(f->node->file && (f->flags & needs) == needs);
    return f->node->file;
}

static struct sim_dir *dir_of(struct sim_disk *d, int fd)
{
    struct sim_node *node = fd == DISK_CWD ? d->root : open_file(d, fd)->node;
    ASSERT(node->dir);
    return node->dir;
}

static void sim_close(struct disk *disk, int fd)
{
    struct open_file *f = open_file(of(disk), fd);
    if (f->has_lock)
        f->node->locked = false;
    sim_node_release(f->node);
    *f = (struct open_file){0};
}

static int sim_lock(struct disk *disk, int fd)
{
    struct open_file *f = open_file(of(disk), fd);
    if (f->node->locked && !f->has_lock)
        return -EWOULDBLOCK;
    f->node->locked = f->has_lock = true;
    return 0;
}

/* --- Names --- */

/* Makes a node with a name that is not there. Borrowed. */
static int create_node(struct sim_disk *d, int dir, const char *name, bool is_directory)
{
    int r = begin_change(d);
    if (r < 0)
        return r;
    if (sim_dir_find(dir_of(d, dir), name)) /* somebody else was faster */
        return -EEXIST;
    if (fails(d, d->config.name_error_rate))
        return -EIO;
    if (fails(d, d->config.full_rate))
        return -ENOSPC;
    struct sim_node *node = sim_node_create(is_directory);
    sim_dir_change(dir_of(d, dir), node, name);
    sim_node_release(node);
    return 0;
}

static struct sim_node *find(struct sim_disk *d, int dir, const char *name)
{
    ASSERT(!strchr(name, '/'));
    if (strcmp(name, ".") == 0)
        return dir == DISK_CWD ? d->root : open_file(d, dir)->node;
    return sim_dir_find(dir_of(d, dir), name);
}

static int sim_open(struct disk *disk, int dir, const char *name, unsigned flags)
{
    struct sim_disk *d = of(disk);
    struct sim_node *node = find(d, dir, name);
    if (node && (flags & DISK_EXCLUSIVE))
        return -EEXIST;
    if (!node && (flags & DISK_CREATE)) {
        int r = create_node(d, dir, name, false);
        if (r < 0 && (r != -EEXIST || (flags & DISK_EXCLUSIVE)))
            return r;
        node = find(d, dir, name);
    }
    if (!node)
        return -ENOENT;
    if ((flags & DISK_DIRECTORY) && !node->dir)
        return -ENOTDIR;
    if ((flags & (DISK_APPEND | DISK_CREATE)) && node->dir)
        return -EISDIR;
    return take_fd(d, node, flags);
}

static int sim_mkdir(struct disk *disk, int dir, const char *name)
{
    return find(of(disk), dir, name) ? -EEXIST : create_node(of(disk), dir, name, true);
}

/* Gives from the name to in to_dir, or none. */
static int change_name(struct sim_disk *d, int dir, const char *from, int to_dir, const char *to)
{
    int r = begin_change(d);
    if (r < 0)
        return r;
    struct sim_node *node = find(d, dir, from), *old = to ? find(d, to_dir, to) : NULL;
    if (!node)
        return -ENOENT;
    if (node == old)
        return 0;
    if ((!to && node->dir) || (old && old->dir && !node->dir))
        return -EISDIR;
    if (old && node->dir)
        return old->dir ? -ENOTEMPTY : -ENOTDIR;
    if (fails(d, d->config.name_error_rate))
        return -EIO;
    if (dir_of(d, dir) == dir_of(d, to_dir))
        sim_dir_change(dir_of(d, dir), node, to);
    else
        sim_dir_move(dir_of(d, dir), dir_of(d, to_dir), node, to, d->changes);
    return 0;
}

static int sim_rename(struct disk *disk, int dir, const char *from, int to_dir, const char *to)
{
    return change_name(of(disk), dir, from, to_dir, to);
}

static int sim_unlink(struct disk *disk, int dir, const char *name)
{
    return change_name(of(disk), dir, name, dir, NULL);
}

static int sim_list(struct disk *disk, int dir, disk_entry *entry, void *arg)
{
    sim_dir_each(dir_of(of(disk), dir), entry, arg);
    return 0;
}

/* --- Content --- */

/* How much of len bytes goes in, or -errno. */
static ssize_t room_for(struct sim_disk *d, size_t len)
{
    if (fails(d, d->config.write_error_rate))
        return -EIO;
    if (fails(d, d->config.full_rate))
        return -ENOSPC;
    len = perhaps_short(d, len);
    if (d->config.bytes_max) {
        size_t used = sim_node_bytes(d->root);
        size_t room = d->config.bytes_max > used ? d->config.bytes_max - used : 0;
        if (room == 0)
            return -ENOSPC;
        len = len < room ? len : room;
    }
    return (ssize_t)len;
}

static ssize_t sim_append(struct disk *disk, int fd, const struct iovec *parts, int count)
{
    struct sim_disk *d = of(disk);
    struct sim_file *file = file_of(d, fd, DISK_APPEND);
    int r = begin_change(d);
    if (r < 0)
        return r;
    size_t len = 0, done = 0;
    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    ASSERT(len > 0);
    ssize_t n = room_for(d, len);
    if (n < 0)
        return n;
    char *joined = mem_alloc(NULL, len);
    for (int i = 0; i < count; done += parts[i++].iov_len)
        if (parts[i].iov_len)
            memcpy(joined + done, parts[i].iov_base, parts[i].iov_len);
    sim_file_append(file, joined, (size_t)n);
    mem_free(NULL, joined);
    return n;
}

static ssize_t sim_pread(struct disk *disk, int fd, void *buf, size_t len, uint64_t offset)
{
    struct sim_disk *d = of(disk);
    const struct sim_bytes *b = &file_of(d, fd, DISK_READ)->now;
    if (fails(d, d->config.read_error_rate))
        return -EIO;
    if (offset >= b->size)
        return 0;
    size_t n = perhaps_short(d, len < b->size - offset ? len : b->size - offset);
    if (n)
        memcpy(buf, b->ptr + offset, n);
    return (ssize_t)n;
}

static int64_t sim_size(struct disk *disk, int fd) { return (int64_t)file_of(of(disk), fd, 0)->now.size; }

static int sim_truncate(struct disk *disk, int fd, uint64_t size)
{
    struct sim_disk *d = of(disk);
    struct sim_file *file = file_of(d, fd, DISK_APPEND);
    int r = begin_change(d);
    if (r < 0)
        return r;
    if (fails(d, d->config.write_error_rate))
        return -EIO;
    sim_file_truncate(file, size);
    return 0;
}

/* --- Syncs --- */

static uint64_t choose_sync_ns(struct sim_disk *d)
{
    return fails(d, d->config.hang_rate) ? d->config.hang_ns : sim_random(d->sim, d->config.sync_ns_max);
}

struct sim_sync sim_disk_begin_sync(struct sim *sim, int fd)
{
    struct sim_disk *d = sim->disk;
    ASSERT(d);
    struct sim_file *file = file_of(d, fd, 0);
    return (struct sim_sync){.file = file, .upto = file->next, .due_ns = sim->now_ns + choose_sync_ns(d)};
}

int sim_disk_end_sync(struct sim *sim, const struct sim_sync *sync)
{
    struct sim_disk *d = sim->disk;
    int r = count_change(d);
    if (r < 0)
        return r;
    if (fails(d, d->config.sync_error_rate)) {
        sim_file_sync_failed(sync->file, sync->upto, sim);
        return -EIO;
    }
    sim_file_sync(sync->file, sync->upto);
    return 0;
}

static int sim_datasync(struct disk *disk, int fd)
{
    struct sim_disk *d = of(disk);
    struct sim_sync sync = sim_disk_begin_sync(d->sim, fd);
    pass_time(d, sync.due_ns - d->sim->now_ns);
    return sim_disk_end_sync(d->sim, &sync);
}

static int sim_sync_directory(struct disk *disk, int fd)
{
    struct sim_disk *d = of(disk);
    struct sim_dir *dir = dir_of(d, fd);
    uint64_t upto = dir->next;
    pass_time(d, choose_sync_ns(d));
    int r = count_change(d);
    if (r < 0)
        return r;
    if (fails(d, d->config.sync_error_rate)) {
        sim_dir_sync_failed(dir, upto, d->sim);
        return -EIO;
    }
    sim_dir_sync(dir, upto);
    return 0;
}

/* --- Life --- */

static const struct disk_vtable vtable = {
    .open = sim_open,
    .close = sim_close,
    .append = sim_append,
    .pread = sim_pread,
    .size = sim_size,
    .truncate = sim_truncate,
    .datasync = sim_datasync,
    .sync_directory = sim_sync_directory,
    .mkdir = sim_mkdir,
    .rename = sim_rename,
    .unlink = sim_unlink,
    .list = sim_list,
    .lock = sim_lock,
};

void sim_disk_configure(struct disk *disk, const struct sim_disk_config *config)
{
    struct sim_disk_config *c = &of(disk)->config;
    *c = *config;
    c->call_ns_max = c->call_ns_max ? c->call_ns_max : 20 * 1000;
    c->sync_ns_max = c->sync_ns_max ? c->sync_ns_max : 1000 * 1000;
    c->hang_ns = c->hang_ns ? c->hang_ns : UINT64_C(3000000000);
}

static void attach(struct sim_disk *d, struct sim *sim, const struct sim_disk_config *config)
{
    ASSERT(!sim->disk);
    sim->disk = d;
    d->sim = sim;
    d->changes = 0;
    d->frozen = false;
    sim_disk_configure(&d->base, config);
}

static struct disk *create_with(struct sim_node *root, struct sim *sim, const struct sim_disk_config *config)
{
    struct sim_disk *d = mem_zalloc(NULL, sizeof *d);
    d->base.vtable = &vtable;
    d->root = root;
    attach(d, sim, config);
    return &d->base;
}

struct disk *sim_disk_create(struct sim *sim, const struct sim_disk_config *config)
{
    return create_with(sim_node_create(true), sim, config);
}

static void close_all(struct sim_disk *d)
{
    for (int i = 0; i < d->file_count; i++)
        if (d->files[i].node)
            sim_close(&d->base, SIM_DISK_FD_FIRST + i);
}

void sim_disk_destroy(struct disk *disk)
{
    struct sim_disk *d = of(disk);
    close_all(d);
    sim_node_release(d->root);
    mem_free(NULL, d->files);
    mem_free(NULL, d);
}

uint64_t sim_disk_changes(const struct disk *disk) { return of(disk)->changes; }

struct disk *sim_disk_crash(const struct disk *disk, struct sim *next, const struct sim_disk_config *config)
{
    return create_with(sim_node_crash(of(disk)->root, next), next, config);
}

void sim_disk_move(struct disk *disk, struct sim *next, const struct sim_disk_config *config)
{
    close_all(of(disk));
    attach(of(disk), next, config);
}
