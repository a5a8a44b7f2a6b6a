/* The inside of a keyspace, for the files that implement shard/keyspace.h: keyspace.c (entries), expire.c, walk.c
 * (scanning, snapshots, freeing). Nobody else includes it. */
#ifndef SKUA_SHARD_DATABASE_H
#define SKUA_SHARD_DATABASE_H

#include "shard/ds/idset.h"
#include "shard/ds/table.h"
#include "shard/ds/wheel.h"
#include "shard/entry.h"
#include "shard/keyspace.h"

/* What other threads may read of a database. Lies in the page, so that it stays when the database is flushed. */
struct database_numbers {
    _Atomic uint64_t size, expires;
    _Atomic uint64_t ttl_sum; /* of the shares of all deadlines, see expire.c */
};

/* One database, made when it gets its first key. */
struct database {
    struct table table;
    struct wheel *wheel; /* NULL until a key gets an expiry */
    struct database_numbers *numbers;
    uint8_t sweep; /* 0 or ENTRY_SWEPT: what entries with a reference have when no sweep runs */
    uint32_t id;
    bool epoch_open;         /* not all buckets have been seen by the snapshot yet */
    uint64_t epoch_position; /* those before it have */
    struct keyspace *keyspace;
    struct database *next; /* of the garbage */
};

enum { DATABASES_PER_PAGE = 64 };

struct database_page {
    struct database *database[DATABASES_PER_PAGE];
    struct database_numbers numbers[DATABASES_PER_PAGE];
    struct database_page *next; /* of all that the keyspace has */
};

struct keyspace {
    struct mem_account *account;
    uint64_t seed;
    struct value_home values;
    _Atomic int64_t now, created; /* ms; others read them for INFO */
    uint32_t clock;               /* now in seconds, as entries have it */
    _Atomic int64_t keep_until;   /* ms; set while others may hold the shard */
    bool no_touch, loading;
    _Atomic(struct database_page *) *page; /* zeroed address space until used */
    struct database_page *pages;
    struct idset used; /* the databases that there are */
    struct keyspace_stats stats;
    keyspace_expired *expired;
    void *expired_arg;
    int64_t expire_at;        /* ms; no expiry step has work before. INT64_MAX: none has */
    int64_t latest;           /* ms; the wheels have turned no further */
    uint32_t expire_db;       /* with which the next step begins */
    bool sparse;              /* some table may be worth shrinking */
    struct database *garbage; /* flushed, to be freed in slices */
    /* The running or ending snapshot. */
    keyspace_preimage *preimage; /* NULL: none, or it has ended */
    keyspace_range_preimage *range_preimage;
    void *preimage_arg;
    uint32_t epoch_from; /* databases before it have been walked */
    uint32_t followed;   /* blobs */
};

/* NULL if it has no keys. Owner only. */
static inline struct database *database_of(const struct keyspace *ks, uint32_t db)
{
    struct database_page *page = atomic_load_explicit(&ks->page[db / DATABASES_PER_PAGE], memory_order_acquire);
    return page ? page->database[db % DATABASES_PER_PAGE] : NULL;
}

/* The lowest that there is from db on, or NULL. Owner only. */
static inline struct database *database_from(const struct keyspace *ks, uint32_t db)
{
    db = idset_next(&ks->used, db);
    return db == IDSET_NONE ? NULL : database_of(ks, db);
}

/* NULL if it has never had a key. Any thread. */
static inline const struct database_numbers *database_numbers_of(const struct keyspace *ks, uint32_t db)
{
    struct database_page *page = atomic_load_explicit(&ks->page[db / DATABASES_PER_PAGE], memory_order_acquire);
    return page ? &page->numbers[db % DATABASES_PER_PAGE] : NULL;
}

static inline void counter_add(_Atomic uint64_t *counter, uint64_t delta)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + delta, memory_order_relaxed);
}

/* Takes it out of the keyspace; the caller owns it. */
void database_detach(struct keyspace *ks, struct database *d);

/* Notes that the entry got deadline after in place of before; either may be EXPIRY_NONE. */
void expire_changed(struct database *d, struct entry *e, uint64_t hash, int64_t before, int64_t after);

/* The time is now_ms from now on. */
void expire_time_set(struct keyspace *ks, int64_t now_ms);

/* Takes an entry out of its table and frees it. */
void database_remove(struct database *d, struct table_place place, uint64_t hash);
/* Tells the owner, counts and removes. */
void database_expire(struct database *d, struct table_place place, uint64_t hash);

uint64_t database_hash(void *keyspace, const void *entry);

/* A snapshot is given everything of d that it has not seen. */
void walk_settle(struct database *d);

/* Before bytes [from, to) of an entry's blob change: a snapshot that follows it is given those of their ranges that it
 * has not seen. False if anybody else holds the blob, which must not change then. */
bool walk_give_ranges(struct keyspace *ks, struct blob *b, size_t from, size_t to);

static inline int64_t keyspace_now_ms(const struct keyspace *ks)
{
    return atomic_load_explicit(&ks->now, memory_order_relaxed);
}

static inline bool entry_is_expired(const struct keyspace *ks, const struct entry *e)
{
    return entry_has_expiry(e) && keyspace_now_ms(ks) > entry_expiry_ms(e) && !ks->loading;
}

#endif
