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

static void give_bucket(void *arg, struct table_bucket *b)
{
    struct database *d = arg;
    struct keyspace *ks = d->keyspace;
    for (uint32_t i = 0; ks->preimage && i < SEGMENT_SLOTS; i++)
        if (b->tag[i])
            ks->preimage(ks->preimage_arg, d->id, table_slot_entry(b->slot[i]));
}

void keyspace_start_epoch(struct keyspace *ks, keyspace_preimage *fn, void *arg)
{
    ASSERT(keyspace_epoch_is_over(ks));
    ks->preimage = fn;
    ks->preimage_arg = arg;
    for (struct database *d = ks->first; d; d = d->next) {
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
    for (struct database *d = ks->first; d; d = d->next)
        if (d->epoch_open) {
            walk_on(d);
            return true;
        }
    return false;
}

bool keyspace_epoch_is_over(const struct keyspace *ks)
{
    for (const struct database *d = ks->first; d; d = d->next)
        if (d->epoch_open)
            return false;
    return true;
}

void keyspace_end_epoch(struct keyspace *ks) { ks->preimage = NULL; }

void walk_settle(struct database *d)
{
    while (d->epoch_open)
        walk_on(d);
}

/* ---- Flushing and freeing ---- */

static void free_entry(void *arg, void *entry) { entry_destroy(arg, entry); }

/* Frees some of the oldest garbage. */
static void free_some(struct keyspace *ks)
{
    struct database *d = ks->garbage;
    if (table_clear_step(&d->table, free_entry, ks->account))
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
    while (sync && ks->garbage)
        free_some(ks);
    return size;
}

/* Merges segments of tables that are mostly empty. */
static void shrink_some(struct keyspace *ks)
{
    for (struct database *d = ks->first; d; d = d->next)
        if (table_is_sparse(&d->table)) {
            table_shrink_step(&d->table);
            return;
        }
    ks->sparse = false;
}

bool keyspace_free_step(struct keyspace *ks, uint32_t budget)
{
    /* A step handles a segment at most. */
    for (uint32_t done = 0; done < budget; done += SEGMENT_BUCKETS_MAX * SEGMENT_SLOTS / 2) {
        if (ks->garbage)
            free_some(ks);
        else if (ks->sparse)
            shrink_some(ks);
        else if (ks->preimage || !keyspace_epoch_step(ks))
            return false;
    }
    return true;
}
