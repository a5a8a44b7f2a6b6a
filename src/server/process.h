/* What the process needs from the system before it serves, and again when CONFIG SET changes it: descriptors and the
 * data directory; and where its program lies. */
#ifndef SKUA_SERVER_PROCESS_H
#define SKUA_SERVER_PROCESS_H

#include <stdint.h>

/* Raises the limit of open files so that there is a descriptor for each of clients, and some for the server and each of
 * its workers. Returns for how many clients there are, which is less if the system does not allow it; negative if not
 * even for the server. */
int64_t process_reserve_descriptors(int64_t clients, uint32_t workers);

/* Changes to the directory and locks it: two servers on one data directory would destroy it. Returns the descriptor
 * that holds the lock and goes with it, at the latest with the process, or -errno (-EWOULDBLOCK: another server has
 * it); then the process is where it was. */
int process_lock_directory(const char *path);

/* The absolute path of the running program; name if the system does not tell. */
const char *process_executable(const char *name);

#endif
