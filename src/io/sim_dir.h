/* Directories of the simulated disk, and the nodes (files and directories) that their names lead to. As with files
 * (sim_file.h) there is what is seen now, what surely survives a crash, and between the two the changes made since, of
 * which a crash keeps all, none, the first ones or any. A rename is one change: it happens wholly or not at all; one
 * between directories is a change in each, of which both happen or neither, as on file systems that have a journal. A
 * node never has two names.
 *
 * Nodes are counted: each entry, change and open descriptor holds one. Only files of src/io include this. */
#ifndef SKUA_IO_SIM_DIR_H
#define SKUA_IO_SIM_DIR_H

#include "src/base/list.h"
#include "src/io/sim_file.h"

/* One of file and dir is NULL. */
struct sim_node {
    unsigned refs;
    bool locked;
    struct sim_file *file;
    struct sim_dir *dir;
};

/* Its entries are sim_dir.c's. */
struct sim_dir {
    struct list now;
    struct list kept;
    struct list changes; /* not surely kept, oldest first */
    uint64_t next;       /* number of the next change */
};

/* The caller holds it. */
struct sim_node *sim_node_create(bool is_directory);
struct sim_node *sim_node_hold(struct sim_node *node);
void sim_node_release(struct sim_node *node);
/* As it may be found after a crash, with all that is below it. The caller holds it. */
struct sim_node *sim_node_crash(const struct sim_node *node, struct sim *sim);
/* Bytes in all files below it. */
size_t sim_node_bytes(const struct sim_node *node);

/* NULL: no such name. Borrowed. */
struct sim_node *sim_dir_find(const struct sim_dir *dir, const char *name);
/* Calls entry with each name that there is now; it may change the directory. */
void sim_dir_each(const struct sim_dir *dir, void (*entry)(void *arg, const char *name), void *arg);
/* Gives node the name instead of the one that it had, if any; what had it before goes away. NULL: node goes away. */
void sim_dir_change(struct sim_dir *dir, struct sim_node *node, const char *name);
/* The same from one directory to another. id: the same for no two renames that a crash may have to decide on. */
void sim_dir_move(struct sim_dir *from, struct sim_dir *to, struct sim_node *node, const char *name, uint64_t id);
/* As the functions of a file. */
void sim_dir_sync(struct sim_dir *dir, uint64_t upto);
void sim_dir_sync_failed(struct sim_dir *dir, uint64_t upto, struct sim *sim);

#endif
