#include "shard/ds/table.h"

#include <string.h>

#include "src/base/assert.h"

enum {
    MOVES_MAX = 3,    /* to make room for one: fills segments to over 90%, and never comes round to the same bucket */
    SPLIT_CHUNKS = 4, /* a half of a segment that splits has at least as many */
    SEGMENT_ENTRIES_MAX = TABLE_SEGMENT_BUCKETS_MAX * TABLE_SLOTS,
};

static uint64_t low_bits(uint64_t v, uint32_t n) { return v & ((UINT64_C(1) << n) - 1); }

/* ---- Segments ---- */

/* A chunk is 512 bytes, of which mimalloc's blocks are aligned to a cache line by themselves; asking for alignment
 * would cost the next class. */
static struct table_bucket *chunk_create(struct table *t)
{
    const size_t bytes = TABLE_CHUNK_BUCKETS * sizeof(struct table_bucket);
    struct table_bucket *c = mem_alloc(t->account, bytes);
    if ((uintptr_t)c % sizeof *c != 0) {
        mem_free(t->account, c);
        c = mem_alloc_aligned(t->account, sizeof *c, bytes);
    }
    return c;
}

static uint64_t segment_word(const struct table_segment *s, uint32_t chunks, uint32_t depth)
{
    return (uint64_t)(uintptr_t)s | (uint64_t)chunks << 48 | (uint64_t)depth << 56;
}

static uint32_t chunks_of(uint64_t word) { return word >> 48 & 15; }

/* Gives the segment so many chunks. All of them are empty then, and seen: what is new has nothing to show to a
 * snapshot. */
static uint64_t segment_clear(struct table *t, uint64_t word, uint32_t chunks)
{
    struct table_segment *s = table_segment(word);
    for (uint32_t i = chunks; i < chunks_of(word); i++)
        mem_free(t->account, s->chunk[i]);
    for (uint32_t i = chunks_of(word); i < chunks; i++)
        s->chunk[i] = chunk_create(t);
    for (uint32_t i = 0; i < chunks; i++) {
        memset(s->chunk[i], 0, TABLE_CHUNK_BUCKETS * sizeof(struct table_bucket));
        for (uint32_t k = 0; k < TABLE_CHUNK_BUCKETS; k++)
            s->chunk[i][k].flags = t->epoch;
    }
    t->buckets += (uint64_t)chunks * TABLE_CHUNK_BUCKETS - table_buckets(word);
    return segment_word(s, chunks, table_depth(word));
}

static uint64_t segment_create(struct table *t, uint32_t chunks, uint32_t depth)
{
    struct table_segment *s = mem_alloc(t->account, sizeof *s);
    return segment_clear(t, segment_word(s, 0, depth), chunks);
}

static void segment_destroy(struct table *t, uint64_t word)
{
    segment_clear(t, word, 0);
    mem_free(t->account, table_segment(word));
}

/* The bucket that lies away behind bucket i, which is less than a segment's length. */
static uint32_t behind(uint32_t i, uint32_t away, uint32_t n) { return i + away < n ? i + away : i + away - n; }

static void fill_slot(struct table_bucket *b, uint32_t slot, uint32_t fraction, uint32_t away, uint8_t tag,
                      const void *entry)
{
    b->slot[slot] =
        (uint64_t)fraction << (64 - TABLE_FRACTION_BITS) | (uint64_t)away << 48 | (uint64_t)(uintptr_t)entry;
    b->tag[slot] = tag;
}

static uint32_t away_of(uint64_t slot) { return slot >> 48 & 3; }

static void note_away(struct table_bucket *home, uint32_t away)
{
    if (away > (home->flags & TABLE_DISPLACEMENT))
        home->flags = (uint8_t)((home->flags & ~TABLE_DISPLACEMENT) | away);
}

/* Makes a free slot in bucket i, which is full, by moving its entry that is nearest to home further away: into a bucket
 * that has room, or in which the same is done first; so many moves at most. Returns the slot, or TABLE_SLOTS. */
static uint32_t push_out(struct table *t, uint64_t word, uint32_t i, uint32_t moves)
{
    uint32_t n = table_buckets(word), slot = 0;
    struct table_bucket *from = table_bucket_at(word, i);
    for (uint32_t k = 1; k < TABLE_SLOTS; k++)
        if (away_of(from->slot[k]) < away_of(from->slot[slot]))
            slot = k;
    uint32_t away = away_of(from->slot[slot]);
    for (uint32_t step = 1; away + step <= TABLE_DISPLACEMENT; step++) {
        uint32_t next = behind(i, step, n);
        struct table_bucket *to = table_bucket_at(word, next);
        uint32_t empty = table_match(to, 0), free_slot = TABLE_SLOTS;
        if (empty)
            free_slot = (uint32_t)__builtin_ctz(empty);
        else if (moves > 1)
            free_slot = push_out(t, word, next, moves - 1);
        if (free_slot == TABLE_SLOTS)
            continue;
        table_before_change(t, from);
        table_before_change(t, to);
        to->slot[free_slot] = from->slot[slot] + ((uint64_t)step << 48);
        to->tag[free_slot] = from->tag[slot];
        from->tag[slot] = 0;
        note_away(table_bucket_at(word, behind(i, n - away, n)), away + step);
        return slot;
    }
    return TABLE_SLOTS;
}

/* A free slot behind the full bucket home, as near as there is one, or made by pushing others out, from the furthest
 * on. TABLE_SLOTS if there is none. */
static uint32_t make_room(struct table *t, uint64_t word, uint32_t home, uint32_t *away)
{
    uint32_t n = table_buckets(word);
    for (*away = 1; *away <= TABLE_DISPLACEMENT; ++*away) {
        uint32_t empty = table_match(table_bucket_at(word, behind(home, *away, n)), 0);
        if (empty)
            return (uint32_t)__builtin_ctz(empty);
    }
    while (*away > 0) {
        uint32_t slot = push_out(t, word, behind(home, --*away, n), MOVES_MAX);
        if (slot < TABLE_SLOTS)
            return slot;
    }
    return TABLE_SLOTS;
}

/* Puts an entry into its home bucket or one of the neighbours; if all are full, pushes others further. False if there
 * is no room. */
static inline bool segment_put(struct table *t, uint64_t word, uint32_t fraction, uint8_t tag, const void *entry,
                               struct table_place *place)
{
    uint32_t home = table_home(fraction, table_buckets(word)), away = 0, slot;
    struct table_bucket *b = table_bucket_at(word, home);
    uint32_t empty = table_match(b, 0);
    if (empty) {
        slot = (uint32_t)__builtin_ctz(empty);
    } else {
        slot = make_room(t, word, home, &away);
        if (slot == TABLE_SLOTS)
            return false;
        note_away(b, away);
        b = table_bucket_at(word, behind(home, away, table_buckets(word)));
    }
    table_before_change(t, b);
    fill_slot(b, slot, fraction, away, tag, entry);
    *place = (struct table_place){b, slot};
    return true;
}

static uint32_t segment_count(uint64_t word)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < table_buckets(word); i++)
        count += TABLE_SLOTS - (uint32_t)__builtin_popcount(table_match(table_bucket_at(word, i), 0));
    return count;
}

/* ---- Entries that no segment had room for ---- */

static struct table_place spill_put(struct table *t, uint64_t hash, const void *entry)
{
    uint32_t i = 0, empty = 0;
    for (; i < t->spill_buckets && !(empty = table_match(&t->spill[i], 0)); i++)
        ;
    if (!empty) {
        uint32_t grown = t->spill_buckets ? t->spill_buckets * 2 : 1;
        struct table_bucket *spill = mem_alloc_aligned(t->account, sizeof *spill, grown * sizeof *spill);
        memset(spill, 0, grown * sizeof *spill);
        if (t->spill_buckets)
            memcpy(spill, t->spill, t->spill_buckets * sizeof *spill);
        for (uint32_t k = t->spill_buckets; k < grown; k++)
            spill[k].flags = t->epoch;
        mem_free(t->account, t->spill);
        t->spill = spill;
        t->spill_buckets = grown;
        empty = table_match(&spill[i], 0);
    }
    uint32_t slot = (uint32_t)__builtin_ctz(empty);
    table_before_change(t, &t->spill[i]);
    fill_slot(&t->spill[i], slot, table_fraction(hash, 0), 0, table_tag(hash), entry);
    t->spill_size++;
    return (struct table_place){&t->spill[i], slot};
}

static bool in_spill(const struct table *t, const struct table_bucket *b)
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

/* ---- The directory ---- */

static uint64_t sub_word(const uint64_t *sub, uint32_t depth)
{
    return TABLE_SUB | (uint64_t)depth << 56 | (uint64_t)(uintptr_t)sub;
}

static uint64_t *sub_of(uint64_t word) { return (uint64_t *)(uintptr_t)(word & TABLE_POINTER_MASK); }
static uint32_t sub_depth(uint64_t word) { return word >> 56 & 63; }

static uint64_t *doubled(struct table *t, const uint64_t *words, uint32_t depth)
{
    uint64_t *new = mem_alloc(t->account, sizeof *new << (depth + 1));
    for (uint64_t i = 0; i < UINT64_C(2) << depth; i++)
        new[i] = words[i / 2];
    return new;
}

/* Makes the directory deep enough at hash for segments of that depth. */
static void directory_deepen(struct table *t, uint64_t hash, uint32_t depth)
{
    while (t->root_depth < depth && t->root_depth < TABLE_ROOT_DEPTH_MAX) {
        uint64_t *root = doubled(t, t->root, t->root_depth);
        if (t->root != &t->first)
            mem_free(t->account, t->root);
        t->root = root;
        t->root_depth++;
    }
    if (depth <= TABLE_ROOT_DEPTH_MAX)
        return;
    uint64_t *word = &t->root[hash >> (64 - TABLE_ROOT_DEPTH_MAX)];
    if (!(*word & TABLE_SUB)) {
        uint64_t *sub = doubled(t, word, 0);
        *word = sub_word(sub, 1);
    }
    while (sub_depth(*word) < depth - TABLE_ROOT_DEPTH_MAX) {
        uint64_t *sub = doubled(t, sub_of(*word), sub_depth(*word));
        mem_free(t->account, sub_of(*word));
        *word = sub_word(sub, sub_depth(*word) + 1);
    }
}

/* Writes value to all words of the prefix that the first depth bits of hash are. */
static void directory_set(struct table *t, uint64_t hash, uint32_t depth, uint64_t value)
{
    uint64_t *words = t->root, prefix = hash >> 1 >> (63 - depth);
    uint32_t level = t->root_depth;
    uint64_t word = level == TABLE_ROOT_DEPTH_MAX ? t->root[hash >> (64 - TABLE_ROOT_DEPTH_MAX)] : 0;
    if (depth >= TABLE_ROOT_DEPTH_MAX && word & TABLE_SUB) {
        words = sub_of(word);
        level = sub_depth(word);
        depth -= TABLE_ROOT_DEPTH_MAX;
        prefix = low_bits(prefix, depth);
    }
    uint64_t span = UINT64_C(1) << (level - depth);
    for (uint64_t i = prefix * span; i < (prefix + 1) * span; i++)
        words[i] = value;
}

/* Whether some segment needs all bits of these words. */
static bool needs_depth(const uint64_t *words, uint32_t depth, uint32_t above)
{
    for (uint64_t i = 0; i < UINT64_C(1) << depth; i++)
        if (words[i] & TABLE_SUB || table_depth(words[i]) == above + depth)
            return true;
    return false;
}

static uint64_t *halved(struct table *t, const uint64_t *words, uint32_t depth)
{
    uint64_t *new = mem_alloc(t->account, sizeof *new << (depth - 1));
    for (uint64_t i = 0; i < UINT64_C(1) << (depth - 1); i++)
        new[i] = words[i * 2];
    return new;
}

/* After a merge at hash: gives words back that no segment needs any more. */
static void directory_shrink(struct table *t, uint64_t hash)
{
    if (t->root_depth == TABLE_ROOT_DEPTH_MAX) {
        uint64_t *word = &t->root[hash >> (64 - TABLE_ROOT_DEPTH_MAX)];
        while (*word & TABLE_SUB && !needs_depth(sub_of(*word), sub_depth(*word), TABLE_ROOT_DEPTH_MAX)) {
            uint64_t *old = sub_of(*word);
            uint32_t depth = sub_depth(*word);
            *word = depth == 1 ? old[0] : sub_word(halved(t, old, depth), depth - 1);
            mem_free(t->account, old);
        }
    }
    while (t->root_depth > 0 && !needs_depth(t->root, t->root_depth, 0)) {
        uint64_t *old = t->root;
        if (t->root_depth == 1) {
            t->first = old[0];
            t->root = &t->first;
        } else {
            t->root = halved(t, old, t->root_depth);
        }
        t->root_depth--;
        mem_free(t->account, old);
    }
}

/* ---- Growing, splitting, shrinking, merging ---- */

/* What is taken out of segments to be laid out anew. slot: fraction and pointer as in a bucket. */
struct gathered {
    uint32_t count;
    uint64_t slot[SEGMENT_ENTRIES_MAX];
    uint8_t tag[SEGMENT_ENTRIES_MAX];
};

/* Adds all entries of a segment, which is to be laid out anew; before that, a snapshot is shown them. */
static void gather(struct table *t, uint64_t word, struct gathered *g)
{
    for (uint32_t i = 0; i < table_buckets(word); i++) {
        struct table_bucket *b = table_bucket_at(word, i);
        table_before_change(t, b);
        for (uint32_t used = ~table_match(b, 0) & 0x7f; used; used &= used - 1) {
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
        prefetch_line(table_slot_entry(g->slot[i]));
    for (uint32_t i = 0; i < g->count; i++) {
        void *entry = table_slot_entry(g->slot[i]);
        g->slot[i] = (uint64_t)(uintptr_t)entry | (uint64_t)table_fraction(t->hash(t->hash_arg, entry), depth)
                                                      << (64 - TABLE_FRACTION_BITS);
    }
}

/* Fewest chunks that a segment of count entries is made with, so that it need not grow again at once. */
static uint32_t chunks_for(uint32_t count, uint32_t min)
{
    uint32_t n = min;
    while (n < TABLE_SEGMENT_CHUNKS_MAX && count * 100 > n * TABLE_CHUNK_BUCKETS * TABLE_SLOTS * 92)
        n++;
    return n;
}

/* Puts all of g into an empty segment. What finds no room goes to the spill if it is of the largest size; else it is
 * false at the first of these. */
static bool fill(struct table *t, const struct gathered *g, uint64_t word)
{
    struct table_place place;
    for (uint32_t i = 0; i < g->count; i++) {
        void *entry = table_slot_entry(g->slot[i]);
        if (segment_put(t, word, (uint32_t)(g->slot[i] >> (64 - TABLE_FRACTION_BITS)), g->tag[i], entry, &place))
            continue;
        if (chunks_of(word) < TABLE_SEGMENT_CHUNKS_MAX)
            return false;
        spill_put(t, t->hash(t->hash_arg, entry), entry);
    }
    return true;
}

/* Lays g out anew in a segment, of at least so many chunks, and enters that in the directory at this depth. */
static void lay_out(struct table *t, const struct gathered *g, uint64_t word, uint64_t hash, uint32_t depth,
                    uint32_t chunks)
{
    do
        word = segment_clear(t, word, chunks++);
    while (!fill(t, g, word));
    directory_set(t, hash, depth, segment_word(table_segment(word), chunks_of(word), depth));
    if (depth > t->depth_seen)
        t->depth_seen = (uint8_t)depth;
}

static void split(struct table *t, uint64_t hash, uint64_t word)
{
    uint32_t depth = table_depth(word);
    directory_deepen(t, hash, depth + 1);
    struct gathered g, side;
    g.count = side.count = 0;
    gather(t, word, &g);
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
    lay_out(t, &g, word, hash & ~bit, depth + 1, chunks_for(g.count, SPLIT_CHUNKS));
    lay_out(t, &side, segment_create(t, 0, depth + 1), hash | bit, depth + 1, chunks_for(side.count, SPLIT_CHUNKS));
}

/* Makes room around hash. False if the segment there can neither grow nor split. */
static bool grow(struct table *t, uint64_t hash)
{
    uint64_t word = *table_word(t, hash);
    uint32_t depth = table_depth(word);
    if (chunks_of(word) < TABLE_SEGMENT_CHUNKS_MAX) {
        struct gathered g;
        g.count = 0;
        gather(t, word, &g);
        lay_out(t, &g, word, hash, depth, chunks_of(word) + 1);
        return true;
    }
    if (depth == TABLE_DEPTH_MAX)
        return false;
    split(t, hash, word);
    return true;
}

static bool merge(struct table *t, uint64_t hash, uint64_t word)
{
    uint32_t depth = table_depth(word);
    if (depth == 0)
        return false;
    uint64_t bit = UINT64_C(1) << (64 - depth), other = *table_word(t, hash ^ bit);
    if (table_depth(other) != depth)
        return false;
    uint32_t count = segment_count(word) + segment_count(other);
    if (count * 10 > TABLE_SEGMENT_BUCKETS_MAX * TABLE_SLOTS * 6)
        return false;
    struct gathered g;
    g.count = 0;
    gather(t, word, &g);
    gather(t, other, &g);
    renew_fractions(t, &g, depth - 1);
    segment_destroy(t, other);
    lay_out(t, &g, word, hash & ~bit, depth - 1, chunks_for(count + count / 4, 1));
    directory_shrink(t, hash & ~bit);
    return true;
}

bool table_shrink_step(struct table *t)
{
    uint64_t hash = t->shrink_position << (64 - TABLE_POSITION_BITS), word = *table_word(t, hash);
    uint32_t depth = table_depth(word), count = segment_count(word), n = chunks_of(word);
    hash = depth ? hash >> (64 - depth) << (64 - depth) : 0;
    if (!merge(t, hash, word)) {
        uint32_t fewer = chunks_for(count + count / 4, 1);
        if (fewer < n && count * 2 < n * TABLE_CHUNK_BUCKETS * TABLE_SLOTS) {
            struct gathered g;
            g.count = 0;
            gather(t, word, &g);
            lay_out(t, &g, word, hash, depth, fewer);
        }
    }
    word = *table_word(t, hash);
    depth = table_depth(word);
    uint64_t next = (hash >> (64 - TABLE_POSITION_BITS)) + (UINT64_C(1) << (TABLE_POSITION_BITS - depth));
    t->shrink_position = low_bits(next, TABLE_POSITION_BITS) & ~((UINT64_C(1) << (TABLE_POSITION_BITS - depth)) - 1);
    return t->shrink_position != 0;
}

/* ---- Single entries ---- */

void table_init(struct table *t, struct mem_account *account, table_hash *hash, void *hash_arg)
{
    *t = (struct table){.account = account, .hash = hash, .hash_arg = hash_arg};
    t->root = &t->first;
    t->first = segment_create(t, 1, 0);
}

struct table_place table_insert(struct table *t, uint64_t hash, void *entry)
{
    t->size++;
    for (;;) {
        uint64_t word = *table_word(t, hash);
        struct table_place place;
        if (segment_put(t, word, table_fraction(hash, table_depth(word)), table_tag(hash), entry, &place))
            return place;
        if (!grow(t, hash))
            return spill_put(t, hash, entry);
    }
}

/* The furthest that an entry at home in bucket i lies away. */
static uint32_t furthest(uint64_t word, uint32_t home)
{
    for (uint32_t away = TABLE_DISPLACEMENT; away > 0; away--) {
        const struct table_bucket *b = table_bucket_at(word, behind(home, away, table_buckets(word)));
        for (uint32_t k = 0; k < TABLE_SLOTS; k++)
            if (b->tag[k] && away_of(b->slot[k]) == away)
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
    uint32_t away = away_of(p.bucket->slot[p.slot]);
    p.bucket->slot[p.slot] = 0;
    p.bucket->tag[p.slot] = 0;
    if (away == 0)
        return;
    uint64_t word = *table_word(t, hash);
    uint32_t home = table_home(table_fraction(hash, table_depth(word)), table_buckets(word));
    struct table_bucket *b = table_bucket_at(word, home);
    if (away == (b->flags & TABLE_DISPLACEMENT))
        b->flags = (uint8_t)((b->flags & ~TABLE_DISPLACEMENT) | furthest(word, home));
}

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
        for (uint32_t k = 0; k < TABLE_SLOTS; k++)
            if (t->spill[i].tag[k]) {
                void *entry = table_slot_entry(t->spill[i].slot[k]);
                uint64_t at = t->hash(t->hash_arg, entry) >> (64 - TABLE_POSITION_BITS);
                if (at >= part.from && at < part.to)
                    visit(arg, entry);
            }
}

uint64_t table_scan(const struct table *t, uint64_t position, table_visit *visit, void *arg)
{
    position = low_bits(position, TABLE_POSITION_BITS);
    uint64_t hash = position << (64 - TABLE_POSITION_BITS), word = *table_word(t, hash);
    uint32_t n = table_buckets(word), depth = table_depth(word), home = table_home(table_fraction(hash, depth), n);
    uint32_t reach = table_bucket_at(word, home)->flags & TABLE_DISPLACEMENT;
    for (uint32_t away = 0; away <= reach; away++) {
        const struct table_bucket *b = table_bucket_at(word, behind(home, away, n));
        for (uint32_t k = 0; k < TABLE_SLOTS; k++)
            if (b->tag[k] && away_of(b->slot[k]) == away)
                visit(arg, table_slot_entry(b->slot[k]));
    }
    struct boundary part = bucket_interval(position, depth, n, home);
    if (t->spill)
        scan_spill(t, part, visit, arg);
    return low_bits(part.to, TABLE_POSITION_BITS);
}

/* A slot is hit with a probability of 1 / (2^depth * buckets * 7) of its segment; accepting it in proportion to
 * 2^depth * buckets makes all alike. */
static void *random_try(const struct table *t, uint64_t r, uint64_t accept, struct table_place *place)
{
    uint64_t word = *table_word(t, r);
    uint32_t n = table_buckets(word), depth = table_depth(word);
    uint64_t weight = (uint64_t)n << depth, bound = (uint64_t)TABLE_SEGMENT_BUCKETS_MAX << t->depth_seen;
    struct table_bucket *b = table_bucket_at(word, (uint32_t)((accept >> 40) * n >> 24));
    uint32_t slot = (uint32_t)((r & 0xffff) * TABLE_SLOTS >> 16);
    if (!b->tag[slot] || (uint64_t)(((unsigned __int128)(accept & 0xffffffff) * bound) >> 32) >= weight)
        return NULL;
    *place = (struct table_place){b, slot};
    return table_at(*place);
}

static void *random_spilled(const struct table *t, uint64_t i, struct table_place *place)
{
    for (uint32_t b = 0; b < t->spill_buckets; b++)
        for (uint32_t k = 0; k < TABLE_SLOTS; k++)
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
        uint64_t word = *table_word(t, hash);
        uint32_t depth = table_depth(word);
        for (uint32_t i = 0; i < table_buckets(word); i++) {
            struct table_bucket *b = table_bucket_at(word, i);
            uint32_t used = ~table_match(b, 0) & 0x7f;
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

void table_give_preimage(struct table *t, struct table_bucket *b)
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
    uint64_t word = *table_word(t, position << (64 - TABLE_POSITION_BITS));
    for (uint32_t i = 0; i < table_buckets(word); i++)
        table_before_change(t, table_bucket_at(word, i));
    uint32_t below = TABLE_POSITION_BITS - table_depth(word);
    return low_bits(((position >> below) + 1) << below, TABLE_POSITION_BITS);
}

/* ---- Taking down ---- */

bool table_clear_step(struct table *t, table_visit *visit, void *arg)
{
    if (t->clear_position >> TABLE_POSITION_BITS)
        return false;
    if (t->clear_position == 0)
        for (uint32_t i = 0; i < t->spill_buckets; i++)
            for (uint32_t k = 0; k < TABLE_SLOTS; k++)
                if (t->spill[i].tag[k])
                    visit(arg, table_slot_entry(t->spill[i].slot[k]));
    uint64_t word = *table_word(t, t->clear_position << (64 - TABLE_POSITION_BITS));
    for (uint32_t i = 0; i < table_buckets(word); i++) {
        const struct table_bucket *b = table_bucket_at(word, i);
        for (uint32_t k = 0; k < TABLE_SLOTS; k++)
            if (b->tag[k])
                visit(arg, table_slot_entry(b->slot[k]));
    }
    segment_destroy(t, word);
    t->clear_position += UINT64_C(1) << (TABLE_POSITION_BITS - table_depth(word));
    return !(t->clear_position >> TABLE_POSITION_BITS);
}

static void keep_entry(void *arg, void *entry) {}

void table_deinit(struct table *t)
{
    while (table_clear_step(t, keep_entry, NULL))
        ;
    for (uint64_t i = 0; i < UINT64_C(1) << t->root_depth; i++)
        if (t->root[i] & TABLE_SUB)
            mem_free(t->account, sub_of(t->root[i]));
    if (t->root != &t->first)
        mem_free(t->account, t->root);
    mem_free(t->account, t->spill);
    *t = (struct table){.account = NULL};
}
