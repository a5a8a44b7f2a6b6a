#include "src/io/sim_file.h"

#include <stdint.h>
#include <string.h>

#include "src/base/assert.h"
#include "src/base/mem.h"

enum { PAGE_BYTES = 4096 };

struct change {
    struct list link;
    uint64_t number;
    bool truncates; /* to offset; else len bytes of data come to stand at offset */
    size_t offset, len;
    char data[];
};

static struct change *change_at(struct list *l) { return container_of(l, struct change, link); }

static size_t min(size_t a, size_t b) { return a < b ? a : b; }

static size_t max(size_t a, size_t b) { return a > b ? a : b; }

/* What is new is zero. */
static void resize(struct sim_bytes *b, size_t size)
{
    if (size > b->room) {
        b->room = max(size, 2 * b->room);
        b->ptr = mem_realloc(NULL, b->ptr, b->room);
    }
    if (size > b->size)
        memset(b->ptr + b->size, 0, size - b->size);
    b->size = size;
}

/* Does what c does to the bytes from .. to - 1; the size stays. */
static void apply(const struct sim_bytes *b, const struct change *c, size_t from, size_t to)
{
    from = max(from, c->offset);
    to = min(to, c->truncates ? b->size : c->offset + c->len);
    if (from >= to)
        return;
    if (c->truncates)
        memset(b->ptr + from, 0, to - from);
    else
        memcpy(b->ptr + from, c->data + (from - c->offset), to - from);
}

/* Of a file of size bytes, after c. */
static size_t size_after(size_t size, const struct change *c)
{
    return c->truncates ? c->offset : max(size, c->offset + c->len);
}

/* --- Changes --- */

static void add_change(struct sim_file *file, bool truncates, size_t offset, const char *data, size_t len)
{
    struct change *c = mem_alloc(NULL, sizeof *c + len);
    *c = (struct change){.number = file->next++, .truncates = truncates, .offset = offset, .len = len};
    if (len)
        memcpy(c->data, data, len);
    list_push_back(&file->changes, &c->link);
    resize(&file->now, size_after(file->now.size, c));
    apply(&file->now, c, 0, file->now.size);
}

static void drop_changes(struct sim_file *file, uint64_t upto)
{
    while (!list_empty(&file->changes) && change_at(file->changes.next)->number < upto)
        mem_free(NULL, change_at(list_pop_front(&file->changes)));
}

void sim_file_append(struct sim_file *file, const char *data, size_t len)
{
    add_change(file, false, file->now.size, data, len);
}

void sim_file_truncate(struct sim_file *file, size_t size) { add_change(file, true, size, NULL, 0); }

void sim_file_sync(struct sim_file *file, uint64_t upto)
{
    for (struct list *l = file->changes.next; l != &file->changes && change_at(l)->number < upto; l = l->next) {
        resize(&file->kept, size_after(file->kept.size, change_at(l)));
        apply(&file->kept, change_at(l), 0, file->kept.size);
    }
    drop_changes(file, upto);
}

/* --- What may have happened --- */

/* How far something has got in the changes: it has the first `whole` of them, and of the next one the bytes below
 * `torn`, a place in the file. */
struct progress {
    uint64_t whole;
    size_t torn;
};

static struct progress choose_progress(struct list *changes, uint64_t count, struct sim *sim)
{
    struct progress p = {.whole = sim_random(sim, count + 1)};
    if (p.whole == count || sim_random(sim, 2))
        return p;
    struct list *l = changes->next;
    for (uint64_t i = 0; i < p.whole; i++)
        l = l->next;
    const struct change *c = change_at(l);
    if (!c->truncates)
        p.torn = c->offset + sim_random(sim, c->len + 1);
    return p;
}

/* Has p got to the change that is the index-th, and how far? A place in the file, 0 for not. */
static size_t reached(const struct progress *p, uint64_t index)
{
    return index < p->whole ? SIZE_MAX : index == p->whole ? p->torn : 0;
}

static size_t size_at(const struct sim_file *file, struct list *end, const struct progress *p)
{
    size_t size = file->kept.size;
    uint64_t i = 0;
    for (struct list *l = file->changes.next; l != end; l = l->next, i++) {
        if (i < p->whole)
            size = size_after(size, change_at(l));
        else if (i == p->whole)
            size = max(size, p->torn);
    }
    return size;
}

static void apply_by_pages(struct sim_bytes *b, const struct change *c, uint64_t index, const struct progress *pages)
{
    size_t end = c->truncates ? b->size : min(b->size, c->offset + c->len);
    for (size_t page = c->offset / PAGE_BYTES; page * PAGE_BYTES < end; page++)
        apply(b, c, page * PAGE_BYTES, min(page * PAGE_BYTES + PAGE_BYTES, reached(&pages[page], index)));
}

/* What may be on the disk of the changes before upto: all, none, a beginning, or of each page and of the size something
 * else. The first three are also cases of the last, but rare ones. */
static struct sim_bytes outcome(const struct sim_file *file, uint64_t upto, struct sim *sim)
{
    enum { ALL, NONE, BEGINNING, ANY, WAYS };
    struct list *changes = (struct list *)&file->changes, *end = changes->next;
    uint64_t count = 0;
    size_t size_max = file->kept.size;
    for (; end != changes && change_at(end)->number < upto; end = end->next, count++)
        size_max = max(size_max, size_after(size_max, change_at(end)));

    struct sim_bytes b = {0};
    resize(&b, file->kept.size);
    if (b.size)
        memcpy(b.ptr, file->kept.ptr, b.size);
    resize(&b, size_max);
    uint64_t way = sim_random(sim, WAYS);
    struct progress size = {way == ALL ? count : 0, 0};
    if (way == BEGINNING || way == ANY)
        size = choose_progress(changes, count, sim);
    size_t page_count = size_max / PAGE_BYTES + 1;
    struct progress *pages = mem_alloc(NULL, page_count * sizeof *pages);
    for (size_t i = 0; i < page_count; i++)
        pages[i] = way == ANY ? choose_progress(changes, count, sim) : size;

    uint64_t index = 0;
    for (struct list *l = changes->next; l != end; l = l->next)
        apply_by_pages(&b, change_at(l), index++, pages);
    resize(&b, size_at(file, end, &size));
    mem_free(NULL, pages);
    return b;
}

void sim_file_sync_failed(struct sim_file *file, uint64_t upto, struct sim *sim)
{
    struct sim_bytes kept = outcome(file, upto, sim);
    mem_free(NULL, file->kept.ptr);
    file->kept = kept;
    drop_changes(file, upto);
}

struct sim_file *sim_file_crash(const struct sim_file *file, struct sim *sim)
{
    struct sim_file *crashed = sim_file_create();
    crashed->kept = outcome(file, file->next, sim);
    resize(&crashed->now, crashed->kept.size);
    if (crashed->now.size)
        memcpy(crashed->now.ptr, crashed->kept.ptr, crashed->now.size);
    return crashed;
}

/* --- Life --- */

struct sim_file *sim_file_create(void)
{
    struct sim_file *file = mem_zalloc(NULL, sizeof *file);
    list_init(&file->changes);
    return file;
}

void sim_file_destroy(struct sim_file *file)
{
    drop_changes(file, file->next);
    mem_free(NULL, file->now.ptr);
    mem_free(NULL, file->kept.ptr);
    mem_free(NULL, file);
}
