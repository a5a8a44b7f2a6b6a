/* The content of a file of the simulated disk: as it is read now, and as far as it would surely survive a crash.
 * Between the two lie the changes made since, each of which may have reached the disk or not: the file's size after any
 * of them, every page of 4 KB with any number of those that concern it, the last of them torn at any byte. That is what
 * a kernel may write back of a page cache (Pillai et al., All File Systems Are Not Created Equal, OSDI 2014). A size
 * without its data leaves zeros.
 *
 * Knows no time, no names and no faults. The owner is whoever made it. Only files of src/io include this. */
#ifndef SKUA_IO_SIM_FILE_H
#define SKUA_IO_SIM_FILE_H

#include "src/base/list.h"
#include "src/io/sim.h"

struct sim_bytes {
    char *ptr;
    size_t size, room;
};

struct sim_file {
    struct sim_bytes now;
    struct sim_bytes kept;
    struct list changes; /* not surely kept, oldest first */
    uint64_t next;       /* number of the next change */
};

struct sim_file *sim_file_create(void);
void sim_file_destroy(struct sim_file *file);

void sim_file_append(struct sim_file *file, const char *data, size_t len);
void sim_file_truncate(struct sim_file *file, size_t size);

/* Makes the changes before number upto safe. */
void sim_file_sync(struct sim_file *file, uint64_t upto);
/* Forgets which of them are not: each has reached the disk or never will, as sim chooses. */
void sim_file_sync_failed(struct sim_file *file, uint64_t upto, struct sim *sim);
/* A file as it may be found after a crash, for the caller. */
struct sim_file *sim_file_crash(const struct sim_file *file, struct sim *sim);

#endif
