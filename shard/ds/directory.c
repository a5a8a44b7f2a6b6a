#include "shard/ds/directory.h"

#include <string.h>

static size_t lines_bytes(uint32_t depth) { return sizeof(struct segment) << depth; }

static bool is_sub(const struct segment *line) { return line->chunk[0] & DIRECTORY_SUB; }
static struct segment *sub_of(const struct segment *line) { return (struct segment *)(void *)segment_chunk(line, 0); }
static uint32_t sub_depth(const struct segment *line) { return segment_depth(line); }

static struct segment sub_line(const struct segment *lines, uint32_t depth)
{
    return (struct segment){
        .chunk = {DIRECTORY_SUB | (uint64_t)depth << SEGMENT_DEPTH_SHIFT | (uint64_t)(uintptr_t)lines}};
}

static struct segment *root_line(const struct directory *d, uint64_t hash)
{
    return &d->root[hash >> 1 >> (63 - d->root_depth)];
}

void directory_init(struct directory *d, struct mem_account *account, const struct segment *first)
{
    *d = (struct directory){.root = &d->first, .account = account, .first = *first};
}

void directory_deinit(struct directory *d)
{
    for (uint64_t i = 0; i < UINT64_C(1) << d->root_depth; i++)
        if (is_sub(&d->root[i]))
            mem_free(d->account, sub_of(&d->root[i]));
    if (d->root != &d->first)
        mem_free(d->account, d->root);
}

/* ---- Growing ---- */

static struct segment *doubled(struct directory *d, const struct segment *lines, uint32_t depth)
{
    struct segment *new = mem_alloc_aligned(d->account, sizeof *new, lines_bytes(depth + 1));
    for (uint64_t i = 0; i < UINT64_C(2) << depth; i++)
        new[i] = lines[i / 2];
    return new;
}

void directory_deepen(struct directory *d, uint64_t hash, uint32_t depth)
{
    while (d->root_depth < depth && d->root_depth < DIRECTORY_ROOT_DEPTH_MAX) {
        struct segment *root = doubled(d, d->root, d->root_depth);
        if (d->root != &d->first)
            mem_free(d->account, d->root);
        d->root = root;
        d->root_depth++;
    }
    if (depth <= DIRECTORY_ROOT_DEPTH_MAX)
        return;
    struct segment *line = root_line(d, hash);
    if (!is_sub(line))
        *line = sub_line(doubled(d, line, 0), 1);
    while (sub_depth(line) < depth - DIRECTORY_ROOT_DEPTH_MAX) {
        struct segment *old = sub_of(line);
        *line = sub_line(doubled(d, old, sub_depth(line)), sub_depth(line) + 1);
        mem_free(d->account, old);
    }
}

void directory_set(struct directory *d, uint64_t hash, const struct segment *s)
{
    struct segment *lines = d->root;
    const struct segment *line = root_line(d, hash);
    uint32_t level = d->root_depth, depth = segment_depth(s);
    if (depth >= DIRECTORY_ROOT_DEPTH_MAX && is_sub(line)) {
        lines = sub_of(line);
        level = sub_depth(line);
        depth -= DIRECTORY_ROOT_DEPTH_MAX;
        hash <<= DIRECTORY_ROOT_DEPTH_MAX;
    }
    uint64_t span = UINT64_C(1) << (level - depth), first = (hash >> 1 >> (63 - depth)) * span;
    for (uint64_t i = first; i < first + span; i++)
        lines[i] = *s;
}

/* ---- Shrinking ---- */

/* Whether some segment needs all bits of these lines, which stand below so many others. */
static bool needs_depth(const struct segment *lines, uint32_t depth, uint32_t above)
{
    for (uint64_t i = 0; i < UINT64_C(1) << depth; i++)
        if (is_sub(&lines[i]) || segment_depth(&lines[i]) == above + depth)
            return true;
    return false;
}

static struct segment *halved(struct directory *d, const struct segment *lines, uint32_t depth)
{
    struct segment *new = mem_alloc_aligned(d->account, sizeof *new, lines_bytes(depth - 1));
    for (uint64_t i = 0; i < UINT64_C(1) << (depth - 1); i++)
        new[i] = lines[i * 2];
    return new;
}

static void shrink_sub(struct directory *d, struct segment *line)
{
    while (is_sub(line) && !needs_depth(sub_of(line), sub_depth(line), DIRECTORY_ROOT_DEPTH_MAX)) {
        struct segment *old = sub_of(line);
        uint32_t depth = sub_depth(line);
        *line = depth == 1 ? old[0] : sub_line(halved(d, old, depth), depth - 1);
        mem_free(d->account, old);
    }
}

void directory_shrink(struct directory *d, uint64_t hash)
{
    if (d->root_depth == DIRECTORY_ROOT_DEPTH_MAX)
        shrink_sub(d, root_line(d, hash));
    while (d->root_depth > 0 && !needs_depth(d->root, d->root_depth, 0)) {
        struct segment *old = d->root;
        if (d->root_depth == 1) {
            d->first = old[0];
            d->root = &d->first;
        } else {
            d->root = halved(d, old, d->root_depth);
        }
        d->root_depth--;
        mem_free(d->account, old);
    }
}
