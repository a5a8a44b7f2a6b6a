#include "persist/aof_directory.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "src/base/mem.h"
#include "src/base/planted.h"

enum { MANIFEST_BYTES_MAX = 16 << 20, SHOWN_BYTES_MAX = 100 };

static const char *advice(int r)
{
    switch (-r) {
    case EACCES:
    case EPERM:
        return ". The user that this server runs as must be able to read and write there";
    case EROFS:
        return ". The file system is mounted read-only";
    case ENOTDIR:
        return ". Move away what has this name, or choose another appenddirname";
    case EXDEV:
        return ". They lie on different file systems: move it there by hand";
    default:
        return "";
    }
}

int aof_directory_fail(char *error, int r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(error, AOF_FILES_ERROR_BYTES, format, args);
    va_end(args);
    if (n < AOF_FILES_ERROR_BYTES)
        snprintf(error + n, (size_t)(AOF_FILES_ERROR_BYTES - n), ": %s%s", strerror(-r), advice(r));
    return r;
}

/* --- Files --- */

static int sync_names(struct aof_directory *d, int dir)
{
    return PLANTED(PLANTED_NAMES_UNSYNCED) ? 0 : disk_sync_directory(d->disk, dir);
}

int aof_directory_sync(struct aof_directory *d, char *error)
{
    int r = sync_names(d, d->fd);
    return r < 0 ? aof_directory_fail(error, r, "Fail to fsync AOF directory %s", d->name) : 0;
}

/* Reads up to len bytes from the start of the file; how many, or -errno. */
static int64_t read_start(struct disk *disk, int fd, char *buf, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = disk_pread(disk, fd, buf + done, len - done, done);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        done += (size_t)n;
    }
    return (int64_t)done;
}

int aof_directory_has_file(struct disk *disk, int dir, const char *name)
{
    char byte;
    int fd = disk_open(disk, dir, name, DISK_READ);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    ssize_t n = disk_pread(disk, fd, &byte, 1, 0);
    disk_close(disk, fd);
    return n == -EISDIR ? 0 : 1;
}

bool aof_directory_read_line(struct disk *disk, int fd, struct aof_item *line)
{
    char buf[AOF_LINE_BYTES_MAX];
    struct arg_arena unused = {0}; /* an annotation has no arguments */
    int64_t n = read_start(disk, fd, buf, sizeof buf);
    return n > 0 && buf[0] == '#' && aof_next(slice_of(buf, (size_t)n), true, &unused, line) == AOF_FILE_LINE;
}

int aof_directory_make_file(struct aof_directory *d, const char *temp, struct slice content)
{
    int fd = disk_open(d->disk, d->fd, temp, DISK_APPEND | DISK_CREATE);
    if (fd < 0)
        return fd;
    int r = disk_truncate(d->disk, fd, 0); /* a crash may have left one */
    if (r >= 0 && content.len > 0)
        r = disk_append_all(d->disk, fd, &(struct iovec){(void *)content.ptr, content.len}, 1);
    if (r >= 0)
        r = disk_datasync(d->disk, fd);
    if (r >= 0)
        return fd;
    disk_close(d->disk, fd);
    disk_unlink(d->disk, d->fd, temp);
    return r;
}

static bool is_used(const struct aof_manifest *m, const char *name)
{
    bool used = m->base.name && strcmp(m->base.name, name) == 0;
    for (uint32_t i = 0; i < m->incremental.n && !used; i++)
        used = strcmp(m->incremental.v[i].name, name) == 0;
    return used;
}

void aof_directory_unlink_unused(struct aof_directory *d, const char *name)
{
    if (!d->unsure && !is_used(&d->manifest, name))
        disk_unlink(d->disk, d->fd, name);
}

int aof_directory_make_incremental(struct aof_directory *d, const char *name, uint64_t hash_seed, uint64_t offset,
                                   struct aof_tail *tail, char *error)
{
    char text[AOF_LINE_BYTES_MAX];
    struct aof_file_line line = {.version = AOF_VERSION, .hash_seed = hash_seed, .start = offset};
    size_t len = aof_write_file_line(text, &line);
    int fd = aof_directory_make_file(d, d->incremental_temp, slice_of(text, len));
    if (fd < 0)
        return aof_directory_fail(error, fd, "Can't open the append-only file %s/%s", d->name, name);
    int r = disk_rename(d->disk, d->fd, d->incremental_temp, d->fd, name);
    if (r < 0)
        aof_directory_fail(error, r, "Error trying to rename the temporary AOF incr file %s into %s/%s",
                           d->incremental_temp, d->name, name);
    else
        r = aof_directory_sync(d, error);
    if (r < 0) {
        disk_close(d->disk, fd);
        aof_directory_unlink_unused(d, d->incremental_temp);
        aof_directory_unlink_unused(d, name);
        return r;
    }
    *tail = (struct aof_tail){.fd = fd, .size = len, .offset = offset + len};
    return 0;
}

/* --- The manifest --- */

int aof_directory_put_manifest(struct aof_directory *d, const struct aof_manifest *m, char *error)
{
    size_t len;
    char *text = aof_manifest_format(m, &len);
    int fd = aof_directory_make_file(d, d->manifest_temp, slice_of(text, len)), r = fd;
    mem_free(NULL, text);
    if (fd >= 0) {
        disk_close(d->disk, fd);
        r = disk_rename(d->disk, d->fd, d->manifest_temp, d->fd, d->manifest_name);
    }
    if (r < 0)
        return aof_directory_fail(error, r, "Error trying to write the AOF manifest file %s/%s", d->name,
                                  d->manifest_name);
    aof_manifest_deinit(&d->manifest);
    aof_manifest_copy(&d->manifest, m);
    r = aof_directory_sync(d, error);
    d->unsure = r < 0;
    return r;
}

static int parse_manifest(struct aof_directory *d, struct slice text, char *error)
{
    struct aof_manifest_error wrong;
    if (aof_manifest_parse(&d->manifest, text, &wrong))
        return 0;
    int len = wrong.text.len < SHOWN_BYTES_MAX ? (int)wrong.text.len : SHOWN_BYTES_MAX;
    snprintf(error, AOF_FILES_ERROR_BYTES,
             "Reading the AOF manifest file %s/%s, at line %u: %s: '%.*s'. Restore it from a backup, or mend it: it "
             "lists the files to be loaded, each as \"file NAME seq NUMBER type b|i|h\"",
             d->name, d->manifest_name, wrong.line, wrong.why, len, wrong.text.ptr ? wrong.text.ptr : "");
    return -EINVAL;
}

/* 0 also if there is none. */
static int read_manifest(struct aof_directory *d, char *error)
{
    int fd = disk_open(d->disk, d->fd, d->manifest_name, DISK_READ);
    if (fd == -ENOENT)
        return 0;
    if (fd < 0)
        return aof_directory_fail(error, fd, "Fatal error: can't open the AOF manifest file %s/%s for reading", d->name,
                                  d->manifest_name);
    int64_t size = disk_size(d->disk, fd);
    char *text = NULL;
    if (size > MANIFEST_BYTES_MAX)
        size = -EFBIG;
    if (size >= 0) {
        text = mem_alloc(NULL, (size_t)size + 1);
        size = read_start(d->disk, fd, text, (size_t)size);
    }
    disk_close(d->disk, fd);
    int r = size < 0
                ? aof_directory_fail(error, (int)size, "Read AOF manifest failed: %s/%s", d->name, d->manifest_name)
                : parse_manifest(d, slice_of(text, (size_t)size), error);
    mem_free(NULL, text);
    return r;
}

const char *aof_directory_last(const struct aof_manifest *m) { return m->incremental.v[m->incremental.n - 1].name; }

/* Leaves out numbers whose files are there already, named by no manifest. */
static int skip_taken(struct aof_directory *d, struct aof_manifest *m, bool base, char *error)
{
    for (;;) {
        struct aof_manifest probe = {0};
        aof_manifest_copy(&probe, m);
        const char *name = base ? aof_manifest_add_base(&probe, d->filename, false)
                                : aof_manifest_add_incremental(&probe, d->filename);
        int taken = aof_directory_has_file(d->disk, d->fd, name);
        if (taken < 0)
            aof_directory_fail(error, taken, "Can't open the append-only file %s/%s", d->name, name);
        aof_manifest_deinit(&probe);
        if (taken <= 0)
            return taken;
        if (base)
            m->base_sequence++;
        else
            m->incremental_sequence++;
    }
}

int aof_directory_plan(struct aof_directory *d, bool base, struct aof_manifest *next, char *error)
{
    *next = (struct aof_manifest){0};
    aof_manifest_copy(next, &d->manifest);
    int r = skip_taken(d, next, false, error);
    if (r == 0 && base)
        r = skip_taken(d, next, true, error);
    if (r < 0)
        return r;
    aof_manifest_add_incremental(next, d->filename);
    if (base)
        aof_manifest_add_base(next, d->filename, false);
    return 0;
}

/* --- Life --- */

static int open_directory(struct aof_directory *d, char *error)
{
    int fd = disk_open(d->disk, d->parent, d->name, DISK_DIRECTORY);
    if (fd < 0 && fd != -ENOENT)
        return aof_directory_fail(error, fd, "Can't open or create append-only dir %s", d->name);
    if (d->fd >= 0)
        disk_close(d->disk, d->fd);
    d->fd = fd < 0 ? -1 : fd;
    return 0;
}

/* Is it a name that we or Redis give, NAME.SEQUENCE.incr.aof or .base.*? */
static bool is_numbered(const struct aof_directory *d, const char *name)
{
    size_t len = strlen(d->filename);
    if (strncmp(name, d->filename, len) != 0 || name[len] != '.' || !isdigit((unsigned char)name[len + 1]))
        return false;
    for (name += len + 1; isdigit((unsigned char)*name); name++)
        ;
    return strcmp(name, ".incr.aof") == 0 || strcmp(name, ".base.aof") == 0 || strcmp(name, ".base.rdb") == 0;
}

struct orphan {
    const struct aof_directory *d;
    char name[AOF_MANIFEST_NAME_BYTES_MAX + 32];
};

static void note_orphan(void *arg, const char *name)
{
    struct orphan *orphan = arg;
    const struct aof_directory *d = orphan->d;
    struct aof_item line = {0};
    int fd = is_numbered(d, name) ? disk_open(d->disk, d->fd, name, DISK_READ) : -1;
    if (fd < 0)
        return;
    int64_t size = disk_size(d->disk, fd);
    if (size > 0 && !(aof_directory_read_line(d->disk, fd, &line) && (int64_t)line.len == size))
        snprintf(orphan->name, sizeof orphan->name, "%s", name);
    disk_close(d->disk, fd);
}

/* No manifest names a file: then there must be none that holds something. A crash while the first one was made leaves
 * an incremental file with nothing but its file line. */
static int check_orphans(struct aof_directory *d, char *error)
{
    struct orphan orphan = {.d = d};
    int r = disk_list(d->disk, d->fd, note_orphan, &orphan);
    if (r < 0)
        return aof_directory_fail(error, r, "Can't read the append-only dir %s", d->name);
    if (!orphan.name[0])
        return 0;
    snprintf(error, AOF_FILES_ERROR_BYTES,
             "The AOF manifest file %s/%s doesn't exist or names no file, but %s is there and has data. Restore the "
             "manifest from where the files come from, or move them away to start without what they hold",
             d->name, d->manifest_name, orphan.name);
    return -ENOENT;
}

static char *join(const char *a, const char *b, const char *c)
{
    size_t len = strlen(a) + strlen(b) + strlen(c) + 1;
    char *joined = mem_alloc(NULL, len);
    snprintf(joined, len, "%s%s%s", a, b, c);
    return joined;
}

int aof_directory_open(struct aof_directory *d, struct disk *disk, int parent, const char *name, const char *filename,
                       char *error)
{
    *d = (struct aof_directory){.disk = disk, .parent = parent, .fd = -1};
    d->name = join(name, "", "");
    d->filename = join(filename, "", "");
    d->manifest_name = join(filename, AOF_MANIFEST_SUFFIX, "");
    d->manifest_temp = join(AOF_MANIFEST_TEMP_PREFIX, filename, AOF_MANIFEST_SUFFIX);
    d->incremental_temp = join(AOF_MANIFEST_TEMP_PREFIX, filename, ".incr");
    d->base_temp = join(AOF_MANIFEST_TEMP_PREFIX, filename, ".base");
    if (strlen(filename) > AOF_MANIFEST_NAME_BYTES_MAX)
        return aof_directory_fail(error, -ENAMETOOLONG, "appendfilename has more than %d bytes",
                                  AOF_MANIFEST_NAME_BYTES_MAX);
    int r = open_directory(d, error);
    if (r < 0 || d->fd < 0)
        return r;
    r = read_manifest(d, error);
    return r == 0 && !d->manifest.base.name && d->manifest.incremental.n == 0 ? check_orphans(d, error) : r;
}

void aof_directory_close(struct aof_directory *d)
{
    if (d->fd >= 0)
        disk_close(d->disk, d->fd);
    aof_manifest_deinit(&d->manifest);
    mem_free(NULL, d->name);
    mem_free(NULL, d->filename);
    mem_free(NULL, d->manifest_name);
    mem_free(NULL, d->manifest_temp);
    mem_free(NULL, d->incremental_temp);
    mem_free(NULL, d->base_temp);
}

/* Makes the name durable also if it is there: whoever made it may have been killed then. */
int aof_directory_make(struct aof_directory *d, char *error)
{
    int r = disk_mkdir(d->disk, d->parent, d->name);
    if (r == 0 || r == -EEXIST)
        r = sync_names(d, d->parent);
    if (r < 0)
        return aof_directory_fail(error, r, "Can't open or create append-only dir %s", d->name);
    return open_directory(d, error);
}

int aof_directory_forget(struct aof_directory *d, char *error)
{
    int there = aof_directory_has_file(d->disk, d->fd, d->manifest_name);
    if (there < 0)
        return aof_directory_fail(error, there, "Can't open the AOF manifest file %s/%s", d->name, d->manifest_name);
    if (!there)
        aof_manifest_deinit(&d->manifest);
    return 0;
}
