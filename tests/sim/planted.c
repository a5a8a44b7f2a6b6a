#include "tests/sim/planted.h"

#ifdef SKUA_SIM_POINTS

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/base/assert.h"

enum { PLANTED_WORLDS_MAX = 20000, PLANTED_SECONDS_MAX = 180 };

static bool is_found(const struct planted *planted, world_run *run, uint64_t seed)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    ASSERT(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0};
        setrlimit(RLIMIT_CORE, &no_core);
        alarm(PLANTED_SECONDS_MAX);
        if (!getenv("SKUA_SHOW_PLANTED") && !freopen("/dev/null", "w", stderr))
            _exit(2);
        planted_bug = planted->bug;
        _exit(worlds_run(run, seed, PLANTED_WORLDS_MAX) ? 0 : 1);
    }
    ASSERT(waitpid(child, &status, 0) == child);
    bool found =
        WIFEXITED(status) ? WEXITSTATUS(status) == 1 : WTERMSIG(status) == SIGABRT || WTERMSIG(status) == SIGSEGV;
    printf("planted: %s: %s\n", planted->name, found ? "found" : "not found");
    return found;
}

bool planted_all_found(const struct planted *bugs, size_t n, world_run *run, uint64_t seed)
{
    bool good = true;
    for (size_t i = 0; i < n; i++)
        good = is_found(&bugs[i], run, seed) && good;
    return good;
}

#else

bool planted_all_found(const struct planted *bugs, size_t n, world_run *run, uint64_t seed) { return true; }

#endif
