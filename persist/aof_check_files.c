#include "persist/aof_check_files.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "src/base/mem.h"

enum { MANIFEST_BYTES_MAX = 1024 * 1024, HEAD_BYTES = 64 * 1024, NO_FD = -1 };

#define DEFAULT_DIRECTORY "appendonlydir" /* appenddirname */

static bool fail(FILE *out, const char *what, const char *path, int error)
{
    fprintf(out, "%s %s: %s\n", what, path, strerror(-error));
    return false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* The first bytes of a file, at most max; the caller frees them. NULL: out says why. */
static char *read_head(int dir, const char *name, size_t max, size_t *len, FILE *out)
{
    struct disk *disk = disk_real();
    int fd = disk_open(disk, dir, name, DISK_READ);
    ssize_t n = fd < 0 ? fd : 0;
    if (fd < 0) {
        fail(out, "Cannot open file", name, fd);
        return NULL;
    }
    char *bytes = mem_alloc(NULL, max);
    for (*len = 0; *len < max; *len += (size_t)n) {
        n = disk_pread(disk, fd, bytes + *len, max - *len, *len);
        if (n <= 0)
            break;
    }
    disk_close(disk, fd);
    if (n >= 0)
        return bytes;
    fail(out, "Cannot read file", name, (int)n);
    mem_free(NULL, bytes);
    return NULL;
}

/* As Redis tells it, but from the first line that is no comment. */
static bool is_manifest(struct slice head)
{
    while (head.len > 0 && *head.ptr == '#') {
        const char *end = memchr(head.ptr, '\n', head.len);
        size_t line = end ? (size_t)(end - head.ptr) + 1 : head.len;
        head = slice_of(head.ptr + line, head.len - line);
    }
    return head.len >= 5 && memcmp(head.ptr, "file ", 5) == 0;
}

static void add_part(struct aof_check_files *f, const char *name, bool base)
{
    f->parts[f->nparts++] = (struct aof_load_part){.name = name, .base = base};
}

static bool read_manifest(struct aof_check_files *f, const char *name, FILE *out)
{
    size_t len;
    struct aof_manifest_error error;
    char *text = read_head(f->dir, name, MANIFEST_BYTES_MAX, &len, out);
    if (!text)
        return false;
    bool good = aof_manifest_parse(&f->manifest, slice_of(text, len), &error);
    if (!good) {
        fprintf(out, "\n*** FATAL AOF MANIFEST FILE ERROR ***\n");
        if (error.line > 0)
            fprintf(out, "Reading the manifest file, at line %u\n>>> '%.*s'\n", error.line, (int)error.text.len,
                    error.text.ptr);
        fprintf(out, "%s\n", error.why);
    }
    mem_free(NULL, text);
    f->has_manifest = true;
    f->parts = mem_alloc(NULL, (f->manifest.incremental.n + 1) * sizeof *f->parts);
    if (f->manifest.base.name)
        add_part(f, f->manifest.base.name, true);
    for (uint32_t i = 0; i < f->manifest.incremental.n; i++)
        add_part(f, f->manifest.incremental.v[i].name, false);
    return good;
}

/* --- Directories --- */

struct names {
    char first[NAME_MAX + 1];
    uint32_t n;
};

static void take_name(void *arg, const char *name)
{
    struct names *names = arg;
    if (!ends_with(name, AOF_MANIFEST_SUFFIX) ||
        strncmp(name, AOF_MANIFEST_TEMP_PREFIX, strlen(AOF_MANIFEST_TEMP_PREFIX)) == 0)
        return;
    if (names->n++ == 0)
        snprintf(names->first, sizeof names->first, "%s", name);
}

/* Takes f->dir over to the directory in it that has the manifest, if it has none itself. */
static bool find_manifest(struct aof_check_files *f, struct names *names)
{
    struct disk *disk = disk_real();
    disk_list(disk, f->dir, take_name, names);
    if (names->n > 0)
        return true;
    int inner = disk_open(disk, f->dir, DEFAULT_DIRECTORY, DISK_DIRECTORY);
    if (inner < 0)
        return false;
    disk_close(disk, f->dir);
    f->dir = inner;
    disk_list(disk, f->dir, take_name, names);
    return names->n > 0;
}

static bool open_directory(struct aof_check_files *f, const char *path, FILE *out)
{
    struct names names = {.n = 0};
    if (!find_manifest(f, &names)) {
        fprintf(out,
                "No file with a name that ends in " AOF_MANIFEST_SUFFIX " in %s, nor in " DEFAULT_DIRECTORY
                " in it. Give the directory that appenddirname names\n",
                path);
        return false;
    }
    if (names.n > 1) {
        fprintf(out, "%u manifests in %s. Give the one to check: %s or another\n", names.n, path, names.first);
        return false;
    }
    return read_manifest(f, names.first, out);
}

/* --- Files --- */

static bool open_manifest(struct aof_check_files *f, const char *path, FILE *out)
{
    const char *slash = strrchr(path, '/');
    char dir[PATH_MAX] = ".";
    if (slash)
        snprintf(dir, sizeof dir, "%.*s", (int)(slash - path) + 1, path);
    f->dir = disk_open(disk_real(), DISK_CWD, dir, DISK_DIRECTORY);
    if (f->dir < 0)
        return fail(out, "Cannot open directory", dir, f->dir);
    return read_manifest(f, slash ? slash + 1 : path, out);
}

static bool open_file(struct aof_check_files *f, const char *path, FILE *out)
{
    size_t len;
    char *head = read_head(DISK_CWD, path, HEAD_BYTES, &len, out);
    if (!head)
        return false;
    bool manifest = ends_with(path, AOF_MANIFEST_SUFFIX) || is_manifest(slice_of(head, len));
    mem_free(NULL, head);
    if (manifest)
        return open_manifest(f, path, out);
    f->parts = mem_alloc(NULL, sizeof *f->parts);
    add_part(f, path, false);
    return true;
}

/* A server has the lock of its data directory, which is the one above that of the parts. */
static bool lock(struct aof_check_files *f, FILE *out)
{
    if (!f->has_manifest)
        return true;
    f->lock = disk_open(disk_real(), f->dir, "..", DISK_DIRECTORY);
    if (f->lock < 0 || disk_lock(disk_real(), f->lock) != -EWOULDBLOCK)
        return true;
    fprintf(out, "A server uses the data directory. Stop it first, aborting...\n");
    return false;
}

bool aof_check_files_open(struct aof_check_files *f, const char *path, bool exclusively, FILE *out)
{
    *f = (struct aof_check_files){.lock = NO_FD};
    f->dir = disk_open(disk_real(), DISK_CWD, path, DISK_DIRECTORY);
    bool good;
    if (f->dir >= 0) {
        good = open_directory(f, path, out);
    } else {
        f->dir = DISK_CWD;
        good = open_file(f, path, out);
    }
    return good && (!exclusively || lock(f, out));
}

void aof_check_files_close(struct aof_check_files *f)
{
    if (f->dir >= 0)
        disk_close(disk_real(), f->dir);
    if (f->lock >= 0)
        disk_close(disk_real(), f->lock);
    aof_manifest_deinit(&f->manifest);
    mem_free(NULL, f->parts);
}

int aof_check_files_open_part(void *arg, uint32_t part)
{
    struct aof_check_files *f = arg;
    return disk_open(disk_real(), f->dir, f->parts[part].name, DISK_READ);
}
