/* The append-only directory: what a start makes of what it finds, the names that files get, and that whatever happens
 * in between (a crash before any change, an error of any, a kill) what is found next is whole. For the last a model
 * numbers what it appends: loading must find 0, 1, 2, ... up to at least what was known to be safe. */
#include "persist/aof_files.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "persist/aof_format.h"
#include "src/base/log.h"
#include "src/base/mem.h"
#include "src/base/planted.h"
#include "src/io/sim_disk.h"
#include "tests/unit/random_cases.h"

#define DIRNAME  "appendonlydir"
#define FILENAME "appendonly.aof"
#define MANIFEST FILENAME ".manifest"

enum { SEED = 77, TOKEN_BYTES = 6, TOKENS_MAX = 400, CONTENT_MAX = 8192 };

static const uint64_t MINUTE_NS = UINT64_C(60000000000);

static struct sim *make_sim(uint64_t seed) { return sim_create(&(struct sim_config){.seed = seed}); }

/* --- A data directory, simulated or real --- */

struct place {
    struct sim *sim;
    struct disk *disk;
    int dir;
};

static struct place simulated(uint64_t seed)
{
    struct place p = {.sim = make_sim(seed), .dir = DISK_CWD};
    p.disk = sim_disk_create(p.sim, &(struct sim_disk_config){0});
    return p;
}

static void drop(struct place *p)
{
    sim_destroy(p->sim);
    sim_disk_destroy(p->disk);
}

static int open_directory(struct place *p) { return disk_open(p->disk, p->dir, DIRNAME, DISK_DIRECTORY); }

static void put(struct place *p, int dir, const char *name, const char *text)
{
    int fd = disk_open(p->disk, dir, name, DISK_APPEND | DISK_CREATE);
    assert_true(fd >= 0);
    assert_int_equal(disk_truncate(p->disk, fd, 0), 0);
    if (*text)
        assert_int_equal(disk_append(p->disk, fd, &(struct iovec){(void *)text, strlen(text)}, 1), strlen(text));
    assert_int_equal(disk_datasync(p->disk, fd), 0);
    disk_close(p->disk, fd);
    assert_int_equal(disk_sync_directory(p->disk, dir), 0);
}

/* Puts a file into the append-only directory, which is made if need be. */
static void put_inside(struct place *p, const char *name, const char *text)
{
    int r = disk_mkdir(p->disk, p->dir, DIRNAME), dir = open_directory(p);
    assert_true((r == 0 || r == -EEXIST) && dir >= 0);
    assert_int_equal(disk_sync_directory(p->disk, p->dir), 0);
    put(p, dir, name, text);
    disk_close(p->disk, dir);
}

/* The content of a file, NULL if there is none; valid until the next call. */
static const char *get(struct place *p, int dir, const char *name)
{
    static char content[CONTENT_MAX];
    int fd = disk_open(p->disk, dir, name, DISK_READ);
    if (fd < 0)
        return NULL;
    ssize_t n = disk_pread(p->disk, fd, content, sizeof content - 1, 0);
    disk_close(p->disk, fd);
    assert_true(n >= 0);
    content[n] = '\0';
    return content;
}

static const char *get_inside(struct place *p, const char *name)
{
    int dir = open_directory(p);
    const char *content = dir < 0 ? NULL : get(p, dir, name);
    if (dir >= 0)
        disk_close(p->disk, dir);
    return content;
}

static enum aof_files_state open_files(struct place *p, struct aof_files **f, char *error)
{
    error[0] = '\0';
    return aof_files_open(f, p->disk, p->dir, DIRNAME, FILENAME, error);
}

/* --- Names --- */

/* Begins at offset, which must be possible, and appends text. Returns where the journal is then. */
static uint64_t begin_and_append(struct place *p, struct aof_files *f, uint64_t offset, const char *text)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct aof_tail tail;
    assert_int_equal(aof_files_begin(f, SEED, offset, &tail, error), 0);
    assert_int_equal(disk_size(p->disk, tail.fd), tail.size);
    if (*text)
        disk_append(p->disk, tail.fd, &(struct iovec){(void *)text, strlen(text)}, 1);
    disk_close(p->disk, tail.fd);
    return tail.offset + strlen(text);
}

static void make_base(struct place *p, struct aof_files *f, uint64_t offset, const char *text)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct aof_tail tail;
    int fd;
    assert_int_equal(aof_files_new_base(f, &fd, error), 0);
    disk_append(p->disk, fd, &(struct iovec){(void *)text, strlen(text)}, 1);
    assert_int_equal(aof_files_commit_base(f, SEED, offset, &tail, error), 0);
    disk_close(p->disk, tail.fd);
}

static void a_life(void **state)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct place p = simulated(1);
    struct aof_files *f;
    uint64_t seed, offset;
    int fd;

    assert_int_equal(open_files(&p, &f, error), AOF_FILES_NONE);
    assert_int_equal(aof_files_count(f), 0);
    assert_null(get_inside(&p, MANIFEST));
    assert_false(aof_files_hash_seed(f, &seed));
    offset = begin_and_append(&p, f, 0, "");
    assert_string_equal(get_inside(&p, MANIFEST), "file appendonly.aof.1.incr.aof seq 1 type i\n");
    aof_files_close(f);

    /* It is empty, so it is used again; what does not fit is not. */
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    assert_true(aof_files_hash_seed(f, &seed) && seed == SEED);
    offset = begin_and_append(&p, f, offset, "data");
    assert_string_equal(get_inside(&p, MANIFEST), "file appendonly.aof.1.incr.aof seq 1 type i\n");
    aof_files_close(f);

    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    assert_int_equal(aof_files_part(f, 0).size, offset);
    offset = begin_and_append(&p, f, offset, "");
    assert_string_equal(get_inside(&p, MANIFEST), "file appendonly.aof.1.incr.aof seq 1 type i\n"
                                                  "file appendonly.aof.2.incr.aof seq 2 type i\n");

    /* One base is given up, one made. */
    assert_int_equal(aof_files_new_base(f, &fd, error), 0);
    assert_non_null(get_inside(&p, "temp-" FILENAME ".base"));
    aof_files_abort_base(f);
    assert_null(get_inside(&p, "temp-" FILENAME ".base"));
    make_base(&p, f, offset, "base");
    const char *with_history = "file appendonly.aof.1.base.aof seq 1 type b\n"
                               "file appendonly.aof.1.incr.aof seq 1 type h\n"
                               "file appendonly.aof.2.incr.aof seq 2 type h\n"
                               "file appendonly.aof.3.incr.aof seq 3 type i\n";
    assert_string_equal(get_inside(&p, MANIFEST), with_history);
    aof_files_cron(f, MINUTE_NS);
    aof_files_cron(f, 10 * MINUTE_NS);
    assert_string_equal(get_inside(&p, MANIFEST), with_history);
    make_base(&p, f, offset, "base again");
    assert_non_null(get_inside(&p, FILENAME ".1.incr.aof"));
    aof_files_cron(f, 11 * MINUTE_NS);
    assert_null(get_inside(&p, FILENAME ".1.incr.aof"));
    assert_string_equal(get_inside(&p, FILENAME ".1.base.aof"), "base");
    assert_string_equal(get_inside(&p, MANIFEST), "file appendonly.aof.2.base.aof seq 2 type b\n"
                                                  "file appendonly.aof.3.incr.aof seq 3 type h\n"
                                                  "file appendonly.aof.1.base.aof seq 1 type h\n"
                                                  "file appendonly.aof.4.incr.aof seq 4 type i\n");
    aof_files_close(f);

    /* A start removes what is left of the history. */
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    assert_int_equal(aof_files_count(f), 2);
    assert_true(aof_files_part(f, 0).base && !aof_files_part(f, 0).last && aof_files_part(f, 1).last);
    begin_and_append(&p, f, 1000, "");
    assert_string_equal(get_inside(&p, MANIFEST), "file appendonly.aof.2.base.aof seq 2 type b\n"
                                                  "file appendonly.aof.4.incr.aof seq 4 type i\n"
                                                  "file appendonly.aof.5.incr.aof seq 5 type i\n");
    assert_null(get_inside(&p, FILENAME ".1.base.aof"));
    aof_files_close(f);
    drop(&p);
}

static void a_cut(void **state)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct place p = simulated(1);
    struct aof_files *f;
    put_inside(&p, MANIFEST, "file b seq 1 type b\nfile c seq 1 type i\nfile d seq 2 type i\nfile e seq 3 type i\n");
    put_inside(&p, "b", "base");
    put_inside(&p, "c", "good and bad");
    put_inside(&p, "d", "later");
    put_inside(&p, "e", "last");
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    assert_int_equal(aof_files_cut(f, 1, 4, error), 0);
    assert_int_equal(aof_files_count(f), 2);
    begin_and_append(&p, f, 4, "");
    assert_string_equal(get_inside(&p, "c"), "good");
    assert_string_equal(get_inside(&p, "d"), "later");
    assert_string_equal(get_inside(&p, MANIFEST), "file b seq 1 type b\nfile d seq 2 type h\nfile e seq 3 type h\n"
                                                  "file c seq 1 type i\nfile appendonly.aof.4.incr.aof seq 4 type i\n");
    aof_files_close(f);
    drop(&p);
}

static void count_name(void *arg, const char *name) { *(int *)arg += strcmp(name, "note") == 0 ? 1 : 100; }

static void what_is_not_named_is_left_alone(void **state)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct place p = simulated(1);
    struct aof_files *f;
    int unnamed = 0;
    put_inside(&p, MANIFEST, "file " FILENAME ".1.incr.aof seq 1 type i\n");
    put_inside(&p, FILENAME ".1.incr.aof", "data");
    put_inside(&p, FILENAME ".2.incr.aof", "not named");
    put_inside(&p, FILENAME ".1.base.aof", "neither");
    put_inside(&p, "note", "nor this");
    put_inside(&p, "temp-" MANIFEST, "half a mani");
    put_inside(&p, "temp-" FILENAME ".base", "half a base");
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    assert_int_equal(aof_files_unnamed(f, count_name, &unnamed), 0);
    assert_int_equal(unnamed, 201);
    make_base(&p, f, begin_and_append(&p, f, 4, ""), "base");
    assert_string_equal(get_inside(&p, MANIFEST), "file appendonly.aof.2.base.aof seq 2 type b\n"
                                                  "file appendonly.aof.1.incr.aof seq 1 type h\n"
                                                  "file appendonly.aof.3.incr.aof seq 3 type h\n"
                                                  "file appendonly.aof.4.incr.aof seq 4 type i\n");
    assert_string_equal(get_inside(&p, FILENAME ".2.incr.aof"), "not named");
    assert_string_equal(get_inside(&p, FILENAME ".1.base.aof"), "neither");
    assert_string_equal(get_inside(&p, "note"), "nor this");
    assert_null(get_inside(&p, "temp-" FILENAME ".base"));
    aof_files_close(f);
    drop(&p);
}

static void the_old_single_file(void **state)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct place p = simulated(1);
    struct aof_files *f;
    put(&p, p.dir, FILENAME, "old");
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    struct aof_part part = aof_files_part(f, 0);
    assert_true(part.base && part.last && part.size == 3);
    assert_string_equal(part.name, FILENAME);
    assert_string_equal(get(&p, p.dir, FILENAME), "old");
    begin_and_append(&p, f, 0, "");
    assert_string_equal(get_inside(&p, FILENAME), "old");
    assert_null(get(&p, p.dir, FILENAME));
    assert_string_equal(get_inside(&p, MANIFEST), "file appendonly.aof seq 1 type b\n"
                                                  "file appendonly.aof.1.incr.aof seq 1 type i\n");
    aof_files_close(f);

    /* One that comes back is none of ours: not loaded, not touched. */
    put(&p, p.dir, FILENAME, "another");
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    assert_int_equal(aof_files_count(f), 2);
    make_base(&p, f, 100, "base");
    aof_files_close(f);
    assert_string_equal(get(&p, p.dir, FILENAME), "another");
    drop(&p);

    /* As with Redis: told to append while it runs, a server does not look at what was there. */
    p = simulated(1);
    put(&p, p.dir, FILENAME, "old");
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    make_base(&p, f, 0, "base");
    aof_files_close(f);
    assert_string_equal(get(&p, p.dir, FILENAME), "old");
    drop(&p);
}

static void a_directory_that_was_removed(void **state)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct place p = simulated(1);
    struct aof_files *f;
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_NONE);
    make_base(&p, f, begin_and_append(&p, f, 0, "data"), "base");
    make_base(&p, f, 100, "base");
    assert_int_equal(disk_rename(p.disk, p.dir, DIRNAME, p.dir, "elsewhere"), 0);
    make_base(&p, f, 200, "base");
    assert_string_equal(get_inside(&p, MANIFEST), "file appendonly.aof.1.base.aof seq 1 type b\n"
                                                  "file appendonly.aof.1.incr.aof seq 1 type i\n");
    aof_files_close(f);
    drop(&p);
}

/* --- What is refused --- */

static void refuse(struct place *p, const char *wanted)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct aof_files *f;
    assert_int_equal(open_files(p, &f, error), AOF_FILES_FAILED);
    assert_null(f);
    if (!strstr(error, wanted))
        fail_msg("no \"%s\" in: %s", wanted, error);
}

static void what_is_damaged_is_refused(void **state)
{
    struct place p = simulated(1);
    put(&p, p.dir, DIRNAME, "a file");
    refuse(&p, "Can't open or create append-only dir appendonlydir: Not a directory. Move away");
    assert_int_equal(disk_unlink(p.disk, p.dir, DIRNAME), 0);

    put_inside(&p, FILENAME ".3.incr.aof", "data");
    refuse(&p, "appendonlydir/appendonly.aof.manifest doesn't exist or names no file, but appendonly.aof.3.incr.aof");
    put_inside(&p, MANIFEST, "");
    refuse(&p, "Found an empty AOF manifest");
    put_inside(&p, MANIFEST, "file a seq 1 type i\nfile b seq 1 type x\n");
    refuse(&p, "at line 2: Unknown AOF file type: 'file b seq 1 type x'");
    put_inside(&p, MANIFEST, "file a seq 1 type b\nfile b seq 1 type i\nfile c seq 1 type h\n");
    put_inside(&p, "a", "base");
    refuse(&p, "The append log file appendonlydir/b doesn't exist, but the manifest appendonly.aof.manifest names it");
    put_inside(&p, "b", "data");

    char error[AOF_FILES_ERROR_BYTES], long_name[300];
    struct aof_files *f;
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_FOUND);
    aof_files_close(f);
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(aof_files_open(&f, p.disk, p.dir, DIRNAME, long_name, error), AOF_FILES_FAILED);
    drop(&p);
}

static void a_dump_is_not_ignored(void **state)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct place p = simulated(1);
    assert_false(aof_files_has_dump(p.disk, p.dir, "dump.rdb", error));
    put(&p, p.dir, "dump.rdb", "REDIS");
    assert_true(aof_files_has_dump(p.disk, p.dir, "dump.rdb", error));
    assert_non_null(strstr(error, "dump.rdb, which would be ignored"));
    drop(&p);
}

/* As a user who is not root, whom rights bind. */
static void as_nobody(const char *path)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct aof_files *f;
    struct aof_tail tail;
    struct place p = {.disk = disk_real()};
    assert_true(geteuid() != 0 || setuid(65534) == 0);
    p.dir = disk_open(p.disk, DISK_CWD, path, DISK_DIRECTORY);
    assert_true(p.dir >= 0);
    assert_int_equal(open_files(&p, &f, error), AOF_FILES_NONE);
    assert_int_equal(aof_files_begin(f, SEED, 0, &tail, error), -EACCES);
    assert_non_null(strstr(error, "Can't open or create append-only dir appendonlydir: Permission denied. The user"));
    aof_files_close(f);

    /* One that can be read only, one that cannot be read. */
    assert_int_equal(aof_files_open(&f, p.disk, p.dir, "readable", FILENAME, error), AOF_FILES_NONE);
    assert_int_equal(aof_files_begin(f, SEED, 0, &tail, error), -EACCES);
    assert_non_null(strstr(error, "readable/appendonly.aof.1.incr.aof: Permission denied. The user"));
    aof_files_close(f);
    assert_int_equal(aof_files_open(&f, p.disk, p.dir, "closed", FILENAME, error), AOF_FILES_FAILED);
    assert_non_null(strstr(error, "append-only dir closed: Permission denied. The user"));
}

static void rights(void **state)
{
    char path[] = "/tmp/skua-aof-XXXXXX", command[64];
    assert_non_null(mkdtemp(path));
    int dir = disk_open(disk_real(), DISK_CWD, path, DISK_DIRECTORY), status;
    assert_int_equal(mkdirat(dir, "readable", 0555), 0);
    assert_int_equal(mkdirat(dir, "closed", 0), 0);
    assert_int_equal(chmod(path, 0555), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        as_nobody(path);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    disk_close(disk_real(), dir);
    assert_int_equal(chmod(path, 0755), 0);
    snprintf(command, sizeof command, "rm -r %s", path);
    assert_int_equal(system(command), 0);
}

/* --- The model --- */

/* A server's life with one directory: it appends tokens, which are numbers. */
struct model {
    struct place p;
    struct random *random;
    struct aof_files *f; /* NULL: not running */
    struct aof_tail tail;
    uint32_t made, safe; /* tokens that were appended, that must be found again */
    bool syncs_fail;     /* errors may be those of syncs: after one nothing counts until there is a fresh base */
    bool distrusted;
};

static void write_tokens(char *dst, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++, dst += TOKEN_BYTES) {
        uint32_t rest = i;
        for (int k = TOKEN_BYTES - 1; k-- > 0; rest /= 10)
            dst[k] = (char)('0' + rest % 10);
        dst[TOKEN_BYTES - 1] = '\n';
    }
}

static bool append_tokens(struct model *m, int fd, uint32_t from, uint32_t to)
{
    static char text[TOKENS_MAX * TOKEN_BYTES];
    write_tokens(text, from, to);
    return disk_append_all(m->p.disk, fd, &(struct iovec){text, (size_t)(to - from) * TOKEN_BYTES}, to > from) == 0;
}

/* What loading finds. */
struct found {
    uint32_t tokens;
    uint64_t offset; /* of the journal */
    bool cut;
    uint32_t part;
    uint64_t size;
};

/* Reads a part's tokens; false: something else follows what is good of it, up to *size. */
static bool read_part(struct model *m, uint32_t i, struct found *found, uint64_t *size)
{
    static char content[CONTENT_MAX];
    int fd = aof_files_open_part(m->f, i);
    assert_true(fd >= 0);
    ssize_t n = 0, at = 0, got;
    while ((got = disk_pread(m->p.disk, fd, content + n, sizeof content - (size_t)n, (uint64_t)n)) > 0)
        n += got;
    disk_close(m->p.disk, fd);
    assert_true(got == 0 && (uint64_t)n == aof_files_part(m->f, i).size);
    if (!aof_files_part(m->f, i).base) {
        struct arg_arena unused = {0};
        struct aof_item line;
        assert_true(n > 0);
        assert_int_equal(aof_next(slice_of(content, (size_t)n), true, &unused, &line), AOF_FILE_LINE);
        assert_true(found->offset == 0 || found->offset == line.file_line.start);
        assert_int_equal(line.file_line.hash_seed, SEED);
        found->offset = line.file_line.start;
        at = (ssize_t)line.len;
    }
    for (; at + TOKEN_BYTES <= n; at += TOKEN_BYTES) {
        char token[TOKEN_BYTES];
        write_tokens(token, found->tokens, found->tokens + 1);
        if (memcmp(content + at, token, TOKEN_BYTES) != 0)
            break;
        found->tokens++;
    }
    found->offset += aof_files_part(m->f, i).base ? 0 : (uint64_t)at;
    *size = (uint64_t)at;
    return at == n;
}

static struct found load(struct model *m)
{
    struct found found = {0};
    for (uint32_t i = 0; i < aof_files_count(m->f) && !found.cut; i++) {
        found.cut = !read_part(m, i, &found, &found.size);
        found.part = i;
    }
    return found;
}

static void check_unnamed(void *arg, const char *name)
{
    if (strstr(name, ".base."))
        fail_msg("a base is left behind: %s", name);
}

static void stop(struct model *m)
{
    if (!m->f)
        return;
    disk_close(m->p.disk, m->tail.fd);
    aof_files_close(m->f);
    m->f = NULL;
}

/* False: a change failed, or the world has crashed. */
static bool start(struct model *m)
{
    char error[AOF_FILES_ERROR_BYTES] = "";
    enum aof_files_state state = open_files(&m->p, &m->f, error);
    if (state == AOF_FILES_FAILED)
        fail_msg("%s", error);
    struct found found = load(m);
    if (found.tokens < m->safe || found.tokens > m->made)
        fail_msg("%u tokens, of %u of which %u are safe", found.tokens, m->made, m->safe);
    /* What was removed may come back behind a sync that failed. */
    if (!m->syncs_fail)
        aof_files_unnamed(m->f, check_unnamed, NULL);
    m->made = found.tokens;
    if ((!found.cut || aof_files_cut(m->f, found.part, found.size, error) == 0) &&
        aof_files_begin(m->f, SEED, found.offset, &m->tail, error) == 0) {
        m->safe = m->made;
        m->distrusted = false;
        return true;
    }
    aof_files_close(m->f);
    m->f = NULL;
    return false;
}

static bool append_some(struct model *m)
{
    uint32_t to = m->made + 1 + (uint32_t)random_below(m->random, 5);
    if (m->distrusted || to > TOKENS_MAX)
        return true;
    uint32_t from = m->made;
    m->made = to;
    if (!append_tokens(m, m->tail.fd, from, to)) {
        m->distrusted = true; /* who knows what of it is there */
        return false;
    }
    if (random_below(m->random, 2))
        return true;
    if (disk_datasync(m->p.disk, m->tail.fd) < 0) {
        m->distrusted = true;
        return false;
    }
    m->safe = m->made;
    return true;
}

static bool make_fresh_base(struct model *m)
{
    char error[AOF_FILES_ERROR_BYTES];
    struct aof_tail tail;
    int fd;
    if (aof_files_new_base(m->f, &fd, error) < 0)
        return false;
    if (!append_tokens(m, fd, 0, m->made) || random_below(m->random, 8) == 0) {
        aof_files_abort_base(m->f);
        return false;
    }
    uint64_t offset = m->tail.offset + 100 * (uint64_t)m->made; /* any that grows */
    if (aof_files_commit_base(m->f, SEED, offset, &tail, error) < 0) {
        m->distrusted |= aof_files_is_unsure(m->f);
        return false;
    }
    disk_close(m->p.disk, m->tail.fd);
    m->tail = tail;
    m->safe = m->made;
    m->distrusted = false;
    return true;
}

static bool step(struct model *m)
{
    if (!m->f)
        return start(m);
    switch (random_below(m->random, 8)) {
    case 0:
        stop(m);
        return true;
    case 1:
    case 2:
        return make_fresh_base(m);
    case 3:
        aof_files_cron(m->f, random_below(m->random, 30) * MINUTE_NS);
        return true;
    default:
        return append_some(m);
    }
}

/* A new model; in some there is a file of Redis before 7. */
static struct model make_model(struct random *random)
{
    struct model m = {.random = random, .p = simulated(random_u64(random))};
    if (random_below(random, 3) == 0) {
        char text[3 * TOKEN_BYTES + 1] = "";
        write_tokens(text, 0, 3);
        put(&m.p, m.p.dir, FILENAME, text);
        m.made = m.safe = 3;
    }
    return m;
}

/* --- Crashes --- */

enum { STEPS = 14 };

/* The machine crashes, and starts again. */
static void crash(struct model *m, const struct sim_disk_config *config)
{
    stop(m);
    struct place old = m->p;
    m->p.sim = make_sim(random_u64(m->random));
    m->p.disk = sim_disk_crash(old.disk, m->p.sim, config);
    drop(&old);
}

/* Crashes before the change-th change of a life that seed chooses, and later once more. False: there is no such. */
static bool crash_before(uint64_t change, uint64_t seed)
{
    struct random random;
    random_init(&random, seed);
    struct model m = make_model(&random);
    struct sim_disk_config config = {.short_rate = 300, .crash_before = sim_disk_changes(m.p.disk) + change};
    sim_disk_configure(m.p.disk, &config);
    for (int i = 0; i < STEPS && sim_disk_changes(m.p.disk) < config.crash_before; i++)
        step(&m);
    bool crashed = sim_disk_changes(m.p.disk) >= config.crash_before;
    random_init(&random, seed ^ change);
    for (int i = 0; i < 2; i++) {
        config.crash_before = i == 0 ? 1 + random_below(&random, 40) : 0;
        crash(&m, &config);
        for (int k = 0; k < 6 && (i > 0 || sim_disk_changes(m.p.disk) < config.crash_before); k++)
            assert_true(step(&m) || i == 0 || m.f);
    }
    stop(&m);
    drop(&m.p);
    return crashed;
}

static void crashes_leave_what_is_whole(void **state)
{
    struct random random;
    long cases = random_cases(&random, 40), crashes = 0;
    while (cases-- > 0) {
        uint64_t seed = random_u64(&random);
        for (uint64_t change = 1; crash_before(change, seed); change++)
            crashes++;
    }
    printf("%ld crashes\n", crashes);
}

#ifdef SKUA_SIM_POINTS
/* In a process of its own, as what finds it is a failing assertion. */
static void names_that_are_not_synced_are_found(void **state)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        assert_true(freopen("/dev/null", "w", stderr) && freopen("/dev/null", "w", stdout));
        planted_bug = PLANTED_NAMES_UNSYNCED;
        const struct CMUnitTest tests[] = {cmocka_unit_test(crashes_leave_what_is_whole)};
        _exit(cmocka_run_group_tests(tests, NULL, NULL));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 0);
}
#endif

/* --- Errors --- */

/* A disk on which from the first-th change on count fail. Only it is what the files are on; what it passes on to is
 * simulated. */
struct faulty {
    struct disk base;
    struct disk *under;
    uint64_t first, count;
    struct sim_disk_config broken;
};

static struct faulty *faulty_of(struct disk *disk) { return (struct faulty *)disk; }

/* Around each call that may change something. */
static struct disk *enter(struct disk *disk)
{
    struct faulty *d = faulty_of(disk);
    uint64_t change = sim_disk_changes(d->under) + 1;
    bool fails = change >= d->first && change < d->first + d->count;
    sim_disk_configure(d->under, fails ? &d->broken : &(struct sim_disk_config){0});
    return d->under;
}

static int faulty_open(struct disk *disk, int dir, const char *name, unsigned flags)
{
    return disk_open(enter(disk), dir, name, flags);
}
static void faulty_close(struct disk *disk, int fd) { disk_close(faulty_of(disk)->under, fd); }
static ssize_t faulty_append(struct disk *disk, int fd, const struct iovec *parts, int count)
{
    return disk_append(enter(disk), fd, parts, count);
}
static ssize_t faulty_pread(struct disk *disk, int fd, void *buf, size_t len, uint64_t offset)
{
    return disk_pread(faulty_of(disk)->under, fd, buf, len, offset);
}
static int64_t faulty_size(struct disk *disk, int fd) { return disk_size(faulty_of(disk)->under, fd); }
static int faulty_truncate(struct disk *disk, int fd, uint64_t size) { return disk_truncate(enter(disk), fd, size); }
static int faulty_datasync(struct disk *disk, int fd) { return disk_datasync(enter(disk), fd); }
static int faulty_sync_directory(struct disk *disk, int dir) { return disk_sync_directory(enter(disk), dir); }
static int faulty_mkdir(struct disk *disk, int dir, const char *name) { return disk_mkdir(enter(disk), dir, name); }
static int faulty_rename(struct disk *disk, int dir, const char *from, int to_dir, const char *to)
{
    return disk_rename(enter(disk), dir, from, to_dir, to);
}
static int faulty_unlink(struct disk *disk, int dir, const char *name) { return disk_unlink(enter(disk), dir, name); }
static int faulty_list(struct disk *disk, int dir, disk_entry *entry, void *arg)
{
    return disk_list(faulty_of(disk)->under, dir, entry, arg);
}

static const struct disk_vtable faulty_vtable = {
    .open = faulty_open,
    .close = faulty_close,
    .append = faulty_append,
    .pread = faulty_pread,
    .size = faulty_size,
    .truncate = faulty_truncate,
    .datasync = faulty_datasync,
    .sync_directory = faulty_sync_directory,
    .mkdir = faulty_mkdir,
    .rename = faulty_rename,
    .unlink = faulty_unlink,
    .list = faulty_list,
};

static void choose_fault(struct faulty *d, struct random *random)
{
    static const struct sim_disk_config kinds[] = {
        {.full_rate = 1000},
        {.write_error_rate = 1000, .name_error_rate = 1000},
        {.sync_error_rate = 1000},
        {.write_error_rate = 1000, .name_error_rate = 1000, .sync_error_rate = 1000},
    };
    static const uint64_t counts[] = {1, 2, 5, 1000};
    d->broken = kinds[random_below(random, sizeof kinds / sizeof *kinds)];
    d->count = counts[random_below(random, sizeof counts / sizeof *counts)];
}

/* The change-th change fails, perhaps some after it too. Then the disk is well again, and the server goes on, is killed
 * and started again, or the machine crashes. False: there is no such change. */
static bool fail_at(uint64_t change, uint64_t seed)
{
    struct random random, afterwards;
    random_init(&random, seed);
    random_init(&afterwards, seed ^ change);
    struct model m = make_model(&random);
    struct faulty d = {.base.vtable = &faulty_vtable, .under = m.p.disk, .first = sim_disk_changes(m.p.disk) + change};
    choose_fault(&d, &afterwards);
    m.p.disk = &d.base;
    m.syncs_fail = d.broken.sync_error_rate > 0;
    bool failed = false;
    for (int i = 0; i < STEPS && !failed; i++)
        failed = !step(&m) && sim_disk_changes(d.under) >= d.first;
    bool reached = sim_disk_changes(d.under) >= d.first;
    d.count = 0;
    m.random = &afterwards;
    bool restarted = !m.f || random_below(&afterwards, 3) == 0;
    if (restarted) {
        stop(&m);
        assert_true(start(&m));
    } else if (random_below(&afterwards, 2)) {
        make_fresh_base(&m);
    } else {
        append_some(&m);
    }
    stop(&m);
    sim_disk_configure(d.under, &(struct sim_disk_config){0});
    m.p.disk = d.under;
    /* A start cannot know of a sync that failed in another life, nor make up for it. */
    if (!restarted || !m.syncs_fail) {
        crash(&m, &(struct sim_disk_config){0});
        assert_true(start(&m));
    }
    stop(&m);
    drop(&m.p);
    return reached;
}

static void errors_leave_what_is_whole(void **state)
{
    struct random random;
    long cases = random_cases(&random, 40), errors = 0;
    while (cases-- > 0) {
        uint64_t seed = random_u64(&random);
        for (uint64_t change = 1; fail_at(change, seed); change++)
            errors++;
    }
    printf("%ld errors\n", errors);
}

int main(void)
{
    log_set_level(LOG_LEVEL_NOTHING);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_life),
        cmocka_unit_test(a_cut),
        cmocka_unit_test(what_is_not_named_is_left_alone),
        cmocka_unit_test(the_old_single_file),
        cmocka_unit_test(a_directory_that_was_removed),
        cmocka_unit_test(what_is_damaged_is_refused),
        cmocka_unit_test(a_dump_is_not_ignored),
        cmocka_unit_test(rights),
        cmocka_unit_test(crashes_leave_what_is_whole),
        cmocka_unit_test(errors_leave_what_is_whole),
#ifdef SKUA_SIM_POINTS
        cmocka_unit_test(names_that_are_not_synced_are_found),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
