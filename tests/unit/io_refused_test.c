/* Sandboxes that refuse io_uring: the reason is told, and IO_AUTO gives epoll. Each case is a process of its own, for a
 * seccomp filter cannot be taken away. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <seccomp.h>

#include "src/io/io.h"

enum child_result { AS_EXPECTED, WRONG_REASON, URING_MADE, AUTO_FAILED, NOT_EPOLL, NO_FILTER };

/* In the child. reason: what the text must contain. */
static enum child_result expect_epoll(const char *reason)
{
    const char *why = io_uring_unavailable();
    if (!why || !strstr(why, reason)) {
        fprintf(stderr, "reason given: %s\n", why ? why : "none");
        return WRONG_REASON;
    }
    struct io *io;
    struct io_config config = {.backend = IO_URING};
    if (io_create(&io, &config) != -ENOTSUP)
        return URING_MADE;
    config.backend = IO_AUTO;
    if (io_create(&io, &config) != 0 || io_enter(io) != 0)
        return AUTO_FAILED;
    if (strcmp(io_name(io), "epoll") != 0)
        return NOT_EPOLL;
    io_wake(NULL, io);
    io_wait(io, UINT64_MAX);
    io_destroy(io);
    return AS_EXPECTED;
}

static enum child_result refuse(int syscall_number, int error, const char *reason)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter || seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)error), syscall_number, 0) < 0 ||
        seccomp_load(filter) < 0)
        return NO_FILTER;
    seccomp_release(filter);
    return expect_epoll(reason);
}

static void check(int syscall_number, int error, const char *reason)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(refuse(syscall_number, error, reason));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), AS_EXPECTED);
}

static void setup_eperm(void **state)
{
    check(SCMP_SYS(io_uring_setup), EPERM, "io_uring_setup: Operation not permitted (seccomp");
}

static void setup_enosys(void **state)
{
    check(SCMP_SYS(io_uring_setup), ENOSYS, "io_uring_setup: Function not implemented");
}

static void setup_enomem(void **state)
{
    check(SCMP_SYS(io_uring_setup), ENOMEM, "io_uring_setup: Cannot allocate memory");
}

static void setup_einval(void **state) { check(SCMP_SYS(io_uring_setup), EINVAL, "kernel older than 6.0"); }

static void register_eperm(void **state) { check(SCMP_SYS(io_uring_register), EPERM, "seccomp"); }

static void enter_eperm(void **state) { check(SCMP_SYS(io_uring_enter), EPERM, "seccomp"); }

/* Without permission to lock memory: whatever io_create gives works. */
static void no_locked_memory(void **state)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct rlimit none = {0, 0};
        if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || (getuid() == 0 && setuid(65534) < 0))
            _exit(NO_FILTER);
        struct io *io;
        struct io_config config = {.backend = IO_AUTO};
        if (io_create(&io, &config) != 0 || io_enter(io) != 0)
            _exit(AUTO_FAILED);
        io_wake(NULL, io);
        io_wait(io, UINT64_MAX);
        io_destroy(io);
        _exit(AS_EXPECTED);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), AS_EXPECTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setup_eperm),      cmocka_unit_test(setup_enosys),   cmocka_unit_test(setup_enomem),
        cmocka_unit_test(setup_einval),     cmocka_unit_test(register_eperm), cmocka_unit_test(enter_eperm),
        cmocka_unit_test(no_locked_memory),
    };
    return cmocka_run_group_tests_name("io refused", tests, NULL, NULL);
}
