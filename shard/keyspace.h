/* The keyspace of one shard: for each database a table (shard/ds/table) of entries, their expiry index, and the memory
 * that they take. Owner: the shard's worker or the holder of its lane; nothing here locks.
 *
 * An entry is one allocation: header, key, optional expiry, and the value if it is a string of up to
 * ENTRY_INLINE_BYTES_MAX; else a pointer to it (a blob, or what shard/value.h is about). Entries move when they change
 * size, so an entry pointer is good only until the next call that changes the same key, and a struct place only until
 * the next change of the table.
 *
 * Every change of an entry, its value or a bucket passes one function, which is where a snapshot keeps the
 * old content (design section 9). */
#ifndef SKUA_SHARD_KEYSPACE_H
#define SKUA_SHARD_KEYSPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "shard/key.h"
#include "shard/value.h"
#include "src/base/blob.h"
#include "src/base/mem.h"

enum { ENTRY_INLINE_BYTES_MAX = 4096 };

#define EXPIRY_NONE   INT64_C(-1)
#define DATABASE_NONE UINT32_MAX

/* Opaque but for the accessors below, which are inline in shard/entry.h. */
struct entry;
struct keyspace;

/* Where an entry lies in its table. entry is NULL if there is none. */
struct place {
    struct entry *entry;
    void *bucket;  /* private */
    uint32_t slot; /* private */
    uint32_t db;
};

struct keyspace_stats { /* written by the owner, read by anybody with relaxed loads */
    _Atomic uint64_t hits, misses, expired, expired_stale_scans;
};

/* account counts all memory of the keyspace. databases: how many SELECT knows. hash_seed: as that of the keys' hashes.
 * Freed with keyspace_destroy. */
struct keyspace *keyspace_create(struct mem_account *account, uint32_t databases, uint64_t hash_seed);
void keyspace_destroy(struct keyspace *ks);

/* The time that expiry is judged by, wall-clock ms. Set by the executor before each group or transaction. */
void keyspace_set_time(struct keyspace *ks, int64_t now_ms);

/* A key with this hash will be looked up soon; see shard/ds/lookahead.h. */
struct lookahead;
void keyspace_look_ahead(const struct keyspace *ks, uint32_t db, uint64_t hash, struct lookahead *l);

/* The live entry of key. An expired one is deleted first (and reported to the expire callback) unless the caller only
 * peeks. keyspace_read counts hits and misses and sets the access clock (unless no_touch), keyspace_look counts but
 * leaves the clock alone (TTL, EXISTS, TYPE), keyspace_write sets it and counts nothing; keyspace_peek does neither and
 * deletes nothing. */
struct place keyspace_read(struct keyspace *ks, uint32_t db, const struct key *key);
struct place keyspace_look(struct keyspace *ks, uint32_t db, const struct key *key);
struct place keyspace_write(struct keyspace *ks, uint32_t db, const struct key *key);
struct place keyspace_peek(const struct keyspace *ks, uint32_t db, const struct key *key);
/* As keyspace_read, but sets the clock whatever no_touch says: TOUCH. */
struct place keyspace_touch(struct keyspace *ks, uint32_t db, const struct key *key);

/* Seconds since the entry was last used, by its access clock. */
uint64_t keyspace_idle_seconds(const struct keyspace *ks, const struct entry *e);
void keyspace_set_idle_seconds(struct keyspace *ks, struct entry *e, uint64_t seconds);

/* CLIENT NO-TOUCH: reads leave the access clock alone while set. */
void keyspace_set_no_touch(struct keyspace *ks, bool on);

/* CLIENT PAUSE: up to until_ms (wall clock) expired keys are not seen, but stay, unless they are in the way of a write.
 * For the shard's worker, also while the shard is lent. */
void keyspace_keep_expired(struct keyspace *ks, int64_t until_ms);
/* Whether it is so now: what only reads keeps nothing of what it found out in a value either. */
bool keyspace_keeps_expired(const struct keyspace *ks);

/* Data is being loaded: nothing expires, nor counts as expired, until it is all there. For whoever may touch it. */
void keyspace_set_loading(struct keyspace *ks, bool on);
bool keyspace_is_loading(const struct keyspace *ks);

/* Whether this deadline has passed: a key that is given it is to be deleted at once. */
bool keyspace_is_past(const struct keyspace *ks, int64_t deadline_ms);

/* Called with each key that expiry takes away, before it goes: the owner makes a DEL effect and a notification. */
typedef void keyspace_expired(void *arg, uint32_t db, struct slice key);
void keyspace_on_expired(struct keyspace *ks, keyspace_expired *fn, void *arg);

/* How a string that is set may be kept: as an integer where that loses nothing, as text (embstr or raw by its length),
 * or raw, as Redis keeps what APPEND and SETRANGE made. */
enum string_form { STRING_ENCODED, STRING_PLAIN, STRING_RAW };

/* Creates the string key or gives it a new value, which must not lie in its entry; place comes from keyspace_write of
 * the same key. The expiry of the result is expiry_ms (EXPIRY_NONE: none). Returns where it is now. */
struct place keyspace_set_string(struct keyspace *ks, struct place place, const struct key *key, struct slice value,
                                 int64_t expiry_ms, enum string_form form);
/* As above with a blob of any size, whose reference is taken over. */
struct place keyspace_set_blob(struct keyspace *ks, struct place place, const struct key *key, struct blob *value,
                               int64_t expiry_ms);
struct place keyspace_set_int(struct keyspace *ks, struct place place, const struct key *key, int64_t value,
                              int64_t expiry_ms);

/* Gives a string that lies in its entry (not ENC_INT, not ENC_BLOB) another length, at most ENTRY_INLINE_BYTES_MAX; it
 * is raw from now on. Returns its bytes, of which those past the old length are for the caller to fill. */
char *keyspace_resize_string(struct keyspace *ks, struct place *place, size_t len);
/* The blob of an ENC_BLOB string, for the caller to write bytes [first, end) of: it is at least end long from now on,
 * and what lies between its old length and first is for the caller to fill, too. It is copied first if others hold it,
 * but for a snapshot that follows it: that is given the ranges that change. */
struct blob *keyspace_change_blob(struct keyspace *ks, struct place *place, size_t first, size_t end);

/* What values of this keyspace are made in. */
struct value_home *keyspace_values(struct keyspace *ks);
/* Creates a key with a value of another type than string, made in keyspace_values and taken over, or gives it to one
 * that there is; place comes from keyspace_write of the same key. */
struct place keyspace_set_value(struct keyspace *ks, struct place place, const struct key *key,
                                const struct typed_value *value, int64_t expiry_ms);
/* The value of an entry that is no string, for the caller to change. What it is afterwards, if not the same address and
 * encoding (a flat value moves when it grows), is told with keyspace_put_value, which frees nothing. */
void *keyspace_change_value(struct keyspace *ks, struct place place);
void keyspace_put_value(struct place place, enum encoding encoding, void *value);

/* Removes a live entry and frees its value; a large one in slices, by keyspace_free_step. */
void keyspace_remove(struct keyspace *ks, struct place place, const struct key *key);

/* expiry_ms EXPIRY_NONE: persistent from now on. The entry may move; place is updated. */
void keyspace_set_expiry(struct keyspace *ks, struct place *place, const struct key *key, int64_t expiry_ms);

/* Moves the value, with its expiry, from one key to another, which may lie in another keyspace (the caller holds both);
 * dst replaces what was there. */
void keyspace_move(struct keyspace *src, struct place from, const struct key *src_key, struct keyspace *dst,
                   uint32_t dst_db, const struct key *dst_key);
/* A deep copy (COPY); same rules. */
void keyspace_copy(struct keyspace *src, struct place from, struct keyspace *dst, uint32_t dst_db,
                   const struct key *dst_key);

/* Empties one database; the old content is freed in slices by keyspace_free_step, or at once if sync. Returns the
 * number of keys that went. */
uint64_t keyspace_flush(struct keyspace *ks, uint32_t db, bool sync);
void keyspace_swap(struct keyspace *ks, uint32_t a, uint32_t b);

/* Numbers that any thread may read. db < databases. expires: keys with an expiry; avg_ttl_ms: estimate, 0 if none. */
uint64_t keyspace_size(const struct keyspace *ks, uint32_t db);
uint64_t keyspace_expires(const struct keyspace *ks, uint32_t db);
int64_t keyspace_avg_ttl_ms(const struct keyspace *ks, uint32_t db);
const struct keyspace_stats *keyspace_stats(const struct keyspace *ks);
/* Sets those back to zero. By the owner. */
void keyspace_reset_stats(struct keyspace *ks);
/* The lowest database from db on that got a key since it was last emptied, or DATABASE_NONE. Any thread. Whoever has to
 * do with all databases goes from one to the next with it: there may be two thousand million. */
uint32_t keyspace_next_database(const struct keyspace *ks, uint32_t db);

/* SCAN: calls fn for entries from position on (a hash prefix of KEYSPACE_POSITION_BITS), bucket by bucket, until at
 * least count entries were seen or buckets_max buckets visited; returns the position to go on from, 0 when the end was
 * reached. Every key that is there during the whole iteration is given at least once, whatever splits and merges happen
 * between calls. fn must not change the table. Expired entries are not given. */
enum { KEYSPACE_POSITION_BITS = 42 };
typedef void keyspace_visit(void *arg, struct entry *e);
uint64_t keyspace_scan(struct keyspace *ks, uint32_t db, uint64_t position, uint32_t count, uint32_t buckets_max,
                       keyspace_visit *fn, void *arg);

/* A uniformly random live key of db, or NULL entry. random: 64 random bits a call. */
struct place keyspace_random(struct keyspace *ks, uint32_t db, uint64_t (*random)(void *), void *arg);

/* Active expiry: deletes due keys until none is due or budget keys were looked at. Returns whether there is more to do
 * now. keyspace_next_expiry_ms: when the next call can have work (INT64_MAX: nothing has an expiry). */
bool keyspace_expire_step(struct keyspace *ks, uint32_t budget);
int64_t keyspace_next_expiry_ms(const struct keyspace *ks);

/* Frees about budget entries, or elements of large values, of what was removed; true if there is more. Also merges
 * sparse segments after mass deletion, and ends epochs that were given up. Costs next to nothing when there is nothing
 * to do. */
bool keyspace_free_step(struct keyspace *ks, uint32_t budget);

/* Snapshots. From keyspace_start_epoch on, what every bucket held at that moment is given to fn: by
 * keyspace_epoch_step, or before its first change if that comes first; entries one by one, none twice. fn copies what
 * it keeps; of a blob it may take a reference, then the bytes stay as they are, or follow it. keyspace_end_epoch gives
 * a snapshot up; fn is not called any more. An epoch starts only when the last one has been walked to its end
 * (keyspace_epoch_is_over): keyspace_epoch_step goes on with that after keyspace_end_epoch, and keyspace_free_step does
 * it too. */
typedef void keyspace_preimage(void *arg, uint32_t db, const struct entry *e);
/* The range at offset of a followed blob, which holds these bytes, is about to change. */
typedef void keyspace_range_preimage(void *arg, const struct blob *b, size_t offset, struct slice bytes);
void keyspace_start_epoch(struct keyspace *ks, keyspace_preimage *fn, keyspace_range_preimage *range_fn, void *arg);
/* Goes on with one segment of a table; false if nothing is left. */
bool keyspace_epoch_step(struct keyspace *ks);
bool keyspace_epoch_is_over(const struct keyspace *ks);
/* No blob is followed any more. */
void keyspace_end_epoch(struct keyspace *ks);

/* For fn, to read a large string by and by: returns a reference to the blob of e (ENC_BLOB), which the caller gives
 * back with keyspace_unfollow. Meanwhile one of over 64 KB may change in its place, but each range of BLOB_RANGE_BYTES
 * is given to range_fn before its first change. A string that outgrows its memory, is overwritten or removed leaves the
 * blob to the caller as it is. One that is shorter, or that others hold as well, is copied by whoever changes it. */
struct blob *keyspace_follow(struct keyspace *ks, const struct entry *e);
/* What the range at offset (a multiple of BLOB_RANGE_BYTES, below the length at the cut) held at the cut; range_fn is
 * not given it any more. ptr is NULL if it has been. Good until the next change of the keyspace. */
struct slice keyspace_followed_range(struct keyspace *ks, struct blob *b, size_t offset);
void keyspace_unfollow(struct keyspace *ks, struct blob *b);

#endif
