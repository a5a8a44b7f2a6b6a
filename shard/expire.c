/* The expiry index of a database: a wheel of hashes. It is lazy. A key has a reference that comes no later than its
 * deadline; a deadline that moves later, or goes, leaves the reference where it is, and when it comes it is looked at:
 * the key is expired, or filed again, or the reference was stale and is dropped. So a loop of EXPIRE on one key costs
 * nothing, and live keys are never scanned.
 *
 * Keys that are deleted and made again leave stale references behind. When there are far more references than keys with
 * an expiry a sweep looks at all of them, in slices. One reference a key is enough: ENTRY_SWEPT says whether the sweep
 * has met one already. Outside of sweeps every entry with a reference has the bit equal to the database's.
 *
 * A wheel only turns forward. When the wall clock is set back a sweep files everything anew by the new time; the jump
 * is noticed where the keyspace is told the time. */
#include "shard/database.h"
#include "src/base/hash.h"

enum { REFERENCES_SLACK = 4096, REFERENCES_PER_KEY = 4, BATCH = 16 };

/* What a deadline adds to ttl_sum: bounded, so that the sum of very many cannot overflow. */
static uint64_t ttl_share(const struct keyspace *ks, int64_t deadline_ms)
{
    const int64_t max = INT64_C(1) << 36, created = atomic_load_explicit(&ks->created, memory_order_relaxed);
    if (deadline_ms < created)
        return 0;
    int64_t share = (deadline_ms - created) >> 4;
    return (uint64_t)(share < max ? share : max);
}

void expire_time_set(struct keyspace *ks, int64_t now_ms)
{
    if (now_ms >= ks->latest) {
        ks->latest = now_ms;
    } else if (now_ms < ks->latest - 2 * WHEEL_LATE_MS) {
        ks->latest = now_ms;
        ks->expire_at = 0; /* the step finds which wheels are ahead */
    }
}

static void expire_by(struct keyspace *ks, int64_t ms)
{
    if (ms < ks->expire_at)
        ks->expire_at = ms;
}

static bool needs_sweep(const struct database *d)
{
    uint64_t expires = atomic_load_explicit(&d->numbers->expires, memory_order_relaxed);
    return d->wheel->count > REFERENCES_PER_KEY * expires + REFERENCES_SLACK ||
           wheel_is_ahead(d->wheel, keyspace_now_ms(d->keyspace));
}

static void file(struct database *d, struct entry *e, uint64_t hash, int64_t deadline_ms)
{
    struct keyspace *ks = d->keyspace;
    if (!d->wheel) {
        d->wheel = mem_alloc(ks->account, sizeof *d->wheel);
        wheel_init(d->wheel, ks->account, keyspace_now_ms(ks));
    }
    e->flags = (uint8_t)((e->flags & ~ENTRY_SWEPT) | d->sweep);
    expire_by(ks, wheel_add(d->wheel, hash, deadline_ms, keyspace_now_ms(ks)));
}

void expire_changed(struct database *d, struct entry *e, uint64_t hash, int64_t before, int64_t after)
{
    if (before != EXPIRY_NONE) {
        counter_add(&d->numbers->expires, (uint64_t)-1);
        counter_add(&d->numbers->ttl_sum, -ttl_share(d->keyspace, before));
    }
    if (after != EXPIRY_NONE) {
        counter_add(&d->numbers->expires, 1);
        counter_add(&d->numbers->ttl_sum, ttl_share(d->keyspace, after));
        if (before == EXPIRY_NONE || after < before)
            file(d, e, hash, after);
    }
    if (d->wheel && needs_sweep(d))
        expire_by(d->keyspace, 0);
}

int64_t keyspace_avg_ttl_ms(const struct keyspace *ks, uint32_t db)
{
    const struct database_numbers *n = database_numbers_of(ks, db);
    uint64_t expires = n ? atomic_load_explicit(&n->expires, memory_order_relaxed) : 0;
    if (expires == 0)
        return 0;
    /* The two may be of different moments; a wild result is better hidden. */
    int64_t average = (int64_t)(atomic_load_explicit(&n->ttl_sum, memory_order_relaxed) / expires) * 16;
    int64_t left = average + atomic_load_explicit(&ks->created, memory_order_relaxed) - keyspace_now_ms(ks);
    return left > 0 ? left : 0;
}

/* The entry with this hash that has an expiry. Not quite enough to name a key, but what is done with it depends on its
 * own deadline alone. */
struct wanted {
    const struct keyspace *keyspace;
    uint64_t hash;
};

static bool is_wanted(const void *key, const void *entry)
{
    const struct wanted *w = key;
    return entry_has_expiry(entry) && database_hash((void *)w->keyspace, entry) == w->hash;
}

static void look(struct database *d, uint64_t hash)
{
    struct keyspace *ks = d->keyspace;
    struct table_place place;
    struct entry *e = table_find(&d->table, hash, is_wanted, &(struct wanted){ks, hash}, &place);
    if (!e)
        return;
    if (entry_is_expired(ks, e))
        database_expire(d, place, hash);
    else if (!d->wheel->sweeping || (e->flags & ENTRY_SWEPT) != d->sweep)
        file(d, e, hash, entry_expiry_ms(e));
}

/* A stale reference of a sweep must not be told from a good one by its flag before the sweep begins: the last batch of
 * what was pending is done first, see wheel_sweep. */
static void sweep_if_stale(struct database *d)
{
    if (d->wheel->sweeping || d->wheel->pending || !needs_sweep(d))
        return;
    wheel_sweep(d->wheel, keyspace_now_ms(d->keyspace));
    d->sweep ^= ENTRY_SWEPT;
}

/* Returns how many references it looked at. */
static uint32_t database_expire_step(struct database *d, uint32_t budget)
{
    uint32_t done = 0;
    while (done < budget) {
        uint64_t hash[BATCH];
        uint32_t n = 0;
        struct lookahead ahead;
        ahead.n = 0;
        sweep_if_stale(d);
        while (n < BATCH && wheel_take(d->wheel, keyspace_now_ms(d->keyspace), &hash[n])) {
            table_look_ahead(&d->table, hash[n++], &ahead);
            if (!d->wheel->pending)
                break; /* one slot at a time: the next one is another sweep's, or nobody's */
        }
        lookahead_end(&ahead);
        for (uint32_t i = 0; i < n; i++)
            look(d, hash[i]);
        done += n;
        if (n == 0)
            break;
    }
    return done;
}

/* Databases [first, end), as far as *budget allows; false if it is used up. */
static bool expire_databases(struct keyspace *ks, uint32_t first, uint32_t end, uint32_t *budget)
{
    for (struct database *d = database_from(ks, first); d && d->id < end; d = database_from(ks, d->id + 1)) {
        if (!d->wheel)
            continue;
        uint32_t done = database_expire_step(d, *budget);
        if (done >= *budget) {
            ks->expire_db = d->id;
            expire_by(ks, 0);
            return false;
        }
        *budget -= done;
        expire_by(ks, wheel_next_ms(d->wheel));
    }
    return true;
}

/* Goes on where the last step stopped, and once around. */
bool keyspace_expire_step(struct keyspace *ks, uint32_t budget)
{
    uint32_t first = ks->expire_db;
    if (keyspace_keeps_expired(ks) || ks->loading)
        return false;
    ks->expire_at = INT64_MAX;
    if (expire_databases(ks, first, DATABASE_NONE, &budget))
        expire_databases(ks, 0, first, &budget);
    return ks->expire_at <= keyspace_now_ms(ks);
}

int64_t keyspace_next_expiry_ms(const struct keyspace *ks) { return ks->expire_at; }
