/* A disk (disk.h) in the memory of a simulated world. It can be slow, full or broken, and it can crash: what is found
 * afterwards is one of the states that disk.h allows, chosen by the seed. Calls take virtual time in a task, so others
 * go on meanwhile; outside of tasks, and in a worker's own fibers, they take none.
 *
 * A name is one component, or "." for the directory itself; DISK_CWD is the root. Descriptors are
 * SIM_DISK_FD_FIRST and up; io_datasync of an IO_SIM io of the same world takes them. */
#ifndef SKUA_IO_SIM_DISK_H
#define SKUA_IO_SIM_DISK_H

#include "src/io/disk.h"
#include "src/io/sim.h"

enum { SIM_DISK_FD_FIRST = 1 << 25 };

/* Zero means none, or the default in brackets. Rates are per thousand of the calls they name. */
struct sim_disk_config {
    uint32_t short_rate;       /* of appends and reads that do less than asked */
    uint32_t read_error_rate;  /* of reads that fail with EIO */
    uint32_t write_error_rate; /* of appends and cuts that fail with EIO */
    uint32_t sync_error_rate;  /* of syncs, also of directories, that fail with EIO */
    uint32_t name_error_rate;  /* of creations, renames and unlinks that fail with EIO */
    uint32_t full_rate;        /* of appends and creations that fail with ENOSPC */
    uint64_t bytes_max;        /* in all files; appends that would exceed it are short, or fail with ENOSPC */
    uint64_t call_ns_max;      /* that a call takes which changes something [20 us] */
    uint64_t sync_ns_max;      /* that a sync takes [1 ms] */
    uint32_t hang_rate;        /* of syncs that take hang_ns instead */
    uint64_t hang_ns;          /* [3 s] */
    uint64_t crash_before; /* the world ends with SIM_CRASHED when change number crash_before, from 1, is asked for */
};

/* An empty disk for sim, which has none. The caller owns it, and destroys it after the world. */
struct disk *sim_disk_create(struct sim *sim, const struct sim_disk_config *config);
void sim_disk_destroy(struct disk *disk);
/* From now on. Syncs that are under way keep their time. */
void sim_disk_configure(struct disk *disk, const struct sim_disk_config *config);

/* Calls that were to change or sync something, so far: what crash_before counts. */
uint64_t sim_disk_changes(const struct disk *disk);

/* The machine crashes: what is found on the disk afterwards, for the world next, whose seed chooses. The disk that is
 * asked stays as it is and may be asked again. */
struct disk *sim_disk_crash(const struct disk *disk, struct sim *next, const struct sim_disk_config *config);
/* The process is killed: the disk goes over to next with all that was done, synced or not, and no descriptors. */
void sim_disk_move(struct disk *disk, struct sim *next, const struct sim_disk_config *config);

#endif
