/* What goes through whole databases, a step at a time: SCAN, RANDOMKEY, snapshots, flushing and what is left behind. */
#include "shard/database.h"
#include "src/base/assert.h"

/* ---- Scanning ---- */

struct scan {
    const struct keyspace *keyspace;
    keyspace_visit *visit;
    void *arg;
    uint32_t seen;
};

static void scan_entry(void *arg, void *entry)
{
    struct scan *s = arg;
    if (entry_is_expired(s->keyspace, entry))
        return;
    s->seen++;
    s->visit(s->arg, entry);
}

uint64_t keyspace_scan(struct keyspace *ks, uint32_t db, uint64_t position, uint32_t count, uint32_t buckets_max,
                       keyspace_visit *fn, void *arg)
{
    struct database *d = database_of(ks, db);
    struct scan s = {ks, fn, arg, 0};
    if (!d)
        return 0;
    for (uint32_t i = 0; i < buckets_max && s.seen < count; i++) {
        position = table_scan(&d->table, position, scan_entry, &s);
        if (position == 0)
            break;
    }
    return position;
}

struct place keyspace_random(struct keyspace *ks, uint32_t db, uint64_t (*random)(void *), void *arg)
{
    enum { EXPIRED_MAX = 100 };
    struct database *d = database_of(ks, db);
    struct table_place at;
    for (int i = 0; d && i < EXPIRED_MAX; i++) {
        struct entry *e = table_random(&d->table, random, arg, &at);
        if (!e)
            break;
        if (!entry_is_expired(ks, e))
            return (struct place){.entry = e, .bucket = at.bucket, .slot = at.slot, .db = db};
        if (!keyspace_keeps_expired(ks))
            database_expire(d, at, database_hash(ks, e));
    }
    return (struct place){.db = db};
}

/* ---- Snapshots ---- */

static void give_bucket(void *arg, struct bucket *b)
{
    struct database *d = arg;
    struct keyspace *ks = d->keyspace;
    for (uint32_t i = 0; ks->preimage && i < BUCKET_SLOTS; i++)
        if (b->tag[i])
            ks->preimage(ks->preimage_arg, d->id, bucket_entry(b->slot[i]));
}

void keyspace_start_epoch(struct keyspace *ks, keyspace_preimage *fn, keyspace_range_preimage *range_fn, void *arg)
{
    ASSERT(keyspace_epoch_is_over(ks));
    ks->preimage = fn;
    ks->range_preimage = range_fn;
    ks->preimage_arg = arg;
    ks->epoch_from = 0;
    for (struct database *d = database_from(ks, 0); d; d = database_from(ks, d->id + 1)) {
        table_start_epoch(&d->table, give_bucket, d);
        d->epoch_open = true;
        d->epoch_position = 0;
    }
}

static void walk_on(struct database *d)
{
    d->epoch_position = table_epoch_step(&d->table, d->epoch_position);
    d->epoch_open = d->epoch_position != 0;
}

bool keyspace_epoch_step(struct keyspace *ks)
{
    for (struct database *d = database_from(ks, ks->epoch_from); d; d = database_from(ks, d->id + 1)) {
        ks->epoch_from = d->id;
        if (d->epoch_open) {
            walk_on(d);
            return true;
        }
    }
    ks->epoch_from = DATABASE_NONE;
    return false;
}

bool keyspace_epoch_is_over(const struct keyspace *ks)
{
    for (const struct database *d = database_from(ks, ks->epoch_from); d; d = database_from(ks, d->id + 1))
        if (d->epoch_open)
            return false;
    return true;
}

void keyspace_end_epoch(struct keyspace *ks)
{
    ASSERT(ks->followed == 0);
    ks->preimage = NULL;
}

void walk_settle(struct database *d)
{
    while (d->epoch_open)
        walk_on(d);
}

/* ---- Strings that a snapshot reads while they change ---- */

struct blob *keyspace_follow(struct keyspace *ks, const struct entry *e)
{
    struct blob *b = entry_blob(e);
    /* If others hold it too it never changes. So it is never followed twice, though two keys may share it. */
    if (b->len > BLOB_RANGE_BYTES && blob_is_exclusive(b)) {
        b->ranges = (uint32_t)((b->len + BLOB_RANGE_BYTES - 1) / BLOB_RANGE_BYTES);
        b->range_epochs = mem_zalloc(ks->account, b->ranges);
        atomic_store_explicit(&b->followed_by, ks, memory_order_relaxed);
        ks->followed++;
    }
    return blob_hold(b);
}

static struct slice range_at(const struct blob *b, size_t offset)
{
    size_t rest = b->len - offset;
    return slice_of(b->data + offset, rest < BLOB_RANGE_BYTES ? rest : BLOB_RANGE_BYTES);
}

static bool is_followed_by(const struct blob *b, const struct keyspace *ks)
{
    return atomic_load_explicit(&((struct blob *)b)->followed_by, memory_order_relaxed) == ks;
}

/* A last range that only grows is given as well, so that the snapshot finds it as long as it was. */
bool walk_give_ranges(struct keyspace *ks, struct blob *b, size_t from, size_t to)
{
    if (!is_followed_by(b, ks) || blob_refs(b) != 2)
        return false;
    for (size_t at = from - from % BLOB_RANGE_BYTES; at < to && at / BLOB_RANGE_BYTES < b->ranges;
         at += BLOB_RANGE_BYTES) {
        struct slice bytes = keyspace_followed_range(ks, b, at);
        if (bytes.ptr)
            ks->range_preimage(ks->preimage_arg, b, at, bytes);
    }
    return true;
}

struct slice keyspace_followed_range(struct keyspace *ks, struct blob *b, size_t offset)
{
    if (is_followed_by(b, ks)) {
        if (b->range_epochs[offset / BLOB_RANGE_BYTES])
            return slice_of(NULL, 0);
        b->range_epochs[offset / BLOB_RANGE_BYTES] = 1;
    }
    return range_at(b, offset);
}

void keyspace_unfollow(struct keyspace *ks, struct blob *b)
{
    if (is_followed_by(b, ks)) {
        atomic_store_explicit(&b->followed_by, NULL, memory_order_relaxed);
        mem_free(ks->account, b->range_epochs);
        b->range_epochs = NULL;
        ks->followed--;
    }
    blob_release(b);
}

/* ---- Flushing and freeing ---- */

static void free_entry(void *arg, void *entry) { entry_destroy(arg, entry); }

static bool has_garbage(const struct keyspace *ks) { return ks->values.garbage || ks->garbage; }

/* Frees some of the garbage; of a database only when there are no values, so that those do not pile up. */
static void free_some(struct keyspace *ks)
{
    if (ks->values.garbage) {
        value_free_step(&ks->values);
        return;
    }
    struct database *d = ks->garbage;
    if (table_clear_step(&d->table, free_entry, &ks->values))
        return;
    if (d->wheel && wheel_drop_step(d->wheel))
        return;
    ks->garbage = d->next;
    table_deinit(&d->table);
    mem_free(ks->account, d->wheel);
    mem_free(ks->account, d);
}

uint64_t keyspace_flush(struct keyspace *ks, uint32_t db, bool sync)
{
    struct database *d = database_of(ks, db);
    if (!d)
        return 0;
    walk_settle(d);
    uint64_t size = d->table.size;
    database_detach(ks, d);
    d->next = ks->garbage;
    ks->garbage = d;
    while (sync && has_garbage(ks))
        free_some(ks);
    return size;
}

/* Merges segments of tables that are mostly empty. */
static void shrink_some(struct keyspace *ks)
{
    for (struct database *d = database_from(ks, 0); d; d = database_from(ks, d->id + 1))
        if (table_is_sparse(&d->table)) {
            table_shrink_step(&d->table);
            return;
        }
    ks->sparse = false;
}

bool keyspace_free_step(struct keyspace *ks, uint32_t budget)
{
    /* A step handles a segment at most. */
    for (uint32_t done = 0; done < budget; done += SEGMENT_BUCKETS_MAX * BUCKET_SLOTS / 2) {
        if (has_garbage(ks))
            free_some(ks);
        else if (ks->sparse)
            shrink_some(ks);
        else if (ks->preimage || !keyspace_epoch_step(ks))
            return false;
    }
    return true;
}
