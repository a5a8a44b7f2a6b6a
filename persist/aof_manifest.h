/* The manifest: which files make up the append-only file, in which order, as Redis 7 keeps it in NAME.manifest:
 *
 *   file appendonly.aof.2.base.rdb seq 2 type b      the state to begin with; at most one
 *   file appendonly.aof.1.incr.aof seq 1 type h      history: replaced, to be removed
 *   file appendonly.aof.2.incr.aof seq 2 type i      what happened since, by rising sequence number
 *
 * This is the list and its text, without the files: nothing here opens, renames or removes one. Source of the rules and
 * of the errors' texts: aof.c of Redis 7.0 (aofLoadManifestFromFile, getNewBaseFileNameAndMarkPreAsHistory,
 * getNewIncrAofName, markRewrittenIncrAofAsHistory, aofUpgradePrepare, loadAppendOnlyFiles). What Redis reads is read
 * alike, but these, which it never writes, are refused: an empty name, a file that is named twice (removing it as
 * history would remove what is in use), and sequence numbers below 1 or near the end of 64 bits. */
#ifndef SKUA_PERSIST_AOF_MANIFEST_H
#define SKUA_PERSIST_AOF_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/slice.h"

enum {
    AOF_MANIFEST_LINE_BYTES_MAX = 1024, /* what Redis reads as one line, its end included */
    AOF_MANIFEST_NAME_BYTES_MAX = 200,  /* of appendfilename: so that no name or line made from it is too long */
};

#define AOF_MANIFEST_SUFFIX      ".manifest"
#define AOF_MANIFEST_TEMP_PREFIX "temp-"

struct aof_manifest_file {
    char *name; /* owned, terminated */
    int64_t sequence;
    uint64_t remove_ns; /* of history: for whoever removes it; zeroed, and no part of the text */
};

struct aof_manifest_list {
    struct aof_manifest_file *v; /* owned */
    uint32_t n, cap;
};

/* Zeroed memory is an empty one. Owner: whoever has it; it shares nothing. */
struct aof_manifest {
    struct aof_manifest_file base; /* name NULL: there is none */
    struct aof_manifest_list history, incremental;
    int64_t base_sequence, incremental_sequence; /* the last ones given; also once their file is history */
};

struct aof_manifest_error {
    const char *why;   /* as Redis says it */
    uint32_t line;     /* from 1; 0: the file as a whole */
    struct slice text; /* of that line, trimmed; borrowed from what was parsed */
};

void aof_manifest_deinit(struct aof_manifest *m);

/* Makes to, which is zeroed, a copy: to change it, write it, and take it in place of from once it is durable. */
void aof_manifest_copy(struct aof_manifest *to, const struct aof_manifest *from);

/* Reads the text of a manifest into m, which is zeroed. False: m is empty and error says why. */
bool aof_manifest_parse(struct aof_manifest *m, struct slice text, struct aof_manifest_error *error);

/* The text of m: base, history, incremental files. The caller frees it with mem_free(NULL, ...). */
char *aof_manifest_format(const struct aof_manifest *m, size_t *len);

/* Each adds a file, named after filename (appendfilename, at most AOF_MANIFEST_NAME_BYTES_MAX) as nothing else in m,
 * and returns its name, which is valid until m is changed. A new base makes the previous one history. */
const char *aof_manifest_add_base(struct aof_manifest *m, const char *filename, bool rdb);
const char *aof_manifest_add_incremental(struct aof_manifest *m, const char *filename);

/* After a new base is there: the incremental files are history, but for the last keep ones, written since its cut. */
void aof_manifest_retire(struct aof_manifest *m, uint32_t keep);
/* The end of the last of the first left incremental files is cut off: those behind it are history. */
void aof_manifest_cut(struct aof_manifest *m, uint32_t left);
/* next was made of m and has a new base and a new incremental file, which m is to know before they are used: as
 * history. But if m has no incremental file, the new one becomes it: Redis would give its name to one of its own, and
 * then remove the history. */
void aof_manifest_announce(struct aof_manifest *m, const struct aof_manifest *next);
/* The history's files are gone, but for the newest keep ones. */
void aof_manifest_drop_history(struct aof_manifest *m, uint32_t keep);

/* Whether a single file of Redis before 7, filename beside the directory, is to be taken over into it: the manifest is
 * empty, or names just that file as base and it has not been moved (in_directory) because of a crash. */
bool aof_manifest_is_upgrade(const struct aof_manifest *m, const char *filename, bool in_directory);
/* Makes it the base under its old name. The manifest is to be durable before the file is moved. */
void aof_manifest_upgrade(struct aof_manifest *m, const char *filename);

/* Whether m names this file, history included. */
bool aof_manifest_names(const struct aof_manifest *m, const char *name);

#endif
