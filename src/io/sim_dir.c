#include "src/io/sim_dir.h"

#include <string.h>

#include "src/base/assert.h"
#include "src/base/mem.h"
#include "src/io/sim_world.h"

struct sim_entry {
    struct list link;
    struct sim_node *node;
    char name[];
};

/* What two changes share that are one rename between directories. */
struct move {
    unsigned refs;
    uint64_t id;
    enum { MOVE_OPEN, MOVE_KEPT, MOVE_LOST } fate; /* after a crash; open while nobody has synced either directory */
};

struct change {
    struct list link;
    uint64_t number;
    struct sim_node *node;
    char *name;        /* that it gets; NULL: none */
    struct move *move; /* NULL: this is all of it */
};

static struct change *change_at(struct list *l) { return container_of(l, struct change, link); }

static struct sim_entry *entry_at(struct list *l) { return container_of(l, struct sim_entry, link); }

/* --- Entries --- */

static struct sim_entry *find(const struct list *entries, const char *name)
{
    for (struct list *l = entries->next; l != entries; l = l->next)
        if (strcmp(entry_at(l)->name, name) == 0)
            return entry_at(l);
    return NULL;
}

static void add_entry(struct list *entries, struct sim_node *node, const char *name)
{
    size_t len = strlen(name) + 1;
    struct sim_entry *e = mem_alloc(NULL, sizeof *e + len);
    e->node = sim_node_hold(node);
    memcpy(e->name, name, len);
    list_push_back(entries, &e->link);
}

static void drop_entry(struct sim_entry *e)
{
    list_remove(&e->link);
    sim_node_release(e->node);
    mem_free(NULL, e);
}

static void drop_entries(struct list *entries)
{
    while (!list_empty(entries))
        drop_entry(entry_at(entries->next));
}

static void copy_entries(struct list *to, const struct list *from)
{
    list_init(to);
    for (struct list *l = from->next; l != from; l = l->next)
        add_entry(to, entry_at(l)->node, entry_at(l)->name);
}

/* The changes before it need not have happened: the name that the node had may be any, or none. */
static void apply(struct list *entries, const struct change *c)
{
    for (struct list *l = entries->next, *next; l != entries; l = next) {
        struct sim_entry *e = entry_at(l);
        next = l->next;
        if (e->node == c->node || (c->name && strcmp(e->name, c->name) == 0))
            drop_entry(e);
    }
    if (c->name)
        add_entry(entries, c->node, c->name);
}

/* --- Changes --- */

static void drop_changes(struct sim_dir *dir, uint64_t upto)
{
    while (!list_empty(&dir->changes) && change_at(dir->changes.next)->number < upto) {
        struct change *c = change_at(list_pop_front(&dir->changes));
        sim_node_release(c->node);
        if (c->move && --c->move->refs == 0)
            mem_free(NULL, c->move);
        mem_free(NULL, c->name);
        mem_free(NULL, c);
    }
}

struct sim_node *sim_dir_find(const struct sim_dir *dir, const char *name)
{
    struct sim_entry *e = find(&dir->now, name);
    return e ? e->node : NULL;
}

void sim_dir_each(const struct sim_dir *dir, void (*entry)(void *arg, const char *name), void *arg)
{
    struct list entries;
    copy_entries(&entries, &dir->now);
    for (struct list *l = entries.next; l != &entries; l = l->next)
        entry(arg, entry_at(l)->name);
    drop_entries(&entries);
}

static void add_change(struct sim_dir *dir, struct sim_node *node, const char *name, struct move *move)
{
    struct change *c = mem_zalloc(NULL, sizeof *c);
    c->move = move;
    c->number = dir->next++;
    c->node = sim_node_hold(node);
    if (name) {
        size_t len = strlen(name) + 1;
        c->name = memcpy(mem_alloc(NULL, len), name, len);
    }
    list_push_back(&dir->changes, &c->link);
    apply(&dir->now, c);
}

void sim_dir_change(struct sim_dir *dir, struct sim_node *node, const char *name) { add_change(dir, node, name, NULL); }

void sim_dir_move(struct sim_dir *from, struct sim_dir *to, struct sim_node *node, const char *name, uint64_t id)
{
    struct move *move = mem_zalloc(NULL, sizeof *move);
    *move = (struct move){.refs = 2, .id = id};
    add_change(to, node, name, move);
    add_change(from, node, NULL, move);
}

void sim_dir_sync(struct sim_dir *dir, uint64_t upto)
{
    for (struct list *l = dir->changes.next; l != &dir->changes && change_at(l)->number < upto; l = l->next) {
        struct change *c = change_at(l);
        if (c->move && c->move->fate == MOVE_OPEN)
            c->move->fate = MOVE_KEPT;
        if (!c->move || c->move->fate == MOVE_KEPT)
            apply(&dir->kept, c);
    }
    drop_changes(dir, upto);
}

/* The same answer in both directories, whichever is asked first, and the disk that crashed may be asked again. */
static bool is_kept(const struct move *move, const struct sim *sim)
{
    uint64_t coin = (sim->config.seed ^ move->id) * UINT64_C(0x9e3779b97f4a7c15);
    return move->fate == MOVE_OPEN ? coin >> 63 : move->fate == MOVE_KEPT;
}

/* Does to entries what may have happened of the changes before upto. */
static void apply_some(const struct sim_dir *dir, struct list *entries, uint64_t upto, struct sim *sim)
{
    enum { ALL, NONE, BEGINNING, ANY, WAYS };
    uint64_t way = sim_random(sim, WAYS), count = 0, index = 0;
    const struct list *changes = &dir->changes;
    for (struct list *l = changes->next; l != changes && change_at(l)->number < upto; l = l->next)
        count++;
    uint64_t beginning = way == ALL ? count : way == BEGINNING ? sim_random(sim, count + 1) : 0;
    for (struct list *l = changes->next; index < count; l = l->next, index++) {
        bool kept = index < beginning || (way == ANY && sim_random(sim, 2));
        if (change_at(l)->move)
            kept = is_kept(change_at(l)->move, sim);
        if (kept)
            apply(entries, change_at(l));
    }
}

void sim_dir_sync_failed(struct sim_dir *dir, uint64_t upto, struct sim *sim)
{
    for (struct list *l = dir->changes.next; l != &dir->changes && change_at(l)->number < upto; l = l->next) {
        struct move *move = change_at(l)->move;
        if (move && move->fate == MOVE_OPEN)
            move->fate = sim_random(sim, 2) ? MOVE_KEPT : MOVE_LOST;
    }
    apply_some(dir, &dir->kept, upto, sim);
    drop_changes(dir, upto);
}

/* --- Nodes --- */

static struct sim_dir *create_dir(void)
{
    struct sim_dir *dir = mem_zalloc(NULL, sizeof *dir);
    list_init(&dir->now);
    list_init(&dir->kept);
    list_init(&dir->changes);
    return dir;
}

static void destroy_dir(struct sim_dir *dir)
{
    drop_entries(&dir->now);
    drop_entries(&dir->kept);
    drop_changes(dir, dir->next);
    mem_free(NULL, dir);
}

static struct sim_dir *crash_dir(const struct sim_dir *dir, struct sim *sim)
{
    struct list left;
    copy_entries(&left, &dir->kept);
    apply_some(dir, &left, dir->next, sim);
    struct sim_dir *crashed = create_dir();
    for (struct list *l = left.next; l != &left; l = l->next) {
        struct sim_node *node = sim_node_crash(entry_at(l)->node, sim);
        add_entry(&crashed->kept, node, entry_at(l)->name);
        add_entry(&crashed->now, node, entry_at(l)->name);
        sim_node_release(node);
    }
    drop_entries(&left);
    return crashed;
}

struct sim_node *sim_node_create(bool is_directory)
{
    struct sim_node *node = mem_zalloc(NULL, sizeof *node);
    node->refs = 1;
    if (is_directory)
        node->dir = create_dir();
    else
        node->file = sim_file_create();
    return node;
}

struct sim_node *sim_node_hold(struct sim_node *node)
{
    node->refs++;
    return node;
}

void sim_node_release(struct sim_node *node)
{
    ASSERT(node->refs > 0);
    if (--node->refs > 0)
        return;
    if (node->dir)
        destroy_dir(node->dir);
    else
        sim_file_destroy(node->file);
    mem_free(NULL, node);
}

struct sim_node *sim_node_crash(const struct sim_node *node, struct sim *sim)
{
    struct sim_node *crashed = mem_zalloc(NULL, sizeof *crashed);
    crashed->refs = 1;
    if (node->dir)
        crashed->dir = crash_dir(node->dir, sim);
    else
        crashed->file = sim_file_crash(node->file, sim);
    return crashed;
}

size_t sim_node_bytes(const struct sim_node *node)
{
    if (node->file)
        return node->file->now.size;
    size_t bytes = 0;
    for (struct list *l = node->dir->now.next; l != &node->dir->now; l = l->next)
        bytes += sim_node_bytes(entry_at(l)->node);
    return bytes;
}
