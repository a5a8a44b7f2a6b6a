#include "shard/keyspace.h"

#include "shard/database.h"
#include "src/base/assert.h"
#include "src/base/hash.h"
#include "src/base/num.h"
#include "src/base/planted.h"

enum { EMBSTR_BYTES_MAX = 44 };

/* ---- Databases ---- */

uint64_t database_hash(void *keyspace, const void *entry)
{
    const struct keyspace *ks = keyspace;
    struct slice key = entry_key(entry);
    return hash_bytes(key.ptr, key.len, ks->seed);
}

struct keyspace *keyspace_create(struct mem_account *account, uint32_t databases, uint64_t hash_seed)
{
    struct keyspace *ks = mem_zalloc(account, sizeof *ks);
    ks->account = account;
    ks->expire_at = INT64_MAX;
    ks->epoch_from = DATABASE_NONE;
    idset_init(&ks->used, databases);
    ks->seed = hash_seed;
    ks->values = (struct value_home){.account = account, .seed = hash_seed};
    size_t pages = (databases + (uint64_t)DATABASES_PER_PAGE - 1) / DATABASES_PER_PAGE;
    /* For two thousand million databases this is 256 MB of address space that nothing touches: not counted. */
    ks->page = mem_zalloc(NULL, pages * sizeof *ks->page);
    return ks;
}

void keyspace_destroy(struct keyspace *ks)
{
    struct database *d;
    while ((d = database_from(ks, 0)))
        keyspace_flush(ks, d->id, true);
    while (keyspace_free_step(ks, UINT32_MAX))
        ;
    for (struct database_page *page = ks->pages, *next; page; page = next) {
        next = page->next;
        mem_free(ks->account, page);
    }
    mem_free(NULL, (void *)ks->page);
    idset_deinit(&ks->used);
    mem_free(ks->account, ks);
}

static void database_put(struct keyspace *ks, uint32_t db, struct database *d)
{
    struct database_page *page = ks->page[db / DATABASES_PER_PAGE];
    if (!page) {
        page = mem_zalloc(ks->account, sizeof *page);
        page->next = ks->pages;
        ks->pages = page;
        atomic_store_explicit(&ks->page[db / DATABASES_PER_PAGE], page, memory_order_release);
    }
    struct database_numbers *numbers = &page->numbers[db % DATABASES_PER_PAGE];
    page->database[db % DATABASES_PER_PAGE] = d;
    if (d) {
        d->id = db;
        d->numbers = numbers;
        idset_add(&ks->used, db);
    } else {
        idset_remove(&ks->used, db);
    }
}

/* What others read of db from now on: copied, so that both numbers of a swap can be taken first. */
static void put_numbers(struct keyspace *ks, uint32_t db, uint64_t size, uint64_t expires, uint64_t ttl_sum)
{
    struct database_numbers *n = (struct database_numbers *)database_numbers_of(ks, db);
    atomic_store_explicit(&n->size, size, memory_order_relaxed);
    atomic_store_explicit(&n->expires, expires, memory_order_relaxed);
    atomic_store_explicit(&n->ttl_sum, ttl_sum, memory_order_relaxed);
}

static struct database *database_create(struct keyspace *ks, uint32_t db)
{
    struct database *d = mem_zalloc(ks->account, sizeof *d);
    table_init(&d->table, ks->account, database_hash, ks);
    d->keyspace = ks;
    database_put(ks, db, d);
    return d;
}

void database_detach(struct keyspace *ks, struct database *d)
{
    database_put(ks, d->id, NULL);
    put_numbers(ks, d->id, 0, 0, 0);
}

void keyspace_swap(struct keyspace *ks, uint32_t a, uint32_t b)
{
    struct database *in_a = database_of(ks, a), *in_b = database_of(ks, b);
    if (a == b || (!in_a && !in_b))
        return;
    /* A snapshot knows databases by their number. */
    if (in_a)
        walk_settle(in_a);
    if (in_b)
        walk_settle(in_b);
    uint64_t size[2] = {keyspace_size(ks, a), keyspace_size(ks, b)};
    uint64_t expires[2] = {keyspace_expires(ks, a), keyspace_expires(ks, b)};
    uint64_t sum[2] = {in_a ? in_a->numbers->ttl_sum : 0, in_b ? in_b->numbers->ttl_sum : 0};
    database_put(ks, a, in_b);
    database_put(ks, b, in_a);
    put_numbers(ks, a, size[1], expires[1], sum[1]);
    put_numbers(ks, b, size[0], expires[0], sum[0]);
}

void keyspace_set_time(struct keyspace *ks, int64_t now_ms)
{
    if (atomic_load_explicit(&ks->created, memory_order_relaxed) == 0)
        atomic_store_explicit(&ks->created, now_ms, memory_order_relaxed);
    atomic_store_explicit(&ks->now, now_ms, memory_order_relaxed);
    expire_time_set(ks, now_ms);
    ks->clock = (uint32_t)(now_ms / 1000);
}

void keyspace_set_no_touch(struct keyspace *ks, bool on) { ks->no_touch = on; }

void keyspace_keep_expired(struct keyspace *ks, int64_t until_ms)
{
    atomic_store_explicit(&ks->keep_until, until_ms, memory_order_relaxed);
}

bool keyspace_keeps_expired(const struct keyspace *ks)
{
    return keyspace_now_ms(ks) < atomic_load_explicit(&ks->keep_until, memory_order_relaxed);
}

void keyspace_set_loading(struct keyspace *ks, bool on) { ks->loading = on && !PLANTED(PLANTED_EXPIRY_LOADING); }

bool keyspace_is_loading(const struct keyspace *ks) { return ks->loading; }

bool keyspace_is_past(const struct keyspace *ks, int64_t deadline_ms)
{
    return deadline_ms <= keyspace_now_ms(ks) && !ks->loading;
}

void keyspace_on_expired(struct keyspace *ks, keyspace_expired *fn, void *arg)
{
    ks->expired = fn;
    ks->expired_arg = arg;
}

uint64_t keyspace_size(const struct keyspace *ks, uint32_t db)
{
    const struct database_numbers *n = database_numbers_of(ks, db);
    return n ? atomic_load_explicit(&n->size, memory_order_relaxed) : 0;
}

uint64_t keyspace_expires(const struct keyspace *ks, uint32_t db)
{
    const struct database_numbers *n = database_numbers_of(ks, db);
    return n ? atomic_load_explicit(&n->expires, memory_order_relaxed) : 0;
}

const struct keyspace_stats *keyspace_stats(const struct keyspace *ks) { return &ks->stats; }

void keyspace_reset_stats(struct keyspace *ks)
{
    _Atomic uint64_t *counters[] = {&ks->stats.hits, &ks->stats.misses, &ks->stats.expired,
                                    &ks->stats.expired_stale_scans};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++)
        atomic_store_explicit(counters[i], 0, memory_order_relaxed);
}

uint32_t keyspace_next_database(const struct keyspace *ks, uint32_t db) { return idset_next(&ks->used, db); }

/* ---- Finding ---- */

void keyspace_look_ahead(const struct keyspace *ks, uint32_t db, uint64_t hash, struct lookahead *l)
{
    const struct database *d = database_of(ks, db);
    if (d)
        table_look_ahead(&d->table, hash, l);
}

static bool is_key(const void *key, const void *entry)
{
    const struct key *k = key;
    const struct entry *e = entry;
    return e->key_len == k->len && bytes_equal(e->data + entry_key_offset(e), k->ptr, k->len);
}

static struct table_place table_place_of(struct place p) { return (struct table_place){p.bucket, p.slot}; }

static inline __attribute__((always_inline)) struct place find(const struct keyspace *ks, uint32_t db,
                                                               const struct key *key)
{
    struct place p = {.db = db};
    struct database *d = database_of(ks, db);
    struct table_place at;
    if (d && (p.entry = table_find(&d->table, key->hash, is_key, key, &at))) {
        p.bucket = at.bucket;
        p.slot = at.slot;
    }
    return p;
}

/* As find, without an expired entry, which goes unless it is only looked for and CLIENT PAUSE keeps it. */
static inline __attribute__((always_inline)) struct place find_live(struct keyspace *ks, uint32_t db,
                                                                    const struct key *key, bool to_write)
{
    struct place p = find(ks, db, key);
    if (p.entry && __builtin_expect(entry_is_expired(ks, p.entry), 0)) {
        if (to_write || !keyspace_keeps_expired(ks))
            database_expire(database_of(ks, db), table_place_of(p), key->hash);
        p.entry = NULL;
    }
    return p;
}

static inline void set_access(struct keyspace *ks, struct entry *e)
{
    if (e && e->access != ks->clock)
        e->access = ks->clock;
}

static inline void touch(struct keyspace *ks, struct entry *e)
{
    if (!ks->no_touch)
        set_access(ks, e);
}

static inline __attribute__((always_inline)) struct place look(struct keyspace *ks, uint32_t db, const struct key *key)
{
    struct place p = find_live(ks, db, key, false);
    counter_add(p.entry ? &ks->stats.hits : &ks->stats.misses, 1);
    return p;
}

struct place keyspace_look(struct keyspace *ks, uint32_t db, const struct key *key) { return look(ks, db, key); }

struct place keyspace_read(struct keyspace *ks, uint32_t db, const struct key *key)
{
    struct place p = look(ks, db, key);
    touch(ks, p.entry);
    return p;
}

struct place keyspace_touch(struct keyspace *ks, uint32_t db, const struct key *key)
{
    struct place p = keyspace_look(ks, db, key);
    set_access(ks, p.entry);
    return p;
}

struct place keyspace_write(struct keyspace *ks, uint32_t db, const struct key *key)
{
    struct place p = find_live(ks, db, key, true);
    touch(ks, p.entry);
    return p;
}

struct place keyspace_peek(const struct keyspace *ks, uint32_t db, const struct key *key)
{
    struct place p = find(ks, db, key);
    if (p.entry && entry_is_expired(ks, p.entry))
        p.entry = NULL;
    return p;
}

uint64_t keyspace_idle_seconds(const struct keyspace *ks, const struct entry *e)
{
    uint32_t now = ks->clock;
    return now > e->access ? now - e->access : 0;
}

void keyspace_set_idle_seconds(struct keyspace *ks, struct entry *e, uint64_t seconds)
{
    e->access = seconds < ks->clock ? ks->clock - (uint32_t)seconds : 0;
}

/* ---- Changing ----
 *
 * Every change of an entry goes through before_change, with which a snapshot sees the bucket that the entry is in. */

static void before_change(struct database *d, struct place p) { table_before_change(&d->table, p.bucket); }

/* The entry at place became e, and had the deadline before. */
static struct place moved(struct database *d, struct place p, const struct key *key, struct entry *e, int64_t before)
{
    int64_t after = entry_expiry_ms(e);
    if (e != p.entry)
        table_replace(table_place_of(p), e);
    if (before != after)
        expire_changed(d, e, key->hash, before, after);
    p.entry = e;
    return p;
}

static struct place write_entry(struct keyspace *ks, struct place p, const struct key *key,
                                const struct entry_content *content, int64_t expiry_ms)
{
    struct database *d = database_of(ks, p.db);
    if (p.entry) {
        int64_t before = entry_expiry_ms(p.entry);
        before_change(d, p);
        return moved(d, p, key, entry_write(&ks->values, p.entry, key_slice(key), content, expiry_ms), before);
    }
    if (!d)
        d = database_create(ks, p.db);
    p.entry = entry_write(&ks->values, NULL, key_slice(key), content, expiry_ms);
    p.entry->access = ks->clock;
    struct table_place at = table_insert(&d->table, key->hash, p.entry);
    p.bucket = at.bucket;
    p.slot = at.slot;
    counter_add(&d->numbers->size, 1);
    if (expiry_ms != EXPIRY_NONE)
        expire_changed(d, p.entry, key->hash, EXPIRY_NONE, expiry_ms);
    return p;
}

struct place keyspace_set_string(struct keyspace *ks, struct place place, const struct key *key, struct slice value,
                                 int64_t expiry_ms, enum string_form form)
{
    struct entry_content content = {.string = value};
    if (form == STRING_ENCODED && value.len <= NUM_INT_CHARS && num_parse_i64(value, &content.integer)) {
        content.encoding = ENC_INT;
    } else if (value.len > ENTRY_INLINE_BYTES_MAX) {
        content.encoding = ENC_BLOB;
        content.blob = blob_create(value.len);
        content.blob->len = value.len;
        memcpy(content.blob->data, value.ptr, value.len);
    } else {
        content.encoding = form == STRING_RAW || value.len > EMBSTR_BYTES_MAX ? ENC_RAW : ENC_EMBSTR;
    }
    return write_entry(ks, place, key, &content, expiry_ms);
}

struct place keyspace_set_blob(struct keyspace *ks, struct place place, const struct key *key, struct blob *value,
                               int64_t expiry_ms)
{
    struct entry_content content = {.encoding = ENC_BLOB, .blob = value};
    return write_entry(ks, place, key, &content, expiry_ms);
}

struct place keyspace_set_int(struct keyspace *ks, struct place place, const struct key *key, int64_t value,
                              int64_t expiry_ms)
{
    struct entry_content content = {.encoding = ENC_INT, .integer = value};
    return write_entry(ks, place, key, &content, expiry_ms);
}

char *keyspace_resize_string(struct keyspace *ks, struct place *place, size_t len)
{
    ASSERT(!entry_has_word(place->entry) && len <= ENTRY_INLINE_BYTES_MAX);
    before_change(database_of(ks, place->db), *place);
    struct entry *e = entry_resize(&ks->values, place->entry, len);
    if (e != place->entry)
        table_replace(table_place_of(*place), e);
    place->entry = e;
    return entry_inline(e);
}

/* Room to spare, so that a value made by many small APPENDs is not copied each time. */
static size_t blob_room(size_t len)
{
    const size_t spare_max = 1024 * 1024;
    return len + (len < spare_max ? len : spare_max);
}

struct blob *keyspace_change_blob(struct keyspace *ks, struct place *place, size_t first, size_t end)
{
    before_change(database_of(ks, place->db), *place);
    struct blob *old = entry_blob(place->entry), *b = old;
    size_t had = old->len, len = end > had ? end : had;
    mem_count(ks->account, -(int64_t)blob_memory(old));
    if (blob_is_exclusive(old)) {
        if (len > old->cap)
            b = blob_grow(old, blob_room(len));
    } else if (len > old->cap || !walk_give_ranges(ks, old, first < had ? first : had, end < had ? end : had)) {
        b = blob_create(len > had ? blob_room(len) : len);
        memcpy(b->data, old->data, had);
        blob_release(old);
    }
    b->len = len;
    mem_count(ks->account, (int64_t)blob_memory(b));
    memcpy(place->entry->data + entry_word_offset(place->entry), &b, sizeof b);
    return b;
}

struct value_home *keyspace_values(struct keyspace *ks) { return &ks->values; }

struct place keyspace_set_value(struct keyspace *ks, struct place place, const struct key *key,
                                const struct typed_value *value, int64_t expiry_ms)
{
    struct entry_content content = {.type = value->type, .encoding = value->encoding, .value = value->ptr};
    return write_entry(ks, place, key, &content, expiry_ms);
}

void *keyspace_change_value(struct keyspace *ks, struct place place)
{
    before_change(database_of(ks, place.db), place);
    return entry_value(place.entry);
}

void keyspace_put_value(struct place place, enum encoding encoding, void *value)
{
    entry_put_value(place.entry, encoding, value);
}

void database_remove(struct database *d, struct table_place at, uint64_t hash)
{
    struct entry *e = table_at(at);
    int64_t deadline = entry_expiry_ms(e);
    if (deadline != EXPIRY_NONE)
        expire_changed(d, e, hash, deadline, EXPIRY_NONE);
    table_remove(&d->table, hash, at);
    counter_add(&d->numbers->size, (uint64_t)-1);
    entry_destroy(&d->keyspace->values, e);
    if (table_is_sparse(&d->table))
        d->keyspace->sparse = true;
}

void database_expire(struct database *d, struct table_place at, uint64_t hash)
{
    struct keyspace *ks = d->keyspace;
    if (ks->expired)
        ks->expired(ks->expired_arg, d->id, entry_key(table_at(at)));
    counter_add(&ks->stats.expired, 1);
    database_remove(d, at, hash);
}

void keyspace_remove(struct keyspace *ks, struct place place, const struct key *key)
{
    database_remove(database_of(ks, place.db), table_place_of(place), key->hash);
}

void keyspace_set_expiry(struct keyspace *ks, struct place *place, const struct key *key, int64_t expiry_ms)
{
    struct database *d = database_of(ks, place->db);
    struct entry *e = place->entry;
    int64_t before = entry_expiry_ms(e);
    if (before == expiry_ms)
        return;
    before_change(d, *place);
    *place = moved(d, *place, key, entry_set_expiry(&ks->values, e, expiry_ms), before);
}

/* ---- From one key to another ---- */

/* What a copy of e in dst is made of. */
static struct entry_content copied(const struct entry *e, struct keyspace *dst)
{
    struct entry_content content = {.type = e->type, .encoding = e->encoding};
    if (e->type != TYPE_STRING)
        content.value = value_copy(&dst->values, entry_typed_value(e));
    else if (e->encoding == ENC_INT)
        content.integer = entry_int(e);
    else if (e->encoding == ENC_BLOB) /* whoever changes it first makes the copy */
        content.blob = blob_hold(entry_blob(e));
    else
        content.string = slice_of(e->data + entry_key_offset(e) + e->key_len, e->value_len);
    return content;
}

/* Returns the new entry. */
static struct entry *write_from(const struct entry *e, const struct entry_content *content, struct keyspace *dst,
                                uint32_t dst_db, const struct key *dst_key)
{
    int64_t expiry_ms = entry_expiry_ms(e);
    struct place to = keyspace_write(dst, dst_db, dst_key);
    ASSERT(to.entry != e);
    return write_entry(dst, to, dst_key, content, expiry_ms).entry;
}

void keyspace_copy(struct keyspace *src, struct place from, struct keyspace *dst, uint32_t dst_db,
                   const struct key *dst_key)
{
    struct entry_content content = copied(from.entry, dst);
    write_from(from.entry, &content, dst, dst_db, dst_key)->flags |= ENTRY_UNSHARED;
}

void keyspace_move(struct keyspace *src, struct place from, const struct key *src_key, struct keyspace *dst,
                   uint32_t dst_db, const struct key *dst_key)
{
    struct entry *e = from.entry;
    uint8_t unshared = e->flags & ENTRY_UNSHARED;
    struct entry_content content = {.type = e->type, .encoding = e->encoding};
    if (e->type == TYPE_STRING) {
        content = copied(e, dst);
    } else {
        before_change(database_of(src, from.db), from);
        content.value = entry_take_value(e);
        value_move(&src->values, &dst->values, content.encoding, content.value);
    }
    write_from(e, &content, dst, dst_db, dst_key)->flags |= unshared;
    struct place gone = find(src, from.db, src_key);
    ASSERT(gone.entry == e);
    keyspace_remove(src, gone, src_key);
}
