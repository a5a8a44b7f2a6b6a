/* CPU counting on made-up trees of control groups: both versions, nested limits, partial mounts, broken files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "src/base/cpus.h"

static char root[32];

static int make_tree(void **state)
{
    strcpy(root, "/tmp/cpus_test.XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_tree(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", root);
    return system(command);
}

static void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(path, 0755);
        *p = '/';
    }
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static const char mount_v2[] = "25 1 8:1 / / rw - ext4 /dev/root rw\n"
                               "30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
static const char mount_v1[] = "31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
                               "32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:2 - cgroup cgroup rw,cpu,cpuacct\n";

static void test_no_limit(void **state)
{
    assert_int_equal(cpus_in_quota(root), 0); /* not even /proc */
    write_file("proc/self/mountinfo", mount_v2);
    assert_int_equal(cpus_in_quota(root), 0);
    write_file("proc/self/cgroup", "0::/\n");
    assert_int_equal(cpus_in_quota(root), 0);
    write_file("sys/fs/cgroup/cpu.max", "max 100000\n");
    assert_int_equal(cpus_in_quota(root), 0);
}

static void test_v2(void **state)
{
    static const struct {
        const char *text;
        unsigned cpus;
    } cases[] = {
        {"25000 100000\n", 1},  {"100000 100000\n", 1}, {"100001 100000\n", 2}, {"150000 100000\n", 2},
        {"800000 100000\n", 8}, {"50000 25000", 2},     {"max 100000\n", 0},    {"", 0},
        {"nonsense\n", 0},      {"10 0\n", 0},          {"-1 100000\n", 0},     {"9223372036854775807 1\n", 8192}};
    write_file("proc/self/mountinfo", mount_v2);
    write_file("proc/self/cgroup", "0::/app.slice/one\n");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        write_file("sys/fs/cgroup/app.slice/one/cpu.max", cases[i].text);
        assert_int_equal(cpus_in_quota(root), cases[i].cpus);
        if (cases[i].cpus == 1)
            assert_int_equal(cpus_usable(root), 1);
    }
}

/* A limit further up counts, too, whatever the group itself says. */
static void test_v2_parents(void **state)
{
    write_file("proc/self/mountinfo", mount_v2);
    write_file("proc/self/cgroup", "0::/a/b/c\n");
    write_file("sys/fs/cgroup/a/b/c/cpu.max", "400000 100000\n");
    assert_int_equal(cpus_in_quota(root), 4);
    write_file("sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    assert_int_equal(cpus_in_quota(root), 2);
    write_file("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    assert_int_equal(cpus_in_quota(root), 2);
    write_file("sys/fs/cgroup/a/b/c/cpu.max", "20000 100000\n");
    assert_int_equal(cpus_in_quota(root), 1);
}

static void test_v1(void **state)
{
    write_file("proc/self/mountinfo", mount_v1);
    write_file("proc/self/cgroup", "5:memory:/m\n4:cpu,cpuacct:/docker/x\n0::/elsewhere\n");
    write_file("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_period_us", "100000\n");
    write_file("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(cpus_in_quota(root), 0);
    write_file("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "25000\n");
    assert_int_equal(cpus_in_quota(root), 1);
    write_file("sys/fs/cgroup/cpu,cpuacct/docker/x/cpu.cfs_quota_us", "350000\n");
    assert_int_equal(cpus_in_quota(root), 4);
    write_file("sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_quota_us", "250000\n");
    write_file("sys/fs/cgroup/cpu,cpuacct/docker/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cpus_in_quota(root), 3);
}

/* A container that sees only its own part of the tree, but its full path in /proc/self/cgroup. */
static void test_partial_mount(void **state)
{
    write_file("proc/self/mountinfo", "32 25 0:28 /docker/x /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpuacct,cpu\n");
    write_file("proc/self/cgroup", "4:cpuacct,cpu:/docker/x/inner\n");
    write_file("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n");
    write_file("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cpus_in_quota(root), 3);
    write_file("sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us", "150000\n");
    write_file("sys/fs/cgroup/cpu/inner/cpu.cfs_period_us", "100000\n");
    assert_int_equal(cpus_in_quota(root), 2);
    write_file("proc/self/cgroup", "4:cpuacct,cpu:/docker/xy\n");
    assert_int_equal(cpus_in_quota(root), 3);
}

static void test_both_versions(void **state)
{
    char both[sizeof mount_v1 + sizeof mount_v2];
    snprintf(both, sizeof both, "%s%s", mount_v1, mount_v2);
    write_file("proc/self/mountinfo", both);
    write_file("proc/self/cgroup", "4:cpu,cpuacct:/one\n0::/two\n");
    write_file("sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_quota_us", "500000\n");
    write_file("sys/fs/cgroup/cpu,cpuacct/one/cpu.cfs_period_us", "100000\n");
    write_file("sys/fs/cgroup/two/cpu.max", "200000 100000\n");
    assert_int_equal(cpus_in_quota(root), 2);
}

static void test_this_process(void **state)
{
    cpu_set_t old, one;
    assert_int_equal(sched_getaffinity(0, sizeof old, &old), 0);
    assert_int_equal(cpus_in_mask(), CPU_COUNT(&old));
    assert_in_range(cpus_usable(NULL), 1, CPU_COUNT(&old));
    CPU_ZERO(&one);
    for (int i = 0; CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &old))
            CPU_SET(i, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(cpus_usable(NULL), 1);
    assert_int_equal(sched_setaffinity(0, sizeof old, &old), 0);
}

int main(void)
{
#define ON_TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, remove_tree)
    const struct CMUnitTest tests[] = {
        ON_TREE(test_no_limit),
        ON_TREE(test_v2),
        ON_TREE(test_v2_parents),
        ON_TREE(test_v1),
        ON_TREE(test_partial_mount),
        ON_TREE(test_both_versions),
        cmocka_unit_test(test_this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
