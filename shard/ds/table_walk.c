/* What goes through a whole table: scans, random entries, epochs, taking down. */
#include "shard/ds/table.h"

/* ---- Traversal ----
 *
 * A position is a prefix of a hash. The table keeps all entries in the order of their hashes: the directory is ordered
 * by the first bits, and a segment's buckets by the next. A scan step takes the bucket that a position falls into,
 * gives all entries at home there (they lie in it or in the three behind it, and each slot knows how far from home it
 * is), and returns the position at which that bucket's part of the hash space ends.
 *
 * What if the table changes between steps? Growing, splitting, shrinking and merging move entries between buckets but
 * never change their hashes. Every step covers the whole interval from its position to the one it returns, in whatever
 * shape the table is at that moment: all entries with a hash in it are at home in the bucket that is visited. The
 * intervals of all steps together are the whole hash space. So an entry that is there from the first step to the last
 * is given when its hash is passed, whatever shape the table had before and has afterwards.
 *
 * What can be given twice? If segments merge or shrink, a bucket may begin before the position, and the entries in
 * front of it are given again. An entry that is removed and inserted again may be given or not, or, if it spills, by
 * another bucket's step than before; never outside its own interval. There is no state but the position, so a scan
 * costs nothing while nobody scans. */

struct boundary {
    uint64_t from, to; /* positions */
};

/* The interval of home bucket i of n in the segment of that depth in which position lies. */
static struct boundary bucket_interval(uint64_t position, uint32_t depth, uint32_t n, uint32_t i)
{
    uint32_t below = TABLE_POSITION_BITS - depth, shift = below - TABLE_FRACTION_BITS;
    uint64_t start = position >> below << below;
    uint64_t first = (((uint64_t)i << TABLE_FRACTION_BITS) + n - 1) / n;
    uint64_t last = (((uint64_t)(i + 1) << TABLE_FRACTION_BITS) + n - 1) / n;
    return (struct boundary){start + (first << shift), start + (last << shift)};
}

static void scan_spill(const struct table *t, struct boundary part, table_visit *visit, void *arg)
{
    for (uint32_t i = 0; i < t->spill_buckets; i++)
        for (uint32_t k = 0; k < BUCKET_SLOTS; k++)
            if (t->spill[i].tag[k]) {
                void *entry = bucket_entry(t->spill[i].slot[k]);
                uint64_t at = t->hash(t->hash_arg, entry) >> (64 - TABLE_POSITION_BITS);
                if (at >= part.from && at < part.to)
                    visit(arg, entry);
            }
}

uint64_t table_scan(const struct table *t, uint64_t position, table_visit *visit, void *arg)
{
    position = table_position(position);
    uint64_t hash = position << (64 - TABLE_POSITION_BITS);
    const struct segment *s = directory_find(&t->directory, hash);
    uint32_t n = segment_buckets(s), depth = segment_depth(s), home = table_home(table_fraction(hash, depth), n);
    uint32_t reach = segment_bucket(s, home)->flags & TABLE_DISPLACEMENT;
    for (uint32_t away = 0; away <= reach; away++) {
        const struct bucket *b = segment_bucket(s, segment_behind(home, away, n));
        for (uint32_t k = 0; k < BUCKET_SLOTS; k++)
            if (b->tag[k] && bucket_away(b->slot[k]) == away)
                visit(arg, bucket_entry(b->slot[k]));
    }
    struct boundary part = bucket_interval(position, depth, n, home);
    if (t->spill)
        scan_spill(t, part, visit, arg);
    return table_position(part.to);
}

/* A slot is hit with a probability of 1 / (2^depth * buckets * 7) of its segment; accepting it in proportion to
 * 2^depth * buckets makes all alike. */
static void *random_try(const struct table *t, uint64_t r, uint64_t accept, struct table_place *place)
{
    const struct segment *s = directory_find(&t->directory, r);
    uint32_t n = segment_buckets(s), depth = segment_depth(s);
    uint64_t weight = (uint64_t)n << depth, bound = (uint64_t)SEGMENT_BUCKETS_MAX << t->depth_bound;
    struct bucket *b = segment_bucket(s, (uint32_t)((accept >> 40) * n >> 24));
    uint32_t slot = (uint32_t)((r & 0xffff) * BUCKET_SLOTS >> 16);
    if (!b->tag[slot] || (uint64_t)(((unsigned __int128)(accept & 0xffffffff) * bound) >> 32) >= weight)
        return NULL;
    *place = (struct table_place){b, slot};
    return table_at(*place);
}

static void *random_spilled(const struct table *t, uint64_t i, struct table_place *place)
{
    for (uint32_t b = 0; b < t->spill_buckets; b++)
        for (uint32_t k = 0; k < BUCKET_SLOTS; k++)
            if (t->spill[b].tag[k] && i-- == 0) {
                *place = (struct table_place){&t->spill[b], k};
                return table_at(*place);
            }
    return NULL;
}

/* When nearly all of a large table is empty and has not been merged yet: the first one behind a random position. */
static void *random_next(const struct table *t, uint64_t hash, struct table_place *place)
{
    for (;;) {
        const struct segment *s = directory_find(&t->directory, hash);
        uint32_t depth = segment_depth(s);
        for (uint32_t i = 0; i < segment_buckets(s); i++) {
            struct bucket *b = segment_bucket(s, i);
            uint32_t used = ~bucket_match(b, 0) & 0x7f;
            if (used) {
                *place = (struct table_place){b, (uint32_t)__builtin_ctz(used)};
                return table_at(*place);
            }
        }
        hash = depth ? ((hash >> (64 - depth)) + 1) << (64 - depth) : 0;
    }
}

void *table_random(const struct table *t, uint64_t (*random)(void *), void *arg, struct table_place *place)
{
    enum { TRIES_MAX = 10000 };
    if (t->size == 0)
        return NULL;
    if (t->spill_size) {
        uint64_t i = random(arg) % t->size;
        if (i < t->spill_size)
            return random_spilled(t, i, place);
    }
    for (int i = 0; i < TRIES_MAX; i++) {
        void *entry = random_try(t, random(arg), random(arg), place);
        if (entry)
            return entry;
    }
    return random_next(t, random(arg), place);
}

/* ---- Epochs ---- */

void table_give_preimage(struct table *t, struct bucket *b)
{
    if (t->preimage)
        t->preimage(t->preimage_arg, b);
    b->flags ^= TABLE_EPOCH;
}

void table_start_epoch(struct table *t, table_preimage *preimage, void *arg)
{
    t->epoch ^= TABLE_EPOCH;
    t->preimage = preimage;
    t->preimage_arg = arg;
}

uint64_t table_epoch_step(struct table *t, uint64_t position)
{
    if (position == 0)
        for (uint32_t i = 0; i < t->spill_buckets; i++)
            table_before_change(t, &t->spill[i]);
    const struct segment *s = directory_find(&t->directory, position << (64 - TABLE_POSITION_BITS));
    for (uint32_t i = 0; i < segment_buckets(s); i++)
        table_before_change(t, segment_bucket(s, i));
    uint32_t below = TABLE_POSITION_BITS - segment_depth(s);
    return table_position(((position >> below) + 1) << below);
}

/* ---- Taking down ---- */

bool table_clear_step(struct table *t, table_visit *visit, void *arg)
{
    if (t->clear_position >> TABLE_POSITION_BITS)
        return false;
    if (t->clear_position == 0)
        for (uint32_t i = 0; i < t->spill_buckets; i++)
            for (uint32_t k = 0; k < BUCKET_SLOTS; k++)
                if (t->spill[i].tag[k])
                    visit(arg, bucket_entry(t->spill[i].slot[k]));
    uint64_t hash = t->clear_position << (64 - TABLE_POSITION_BITS);
    const struct segment *s = directory_find(&t->directory, hash);
    for (uint32_t i = 0; i < segment_buckets(s); i++) {
        const struct bucket *b = segment_bucket(s, i);
        for (uint32_t k = 0; k < BUCKET_SLOTS; k++)
            if (b->tag[k])
                visit(arg, bucket_entry(b->slot[k]));
    }
    for (uint32_t i = 0; i < segment_chunks(s); i++)
        mem_free(t->account, segment_chunk(s, i));
    t->buckets -= segment_buckets(s);
    t->clear_position += UINT64_C(1) << (TABLE_POSITION_BITS - segment_depth(s));
    return !(t->clear_position >> TABLE_POSITION_BITS);
}

static void keep_entry(void *arg, void *entry) {}

void table_deinit(struct table *t)
{
    while (table_clear_step(t, keep_entry, NULL))
        ;
    directory_deinit(&t->directory);
    mem_free(t->account, t->spill);
    *t = (struct table){.account = NULL};
}
