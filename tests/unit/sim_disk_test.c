/* The simulated disk: faults come at their rates and go, a sync covers what was there before it, and what is found
 * after a crash is always one of the states that disk.h allows, and in time each kind of them. The last is held against
 * a naive model that keeps copies of everything. That the disk finds bugs is shown with some of the usual ones. What it
 * does when nothing is wrong is disk_test's. */
#include "src/io/sim_disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "src/base/mem.h"
#include "src/io/io.h"
#include "tests/unit/random_cases.h"

static const struct sim_disk_config no_faults;

static struct sim *make_sim(uint64_t seed) { return sim_create(&(struct sim_config){.seed = seed}); }

static int open_file(struct disk *disk, const char *name)
{
    int fd = disk_open(disk, DISK_CWD, name, DISK_READ | DISK_APPEND | DISK_CREATE);
    assert_true(fd >= 0);
    return fd;
}

static ssize_t append(struct disk *disk, int fd, const void *data, size_t len)
{
    return disk_append(disk, fd, &(struct iovec){(void *)data, len}, 1);
}

/* --- Against the model --- */

enum { NAMES = 4, FILES_MAX = 40, CONTENT_MAX = 20000, COPIES_MAX = 16, APPEND_MAX = 6000, STEPS = 60 };

static const char *const names[NAMES] = {"a", "b", "c", "d"};

struct copy {
    size_t size;
    char data[CONTENT_MAX];
};

/* Every state that the file was in since it was last synced, that one included. */
struct model_file {
    unsigned count;
    bool distrusted; /* a sync failed: later ones count for nothing */
    struct copy copies[COPIES_MAX];
};

struct model {
    struct sim *sim;
    struct disk *disk;
    struct random *random;
    struct model_file *files[FILES_MAX];
    int file_count;
    int now[NAMES];                  /* index of a file, -1: none */
    bool possible[NAMES][FILES_MAX]; /* files that a name may lead to after a crash */
    bool may_be_missing[NAMES];
    bool distrusted;    /* as a file */
    bool forgets_syncs; /* planted: the disk is never told to sync */
};

static struct copy *last_copy(struct model_file *f) { return &f->copies[f->count - 1]; }

static void keep_only_last(struct model_file *f)
{
    memmove(&f->copies[0], last_copy(f), sizeof f->copies[0]);
    f->count = 1;
}

static int add_file(struct model *m)
{
    m->files[m->file_count] = mem_zalloc(NULL, sizeof(struct model_file));
    m->files[m->file_count]->count = 1;
    return m->file_count++;
}

static void set_name(struct model *m, int name, int file)
{
    m->now[name] = file;
    if (file < 0)
        m->may_be_missing[name] = true;
    else
        m->possible[name][file] = true;
}

static void settle_names(struct model *m)
{
    memset(m->possible, 0, sizeof m->possible);
    for (int i = 0; i < NAMES; i++) {
        m->may_be_missing[i] = m->now[i] < 0;
        if (m->now[i] >= 0)
            m->possible[i][m->now[i]] = true;
    }
}

static void step_append(struct model *m, int name)
{
    static char data[APPEND_MAX];
    struct model_file *f = m->files[m->now[name]];
    const struct copy *last = last_copy(f);
    size_t len = 1 + random_below(m->random, random_below(m->random, 3) ? 50 : APPEND_MAX);
    if (f->count == COPIES_MAX || last->size + len > CONTENT_MAX)
        return;
    for (size_t i = 0; i < len; i++)
        data[i] = (char)(1 + random_below(m->random, 255));
    int fd = open_file(m->disk, names[name]);
    ssize_t n = append(m->disk, fd, data, len);
    disk_close(m->disk, fd);
    if (n < 0)
        return;
    assert_true(n > 0 && (size_t)n <= len);
    f->copies[f->count] = *last;
    f->count++;
    memcpy(last_copy(f)->data + last_copy(f)->size, data, (size_t)n);
    last_copy(f)->size += (size_t)n;
}

static void step_cut(struct model *m, int name)
{
    struct model_file *f = m->files[m->now[name]];
    if (f->count == COPIES_MAX)
        return;
    size_t size = random_below(m->random, last_copy(f)->size + 1);
    int fd = open_file(m->disk, names[name]);
    int r = disk_truncate(m->disk, fd, size);
    disk_close(m->disk, fd);
    if (r < 0)
        return;
    f->copies[f->count] = *last_copy(f);
    f->count++;
    struct copy *c = last_copy(f);
    memset(c->data + size, 0, c->size - size);
    c->size = size;
}

static void step_sync(struct model *m, int name)
{
    struct model_file *f = m->files[m->now[name]];
    int fd = open_file(m->disk, names[name]);
    int r = m->forgets_syncs ? 0 : disk_datasync(m->disk, fd);
    disk_close(m->disk, fd);
    f->distrusted |= r < 0;
    if (!f->distrusted)
        keep_only_last(f);
}

static void step_create(struct model *m, int name)
{
    if (m->now[name] >= 0 || m->file_count == FILES_MAX)
        return;
    int fd = disk_open(m->disk, DISK_CWD, names[name], DISK_APPEND | DISK_CREATE | DISK_EXCLUSIVE);
    if (fd < 0)
        return;
    disk_close(m->disk, fd);
    set_name(m, name, add_file(m));
}

static void step_rename(struct model *m, int from)
{
    int to = (int)random_below(m->random, NAMES);
    int r = disk_rename(m->disk, DISK_CWD, names[from], DISK_CWD, names[to]);
    if (r < 0 || from == to)
        return;
    set_name(m, to, m->now[from]);
    set_name(m, from, -1);
}

static void step(struct model *m)
{
    int name = (int)random_below(m->random, NAMES);
    uint64_t what = random_below(m->random, 12);
    if (what == 0) {
        m->distrusted |= disk_sync_directory(m->disk, DISK_CWD) < 0;
        if (!m->distrusted)
            settle_names(m);
    } else if (m->now[name] < 0) {
        step_create(m, name);
    } else if (what == 1) {
        step_rename(m, name);
    } else if (what == 2) {
        if (disk_unlink(m->disk, DISK_CWD, names[name]) == 0)
            set_name(m, name, -1);
    } else if (what == 3) {
        step_cut(m, name);
    } else if (what <= 6) {
        step_sync(m, name);
    } else {
        step_append(m, name);
    }
}

/* How often each kind of state was found: all must be, in many cases. */
static struct {
    long as_synced, as_written, between, zeros, torn, name_lost, name_back;
} seen;

/* Could a crash have left got of f? Each byte must be one that stood there in some state, or zero where a state ended
 * earlier; the size lies between the smallest and the largest. */
static bool is_possible(const struct model_file *f, const struct copy *got)
{
    size_t least = SIZE_MAX, most = 0;
    for (unsigned i = 0; i < f->count; i++) {
        least = f->copies[i].size < least ? f->copies[i].size : least;
        most = f->copies[i].size > most ? f->copies[i].size : most;
    }
    if (got->size < least || got->size > most)
        return false;
    for (size_t at = 0; at < got->size; at++) {
        bool good = false;
        for (unsigned i = 0; i < f->count && !good; i++)
            good = got->data[at] == (at < f->copies[i].size ? f->copies[i].data[at] : 0);
        if (!good)
            return false;
    }
    return true;
}

static bool same(const struct copy *a, const struct copy *b)
{
    return a->size == b->size && memcmp(a->data, b->data, a->size) == 0;
}

static void note(const struct model_file *f, const struct copy *got)
{
    if (f->count == 1)
        return;
    bool is_state = false;
    for (unsigned i = 0; i < f->count; i++)
        is_state |= same(got, &f->copies[i]);
    seen.as_synced += same(got, &f->copies[0]);
    seen.as_written += same(got, &f->copies[f->count - 1]);
    seen.between += is_state && !same(got, &f->copies[0]) && !same(got, &f->copies[f->count - 1]);
    seen.torn += !is_state;
    seen.zeros += got->size && got->data[got->size - 1] == 0;
}

static bool name_is_possible(struct model *m, struct disk *after, int name)
{
    static struct copy got;
    int fd = disk_open(after, DISK_CWD, names[name], DISK_READ);
    if (fd < 0) {
        seen.name_lost += m->now[name] >= 0;
        return m->may_be_missing[name];
    }
    memset(&got, 0, sizeof got);
    ssize_t n = disk_pread(after, fd, got.data, sizeof got.data, 0);
    disk_close(after, fd);
    got.size = (size_t)n;
    for (int i = 0; i < m->file_count; i++)
        if (m->possible[name][i] && is_possible(m->files[i], &got)) {
            note(m->files[i], &got);
            seen.name_back += m->now[name] < 0;
            return true;
        }
    return false;
}

/* Several crashes of one state, and one of what the first left, which is synced. */
static bool crashes_are_possible(struct model *m, uint64_t seed)
{
    bool good = true;
    for (uint64_t i = 0; i < 4 && good; i++) {
        struct sim *next = make_sim(seed * 4 + i), *later = make_sim(seed * 4 + i + 1);
        struct disk *after = sim_disk_crash(m->disk, next, &no_faults);
        struct disk *again = sim_disk_crash(after, later, &no_faults);
        for (int name = 0; name < NAMES; name++)
            good = good && name_is_possible(m, after, name) && name_is_possible(m, again, name);
        sim_disk_destroy(again);
        sim_disk_destroy(after);
        sim_destroy(later);
        sim_destroy(next);
    }
    return good;
}

static bool case_is_good(struct random *random, bool with_faults, bool forgets_syncs)
{
    uint64_t seed = random_u64(random);
    struct model m = {.sim = make_sim(seed), .random = random, .forgets_syncs = forgets_syncs};
    struct sim_disk_config config = {.short_rate = 200};
    if (with_faults)
        config.write_error_rate = config.sync_error_rate = config.name_error_rate = config.full_rate = 50;
    m.disk = sim_disk_create(m.sim, &config);
    for (int i = 0; i < NAMES; i++)
        m.now[i] = -1;
    settle_names(&m);
    bool good = true;
    for (int i = 0; i < STEPS && good; i++) {
        step(&m);
        if (i % 10 == 9)
            good = crashes_are_possible(&m, seed + (uint64_t)i);
    }
    for (int i = 0; i < m.file_count; i++)
        mem_free(NULL, m.files[i]);
    sim_destroy(m.sim);
    sim_disk_destroy(m.disk);
    return good;
}

static void crashes_leave_what_is_allowed(void **state)
{
    struct random random;
    long cases = random_cases(&random, 300);
    memset(&seen, 0, sizeof seen);
    for (long i = 0; i < cases; i++)
        assert_true(case_is_good(&random, i % 2, false));
    printf(
        "%ld as synced, %ld as written, %ld between, %ld torn, %ld with zeros at the end; %ld names lost, %ld back\n",
        seen.as_synced, seen.as_written, seen.between, seen.torn, seen.zeros, seen.name_lost, seen.name_back);
    if (cases >= 50)
        assert_true(seen.as_synced && seen.as_written && seen.between && seen.torn && seen.zeros && seen.name_lost &&
                    seen.name_back);
}

static void a_disk_that_does_not_sync_is_found(void **state)
{
    struct random random;
    random_init(&random, 1);
    int tries = 0;
    while (case_is_good(&random, false, true))
        assert_true(++tries < 20);
}

/* --- Usual bugs --- */

/* Replaces a file the careful way but for one step. */
enum bug { NO_BUG, NO_DATASYNC, NO_RENAME, NO_DIRECTORY_SYNC, BUGS };

static void write_whole(struct disk *disk, int fd, const char *text)
{
    size_t len = strlen(text);
    for (size_t done = 0; done < len; done += (size_t)append(disk, fd, text + done, len - done))
        ;
}

static void replace(struct disk *disk, const char *text, enum bug bug)
{
    const char *name = bug == NO_RENAME ? "manifest" : "temporary";
    int fd = open_file(disk, name);
    disk_truncate(disk, fd, 0);
    write_whole(disk, fd, text);
    if (bug != NO_DATASYNC)
        assert_int_equal(disk_datasync(disk, fd), 0);
    disk_close(disk, fd);
    if (bug != NO_RENAME)
        assert_int_equal(disk_rename(disk, DISK_CWD, name, DISK_CWD, "manifest"), 0);
    if (bug != NO_DIRECTORY_SYNC)
        assert_int_equal(disk_sync_directory(disk, DISK_CWD), 0);
}

struct replacing {
    struct disk *disk;
    enum bug bug;
    int replaced; /* how many replacements have returned */
};

static const char *const versions[] = {"the first version", "a second one, which is longer", "third"};

static void replace_thrice(void *arg)
{
    struct replacing *r = arg;
    for (int i = 0; i < 3; i++) {
        replace(r->disk, versions[i], r->bug);
        r->replaced = i + 1;
    }
}

/* The version in the manifest, from 1; 0 if there is none, -1 if it is no version. */
static int version_on(struct disk *disk)
{
    char got[64];
    int fd = disk_open(disk, DISK_CWD, "manifest", DISK_READ);
    if (fd < 0)
        return 0;
    ssize_t n = disk_pread(disk, fd, got, sizeof got, 0);
    disk_close(disk, fd);
    for (int i = 0; i < 3; i++)
        if ((size_t)n == strlen(versions[i]) && memcmp(got, versions[i], (size_t)n) == 0)
            return i + 1;
    return -1;
}

/* Crashes before the change-th change; false if there is none, *good: what was then found is as it must be. */
static bool replace_until(uint64_t change, uint64_t seed, enum bug bug, bool *good)
{
    struct sim *sim = make_sim(seed), *next = make_sim(seed + 1);
    struct sim_disk_config config = {.short_rate = 300, .crash_before = change};
    struct replacing r = {.disk = sim_disk_create(sim, &config), .bug = bug};
    sim_spawn(sim, SIM_CLIENT, "replacing", replace_thrice, &r);
    enum sim_end end = sim_run(sim);
    assert_true(end == SIM_CRASHED || end == SIM_DONE);
    assert_true(end == SIM_CRASHED || r.replaced == 3);
    struct disk *after = sim_disk_crash(r.disk, next, &no_faults);
    int version = version_on(after);
    *good = version == r.replaced || version == r.replaced + 1;
    sim_destroy(sim);
    sim_disk_destroy(r.disk);
    sim_disk_destroy(after);
    sim_destroy(next);
    return end == SIM_CRASHED;
}

static long bad_replacements(enum bug bug, uint64_t first_seed, long seeds)
{
    long bad = 0;
    for (uint64_t seed = first_seed; seed < first_seed + (uint64_t)seeds; seed++) {
        bool good, crashed = true;
        for (uint64_t change = 1; crashed; change++) {
            crashed = replace_until(change, seed, bug, &good);
            bad += !good;
        }
    }
    return bad;
}

static void usual_bugs_are_found(void **state)
{
    struct random random;
    long cases = random_cases(&random, 50);
    uint64_t seed = random_u64(&random);
    assert_int_equal(bad_replacements(NO_BUG, seed, cases), 0);
    for (enum bug bug = NO_BUG + 1; bug < BUGS; bug++)
        assert_true(bad_replacements(bug, seed, 10) > 0);
}

/* --- Between directories --- */

static bool has_name(struct disk *disk, int dir, const char *name)
{
    int fd = disk_open(disk, dir, name, DISK_READ);
    if (fd >= 0)
        disk_close(disk, fd);
    return fd >= 0;
}

/* A file that was renamed into another directory is in one of the two after a crash, whichever was synced or whose sync
 * failed. Returns how often it was in the new one. */
static int moved_after_crashes(struct disk *disk, const char *directory)
{
    int moved = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct sim *next = make_sim(seed);
        struct disk *after = sim_disk_crash(disk, next, &no_faults);
        int dir = disk_open(after, DISK_CWD, directory, DISK_DIRECTORY);
        assert_true(dir >= 0);
        bool in_new = has_name(after, dir, "file"), in_old = has_name(after, DISK_CWD, "file");
        assert_true(in_new != in_old);
        moved += in_new;
        disk_close(after, dir);
        sim_disk_destroy(after);
        sim_destroy(next);
    }
    return moved;
}

static void a_rename_between_directories(void **state)
{
    enum { NEW_SYNCED, OLD_SYNCED, NEW_FAILED, OLD_FAILED, NOT_SYNCED, WAYS };
    for (int way = 0; way < WAYS; way++) {
        struct sim *sim = make_sim(1);
        struct disk *disk = sim_disk_create(sim, &no_faults);
        disk_close(disk, open_file(disk, "file"));
        assert_int_equal(disk_mkdir(disk, DISK_CWD, "sub"), 0);
        assert_int_equal(disk_sync_directory(disk, DISK_CWD), 0);
        int dir = disk_open(disk, DISK_CWD, "sub", DISK_DIRECTORY);
        assert_int_equal(disk_rename(disk, DISK_CWD, "file", dir, "file"), 0);
        bool fails = way == NEW_FAILED || way == OLD_FAILED;
        sim_disk_configure(disk, &(struct sim_disk_config){.sync_error_rate = fails ? 1000 : 0});
        if (way != NOT_SYNCED)
            disk_sync_directory(disk, way == OLD_SYNCED || way == OLD_FAILED ? DISK_CWD : dir);
        int moved = moved_after_crashes(disk, "sub");
        if (way == NEW_SYNCED || way == OLD_SYNCED)
            assert_int_equal(moved, 50);
        else if (way == NOT_SYNCED)
            assert_true(moved > 0 && moved < 50);
        disk_close(disk, dir);
        sim_destroy(sim);
        sim_disk_destroy(disk);
    }
}

/* --- Syncs --- */

struct late {
    struct sim *sim;
    struct disk *disk;
    struct io *io;
    struct io_op op;
    int res;
};

static void on_synced(struct io_op *op, int res, const char *data) { container_of(op, struct late, op)->res = res; }

static void wait_synced(struct late *l)
{
    while (io_op_active(&l->op))
        io_wait(l->io, UINT64_MAX);
}

static void in_late_world(void *arg)
{
    struct late *l = arg;
    assert_int_equal(io_enter(l->io), 0);
    int fd = open_file(l->disk, "file");
    assert_int_equal(disk_sync_directory(l->disk, DISK_CWD), 0);
    assert_int_equal(append(l->disk, fd, "before ", 7), 7);
    io_datasync(l->io, &l->op, fd);
    assert_int_equal(append(l->disk, fd, "after", 5), 5);
    wait_synced(l);
    assert_int_equal(l->res, 0);
    disk_close(l->disk, fd);
}

static void run_late(struct late *l, uint64_t seed, const struct sim_disk_config *config, sim_task_fn *task)
{
    *l = (struct late){.sim = make_sim(seed), .op.done = on_synced, .res = 1};
    l->disk = sim_disk_create(l->sim, config);
    assert_int_equal(io_create(&l->io, &(struct io_config){.backend = IO_SIM, .sim = l->sim}), 0);
    sim_spawn(l->sim, SIM_CLIENT, "syncing", task, l);
    assert_int_equal(sim_run(l->sim), SIM_DONE);
    io_destroy(l->io);
}

static void end_late(struct late *l)
{
    sim_destroy(l->sim);
    sim_disk_destroy(l->disk);
}

static void a_sync_covers_what_was_before_it(void **state)
{
    int lost = 0, kept = 0;
    struct late l;
    run_late(&l, 1, &no_faults, in_late_world);
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim *next = make_sim(seed);
        struct disk *after = sim_disk_crash(l.disk, next, &no_faults);
        char got[16] = {0};
        int fd = disk_open(after, DISK_CWD, "file", DISK_READ);
        assert_true(fd >= 0);
        ssize_t n = disk_pread(after, fd, got, sizeof got, 0);
        assert_true(n >= 7 && memcmp(got, "before ", 7) == 0);
        lost += n == 7;
        kept += n == 12;
        disk_close(after, fd);
        sim_disk_destroy(after);
        sim_destroy(next);
    }
    assert_true(lost && kept);
    end_late(&l);
}

static void hang(void *arg)
{
    struct late *l = arg;
    assert_int_equal(io_enter(l->io), 0);
    int fd = open_file(l->disk, "file");
    uint64_t start = io_now_ns(l->io);
    io_datasync(l->io, &l->op, fd);
    while (io_now_ns(l->io) < start + UINT64_C(2900000000)) {
        io_wait(l->io, start + UINT64_C(2900000000));
        assert_true(io_op_active(&l->op));
    }
    io_cancel(l->io, &l->op); /* does not help */
    wait_synced(l);
    assert_true(l->res == 0 && io_now_ns(l->io) >= start + UINT64_C(3000000000));
    disk_close(l->disk, fd);
}

static void hanging_sync(void **state)
{
    struct late l;
    run_late(&l, 1, &(struct sim_disk_config){.hang_rate = 1000}, hang);
    end_late(&l);
}

/* What was to be synced when that failed may be lost though the next sync succeeds. */
static void failed_sync(void **state)
{
    int lost = 0, kept = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct sim *sim = make_sim(seed), *next = make_sim(seed);
        struct disk *disk = sim_disk_create(sim, &(struct sim_disk_config){.sync_error_rate = 1000});
        char got[8] = {0};
        int fd = open_file(disk, "file");
        assert_int_equal(append(disk, fd, "data", 4), 4);
        assert_int_equal(disk_datasync(disk, fd), -EIO);
        sim_disk_configure(disk, &no_faults);
        assert_int_equal(disk_datasync(disk, fd), 0);
        assert_int_equal(disk_sync_directory(disk, DISK_CWD), 0);
        assert_int_equal(disk_pread(disk, fd, got, sizeof got, 0), 4);
        assert_string_equal(got, "data");

        struct disk *after = sim_disk_crash(disk, next, &no_faults);
        fd = open_file(after, "file");
        ssize_t n = disk_pread(after, fd, got, sizeof got, 0);
        lost += n == 0;
        kept += n == 4 && memcmp(got, "data", 4) == 0;
        sim_disk_destroy(after);
        sim_disk_destroy(disk);
        sim_destroy(next);
        sim_destroy(sim);
    }
    assert_true(lost && kept);
}

/* --- Faults --- */

static void full_disk(void **state)
{
    struct sim *sim = make_sim(1);
    struct disk *disk = sim_disk_create(sim, &(struct sim_disk_config){.bytes_max = 10});
    int a = open_file(disk, "a"), b = open_file(disk, "b");
    assert_int_equal(append(disk, a, "1234567", 7), 7);
    assert_int_equal(append(disk, b, "1234567", 7), 3);
    assert_int_equal(append(disk, b, "4567", 4), -ENOSPC);
    assert_int_equal(disk_truncate(disk, a, 5), 0);
    assert_int_equal(append(disk, b, "4567", 4), 2);
    assert_int_equal(disk_unlink(disk, DISK_CWD, "a"), 0);
    assert_int_equal(append(disk, b, "67", 2), 2);
    sim_destroy(sim);
    sim_disk_destroy(disk);
}

static void errors_come_and_go(void **state)
{
    struct sim *sim = make_sim(1);
    struct disk *disk = sim_disk_create(sim, &no_faults);
    int fd = open_file(disk, "file");
    char byte;
    assert_int_equal(append(disk, fd, "x", 1), 1);
    sim_disk_configure(
        disk, &(struct sim_disk_config){
                  .read_error_rate = 1000, .write_error_rate = 1000, .sync_error_rate = 1000, .name_error_rate = 1000});
    assert_int_equal(append(disk, fd, "x", 1), -EIO);
    assert_int_equal(disk_truncate(disk, fd, 0), -EIO);
    assert_int_equal(disk_pread(disk, fd, &byte, 1, 0), -EIO);
    assert_int_equal(disk_datasync(disk, fd), -EIO);
    assert_int_equal(disk_sync_directory(disk, DISK_CWD), -EIO);
    assert_int_equal(disk_mkdir(disk, DISK_CWD, "sub"), -EIO);
    assert_int_equal(disk_rename(disk, DISK_CWD, "file", DISK_CWD, "other"), -EIO);
    assert_int_equal(disk_unlink(disk, DISK_CWD, "file"), -EIO);
    sim_disk_configure(disk, &(struct sim_disk_config){.full_rate = 1000});
    assert_int_equal(append(disk, fd, "x", 1), -ENOSPC);
    assert_int_equal(disk_open(disk, DISK_CWD, "other", DISK_APPEND | DISK_CREATE), -ENOSPC);
    sim_disk_configure(disk, &no_faults);
    assert_int_equal(append(disk, fd, "x", 1), 1);
    assert_int_equal(disk_size(disk, fd), 2);
    sim_destroy(sim);
    sim_disk_destroy(disk);
}

/* --- The end of a process --- */

static void killed_process_loses_nothing(void **state)
{
    struct sim *sim = make_sim(1), *next = make_sim(2);
    struct disk *disk = sim_disk_create(sim, &no_faults);
    int fd = open_file(disk, "file");
    assert_int_equal(disk_lock(disk, fd), 0);
    assert_int_equal(append(disk, fd, "data", 4), 4);
    sim_destroy(sim);
    sim_disk_move(disk, next, &no_faults);
    fd = disk_open(disk, DISK_CWD, "file", DISK_READ);
    assert_true(fd >= 0);
    assert_int_equal(disk_size(disk, fd), 4);
    assert_int_equal(disk_lock(disk, fd), 0);
    sim_destroy(next);
    sim_disk_destroy(disk);
}

static void sync_when_it_crashes(void *arg)
{
    struct late *l = arg;
    assert_int_equal(io_enter(l->io), 0);
    int fd = open_file(l->disk, "file");
    append(l->disk, fd, "data", 4);
    io_datasync(l->io, &l->op, fd);
    append(l->disk, fd, "more", 4);
    fail();
}

static void crash_beside_a_sync(void **state)
{
    struct late l = {.sim = make_sim(1), .op.done = on_synced, .res = 1};
    l.disk = sim_disk_create(l.sim, &(struct sim_disk_config){.crash_before = 3});
    assert_int_equal(io_create(&l.io, &(struct io_config){.backend = IO_SIM, .sim = l.sim}), 0);
    sim_spawn(l.sim, SIM_CLIENT, "syncing", sync_when_it_crashes, &l);
    assert_int_equal(sim_run(l.sim), SIM_CRASHED);
    assert_int_equal(sim_disk_changes(l.disk), 3);
    assert_true(io_op_active(&l.op));
    io_destroy(l.io);
    end_late(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crashes_leave_what_is_allowed),
        cmocka_unit_test(a_disk_that_does_not_sync_is_found),
        cmocka_unit_test(usual_bugs_are_found),
        cmocka_unit_test(a_rename_between_directories),
        cmocka_unit_test(a_sync_covers_what_was_before_it),
        cmocka_unit_test(hanging_sync),
        cmocka_unit_test(failed_sync),
        cmocka_unit_test(full_disk),
        cmocka_unit_test(errors_come_and_go),
        cmocka_unit_test(killed_process_loses_nothing),
        cmocka_unit_test(crash_beside_a_sync),
    };
    return cmocka_run_group_tests_name("sim_disk", tests, NULL, NULL);
}
