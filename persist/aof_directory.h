/* The append-only directory as a place: its manifest as it can be read there, how that is replaced, and how files come
 * to be in it: under a temporary name until their content is durable. What the files are for is aof_files' business,
 * the only one that includes this.
 *
 * error, everywhere, has AOF_FILES_ERROR_BYTES and is written when the result is -errno. */
#ifndef SKUA_PERSIST_AOF_DIRECTORY_H
#define SKUA_PERSIST_AOF_DIRECTORY_H

#include "persist/aof_files.h"
#include "persist/aof_format.h"
#include "persist/aof_manifest.h"

/* Owner: its struct aof_files. */
struct aof_directory {
    struct disk *disk;
    int parent; /* the data directory, borrowed */
    int fd;     /* -1: there is no such directory yet */
    char *name, *filename;
    char *manifest_name, *manifest_temp, *incremental_temp, *base_temp;
    struct aof_manifest manifest; /* as it can be read on disk */
    bool unsure;                  /* perhaps a crash brings back the one before */
};

/* Writes the message, with what r, -errno, means and what may help, and returns r. */
int aof_directory_fail(char *error, int r, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* 1 if there is a file of that name in dir, 0 if not (a directory is none), or -errno. */
int aof_directory_has_file(struct disk *disk, int dir, const char *name);
/* Whether the file begins with a whole file line. */
bool aof_directory_read_line(struct disk *disk, int fd, struct aof_item *line);

/* Opens it, if it is there, and reads its manifest, if it has one; refuses a directory that has data which no manifest
 * names. d is zeroed, and to be closed also after an error. */
int aof_directory_open(struct aof_directory *d, struct disk *disk, int parent, const char *name, const char *filename,
                       char *error);
void aof_directory_close(struct aof_directory *d);

/* Makes it if it is not there, or no longer, and its name durable. */
int aof_directory_make(struct aof_directory *d, char *error);
/* Forgets the manifest if it is no longer there: somebody has removed it, and perhaps all that it named. */
int aof_directory_forget(struct aof_directory *d, char *error);
/* Makes the names in it durable. */
int aof_directory_sync(struct aof_directory *d, char *error);

/* A file of this content that is durable, but for its name, which is a temporary one. Its descriptor, for appending, or
 * -errno. */
int aof_directory_make_file(struct aof_directory *d, const char *temp, struct slice content);
/* Makes the incremental file name, which begins at offset of the journal, durable with its name. */
int aof_directory_make_incremental(struct aof_directory *d, const char *name, uint64_t hash_seed, uint64_t offset,
                                   struct aof_tail *tail, char *error);
/* Of a file that was made here, and has perhaps not come to be used, by no manifest that may be in place. */
void aof_directory_unlink_unused(struct aof_directory *d, const char *name);

/* next, for the caller to free: the manifest with a new incremental file, and with a new base if asked. Their names are
 * taken by nothing in the directory. */
int aof_directory_plan(struct aof_directory *d, bool base, struct aof_manifest *next, char *error);
const char *aof_directory_last(const struct aof_manifest *m);
/* Puts m in place of the manifest, durably. After an error the old one is in place, or nobody knows which (unsure), and
 * then d->manifest is the new one, which is what can be read. */
int aof_directory_put_manifest(struct aof_directory *d, const struct aof_manifest *m, char *error);

#endif
