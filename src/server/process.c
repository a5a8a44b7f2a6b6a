#include "src/server/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <unistd.h>

enum { DESCRIPTORS_RESERVED = 32 };

int64_t process_reserve_descriptors(int64_t clients)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)clients + DESCRIPTORS_RESERVED;
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
    return limit.rlim_cur >= wanted ? clients : (int64_t)limit.rlim_cur - DESCRIPTORS_RESERVED;
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
