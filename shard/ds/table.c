#include "shard/ds/table.h"

#include <string.h>

#include "src/base/assert.h"

enum {
    MOVES_MAX = 3,    /* to make room for one: fills segments to over 90%, and never comes round to the same bucket */
    SPLIT_CHUNKS = 4, /* a half of a segment that splits has at least as many */
    SEGMENT_ENTRIES_MAX = SEGMENT_BUCKETS_MAX * BUCKET_SLOTS,
};

/* ---- Segments ---- */

/* A chunk is 512 bytes, of which mimalloc's blocks are aligned to a cache line by themselves; asking for alignment
 * would cost the next class. */
static struct bucket *chunk_create(struct table *t)
{
    const size_t bytes = SEGMENT_CHUNK_BUCKETS * sizeof(struct bucket);
    struct bucket *c = mem_alloc(t->account, bytes);
    if ((uintptr_t)c % sizeof *c != 0) {
        mem_free(t->account, c);
        c = mem_alloc_aligned(t->account, sizeof *c, bytes);
    }
    return c;
}

/* Gives the segment so many chunks. All of them are empty then, and seen: what is new has nothing to show to a
 * snapshot. */
static void clear_segment(struct table *t, struct segment *s, uint32_t chunks)
{
    uint32_t had = segment_chunks(s), depth = segment_depth(s);
    for (uint32_t i = chunks; i < had; i++)
        mem_free(t->account, segment_chunk(s, i));
    for (uint32_t i = had; i < chunks; i++)
        s->chunk[i] = (uint64_t)(uintptr_t)chunk_create(t);
    segment_set_shape(s, chunks, depth);
    for (uint32_t i = 0; i < chunks; i++) {
        struct bucket *chunk = segment_chunk(s, i);
        memset(chunk, 0, SEGMENT_CHUNK_BUCKETS * sizeof *chunk);
        for (uint32_t k = 0; k < SEGMENT_CHUNK_BUCKETS; k++)
            chunk[k].flags = t->epoch;
    }
    t->buckets += (uint64_t)chunks * SEGMENT_CHUNK_BUCKETS - (uint64_t)had * SEGMENT_CHUNK_BUCKETS;
}

static void fill_slot(struct bucket *b, uint32_t slot, uint32_t fraction, uint32_t away, uint8_t tag, const void *entry)
{
    b->slot[slot] =
        (uint64_t)fraction << (64 - TABLE_FRACTION_BITS) | (uint64_t)away << 48 | (uint64_t)(uintptr_t)entry;
    b->tag[slot] = tag;
}

static void note_away(struct bucket *home, uint32_t away)
{
    if (away > (home->flags & TABLE_DISPLACEMENT))
        home->flags = (uint8_t)((home->flags & ~TABLE_DISPLACEMENT) | away);
}

/* Makes a free slot in bucket i, which is full, by moving its entry that is nearest to home further away: into a bucket
 * that has room, or in which the same is done first; so many moves at most. Returns the slot, or BUCKET_SLOTS. */
static uint32_t push_out(struct table *t, const struct segment *s, uint32_t i, uint32_t moves)
{
    uint32_t n = segment_buckets(s), slot = 0;
    struct bucket *from = segment_bucket(s, i);
    for (uint32_t k = 1; k < BUCKET_SLOTS; k++)
        if (bucket_away(from->slot[k]) < bucket_away(from->slot[slot]))
            slot = k;
    uint32_t away = bucket_away(from->slot[slot]);
    for (uint32_t step = 1; away + step <= TABLE_DISPLACEMENT; step++) {
        uint32_t next = segment_behind(i, step, n);
        struct bucket *to = segment_bucket(s, next);
        uint32_t empty = bucket_match(to, 0), free_slot = BUCKET_SLOTS;
        if (empty)
            free_slot = (uint32_t)__builtin_ctz(empty);
        else if (moves > 1)
            free_slot = push_out(t, s, next, moves - 1);
        if (free_slot == BUCKET_SLOTS)
            continue;
        table_before_change(t, from);
        table_before_change(t, to);
        to->slot[free_slot] = from->slot[slot] + ((uint64_t)step << 48);
        to->tag[free_slot] = from->tag[slot];
        from->tag[slot] = 0;
        note_away(segment_bucket(s, segment_behind(i, n - away, n)), away + step);
        return slot;
    }
    return BUCKET_SLOTS;
}

/* A free slot behind the full bucket home, as near as there is one, or made by pushing others out, from the furthest
 * on. BUCKET_SLOTS if there is none. */
static uint32_t make_room(struct table *t, const struct segment *s, uint32_t home, uint32_t *away)
{
    uint32_t n = segment_buckets(s);
    for (*away = 1; *away <= TABLE_DISPLACEMENT; ++*away) {
        uint32_t empty = bucket_match(segment_bucket(s, segment_behind(home, *away, n)), 0);
        if (empty)
            return (uint32_t)__builtin_ctz(empty);
    }
    while (*away > 0) {
        uint32_t slot = push_out(t, s, segment_behind(home, --*away, n), MOVES_MAX);
        if (slot < BUCKET_SLOTS)
            return slot;
    }
    return BUCKET_SLOTS;
}

/* Puts an entry into its home bucket or one of the neighbours; if all are full, pushes others further. False if there
 * is no room. */
static inline bool put(struct table *t, const struct segment *s, uint32_t fraction, uint8_t tag, const void *entry,
                       struct table_place *place)
{
    uint32_t home = table_home(fraction, segment_buckets(s)), away = 0, slot;
    struct bucket *b = segment_bucket(s, home);
    uint32_t empty = bucket_match(b, 0);
    if (empty) {
        slot = (uint32_t)__builtin_ctz(empty);
    } else {
        slot = make_room(t, s, home, &away);
        if (slot == BUCKET_SLOTS)
            return false;
        note_away(b, away);
        b = segment_bucket(s, segment_behind(home, away, segment_buckets(s)));
    }
    table_before_change(t, b);
    fill_slot(b, slot, fraction, away, tag, entry);
    *place = (struct table_place){b, slot};
    return true;
}

static uint32_t count_entries(const struct segment *s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < segment_buckets(s); i++)
        count += BUCKET_SLOTS - (uint32_t)__builtin_popcount(bucket_match(segment_bucket(s, i), 0));
    return count;
}

/* ---- Entries that no segment had room for ---- */

static struct table_place spill_put(struct table *t, uint64_t hash, const void *entry)
{
    uint32_t i = 0, empty = 0;
    for (; i < t->spill_buckets && !(empty = bucket_match(&t->spill[i], 0)); i++)
        ;
    if (!empty) {
        uint32_t grown = t->spill_buckets ? t->spill_buckets * 2 : 1;
        struct bucket *spill = mem_alloc_aligned(t->account, sizeof *spill, grown * sizeof *spill);
        memset(spill, 0, grown * sizeof *spill);
        if (t->spill_buckets)
            memcpy(spill, t->spill, t->spill_buckets * sizeof *spill);
        for (uint32_t k = t->spill_buckets; k < grown; k++)
            spill[k].flags = t->epoch;
        mem_free(t->account, t->spill);
        t->spill = spill;
        t->spill_buckets = grown;
        empty = bucket_match(&spill[i], 0);
    }
    uint32_t slot = (uint32_t)__builtin_ctz(empty);
    table_before_change(t, &t->spill[i]);
    fill_slot(&t->spill[i], slot, table_fraction(hash, 0), 0, table_tag(hash), entry);
    t->spill_size++;
    return (struct table_place){&t->spill[i], slot};
}

static bool in_spill(const struct table *t, const struct bucket *b)
{
    return t->spill && b >= t->spill && b < t->spill + t->spill_buckets;
}

static void spill_drop(struct table *t, struct table_place p)
{
    p.bucket->slot[p.slot] = 0;
    p.bucket->tag[p.slot] = 0;
    if (--t->spill_size > 0)
        return;
    for (uint32_t i = 0; i < t->spill_buckets; i++)
        table_before_change(t, &t->spill[i]);
    mem_free(t->account, t->spill);
    t->spill = NULL;
    t->spill_buckets = 0;
}

/* ---- Growing, splitting, shrinking, merging ---- */

/* What is taken out of segments to be laid out anew. slot: fraction and pointer as in a bucket. */
struct gathered {
    uint32_t count;
    uint64_t slot[SEGMENT_ENTRIES_MAX];
    uint8_t tag[SEGMENT_ENTRIES_MAX];
};

/* Adds all entries of a segment, which is to be laid out anew; before that, a snapshot is shown them. */
static void gather(struct table *t, const struct segment *s, struct gathered *g)
{
    for (uint32_t i = 0; i < segment_buckets(s); i++) {
        struct bucket *b = segment_bucket(s, i);
        table_before_change(t, b);
        for (uint32_t used = ~bucket_match(b, 0) & 0x7f; used; used &= used - 1) {
            uint32_t k = (uint32_t)__builtin_ctz(used);
            g->slot[g->count] = b->slot[k];
            g->tag[g->count++] = b->tag[k];
        }
    }
}

/* Fractions begin behind the prefix, so those of another depth are other bits of the hash. */
static void renew_fractions(struct table *t, struct gathered *g, uint32_t depth)
{
    for (uint32_t i = 0; i < g->count; i++)
        prefetch_line(bucket_entry(g->slot[i]));
    for (uint32_t i = 0; i < g->count; i++) {
        void *entry = bucket_entry(g->slot[i]);
        g->slot[i] = (uint64_t)(uintptr_t)entry | (uint64_t)table_fraction(t->hash(t->hash_arg, entry), depth)
                                                      << (64 - TABLE_FRACTION_BITS);
    }
}

/* Fewest chunks that a segment of count entries is made with, so that it need not grow again at once. */
static uint32_t chunks_for(uint32_t count, uint32_t min)
{
    uint32_t n = min;
    while (n < SEGMENT_CHUNKS_MAX && count * 100 > n * SEGMENT_CHUNK_BUCKETS * BUCKET_SLOTS * 92)
        n++;
    return n;
}

/* Puts all of g into an empty segment. What finds no room goes to the spill if it is of the largest size; else it is
 * false at the first of these. */
static bool fill(struct table *t, const struct gathered *g, const struct segment *s)
{
    struct table_place place;
    for (uint32_t i = 0; i < g->count; i++) {
        void *entry = bucket_entry(g->slot[i]);
        if (put(t, s, (uint32_t)(g->slot[i] >> (64 - TABLE_FRACTION_BITS)), g->tag[i], entry, &place))
            continue;
        if (segment_chunks(s) < SEGMENT_CHUNKS_MAX)
            return false;
        spill_put(t, t->hash(t->hash_arg, entry), entry);
    }
    return true;
}

/* Lays g out anew in s, of at least so many chunks, and enters that in the directory at hash with this depth. */
static void lay_out(struct table *t, const struct gathered *g, struct segment *s, uint64_t hash, uint32_t depth,
                    uint32_t chunks)
{
    do
        clear_segment(t, s, chunks++);
    while (!fill(t, g, s));
    segment_set_shape(s, segment_chunks(s), depth);
    directory_set(&t->directory, hash, s);
    if (depth > t->depth_bound)
        t->depth_bound = (uint8_t)depth;
}

static void split(struct table *t, uint64_t hash, struct segment *s)
{
    uint32_t depth = segment_depth(s);
    directory_deepen(&t->directory, hash, depth + 1);
    struct gathered g, side;
    g.count = side.count = 0;
    gather(t, s, &g);
    /* The first bit of the old fraction is the one that decides now. */
    uint32_t left = 0;
    for (uint32_t i = 0; i < g.count; i++) {
        if (g.slot[i] >> 63) {
            side.slot[side.count] = g.slot[i];
            side.tag[side.count++] = g.tag[i];
        } else {
            g.slot[left] = g.slot[i];
            g.tag[left++] = g.tag[i];
        }
    }
    g.count = left;
    renew_fractions(t, &g, depth + 1);
    renew_fractions(t, &side, depth + 1);
    uint64_t bit = UINT64_C(1) << (63 - depth);
    struct segment sibling = {{0}};
    lay_out(t, &g, s, hash & ~bit, depth + 1, chunks_for(g.count, SPLIT_CHUNKS));
    lay_out(t, &side, &sibling, hash | bit, depth + 1, chunks_for(side.count, SPLIT_CHUNKS));
}

/* Makes room around hash. False if the segment there can neither grow nor split. */
static bool grow(struct table *t, uint64_t hash)
{
    struct segment s = *directory_find(&t->directory, hash);
    if (segment_chunks(&s) < SEGMENT_CHUNKS_MAX) {
        struct gathered g;
        g.count = 0;
        gather(t, &s, &g);
        lay_out(t, &g, &s, hash, segment_depth(&s), segment_chunks(&s) + 1);
        return true;
    }
    if (segment_depth(&s) == TABLE_DEPTH_MAX)
        return false;
    split(t, hash, &s);
    return true;
}

static bool merge(struct table *t, uint64_t hash, struct segment *s)
{
    uint32_t depth = segment_depth(s);
    if (depth == 0)
        return false;
    uint64_t bit = UINT64_C(1) << (64 - depth);
    struct segment other = *directory_find(&t->directory, hash ^ bit);
    if (segment_depth(&other) != depth)
        return false;
    uint32_t count = count_entries(s) + count_entries(&other);
    if (count * 10 > SEGMENT_BUCKETS_MAX * BUCKET_SLOTS * 6)
        return false;
    struct gathered g;
    g.count = 0;
    gather(t, s, &g);
    gather(t, &other, &g);
    renew_fractions(t, &g, depth - 1);
    clear_segment(t, &other, 0);
    lay_out(t, &g, s, hash & ~bit, depth - 1, chunks_for(count + count / 4, 1));
    directory_shrink(&t->directory, hash & ~bit);
    /* Without sub-directories the root has as many bits as the deepest segment needs. */
    if (t->directory.root_depth < DIRECTORY_ROOT_DEPTH_MAX)
        t->depth_bound = (uint8_t)t->directory.root_depth;
    return true;
}

bool table_shrink_step(struct table *t)
{
    uint64_t hash = t->shrink_position << (64 - TABLE_POSITION_BITS);
    struct segment s = *directory_find(&t->directory, hash);
    uint32_t depth = segment_depth(&s), count = count_entries(&s), n = segment_chunks(&s);
    hash = depth ? hash >> (64 - depth) << (64 - depth) : 0;
    if (!merge(t, hash, &s)) {
        uint32_t fewer = chunks_for(count + count / 4, 1);
        if (fewer < n && count * 2 < n * SEGMENT_CHUNK_BUCKETS * BUCKET_SLOTS) {
            struct gathered g;
            g.count = 0;
            gather(t, &s, &g);
            lay_out(t, &g, &s, hash, depth, fewer);
        }
    }
    depth = segment_depth(directory_find(&t->directory, hash));
    uint64_t next = (hash >> (64 - TABLE_POSITION_BITS)) + (UINT64_C(1) << (TABLE_POSITION_BITS - depth));
    t->shrink_position = table_position(next) & ~((UINT64_C(1) << (TABLE_POSITION_BITS - depth)) - 1);
    return t->shrink_position != 0;
}

/* ---- Single entries ---- */

void table_init(struct table *t, struct mem_account *account, table_hash *hash, void *hash_arg)
{
    *t = (struct table){.account = account, .hash = hash, .hash_arg = hash_arg};
    struct segment first = {{0}};
    clear_segment(t, &first, 1);
    directory_init(&t->directory, account, &first);
}

struct table_place table_insert(struct table *t, uint64_t hash, void *entry)
{
    t->size++;
    for (;;) {
        const struct segment *s = directory_find(&t->directory, hash);
        struct table_place place;
        if (put(t, s, table_fraction(hash, segment_depth(s)), table_tag(hash), entry, &place))
            return place;
        if (!grow(t, hash))
            return spill_put(t, hash, entry);
    }
}

/* The furthest that an entry at home in bucket i lies away. */
static uint32_t furthest(const struct segment *s, uint32_t home)
{
    for (uint32_t away = TABLE_DISPLACEMENT; away > 0; away--) {
        const struct bucket *b = segment_bucket(s, segment_behind(home, away, segment_buckets(s)));
        for (uint32_t k = 0; k < BUCKET_SLOTS; k++)
            if (b->tag[k] && bucket_away(b->slot[k]) == away)
                return away;
    }
    return 0;
}

void table_remove(struct table *t, uint64_t hash, struct table_place p)
{
    table_before_change(t, p.bucket);
    t->size--;
    if (in_spill(t, p.bucket)) {
        spill_drop(t, p);
        return;
    }
    uint32_t away = bucket_away(p.bucket->slot[p.slot]);
    p.bucket->slot[p.slot] = 0;
    p.bucket->tag[p.slot] = 0;
    if (away == 0)
        return;
    const struct segment *s = directory_find(&t->directory, hash);
    uint32_t home = table_home(table_fraction(hash, segment_depth(s)), segment_buckets(s));
    struct bucket *b = segment_bucket(s, home);
    if (away == (b->flags & TABLE_DISPLACEMENT))
        b->flags = (uint8_t)((b->flags & ~TABLE_DISPLACEMENT) | furthest(s, home));
}
