/* The append-only directory: which files make up the append-only file, from what a start finds to what it leaves, as
 * Redis 7 keeps them (aof_manifest.h). It opens, names, syncs and removes files, and writes their first lines; what is
 * in them is read by aof_load and appended by the journal. Blocks; one thread at a time may use it. The data directory
 * belongs to this process alone (it is locked).
 *
 * Invariants, at each moment and after a crash at any:
 *  - The manifest on disk names a set of files that is whole: the last one that a call here returned success for, or
 *    the one that the next such call makes. It is replaced, never changed, and only when all that it names is durable.
 *  - A file gets its name when its content is durable, so an incremental file begins with a whole file line.
 *  - No file is overwritten or removed that the manifest does not name, but for the temporary ones of these names:
 *    temp-NAME.manifest, temp-NAME.incr (both Redis's) and temp-NAME.base. A number whose name is taken is left out.
 *  - A base is named as history before it exists, so that no crash leaves one of which nobody knows.
 *  - History goes from the disk before it goes from the manifest.
 *
 * Redis 7.0 leaves temp-rewriteaof-PID.aof and temp-rewriteaof-bg-PID.aof in the data directory when it is killed, and
 * removes neither; nor does anything here. */
#ifndef SKUA_PERSIST_AOF_FILES_H
#define SKUA_PERSIST_AOF_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "src/io/disk.h"

enum {
    AOF_FILES_ERROR_BYTES = 512,
    AOF_FILES_HISTORY_S = 600, /* that replaced files stay, for a backup that is being made of them */
};

/* Owner: whoever opened it. */
struct aof_files;

enum aof_files_state {
    AOF_FILES_NONE,   /* there is nothing to load */
    AOF_FILES_FOUND,  /* at least one file */
    AOF_FILES_FAILED, /* *out is NULL */
};

/* Finds out what is there and changes nothing. dir: the data directory, which stays open and the caller's; dirname,
 * filename: appenddirname and appendfilename. A file of Redis before 7, filename in dir itself, counts as it does for
 * Redis 7. error has AOF_FILES_ERROR_BYTES, here and below: what is wrong with which file, and what to do about it. */
enum aof_files_state aof_files_open(struct aof_files **out, struct disk *disk, int dir, const char *dirname,
                                    const char *filename, char *error);
/* Gives up a base that is being made. */
void aof_files_close(struct aof_files *f);

/* What is to be loaded, in order; valid until something below changes it. */
struct aof_part {
    const char *name; /* borrowed */
    uint64_t size;    /* in bytes, as it was when opened */
    bool base, last;
};
uint32_t aof_files_count(const struct aof_files *f);
struct aof_part aof_files_part(const struct aof_files *f, uint32_t i);
/* A descriptor for reading, which the caller closes, or -errno. */
int aof_files_open_part(const struct aof_files *f, uint32_t i);
/* From the file line of the newest file that has one; false: none has. */
bool aof_files_hash_seed(const struct aof_files *f, uint64_t *seed);

/* Calls entry for each name in the directory that neither the manifest nor the list above explains: these files are
 * left alone, and somebody should know. 0 or -errno. */
int aof_files_unnamed(const struct aof_files *f, disk_entry *entry, void *arg);

/* Whether dir has the RDB file dbfilename; if so, error says why nothing may start. To be asked after AOF_FILES_NONE:
 * whoever restores a dump and has appendonly on would lose it without noticing. */
bool aof_files_has_dump(struct disk *disk, int dir, const char *dbfilename, char *error);

/* All below return 0, or -errno with error. */

/* Cuts the end off a file that loading found damaged: part i keeps size bytes, later parts become history. Durable. */
int aof_files_cut(struct aof_files *f, uint32_t i, uint64_t size, char *error);

/* Where the journal goes on: behind the file line of an incremental file that is otherwise empty. */
struct aof_tail {
    int fd;          /* for appending; the caller's */
    uint64_t size;   /* of the file */
    uint64_t offset; /* of the journal, there */
};

/* After loading: takes over the file of Redis before 7, syncs what is there (its writer may have been killed), and
 * makes an incremental file that begins at offset of the journal, or uses the last one again, which then ends there.
 * What was history before is removed. After an error f can only be closed. */
int aof_files_begin(struct aof_files *f, uint64_t hash_seed, uint64_t offset, struct aof_tail *tail, char *error);

/* A fresh base, at any time, also without aof_files_begin: makes a file for the caller to fill with disk_append; fd
 * stays f's. At most one at a time. A directory that somebody has removed is made again. */
int aof_files_new_base(struct aof_files *f, int *fd, char *error);
/* The base is complete, and has everything before offset of the journal: it and a new incremental file replace all
 * others, which become history. On error the base is given up, what was there before is still what will be loaded, and
 * a base can be made again at once; see also aof_files_is_unsure. */
int aof_files_commit_base(struct aof_files *f, uint64_t hash_seed, uint64_t offset, struct aof_tail *tail, char *error);
void aof_files_abort_base(struct aof_files *f);
/* Whether the file that is being appended to still has its name, in a directory that still has its own. */
bool aof_files_is_there(const struct aof_files *f);
/* After an error of aof_files_commit_base: syncs of the directory failed, so that a crash may leave what was there
 * before or the new base. Nothing that is appended may count as durable until a base has been committed. */
bool aof_files_is_unsure(const struct aof_files *f);

/* Every now and then: removes history that is old enough. now_ns: a monotonic clock, always the same. Errors are logged
 * and it tries again later. */
void aof_files_cron(struct aof_files *f, uint64_t now_ns);

#endif
