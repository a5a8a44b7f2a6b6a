/* What disk.h promises of calls that find nothing wrong, and io_datasync, tried on the files of the machine with every
 * backend, and in the simulator. What crashes and faults leave is sim_disk_test's. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/io/disk.h"
#include "src/io/sim_disk.h"
#include "tests/unit/io_world.h"

struct place {
    struct world *w;
    struct disk *disk;
    int dir;
};

static void append(struct place *p, int fd, const char *text)
{
    size_t len = strlen(text), half = len / 2;
    for (size_t done = 0; done < len;) {
        size_t cut = done > half ? done : half;
        struct iovec parts[] = {{(char *)text + done, cut - done}, {NULL, 0}, {(char *)text + cut, len - cut}};
        ssize_t n = disk_append(p->disk, fd, parts, 3);
        assert_true(n > 0 && (size_t)n <= len - done);
        done += (size_t)n;
    }
}

static void assert_content(struct place *p, int fd, const char *text)
{
    char got[256];
    size_t len = 0;
    ssize_t n;
    while ((n = disk_pread(p->disk, fd, got + len, sizeof got - len, len)) > 0)
        len += (size_t)n;
    assert_int_equal(n, 0);
    assert_int_equal(len, strlen(text));
    assert_int_equal(disk_size(p->disk, fd), len);
    assert_memory_equal(got, text, len);
}

static int open_file(struct place *p, const char *name, unsigned flags)
{
    int fd = disk_open(p->disk, p->dir, name, flags);
    assert_true(fd >= 0);
    return fd;
}

static void assert_file(struct place *p, const char *name, const char *text)
{
    int fd = open_file(p, name, DISK_READ);
    assert_content(p, fd, text);
    disk_close(p->disk, fd);
}

static void make_file(struct place *p, const char *name, const char *text)
{
    int fd = open_file(p, name, DISK_APPEND | DISK_CREATE | DISK_EXCLUSIVE);
    append(p, fd, text);
    disk_close(p->disk, fd);
}

static void append_and_read(struct place *p)
{
    int a = open_file(p, "file", DISK_READ | DISK_APPEND | DISK_CREATE | DISK_EXCLUSIVE);
    assert_content(p, a, "");
    append(p, a, "hello world");
    int b = open_file(p, "file", DISK_APPEND | DISK_CREATE);
    append(p, b, ", again");
    append(p, a, "!");
    assert_content(p, a, "hello world, again!");
    char byte;
    assert_int_equal(disk_pread(p->disk, a, &byte, 1, 6), 1);
    assert_int_equal(byte, 'w');
    assert_int_equal(disk_pread(p->disk, a, &byte, 1, 1000), 0);
    assert_int_equal(disk_datasync(p->disk, a), 0);
    disk_close(p->disk, a);
    disk_close(p->disk, b);
    assert_int_equal(disk_open(p->disk, p->dir, "file", DISK_APPEND | DISK_CREATE | DISK_EXCLUSIVE), -EEXIST);
}

static void cut(struct place *p)
{
    int fd = open_file(p, "file", DISK_READ | DISK_APPEND | DISK_CREATE);
    append(p, fd, "whole torn");
    assert_int_equal(disk_truncate(p->disk, fd, 5), 0);
    assert_content(p, fd, "whole");
    append(p, fd, " again");
    assert_content(p, fd, "whole again");
    assert_int_equal(disk_datasync(p->disk, fd), 0);
    disk_close(p->disk, fd);
}

static void names(struct place *p)
{
    assert_int_equal(disk_open(p->disk, p->dir, "none", DISK_READ), -ENOENT);
    assert_int_equal(disk_rename(p->disk, p->dir, "none", p->dir, "other"), -ENOENT);
    assert_int_equal(disk_unlink(p->disk, p->dir, "none"), -ENOENT);
    make_file(p, "old", "old text");
    make_file(p, "new", "new text");
    int held = open_file(p, "old", DISK_READ);
    assert_int_equal(disk_rename(p->disk, p->dir, "new", p->dir, "old"), 0);
    assert_int_equal(disk_open(p->disk, p->dir, "new", DISK_READ), -ENOENT);
    assert_file(p, "old", "new text");
    assert_content(p, held, "old text");
    disk_close(p->disk, held);
    held = open_file(p, "old", DISK_READ);
    assert_int_equal(disk_rename(p->disk, p->dir, "old", p->dir, "old"), 0);
    assert_int_equal(disk_unlink(p->disk, p->dir, "old"), 0);
    assert_int_equal(disk_open(p->disk, p->dir, "old", DISK_READ), -ENOENT);
    assert_content(p, held, "new text");
    disk_close(p->disk, held);
    assert_int_equal(disk_sync_directory(p->disk, p->dir), 0);
}

static void directories(struct place *p)
{
    assert_int_equal(disk_mkdir(p->disk, p->dir, "sub"), 0);
    assert_int_equal(disk_mkdir(p->disk, p->dir, "sub"), -EEXIST);
    assert_int_equal(disk_open(p->disk, p->dir, "sub", DISK_APPEND), -EISDIR);
    make_file(p, "file", "above");
    assert_int_equal(disk_open(p->disk, p->dir, "file", DISK_DIRECTORY), -ENOTDIR);
    struct place sub = *p;
    sub.dir = disk_open(p->disk, p->dir, "sub", DISK_DIRECTORY);
    assert_true(sub.dir >= 0);
    make_file(&sub, "file", "below");
    assert_file(&sub, "file", "below");
    assert_file(p, "file", "above");
    assert_int_equal(disk_rename(p->disk, p->dir, "file", sub.dir, "file"), 0);
    assert_int_equal(disk_open(p->disk, p->dir, "file", DISK_READ), -ENOENT);
    assert_file(&sub, "file", "above");
    assert_int_equal(disk_rename(p->disk, sub.dir, "file", p->dir, "file"), 0);
    assert_int_equal(disk_rename(p->disk, p->dir, "file", p->dir, "sub"), -EISDIR);
    assert_int_equal(disk_unlink(p->disk, p->dir, "sub"), -EISDIR);
    assert_int_equal(disk_sync_directory(p->disk, sub.dir), 0);
    disk_close(p->disk, sub.dir);
}

struct seen {
    struct place *p;
    unsigned names, a, b;
};

static void see(void *arg, const char *name)
{
    struct seen *s = arg;
    s->names++;
    s->a += strcmp(name, "a") == 0;
    s->b += strcmp(name, "b") == 0;
    assert_int_equal(disk_unlink(s->p->disk, s->p->dir, name), 0);
}

static void list(struct place *p)
{
    struct seen s = {.p = p};
    make_file(p, "a", "1");
    make_file(p, "b", "2");
    assert_int_equal(disk_list(p->disk, p->dir, see, &s), 0);
    assert_true(s.names == 2 && s.a == 1 && s.b == 1);
    assert_int_equal(disk_list(p->disk, p->dir, see, &s), 0);
    assert_int_equal(s.names, 2);
}

static void lock(struct place *p)
{
    make_file(p, "lock", "x");
    const struct {
        const char *name;
        unsigned flags;
    } lockable[] = {{".", DISK_DIRECTORY}, {"lock", DISK_APPEND}};
    for (int i = 0; i < 2; i++) {
        int a = open_file(p, lockable[i].name, lockable[i].flags),
            b = open_file(p, lockable[i].name, lockable[i].flags);
        assert_int_equal(disk_lock(p->disk, a), 0);
        assert_int_equal(disk_lock(p->disk, a), 0);
        assert_int_equal(disk_lock(p->disk, b), -EWOULDBLOCK);
        disk_close(p->disk, a);
        assert_int_equal(disk_lock(p->disk, b), 0);
        disk_close(p->disk, b);
    }
}

/* --- io_datasync --- */

struct syncing {
    struct io_op op;
    int res, completions;
};

static void on_synced(struct io_op *op, int res, const char *data)
{
    struct syncing *s = container_of(op, struct syncing, op);
    assert_false(io_op_active(op));
    assert_null(data);
    s->res = res;
    s->completions++;
}

static void start_sync(struct place *p, struct syncing *s, int fd)
{
    s->op.done = on_synced;
    io_datasync(p->w->io, &s->op, fd);
    assert_true(io_op_active(&s->op));
}

static void sync_beside(struct place *p)
{
    int fd = open_file(p, "file", DISK_APPEND | DISK_CREATE);
    struct syncing s = {0};
    for (int i = 1; i <= 20; i++) {
        append(p, fd, "something");
        start_sync(p, &s, fd);
        assert_int_equal(s.completions, i - 1);
        while (io_op_active(&s.op)) /* its end ends the wait */
            io_wait(p->w->io, UINT64_MAX);
        assert_int_equal(s.completions, i);
        assert_int_equal(s.res, 0);
    }
    disk_close(p->disk, fd);
}

/* Beside each other, and beside a connection at work. */
static void many_syncs(struct place *p)
{
    enum { COUNT = 16 };
    struct syncing s[COUNT] = {0};
    int fds[2], pair[2];
    struct end a, b;
    world_pair(p->w, pair);
    end_open(&a, p->w, pair[0]);
    end_open(&b, p->w, pair[1]);
    end_receive(&b);
    for (int i = 0; i < 2; i++)
        fds[i] = open_file(p, i ? "1" : "0", DISK_APPEND | DISK_CREATE);
    for (int i = 0; i < COUNT; i++) {
        append(p, fds[i % 2], "something");
        start_sync(p, &s[i], fds[i % 2]);
        end_send(&a, 1000);
    }
    for (int i = 0; i < COUNT; i++) {
        WORLD_UNTIL(p->w, !io_op_active(&s[i].op));
        assert_int_equal(s[i].completions, 1);
        assert_int_equal(s[i].res, 0);
    }
    WORLD_UNTIL(p->w, b.received == COUNT * 1000);
    end_close(&a);
    end_close(&b);
    for (int i = 0; i < 2; i++)
        disk_close(p->disk, fds[i]);
}

static void cancel_syncs(struct place *p)
{
    enum { COUNT = 8, ROUNDS = 20 };
    struct syncing s[COUNT] = {0};
    int fd = open_file(p, "file", DISK_APPEND | DISK_CREATE);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < COUNT; i++) {
            append(p, fd, "something");
            start_sync(p, &s[i], fd);
        }
        if (round % 2)
            io_reap(p->w->io);
        for (int i = 0; i < COUNT; i++)
            io_cancel(p->w->io, &s[(i * 3 + round) % COUNT].op);
        for (int i = 0; i < COUNT; i++) {
            WORLD_UNTIL(p->w, !io_op_active(&s[i].op));
            assert_int_equal(s[i].completions, round);
            assert_true(s[i].res == 0 || s[i].res == -ECANCELED);
        }
    }
    disk_close(p->disk, fd);
}

static void sync_errors(struct place *p)
{
    if (p->w->sim)
        return;
    int not_a_file = eventfd(0, EFD_CLOEXEC);
    struct syncing s = {0};
    start_sync(p, &s, not_a_file);
    WORLD_UNTIL(p->w, !io_op_active(&s.op));
    assert_int_equal(s.res, -EINVAL);
    close(not_a_file);
    start_sync(p, &s, not_a_file);
    WORLD_UNTIL(p->w, !io_op_active(&s.op));
    assert_int_equal(s.res, -EBADF);
}

/* --- Running them --- */

static void (*body)(struct place *);

static void run_in_simulator(struct world *w)
{
    struct sim_disk_config config = {.short_rate = 200};
    struct place p = {.w = w, .disk = sim_disk_create(w->sim, &config), .dir = DISK_CWD};
    body(&p);
    sim_disk_destroy(p.disk);
}

static void forget(void *arg, const char *name)
{
    struct place *p = arg;
    if (disk_unlink(p->disk, p->dir, name) == 0)
        return;
    struct place sub = *p;
    sub.dir = disk_open(p->disk, p->dir, name, DISK_DIRECTORY);
    disk_list(p->disk, sub.dir, forget, &sub);
    disk_close(p->disk, sub.dir);
    unlinkat(p->dir, name, AT_REMOVEDIR);
}

static void run_on_machine(struct world *w)
{
    char path[] = "/tmp/skua-disk-XXXXXX";
    assert_non_null(mkdtemp(path));
    struct place p = {.w = w, .disk = disk_real()};
    p.dir = disk_open(p.disk, DISK_CWD, path, DISK_DIRECTORY);
    assert_true(p.dir >= 0);
    body(&p);
    disk_list(p.disk, p.dir, forget, &p);
    disk_close(p.disk, p.dir);
    assert_int_equal(rmdir(path), 0);
}

static void run_body(struct world *w)
{
    if (w->sim)
        run_in_simulator(w);
    else
        run_on_machine(w);
}

static const struct test {
    const char *name;
    void (*body)(struct place *);
} tests[] = {
    {"append_and_read", append_and_read},
    {"cut", cut},
    {"names", names},
    {"directories", directories},
    {"list", list},
    {"lock", lock},
    {"sync_beside", sync_beside},
    {"many_syncs", many_syncs},
    {"cancel_syncs", cancel_syncs},
    {"sync_errors", sync_errors},
};

static const struct {
    const char *name;
    enum io_backend backend;
} kinds[] = {{"io_uring", IO_URING}, {"epoll", IO_EPOLL}, {"sim", IO_SIM}};

static uint64_t seed;

static void run_on_all(void **state)
{
    const struct test *t = *state;
    const char *why = io_uring_unavailable();
    body = t->body;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (kinds[k].backend == IO_URING && why) {
            printf("%s on %s: not run, %s\n", t->name, kinds[k].name, why);
            continue;
        }
        struct world w = {.config = {.backend = kinds[k].backend}, .seed = seed, .body = run_body};
        world_run(&w);
    }
}

int main(void)
{
    enum { COUNT = sizeof tests / sizeof *tests };
    seed = getenv("SKUA_SEED") ? strtoull(getenv("SKUA_SEED"), NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu, %d cases on %zu kinds of io\n", (unsigned long long)seed, COUNT, sizeof kinds / sizeof *kinds);
    struct CMUnitTest all[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        all[i] =
            (struct CMUnitTest){.name = tests[i].name, .test_func = run_on_all, .initial_state = (void *)&tests[i]};
    return cmocka_run_group_tests_name("disk", all, NULL, NULL);
}
