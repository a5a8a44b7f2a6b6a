#include "persist/aof_files.h"

#include <errno.h>
#include <stdio.h>

#include "persist/aof_directory.h"
#include "src/base/assert.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/planted.h"

static const uint64_t NS_PER_S = 1000000000;

struct aof_files {
    struct aof_directory d;
    bool single;     /* the base is the file of Redis before 7, in the data directory */
    uint64_t *sizes; /* of the parts, when opened */
    uint32_t size_count;
    uint32_t history_found; /* files of the history that were there when opened: the last in its list */
    int base_fd;            /* of the base that is being made; -1: none */
};

/* --- Opening --- */

/* Whether the file of Redis before 7 is to be loaded. */
static int find_single(struct aof_files *f, char *error)
{
    int there = aof_directory_has_file(f->d.disk, f->d.parent, f->d.filename), moved = 0;
    if (there > 0 && f->d.fd >= 0)
        moved = aof_directory_has_file(f->d.disk, f->d.fd, f->d.filename);
    if (there < 0 || moved < 0)
        return aof_directory_fail(error, there < 0 ? there : moved, "Can't open the append-only file %s",
                                  f->d.filename);
    f->single = there && aof_manifest_is_upgrade(&f->d.manifest, f->d.filename, moved);
    return 0;
}

static int measure(struct aof_files *f, char *error)
{
    f->size_count = aof_files_count(f);
    f->sizes = mem_zalloc(NULL, (f->size_count + 1) * sizeof *f->sizes);
    for (uint32_t i = 0; i < f->size_count; i++) {
        int fd = aof_files_open_part(f, i);
        int64_t size = fd < 0 ? fd : disk_size(f->d.disk, fd);
        if (fd >= 0)
            disk_close(f->d.disk, fd);
        if (size == -ENOENT) {
            snprintf(error, AOF_FILES_ERROR_BYTES,
                     "The append log file %s/%s doesn't exist, but the manifest %s names it. Restore it from a backup; "
                     "what is to be loaded is not complete without it",
                     f->d.name, aof_files_part(f, i).name, f->d.manifest_name);
            return -ENOENT;
        }
        if (size < 0)
            return aof_directory_fail(error, (int)size, "Fatal error: can't open the append log file %s/%s for reading",
                                      f->d.name, aof_files_part(f, i).name);
        f->sizes[i] = (uint64_t)size;
    }
    return 0;
}

enum aof_files_state aof_files_open(struct aof_files **out, struct disk *disk, int dir, const char *dirname,
                                    const char *filename, char *error)
{
    struct aof_files *f = mem_zalloc(NULL, sizeof *f);
    f->base_fd = -1;
    *out = f;
    if (aof_directory_open(&f->d, disk, dir, dirname, filename, error) == 0 && find_single(f, error) == 0 &&
        measure(f, error) == 0) {
        f->history_found = f->d.manifest.history.n;
        return aof_files_count(f) > 0 ? AOF_FILES_FOUND : AOF_FILES_NONE;
    }
    aof_files_close(f);
    *out = NULL;
    return AOF_FILES_FAILED;
}

void aof_files_close(struct aof_files *f)
{
    if (f->base_fd >= 0)
        aof_files_abort_base(f);
    aof_directory_close(&f->d);
    mem_free(NULL, f->sizes);
    mem_free(NULL, f);
}

bool aof_files_has_dump(struct disk *disk, int dir, const char *dbfilename, char *error)
{
    if (aof_directory_has_file(disk, dir, dbfilename) == 0)
        return false;
    snprintf(error, AOF_FILES_ERROR_BYTES,
             "appendonly is on, and there is no append-only file but an RDB file, %s, which would be ignored. Let "
             "redis-server load it with appendonly no and aof-use-rdb-preamble no, make an append-only file of it "
             "with CONFIG SET appendonly yes, and stop; or move it away to start with nothing",
             dbfilename);
    return true;
}

/* --- What is there --- */

static uint32_t count_bases(const struct aof_files *f) { return f->single || f->d.manifest.base.name ? 1 : 0; }

uint32_t aof_files_count(const struct aof_files *f) { return count_bases(f) + f->d.manifest.incremental.n; }

struct aof_part aof_files_part(const struct aof_files *f, uint32_t i)
{
    uint32_t bases = count_bases(f), n = aof_files_count(f);
    ASSERT(i < n && i < f->size_count);
    struct aof_part part = {.size = f->sizes[i], .base = i < bases, .last = i + 1 == n};
    if (!part.base)
        part.name = f->d.manifest.incremental.v[i - bases].name;
    else
        part.name = f->single ? f->d.filename : f->d.manifest.base.name;
    return part;
}

/* With the rights that flags say. */
static int open_part(const struct aof_files *f, uint32_t i, unsigned flags)
{
    struct aof_part part = aof_files_part(f, i);
    return disk_open(f->d.disk, part.base && f->single ? f->d.parent : f->d.fd, part.name, flags);
}

int aof_files_open_part(const struct aof_files *f, uint32_t i) { return open_part(f, i, DISK_READ); }

bool aof_files_hash_seed(const struct aof_files *f, uint64_t *seed)
{
    bool found = false;
    for (uint32_t i = aof_files_count(f); i-- > 0 && !found;) {
        struct aof_item line;
        int fd = aof_files_open_part(f, i);
        if (fd < 0)
            continue;
        found = aof_directory_read_line(f->d.disk, fd, &line);
        disk_close(f->d.disk, fd);
        if (found)
            *seed = line.file_line.hash_seed;
    }
    return found;
}

struct unnamed {
    const struct aof_files *f;
    disk_entry *entry;
    void *arg;
};

static void pass_unnamed(void *arg, const char *name)
{
    struct unnamed *u = arg;
    const char *const own[] = {u->f->d.manifest_name, u->f->d.manifest_temp, u->f->d.incremental_temp,
                               u->f->d.base_temp};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (strcmp(name, own[i]) == 0)
            return;
    }
    if (!aof_manifest_names(&u->f->d.manifest, name))
        u->entry(u->arg, name);
}

int aof_files_unnamed(const struct aof_files *f, disk_entry *entry, void *arg)
{
    struct unnamed u = {f, entry, arg};
    return f->d.fd >= 0 ? disk_list(f->d.disk, f->d.fd, pass_unnamed, &u) : 0;
}

/* --- Beginning --- */

/* As Redis does: named first, moved then, so that a crash in between is found again as what it is. */
static int take_over_single(struct aof_files *f, char *error)
{
    struct aof_manifest next = {0};
    aof_manifest_copy(&next, &f->d.manifest);
    aof_manifest_upgrade(&next, f->d.filename);
    int r = aof_directory_put_manifest(&f->d, &next, error);
    aof_manifest_deinit(&next);
    if (r < 0)
        return r;
    r = disk_rename(f->d.disk, f->d.parent, f->d.filename, f->d.fd, f->d.filename);
    if (r < 0)
        return aof_directory_fail(error, r, "Error trying to move the old AOF file %s into dir %s", f->d.filename,
                                  f->d.name);
    f->single = false;
    log_write(LOG_LEVEL_NOTICE, "Successfully migrated an old-style AOF file (%s) into the AOF directory (%s).",
              f->d.filename, f->d.name);
    return aof_directory_sync(&f->d, error);
}

/* Whoever wrote the files, and their names, may have been killed before it had synced them. */
static int sync_all(struct aof_files *f, char *error)
{
    for (uint32_t i = 0; i < aof_files_count(f); i++) {
        int fd = aof_files_open_part(f, i), r = fd;
        if (fd >= 0) {
            r = disk_datasync(f->d.disk, fd);
            disk_close(f->d.disk, fd);
        }
        if (r < 0)
            return aof_directory_fail(error, r, "Fail to fsync the AOF file %s/%s", f->d.name,
                                      aof_files_part(f, i).name);
    }
    return aof_directory_sync(&f->d, error);
}

int aof_files_cut(struct aof_files *f, uint32_t i, uint64_t size, char *error)
{
    struct aof_part part = aof_files_part(f, i);
    if (!part.last) { /* first, as the later parts do not fit what is left of this one */
        struct aof_manifest next = {0};
        aof_manifest_copy(&next, &f->d.manifest);
        aof_manifest_cut(&next, i + 1 - count_bases(f));
        int r = aof_directory_put_manifest(&f->d, &next, error);
        aof_manifest_deinit(&next);
        if (r < 0)
            return r;
        part = aof_files_part(f, i);
    }
    int fd = open_part(f, i, DISK_APPEND), r = fd;
    if (fd >= 0) {
        r = disk_truncate(f->d.disk, fd, size);
        if (r == 0)
            r = disk_datasync(f->d.disk, fd);
        disk_close(f->d.disk, fd);
    }
    if (r < 0)
        return aof_directory_fail(error, r, "Error truncating the AOF file %s/%s", f->d.name, part.name);
    f->sizes[i] = size;
    return 0;
}

/* Whether the last file is an incremental one that holds only its file line, and that the right one. */
static bool can_use_last(struct aof_files *f, uint64_t hash_seed, uint64_t offset, struct aof_tail *tail)
{
    const struct aof_manifest_list *list = &f->d.manifest.incremental;
    if (list->n == 0)
        return false;
    int fd = disk_open(f->d.disk, f->d.fd, list->v[list->n - 1].name, DISK_READ | DISK_APPEND);
    if (fd < 0)
        return false;
    struct aof_item line;
    *tail = (struct aof_tail){.fd = fd, .offset = offset};
    if (aof_directory_read_line(f->d.disk, fd, &line) && (int64_t)line.len == disk_size(f->d.disk, fd) &&
        line.file_line.version == AOF_VERSION && line.file_line.hash_seed == hash_seed &&
        line.file_line.start + line.len == offset) {
        tail->size = line.len;
        return true;
    }
    disk_close(f->d.disk, fd);
    return false;
}

/* Adds an incremental file to the manifest. */
static int begin_file(struct aof_files *f, uint64_t hash_seed, uint64_t offset, struct aof_tail *tail, char *error)
{
    struct aof_manifest next;
    int r = aof_directory_plan(&f->d, false, &next, error);
    if (r < 0)
        return r;
    r = aof_directory_make_incremental(&f->d, aof_directory_last(&next), hash_seed, offset, tail, error);
    if (r == 0 && (r = aof_directory_put_manifest(&f->d, &next, error)) < 0) {
        disk_close(f->d.disk, tail->fd);
        aof_directory_unlink_unused(&f->d, aof_directory_last(&next));
    }
    aof_manifest_deinit(&next);
    return r;
}

/* --- History --- */

/* Removes all history but the newest keep files. */
static int remove_history(struct aof_files *f, uint32_t keep, char *error)
{
    const struct aof_manifest_list *list = &f->d.manifest.history;
    if (list->n <= keep)
        return 0;
    for (uint32_t i = keep; i < list->n; i++) {
        log_write(LOG_LEVEL_NOTICE, "Removing the history file %s", list->v[i].name);
        int r = disk_unlink(f->d.disk, f->d.fd, list->v[i].name);
        if (r < 0 && r != -ENOENT)
            return aof_directory_fail(error, r, "Can't remove the history file %s/%s", f->d.name, list->v[i].name);
    }
    int r = aof_directory_sync(&f->d, error);
    if (r < 0)
        return r;
    struct aof_manifest next = {0};
    aof_manifest_copy(&next, &f->d.manifest);
    aof_manifest_drop_history(&next, keep);
    r = aof_directory_put_manifest(&f->d, &next, error);
    aof_manifest_deinit(&next);
    return r;
}

int aof_files_begin(struct aof_files *f, uint64_t hash_seed, uint64_t offset, struct aof_tail *tail, char *error)
{
    int r = aof_directory_make(&f->d, error);
    if (r == 0 && f->single)
        r = take_over_single(f, error);
    if (r == 0 && !PLANTED(PLANTED_OLD_FILE_UNSYNCED))
        r = sync_all(f, error);
    if (r < 0)
        return r;
    bool again = can_use_last(f, hash_seed, offset, tail);
    if (!again && (r = begin_file(f, hash_seed, offset, tail, error)) < 0)
        return r;
    log_write(LOG_LEVEL_NOTICE, "%s AOF incr file %s on server start", again ? "Opening" : "Creating",
              aof_directory_last(&f->d.manifest));
    /* Nothing that follows has to succeed. */
    disk_unlink(f->d.disk, f->d.fd, f->d.base_temp);
    if (remove_history(f, f->d.manifest.history.n - f->history_found, error) < 0)
        log_write(LOG_LEVEL_WARNING, "%s", error);
    return 0;
}

void aof_files_cron(struct aof_files *f, uint64_t now_ns)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct aof_manifest_list *list = &f->d.manifest.history;
    /* While it is not sure which manifest a crash would leave, the files of both are needed. */
    if (f->base_fd >= 0 || f->d.unsure)
        return;
    uint32_t keep = list->n;
    for (uint32_t i = list->n; i-- > 0;) {
        if (list->v[i].remove_ns == 0)
            list->v[i].remove_ns = now_ns + AOF_FILES_HISTORY_S * NS_PER_S;
        else if (list->v[i].remove_ns <= now_ns && keep == i + 1)
            keep = i;
    }
    if (remove_history(f, keep, error) == 0)
        return;
    log_write(LOG_LEVEL_WARNING, "%s", error);
    for (uint32_t i = keep; i < list->n; i++)
        list->v[i].remove_ns = 0;
}

bool aof_files_is_there(const struct aof_files *f)
{
    int dir = disk_open(f->d.disk, f->d.parent, f->d.name, DISK_DIRECTORY);
    if (dir < 0)
        return false;
    bool there = aof_directory_has_file(f->d.disk, dir, aof_directory_last(&f->d.manifest)) == 1;
    disk_close(f->d.disk, dir);
    return there;
}

/* --- A fresh base --- */

int aof_files_new_base(struct aof_files *f, int *fd, char *error)
{
    ASSERT(f->base_fd < 0);
    int r = aof_directory_make(&f->d, error);
    if (r == 0)
        r = aof_directory_forget(&f->d, error);
    /* What no manifest names is left where it is, as Redis leaves it if it is told to append while it runs. */
    if (r == 0 && f->single && f->d.manifest.base.name)
        r = take_over_single(f, error);
    if (r < 0)
        return r;
    f->single = false;
    r = aof_directory_make_file(&f->d, f->d.base_temp, slice_of("", 0));
    if (r < 0)
        return aof_directory_fail(error, r, "Can't open the append-only file %s/%s", f->d.name, f->d.base_temp);
    *fd = f->base_fd = r;
    return 0;
}

bool aof_files_is_unsure(const struct aof_files *f) { return f->d.unsure; }

void aof_files_abort_base(struct aof_files *f)
{
    ASSERT(f->base_fd >= 0);
    disk_close(f->d.disk, f->base_fd);
    f->base_fd = -1;
    disk_unlink(f->d.disk, f->d.fd, f->d.base_temp);
}

/* Puts a manifest in place that also knows the files of next. */
static int announce(struct aof_files *f, const struct aof_manifest *next, char *error)
{
    struct aof_manifest m = {0};
    aof_manifest_copy(&m, &f->d.manifest);
    aof_manifest_announce(&m, next);
    int r = aof_directory_put_manifest(&f->d, &m, error);
    aof_manifest_deinit(&m);
    return r;
}

static int name_base(struct aof_files *f, const char *name, char *error)
{
    int r = disk_rename(f->d.disk, f->d.fd, f->d.base_temp, f->d.fd, name);
    if (r < 0)
        return aof_directory_fail(error, r, "Error trying to rename the temporary AOF base file %s into %s/%s",
                                  f->d.base_temp, f->d.name, name);
    return aof_directory_sync(&f->d, error);
}

/* If the new manifest is there but may not survive, the one before is put back: what is appended meanwhile is appended
 * to a file that only that one has. */
static int put_or_undo(struct aof_files *f, const struct aof_manifest *next, char *error)
{
    char second[AOF_FILES_ERROR_BYTES];
    struct aof_manifest before = {0};
    aof_manifest_copy(&before, &f->d.manifest);
    int r = aof_directory_put_manifest(&f->d, next, error);
    if (r < 0 && f->d.unsure)
        aof_directory_put_manifest(&f->d, &before, second);
    aof_manifest_deinit(&before);
    return r;
}

static int replace_all(struct aof_files *f, struct aof_manifest *next, char *error)
{
    int r = announce(f, next, error);
    if (r == 0)
        r = name_base(f, next->base.name, error);
    if (r < 0)
        return r;
    aof_manifest_retire(next, 1);
    return put_or_undo(f, next, error);
}

int aof_files_commit_base(struct aof_files *f, uint64_t hash_seed, uint64_t offset, struct aof_tail *tail, char *error)
{
    ASSERT(f->base_fd >= 0);
    struct aof_manifest next = {0};
    int r = disk_datasync(f->d.disk, f->base_fd);
    disk_close(f->d.disk, f->base_fd);
    f->base_fd = -1;
    if (r < 0)
        aof_directory_fail(error, r, "Fail to fsync the temp AOF file %s/%s", f->d.name, f->d.base_temp);
    else
        r = aof_directory_plan(&f->d, true, &next, error);
    if (r == 0)
        r = aof_directory_make_incremental(&f->d, aof_directory_last(&next), hash_seed, offset, tail, error);
    if (r == 0 && (r = replace_all(f, &next, error)) < 0) {
        disk_close(f->d.disk, tail->fd);
        aof_directory_unlink_unused(&f->d, aof_directory_last(&next));
        aof_directory_unlink_unused(&f->d, next.base.name);
    }
    if (r < 0)
        disk_unlink(f->d.disk, f->d.fd, f->d.base_temp);
    aof_manifest_deinit(&next);
    return r;
}
