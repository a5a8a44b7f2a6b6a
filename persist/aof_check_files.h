/* What is to be checked: the files behind a path, which is a data directory, an append-only directory, a manifest or a
 * single file. */
#ifndef SKUA_PERSIST_AOF_CHECK_FILES_H
#define SKUA_PERSIST_AOF_CHECK_FILES_H

#include <stdbool.h>
#include <stdio.h>

#include "persist/aof_load.h"
#include "persist/aof_manifest.h"

struct aof_check_files {
    bool has_manifest;
    int dir;  /* that the names of the parts are relative to; owned, if not DISK_CWD */
    int lock; /* of the data directory; owned */
    struct aof_manifest manifest;
    struct aof_load_part *parts; /* owned; the names are borrowed from the manifest, or are the path */
    uint32_t nparts;
};

/* False: out says why. exclusively: no server may use them. To be closed in both cases. path is borrowed. */
bool aof_check_files_open(struct aof_check_files *f, const char *path, bool exclusively, FILE *out);
void aof_check_files_close(struct aof_check_files *f);

/* As aof_load wants it; arg is the aof_check_files. */
int aof_check_files_open_part(void *arg, uint32_t part);

#endif
