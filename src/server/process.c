#include "src/server/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

/* A worker has two: its ring or epoll instance, and the eventfd that wakes it. The rest are the listeners, the log, the
 * directory, and to be able to say no to one client too many. */
enum { DESCRIPTORS_RESERVED = 32, DESCRIPTORS_PER_WORKER = 2 };

int64_t process_reserve_descriptors(int64_t clients, uint32_t workers)
{
    struct rlimit limit;
    int64_t reserved = DESCRIPTORS_RESERVED + DESCRIPTORS_PER_WORKER * (int64_t)workers;
    rlim_t wanted = (rlim_t)(clients + reserved);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return clients;
    limit.rlim_cur = wanted;
    limit.rlim_max = wanted > limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return clients;
    /* The hard limit is not ours to raise: up to it, then. */
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur >= wanted ? clients : (int64_t)limit.rlim_cur - reserved;
}

int process_lock_directory(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fchdir(fd) == 0)
        return fd;
    int error = -errno;
    close(fd);
    return error;
}

const char *process_executable(const char *name)
{
    static char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    return len > 0 ? path : name;
}
